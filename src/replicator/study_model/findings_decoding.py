"""Results read off latent values."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from replicator.study_model.findings_levels import ADDITIVE, LEVELLED
from replicator.study_model.findings_results import Results

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]


def decode(results: Results, latent: Floats, row: Codes, column: Codes) -> tuple[Codes, Floats]:
    """Read levels and probabilities or transformed values off latent values.

    Parameters
    ----------
    latent : (n_occasions, n_columns) float64
        From :meth:`~replicator.study_model.findings_values.Values.sample`.
    row, column : (n,) int
        Which ones.

    Returns
    -------
    level : (n,) int
        Of levelled columns; 0 for others.
    value : (n,) float64
        What :meth:`Results.numbers` takes.
    """
    value = latent.ravel()[row * latent.shape[1] + column]
    form = results.form[column]
    level = np.zeros(len(row), np.intp)
    normal = np.flatnonzero(form != ADDITIVE)
    value[normal] = ndtr(value[normal])
    there, i = np.flatnonzero(form == LEVELLED), 0
    edge, last = results.edges
    while len(there):  # who is beyond an edge is asked about the next
        of = column[there]
        there = there[(value[there] >= edge[of, i]) & (last[of] > i)]
        level[there] += 1
        i += 1
    return level, value

"""Results read off latent values."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from replicator.special import ndtr
from replicator.study_model.findings.levels import ADDITIVE, LEVELLED
from replicator.study_model.findings.results import Results

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]
Flags = NDArray[np.bool_]


def decode(results: Results, latent: Floats, row: Codes, column: Codes) -> tuple[Codes, Floats]:
    """Read levels and probabilities or transformed values off latent values.

    Parameters
    ----------
    latent : (n_occasions, n_columns) float64
        From :meth:`~replicator.study_model.findings.values.Values.sample`.
    row, column : (n,) int
        Which ones.

    Returns
    -------
    level : (n,) int
        Of levelled columns; 0 for others.
    value : (n,) float64
        What :meth:`Results.numbers` takes.
    """
    value = latent.ravel().take(row * latent.shape[1] + column)
    form = results.form.take(column)
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


def decode_results(results: Results, latent: Floats, occasion: Codes, series: Codes, site: Codes) -> tuple[Floats, Codes]:
    """Return number and token (-1 for a number) of each (occasion, series); `site` is that of each occasion."""
    token, number = np.full(len(series), -1, np.intp), np.full(len(series), np.nan)
    value = results.value[series]
    if results.token.size:  # else there is no text that enough subjects share
        stated = np.flatnonzero(results.state[series] >= 0)
        column = results.state[series[stated]]
        token[stated] = results.token[column, decode(results, latent, occasion[stated], column)[0]]
        levelled = np.flatnonzero((token < 0) & (results.form[value] == LEVELLED))
        column = value[levelled]
        token[levelled] = results.token[column, decode(results, latent, occasion[levelled], column)[0]]
    counted = np.flatnonzero((token < 0) & (results.form[value] != LEVELLED))
    column, where = value[counted], np.ones(len(counted), bool)
    found = decode(results, latent, occasion[counted], column)[1]
    number[counted] = results.numbers(found, column, where, site[occasion[counted]])
    return number, results.limits.tell(number, series, token)


def decode_answers(results: Results, latent: Floats, row: Codes, series: Codes) -> tuple[Floats, Codes]:
    """Number and token of each (row of `latent`, series) that is no measurement: these alone hang on the site."""
    return decode_results(results, latent, row, series, np.zeros(len(latent), np.intp))


def columns_of(results: Results, series: Codes) -> Codes:
    """Latent columns of some series."""
    columns = np.unique(np.concatenate([results.value[series], results.state[series]]))
    return columns[columns >= 0].astype(np.intp)


def decode_codes(results: Results, series: Codes, latent: Floats, seen: Flags, site: Codes) -> Floats:
    """Results of some series as numbers, below 0 for tokens: (n_occasions, n_series), NaN elsewhere and where nothing is `seen`."""
    out = np.full(seen.shape, np.nan)
    rows, which = np.nonzero(seen[:, series])
    number, token = decode_results(results, latent, rows, series[which], site)
    out[rows, series[which]] = np.where(token >= 0, -1.0 - token, number)
    return out

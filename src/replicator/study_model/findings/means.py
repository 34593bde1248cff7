"""Means of results by visit and arm, and what sites and the nearness of a death add to them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from replicator.models.cell_means import CellMeans
from replicator.models.class_effects import fit_class_effects
from replicator.models.group_effects import shrink_means
from replicator.study_model.findings.circumstances import Circumstances
from replicator.study_model.findings.levels import ADDITIVE, LEVELLED, Observed, subject_weights
from replicator.study_model.findings.results import Results

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]

FEWEST_OTHERS = 2  # times k subjects who once had another level than the usual one, from which visits and arms tell them apart
MOST_EXPLAINED = 0.8  # of a latent normal's variance by visit and arm
ROUNDS = 3  # of means of visits given what precedes deaths, and that given the means


def ever_other(results: Results, observed: Observed, subject: Codes) -> Codes:
    """Subjects who ever had another level than the most frequent one: (n_columns,)."""
    usual = results.share.argmax(axis=1) if results.share.size else np.zeros(len(results.form), np.intp)
    other = observed.level != usual[observed.column]
    pairs = np.unique(np.stack([observed.column[other], subject[other]]), axis=1)
    return np.bincount(pairs[0], minlength=len(results.form))


def site_effects(rest: Floats, column: Codes, subject: Codes, site: Codes, sizes: tuple[int, int], k: int) -> Floats:
    """How far subjects of a site lie from others of their arm and visit: (n_columns, n_sites + 1), drawn towards 0."""
    n_columns, n_sites = sizes
    out = np.zeros((n_columns, n_sites + 1))
    known = np.flatnonzero(site < n_sites)
    if not n_sites or not len(known):
        return out
    span = int(subject.max()) + 1
    pair, first, inverse = np.unique(column[known] * span + subject[known], return_index=True, return_inverse=True)
    mean = group_means(rest[known], inverse, len(pair))
    cell = pair // span * n_sites + site[known[first]]
    n = np.bincount(cell, minlength=n_columns * n_sites).reshape(n_columns, n_sites).astype(np.float64)
    centre = group_means(mean, cell, n_columns * n_sites).reshape(n.shape)
    variance = _variance(mean, cell, n_columns * n_sites).reshape(n.shape)
    for j in range(n_columns):
        there = np.flatnonzero(n[j])
        if len(there):
            out[j, there] = shrink_means(n[j, there], centre[j, there], variance[j, there], k=k)
    return out


def means_and_endings(
    y: Floats, column: Codes, subject: Codes, at: Circumstances, sizes: tuple[int, int, int, int, int], k: int
) -> tuple[Floats, Floats]:
    """Means (n_columns, n_arms, n_cells), and what comes to them before a death (n_columns, n_endings); each given the other."""
    endings = np.zeros((sizes[0], sizes[4]))
    shift = CellMeans.fit(y, column, subject, at.arm, at.cell, sizes[:3], fewest=k).mean
    for _ in range(ROUNDS):
        rest = y - shift[column, at.arm, at.cell]
        endings = fit_class_effects(rest, column, subject, at.ending, (sizes[0], sizes[4]), fewest=k)
        if not endings.any():
            break
        shift = CellMeans.fit(y - endings[column, at.ending], column, subject, at.arm, at.cell, sizes[:3], fewest=k).mean
    return shift, endings


def latent_shift(
    shift: Floats,
    sites: Floats,
    endings: Floats,
    shown: Floats,
    form: NDArray[np.int64],
    column: Codes,
    at: Circumstances,
    subject: Codes,
) -> tuple[Floats, Floats, Floats, Floats]:
    """Means of level scores as shifts of a latent normal whose levels keep their shares over all rows, and its width.

    Parameters
    ----------
    at : Circumstances
        Of each row.

    Returns
    -------
    shift : (n_columns, n_arms, n_cells) float64
        Of additive columns as it was.
    sites, endings : (n_columns, n_sites + 1), (n_columns, n_endings) float64
        Likewise.
    width : (n_columns,) float64
        What is left of the standard deviation of 1; 1 for additive columns.
    """
    n = len(shift)
    discrete = form != ADDITIVE
    alike = subject_weights(column * (int(subject.max(initial=0)) + 1) + subject)
    weight = np.where(form[column] == LEVELLED, alike, 1.0)
    total = np.bincount(column, weights=weight, minlength=n)
    mean = shift[column, at.arm, at.cell] + endings[column, at.ending]
    middle = np.where(discrete, np.bincount(column, weights=weight * mean, minlength=n) / np.maximum(total, 1e-9), 0.0)
    moved, ended = (shift - middle[:, None, None]) / shown[:, None, None], endings / shown[:, None]
    # a site's share of the variance is that of the scores: where a level is rare, its mean is no measure of so large a shift
    told = sites / np.sqrt(shown[:, None])
    explained = _variance(moved[column, at.arm, at.cell] + told[column, at.site] + ended[column, at.ending], column, n)
    scale = np.where(discrete, np.sqrt(np.minimum(1.0, MOST_EXPLAINED / np.maximum(explained, 1e-12))), 1.0)[:, None]
    moved = np.where(discrete[:, None, None], moved * scale[:, :, None], shift)
    told, ended = np.where(discrete[:, None], told * scale, sites), np.where(discrete[:, None], ended * scale, endings)
    return moved, told, ended, np.where(discrete, np.sqrt(1 - np.minimum(explained, MOST_EXPLAINED)), 1.0)


def group_means(values: Floats, group: Codes, n: int) -> Floats:
    """Mean of values (n_rows,) by group: (n,), 0 where there is none."""
    return np.bincount(group, weights=values, minlength=n) / np.maximum(np.bincount(group, minlength=n), 1)


def _variance(values: Floats, group: Codes, n: int) -> Floats:
    count = np.maximum(np.bincount(group, minlength=n), 1)
    mean = np.bincount(group, weights=values, minlength=n) / count
    return np.bincount(group, weights=(values - mean[group]) ** 2, minlength=n) / count

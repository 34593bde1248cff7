"""Distances between two sets of subjects for all splits at once: counts per subject, times masks over subjects."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from replicator.evaluation.splits import Splits

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Statistic: TypeAlias = Callable[[NDArray[np.bool_]], tuple[Floats, Floats]]
"""What masks over subjects (n_splits, n_subjects) show, and how many are behind it, a row each."""

FEWEST_ROWS = 8  # on either side, for a distance to be told
MOST_BINS = 256
BY_CHANCE = 1e-4  # probability that so many real subjects all lack something, or are alike, from which a sample may be so


def count_matrix(subject: Ints, codes: Ints, n_subjects: int, n_codes: int) -> sparse.csr_matrix:
    """Count codes by subject.

    Parameters
    ----------
    subject, codes : (n_rows,) int
        Rows with -1 in either are left out.

    Returns
    -------
    (n_subjects, n_codes) sparse matrix
    """
    known = (subject >= 0) & (codes >= 0)
    ones = np.ones(int(known.sum()))
    return sparse.csr_matrix((ones, (subject[known], codes[known])), shape=(n_subjects, n_codes))


def binned(values: Floats) -> tuple[Ints, int]:
    """Number the values in order, equal ones alike, in at most :data:`MOST_BINS` bins of about equal size; -1 where NaN.

    Returns
    -------
    codes : (n,) int64
    n_bins : int
    """
    finite = np.isfinite(values)
    codes = np.full(len(values), -1, np.int64)
    unique = np.unique(values[finite])
    if len(unique) > MOST_BINS:
        unique = np.unique(np.quantile(values[finite], np.linspace(0.0, 1.0, MOST_BINS)))
    codes[finite] = np.minimum(np.searchsorted(unique, values[finite], side="left"), max(len(unique) - 1, 0))
    return codes, len(unique)


def shares(splits_mask: NDArray[np.bool_], counts: sparse.csr_matrix) -> tuple[Floats, Floats]:
    """Return the distribution over codes in each split, (n_splits, n_codes), and the number of rows behind it, (n_splits,)."""
    totals = np.asarray(splits_mask.astype(np.float64) @ counts)
    rows = totals.sum(axis=1)
    return totals / np.maximum(rows, 1.0)[:, None], rows


def compare_counts(
    splits: Splits, counts: sparse.csr_matrix, members: NDArray[np.bool_] | None = None, *, ordered: bool = False
) -> tuple[Floats, Floats]:
    """Compare distributions over codes.

    Parameters
    ----------
    counts : (n_subjects, n_codes) sparse matrix
    members : (n_subjects,) bool, optional
        Compare by how much these subjects' distribution differs from that of all of their side.
    ordered : bool
        Codes are numbered values: the Kolmogorov-Smirnov distance, else the total variation.

    Returns
    -------
    sample, floor : (n_splits,) float64
        Between 0 and 1; NaN for both where the reference or the floor has fewer than :data:`FEWEST_ROWS` rows. Where only the
        sample has none it is 1, or NaN where as many real subjects could have none as well (:func:`lacks_by_chance`).
    """
    told_by = contrast(lambda mask: shares(mask, counts), members)
    (reference, n_reference), (floor, n_floor), (sample, n_sample) = map(told_by, (splits.reference, splits.floor, splits.sample))
    told = (n_reference >= FEWEST_ROWS) & (n_floor >= FEWEST_ROWS)
    apart = _kolmogorov_smirnov if ordered else _total_variation
    lacking = np.where(lacks_by_chance(splits, sparse.csr_matrix(counts.sum(axis=1)), members)[:, 0], np.nan, 1.0)
    of_sample = np.where(n_sample > 0, np.minimum(apart(reference, sample), 1.0), lacking)
    return np.where(told, of_sample, np.nan), np.where(told, np.minimum(apart(reference, floor), 1.0), np.nan)


def lacks_by_chance(splits: Splits, having: sparse.csr_matrix, members: NDArray[np.bool_] | None = None) -> NDArray[np.bool_]:
    """Tell what a sample may lack: of what few real subjects have, as many as are sampled may all have nothing.

    Parameters
    ----------
    having : (n_subjects, n_groups) sparse matrix
        Above 0 where a subject has something.
    members : (n_subjects,) bool, optional
        Of these subjects alone.

    Returns
    -------
    (n_splits, n_groups) bool
        Whether as many subjects as are sampled, drawn independently, would all lack it with a probability above :data:`BY_CHANCE`.
    """
    real, drawn = splits.reference | splits.floor, splits.sample.sum(axis=1)[:, None]
    n = real.sum(axis=1, dtype=np.float64)[:, None]
    looked_at = real if members is None else real & members
    share = np.asarray(looked_at.astype(np.float64) @ (having.tocsr() > 0).astype(np.float64)) / np.maximum(n, 1.0)
    return np.asarray((drawn > 0) & ((1.0 - np.minimum(share, 1.0)) ** drawn > BY_CHANCE))


def contrast(statistic: Statistic, members: NDArray[np.bool_] | None) -> Statistic:
    """By how much a statistic of `members` (n_subjects,) differs from that of all of their side, and the number behind theirs."""
    if members is None:
        return statistic

    def of_members(mask: NDArray[np.bool_]) -> tuple[Floats, Floats]:
        own, n = statistic(mask & members)
        return own - statistic(mask)[0], n

    return of_members


def _total_variation(a: Floats, b: Floats) -> Floats:
    return np.asarray(0.5 * np.abs(a - b).sum(axis=1))


def _kolmogorov_smirnov(a: Floats, b: Floats) -> Floats:
    return np.asarray(np.abs(np.cumsum(a, axis=1) - np.cumsum(b, axis=1)).max(axis=1, initial=0.0))

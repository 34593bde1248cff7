"""Bins in which at least five subjects of the source stand, so that no bar, step or edge belongs to one of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import sparse

from replicator.evaluation.distances import Floats, Ints, count_matrix
from replicator.evaluation.sharing import FEWEST_SHARED

STEPS = (1.0, 2.0, 5.0, 10.0, 20.0)


def shared_range(values: Floats, subject: Ints) -> tuple[float, float] | None:
    """Return the means of the five lowest and of the five highest subjects' extreme values; None with fewer subjects.

    Parameters
    ----------
    values : (n,) float64
        NaN is left out.
    subject : (n,) int64
        Never negative.
    """
    finite = np.isfinite(values)
    by_subject = pd.Series(values[finite]).groupby(subject[finite])
    low, high = np.sort(by_subject.min().to_numpy(np.float64)), np.sort(by_subject.max().to_numpy(np.float64))
    if len(low) < FEWEST_SHARED:
        return None
    return float(low[:FEWEST_SHARED].mean()), float(high[-FEWEST_SHARED:].mean())


def round_edges(low: float, high: float, most: int) -> Floats:
    """Edges at round numbers that span `low` to `high` in at most `most` bins, one at least.

    Examples
    --------
    >>> round_edges(3.2, 11.0, 5)
    array([ 2.,  4.,  6.,  8., 10., 12.])
    """
    size = max(abs(low), abs(high))
    span = high - low if high - low > 1e-9 * size else size or 1.0
    unit = 10.0 ** np.floor(np.log10(span / most))
    for step in (factor * unit for factor in STEPS):
        first, last = np.floor(low / step), np.ceil(high / step)
        if last - first <= most:
            break
    digits = max(2 - int(np.floor(np.log10(step))), 0)
    return np.asarray(np.round(np.arange(first, max(last, first + 1.0) + 1.0) * step, digits))


def bin_codes(values: Floats, edges: Floats) -> Ints:
    """Place values in bins, (n,); beyond the edges in the outer ones, -1 where NaN."""
    codes = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)
    return np.where(np.isfinite(values), codes, -1).astype(np.int64)


def merge_bins(having: sparse.csr_matrix) -> Ints | None:
    """Put neighbouring bins together, from the left, until each holds five subjects, or none.

    Parameters
    ----------
    having : (n_subjects, n_bins) sparse matrix
        Not 0 where a subject of the source has something in a bin.

    Returns
    -------
    (n_bins,) int64 or None
        The merged bin of each bin, from 0; None if fewer than five subjects have anything.
    """
    by_bin = having.tocsc()
    n_bins = by_bin.shape[1]
    starts, full = [0], [False]  # of each merged bin: where it begins, and whether five subjects are in it
    inside = np.empty(0, np.int64)
    for at in range(n_bins):
        who = by_bin.indices[by_bin.indptr[at] : by_bin.indptr[at + 1]]
        if at and (full[-1] or not len(inside)):  # the former is done, or empty and left as it is
            starts.append(at)
            full.append(False)
            inside = np.empty(0, np.int64)
        inside = np.union1d(inside, who[:FEWEST_SHARED]).astype(np.int64)
        full[-1] = len(inside) >= FEWEST_SHARED
    if not any(full):
        return None
    if len(inside) and not full[-1]:  # what is left over goes to the last that holds enough
        del starts[len(full) - full[::-1].index(True) :]
    return np.asarray(np.searchsorted(starts, np.arange(n_bins), side="right") - 1, np.int64)


def merged_edges(edges: Floats, group: Ints) -> tuple[float, ...]:
    """Edges of merged bins: (n_merged + 1,)."""
    starts = np.flatnonzero(np.append(True, np.diff(group) > 0))
    return tuple(float(edge) for edge in np.append(edges[:-1][starts], edges[-1]))


def subject_bins(subject: Ints, codes: Ints, n_subjects: int, n_bins: int) -> sparse.csr_matrix:
    """1 where a subject has a row in a bin: (n_subjects, n_bins)."""
    return count_matrix(subject, codes, n_subjects, n_bins).sign().tocsr()

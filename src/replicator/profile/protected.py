"""Summaries that belong to no one: quantiles and levels behind which at least `k` subjects stand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from replicator.distinct import distinct_values
from replicator.heavy import pandas as pd
from replicator.profile.study_profile import Level, Levels, Quantiles
from replicator.subject_groups import group_edges

MOST_LEVELS = 100  # named for a variable; the others are counted
_DIGITS = 6  # significant digits of what a profile holds
_INNER = (0.05, 0.25, 0.5, 0.75, 0.95)


def protected_quantiles(values: NDArray[np.float64], subject: NDArray[np.int64], k: int) -> Quantiles | None:
    """Summarise numbers by quantiles that each are a mean over at least `k` subjects.

    Parameters
    ----------
    values : (n,) float64
        NaN is left out.
    subject : (n,) int64
        Number of the subject of each value.
    k : int
        Fewest subjects.

    Returns
    -------
    Quantiles or None
        ``None`` if fewer than `k` subjects have a value.

    Notes
    -----
    The sorted values are parted into groups of at least `k` subjects (:func:`group_edges`), each told by the mean of its subjects'
    means, at its middle rank; quantiles lie on the line between neighbouring groups, `low` and `high` are the outer groups. So all
    that can be computed from them is of whole groups. Where a group and its neighbours share a value, as in scores, that is the
    value itself. Numbers are :func:`settled` before, mean and spread :func:`told`.
    """
    filled = ~np.isnan(values)
    values, subject = values[filled], subject[filled]
    values = settled(values, np.zeros(len(values), np.int64), subject, k)
    order = np.argsort(values, kind="stable")
    values, subject = values[order], subject[order]
    n = len(values)
    edges = group_edges(subject, k)
    if len(edges) < 2:
        return None
    group = np.repeat(np.arange(len(edges) - 1), np.diff(edges))
    middle = (edges[:-1] + edges[1:] - 1) / 2
    means = _means_of_means(values, subject, group)
    inner = np.interp(np.array(_INNER) * (n - 1), middle, means)
    spread = float(values.std(ddof=1)) if n > 1 else 0.0
    mean, spread = told(np.array([values.mean(), spread]), spread, len(distinct_values(subject))).tolist()
    return Quantiles(n, mean, spread, *(rounded(float(q)) for q in (means[0], *inner, means[-1])))


def _means_of_means(values: NDArray[np.float64], subject: NDArray[np.int64], group: NDArray[np.intp]) -> NDArray[np.float64]:
    """Mean over each group's subjects of their means within it: (n_groups,), not falling."""
    width = int(subject.max()) + 1
    pairs, code = distinct_values(group * width + subject, return_inverse=True)
    own = np.bincount(code, values) / np.bincount(code)
    of = pairs // width
    return np.maximum.accumulate(np.bincount(of, own) / np.bincount(of))


def told(value: NDArray[np.float64], sd: NDArray[np.float64] | float, n_subjects: NDArray[np.int64] | int) -> NDArray[np.float64]:
    """Write means and spreads to between a fifth and a half of a standard error, so that no difference of them tells a subject.

    Parameters
    ----------
    value : (...) float64
        Means or standard deviations.
    sd : (...) float64
        Standard deviation of the values; where it is 0, nothing is rounded but to six significant digits.
    n_subjects : (...) int
        Who have them.

    Notes
    -----
    The step is the largest of 1, 2 and 5 times a power of ten up to half of ``sd / sqrt(n_subjects)``. A value computed from n
    means of n and n - 1 is then uncertain by more than ``sd * sqrt(n) / 10``.
    """
    half = np.broadcast_to(np.asarray(sd, np.float64) / np.sqrt(np.maximum(n_subjects, 1)) / 2, np.shape(value))
    known = half > 0
    power = 10.0 ** np.floor(np.log10(np.where(known, half, 1.0)))
    lead = half / power
    step = power * np.where(lead >= 5, 5.0, np.where(lead >= 2, 2.0, 1.0))
    whole = np.where(known, np.round(value / step) * step, value)
    return np.vectorize(rounded, otypes=[np.float64])(whole) if np.size(whole) else whole


def settled(values: NDArray[np.float64], group: NDArray[np.int64], subject: NDArray[np.int64], k: int) -> NDArray[np.float64]:
    """Put the nearest number that `k` subjects share in the place of those that altogether fewer than `k` of a group have.

    Levels that are shared are told with their rows: taken away from a mean or a standard deviation they would leave the others.

    Parameters
    ----------
    values : (n,) float64
        NaN stays.
    group : (n,) int64
        What is told on its own, such as a test.
    subject : (n,) int64
    k : int
    """
    known = np.flatnonzero(~np.isnan(values))
    order = known[np.lexsort((values[known], group[known]))]
    value, of = values[order], group[order]
    code = np.cumsum(np.append(True, (np.diff(of) != 0) | (np.diff(value) != 0))[: len(order)]) - 1
    shared = (count_subjects(code, subject[order], int(code.max(initial=-1)) + 1) >= k)[code]
    n_groups = int(of.max(initial=-1)) + 1
    left = count_subjects(of[~shared], subject[order][~shared], n_groups)
    moved = np.flatnonzero(~shared & ((left < k) & (np.bincount(of[shared], minlength=n_groups) > 0))[of])
    out = values.copy()
    if len(moved):
        kept = np.flatnonzero(shared)
        after = np.searchsorted(kept, moved)
        sides = np.stack([kept[np.maximum(after - 1, 0)], kept[np.minimum(after, len(kept) - 1)]])
        apart = np.where(of[sides] == of[moved], np.abs(value[sides] - value[moved]), np.inf)
        out[order[moved]] = value[sides[apart.argmin(axis=0), np.arange(len(moved))]]
    return out


def rounded(value: float) -> float:
    """Round to six significant digits."""
    return float(f"{value:.{_DIGITS}g}")


def protected_levels(
    codes: NDArray[np.int64], names: Sequence[str], subject: NDArray[np.int64], k: int, most: int = MOST_LEVELS
) -> Levels:
    """Count the levels that at least `k` subjects share, and the others together.

    Parameters
    ----------
    codes : (n_rows,) int64
        Position in `names`; -1 missing.
    names : sequence of str
        The levels.
    subject : (n_rows,) int64
        Number of the subject of each row.
    k, most : int
        Fewest subjects of a level that is named, and most levels that are.
    """
    filled = codes >= 0
    codes, subject = codes[filled], subject[filled]
    n_rows = np.bincount(codes, minlength=len(names))
    holders = count_subjects(codes, subject, len(names))
    shown = np.flatnonzero((holders >= k) & (n_rows > 0))
    shown = shown[np.lexsort((np.asarray(names, dtype=str)[shown], -n_rows[shown], -holders[shown]))][:most]
    others = np.setdiff1d(np.flatnonzero(n_rows), shown)
    return Levels(
        tuple(Level(str(names[i]), int(n_rows[i]), int(holders[i])) for i in shown.tolist()), len(others), int(n_rows[others].sum())
    )


def count_subjects(codes: NDArray[np.int64], subject: NDArray[np.int64], n_codes: int) -> NDArray[np.int64]:
    """Count the distinct subjects of each code: (n_codes,) int64."""
    span = int(subject.max(initial=0)) + 1
    pairs = pd.unique(codes * span + subject)
    return np.bincount(pairs // span, minlength=n_codes)

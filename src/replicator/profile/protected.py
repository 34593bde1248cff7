"""Summaries that belong to no one: quantiles and levels behind which at least `k` subjects stand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from replicator.heavy import pandas as pd
from replicator.profile.study_profile import Level, Levels, Quantiles

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
    Around the quantile's place in the sorted values the window is widened until it holds `k` subjects; the quantile is the mean of
    the subjects' means within it. `low` and `high` are the windows at the ends. Where at least `k` subjects share a value, as in
    scores, that is the value itself. Numbers are :func:`settled` before.
    """
    filled = ~np.isnan(values)
    values, subject = values[filled], subject[filled]
    values = settled(values, np.zeros(len(values), np.int64), subject, k)
    order = np.argsort(values, kind="stable")
    values, subject = values[order], subject[order]
    n = len(values)
    places = [0, *(round(p * (n - 1)) for p in _INNER), n - 1]
    means = [_window_mean(values, subject, place, k) for place in places]
    if any(mean is None for mean in means):
        return None
    quantiles = np.maximum.accumulate(np.array(means, np.float64))
    spread = float(values.std(ddof=1)) if n > 1 else 0.0
    return Quantiles(n, rounded(float(values.mean())), rounded(spread), *(rounded(float(q)) for q in quantiles))


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


def _window_mean(values: NDArray[np.float64], subject: NDArray[np.int64], place: int, k: int) -> float | None:
    n, half = len(values), max(k // 2, 1)
    while n:
        window = slice(max(0, place - half), min(n, place + half + 1))
        who, codes = np.unique(subject[window], return_inverse=True)
        if len(who) >= k:
            return float((np.bincount(codes, values[window]) / np.bincount(codes)).mean())
        if window == slice(0, n):
            break
        half *= 2
    return None


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

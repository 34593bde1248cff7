"""Occurrences of one term in one subject come in turn: as a rule the next one begins when the one before is over."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ALONE, FOLLOWED, LAST = range(3)


def find_turns(series: Ints, start: Floats | None = None) -> Ints:
    """Tell whether each occurrence (n,) is the only one of its series, followed by another, or the last of several.

    Parameters
    ----------
    series : (n,) int
        Equal for occurrences of one term in one subject.
    start : (n,) float64, optional
        Days by which they are in order, unknown ones first; the order of the rows by default.
    """
    follower = find_followers(series, start)
    leads = follower >= 0
    follows = np.zeros(len(series), bool)
    follows[follower[leads]] = True
    return np.where(leads, FOLLOWED, np.where(follows, LAST, ALONE)).astype(np.int64)


def find_followers(series: Ints, start: Floats | None = None) -> Ints:
    """Position of the next occurrence of each one's series, -1 for none: (n,); parameters as of :func:`find_turns`."""
    day = np.zeros(len(series)) if start is None else np.nan_to_num(start, nan=-np.inf)
    order = np.lexsort((np.arange(len(series)), day, series))
    out = np.full(len(series), -1, np.int64)
    same = series[order][1:] == series[order][:-1]
    out[order[:-1][same]] = order[1:][same]
    return out


def put_in_turn(start: Floats, series: Ints, code: Ints) -> Floats:
    """Let the starts (n,) of each series that are known in the same way (`code`, (n,)) change places, so that they ascend."""
    out = start.copy()
    out[np.lexsort((np.arange(len(start)), code, series))] = start[np.lexsort((start, code, series))]
    return out


def share_in_turn(start: Floats, end: Floats, series: Ints) -> float:
    """Share of occurrences which are over when the next one begins, where both days are known; 1 where they never are."""
    follower = find_followers(series, start)
    follows = np.append(start, np.nan)[follower]
    known = (follows >= start) & np.isfinite(end)
    return float((end <= follows)[known].mean()) if known.any() else 1.0


def days_until_next(start: Floats, series: Ints) -> Floats:
    """Day on which the next occurrence of the series begins, where that is no earlier; infinite elsewhere: (n,)."""
    follows = np.append(start, np.nan)[find_followers(series)]
    return np.where(follows >= start, follows, np.inf)

"""In which order the days of visits are learned and drawn: outward from the anchor, each given its neighbour towards it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from replicator.study_model.columns.dated import DateGiven
from replicator.study_model.course.days import VisitDay, fit_leaving

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


def fit_days(
    day: Floats, order: list[tuple[int, int | None]], expected: Floats, apart: Flags, stratum: Ints, k: int
) -> tuple[tuple[VisitDay, ...], DateGiven | None]:
    """Learn the days of each visit, and those of the last visit of who leaves.

    Parameters
    ----------
    day : (n, n_visits) float64
        Days from the anchor; NaN for visits that were not kept.
    order : list of (int, int or None)
        Visits as they are drawn, and where to start from anew.
    expected : (n_visits,) float64
        Days that the plan has for them.
    apart : (n, n_visits) bool
        Last visits of those who leave, if they come on days of their own.
    stratum : (n,) int64
        Of each subject's arm.
    """
    days: dict[int, VisitDay] = {}
    before: dict[int, tuple[Floats, Floats]] = {}
    nothing = np.zeros(len(day))
    neighbour, due = nothing, nothing
    for j, restart in order:
        if restart is not None:
            neighbour, due = neighbour_after(nothing, nothing, day[:, restart], float(expected[restart]))
        before[j] = neighbour, due
        staying, going = np.where(apart[:, j], np.nan, day[:, j]), np.where(apart[:, j], day[:, j], np.nan)
        days[j] = VisitDay.fit(staying, float(expected[j]), neighbour, due, stratum, k, going)
        neighbour, due = neighbour_after(neighbour, due, day[:, j], float(expected[j]))
    leaving = None
    if apart.any():
        last = [np.where(apart[:, j], day[:, j], np.nan) for j in days]
        leaving = fit_leaving(last, [one.candidates(*before[j]) for j, one in days.items()], list(before.values()), stratum, k)
    return tuple(days[j] for j in range(len(expected))), leaving


def outward(day: Floats, expected: Floats) -> list[tuple[int, int | None]]:
    """Positions from the visit that scatters least about the anchor, onward and then backward, and where to start anew."""
    if not len(expected):
        return []
    seen = np.isfinite(day)
    scatter = [float(np.median(np.abs(column[at] - middle))) for column, at, middle in zip(day.T, seen.T, expected, strict=True)]
    often = seen.sum(axis=0) >= 0.5 * seen.sum(axis=0).max()
    start = min(np.flatnonzero(often).tolist(), key=lambda j: (scatter[j], abs(expected[j]), j))
    onward: list[tuple[int, int | None]] = [(j, None) for j in range(start, len(expected))]
    return onward + [(j, start if j == start - 1 else None) for j in range(start - 1, -1, -1)]


def neighbour_after(neighbour: Floats, due: Floats, day: Floats, expected: float) -> tuple[Floats, Floats]:
    """Let a visit that was kept be the neighbour of the next."""
    seen = np.isfinite(day)
    return np.where(seen, day, neighbour), np.where(seen, expected, due)

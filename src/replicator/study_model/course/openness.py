"""How readily days are taken for a visit: days of the week that sites avoid, and days beyond whole weeks after the visit before."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from replicator.special import chdtrc

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

UNEVEN = 0.01  # p-value from which some days of the week are avoided
ROUNDS = 3  # of fitting the days between visits
DRAWS = 5  # of the course of each subject in a round


def weekday_openness(weekday: Ints, day: Floats, subject: NDArray[np.int32], visit: Ints) -> Floats:
    """How readily each day of the week is taken for a visit.

    Parameters
    ----------
    weekday : (n_visits,) int64
        Day of the week of the subject's anchor, Monday is 0.
    day : (n_visits,) float64
        Days from the anchor.
    subject : (n_visits,) int32
    visit : (n_visits,) int64
        Which visit it is.

    Returns
    -------
    (7,) float64
        Visits seen on each day over those that the deviations from the plan would put there if they did not care for the day of
        the week, the largest 1; ones where the two do not differ beyond chance, counted by subjects.
    """
    shift = day.astype(np.int64) % 7
    seen = np.bincount((weekday + shift) % 7, minlength=7).astype(np.float64)
    expected = np.zeros(7)
    for one in np.unique(visit).tolist():
        mine = visit == one
        anchors = np.bincount(weekday[mine], minlength=7)
        shifts = np.bincount(shift[mine], minlength=7) / mine.sum()
        expected += np.stack([anchors[(np.arange(7) - s) % 7] * shifts[s] for s in range(7)]).sum(axis=0)
    return _openness(seen, expected, len(np.unique(subject)))


def calendar_openness(day: Floats, subject: NDArray[np.int32]) -> Floats:
    """How readily each day of the week is taken, Monday first, for visits that follow no plan: (7,).

    Parameters
    ----------
    day : (n_visits,) float64
        Days since 1970-01-01.
    subject : (n_visits,) int32
    """
    seen = np.bincount((day.astype(np.int64) + 3) % 7, minlength=7).astype(np.float64)
    return _openness(seen, np.full(7, seen.sum() / 7), len(np.unique(subject)))


def move_to_open(day: Floats, openness: Floats, rng: np.random.Generator, onward: bool = False) -> Floats:
    """Move days (n,), since 1970-01-01, that are refused to the nearest that is not, three days away at most.

    With `onward` they are moved to later days alone.
    """
    out = day.copy()
    rows = np.flatnonzero(np.isfinite(day))
    for shift in (0, 1, 2, 3) if onward else (0, -1, 1, -2, 2, -3, 3):
        weekday = (day[rows].astype(np.int64) + shift + 3) % 7
        taken = rng.random(len(rows)) < openness[weekday]
        out[rows[taken]] = day[rows[taken]] + shift
        rows = rows[~taken]
    return out


def gap_openness(day: Floats, draw: Callable[[Floats, np.random.Generator], Floats], rng: np.random.Generator, k: int) -> Floats:
    """How readily each number of days beyond whole weeks is left between a visit and the one before it.

    Visits are often put on the day of the week of the visit before, whatever the plan says.

    Parameters
    ----------
    day : (n, n_visits) float64
        Days of the visits in their order, NaN for one that was not kept.
    draw : callable
        Draws days of the same subjects' visits, given (7,) openness.
    rng : numpy.random.Generator
    k : int

    Returns
    -------
    (7,) float64
        Seen over drawn without, the largest 1; ones where the two do not differ beyond chance, counted by subjects, or where fewer
        than k subjects have two visits.
    """
    seen, n_subjects = _beyond_weeks(day)
    share = np.ones(7)
    if n_subjects < k:
        return share
    for i in range(ROUNDS):
        drawn = sum((_beyond_weeks(draw(share, rng))[0] for _ in range(DRAWS)), np.zeros(7)) + 0.5
        ratio = _openness(seen, drawn * seen.sum() / drawn.sum(), n_subjects) if not i else (seen + 0.5) / drawn
        if (ratio == 1.0).all():
            return share
        share = share * ratio
        share = share / share.max()
    return share


def _beyond_weeks(day: Floats) -> tuple[Floats, int]:
    """Gaps between visits by the days beyond whole weeks: (7,), and in how many subjects there are any."""
    subject, column = np.nonzero(np.isfinite(day))
    gap = np.diff(day[subject, column])
    same = (subject[1:] == subject[:-1]) & (gap > 0)
    return np.bincount(gap[same].astype(np.int64) % 7, minlength=7).astype(np.float64), len(np.unique(subject[1:][same]))


def _openness(seen: Floats, expected: Floats, n_subjects: int) -> Floats:
    """Seen over expected, the largest 1; ones where they do not differ beyond chance, a subject's visits counting as one."""
    if seen.sum() == 0 or (expected <= 0).any():
        return np.ones(7)
    chi_square = float(((seen - expected) ** 2 / expected).sum()) * n_subjects / seen.sum()
    if chdtrc(6, chi_square) > UNEVEN:
        return np.ones(7)
    share = seen / expected
    return np.asarray(share / share.max(), np.float64)


def weekday_shares(day: Floats, k: int) -> Floats:
    """Share of each day of the week (7,), Monday first, among days (n,) of subjects; days that fewer than k have share alike."""
    count = np.bincount((day.astype(np.int64) + 3) % 7, minlength=7).astype(np.float64)
    rare = count < k
    count[rare] = count[rare].mean() if rare.any() else 0.0
    return np.asarray((count + 0.5) / (count + 0.5).sum(), np.float64)


def move_to_weekday(day: Floats, share: Floats, rng: np.random.Generator) -> Floats:
    """Move each day (n,) to the nearest one on a drawn day of the week."""
    wanted = np.searchsorted(np.cumsum(share)[:-1], rng.random(len(day)), side="right")
    now = (day.astype(np.int64) + 3) % 7
    return day + (wanted - now + 3) % 7 - 3

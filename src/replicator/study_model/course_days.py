"""On which days the visits of the course fall: each by the plan, by the visit before it, or between the two."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from replicator.models.marginals import QuantileMarginal
from replicator.study_model.dated import DateGiven

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TRIES = 8  # draws of a day that keeps its distance and finds the site open, before it is put on the nearest that does
BASES = ("PLAN", "BETWEEN")  # a delay that is passed on whole and added to would grow without end
APART = 0.01  # p-value from which the last visits of those who leave keep other days
UNEVEN = 0.01  # p-value from which some days of the week are avoided


@dataclass(frozen=True, eq=False)
class VisitDay:
    """The day of one visit of the course, given its neighbour towards the anchor.

    Attributes
    ----------
    expected : float
        Planned day from the anchor.
    pull : float
        Share of the neighbour's delay that stays.
    going : DateGiven or None
        Day from the anchor, given ``PLAN`` (the planned day), ``NEIGHBOUR`` (the neighbour's day and the planned interval) and
        ``BETWEEN`` (the planned day and the share of the neighbour's delay); for those who come again.
    leaving : DateGiven or None
        For those whose last visit it is; None if they come on the same days as the others.
    nearest : float
        Fewest days between the visit and its neighbour.
    """

    kind: ClassVar[str] = "day of a visit"

    expected: float
    pull: float
    going: DateGiven | None
    leaving: DateGiven | None
    nearest: float

    @classmethod
    def fit(
        cls, day: Floats, expected: float, neighbour: Floats, due: Floats, last: NDArray[np.bool_], stratum: Ints, k: int
    ) -> VisitDay:
        """Learn from days from the anchor.

        Parameters
        ----------
        day : (n,) float64
            NaN for those who were not there.
        expected : float
            Planned day.
        neighbour, due : (n,) float64
            Day of the neighbour, and the day that it was planned for; both 0, the anchor, where there is none.
        last : (n,) bool
            Whether the subject came no more.
        stratum : (n,) int64
            Subjects of different strata share nothing.
        k : int
        """
        seen = np.isfinite(day)
        everyone = np.arange(len(day), dtype=np.int32)
        pull = _pull((neighbour - due)[seen], day[seen] - expected)
        candidates = _candidates(expected, pull, neighbour, due)
        given = [stratum, _rhythm(neighbour - due)]
        apart = _leave_apart(day - expected, last & seen, seen & ~last, k)
        going = DateGiven.fit(np.where(last, np.nan, day) if apart else day, candidates, given, everyone, k, bases=BASES)
        leaving = DateGiven.fit(np.where(last, day, np.nan), candidates, given, everyone, k, bases=BASES) if apart else None
        distance = QuantileMarginal.fit(np.where(due != expected, np.abs(day - neighbour), np.nan), k=k, decimals=0)
        nearest = float(np.floor(distance.quantile(np.array([0.0]))[0])) if distance.n else 0.0
        return cls(expected, pull, going, leaving, max(nearest, 0.0))

    def sample(
        self,
        neighbour: Floats,
        due: Floats,
        last: NDArray[np.bool_],
        stratum: Ints,
        until: Floats,
        weekday: Ints,
        open_share: Floats,
        rng: np.random.Generator,
    ) -> Floats:
        """Draw days from the anchor.

        Parameters
        ----------
        neighbour, due : (n,) float64
            As in :meth:`fit`.
        last : (n,) bool
        stratum : (n,) int64
        until : (n,) float64
            Day after which nobody comes.
        weekday : (n,) int64
            Day of the week of the anchor, Monday is 0.
        open_share : (7,) float64
            How readily each day of the week is taken.
        rng : numpy.random.Generator

        Returns
        -------
        (n,) float64
            NaN where the visit finds no place before `until`.
        """
        n = len(neighbour)
        ahead = self.expected >= due
        day = np.full(n, np.nan)
        rows = np.arange(n)
        candidates = _candidates(self.expected, self.pull, neighbour, due)
        given = [stratum, _rhythm(neighbour - due)]
        apart = np.where(due != self.expected, self.nearest, -np.inf)
        for _ in range(TRIES):
            drawn = self._draw({name: x[rows] for name, x in candidates.items()}, [g[rows] for g in given], last[rows], rng)
            day[rows] = drawn
            away = np.where(ahead[rows], drawn - neighbour[rows], neighbour[rows] - drawn)
            fits = (away >= apart[rows]) & (drawn <= until[rows])
            fits &= rng.random(len(rows)) < open_share[(weekday[rows] + drawn.astype(np.int64)) % 7]
            rows = rows[~fits]
        day = np.where(ahead, np.maximum(day, neighbour + apart), np.minimum(day, neighbour - apart))
        return np.where(day <= until, day, np.where(neighbour + np.maximum(apart, 0) <= until, until, np.nan))

    def _draw(self, candidates: dict[str, Floats], given: list[Ints], last: NDArray[np.bool_], rng: np.random.Generator) -> Floats:
        day = candidates["PLAN"].copy()
        for model, mine in ((self.going, ~last | (self.leaving is None)), (self.leaving, last)):
            if model is not None and mine.any():
                some = {name: x[mine] for name, x in candidates.items()}
                day[mine] = model.sample(some, [g[mine] for g in given], rng, int(mine.sum()))
        return np.asarray(np.round(np.where(np.isfinite(day), day, candidates["PLAN"])), np.float64)


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


def move_to_open(day: Floats, openness: Floats, rng: np.random.Generator) -> Floats:
    """Move days (n,), since 1970-01-01, that are refused to the nearest that is not, three days away at most."""
    out = day.copy()
    rows = np.flatnonzero(np.isfinite(day))
    for shift in (0, -1, 1, -2, 2, -3, 3):
        weekday = (day[rows].astype(np.int64) + shift + 3) % 7
        taken = rng.random(len(rows)) < openness[weekday]
        out[rows[taken]] = day[rows[taken]] + shift
        rows = rows[~taken]
    return out


def _openness(seen: Floats, expected: Floats, n_subjects: int) -> Floats:
    """Seen over expected, the largest 1; ones where they do not differ beyond chance, a subject's visits counting as one."""
    if seen.sum() == 0 or (expected <= 0).any():
        return np.ones(7)
    chi_square = float(((seen - expected) ** 2 / expected).sum()) * n_subjects / seen.sum()
    if stats.chi2.sf(chi_square, 6) > UNEVEN:
        return np.ones(7)
    share = seen / expected
    return np.asarray(share / share.max(), np.float64)


def _candidates(expected: float, pull: float, neighbour: Floats, due: Floats) -> dict[str, Floats]:
    return {
        "PLAN": np.full(len(neighbour), expected),
        "NEIGHBOUR": neighbour + expected - due,
        "BETWEEN": np.round(expected + pull * (neighbour - due)),
    }


def _pull(delay: Floats, late: Floats) -> float:
    """Share of the neighbour's delay that stays, 0 to 1: a regression on values without their tails."""
    if len(delay) < 2:
        return 0.0
    x, y = (np.clip(v, *np.quantile(v, [0.05, 0.95])) for v in (delay, late))
    spread = float(((x - x.mean()) ** 2).sum())
    return float(np.clip(((x - x.mean()) * (y - y.mean())).sum() / spread, 0.0, 1.0)) if spread > 0 else 0.0


def _rhythm(delay: Floats) -> Ints:
    """How the neighbour stood to its plan: on the day, whole weeks away, some days away, further."""
    return np.select([delay == 0, delay % 7 == 0, np.abs(delay) <= 3], [0, 1, 2], 3).astype(np.int64)


def _leave_apart(late: Floats, leaving: NDArray[np.bool_], going: NDArray[np.bool_], k: int) -> bool:
    """Whether those who come no more come on other days than those who come again."""
    if min(int(leaving.sum()), int(going.sum())) < 2 * k:
        return False
    return bool(stats.ks_2samp(late[leaving], late[going]).pvalue < APART)

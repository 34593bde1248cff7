"""On which days the visits of the course fall: each by the plan, by the visit before it, or between the two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.heavy import pandas as pd
from replicator.models.marginals import QuantileMarginal
from replicator.special import kolmogorov
from replicator.study_model.columns.dated import DateGiven

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TRIES = 20  # draws of a day that keeps its distance and finds the site open, before it is put on the nearest that does
STEADY = 10  # of the draws, those before which a day that follows nothing is drawn again as such, as those of the source are
FOLLOWS = 0  # state of a day that follows a reference, and of one that is not drawn yet
BASES = ("PLAN", "BETWEEN")  # a delay that is passed on whole and added to would grow without end
APART = 0.01  # p-value from which those who leave come on other days than those who come again
TAIL = 0.05  # share of delays on either side of which too few are seen to be passed on like the others


@dataclass(frozen=True, eq=False)
class VisitDay:
    """The day of one visit of the course, given its neighbour towards the anchor.

    Attributes
    ----------
    expected : float
        Planned day from the anchor.
    pull : float
        Share of the neighbour's delay that stays.
    usual : (2,) float64
        The neighbour's delays but for the tails.
    beyond : float
        Share of what lies beyond the usual delays that counts.
    going : DateGiven or None
        Day from the anchor, given ``PLAN`` (the planned day), ``NEIGHBOUR`` (the neighbour's day and the planned interval) and
        ``BETWEEN`` (the planned day and the share of the neighbour's delay).
    nearest : float
        Fewest days between the visit and its neighbour.
    within : (2,) float64
        First and last day from the anchor: where the tails of the days of all who were there end; infinite for fewer than k.
    """

    kind: ClassVar[str] = "day of a visit"

    expected: float
    pull: float
    usual: Floats
    beyond: float
    going: DateGiven | None
    nearest: float
    within: Floats

    @classmethod
    def fit(
        cls,
        day: Floats,
        expected: float,
        neighbour: Floats,
        due: Floats,
        stratum: Ints,
        k: int,
        leaving: Floats | None = None,
    ) -> VisitDay:
        """Learn from days from the anchor.

        Parameters
        ----------
        day : (n,) float64
            NaN for those who were not there, or who leave and come on other days.
        expected : float
            Planned day.
        neighbour, due : (n,) float64
            Day of the neighbour, and the day that it was planned for; both 0, the anchor, where there is none.
        stratum : (n,) int64
            Subjects of different strata share nothing.
        k : int
        leaving : (n,) float64, optional
            Days of those who leave and come on other days, NaN for all others.
        """
        seen = np.isfinite(day)
        everyone = np.arange(len(day), dtype=np.int32)
        pull, usual, beyond = _fit_delays((neighbour - due)[seen], day[seen] - expected, k)
        candidates = _candidates(expected, pull, _passed_on(neighbour - due, usual, beyond))
        going = DateGiven.fit(day, candidates, [stratum, _rhythm(neighbour - due)], everyone, k, bases=BASES)
        distance = QuantileMarginal.fit(np.where(due != expected, np.abs(day - neighbour), np.nan), k=k, decimals=0)
        nearest = float(np.floor(distance.quantile(np.array([0.0]))[0])) if distance.n else 0.0
        tails = QuantileMarginal.fit(day if leaving is None else np.fmax(day, leaving), k=k, decimals=0)
        within = np.array([np.ceil(tails.floor), np.floor(tails.ceiling)]) if tails.n else np.array([-np.inf, np.inf])
        return cls(expected, pull, usual, beyond, going, max(nearest, 0.0), within)

    def candidates(self, neighbour: Floats, due: Floats) -> dict[str, Floats]:
        """Days that the visit may hang on: (n,) by name."""
        return _candidates(self.expected, self.pull, _passed_on(neighbour - due, self.usual, self.beyond))

    def sample(
        self,
        neighbour: Floats,
        due: Floats,
        last: NDArray[np.bool_],
        stratum: Ints,
        until: Floats,
        weekday: Ints,
        open_share: Floats,
        gap_share: Floats,
        leaving: DateGiven | None,
        rng: np.random.Generator,
    ) -> Floats:
        """Draw days from the anchor.

        Parameters
        ----------
        neighbour, due : (n,) float64
            As in :meth:`fit`.
        last : (n,) bool
            Who leaves.
        stratum : (n,) int64
        until : (n,) float64
            Day after which nobody comes.
        weekday : (n,) int64
            Day of the week of the anchor, Monday is 0.
        open_share : (7,) float64
            How readily each day of the week is taken.
        gap_share : (7,) float64
            How readily each number of days beyond whole weeks is left between the visit and its neighbour.
        leaving : DateGiven or None
            Days of those who leave, from :func:`fit_leaving`.
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
        candidates = self.candidates(neighbour, due)
        given = [stratum, _rhythm(neighbour - due)]
        apart = np.where(due != self.expected, self.nearest, -np.inf)
        state = np.full(n, FOLLOWS, np.int64)
        for i in range(TRIES):
            if not len(rows):
                break
            some = {name: x[rows] for name, x in candidates.items()}
            told = [g[rows] for g in given]
            if i >= STEADY:
                state[rows] = FOLLOWS
            state[rows], day[rows] = _draw((self.going, leaving), state[rows], some, told, last[rows], rng)
            drawn = day[rows]
            away = np.where(ahead[rows], drawn - neighbour[rows], neighbour[rows] - drawn)
            fits = (away >= apart[rows]) & (drawn <= until[rows]) & (drawn >= self.within[0]) & (drawn <= self.within[1])
            state[rows[~fits]] = FOLLOWS
            odd = np.where(due[rows] != self.expected, gap_share[away.astype(np.int64) % 7], 1.0)
            fits &= rng.random(len(rows)) < open_share[(weekday[rows] + drawn.astype(np.int64)) % 7] * odd
            rows = rows[~fits]
        day = np.clip(day, *self.within)
        day = np.where(ahead, np.maximum(day, neighbour + apart), np.minimum(day, neighbour - apart))
        return np.where(day <= until, day, np.where(neighbour + np.maximum(apart, 0) <= until, until, np.nan))


def _draw(
    models: tuple[DateGiven | None, DateGiven | None],
    state: Ints,
    candidates: dict[str, Floats],
    given: list[Ints],
    last: NDArray[np.bool_],
    rng: np.random.Generator,
) -> tuple[Ints, Floats]:
    """Draw states, but for rows that follow nothing, and days (n,): of those who leave by the second model if there is one."""
    day = candidates["PLAN"].copy()
    state = state.copy()
    going, leaving = models
    for model, mine in ((going, ~last | (leaving is None)), (leaving, last)):
        if model is not None and mine.any():
            some = {name: x[mine] for name, x in candidates.items()}
            anew = model.sample_states(some, [g[mine] for g in given], rng, int(mine.sum()))
            state[mine] = np.where(state[mine] < 0, state[mine], anew)
            day[mine] = model.days_of(some, state[mine], rng)
    return state, np.asarray(np.round(np.where(np.isfinite(day), day, candidates["PLAN"])), np.float64)


def leave_apart(late: Floats, leaves: NDArray[np.bool_], k: int) -> bool:
    """Whether those who leave come on other days than those who come again, earlier or later or less regularly.

    Parameters
    ----------
    late : (n, n_visits) float64
        Days from the plan, NaN for a visit that was not kept.
    leaves : (n, n_visits) bool
        Whether the subject came no more, though the course went on.
    k : int
        Fewest subjects who leave, times two.

    Notes
    -----
    The test is Kolmogorov's and Smirnov's of two samples, of delays by their ranks at each visit, with its limiting distribution
    and Stephens' correction for small samples (1970, JRSS B 32:115).
    """
    here = np.isfinite(late)
    if int((leaves & here).sum()) < 2 * k or not (here & ~leaves).any():
        return False
    tested = ~leaves & (leaves & here).any(axis=0)
    p_values = []
    for x in (late, np.abs(late)):
        rank = pd.DataFrame(x).rank(pct=True).to_numpy()
        p_values.append(same_distribution(np.sort(rank[leaves & here]), np.sort(rank[tested & here])))
    return 2 * min(p_values) < APART


def same_distribution(one: Floats, other: Floats) -> float:
    """Test whether two sorted samples (n,), (m,) are of one distribution, and return the p-value."""
    if not len(other):
        return 1.0
    at = np.concatenate([one, other])
    apart = np.abs(np.searchsorted(one, at, side="right") / len(one) - np.searchsorted(other, at, side="right") / len(other)).max()
    root = np.sqrt(len(one) * len(other) / (len(one) + len(other)))
    return float(kolmogorov((root + 0.12 + 0.11 / root) * apart))


def fit_leaving(
    day: Sequence[Floats],
    candidates: Sequence[dict[str, Floats]],
    neighbours: Sequence[tuple[Floats, Floats]],
    stratum: Ints,
    k: int,
) -> DateGiven | None:
    """Learn on which days those come who leave, of all visits together.

    Parameters
    ----------
    day : sequence of (n,) float64
        Days from the anchor, one array a visit, NaN for all who were not there or who came again.
    candidates : sequence of dict of str to (n,) float64
        From :meth:`VisitDay.candidates`, one a visit.
    neighbours : sequence of tuple of (n,) float64
        Day of the neighbour, and the day that it was planned for, one pair a visit.
    stratum : (n,) int64
    k : int
    """
    n = len(stratum)
    together = {name: np.concatenate([one[name] for one in candidates]) for name in candidates[0]}
    rhythm = np.concatenate([_rhythm(neighbour - due) for neighbour, due in neighbours])
    subject = np.tile(np.arange(n, dtype=np.int32), len(day))
    return DateGiven.fit(np.concatenate(day), together, [np.tile(stratum, len(day)), rhythm], subject, k, bases=BASES)


def _candidates(expected: float, pull: float, delay: Floats) -> dict[str, Floats]:
    return {
        "PLAN": np.full(len(delay), expected),
        "NEIGHBOUR": expected + delay,
        "BETWEEN": np.round(expected + pull * delay),
    }


def _passed_on(delay: Floats, usual: Floats, beyond: float) -> Floats:
    """What of the neighbour's delay counts: all that is usual, and a share of the rest; whole days."""
    within = np.clip(delay, *usual)
    return np.asarray(np.round(within + beyond * (delay - within)), np.float64)


def _fit_delays(delay: Floats, late: Floats, k: int) -> tuple[float, Floats, float]:
    """Share of the neighbour's usual delay that stays, the usual delays, and the share of the rest that counts; 0 to 1.

    The first is a regression on values without their tails, the last the median over subjects beyond the usual.
    """
    if len(delay) < 2:
        return 0.0, np.zeros(2), 0.0
    usual = QuantileMarginal.fit(delay, k=k, decimals=0).quantile(np.array([TAIL, 1 - TAIL]))
    usual = usual if np.isfinite(usual).all() else np.zeros(2)
    x, y = (np.clip(v, *np.quantile(v, [TAIL, 1 - TAIL])) for v in (delay, late))
    spread = float(((x - x.mean()) ** 2).sum())
    pull = float(np.clip(((x - x.mean()) * (y - y.mean())).sum() / spread, 0.0, 1.0)) if spread > 0 else 0.0
    within = np.clip(delay, *usual)
    far = delay != within
    if pull == 0 or far.sum() < k:
        return pull, usual, 0.0
    share = np.median((late - pull * within)[far] / (pull * (delay - within)[far]))
    return pull, usual, float(np.clip(share, 0.0, 1.0))


def _rhythm(delay: Floats) -> Ints:
    """How the neighbour stood to its plan: on the day, whole weeks away, some days away, further."""
    return np.select([delay == 0, delay % 7 == 0, np.abs(delay) <= 3], [0, 1, 2], 3).astype(np.int64)

"""Times of day as people write them down: on the hour, on halves, quarters and fives, or to the minute."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.models.marginals import QuantileMarginal

Floats = NDArray[np.float64]

STEPS = (60, 30, 15, 5, 1)  # minutes, from the roundest
DAY = 1440  # minutes


@dataclass(frozen=True, eq=False)
class ClockTime:
    """Times of day, by how round they are.

    Attributes
    ----------
    upto : (n_groups,) float64
        Share of times in each group or an earlier one; times of a group are about as round.
    finest : tuple of int
        Position in `STEPS` of the finest step of each group; it begins where the one before ended.
    times : tuple of QuantileMarginal
        Minutes since midnight, one a group.
    n : int
        Times behind it; 0 if fewer than k subjects have one.
    """

    kind: ClassVar[str] = "clock time"

    upto: Floats
    finest: tuple[int, ...]
    times: tuple[QuantileMarginal, ...]
    n: int

    @classmethod
    def fit(cls, minute: Floats, subject: NDArray[np.integer], *, k: int) -> ClockTime:
        """Learn from minutes since midnight (n,), NaN where there is none, of the given subjects (n,).

        Steps in which fewer than `k` subjects have a time are one group with the next finer, the finest with the one before it.
        """
        at = np.flatnonzero(np.isfinite(minute))
        who, what = np.asarray(subject)[at], np.round(minute[at]) % DAY
        if len(np.unique(who)) < k:
            return cls(np.empty(0), (), (), 0)
        step = _roundness(what)
        finest = [i for i in range(len(STEPS)) if (step == i).any()]
        i = 0
        while i < len(finest) - 1:
            after = finest[i - 1] if i else -1
            if len(np.unique(who[(step > after) & (step <= finest[i])])) < k:
                del finest[i]
            else:
                i += 1
        if len(finest) > 1 and len(np.unique(who[step > finest[-2]])) < k:
            del finest[-2]
        group = np.searchsorted(finest, step)
        fitted = (QuantileMarginal.fit(what[group == g], who[group == g], k=k, decimals=0) for g in range(len(finest)))
        times = tuple(replace(marginal, floor=0.0, ceiling=DAY - 1.0) for marginal in fitted)  # a day ends where all days do
        upto = np.cumsum(np.bincount(group, minlength=len(finest))) / len(what)
        return cls(upto, tuple(finest), times, len(what))

    def quantile(self, u: Floats) -> Floats:
        """Turn uniform numbers (n,) into minutes since midnight; the first tells the group, what is left of it the time."""
        upto = np.append(self.upto[:-1], 1.0)
        group = np.searchsorted(upto[:-1], u, side="right")
        low = np.concatenate([[0.0], upto])
        minutes = np.arange(DAY, dtype=np.float64)
        step = _roundness(minutes)
        out = np.full(len(u), np.nan)
        for g, (marginal, last) in enumerate(zip(self.times, self.finest, strict=True)):
            mine = group == g
            drawn = _time_at(marginal, (u[mine] - low[g]) / (low[g + 1] - low[g]))
            allowed = minutes[(step <= last) & (step > (self.finest[g - 1] if g else -1))]
            out[mine] = allowed[np.searchsorted((allowed[1:] + allowed[:-1]) / 2, drawn)]
        return out


def _time_at(marginal: QuantileMarginal, u: Floats) -> Floats:
    """Turn uniform numbers (n,) into minutes since midnight.

    Tails are uniform and keep their means: people are awake for part of a day, and what has an end has no exponential tail. None
    goes on beyond the day.
    """
    p, v = marginal.probability, marginal.value
    first, last = max(v[0] - 2 * marginal.lower, 0.0), min(v[-1] + 2 * marginal.upper, DAY - 1.0)
    return np.asarray(np.interp(u, [0.0, *p, 1.0], [first, *v, last]), np.float64)


def _roundness(minute: Floats) -> NDArray[np.int64]:
    """Position in `STEPS` of the roundest step that each time is a multiple of: (n,)."""
    return np.asarray(np.argmax(minute[:, None] % np.array(STEPS) == 0, axis=1), np.int64)

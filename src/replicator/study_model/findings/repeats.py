"""Numbers that stand twice in a row: a subject's result is that of the one before more often than chance and rounding make it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.study_model.findings.recorded import Recorded

Codes = NDArray[np.intp]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

FEWEST_PAIRS = 30  # neighbouring numbers of a test, before repeats are counted
CLEAR = 3.0  # standard errors that repeats must stand above those of drawn numbers
NEAR = 2.0  # times the pairs that are to be made equal, among which they are: the nearest


@dataclass(frozen=True, eq=False)
class Repeats:
    """Which numbers are taken over from the row before.

    Attributes
    ----------
    test : (n_series,) int64
        What each series measures; numbers of one test follow each other, whichever series they belong to.
    chance : (n_tests,) float64
        Chance that a number near the one before is made equal to it; 0 where nothing is.
    reach : (n_tests,) float64
        Difference up to which two numbers are near.

    Notes
    -----
    Of pairs of neighbours, a share *e* is equal in the source and *d* in what is drawn. *Near* are the 2 (e - d) of the drawn pairs
    that differ least, and half of them are made equal: so the levels, spreads and courses of subjects stay what they were.
    """

    kind: ClassVar[str] = "findings repeats"

    test: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    chance: Floats = field(default_factory=lambda: np.empty(0))
    reach: Floats = field(default_factory=lambda: np.empty(0))

    @classmethod
    def fit(
        cls,
        recorded: Recorded,
        test: Codes,
        other: Collection[int],
        k: int,
    ) -> Repeats:
        """Count repeats in the source and in what is drawn.

        Parameters
        ----------
        recorded : Recorded
            The source's results.
        test : (n_series,) int
            What each series measures, from 0.
        other : collection of int
            Series that laws change after they are drawn, or whose results tell what else is measured.
        k : int
            Fewest subjects who repeat.
        """
        n_tests = int(test.max(initial=-1)) + 1
        run = recorded.run
        at, series, value = recorded.numbers()
        order, before = _neighbours(at, series, run, test)
        at, series, value = at[order], series[order], value[order]
        pairs = np.flatnonzero(before)
        which, equal = test[series[pairs]], value[pairs] == value[pairs - 1]
        n = np.bincount(which, minlength=n_tests)
        who = np.unique(np.stack([which[equal], run[at[pairs[equal]]]]), axis=1)[0]
        asked = (n >= FEWEST_PAIRS) & (np.bincount(who, minlength=n_tests) >= k)
        asked[test[list(other)]] = False
        chance, reach = np.zeros(n_tests), np.zeros(n_tests)
        if not asked.any():
            return cls()
        drawn = recorded.redraw()[at, series]
        apart = np.abs(drawn[pairs] - drawn[pairs - 1])
        for j in np.flatnonzero(asked).tolist():
            mine = which == j
            share, gap = float(equal[mine].mean()), np.sort(apart[mine][np.isfinite(apart[mine])])
            if not len(gap):
                continue
            made = float((gap == 0).mean())
            lacking, error = share - made, np.sqrt((share * (1 - share) + made * (1 - made)) / len(gap))
            if lacking <= CLEAR * error:
                continue
            reach[j] = gap[min(int(np.ceil((made + NEAR * lacking) * len(gap))), len(gap) - 1)]
            near = float((gap <= reach[j]).mean()) - made
            chance[j] = min(lacking / max(near, 1e-9), 1.0)
        return cls(test.astype(np.int64), chance, reach) if (chance > 0).any() else cls()

    def hold(self, number: Floats, occasion: Codes, series: Codes, run: Codes, rng: np.random.Generator) -> Floats:
        """Make numbers (n,) equal to those before them as often as they are in the source; `run` is (n_occasions,)."""
        rows = (
            np.flatnonzero(np.isfinite(number) & (self.chance > 0)[self.test[series]]) if len(self.test) else np.empty(0, np.intp)
        )
        if not len(rows):
            return number
        order, before = _neighbours(occasion[rows], series[rows], run, self.test)
        rows = rows[order]
        value, which = number[rows], self.test[series[rows]]
        near = before & (np.abs(np.diff(value, prepend=np.nan)) <= self.reach[which])
        same = near & (rng.random(len(rows)) < self.chance[which])
        out = number.copy()
        out[rows] = value[np.maximum.accumulate(np.where(same, 0, np.arange(len(rows))))]
        return out


def _neighbours(occasion: Codes, series: Codes, run: Codes, test: NDArray[np.integer]) -> tuple[Codes, Flags]:
    """Order of rows (n,) by test, time and series, and which of them then have one of their subject and test before them."""
    order = np.lexsort([series, occasion, test[series]])
    which, who = test[series[order]], run[occasion[order]]
    follows = np.concatenate([[False], (which[1:] == which[:-1]) & (who[1:] == who[:-1])])[: len(order)]
    return order.astype(np.intp), follows

"""Tests that are there only where enough others have a result: a total is reckoned when all items are answered, or so many."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.distinct import distinct_values

Codes = NDArray[np.intp]
Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MADE_OF = 0.9  # least share of a test's variance that its items explain; another test is missing with some by coincidence


@dataclass(frozen=True, eq=False)
class Completeness:
    """Tests whose presence follows from that of others at the same occasion.

    Attributes
    ----------
    series : (n,) int64
        The tests.
    item : (n, n_series) bool
        Tests of the same panel on whose results the presence of each hangs.
    least : (n,) int64
        How many of them must have a result.
    """

    kind: ClassVar[str] = "tests of complete panels"

    series: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    item: Flags = field(default_factory=lambda: np.empty((0, 0), bool))
    least: Ints = field(default_factory=lambda: np.empty(0, np.int64))

    @classmethod
    def fit(cls, present: Flags, obtained: Flags, number: Floats, category: Codes, subject: Codes, k: int) -> Completeness:
        """Find the tests that are there wherever enough others have a result, and nowhere else.

        Parameters
        ----------
        present, obtained : (n_occasions, n_series) bool
            What has a row, and which of these have a result.
        number : (n_occasions, n_series) float64
            Results that are numbers, NaN for all others. A test is made of its items: they explain its numbers linearly.
        category : (n_series,) int
            Instrument or panel of each series, -1 without.
        subject : (n_occasions,) int
            Whose occasion each is.
        k : int
            Fewest subjects with the test, and with some of the items alone and without it.
        """
        found: list[tuple[int, Flags, int]] = []
        for one in distinct_values(category[category >= 0]).tolist():
            panel = (category == one) & present.any(axis=0)
            sometimes = panel & (~present[present[:, panel].any(axis=1)]).any(axis=0)
            rules = [_rule(test, panel, present, obtained, subject, k) for test in np.flatnonzero(sometimes).tolist()]
            tests = [rule[0] for rule in rules if rule]
            items = panel & ~np.isin(np.arange(len(panel)), tests)  # a total hangs on no other
            again = [_rule(test, items, present, obtained, subject, k) for test in tests]
            found += [rule for rule in again if rule and _explained(number[:, rule[0]], number[:, rule[1]]) >= MADE_OF]
        if not found:
            return cls()
        series, item, least = zip(*found, strict=True)
        return cls(np.array(series, np.int64), np.stack(item), np.array(least, np.int64))

    def ask(self, seen: Flags) -> Flags:
        """Measure the tests wherever one of their items is: (n_occasions, n_series)."""
        out = seen.copy()
        for test, item in zip(self.series.tolist(), self.item, strict=True):
            out[:, test] = seen[:, item].any(axis=1)
        return out

    def keep(self, occasion: Codes, series: Codes, obtained: Flags, n_occasions: int) -> Flags:
        """Tell which rows (n_rows,) stay, each of an occasion and a series and with or without a result."""
        out = np.ones(len(series), bool)
        for test, item, least in zip(self.series.tolist(), self.item, self.least.tolist(), strict=True):
            answered = np.bincount(occasion[item[series] & obtained], minlength=n_occasions)
            out &= (series != test) | (answered[occasion] >= least)
        return out


def _rule(test: int, panel: Flags, present: Flags, obtained: Flags, subject: Codes, k: int) -> tuple[int, Flags, int] | None:
    """The test, its items, and how many of these it needs: all that it is never there without, else a number of all others."""
    others = np.flatnonzero(panel & (np.arange(len(panel)) != test))
    asked = np.flatnonzero(present[:, others].any(axis=1))
    if (present[:, test] & ~obtained[:, test]).any() or present[asked, test].sum() < present[:, test].sum():
        return None
    there, answered = present[asked, test], obtained[np.ix_(asked, others)]
    needed = ~(~answered & there[:, None]).any(axis=0)
    needed &= (~answered & ~there[:, None]).any(axis=0)
    for items, least in ((others[needed], int(needed.sum())), (others, int(answered.sum(axis=1)[there].min(initial=len(others))))):
        count = obtained[np.ix_(asked, items)].sum(axis=1)
        partly = ~there & (count > 0)
        shared = min(len(distinct_values(subject[asked[some]])) for some in (there, partly))
        if len(items) > 1 and shared >= k and ((count >= least) == there).all():
            return test, np.isin(np.arange(len(panel)), items), least
    return None


def _explained(number: Floats, items: Floats) -> float:
    """Share of the variance of a test's numbers (n,) that its items (n, n_items) explain linearly, those without a number as 0."""
    known = np.isfinite(number)
    design = np.column_stack([np.ones(int(known.sum())), np.nan_to_num(items[known])])
    centred = number[known] - number[known].mean() if known.any() else number[known]
    if len(design) < 2 * design.shape[1] or not centred.any():
        return 0.0
    left = number[known] - design @ np.linalg.lstsq(design, number[known], rcond=None)[0]
    return 1 - float((left**2).sum() / (centred**2).sum())

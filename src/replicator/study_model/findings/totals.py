"""Totals of instruments: where the sum of a panel's answers keeps to a range (a score to be enrolled with), it does so again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.special import ndtr
from replicator.study_model.findings.levels import ADDITIVE, LEVELLED, Observed
from replicator.study_model.findings.results import Results

Codes = NDArray[np.intp]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Read = Callable[[Floats, Codes, Codes], tuple[Floats, Codes]]
"""Numbers and tokens of each (row of the latent values, series), given rows, their places (n,) and series (n,)."""

FEWEST = 20  # subjects with all answers of a panel at a visit, before its total has a range
MOSTLY = 0.9  # share of a panel's occasions at which an item is answered, from which it belongs to the total
BEYOND = 0.01  # share of normal totals beyond an end, from which it is no chance that there are none
FARTHEST = 6.0  # by which answers of a panel are moved on their latent scale
STEPS = 16  # halvings of that


@dataclass(frozen=True, eq=False)
class Totals:
    """Panels whose totals keep to a range.

    Attributes
    ----------
    item : (n, n_series) bool
        Items of each panel; panels of one visit have none in common.
    label : (n,) int64
        Visit at which the range holds.
    low, high : (n,) float64
        The range, infinite where totals may go on; each end rests on at least k subjects.

    Notes
    -----
    A total outside of its range is brought to the nearest end by moving all answers of the occasion alike on their latent scale,
    so that the answers stay such as are given together.
    """

    kind: ClassVar[str] = "findings totals"

    item: Flags = field(default_factory=lambda: np.empty((0, 0), bool))
    label: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    low: Floats = field(default_factory=lambda: np.empty(0))
    high: Floats = field(default_factory=lambda: np.empty(0))

    @classmethod
    def fit(
        cls,
        answers: Floats,
        category: Codes,
        label: Codes,
        run: Codes,
        k: int,
    ) -> Totals:
        """Find panels whose totals end where normal ones of their mean and spread would go on.

        Parameters
        ----------
        answers : (n_occasions, n_series) float64
            Answers of few kinds as numbers, NaN for all else.
        category : (n_series,) int
            Instrument of each series, -1 without.
        label : (n_occasions,) int
            Visit of each occasion.
        run : (n_occasions,) int
            Position of its subject among those seen.
        k : int
            Fewest subjects behind an end.
        """
        seen = np.isfinite(answers)
        found: list[tuple[Flags, int, float, float]] = []
        for one in np.unique(category[(category >= 0) & seen.any(axis=0)]).tolist():
            mine = (category == one) & seen.any(axis=0)
            held = seen[:, mine].any(axis=1)
            mine &= seen[held].mean(axis=0) >= MOSTLY
            if mine.sum() < 2:
                continue
            whole = seen[:, mine].all(axis=1)
            for visit in np.unique(label[whole]).tolist():
                rows = np.flatnonzero(whole & (label == visit))
                low, high = _range(answers[np.ix_(rows, mine)].sum(axis=1), run[rows], k)
                if np.isfinite([low, high]).any():
                    found.append((mine, visit, low, high))
        if not found:
            return cls()
        items, labels, lows, highs = zip(*found, strict=True)
        return cls(np.stack(items), np.array(labels, np.int64), np.array(lows), np.array(highs))

    def hold(self, latent: Floats, seen: Flags, label: Codes, results: Results, read: Read) -> Floats:
        """Move latent values (n_occasions, n_columns) to where the totals of the answers `seen` (n_occasions, n_series) may be."""
        rows = [np.flatnonzero(label == visit) for visit in self.label.tolist()]
        rows = [one[seen[one][:, item].all(axis=1)] for one, item in zip(rows, self.item, strict=True)]
        whole = _Whole(np.concatenate([*rows, np.empty(0, np.intp)]), np.repeat(np.arange(len(rows)), list(map(len, rows))))
        worth = worth_of_tokens(results)
        total = whole.totals(latent[whole.row], self.item, results, worth, read)
        outside = np.flatnonzero((total < self.low[whole.panel]) | (total > self.high[whole.panel]))
        if not len(outside):
            return latent
        whole, total = _Whole(whole.row[outside], whole.panel[outside]), total[outside]
        low, high, start = self.low[whole.panel], self.high[whole.panel], latent[whole.row]
        group, series = np.nonzero(self.item[whole.panel])
        column, sign = results.value[series], np.where(total < low, 1.0, -1.0)
        near, far = np.zeros(len(total)), np.full(len(total), FARTHEST)
        moved = start.copy()
        for _ in range(STEPS):
            middle = (near + far) / 2
            moved[group, column] = start[group, column] + (sign * middle)[group]
            total = whole.totals(moved, self.item, results, worth, read)
            there = np.where(sign > 0, total >= low, total <= high)
            near, far = np.where(there, near, middle), np.where(there, middle, far)
        out = latent.copy()
        out[whole.row[group], column] += (sign * far)[group]
        return out


@dataclass(frozen=True, eq=False)
class _Whole:
    """Occasions at which a panel is answered as a whole: their positions among all, and the panel, (n,) each."""

    row: Codes
    panel: Codes

    def totals(self, latent: Floats, item: Flags, results: Results, worth: Floats, read: Read) -> Floats:
        """Sum of the answers to the items (n_panels, n_series) by latent values (n, n_columns); NaN where one is no number."""
        group, series = np.nonzero(item[self.panel])
        number, token = read(latent, group, series)
        said = np.flatnonzero(token >= 0)
        answer = (results.token[results.value[series[said]]] == token[said, None]).any(axis=1)  # else a code that there is none
        number[said] = np.where(answer, worth[token[said]], np.nan)
        return np.asarray(np.bincount(group, weights=number, minlength=len(self.row)), np.float64)


def worth_of_tokens(results: Results) -> Floats:
    """Numbers that tokens stand for (n_tokens + 1,): the standard ones, else those spelled; NaN for what is none, and last."""
    number = results.tokens.number
    for text in (results.tokens.text, results.tokens.original):
        number = np.where(np.isfinite(number), number, text.spelled.take(text.codes))
    return np.append(number, np.nan)


def answers_given(results: Results, observed: Observed, occasion: Codes, n_occasions: int) -> Floats:
    """Answers of the source as numbers (n_occasions, n_series), NaN for measurements and where there is none."""
    out = np.full((n_occasions, len(results.value)), np.nan)
    column = observed.column
    own = np.flatnonzero((results.value[results.series[column]] == column) & (results.form[column] != ADDITIVE))
    levelled = results.form[column[own]] == LEVELLED
    said = worth_of_tokens(results)[results.token[column[own], np.where(levelled, observed.level[own], 0)]]
    out[occasion[observed.row[own]], results.series[column[own]]] = np.where(levelled, said, observed.number[own])
    return out


def _range(total: Floats, who: Codes, k: int) -> tuple[float, float]:
    """Range of totals (n,): means of the outermost that `k` subjects have, half a point further out; infinite without one."""
    _, inverse = np.unique(who, return_inverse=True)
    n = int(inverse.max(initial=-1)) + 1
    spread = float(total.std())
    if n < max(FEWEST, 2 * k) or spread == 0:
        return -np.inf, np.inf
    least, most = np.full(n, np.inf), np.full(n, -np.inf)
    np.minimum.at(least, inverse, total)
    np.maximum.at(most, inverse, total)
    low, high = float(np.floor(np.sort(least)[:k].mean())), float(np.ceil(np.sort(most)[-k:].mean()))
    below, above = ndtr((low - 0.5 - total.mean()) / spread), ndtr((total.mean() - high - 0.5) / spread)
    return low - 0.5 if below >= BEYOND else -np.inf, high + 0.5 if above >= BEYOND else np.inf

"""Forms of the tests' results: numbers that add up, ranked numbers, and levels; and which results are none at all."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from replicator.distinct import distinct_values
from replicator.models.marginals import QuantileMarginal
from replicator.models.ordinal import order_levels
from replicator.tables.dataset import Text

Codes = NDArray[np.intp]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

ADDITIVE, RANKED, LEVELLED = 0, 1, 2
FEW_NUMBERS = 7  # distinct numbers, up to which each is a level of its own (the usual scales of questionnaires)
ATOM = 0.05  # share of rows at the lowest or highest number from which a series is ranked
OUTLYING = 3.0  # ranges of the other codes, beyond which a number is a code of its own (96 = not applicable)
LEAST_CODE = 66.0  # codes for "no answer" are two digits that no scale reaches
NOT_AN_ANSWER = frozenset({"NA", "N/A", "NOT APPLICABLE", "NOT DONE", "UNKNOWN", "UNK", "U", "ND", "NOT EVALUABLE", "NE"})
MOST_LEVELS = 60


@dataclass(frozen=True, eq=False)
class Observed:
    """Latent observations of the source: row, latent column and either a number or a level (the other is NaN or -1)."""

    row: Codes
    column: Codes
    number: Floats
    level: Codes


def subject_weights(subject: Codes) -> Floats:
    """Weights (n,) with which every subject counts once.

    Levels of subjects are normal over subjects; results that only some have often (a symptom's severity, while it lasts) would
    otherwise count those subjects twice, in the shares and in their levels.
    """
    _, inverse, size = distinct_values(subject, return_inverse=True, return_counts=True)
    return np.asarray(1.0 / size[inverse], np.float64)


def answers(original: Text, text: Text, number: Floats) -> Flags:
    """Tell which rows answer: (n,) bool; not those that are empty, NOT DONE, not applicable."""
    first = np.array([str(level).upper() in NOT_AN_ANSWER for level in original.levels] + [False], bool)[original.codes]
    second = np.array([str(level).upper() in NOT_AN_ANSWER for level in text.levels] + [False], bool)[text.codes]
    empty = original.missing & text.missing & ~np.isfinite(number)
    return np.asarray(~(first | (original.missing & second) | empty), bool)


@dataclass
class LatentColumns:
    """Latent columns as they are found, series by series.

    Attributes
    ----------
    value : (n_rows,) float64
        Results that are numbers.
    token : (n_rows,) int
        Combination of the result variables' cells.
    silent : (n_tokens,) bool
        Tokens that say nothing at all.
    answer : (n_rows,) bool
        Rows that answer.
    standard : (n_rows,) float64
        --STRESN, which orders levels.
    series, subject : (n_rows,) int
        Of each row; series -1 leaves a row out.
    decimals : (n_series,) int64
        Of each series' numbers.
    k : int
        Fewest subjects behind a level.
    """

    value: Floats
    token: Codes
    silent: Flags
    answer: Flags
    standard: Floats
    series: Codes
    subject: Codes
    decimals: NDArray[np.int64]
    k: int
    of_series: list[int] = field(default_factory=list)
    form: list[int] = field(default_factory=list)
    levels: list[Codes] = field(default_factory=list)
    counts: list[Floats] = field(default_factory=list)
    rare: list[Flags] = field(default_factory=list)
    rows: list[Codes] = field(default_factory=list)
    codes: list[Codes] = field(default_factory=list)
    marginals: list[QuantileMarginal] = field(default_factory=list)
    value_column: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    state_column: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    common: Flags = field(default_factory=lambda: np.empty(0, bool))

    def read(self, n_series: int) -> None:
        """Choose a form for every series."""
        self.value_column = np.full(n_series, -1, np.int64)
        self.state_column = np.full(n_series, -1, np.int64)
        inside = self.series >= 0
        span = int(self.subject.max(initial=0)) + 1
        pairs = distinct_values(self.token[inside] * span + self.subject[inside]) // span
        self.common = np.bincount(pairs, minlength=len(self.silent)) >= self.k
        order = np.argsort(self.series, kind="stable")
        edges = np.searchsorted(self.series[order], np.arange(n_series + 1))
        for j in range(n_series):
            self._read_one(j, order[edges[j] : edges[j + 1]])

    def _read_one(self, j: int, rows: Codes) -> None:
        value, who = self.value[rows], self.subject[rows]
        finite = np.isfinite(value)
        measured = bool(finite.mean() >= 0.2 and len(distinct_values(who[finite])) >= self.k)
        special = ~finite if measured else no_answers(self.answer[rows], self.standard[rows])
        if special.all():
            special = np.zeros(len(rows), bool)
        if special.any():
            self.state_column[j] = len(self.form)
            self._add_levels(j, rows, np.where(special, self.token[rows], -1), None)
        rows, value, who = rows[~special], value[~special], who[~special]
        self.value_column[j] = len(self.form)
        if measured and self._few(value, self.token[rows]):
            self._add_levels(j, rows, self.token[rows], value)
        elif measured:
            ranked = _is_ranked(value)
            codes = _number_groups(value) if ranked else np.zeros(len(value), np.intp)
            width = int(codes.max(initial=0)) + 1
            if ranked:
                places = int(self.decimals[j]) if self.decimals[j] <= 8 else None
                self.marginals.append(QuantileMarginal.fit(value, who, k=self.k, decimals=places))
            self._add(j, RANKED if ranked else ADDITIVE, rows, np.full(width, -1, np.intp), codes, np.zeros(width, bool))
        else:
            self._add_levels(j, rows, self.token[rows], self.standard[rows])

    def _few(self, value: Floats, token: Codes) -> bool:
        """Whether numbers are so few that each is a level, and nearly all of them common in the dataset."""
        distinct = distinct_values(value)
        return len(distinct) <= FEW_NUMBERS and bool(self.common[token].mean() >= 0.99)

    def _add(self, j: int, form: int, rows: Codes, levels: Codes, codes: Codes, rare: Flags) -> None:
        self.of_series.append(j)
        self.form.append(form)
        self.levels.append(levels)
        seen = codes >= 0
        weight = subject_weights(self.subject[rows[seen]]) if form == LEVELLED else np.ones(int(seen.sum()))
        self.counts.append(np.bincount(codes[seen], weights=weight, minlength=len(levels)).astype(np.float64))
        self.rare.append(rare)
        self.rows.append(rows)
        self.codes.append(codes)

    def _add_levels(self, j: int, rows: Codes, token: Codes, order_by: Floats | None) -> None:
        """Add a column of levels: those that k subjects of the series share, and rarer ones that k subjects of the dataset do."""
        who = self.subject[rows]
        levels, codes = distinct_values(token, return_inverse=True)
        codes = codes.reshape(-1)
        pairs = distinct_values(np.stack([codes, who], axis=1), axis=0)
        subjects = np.bincount(pairs[:, 0], minlength=len(levels))
        number = levels == -1
        known = number | np.append(self.common | self.silent, True)[levels]
        kept = np.flatnonzero(number | (subjects >= self.k) | known)[:MOST_LEVELS]
        if not len(kept):
            self._add(j, LEVELLED, rows, np.empty(0, np.intp), np.full(len(rows), -1, np.intp), np.empty(0, bool))
            return
        order = _order(codes, who, kept, order_by)
        position = np.full(len(levels), -1, np.intp)
        position[kept[order]] = np.arange(len(kept))
        rare = ~number[kept] & (subjects[kept] < self.k)
        self._add(j, LEVELLED, rows, levels[kept[order]].astype(np.intp), position[codes], rare[order])

    def tables(self, more: Codes) -> tuple[Floats, NDArray[np.int64], Codes, Observed]:
        """Return shares and tokens of the levels (n_columns, n_levels), the tokens used (`more` among them), and the observations.

        Levels that fewer than k subjects of a series share all get the same share: theirs taken together, over all series that
        have such a level. So nothing is kept of a series that fewer than k of its subjects show. If fewer than k subjects stand
        behind them all, they are left out, but for those that say nothing.
        """
        n_columns, width = len(self.form), max([1, *map(len, self.levels)])
        share = np.zeros((n_columns, width))
        token = np.full((n_columns, width), -1, np.int64)
        flat = np.concatenate(self.levels or [np.empty(0, np.intp)])
        used = distinct_values(np.append(flat[flat >= 0], more))
        quiet = [np.append(self.silent, False)[levels] & rare for levels, rare in zip(self.levels, self.rare, strict=True)]
        spoken = [rare & ~mute for rare, mute in zip(self.rare, quiet, strict=True)]
        common = self._pooled(spoken, self.k), self._pooled(quiet, 1)
        for c, (levels, counts) in enumerate(zip(self.levels, self.counts, strict=True)):
            own = np.where(self.rare[c], 0.0, counts / max(1e-9, counts[~self.rare[c]].sum()))
            few = np.where(spoken[c], common[0], 0.0) + np.where(quiet[c], common[1], 0.0)
            few = few * min(1.0, 0.5 / max(few.sum(), 1e-9)) if own.any() else few
            total = own * (1 - few.sum()) + few
            share[c, : len(levels)] = total / max(total.sum(), 1e-12)
            token[c, : len(levels)] = np.where(levels >= 0, np.searchsorted(used, levels), -1)
        row = np.concatenate(self.rows or [np.empty(0, np.intp)])
        level = np.concatenate(self.codes or [np.empty(0, np.intp)])
        column = np.repeat(np.arange(n_columns), [len(rows) for rows in self.rows])
        form = np.array(self.form, np.intp)
        seen = level >= 0
        seen[seen] &= share[column[seen], level[seen]] > 0
        numbers = np.where(form[column] == LEVELLED, np.nan, self.value[row]) if len(row) else np.empty(0)
        return share, token, used, Observed(row[seen], column[seen], numbers[seen], level[seen])

    def _pooled(self, rare: list[Flags], fewest: int) -> float:
        """Share of rare levels, averaged over the levels, in the rows of the series that have any."""
        whose, levels, rows = [], 0, 0
        for c, flags in enumerate(rare):
            if flags.any():
                mine = np.append(flags, False)[self.codes[c]]
                whose.append(self.subject[self.rows[c][mine]])
                levels += int(flags.sum()) * len(self.rows[c])
                rows += int(mine.sum())
        if not whose or len(distinct_values(np.concatenate(whose))) < fewest:
            return 0.0
        return rows / levels


def _order(codes: Codes, who: Codes, kept: Codes, order_by: Floats | None) -> Codes:
    """Order levels by a number where it tells them apart, else by what subjects move between."""
    numbers = None if order_by is None else np.array([np.median(order_by[codes == level]) for level in kept])
    if numbers is not None and np.isfinite(numbers).all() and len(distinct_values(numbers)) == len(kept):
        return np.argsort(numbers)
    if len(kept) < 2:
        return np.arange(len(kept))
    inside = np.isin(codes, kept)
    held = np.zeros((int(who.max()) + 1, len(kept)))
    np.add.at(held, (who[inside], np.searchsorted(kept, codes[inside])), 1.0)
    both = np.minimum(held, 1)
    return order_levels(both.T @ both, held.sum(axis=0))


def _is_ranked(x: Floats) -> bool:
    distinct = distinct_values(x)
    if len(distinct) <= FEW_NUMBERS:
        return True
    return bool(max((x == distinct[0]).mean(), (x == distinct[-1]).mean()) >= ATOM)


def _number_groups(x: Floats) -> Codes:
    """Codes of distinct numbers, of neighbours together where there are many: (n,)."""
    distinct, codes, counts = np.unique(x, return_inverse=True, return_counts=True)
    if len(distinct) > MOST_LEVELS // 2:
        middle = (np.cumsum(counts) - counts / 2) / counts.sum()
        group = np.floor(middle * MOST_LEVELS / 2).astype(np.intp)
        _, group = distinct_values(group, return_inverse=True)
        codes = group[codes]
    return codes.reshape(-1).astype(np.intp)


def no_answers(answer: Flags, number: Floats) -> NDArray[np.bool_]:
    """Rows whose result says that there is none: empty, NOT DONE, not applicable, or an outlying code."""
    nothing = ~answer
    finite = np.isfinite(number)
    codes = distinct_values(number[finite])
    if len(codes) > 2:
        others = codes[:-1]
        if codes[-1] - others[-1] > OUTLYING * max(others[-1] - others[0], 1.0):
            nothing |= number == codes[-1]
    return nothing


def outlying_codes(value: Floats, series: Codes, n_series: int) -> NDArray[np.bool_]:
    """Numbers that are codes: the highest whole number of a series of few, far beyond all others."""
    out = np.zeros(len(value), bool)
    finite = np.isfinite(value) & (series >= 0)
    pairs, inverse = distinct_values(np.stack([series[finite], value[finite]], axis=1), axis=0, return_inverse=True)
    if not len(pairs):
        return out
    owner = pairs[:, 0].astype(np.intp)
    count = np.bincount(owner, minlength=n_series)
    last = np.flatnonzero(np.concatenate([owner[1:] != owner[:-1], [True]]))
    first = np.concatenate([[0], last[:-1] + 1])
    code = np.zeros(len(pairs), bool)
    small = (count[owner[last]] > 2) & (count[owner[last]] <= 25)
    top, second, bottom = pairs[last, 1], pairs[np.maximum(last - 1, 0), 1], pairs[first, 1]
    far = small & (top - second > OUTLYING * np.maximum(second - bottom, 1.0)) & (top == np.round(top)) & (top >= LEAST_CODE)
    code[last[far]] = True
    out[finite] = code[inverse.reshape(-1)]
    return out

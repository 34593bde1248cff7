"""Results of a findings dataset as latent columns: numbers, ranked numbers and levels, and how each is written down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.models.marginals import QuantileMarginal
from replicator.models.ordinal import order_levels
from replicator.models.scales import NumericScales
from replicator.profile.structure import DatasetStructure
from replicator.study_model.findings_writing import OriginalUnits, Written, count_places, read_writing, round_to, write_numbers
from replicator.tables.dataset import Column, Dataset, Numbers, Text

Codes = NDArray[np.intp]
Floats = NDArray[np.float64]

ADDITIVE, RANKED, LEVELLED = 0, 1, 2
FEW_NUMBERS = 7  # distinct numbers, up to which they are ranked rather than measured
ATOM = 0.05  # share of rows at the lowest or highest number from which a series is ranked
OUTLYING = 3.0  # ranges of the other codes, beyond which a number is a code of its own (96 = not applicable)
NOT_AN_ANSWER = frozenset({"NA", "N/A", "NOT APPLICABLE", "NOT DONE", "UNKNOWN", "UNK", "U", "ND", "NOT EVALUABLE", "NE"})
MOST_LEVELS = 60


@dataclass(frozen=True, eq=False)
class ResultNames:
    """The result variables of a dataset, ``""`` where there is none, and which of them are numbers."""

    kind: ClassVar[str] = "result names"

    original: str
    text: str
    number: str
    numeric: tuple[str, ...]

    @classmethod
    def of(cls, dataset: Dataset, structure: DatasetStructure) -> ResultNames:
        """Find --ORRES, --STRESC and --STRESN."""
        original, text, number = (structure.named(suffix) for suffix in ("ORRES", "STRESC", "STRESN"))
        numeric = tuple(name for name in (original, text, number) if name and isinstance(dataset[name], Numbers))
        return cls(original, text, number, numeric)

    @property
    def present(self) -> tuple[str, ...]:
        """Names that the dataset has."""
        return tuple(name for name in (self.original, self.text, self.number) if name)


@dataclass(frozen=True, eq=False)
class Tokens:
    """Results that are not numbers, or few: each a combination of the result variables' cells.

    Attributes
    ----------
    original, text : Text
        Cells of --ORRES and --STRESC, (n_tokens,).
    number : (n_tokens,) float64
        Cells of --STRESN.
    """

    kind: ClassVar[str] = "result tokens"

    original: Text
    text: Text
    number: Floats


@dataclass(frozen=True, eq=False)
class Results:
    """Latent columns and what they stand for.

    Attributes
    ----------
    names : ResultNames
        The result variables.
    series, form : (n_columns,) int64
        Series of each latent column, and whether it is `ADDITIVE`, `RANKED` or `LEVELLED`.
    value, state : (n_series,) int64
        Latent column of a series' numbers (or only levels), and of the choice between special results and numbers; -1 for none.
    scales : NumericScales
        Of all series.
    marginals : tuple of QuantileMarginal
        Of ranked columns, in order of columns.
    share : (n_columns, n_levels) float64
        Probabilities of the levels, lowest first; of a ranked column those of its distinct or grouped numbers.
    token : (n_columns, n_levels) int64
        Token that a level stands for; -1 for "a number".
    tokens : Tokens
        What levels say.
    written : Written
        What numbers look like.
    """

    kind: ClassVar[str] = "results"

    names: ResultNames
    series: NDArray[np.int64]
    form: NDArray[np.int64]
    value: NDArray[np.int64]
    state: NDArray[np.int64]
    scales: NumericScales
    marginals: tuple[QuantileMarginal, ...]
    share: Floats
    token: NDArray[np.int64]
    tokens: Tokens
    written: Written

    def numbers(self, latent: Floats, column: Codes, where: NDArray[np.bool_]) -> Floats:
        """Turn latent values of one column each into recorded numbers.

        Parameters
        ----------
        latent : (n,) float64
            Transformed values of additive columns, probabilities of ranked ones.
        column : (n,) int
            Latent column.
        where : (n,) bool
            Rows that are numbers at all.
        """
        out = np.full(len(latent), np.nan)
        series = self.series[column]
        added = where & (self.form[column] == ADDITIVE)
        out[added] = self.scales.backward(latent[added], series[added])
        ranked = np.flatnonzero(where & (self.form[column] == RANKED))
        order = ranked[np.argsort(column[ranked], kind="stable")]
        which = np.flatnonzero(self.form == RANKED)
        edges = np.searchsorted(column[order], which), np.searchsorted(column[order], which, side="right")
        for marginal, start, stop in zip(self.marginals, *edges, strict=True):
            out[order[start:stop]] = marginal.quantile(latent[order[start:stop]])
        return out

    def write(self, series: Codes, number: Floats, token: Codes, unit: Text | None) -> dict[str, Column]:
        """Write the result variables of rows that are a number (token -1) or a token, in the given original units."""
        said = token >= 0
        standard = self.written.factor[series] * number + self.written.offset[series]
        columns: dict[str, Column] = {}
        original, other_places = self._in_other_units(series, number, standard, unit)
        sources = ((self.names.original, original, 0), (self.names.text, standard, 1), (self.names.number, standard, 2))
        for name, value, which in sources:
            if not name:
                continue
            places = other_places if which == 0 else self.written.places[series, which]
            value = np.where(said | ~self.written.filled[series, which], np.nan, round_to(value, places))
            if which == 2:
                value = np.where(said, np.append(self.tokens.number, np.nan)[token], value)
            if name in self.names.numeric:
                columns[name] = Numbers(value)
                continue
            width = self.written.digits[series, which] if which < 2 else np.zeros(len(series), np.int64)
            text = write_numbers(value, places, self.written.fixed[series, which], width)
            if which < 2:
                text = _overlay(text, self.tokens.original if which == 0 else self.tokens.text, token)
            columns[name] = text
        return columns

    def _in_other_units(
        self, series: Codes, number: Floats, standard: Floats, unit: Text | None
    ) -> tuple[Floats, NDArray[np.int64]]:
        """Original results and their decimals where some rows carry a further unit of their series."""
        places = self.written.places[series, 0]
        if unit is None or not len(self.written.unit_series):
            return number, places
        said = unit.strings()
        names = self.written.units.strings()
        for i, j in enumerate(self.written.unit_series.tolist()):
            rows = (series == j) & (said == names[i])
            number = np.where(rows, (standard - self.written.unit_offset[i]) / self.written.unit_factor[i], number)
            places = np.where(rows, self.written.unit_places[i], places)
        return number, places


def _overlay(text: Text, tokens: Text, token: Codes) -> Text:
    levels = np.append(text.levels, tokens.levels)
    said = np.append(tokens.codes, np.int32(-1))[token]
    moved = np.where(said >= 0, said + len(text.levels), -1)
    return Text(np.where(token >= 0, moved, text.codes).astype(np.int32), levels)


@dataclass(frozen=True, eq=False)
class Observed:
    """Latent observations of the source: row, latent column and either a number or a level (the other is NaN or -1)."""

    row: Codes
    column: Codes
    number: Floats
    level: Codes


def read_results(
    dataset: Dataset, structure: DatasetStructure, series: Codes, subject: Codes, n_series: int, k: int
) -> tuple[Results, Observed, tuple[str, ...]]:
    """Choose a form for every series and read the rows in it.

    Parameters
    ----------
    dataset, structure : Dataset, DatasetStructure
        The dataset.
    series, subject : (n_rows,) int
        Series (-1 to leave a row out) and subject of each row.
    n_series : int
        Number of series.
    k : int
        Fewest subjects behind a level.
    """
    names = ResultNames.of(dataset, structure)
    n = dataset.n_rows
    empty = Text(np.full(n, -1, np.int32), np.empty(0, object))
    original = dataset.text(names.original) if names.original else empty
    text = dataset.text(names.text) if names.text else empty
    number = dataset.numbers(names.number) if names.number else np.full(n, np.nan)
    base = names.original or names.number or names.text
    value = dataset.numbers(base) if base else np.full(n, np.nan)
    if names.original and names.number and not np.isfinite(value).any():
        value = np.where(original.missing & ~text.missing, number, value)
    derived = names.original != "" and names.number != ""
    value = np.where(derived & original.missing & np.isfinite(number), number, value)
    units = OriginalUnits.of(dataset, structure, series, subject, n_series)
    value = units.convert(value, number, series, n_series)
    stack = np.stack([original.codes.astype(np.float64), text.codes.astype(np.float64), np.nan_to_num(number, nan=np.inf)], axis=1)
    unique_tokens, token = np.unique(stack, axis=0, return_inverse=True)
    token = token.reshape(-1)
    outlying = _outlying(value, series, n_series)
    value = np.where(outlying, np.nan, value)

    order = np.argsort(series, kind="stable")
    edges = np.searchsorted(series[order], np.arange(n_series + 1))
    plan = _Plan([], [], [], [], [], [])
    value_column = np.full(n_series, -1, np.int64)
    state_column = np.full(n_series, -1, np.int64)
    column_of: list[Codes] = []
    level_of: list[Codes] = []
    number_of: list[Floats] = []
    row_of: list[Codes] = []
    usual = np.where(units.others(series), np.nan, value)
    decimals = count_places(original if names.original else Text.of(Numbers(value).strings()), usual, series, n_series)[0]
    marginals: list[QuantileMarginal] = []
    for j in range(n_series):
        rows = order[edges[j] : edges[j + 1]]
        finite = np.isfinite(value[rows])
        x, who = value[rows], subject[rows]
        measured = finite.mean() >= 0.2 and len(np.unique(who[finite])) >= k
        special = ~finite if measured else _no_answer(text.strings()[rows], original.strings()[rows], number[rows])
        if not measured and (special.all() or len(np.unique(token[rows[~special]])) == 0):
            special = np.zeros(len(rows), bool)
        if special.any():
            state_column[j] = len(plan.series)
            levels, codes = _levels(np.where(special, token[rows], -1), who, k, first=None, keep_minus=True)
            plan.add(j, LEVELLED, levels, codes)
            _note_rows(column_of, level_of, number_of, row_of, state_column[j], rows, codes, None)
        inside = ~special
        value_column[j] = len(plan.series)
        if measured:
            ranked = _is_ranked(x[inside])
            codes = _number_groups(x[inside]) if ranked else np.zeros(int(inside.sum()), np.intp)
            plan.add(j, RANKED if ranked else ADDITIVE, np.full(int(codes.max(initial=0)) + 1, -1), codes)
            if ranked:
                places = int(decimals[j]) if decimals[j] <= 8 else None
                marginals.append(QuantileMarginal.fit(x[inside], who[inside], k=k, decimals=places))
            _note_rows(column_of, level_of, number_of, row_of, value_column[j], rows[inside], codes, x[inside])
        else:
            levels, codes = _levels(token[rows[inside]], who[inside], k, first=number[rows[inside]])
            plan.add(j, LEVELLED, levels, codes)
            _note_rows(column_of, level_of, number_of, row_of, value_column[j], rows[inside], codes, None)
    observed = Observed(
        np.concatenate(row_of) if row_of else np.empty(0, np.intp),
        np.concatenate(column_of) if column_of else np.empty(0, np.intp),
        np.concatenate(number_of) if number_of else np.empty(0),
        np.concatenate(level_of) if level_of else np.empty(0, np.intp),
    )
    kept = observed.level >= 0
    lost = int((~kept).sum())
    observed = Observed(observed.row[kept], observed.column[kept], observed.number[kept], observed.level[kept])
    notes: tuple[str, ...] = ()
    if lost:
        notes = (
            f"{dataset.name}: {lost} results are texts that fewer than {k} subjects share in their test; "
            f"they are not kept, lower k to keep them.",
        )
    share, tokens_of, used = plan.tables()
    scale_rows = (series >= 0) & np.isfinite(value)
    scales = NumericScales.fit(value[scale_rows], series[scale_rows], subject[scale_rows], decimals, k=k)
    picked = unique_tokens[used]
    tokens = Tokens(
        Text(picked[:, 0].astype(np.int32), original.levels).compact() if len(used) else empty.take(np.empty(0, np.intp)),
        Text(picked[:, 1].astype(np.int32), text.levels).compact() if len(used) else empty.take(np.empty(0, np.intp)),
        np.where(np.isinf(picked[:, 2]), np.nan, picked[:, 2]) if len(used) else np.empty(0),
    )
    written = read_writing(original, text, number, value, series, n_series, bool(names.original), units, k)
    results = Results(
        names,
        np.array(plan.series, np.int64),
        np.array(plan.form, np.int64),
        value_column,
        state_column,
        scales,
        tuple(marginals),
        share,
        tokens_of,
        tokens,
        written,
    )
    return results, observed, notes


@dataclass
class _Plan:
    """Latent columns as they are found."""

    series: list[int]
    form: list[int]
    levels: list[NDArray[np.intp]]
    counts: list[NDArray[np.intp]]
    unused: list[int]
    used: list[int]

    def add(self, series: int, form: int, levels: NDArray[np.intp], codes: Codes) -> None:
        self.series.append(series)
        self.form.append(form)
        self.levels.append(np.asarray(levels, np.intp))
        self.counts.append(np.bincount(codes[codes >= 0], minlength=len(levels)))

    def tables(self) -> tuple[Floats, NDArray[np.int64], Codes]:
        width = max((len(levels) for levels in self.levels), default=1)
        share = np.zeros((len(self.levels), width))
        token = np.full((len(self.levels), width), -1, np.int64)
        used = np.unique(np.concatenate([levels for levels in self.levels] or [np.empty(0, np.intp)]))
        used = used[used >= 0]
        for c, (levels, counts) in enumerate(zip(self.levels, self.counts, strict=True)):
            share[c, : len(levels)] = counts / max(1, counts.sum())
            place = np.searchsorted(used, levels)
            token[c, : len(levels)] = np.where(levels >= 0, place, -1)
        return share, token, used


def _note_rows(
    columns: list[Codes],
    levels: list[Codes],
    numbers: list[Floats],
    rows: list[Codes],
    column: int,
    where: Codes,
    codes: Codes,
    x: Floats | None,
) -> None:
    columns.append(np.full(len(where), column, np.intp))
    rows.append(where)
    levels.append(codes)
    numbers.append(np.full(len(where), np.nan) if x is None else x)


def _is_ranked(x: Floats) -> bool:
    distinct = np.unique(x)
    if len(distinct) <= FEW_NUMBERS:
        return True
    return bool(max((x == distinct[0]).mean(), (x == distinct[-1]).mean()) >= ATOM)


def _number_groups(x: Floats) -> Codes:
    """Codes of distinct numbers, of neighbours together where there are many: (n,)."""
    distinct, codes, counts = np.unique(x, return_inverse=True, return_counts=True)
    if len(distinct) > MOST_LEVELS // 2:
        middle = (np.cumsum(counts) - counts / 2) / counts.sum()
        group = np.floor(middle * MOST_LEVELS / 2).astype(np.intp)
        _, group = np.unique(group, return_inverse=True)
        codes = group[codes]
    return codes.reshape(-1).astype(np.intp)


def _levels(token: Codes, who: Codes, k: int, first: Floats | None, *, keep_minus: bool = False) -> tuple[NDArray[np.intp], Codes]:
    """Levels that at least k subjects share, in order; rows of the others get code -1.

    With `first` (a number for each row) levels are ordered by it where it tells them apart, else by what subjects move between.
    """
    levels, codes = np.unique(token, return_inverse=True)
    codes = codes.reshape(-1)
    pairs = np.unique(np.stack([codes, who], axis=1), axis=0)
    subjects = np.bincount(pairs[:, 0], minlength=len(levels))
    kept = np.flatnonzero((subjects >= k) | (keep_minus & (levels == -1)))[:MOST_LEVELS]
    if not len(kept):
        return np.empty(0, np.intp), np.full(len(token), -1, np.intp)
    inside = np.isin(codes, kept)
    position = np.full(len(levels), -1, np.intp)
    order = np.arange(len(kept))
    numbers = None if first is None else np.array([np.median(first[codes == level]) for level in kept])
    if numbers is not None and np.isfinite(numbers).all() and len(np.unique(numbers)) == len(kept):
        order = np.argsort(numbers)
    elif len(kept) > 1:
        place = np.searchsorted(kept, codes[inside])
        held = np.zeros((int(who.max()) + 1, len(kept)))
        np.add.at(held, (who[inside], place), 1.0)
        counts = held.sum(axis=0)
        order = order_levels(np.minimum(held, 1).T @ np.minimum(held, 1), counts)
    position[kept[order]] = np.arange(len(kept))
    return levels[kept[order]].astype(np.intp), position[codes]


def _no_answer(text: NDArray[np.object_], original: NDArray[np.object_], number: Floats) -> NDArray[np.bool_]:
    """Rows whose result says that there is none: empty, NOT DONE, not applicable, or an outlying code."""
    said = np.array([str(a or b).upper() for a, b in zip(original, text, strict=True)], object)
    nothing = np.isin(said, [*NOT_AN_ANSWER, ""])
    finite = np.isfinite(number)
    codes = np.unique(number[finite])
    if len(codes) > 2:
        others = codes[:-1]
        if codes[-1] - others[-1] > OUTLYING * max(others[-1] - others[0], 1.0):
            nothing |= number == codes[-1]
    return nothing


def _outlying(value: Floats, series: Codes, n_series: int) -> NDArray[np.bool_]:
    """Numbers that are codes: the highest whole number of a series of few, far beyond all others."""
    out = np.zeros(len(value), bool)
    finite = np.isfinite(value) & (series >= 0)
    pairs, inverse = np.unique(np.stack([series[finite], value[finite]], axis=1), axis=0, return_inverse=True)
    if not len(pairs):
        return out
    owner = pairs[:, 0].astype(np.intp)
    count = np.bincount(owner, minlength=n_series)
    last = np.flatnonzero(np.concatenate([owner[1:] != owner[:-1], [True]]))
    first = np.concatenate([[0], last[:-1] + 1])
    code = np.zeros(len(pairs), bool)
    small = (count[owner[last]] > 2) & (count[owner[last]] <= 25)
    top, second, bottom = pairs[last, 1], pairs[np.maximum(last - 1, 0), 1], pairs[first, 1]
    far = small & (top - second > OUTLYING * np.maximum(second - bottom, 1.0)) & (top == np.round(top)) & (top >= 66)
    code[last[far]] = True
    out[finite] = code[inverse.reshape(-1)]
    return out

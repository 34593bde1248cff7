"""Results of a findings dataset as latent columns: numbers, ranked numbers and levels, and how each is written down."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.counting import counted
from replicator.distinct import distinct_values
from replicator.models.marginals import QuantileMarginal
from replicator.models.scales import NumericScales
from replicator.profile.structure import DatasetStructure
from replicator.study_model.findings_levels import ADDITIVE, LEVELLED, RANKED, LatentColumns, Observed, answers, outlying_codes
from replicator.study_model.findings_limits import Limits, find_limits
from replicator.study_model.findings_writing import OriginalUnits, Written, count_places, read_writing, round_to, write_numbers
from replicator.tables.dataset import Column, Dataset, Numbers, Text
from replicator.tables.spelling import spelled_numbers

Codes = NDArray[np.intp]
Floats = NDArray[np.float64]


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
    limits : Limits
        Numbers beyond which a token is said instead.
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
    limits: Limits

    @cached_property
    def edges(self) -> tuple[Floats, NDArray[np.intp]]:
        """Probabilities at which the next level begins (n_columns, n_levels), and the last level of each column (n_columns,)."""
        last = self.share.shape[1] - 1 - (self.share[:, ::-1] > 0).argmax(axis=1)  # levels of a share of 0 may stand below it
        return np.cumsum(self.share, axis=1), last

    @cached_property
    def told(self) -> NDArray[np.bool_]:
        """Series (n_series,) of which something is known to say; of the others all texts are too few subjects'."""
        levels = (self.form != LEVELLED) | (self.share.sum(axis=1) > 0)
        return np.asarray(levels[self.value] | ((self.state >= 0) & levels[self.state]), bool)

    def silent(self, token: Codes) -> NDArray[np.bool_]:
        """Which tokens (n,) say that there is no result; -1 is a number."""
        nothing = self.tokens.original.missing & self.tokens.text.missing & np.isnan(self.tokens.number)
        return np.asarray(np.append(nothing, False)[token], np.bool_)

    def numbers(self, latent: Floats, column: Codes, where: NDArray[np.bool_], site: Codes) -> Floats:
        """Turn latent values of one column each into recorded numbers.

        Parameters
        ----------
        latent : (n,) float64
            Transformed values of additive columns, probabilities of ranked ones.
        column : (n,) int
            Latent column.
        where : (n,) bool
            Rows that are numbers at all.
        site : (n,) int
            Whose last digits they have.
        """
        out = np.full(len(latent), np.nan)
        series = self.series[column]
        added = where & (self.form[column] == ADDITIVE)
        out[added] = self.scales.backward(latent[added], series[added], site[added])
        ranked = np.flatnonzero(where & (self.form[column] == RANKED))
        order = ranked[np.argsort(column[ranked], kind="stable")]
        which = np.flatnonzero(self.form == RANKED)
        edges = np.searchsorted(column[order], which), np.searchsorted(column[order], which, side="right")
        for marginal, start, stop in zip(self.marginals, *edges, strict=True):
            out[order[start:stop]] = marginal.quantile(latent[order[start:stop]])
        return out

    def write(self, series: Codes, number: Floats, token: Codes, unit: Text | None) -> dict[str, Column]:
        """Write the result variables of rows that are a number (token -1) or a token, in the given original units."""
        said, counted = np.flatnonzero(token >= 0), np.flatnonzero(token < 0)
        own, amount = series[counted], number[counted]
        standard = self.written.factor[own] * amount + self.written.offset[own]
        columns: dict[str, Column] = {}
        original, other_places = self._in_other_units(own, amount, standard, None if unit is None else unit.take(counted))
        sources = ((self.names.original, original, 0), (self.names.text, standard, 1), (self.names.number, standard, 2))
        for name, exact, which in sources:
            if not name:
                continue
            places = other_places if which == 0 else self.written.places[own, which]
            value = np.where(self.written.filled[own, which], round_to(exact, places), np.nan)
            if which == 2 or name in self.names.numeric:
                said_number = (_spelled(self.tokens.original), _spelled(self.tokens.text), self.tokens.number)[which]
                every = np.full(len(series), np.nan)
                every[counted], every[said] = value, said_number[token[said]]
                columns[name] = column = Numbers(every)
                if name not in self.names.numeric:
                    fixed, width = self.written.fixed[series, which], np.zeros(len(series), np.int64)
                    columns[name] = write_numbers(column.values, self.written.places[series, which], fixed, width)
                continue
            text = write_numbers(value, places, self.written.fixed[own, which], self.written.digits[own, which])
            codes = np.full(len(series), -1, np.int32)
            codes[counted] = text.codes
            tokens = self.tokens.original if which == 0 else self.tokens.text
            columns[name] = Text(codes, text.levels).overlaid(said, tokens.take(token[said]))
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
            if self.written.unit_factor[i]:
                number = np.where(rows, (standard - self.written.unit_offset[i]) / self.written.unit_factor[i], number)
            places = np.where(rows, self.written.unit_places[i], places)
        return number, places


def _spelled(text: Text) -> Floats:
    """Numbers that texts spell: (n,), NaN for others."""
    return np.append(spelled_numbers(text.levels.tolist()), np.nan)[text.codes]


def read_results(
    dataset: Dataset,
    structure: DatasetStructure,
    series: Codes,
    subject: Codes,
    site: Codes,
    sizes: tuple[int, int],
    k: int,
) -> tuple[Results, Observed, tuple[str, ...]]:
    """Choose a form for every series and read the rows in it.

    Parameters
    ----------
    dataset, structure : Dataset, DatasetStructure
        The dataset.
    series, subject, site : (n_rows,) int
        Series (-1 to leave a row out), subject and site of each row; the number of sites stands for none.
    sizes : (n_series, n_sites)
        Extents.
    k : int
        Fewest subjects behind a level.
    """
    n_series, n_sites = sizes
    said = _Said.of(dataset, structure, series, subject, n_series)
    usual, unique_tokens, token = ~said.units.others(series), *said.combinations()
    decimals = count_places(said.spelled_numbers(), np.where(usual, said.value, np.nan), series, n_series)[0]
    written = read_writing(
        said.original, said.text, said.number, said.value, series, n_series, bool(said.names.original), said.units, k
    )
    spelled = said.original if said.names.original else said.text
    limits, value = find_limits(spelled, token, said.value, usual, series, subject, decimals, k)
    silent = (unique_tokens[:, 0] < 0) & (unique_tokens[:, 1] < 0) & np.isinf(unique_tokens[:, 2])
    answered = answers(said.original, said.text, said.number)
    plan = LatentColumns(value, token, silent, answered, said.number, series, subject, decimals, k)
    plan.read(n_series)
    share, tokens_of, used, observed = plan.tables(limits.token)
    rows = (series >= 0) & np.isfinite(value)
    scales = NumericScales.fit(value[rows], series[rows], subject[rows], decimals, group=site[rows], n_groups=n_sites, k=k)
    results = Results(
        said.names,
        np.array(plan.of_series, np.int64),
        np.array(plan.form, np.int64),
        plan.value_column,
        plan.state_column,
        scales,
        tuple(plan.marginals),
        share,
        tokens_of,
        said.tokens(unique_tokens[used]),
        written,
        limits.among(used),
    )
    lost = int(((series >= 0) & ~np.isin(np.arange(dataset.n_rows), observed.row)).sum())
    note = (
        f"{dataset.name}: texts that fewer than {k} subjects share in their test are not kept, {counted(lost, 'result')}; "
        "lower k to keep more."
    )
    return results, observed, (note,) if lost else ()


@dataclass(frozen=True, eq=False)
class _Said:
    """What the result variables say in each row.

    Attributes
    ----------
    names : ResultNames
        The variables.
    original, text : (n_rows,) Text
        Cells of --ORRES and --STRESC.
    number : (n_rows,) float64
        Cells of --STRESN.
    units : OriginalUnits
        Units of the original results.
    value : (n_rows,) float64
        Results that are numbers, in the usual unit of their series; NaN for others.
    """

    names: ResultNames
    original: Text
    text: Text
    number: Floats
    units: OriginalUnits
    value: Floats

    @classmethod
    def of(cls, dataset: Dataset, structure: DatasetStructure, series: Codes, subject: Codes, n_series: int) -> _Said:
        """Read the variables of rows (n_rows,) of these series and subjects."""
        names = ResultNames.of(dataset, structure)
        empty = Text(np.full(dataset.n_rows, -1, np.int32), np.empty(0, object))
        nothing = np.full(dataset.n_rows, np.nan)
        original = dataset.text(names.original) if names.original else empty
        text = dataset.text(names.text) if names.text else empty
        number = dataset.numbers(names.number) if names.number else nothing
        base = names.original or names.number or names.text
        value = dataset.numbers(base) if base else nothing
        if names.original and names.number:
            if not np.isfinite(value).any():
                value = np.where(original.missing & ~text.missing, number, value)
            value = np.where(original.missing & np.isfinite(number), number, value)
        units = OriginalUnits.of(dataset, structure, series, subject, n_series)
        value = units.convert(value, number, series, n_series)
        value = np.where(outlying_codes(value, series, n_series), np.nan, value)
        return cls(names, original, text, number, units, value)

    def combinations(self) -> tuple[Floats, Codes]:
        """Distinct combinations of the codes of original and text and the number, infinite for none; and that of each row."""
        cells = [self.original.codes.astype(np.float64), self.text.codes.astype(np.float64), np.nan_to_num(self.number, nan=np.inf)]
        unique, which = distinct_values(np.stack(cells, axis=1), axis=0, return_inverse=True)
        return unique, which.reshape(-1)

    def tokens(self, picked: Floats) -> Tokens:
        """Cells of some combinations, (n_tokens, 3)."""
        original, text = (
            Text(picked[:, i].astype(np.int32), one.levels).compact() for i, one in enumerate((self.original, self.text))
        )
        return Tokens(original, text, np.where(np.isinf(picked[:, 2]), np.nan, picked[:, 2]))

    def spelled_numbers(self) -> Text:
        """Numbers as they are written: (n_rows,)."""
        return self.original if self.names.original else Numbers(self.value).text()


def codes_of_results(results: Results, observed: Observed, occasion: Codes, shape: tuple[int, ...]) -> Floats:
    """Results that others may follow from: numbers as they are, tokens as -1 - token; NaN elsewhere."""
    out = np.full(shape, np.nan)
    series = results.series[observed.column]
    token = results.token[observed.column, observed.level]
    coded = np.where(token >= 0, -1.0 - token, observed.number)
    use = np.isfinite(coded)
    out[occasion[observed.row[use]], series[use]] = coded[use]
    return out


def states_of_rows(results: Results, observed: Observed, n_rows: int) -> tuple[Codes, Floats]:
    """Token + 1 of each row, 0 for a number, and the number: (n_rows,) each."""
    state, number = np.zeros(n_rows, np.intp), np.full(n_rows, np.nan)
    token = results.token[observed.column, observed.level]
    said = token >= 0
    state[observed.row[said]] = token[said] + 1
    counted = np.isfinite(observed.number)
    number[observed.row[counted]] = observed.number[counted]
    return state, number

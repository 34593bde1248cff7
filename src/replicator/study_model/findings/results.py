"""Results of a findings dataset as latent columns: numbers, ranked numbers and levels, and how each is written down."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.models.marginals import QuantileMarginal
from replicator.models.scales import NumericScales
from replicator.profile.structure import DatasetStructure
from replicator.study_model.columns.written_numbers import write_numbers
from replicator.study_model.findings.levels import ADDITIVE, LEVELLED, RANKED
from replicator.study_model.findings.limits import Limits
from replicator.study_model.findings.writing import Written, round_to
from replicator.tables.dataset import Column, Dataset, Numbers, Text

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
    return text.spelled.take(text.codes)

"""What must agree within a row, such as variables that follow exactly from others.

Parts draw columns given what matters most for them. What followed from another variable in every row of the source is set right
here, after all columns are drawn and derived, so that no rare draw or stand-in breaks it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import repeat
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.derivations.derive import chosen
from replicator.distinct import distinct_values
from replicator.profile.structure import DatasetStructure
from replicator.standards.withheld import WITHHELD
from replicator.study_model.agreement.doses import DoseAgreement
from replicator.study_model.agreement.following import Following, Search, tells, usual_row
from replicator.study_model.agreement.pairs import Combinations, KnownPairs
from replicator.study_model.agreement.results import ResultAgreement
from replicator.study_model.columns.codes import column_codes
from replicator.tables.dataset import Column, Dataset, Numbers, Text

Codes = NDArray[np.int64]
Flags = NDArray[np.bool_]

DAYS = ("DY", "STDY", "ENDY")  # study days, of which 0 is none


@dataclass(frozen=True, eq=False)
class Agreement:
    """What agrees within the rows of one dataset.

    Attributes
    ----------
    following : tuple of Following
        In the order in which they are set; an earlier one wins.
    doses : DoseAgreement or None
        What agrees about doses; None if there are none in numbers, with units.
    results : ResultAgreement or None
        What agrees about results; None if the dataset holds no findings.
    epochs : KnownPairs or None
        Which epochs a visit may lie in; None if the dataset has no visits or no epochs.
    status : str
        --STAT, which gives way to nothing; ``""`` if there is none.
    without_zero : tuple of str
        Study days that are never 0: the day before day 1 is day -1.
    """

    kind: ClassVar[str] = "agreement"

    following: tuple[Following, ...]
    doses: DoseAgreement | None = None
    results: ResultAgreement | None = None
    epochs: KnownPairs | None = None
    status: str = ""
    without_zero: tuple[str, ...] = ()

    @classmethod
    def fit(cls, dataset: Dataset, structure: DatasetStructure, subject: NDArray[np.int32], k: int) -> Agreement:
        """Learn from a dataset whose rows belong to `subject` (n_rows,); nothing that fewer than k subjects share is kept."""
        search = Search.of(dataset, structure, subject, k)
        following = (*search.topics(), *search.dependents(), *search.fallbacks())
        epoch = next(iter(search.epochs), "")
        pairs = KnownPairs.fit(dataset, "VISITNUM", epoch, subject, k) if epoch and "VISITNUM" in search.rank else None
        days = tuple(
            name
            for name in (structure.named(suffix) for suffix in DAYS)
            if name and isinstance(dataset[name], Numbers) and not (dataset.numbers(name) == 0).any()
        )
        doses = DoseAgreement.fit(dataset, structure, subject, k)
        results = ResultAgreement.fit(dataset, structure, subject, k) if doses is None else None
        return cls(following, doses, results, pairs, structure.named("STAT"), days)

    def settled_by(self, dataset: Dataset, wanted: Sequence[bool], rng: np.random.Generator) -> Agreement:
        """Let the `wanted` ones of the tables take the values of keys that they lack from rows that a sample may have.

        Parameters
        ----------
        dataset : Dataset
            Rows with all such keys.
        wanted : sequence of bool
            One a table.
        rng : numpy.random.Generator
            For values that are drawn anew.
        """
        held, names = self.hold(dataset, rng), set(dataset.names)
        pairs = zip(self.following, wanted, strict=True)
        return replace(
            self,
            following=tuple(
                one.settled_by(held) if use and {*one.determinants, one.dependent} <= names else one for one, use in pairs
            ),
        )

    def hold(self, dataset: Dataset, rng: np.random.Generator) -> Dataset:
        """Set right what does not agree.

        Parameters
        ----------
        dataset : Dataset
            Rows of a sample, drawn and derived.
        rng : numpy.random.Generator
            For values that are drawn anew.
        """
        if self.results is not None:
            dataset = self.results.hold(dataset)
        if self.epochs is not None:
            dataset = self.epochs.hold(dataset)
        settled: dict[str, Flags] = {self.status: np.ones(dataset.n_rows, bool)} if self.status in dataset else {}
        if self.results is not None and self.results.indicator:
            settled[self.results.indicator] = self.results.judged(dataset)
        there = [one for one in self.following if {*one.determinants, one.dependent} <= set(dataset.names)]
        last, combinations = [one for one in there if one.fills and not one.determinants], Combinations()
        for name in dict.fromkeys(one.dependent for one in there):  # each is held before what follows from it
            tables = [one for one in there if one.dependent == name and one not in last]
            for one in tables:
                dataset = _hold_one(one, dataset, combinations, settled, rng)
            for one in _coarse_first(tables, there):
                if one.exact:
                    dataset = _one_value(one, dataset, combinations, settled)
        for one in last:
            dataset = _hold_one(one, dataset, combinations, settled, rng)
        for name in self.without_zero:
            if name in dataset:
                day = dataset.numbers(name)
                dataset = dataset.with_column(dataset.variable(name), Numbers(np.where(day == 0, 1.0, day)))
        return dataset if self.doses is None else self.doses.hold(dataset, rng)


def _coarse_first(tables: Sequence[Following], following: Sequence[Following]) -> list[Following]:
    """Tables of one dependent, first those from what itself follows from others, such as the code of a term."""
    told = [one.dependent for one in following if one.determinants]
    return sorted(tables, key=lambda one: -sum(told.count(name) for name in one.determinants))


def _hold_one(
    one: Following, dataset: Dataset, combinations: Combinations, settled: dict[str, Flags], rng: np.random.Generator
) -> Dataset:
    column = dataset[one.dependent]
    if not one.keys or isinstance(column, Text) is not isinstance(one.values, Text):
        return dataset
    codes, texts = combinations.of(dataset, one.determinants)
    at = np.fromiter(map(one.place.get, texts, repeat(-1)), np.intp, len(texts))
    known = (at >= 0).take(codes) if (at < 0).any() else np.ones(len(codes), bool)
    if one.fills:
        known &= column.missing | _withheld(column)
    told = one.values.take(np.maximum(at, 0))
    wrong = known & ~_equal(column, told, codes)
    before = settled.setdefault(one.dependent, np.zeros(dataset.n_rows, bool))
    settled[one.dependent] = before | known
    if not wrong.any():
        return dataset
    free, wanted = wrong & ~before, told.take(codes)
    if free.any():
        dataset = _with_donors(dataset, one.taken_along, free, known & ~wrong, wanted, rng)
        dataset = dataset.with_column(dataset.variable(one.dependent), chosen(free, wanted, column))
    if one.gives_way and (wrong & before).any():
        dataset = _redraw(one, dataset, wrong & before, known & ~wrong, settled, rng)
    return dataset


def _redraw(
    one: Following, dataset: Dataset, rows: Flags, right: Flags, settled: dict[str, Flags], rng: np.random.Generator
) -> Dataset:
    """Give `rows` the last determinant of other rows with their value of the dependent, or one that the table knows for it.

    Rows for whose value there is neither stay.
    """
    name = one.determinants[-1]
    rows = rows & ~settled.get(name, np.zeros(dataset.n_rows, bool))
    value = dataset[one.dependent]
    dataset = _with_donors(dataset, (name,), rows, right, value, rng)
    if len(one.determinants) > 1 or not isinstance(dataset[name], Text):
        return dataset
    known, drawn = one.values.strings(), np.full(dataset.n_rows, "", object)
    for text in distinct_values(value.take(np.flatnonzero(rows & ~_given(value, right))).strings().astype(str)).tolist():
        keys = [key for key, own in zip(one.keys, known.tolist(), strict=True) if own == text and key]
        takers = np.flatnonzero(rows & (value.strings() == text))
        if keys:
            drawn[takers] = np.array(keys, object)[rng.integers(len(keys), size=len(takers))]
    return dataset.with_column(dataset.variable(name), chosen(drawn != "", Text.of(drawn.tolist()), dataset[name]))


def _withheld(column: Column) -> Flags:
    """Cells (n_rows,) that stand for withheld texts."""
    if not isinstance(column, Text):
        return np.zeros(len(column), bool)
    return np.append(column.levels == WITHHELD, False).take(column.codes).astype(bool)


def _given(value: Column, right: Flags) -> Flags:
    """Rows (n_rows,) whose value some row that is `right` has, too."""
    codes, levels = column_codes(value)
    return np.isin(codes, distinct_values(codes[right])) if len(levels) else np.ones(len(codes), bool)


def _with_donors(
    dataset: Dataset, names: Sequence[str], rows: Flags, right: Flags, value: Column, rng: np.random.Generator
) -> Dataset:
    """Give `rows` the variables `names` of rows that are `right` and have the same `value` (n_rows,)."""
    if not names:
        return dataset
    codes, _ = column_codes(value)
    donor = np.arange(dataset.n_rows)
    for code in distinct_values(codes[rows]).tolist():
        givers, takers = np.flatnonzero(right & (codes == code)), np.flatnonzero(rows & (codes == code))
        if len(givers):
            donor[takers] = givers[rng.integers(len(givers), size=len(takers))]
    for name in names:
        dataset = dataset.with_column(dataset.variable(name), dataset[name].take(donor))
    return dataset


def _one_value(one: Following, dataset: Dataset, combinations: Combinations, settled: dict[str, Flags]) -> Dataset:
    """Give rows whose key is not kept one value a key: the table's own for such keys, else that which most rows of the key have."""
    codes, texts = combinations.of(dataset, one.determinants)
    before = settled.setdefault(one.dependent, np.zeros(dataset.n_rows, bool))
    if all(map(one.place.__contains__, texts)):
        return dataset
    open_keys = [text not in one.place and tells(text) for text in texts]
    if not any(open_keys):
        return dataset
    rows = np.array(open_keys).take(codes)
    column = dataset[one.dependent]
    if one.otherwise is not None and isinstance(column, Text) is isinstance(one.otherwise, Text):
        wanted = one.otherwise.take(np.zeros(dataset.n_rows, np.intp))
        different = rows & ~before & ~_equal(column, wanted, np.arange(dataset.n_rows))
        settled[one.dependent] = before | rows
        return dataset.with_column(dataset.variable(one.dependent), chosen(different, wanted, column))
    dataset, told = _value_of_others(one, dataset, combinations, settled)
    column, before, rows = dataset[one.dependent], settled[one.dependent], rows & ~told
    here = np.flatnonzero(rows)
    donor = here[usual_row(codes[here], column.take(here), len(texts))][codes] if len(here) else codes
    wanted = column.take(donor)
    different = rows & ~before & ~_equal(column, wanted, np.arange(dataset.n_rows))
    settled[one.dependent] = before | rows
    for name in (*one.taken_along, one.dependent):
        if name in dataset and different.any():
            dataset = dataset.with_column(dataset.variable(name), chosen(different, dataset[name].take(donor), dataset[name]))
    return dataset


def _value_of_others(
    one: Following, dataset: Dataset, combinations: Combinations, settled: dict[str, Flags]
) -> tuple[Dataset, Flags]:
    """Give rows whose key is not kept what the table says of such keys; also tell of which rows (n_rows,) it says something."""
    column = dataset[one.dependent]
    nothing = np.zeros(dataset.n_rows, bool)
    if not one.others or one.of_others is None or isinstance(column, Text) is not isinstance(one.of_others, Text):
        return dataset, nothing
    codes, texts = combinations.of(dataset, one.determinants)
    kept, place = set(one.keys), {text: at for at, text in enumerate(one.others)}
    at = np.array([-1 if text in kept else place.get(text, -1) for text in texts], np.intp).take(codes)
    told = at >= 0
    before = settled.get(one.dependent, nothing)
    settled[one.dependent] = before | told
    at = np.maximum(at, 0)
    wanted = one.of_others.take(at)
    different = told & ~before & ~_equal(column, wanted, np.arange(dataset.n_rows))
    for name, along in one.along_others.items():
        dataset = dataset.with_column(dataset.variable(name), chosen(different, along.take(at), dataset[name]))
    return dataset.with_column(dataset.variable(one.dependent), chosen(different, wanted, column)), told


def _equal(column: Column, told: Column, place: Codes | NDArray[np.intp]) -> Flags:
    """Whether each cell is that of another column at its `place` (n_rows,)."""
    if isinstance(column, Numbers) and isinstance(told, Numbers):
        left, right = column.rounded.values, told.rounded.values.take(place)
        return np.asarray((left == right) | (np.isnan(left) & np.isnan(right)), bool)
    assert isinstance(column, Text) and isinstance(told, Text)
    at = np.fromiter(map(column.place.get, told.levels.tolist(), repeat(-2)), np.int32, len(told.levels))
    codes = np.append(at, np.int32(-1))
    return np.asarray(column.codes == codes.take(told.codes).take(place), bool)

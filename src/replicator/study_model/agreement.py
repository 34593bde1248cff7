"""What must agree within a row: variables that follow exactly from others, and doses that come with their unit.

Parts draw columns given what matters most for them. What followed from another variable in every row of the source is set right
here, after all columns are drawn and derived, so that no rare draw or stand-in breaks it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.derivations.derive import blanked, chosen
from replicator.distinct import distinct_values
from replicator.profile.structure import Content, DatasetStructure, Role
from replicator.standards.withheld import WITHHELD
from replicator.study_model.agreement_pairs import SEPARATOR, KnownPairs, combinations_of
from replicator.study_model.agreement_results import ResultAgreement
from replicator.study_model.attributes import column_codes, count_subjects, take_codes
from replicator.tables.dataset import Column, Dataset, Numbers, Text

Codes = NDArray[np.int64]
Flags = NDArray[np.bool_]

MOST_KEYS = 2000  # keys of one table
MADE_ELSEWHERE = (Role.IDENTIFIER, Role.SUBJECT, Role.SEQUENCE, Role.RECORD_ID, Role.RESULT, Role.DATE, Role.STUDY_DAY)
ORDER = (Role.TOPIC, Role.SYNONYM, Role.VISIT, Role.TIMEPOINT, Role.GROUPING, Role.QUALIFIER, Role.EPOCH, Role.FLAG)
OF_TEST = ("ORRESU", "STRESU", "ORNRLO", "ORNRHI", "STNRLO", "STNRHI")  # a unit or limit is its test's, and gives way to nothing
DAYS = ("DY", "STDY", "ENDY")  # study days, of which 0 is none
REDRAWN = (Role.QUALIFIER, Role.GROUPING)  # roles of determinants that give way where two disagree about a value


@dataclass(frozen=True, eq=False)
class Following:
    """One variable that follows from others.

    Attributes
    ----------
    determinants : tuple of str
        Variables that it follows from; none for a variable with a single value.
    dependent : str
        The variable.
    keys : tuple of str
        Values of the determinants that at least k subjects share, joined.
    values : Column
        The dependent's value of each key.
    gives_way : bool
        Whether the last determinant is drawn anew where an earlier table says otherwise.
    fills : bool
        Whether only cells are set that are missing or stand for withheld texts.
    exact : bool
        Whether the dependent followed in every row of the source, so that one value stands for each key not kept, too.
    otherwise : Column or None
        The one value, a single cell, of rows whose key is not kept; None where what most rows of a key have stands for it. The same
        visit has it in all chunks of a sample, and the same term its epoch.
    taken_along : tuple of str
        Variables that say more than the dependent does and come with it from a row that agrees, such as the term with its code.
    """

    kind: ClassVar[str] = "following"

    determinants: tuple[str, ...]
    dependent: str
    keys: tuple[str, ...]
    values: Column
    gives_way: bool = False
    fills: bool = False
    exact: bool = False
    otherwise: Column | None = None
    taken_along: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Agreement:
    """What agrees within the rows of one dataset.

    Attributes
    ----------
    following : tuple of Following
        In the order in which they are set; an earlier one wins.
    dose, unit : str
        A number that comes with a unit, and the unit; ``""`` if there are none.
    unitless : float
        Share of the numbers that the source has without a unit.
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
    dose: str = ""
    unit: str = ""
    unitless: float = 0.0
    results: ResultAgreement | None = None
    epochs: KnownPairs | None = None
    status: str = ""
    without_zero: tuple[str, ...] = ()

    @classmethod
    def fit(cls, dataset: Dataset, structure: DatasetStructure, subject: NDArray[np.int32], k: int) -> Agreement:
        """Learn from a dataset whose rows belong to `subject` (n_rows,); nothing that fewer than k subjects share is kept."""
        roles = {variable.name: variable.role for variable in structure.variables}
        usable = {name for name in dataset.names if roles.get(name) in ORDER}
        status = structure.named("STAT")  # says whether there is a result: what seems to tell it gives way
        rank = {
            name: (-1 if name == status else ORDER.index(roles[name]), at)
            for at, name in enumerate(dataset.names)
            if name in usable
        }
        exact = {(one.determinants, one.dependent) for one in structure.dependencies}
        wanted = [(given, name) for given, name in sorted(exact) if {*given, name} <= usable and roles[name] is not Role.TOPIC]
        epochs = [name for name in structure.with_role(Role.EPOCH) if name in usable and "VISITNUM" in usable]
        pairs = KnownPairs.fit(dataset, "VISITNUM", epochs[0], subject, k) if epochs else None
        wanted += [
            ((), one.name)
            for one in structure.variables
            if one.name in usable and one.content is Content.CONSTANT and not one.n_missing and one.role is not Role.TOPIC
        ]
        terms = [
            replace(_fit_table(dataset, given, name, subject, k), fills=True)
            for given, name in sorted(exact)
            if {*given, name} <= usable and roles[name] is Role.TOPIC and isinstance(dataset[name], Text)
        ]
        ordered = sorted(wanted, key=lambda pair: (rank[pair[1]], [rank[name] for name in pair[0]]))
        tables = [_fit_table(dataset, given, name, subject, k) for given, name in ordered]
        following = [
            replace(
                one,
                gives_way=bool(one.determinants)
                and roles[one.determinants[-1]] in REDRAWN
                and one.determinants[-1] not in {structure.named(suffix) for suffix in OF_TEST},
                exact=bool(one.determinants) and (one.determinants, one.dependent) in exact,
                otherwise=_usual_otherwise(dataset, one, subject, k)
                if one.determinants
                and (roles[one.dependent] is Role.EPOCH or all(roles[name] is Role.VISIT for name in one.determinants))
                else None,
                taken_along=tuple(
                    name
                    for (name, *more), dependent in sorted(exact)
                    if dependent == one.dependent
                    and not more
                    and name in usable
                    and one.determinants
                    and rank[name] < rank[dependent] < rank[one.determinants[-1]]
                ),
            )
            for one in tables
        ]
        following = [*(one for one in terms if one.keys), *following]
        following += [
            one
            for name in structure.with_role(Role.EPOCH)
            if name in usable and not dataset[name].missing.any() and (one := _fit_fallback(dataset, name, subject, k)).keys
        ]
        days = tuple(
            name
            for name in (structure.named(suffix) for suffix in DAYS)
            if name and isinstance(dataset[name], Numbers) and not (dataset.numbers(name) == 0).any()
        )
        dose, unit = structure.named("DOSE"), structure.named("DOSU")
        if not dose or not unit or not isinstance(dataset[dose], Numbers):
            results = ResultAgreement.fit(dataset, structure, subject, k)
            return cls(tuple(following), results=results, epochs=pairs, status=status, without_zero=days)
        given = ~dataset[dose].missing
        unitless = float((dataset[unit].missing & given).sum() / max(int(given.sum()), 1))
        return cls(tuple(following), dose, unit, unitless, epochs=pairs, status=status, without_zero=days)

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
        there = [one for one in self.following if {*one.determinants, one.dependent} <= set(dataset.names)]
        last = [one for one in there if one.fills and not one.determinants]
        for one in there:
            if one not in last:
                dataset = _hold_one(one, dataset, settled, rng)
        for one in _coarse_first(there):
            if one.exact:
                dataset = _one_value(one, dataset, settled)
        for one in last:
            dataset = _hold_one(one, dataset, settled, rng)
        for name in self.without_zero:
            if name in dataset:
                day = dataset.numbers(name)
                dataset = dataset.with_column(dataset.variable(name), Numbers(np.where(day == 0, 1.0, day)))
        if self.dose in dataset and self.unit in dataset:
            dose = dataset[self.dose]
            bare = ~dose.missing & dataset[self.unit].missing
            share = float(bare.sum() / max(int((~dose.missing).sum()), 1))
            if share > self.unitless:
                gone = bare & (rng.random(dataset.n_rows) >= self.unitless / share)
                dataset = dataset.with_column(dataset.variable(self.dose), blanked(dose, gone))
        return dataset


def _coarse_first(following: Sequence[Following]) -> list[Following]:
    """Tables in order of their dependents, each one's first from what itself follows from others, such as the code of a term."""
    order = list(dict.fromkeys(one.dependent for one in following))
    told = [one.dependent for one in following if one.determinants]
    return sorted(following, key=lambda one: (order.index(one.dependent), -sum(told.count(name) for name in one.determinants)))


def _hold_one(one: Following, dataset: Dataset, settled: dict[str, Flags], rng: np.random.Generator) -> Dataset:
    column = dataset[one.dependent]
    if not one.keys or isinstance(column, Text) is not isinstance(one.values, Text):
        return dataset
    codes, texts = combinations_of(dataset, one.determinants)
    place = {text: at for at, text in enumerate(one.keys)}
    at = np.array([place.get(text, -1) for text in texts], np.intp)[codes]
    known = at >= 0
    if one.fills:
        known &= column.missing | _withheld(column)
    wanted = one.values.take(np.maximum(at, 0))
    wrong = known & ~_equal(column, wanted)
    before = settled.setdefault(one.dependent, np.zeros(dataset.n_rows, bool))
    settled[one.dependent] = before | known
    if not wrong.any():
        return dataset
    free = wrong & ~before
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
    return np.append(column.levels == WITHHELD, False)[column.codes].astype(bool)


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


def _one_value(one: Following, dataset: Dataset, settled: dict[str, Flags]) -> Dataset:
    """Give rows whose key is not kept one value a key: the table's own for such keys, else that which most rows of the key have."""
    codes, texts = combinations_of(dataset, one.determinants)
    kept = set(one.keys)
    before = settled.setdefault(one.dependent, np.zeros(dataset.n_rows, bool))
    nothing = SEPARATOR.join([""] * len(one.determinants))  # and what stands for a withheld text: they tell nothing
    open_keys = [text not in kept and text != nothing and WITHHELD not in text.split(SEPARATOR) for text in texts]
    rows = np.array(open_keys or [False])[codes] if len(codes) else before
    column = dataset[one.dependent]
    if one.otherwise is not None and isinstance(column, Text) is isinstance(one.otherwise, Text):
        wanted = one.otherwise.take(np.zeros(dataset.n_rows, np.intp))
        different = rows & ~before & ~_equal(column, wanted)
        settled[one.dependent] = before | rows
        return dataset.with_column(dataset.variable(one.dependent), chosen(different, wanted, column))
    cells, levels = column_codes(column)
    width = len(levels) + 1
    pairs, counts = distinct_values(codes[rows] * width + cells[rows] + 1, return_counts=True)
    usual = np.zeros(len(texts), np.int64)
    order = np.argsort(counts, kind="stable")
    usual[pairs[order] // width] = pairs[order] % width
    different = rows & ~before & (cells + 1 != usual[codes])
    settled[one.dependent] = before | rows
    if not different.any():
        return dataset
    return dataset.with_column(
        dataset.variable(one.dependent), chosen(different, take_codes(levels, usual[codes] - 1), dataset[one.dependent])
    )


def _fit_table(dataset: Dataset, determinants: Sequence[str], dependent: str, subject: NDArray[np.int32], k: int) -> Following:
    """Keys that k subjects share and that have one value in all their rows."""
    codes, texts = combinations_of(dataset, determinants)
    cells, _ = column_codes(dataset[dependent])
    n = len(texts)
    order = np.lexsort([cells, codes])
    first, last = np.searchsorted(codes[order], np.arange(n)), np.searchsorted(codes[order], np.arange(n), side="right") - 1
    pure = cells[order[first]] == cells[order[last]] if n else np.empty(0, bool)
    kept = np.flatnonzero(pure & (count_subjects(codes, subject, n) >= k))
    if len(kept) > MOST_KEYS:
        kept = kept[:0]
    values = dataset[dependent].take(order[first[kept]] if n else np.empty(0, np.intp))
    values = values.compact() if isinstance(values, Text) else values
    return Following(tuple(determinants), dependent, tuple(texts[at] for at in kept.tolist()), values)


def _usual_otherwise(dataset: Dataset, one: Following, subject: NDArray[np.int32], k: int) -> Column | None:
    """The value, a single cell, that most rows of keys not kept have and k subjects share; None if there is none."""
    codes, texts = combinations_of(dataset, one.determinants)
    kept = set(one.keys)
    rows = np.array([text not in kept for text in texts] or [False])[codes] if len(codes) else np.zeros(0, bool)
    cells, levels = column_codes(dataset[one.dependent])
    cell = np.where(rows, cells + 1, -1)
    count = np.bincount(cell[rows], minlength=len(levels) + 1)
    count = np.where(count_subjects(cell, subject, len(levels) + 1) >= k, count, 0)
    return take_codes(levels, np.array([count.argmax() - 1], np.int64)) if count.any() else None


def _fit_fallback(dataset: Dataset, name: str, subject: NDArray[np.int32], k: int) -> Following:
    """The value that most rows have, for cells that came out missing though the source misses none."""
    cells, levels = column_codes(dataset[name])
    count = np.where(count_subjects(cells, subject, len(levels)) >= k, np.bincount(cells, minlength=len(levels)), 0)
    keys = ("",) if count.max(initial=0) > 0 else ()
    return Following((), name, keys, take_codes(levels, np.array([int(count.argmax())] if keys else [], np.int64)), fills=True)


def _equal(left: Column, right: Column) -> Flags:
    if isinstance(left, Numbers) and isinstance(right, Numbers):
        return np.asarray((left.rounded.values == right.rounded.values) | (left.missing & right.missing), bool)
    assert isinstance(left, Text) and isinstance(right, Text)
    codes = np.array([*(left.place.get(level, -2) for level in right.levels.tolist()), -1])
    return np.asarray(left.codes == codes[right.codes], bool)

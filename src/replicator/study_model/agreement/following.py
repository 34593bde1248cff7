"""Variables that follow from others: found in the source, and as tables of the values that enough subjects share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.distinct import distinct_values
from replicator.profile.structure import Content, DatasetStructure, Role
from replicator.standards.withheld import WITHHELD
from replicator.study_model.agreement.pairs import SEPARATOR, combinations_of
from replicator.study_model.columns.codes import column_codes, count_subjects, take_codes
from replicator.tables.dataset import Column, Dataset, Text

MOST_KEYS = 2000  # keys of one table
ORDER = (Role.TOPIC, Role.SYNONYM, Role.VISIT, Role.TIMEPOINT, Role.GROUPING, Role.QUALIFIER, Role.EPOCH, Role.FLAG)
OF_TEST = ("ORRESU", "STRESU", "ORNRLO", "ORNRHI", "STNRLO", "STNRHI")  # a unit or limit is its test's, and gives way to nothing
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
    others : tuple of str
        Keys that are none of the source's, such as those of stand-ins, joined.
    of_others : Column or None
        The dependent's value of each of `others`; None where nothing tells.
    along_others : mapping of str to Column
        What `taken_along` is with it.
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
    others: tuple[str, ...] = ()
    of_others: Column | None = None
    along_others: Mapping[str, Column] = field(default_factory=dict)

    @cached_property
    def place(self) -> Mapping[str, int]:
        """Position of each key."""
        return {text: at for at, text in enumerate(self.keys)}

    def settled_by(self, dataset: Dataset) -> Following:
        """Take the values of keys that the table lacks from rows that agree with one another.

        Of several the most frequent one, of as frequent ones that of the first row.
        """
        column = dataset[self.dependent]
        if self.otherwise is not None or isinstance(column, Text) is not isinstance(self.values, Text):
            return self
        codes, texts = combinations_of(dataset, self.determinants)
        usual = usual_row(codes, column, len(texts))
        lacking = [at for at, text in enumerate(texts) if text not in self.place and tells(text)]
        rows = usual[lacking]
        along = {name: _taken(dataset[name], rows) for name in self.taken_along if name in dataset}
        return replace(self, others=tuple(texts[at] for at in lacking), of_others=_taken(column, rows), along_others=along)


def usual_row(codes: NDArray[np.int64], column: Column, n_keys: int) -> NDArray[np.intp]:
    """First row with the most frequent cell of each key (n_keys,), 0 for keys of no row; of cells as frequent the first one."""
    cells, levels = column_codes(column)
    width = len(levels) + 1
    pairs, first, counts = distinct_values(codes * width + cells + 1, return_index=True, return_counts=True)
    usual = np.zeros(n_keys, np.intp)
    order = np.lexsort((-first, counts))
    usual[pairs[order] // width] = first[order]
    return usual


def _taken(column: Column, rows: NDArray[np.intp]) -> Column:
    """Cells of some rows, and no levels beside theirs."""
    taken = column.take(rows)
    return taken.compact() if isinstance(taken, Text) else taken


def tells(key: str) -> bool:
    """Whether a key tells anything: one of missing cells, or of what stands for a withheld text, does not."""
    return any(parts := key.split(SEPARATOR)) and WITHHELD not in parts


@dataclass(frozen=True, eq=False)
class Search:
    """What may follow from what in a dataset.

    Attributes
    ----------
    dataset, structure : Dataset, DatasetStructure
        The dataset.
    subject : (n_rows,) int32
        Subject of each row.
    k : int
        Fewest subjects behind anything kept.
    role : dict of str to Role
        Of each variable.
    rank : dict of str to (int, int)
        Order in which variables that may follow are set.
    exact : list of (tuple of str, str)
        Determinants and dependents of the source, of variables that may follow.
    """

    dataset: Dataset
    structure: DatasetStructure
    subject: NDArray[np.int32]
    k: int
    role: dict[str, Role]
    rank: dict[str, tuple[int, int]]
    exact: list[tuple[tuple[str, ...], str]]

    @classmethod
    def of(cls, dataset: Dataset, structure: DatasetStructure, subject: NDArray[np.int32], k: int) -> Search:
        """Find the variables that may follow, and from what they do."""
        role = {variable.name: variable.role for variable in structure.variables}
        status = structure.named("STAT")  # says whether there is a result: what seems to tell it gives way
        rank = {
            name: (-1 if name == status else ORDER.index(role[name]), at)
            for at, name in enumerate(dataset.names)
            if role.get(name) in ORDER
        }
        exact = sorted({(one.determinants, one.dependent) for one in structure.dependencies})
        usable = [(given, name) for given, name in exact if {*given, name} <= set(rank)]
        return cls(dataset, structure, subject, k, role, rank, usable)

    @property
    def epochs(self) -> list[str]:
        """Variables of epochs."""
        return [name for name in self.structure.with_role(Role.EPOCH) if name in self.rank]

    def topics(self) -> list[Following]:
        """Topics that follow from what codes them: they fill cells alone."""
        found = [
            replace(_fit_table(self.dataset, given, name, self.subject, self.k), fills=True)
            for given, name in self.exact
            if self.role[name] is Role.TOPIC and isinstance(self.dataset[name], Text)
        ]
        return [one for one in found if one.keys]

    def dependents(self) -> list[Following]:
        """All other variables that follow from others, or have a single value, in the order in which they are set."""
        wanted = [(given, name) for given, name in self.exact if self.role[name] is not Role.TOPIC]
        wanted += [
            ((), one.name)
            for one in self.structure.variables
            if one.name in self.rank and one.content is Content.CONSTANT and not one.n_missing and one.role is not Role.TOPIC
        ]
        ordered = sorted(wanted, key=lambda pair: (self.rank[pair[1]], [self.rank[name] for name in pair[0]]))
        return [self._follow(_fit_table(self.dataset, given, name, self.subject, self.k)) for given, name in ordered]

    def fallbacks(self) -> list[Following]:
        """Epochs of rows of which nothing else tells them."""
        filled = (name for name in self.epochs if not self.dataset[name].missing.any())
        found = (_fit_fallback(self.dataset, name, self.subject, self.k) for name in filled)
        return [one for one in found if one.keys]

    def _follow(self, one: Following) -> Following:
        """Say how a table is kept: what gives way to it, what stands for keys that it does not have, and what comes along."""
        if not one.determinants:
            return one
        last = one.determinants[-1]
        of_test = {self.structure.named(suffix) for suffix in OF_TEST}
        known = self.role[one.dependent] is Role.EPOCH or all(self.role[name] is Role.VISIT for name in one.determinants)
        return replace(
            one,
            gives_way=self.role[last] in REDRAWN and last not in of_test,
            exact=(one.determinants, one.dependent) in self.exact,
            otherwise=_usual_otherwise(self.dataset, one, self.subject, self.k) if known else None,
            taken_along=self._taken_along(one.dependent, last),
        )

    def _taken_along(self, dependent: str, last: str) -> tuple[str, ...]:
        """Variables that say more than a dependent does, and are set before it and the last of its determinants."""
        says_more = (given[0] for given, name in self.exact if len(given) == 1 and name == dependent)
        return tuple(name for name in says_more if self.rank[name] < self.rank[dependent] < self.rank[last])


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

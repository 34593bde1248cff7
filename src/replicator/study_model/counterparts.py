"""Datasets whose rows all stand in another one, too: what was given as it is analysed (EX), and as it was collected (EC).

The rows are learned once: those of the one are joined to those of the other as further columns, and come off again after sampling.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import permutations
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.profile.structure import DatasetStructure, Kind, Role
from replicator.study_model.spine import Rows
from replicator.tables.dataset import Column, Dataset, Numbers, Text

KINDS = (Kind.INTERVENTIONS, Kind.EVENTS)  # of which one dataset can retell another
MADE_LATER = (Role.IDENTIFIER, Role.SUBJECT, Role.SEQUENCE, Role.STUDY_DAY)
FEWEST = 2  # rows of a subject, on average, below which two datasets may agree by chance


@dataclass(frozen=True, eq=False)
class Counterpart:
    """A dataset whose rows stand in another.

    Attributes
    ----------
    dataset : str
        The dataset.
    other : str
        Where its rows stand: there is one row of the same subject and the same dates for each.
    columns : mapping of str to str
        Where each of its variables stands in the other dataset, its own or a joined column.
    topic : str
        The joined column that says which rows it has: those that have a topic.
    """

    kind: ClassVar[str] = "counterpart"

    dataset: str
    other: str
    columns: Mapping[str, str]
    topic: str

    def split(self, rows: Rows) -> Rows:
        """Take the dataset's rows off the rows of the other."""
        kept = np.flatnonzero(~rows.columns[self.topic].missing)
        made = {own: rows.columns[there].take(kept) for own, there in self.columns.items() if there in rows.columns}
        return Rows(rows.subject[kept], made)


def find_counterparts(
    datasets: Mapping[str, Dataset], structures: Mapping[str, DatasetStructure], subject: Mapping[str, NDArray[np.int32]]
) -> tuple[Counterpart, ...]:
    """Find datasets of which every row has a row of its own in another one of the same kind.

    Parameters
    ----------
    datasets, structures : mapping
        By name; those about subjects.
    subject : mapping of str to (n_rows,) int32
        Whose row each is.

    Notes
    -----
    A dataset stands in one other at most, and none stands in it.
    """
    found: dict[str, Counterpart] = {}
    possible = [name for name, one in structures.items() if one.kind in KINDS and one.prefix]
    for name, other in permutations(possible, 2):
        taken = {*found, *(one.other for one in found.values())}
        same = structures[name].kind is structures[other].kind and structures[name].prefix != structures[other].prefix
        if name in taken or other in found or not same:
            continue
        rows = _rows_in(name, other, datasets, structures, subject)
        if rows is not None:
            one = _counterpart(datasets[name], structures[name], datasets[other], structures[other], rows)
            if one is not None:
                found[name] = one
    return tuple(found.values())


def join_counterpart(
    one: Counterpart,
    datasets: Mapping[str, Dataset],
    structures: Mapping[str, DatasetStructure],
    subject: Mapping[str, NDArray[np.int32]],
) -> Dataset:
    """Return the other dataset with the columns of the counterpart; cells are missing in rows that it does not have."""
    own, joined = datasets[one.dataset], datasets[one.other]
    rows = _rows_in(one.dataset, one.other, datasets, structures, subject)
    assert rows is not None
    place = np.full(joined.n_rows, -1, np.intp)
    place[rows] = np.arange(own.n_rows)
    for name, there in one.columns.items():
        if there == name:
            joined = joined.with_column(own.variable(name), _placed(own[name], place))
    return joined


def _rows_in(
    name: str,
    other: str,
    datasets: Mapping[str, Dataset],
    structures: Mapping[str, DatasetStructure],
    subject: Mapping[str, NDArray[np.int32]],
) -> NDArray[np.intp] | None:
    """Row of the other dataset with the same subject and dates, for each row (n_rows,); None unless all have one of their own."""
    dates = [date for date in structures[name].with_role(Role.DATE) if _twin(date, structures[name], structures[other])]
    mine, theirs = datasets[name], datasets[other]
    n, m = mine.n_rows, theirs.n_rows
    if not dates or not n or n > m or n < FEWEST * len(np.unique(subject[name])):
        return None
    key = np.concatenate([subject[name], subject[other]]).astype(np.int64)
    for date in dates:
        twin = _twin(date, structures[name], structures[other])
        both = np.concatenate([mine.text(date).strings(), theirs.text(twin).strings()])
        codes = np.unique(both.astype(str), return_inverse=True)[1]
        key = np.unique(key * (int(codes.max()) + 1) + codes, return_inverse=True)[1]
    if len(np.unique(key[:n])) < n or len(np.unique(key[n:])) < m:
        return None
    order = np.argsort(key[n:])
    at = np.searchsorted(key[n:][order], key[:n])
    at = order[np.minimum(at, m - 1)]
    return at if (key[n:][at] == key[:n]).all() else None


def _twin(name: str, own: DatasetStructure, other: DatasetStructure) -> str:
    """The other dataset's variable of the same meaning: ``ECTRT`` for ``EXTRT``; ``""`` if there is none."""
    if name.startswith(own.prefix) and (twin := other.named(name[len(own.prefix) :])):
        return twin
    return name if any(variable.name == name for variable in other.variables) else ""


def _counterpart(
    own: Dataset, structure: DatasetStructure, other: Dataset, others: DatasetStructure, rows: NDArray[np.intp]
) -> Counterpart | None:
    """Say where each variable stands; None if two variables share a name and not their values, or an identifier stands nowhere."""
    columns: dict[str, str] = {}
    topics = structure.with_role(Role.TOPIC)
    if not topics or own[topics[0]].missing.any():
        return None
    for variable in structure.variables:
        if variable.role in MADE_LATER:
            continue
        twin = _twin(variable.name, structure, others)
        if twin and variable.name != topics[0] and _equal(own[variable.name], other[twin].take(rows)):
            columns[variable.name] = twin
        elif twin == variable.name or variable.role in (Role.RECORD_ID, Role.DATE):
            return None
        else:
            columns[variable.name] = variable.name
    return Counterpart(own.name, other.name, columns, topics[0])


def _equal(left: Column, right: Column) -> bool:
    return bool((left.strings() == right.strings()).all())


def _placed(column: Column, place: NDArray[np.intp]) -> Column:
    """Cells by place, missing where that is -1."""
    if isinstance(column, Numbers):
        return Numbers(np.append(column.values, np.nan)[place])
    return Text(np.append(column.codes, np.int32(-1))[place], column.levels)

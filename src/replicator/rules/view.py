"""A study as the checks look at it: subjects in one numbering, dates parsed once, names found by their suffix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from replicator.heavy import pandas as pd
from replicator.profile.structure import DatasetStructure, Kind, Role, StudyStructure
from replicator.recent import Recent
from replicator.rules.grouping import Floats, Ints, Mask, codes_of, combine, keys_of, repeated
from replicator.tables.dataset import Dataset, Numbers, Study, Text, number_text
from replicator.tables.dates import Dates, Precision, parse_dates
from replicator.tables.narrow import NarrowText
from replicator.tables.spelling import spelled_numbers

OBSERVATIONS = (Kind.FINDINGS, Kind.EVENTS, Kind.INTERVENTIONS)
MINUTES = 1440.0
MOST_BYTES = 1 << 26  # of each kind of what is remembered: of ten million rows all that one rule asks of one dataset
_ALL_DAY = (Precision.YEAR, Precision.MONTH, Precision.DAY)


class StudyView:
    """Read-only access to a study for checks; everything that costs is computed once.

    Parameters
    ----------
    study : Study
        What is judged.
    structure : StudyStructure
        Kinds, prefixes and keys of its datasets.
    """

    def __init__(self, study: Study, structure: StudyStructure) -> None:
        self.study = study
        self.structure = structure
        self._dates: Recent[tuple[str, str], Dates] = Recent(MOST_BYTES)
        self._texts: Recent[tuple[str, str], Text] = Recent(MOST_BYTES)
        self._levels: Recent[tuple[str, str], Text] = Recent(MOST_BYTES)
        self._groups: Recent[tuple[str | bool, ...], Ints] = Recent(MOST_BYTES)
        self._telling: dict[str, list[frozenset[str]]] = {}  # variables that are known to tell all rows of a dataset apart
        self._subject: dict[str, Ints] = {}
        self._marks: dict[str, Dates] = {}
        columns = {name: study[name].text(variable) for name in self.names if (variable := self.subject_variable(name))}
        levels = [column.compact().levels for column in columns.values()]
        found = pd.unique(pd.Series(np.concatenate(levels), dtype=object)) if levels else ()
        self.subject_ids: NDArray[np.object_] = np.array(sorted(str(level) for level in found), dtype=object)
        index = pd.Index(self.subject_ids, dtype=object)
        for name, column in columns.items():
            position = index.get_indexer(pd.Index(column.levels, dtype=object)).astype(np.int64)
            self._subject[name] = np.append(position, -1)[column.codes]

    @property
    def names(self) -> tuple[str, ...]:
        """Datasets that have a known structure, in the study's order."""
        return tuple(name for name in self.study.datasets if name in self.structure.datasets)

    @property
    def n_subjects(self) -> int:
        """Number of distinct subjects in all datasets."""
        return len(self.subject_ids)

    def of_kind(self, *kinds: Kind) -> tuple[str, ...]:
        """Datasets of these kinds."""
        return tuple(name for name in self.names if self.structure.datasets[name].kind in kinds)

    def facts(self, name: str) -> DatasetStructure:
        """Return the structure of a dataset."""
        return self.structure.datasets[name]

    def subject_variable(self, name: str) -> str:
        """Name of the variable that holds the subject, ``""`` if there is none."""
        found = [v for v in self.structure.datasets[name].with_role(Role.SUBJECT) if v in self.study[name]]
        return found[0] if found else "USUBJID" if "USUBJID" in self.study[name] else ""

    def subject(self, name: str) -> Ints:
        """(n_rows,) position of each row's subject in :attr:`subject_ids`, -1 where there is none."""
        known = self._subject.get(name)
        return np.full(self.study[name].n_rows, -1, np.int64) if known is None else known

    def named(self, name: str, suffix: str) -> str:
        """Name of the variable ``--suffix`` of a dataset, ``""`` if it is not there."""
        wanted = self.structure.datasets[name].prefix + suffix
        return wanted if wanted in self.study[name] else ""

    def dataset(self, name: str) -> Dataset:
        """Return a dataset."""
        return self.study[name]

    def text(self, name: str, variable: str) -> Text:
        """Return a column as text, decoded once."""
        column = self.study[name][variable]
        return column if isinstance(column, Text) else self._texts.get((name, variable), column.text)

    def levels(self, name: str, variable: str) -> Text:
        """Return a column as text, with numbers rounded to 9 decimals, so that noise in the last bits makes no new values."""
        column = self.study[name][variable]
        return column if isinstance(column, Text) else self._levels.get((name, variable), lambda: _levels_of(column))

    def ranks(self, name: str, variable: str) -> tuple[NDArray[np.integer[Any]], Floats]:
        """Places of a column's numbers (n_rows,), -1 without, among those that differ, ascending."""
        column = self.study[name][variable]
        if isinstance(column, Numbers):
            codes, numbers = column.coded
            return codes, numbers.values
        codes, numbers = Numbers(spelled_numbers(column.levels.tolist())).coded
        return np.append(codes, -1)[column.held], numbers.values

    def codes(self, name: str, variable: str) -> Ints:
        """(n_rows,) integers, equal where the cells are equal, -1 where missing."""
        return codes_of(self.study[name][variable])

    def equals(self, name: str, variable: str, *values: str) -> Mask:
        """(n_rows,) mask of cells that are one of `values`, letter case aside."""
        column = self.text(name, variable)
        level = np.array([str(x).strip().upper() in values for x in column.levels] + [False])
        return level[column.codes]

    def filled(self, name: str, variable: str) -> Mask:
        """(n_rows,) mask of cells that are not missing."""
        return ~self.study[name][variable].missing

    def dates(self, name: str, variable: str, rows: NDArray[np.intp] | None = None) -> Dates:
        """Return a column as dates, parsed once; a numeric column has none; of some rows if not of all."""
        if rows is not None:
            return parse_dates(self.text(name, variable).take(rows))
        return self._dates.get((name, variable), lambda: parse_dates(self.text(name, variable)))

    def date_variables(self, name: str) -> tuple[str, ...]:
        """Names of the variables of a dataset that hold ISO 8601 dates."""
        dataset = self.study[name]
        roles = set(self.structure.datasets[name].with_role(Role.DATE, Role.TIMEPOINT))
        return tuple(
            v for v in dataset.names if isinstance(dataset[v], Text) and (v.endswith("DTC") or (v in roles and v.endswith("DTM")))
        )

    @property
    def subjects_dataset(self) -> str:
        """Name of the dataset with one row a subject, even where a subject has two by mistake; ``""`` if it is not there."""
        name = self.structure.subjects
        if name in self.names:
            return name
        return next((name for name in self.of_kind(Kind.SUBJECTS) if self.study[name].domain == "DM"), "")

    def of_subject(self, variable: str) -> tuple[str, Ints]:
        """Return where a variable of the subjects dataset stands: (dataset, (n_subjects,) row of each subject, -1 without one)."""
        name = self.subjects_dataset
        row = np.full(self.n_subjects, -1, np.int64)
        if name and variable in self.study[name]:
            subject = self.subject(name)
            known = subject >= 0
            row[subject[known][::-1]] = np.flatnonzero(known)[::-1]
            return name, row
        return "", row

    def mark(self, variable: str) -> Dates:
        """Return a date of the subjects dataset for every subject, missing where there is none: (n_subjects,)."""
        if variable not in self._marks:
            name, row = self.of_subject(variable)
            if name:
                self._marks[variable] = self.dates(name, variable).padded().take(row)
            else:
                self._marks[variable] = Dates(
                    np.full(self.n_subjects, np.nan), np.full(self.n_subjects, np.nan), np.zeros(self.n_subjects, np.int8)
                )
        return self._marks[variable]

    def mark_of_rows(self, name: str, variable: str, rows: NDArray[np.intp] | None = None) -> Dates:
        """Return a date of the subjects dataset for every row of a dataset, or for those given: (n_rows,)."""
        subject = self.subject(name)
        return self.mark(variable).padded().take(subject if rows is None else subject[rows])

    def has_mark(self, variable: str) -> bool:
        """Whether any subject has this date."""
        return bool((self.mark(variable).precision >= Precision.YEAR).any())

    def group(self, name: str, variables: Sequence[str], by_subject: bool = True) -> Ints:
        """(n_rows,) one integer for each combination of the subject and `variables` (those that are there)."""
        keys = self._keys(name, variables, by_subject)
        known: tuple[str | bool, ...] = name, by_subject, *variables
        return self._groups.get(known, lambda: combine(keys)) if keys else np.zeros(self.study[name].n_rows, np.int64)

    def repeated(self, name: str, variables: Sequence[str], by_subject: bool = True, rows: Mask | None = None) -> Mask:
        """(n_rows,) mask of the rows, of those given if not all, that have subject and `variables` of an earlier one."""
        n_rows = self.study[name].n_rows
        there = {variable for variable in variables if variable in self.study[name]}
        there |= {self.subject_variable(name)} if by_subject else set()
        if any(key <= there for key in self._telling.get(name, ())):
            return np.zeros(n_rows, bool)
        keys = self._keys(name, variables, by_subject) or [np.zeros(n_rows, np.int64)]
        out = np.zeros(n_rows, bool)
        chosen = slice(None) if rows is None else np.flatnonzero(rows)
        out[chosen] = repeated([key[chosen] for key in keys])
        if rows is None and not out.any():
            self._telling.setdefault(name, []).append(frozenset(there))
        return out

    def _keys(self, name: str, variables: Sequence[str], by_subject: bool) -> list[NDArray[np.integer[Any]]]:
        keys = [keys_of(self.study[name][variable]) for variable in variables if variable and variable in self.study[name]]
        return [self.subject(name), *keys] if by_subject else keys


def _levels_of(column: Numbers) -> Text:
    codes, numbers = column.rounded.coded
    return NarrowText(codes, np.array([number_text(value) for value in numbers.values.tolist()], dtype=object))


def earliest(dates: Dates) -> Floats:
    """(n,) first possible minute since 1970-01-01 of each date, NaN where it is none."""
    return dates.day * MINUTES + np.where(np.isnan(dates.minute), 0.0, dates.minute)


def latest(dates: Dates) -> Floats:
    """(n,) last possible minute since 1970-01-01 of each date, NaN where it is none."""
    known = np.where(np.isnan(dates.day), 0, dates.day).astype(np.int64).astype("datetime64[D]")
    last = dates.day.copy()
    for precision, unit in ((Precision.YEAR, "datetime64[Y]"), (Precision.MONTH, "datetime64[M]")):
        rows = dates.precision == precision
        last[rows] = ((known[rows].astype(unit) + 1).astype("datetime64[D]").astype(np.int64) - 1).astype(np.float64)
    within = np.select(
        [np.isin(dates.precision, _ALL_DAY), dates.precision == Precision.HOUR, dates.precision == Precision.MINUTE],
        [MINUTES - 1e-3, np.nan_to_num(dates.minute) + 60 - 1e-3, np.nan_to_num(dates.minute) + 1 - 1e-3],
        np.nan_to_num(dates.minute),
    )
    return np.asarray(last * MINUTES + within, np.float64)


def certainly_after(first: Dates, second: Dates) -> Mask:
    """(n,) mask of `first` lying after `second` whatever the unknown parts of both are; False where either is missing."""
    after: Mask = first.day >= second.day
    perhaps = np.flatnonzero(after)  # mostly few, if any: only of them the minutes are asked for
    after[perhaps] = earliest(first.take(perhaps)) > latest(second.take(perhaps))
    return after

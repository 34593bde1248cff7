"""A study with what rules ask of it over and over: parsed dates, numbers, subject positions, codes of combinations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from replicator.distinct import distinct_values
from replicator.recent import Recent
from replicator.tables.dataset import Column, Dataset, Study, Text
from replicator.tables.dates import Dates, parse_dates

Codes = NDArray[np.int64]


def split_name(name: str) -> tuple[str, str]:
    """Split ``DM.RFSTDTC`` into dataset and variable."""
    dataset, _, variable = name.partition(".")
    return dataset, variable


class Workspace:
    """A study and a memory of what was computed from it; the study never changes.

    Parameters
    ----------
    study : Study
        SUPP-- variables joined to their parents.
    subjects : str
        Name of the dataset with one row a subject.
    subject_variable : str
        The variable that names the subject in all datasets.

    Attributes
    ----------
    memory : Recent
        What rules computed at some cost and will ask for again.
    """

    def __init__(self, study: Study, subjects: str, subject_variable: str = "USUBJID") -> None:
        self.study = study
        self.subjects = subjects
        self.subject_variable = subject_variable
        self._dates: Recent[tuple[str, str], Dates] = Recent()
        self._subject: dict[str, Codes] = {}
        self._codes: Recent[tuple[str, str], tuple[Codes, int]] = Recent()
        self._moments: Recent[tuple[str, str], NDArray[np.float64]] = Recent()
        self._groups: Recent[tuple[str, tuple[str, ...], bool], Codes] = Recent()
        self.memory: Recent[tuple[object, ...], tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.object_]]] = Recent()

    def put(self, dataset: Dataset, *variables: str) -> None:
        """Replace a dataset in which only these variables have changed, and forget what followed from them."""
        self.study = replace(self.study, datasets={**self.study.datasets, dataset.name: dataset})
        changed = {(dataset.name, variable) for variable in variables}
        for known in (self._dates, self._codes, self._moments):
            known.forget(changed.__contains__)
        whose = self.subject_variable in variables
        self._groups.forget(lambda key: whose or (key[0] == dataset.name and not {*variables}.isdisjoint(key[1])))
        self.memory.forget(lambda _: True)
        if whose:
            self._subject.clear()

    def has(self, *names: str) -> bool:
        """Tell whether all of these ``DATASET.VARIABLE`` exist."""
        return all(dataset in self.study and variable in self.study[dataset] for dataset, variable in map(split_name, names))

    def text(self, name: str) -> Text:
        """Return ``DATASET.VARIABLE`` as text."""
        dataset, variable = split_name(name)
        return self.study[dataset].text(variable)

    def numbers(self, name: str) -> NDArray[np.float64]:
        """Return ``DATASET.VARIABLE`` as float64 (n_rows,)."""
        dataset, variable = split_name(name)
        return self.study[dataset].numbers(variable)

    def missing(self, name: str) -> NDArray[np.bool_]:
        """Return the mask (n_rows,) of missing cells of ``DATASET.VARIABLE``."""
        dataset, variable = split_name(name)
        return self.study[dataset][variable].missing

    def dates(self, name: str) -> Dates:
        """Return ``DATASET.VARIABLE`` parsed as ISO 8601 dates, once."""
        return self._dates.get(split_name(name), lambda: parse_dates(self.text(name)))

    def moments(self, name: str) -> NDArray[np.float64]:
        """Return dates known to the day as fractional days since 1970-01-01, midnight where no time is given; NaN otherwise."""
        return self._moments.get(split_name(name), lambda: _moments(self.dates(name)))

    def subject(self, dataset: str) -> Codes:
        """Return the position (n_rows,) in the subjects' dataset of each row's subject, -1 where there is none."""
        if dataset not in self._subject:
            own = self.study[self.subjects].text(self.subject_variable)
            position = {str(own.levels[code]): row for row, code in reversed(list(enumerate(own.codes.tolist()))) if code >= 0}
            if self.subject_variable not in self.study[dataset]:
                self._subject[dataset] = np.full(self.study[dataset].n_rows, -1, np.int64)
            else:
                column = self.study[dataset].text(self.subject_variable)
                lookup = np.array([position.get(str(level), -1) for level in column.levels] + [-1], dtype=np.int64)
                self._subject[dataset] = lookup.take(column.codes)
        return self._subject[dataset]

    @property
    def n_subjects(self) -> int:
        """Rows of the subjects' dataset."""
        return self.study[self.subjects].n_rows

    def of_subject(self, dataset: str, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Spread one number a subject (n_subjects,) over the rows of a dataset; NaN for unknown subjects."""
        return np.append(values, np.nan).take(self.subject(dataset))

    def codes(self, name: str) -> tuple[Codes, int]:
        """Return codes (n_rows,) of the distinct values, missing as a value of its own, and how many there are."""
        dataset, variable = split_name(name)
        return self._codes.get((dataset, variable), lambda: _codes(self.study[dataset][variable]))

    def groups(self, dataset: str, variables: Sequence[str], by_subject: bool = True) -> Codes:
        """Number the combinations (n_rows,) of some variables, within subjects if so asked; rows without subject get -1."""
        key = (dataset, tuple(variables), by_subject)
        return self._groups.get(key, lambda: self._grouped(dataset, variables, by_subject))

    def _grouped(self, dataset: str, variables: Sequence[str], by_subject: bool) -> Codes:
        subject = self.subject(dataset)
        group = np.where(subject < 0, self.n_subjects, subject) if by_subject else np.zeros(len(subject), np.int64)
        for variable in variables:
            codes, n = self.codes(f"{dataset}.{variable}")
            group = group * n + codes
            if len(group) and int(group.max()) > 2**40:
                group = distinct_values(group, return_inverse=True)[1].astype(np.int64)
        group = distinct_values(group, return_inverse=True)[1].astype(np.int64)
        return np.where(subject < 0, -1, group) if by_subject else group

    def match(self, dataset: str, variables: Sequence[str], keys: Sequence[Sequence[str]]) -> Codes:
        """Find the position (n_rows,) in `keys` of each row's values of some variables, as texts; -1 where no key fits."""
        n = self.study[dataset].n_rows
        row, key, known = np.zeros(n, np.int64), np.zeros(len(keys), np.int64), np.ones(n, bool)
        for i, variable in enumerate(variables):
            values = sorted({str(parts[i]) for parts in keys})
            place = {value: number for number, value in enumerate(values)}
            column = self.text(f"{dataset}.{variable}")
            lookup = np.array([place.get(str(level), -1) for level in column.levels] + [place.get("", -1)], dtype=np.int64)
            found = lookup.take(column.codes)
            known &= found >= 0
            row = row * len(values) + found
            key = key * len(values) + np.array([place[str(parts[i])] for parts in keys], np.int64)
        if not len(keys):
            return np.full(n, -1, np.int64)
        order = np.argsort(key, kind="stable")
        at = np.minimum(np.searchsorted(key[order], row), len(keys) - 1)
        return np.where(known & (key[order][at] == row), order[at], -1)


def _moments(dates: Dates) -> NDArray[np.float64]:
    """Dates as fractional days: (n,)."""
    return dates.full_day + np.where(np.isnan(dates.minute), 0.0, dates.minute) / 1440.0


def _codes(column: Column) -> tuple[Codes, int]:
    """Codes (n_rows,) of the distinct cells, numbers to 9 decimals, and how many there are."""
    if isinstance(column, Text):
        return np.where(column.codes < 0, len(column.levels), column.codes).astype(np.int64), len(column.levels) + 1
    unique, codes = distinct_values(np.round(column.values, 9), return_inverse=True)
    return codes.astype(np.int64), len(unique)


def distinct_subjects(groups: Codes, subject: Codes, n_groups: int) -> NDArray[np.int64]:
    """Count the distinct subjects (n_groups,) behind each group; rows with a negative group or subject do not count."""
    use = (groups >= 0) & (subject >= 0)
    if not use.any():
        return np.zeros(n_groups, np.int64)
    width = int(subject.max()) + 1
    pairs = distinct_values(groups[use] * width + subject[use])
    return np.bincount(pairs // width, minlength=n_groups).astype(np.int64)

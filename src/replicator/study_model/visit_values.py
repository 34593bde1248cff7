"""Variables that follow from the visit in every row of a dataset: its epoch, its flags."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.profile.structure import DatasetStructure
from replicator.study_model.attributes import column_codes, count_subjects, take_codes
from replicator.tables.dataset import Column, Dataset, Numbers, Text

NAMED = ("VISIT", "VISITDY")  # see visit_names


@dataclass(frozen=True, eq=False)
class VisitValues:
    """What follows from VISITNUM in one dataset.

    Attributes
    ----------
    number : (n_visits,) float64
        VISITNUM of visits that at least k subjects have in the dataset, sorted.
    names : tuple of str
        Variables.
    values : tuple of Column
        Their cells, one row a visit.
    """

    kind: ClassVar[str] = "visit values"

    number: NDArray[np.float64]
    names: tuple[str, ...]
    values: tuple[Column, ...]

    @classmethod
    def fit(cls, dataset: Dataset, structure: DatasetStructure, subject: NDArray[np.int32], k: int) -> VisitValues | None:
        """Learn the exact dependencies on VISITNUM alone; None if there are none.

        Parameters
        ----------
        dataset : Dataset
        structure : DatasetStructure
        subject : (n_rows,) int32
            Whose row it is.
        k : int
            Fewest subjects who must have a visit.
        """
        followers = [one.dependent for one in structure.dependencies if one.determinants == ("VISITNUM",)]
        names = tuple(name for name in followers if name in dataset and name not in NAMED)
        if not names or not isinstance(dataset["VISITNUM"], Numbers):
            return None
        number = np.round(dataset.numbers("VISITNUM"), 9)
        numbers, code = np.unique(number[np.isfinite(number)], return_inverse=True)
        rows = np.flatnonzero(np.isfinite(number))
        kept = np.flatnonzero(count_subjects(code.astype(np.int64), subject[rows], len(numbers)) >= k)
        if not len(kept):
            return None
        first = np.zeros(len(numbers), np.intp)
        first[code[::-1]] = rows[::-1]
        values = []
        for name in names:
            codes, levels = column_codes(dataset[name])
            values.append(take_codes(levels, codes[first[kept]]))
        return cls(numbers[kept], names, tuple(values))

    def apply(self, dataset: Dataset) -> Dataset:
        """Write the variables in the rows whose visit is known."""
        number = np.round(dataset.numbers("VISITNUM"), 9)
        at = np.searchsorted(self.number, np.where(np.isfinite(number), number, np.inf)).clip(max=len(self.number) - 1)
        known = self.number[at] == number
        for name, column in zip(self.names, self.values, strict=True):
            if name in dataset:
                dataset = dataset.with_column(dataset.variable(name), _chosen(known, column.take(at), dataset[name]))
        return dataset


def _chosen(rows: NDArray[np.bool_], first: Column, second: Column) -> Column:
    """Cells of the first column in the rows (n_rows,), of the second elsewhere; the second's type decides."""
    if isinstance(first, Numbers) and isinstance(second, Numbers):
        return Numbers(np.where(rows, first.values, second.values))
    if isinstance(first, Text) and isinstance(second, Text):
        codes = np.where(first.codes >= 0, first.codes + len(second.levels), -1)
        levels = np.concatenate([second.levels, first.levels])
        joined = Text(np.where(rows, codes, second.codes).astype(np.int32), levels)
        names, place = np.unique(levels.astype(str), return_inverse=True) if len(levels) else (levels, np.empty(0, np.intp))
        return Text(np.append(place, -1)[joined.codes].astype(np.int32), names.astype(object))
    return second

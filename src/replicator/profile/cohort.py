"""The subjects of a study as positions, with arm and reference start: what profiling asks of every row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from replicator.heavy import pandas as pd
from replicator.profile.structure import Content, Kind, Role, StudyStructure
from replicator.tables.dataset import Dataset, Study, Text
from replicator.tables.dates import parse_dates

_REFERENCES = ("RFSTDTC", "RFXSTDTC", "TRTSDT", "RANDDT")  # day 0 of a subject, the first that is known
ARMS = ("ARM", "ACTARM", "TRT01P", "TRT01A", "ARMCD", "ACTARMCD", "SETCD")


@dataclass(frozen=True, eq=False)
class Cohort:
    """All subjects that any dataset names.

    Attributes
    ----------
    variable : str
        Name of the subject variable.
    index : pandas Index of str
        Subjects; the position in it is the subject's number.
    arm : (n,) int64
        Position in `arms`; -1 unknown.
    arms : tuple of str
        Names of the arms; ``("all",)`` in a study without arms.
    reference : (n,) float64
        Reference start, days since 1970-01-01; NaN unknown.
    arm_variable : str
        Where the arms come from; ``""`` in a study without arms.
    """

    variable: str
    index: pd.Index[str]
    arm: NDArray[np.int64]
    arms: tuple[str, ...]
    reference: NDArray[np.float64]
    arm_variable: str = ""

    @property
    def n(self) -> int:
        """Number of subjects."""
        return len(self.index)

    def rows(self, dataset: Dataset) -> NDArray[np.int64]:
        """Number the subject of each row, (n_rows,); rows of no subject all get the number `n`."""
        if self.variable not in dataset:
            return np.full(dataset.n_rows, self.n, np.int64)
        column = dataset.text(self.variable)
        position = np.append(self.index.get_indexer(pd.Index(column.levels.astype(str))), -1)[column.codes]
        return np.where(position < 0, self.n, position).astype(np.int64)

    def of_rows(self, values: NDArray[np.float64], rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Spread a value a subject over rows as :meth:`rows` numbers them; NaN for rows of no subject."""
        return np.append(values, np.nan)[rows]


def find_cohort(study: Study, structure: StudyStructure) -> Cohort:
    """Collect the subjects, those of the subjects' dataset first."""
    variable = structure.subject_variable
    ordered = sorted(structure.datasets, key=lambda name: name != structure.subjects)
    names = [study[name].text(variable).compact().levels for name in ordered if variable in study[name]]
    index = pd.Index(pd.unique(np.concatenate(names).astype(str)) if names else np.empty(0, str))
    bare = Cohort(variable, index, np.zeros(len(index), np.int64), ("all",), np.full(len(index), np.nan))
    arm, arms, arm_variable = _arms(study, structure, bare)
    return Cohort(variable, index, arm, arms, _reference(study, structure, bare), arm_variable)


def _arms(study: Study, structure: StudyStructure, bare: Cohort) -> tuple[NDArray[np.int64], tuple[str, ...], str]:
    if structure.subjects:
        dataset, found = study[structure.subjects], structure.datasets[structure.subjects]
        for name in ARMS:
            if name in dataset and found.variable(name).content is not Content.EMPTY:
                column = dataset.text(name).compact()
                arm = np.full(bare.n + 1, -1, np.int64)
                arm[bare.rows(dataset)] = column.codes
                return arm[: bare.n], tuple(str(level) for level in column.levels), name
    return bare.arm, bare.arms, ""


def _reference(study: Study, structure: StudyStructure, bare: Cohort) -> NDArray[np.float64]:
    """Take the reference start of the subjects' dataset; of subjects without one the first day of a visit or finding."""
    reference = bare.reference.copy()
    if structure.subjects:
        dataset = study[structure.subjects]
        for name in _REFERENCES:
            if name in dataset and isinstance(dataset[name], Text):
                day = np.full(bare.n + 1, np.nan)
                day[bare.rows(dataset)] = parse_dates(dataset.text(name)).full_day
                reference = np.where(np.isnan(reference), day[: bare.n], reference)
    for kind in (Kind.SCHEDULE, Kind.FINDINGS):
        if not np.isnan(reference).any():
            break
        first = np.full(bare.n + 1, np.inf)
        for name, found in structure.datasets.items():
            dates = found.with_role(Role.DATE) if found.kind is kind else ()
            for date in dates:
                if isinstance(study[name][date], Text):
                    np.fmin.at(first, bare.rows(study[name]), parse_dates(study[name].text(date)).full_day)
        reference = np.where(np.isnan(reference) & np.isfinite(first[: bare.n]), first[: bare.n], reference)
    return reference

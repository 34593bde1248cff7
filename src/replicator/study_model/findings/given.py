"""Columns of a findings dataset that the series, the visit or the arm gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.distinct import distinct_values
from replicator.profile.structure import DatasetStructure, Role
from replicator.study_model.columns.codes import column_codes, count_subjects
from replicator.study_model.columns.conditions import accuracy
from replicator.study_model.findings.conditions import GIVEN
from replicator.study_model.findings.rows import FindingsRows
from replicator.tables.dataset import Column, Dataset, Numbers, Text

Codes = NDArray[np.intp]

FEWEST_IN_ARM = 2  # subjects of an arm who must all show what is said to be its design


@dataclass(frozen=True, eq=False)
class Table:
    """Columns that a code gives.

    Attributes
    ----------
    columns : dict of str to Column
        One row a code.
    """

    kind: ClassVar[str] = "findings table"

    columns: dict[str, Column]

    def look_up(self, codes: Codes) -> dict[str, Column]:
        """Return the columns of rows with these codes."""
        return {name: column.take(codes) for name, column in self.columns.items()}


@dataclass(frozen=True, eq=False)
class GivenColumns:
    """Columns that the series, the visit or the arm gives, those that the series gives where they are filled, and what is left."""

    by_series: dict[str, Column]
    by_label: dict[str, Column]
    by_arm: dict[str, Column]
    where_filled: dict[str, Column]
    left: list[str]


def find_given(
    dataset: Dataset,
    structure: DatasetStructure,
    rows: FindingsRows,
    codes: Mapping[str, Codes],
    asked: Mapping[str, NDArray[np.bool_]],
    n_arms: int,
    k: int,
) -> GivenColumns:
    """Sort columns by what gives them, of the rows (n_rows,) in which each may be filled at all.

    What an arm of few subjects is given are cells that `k` subjects of the study have.
    """
    given = GivenColumns({}, {}, {}, {}, [])
    subject = codes["SUBJECT"].astype(np.int32)
    series, label, arm = (codes[name] for name in ("SERIES", "LABEL", "ARM"))
    planned = label < len(rows.labels) - 1
    told = count_subjects(arm.astype(np.int64), subject, n_arms) >= FEWEST_IN_ARM
    for name, here in asked.items():
        column, role = dataset[name], structure.variable(name).role
        cells, _ = column_codes(column)
        visit, flag = role in (Role.VISIT, Role.EPOCH), role is Role.FLAG
        filled = cells >= 0
        if visit and accuracy(cells[planned], [label[planned]]) >= GIVEN and rows.visit_name:
            given.by_label[name] = _by_code(column, cells, label, len(rows.labels), subject, k)
        elif not flag and accuracy(cells[here], [series[here]]) >= GIVEN:
            given.by_series[name] = _by_code(column, cells, series, rows.n_series, subject, k, here)
        elif not flag and not visit and told[arm[here]].all() and accuracy(cells[here], [arm[here]]) >= GIVEN:
            common = np.append(count_subjects(cells, subject, int(cells.max(initial=-1)) + 1) >= k, True)[cells]
            given.by_arm[name] = _by_code(column, cells, arm, n_arms, subject, min(k, FEWEST_IN_ARM), here & common)
        else:
            if not flag and not visit and cells.max() > 0 and accuracy(cells[filled], [series[filled]]) >= GIVEN:
                given.where_filled[name] = _by_code(column, cells, series, rows.n_series, subject, k, filled)
            given.left.append(name)
    return given


def _by_code(
    column: Column,
    cells: NDArray[np.int64],
    codes: Codes,
    n: int,
    subject: NDArray[np.int32],
    k: int,
    asked: NDArray[np.bool_] | None = None,
) -> Column:
    """Most frequent cell of each code, missing where fewer than k subjects share it; one row a code and one more for -1.

    Of the rows `asked` (n_rows,) alone, if given.
    """
    rows = np.flatnonzero(asked) if asked is not None else np.arange(len(cells))
    width = int(cells.max(initial=0)) + 2
    joint = (codes * width + cells + 1)[rows]
    key, first, inverse, counts = distinct_values(joint, return_index=True, return_inverse=True, return_counts=True)
    shared = count_subjects(inverse.reshape(-1), subject[rows], len(key)) >= k
    row = np.full(n + 1, -1, np.intp)
    for place in np.argsort(counts, kind="stable").tolist():
        if shared[place]:
            row[key[place] // width] = rows[first[place]]
    if isinstance(column, Text):
        return Text(np.append(column.codes, np.int32(-1))[row], column.levels).compact()
    return Numbers(np.append(column.values, np.nan)[row])

"""Names of unplanned visits: what stands before their number."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from replicator.distinct import distinct_values
from replicator.study_model.columns.codes import common_text
from replicator.tables.dataset import Dataset, Text, number_text

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]


def find_stem(dataset: Dataset, label: Codes, unplanned: int, number: Floats, subject: NDArray[np.int32], k: int) -> str:
    """What the names of unplanned visits of at least `k` subjects begin with, if their number follows."""
    rows = np.flatnonzero((label == unplanned) & np.isfinite(number))
    column = dataset["VISIT"]
    if not len(rows) or not isinstance(column, Text):
        return ""
    names, ends = column.take(rows).strings(), [number_text(value) for value in number[rows].tolist()]
    stems = [str(name)[: -len(end)] if str(name).endswith(end) else "" for name, end in zip(names, ends, strict=True)]
    common = common_text(Text.of(stems), subject[rows], k)
    return common if stems.count(common) >= 0.8 * len(rows) else ""


def name_unplanned(visit: Text, number: Floats, stem: str) -> Text:
    """Name the visits (n_rows,) that have a number and no name: what names begin with, and the number."""
    unnamed = np.flatnonzero(visit.missing & np.isfinite(number))
    if not len(unnamed):
        return visit
    values, inverse = distinct_values(number[unnamed], return_inverse=True)
    codes = visit.codes.copy()
    codes[unnamed] = len(visit.levels) + inverse.reshape(-1)
    return Text(codes, np.append(visit.levels, np.array([stem + number_text(value) for value in values.tolist()], object)))

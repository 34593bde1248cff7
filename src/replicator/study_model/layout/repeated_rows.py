"""Which rows of a subject repeat another of theirs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from replicator.distinct import distinct_codes, distinct_values, perhaps_alike
from replicator.tables.dataset import Column, Text


def repeats(columns: Sequence[Column], subject: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Tell which rows (n_rows,) have the cells of a row of their subject before them."""
    out = np.zeros(len(subject), bool)
    rows = perhaps_alike([subject, *map(_bits, columns)])
    joint = subject[rows].astype(np.int64)
    for column in columns:
        cells = column.codes[rows] if isinstance(column, Text) else distinct_codes(column.rounded.values[rows])
        joint = distinct_codes(joint * (int(cells.max(initial=-1)) + 2) + cells + 1)
    out[rows] = True
    out[rows[distinct_values(joint, return_index=True)[1]]] = False
    return out


def _bits(column: Column) -> NDArray[np.integer]:
    """Whole numbers (n_rows,), equal where cells are equal; of numbers their bits."""
    if isinstance(column, Text):
        return column.codes
    cells = (column.rounded.values + 0.0).view(np.uint64)
    cells[column.missing] = 0
    return cells ^ (cells >> np.uint64(32))  # whole numbers differ in their first bits only

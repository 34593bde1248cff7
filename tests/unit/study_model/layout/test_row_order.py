"""The order of rows."""

from __future__ import annotations

import numpy as np

from replicator.study_model.layout.row_order import sort_key
from replicator.tables.dataset import Numbers, Text


def test_missing_cells_sort_first() -> None:
    """Texts by their letters, numbers by their size."""
    assert np.argsort(sort_key(Text.of(["b", "", "a"]))).tolist() == [1, 2, 0]
    assert np.argsort(sort_key(Numbers(np.array([2.0, np.nan, 1.0])))).tolist() == [1, 2, 0]

"""Numbers with many values."""

from __future__ import annotations

import numpy as np
import pytest

from replicator.study_model.columns.measures import count_decimals


@pytest.mark.parametrize(("values", "decimals"), [([1.0, 2.0], 0), ([0.1, 2.0], 1), ([1 / 3], None), ([], 0), ([np.nan], 0)])
def test_decimals(values: list[float], decimals: int | None) -> None:
    """The fewest places that write every value."""
    assert count_decimals(np.array(values)) == decimals

"""Arrays of odd shapes survive a model file."""

from __future__ import annotations

import numpy as np
import pytest

from replicator.errors import ArtifactError
from replicator.study_model.artifact.state import from_state, to_state


@pytest.mark.parametrize("shape", [(0, 82), (82, 0), (0,), (3, 0, 5000)])
def test_an_array_without_cells_may_be_long_on_its_other_side(shape: tuple[int, ...]) -> None:
    tree, arrays = to_state({"a": np.zeros(shape, bool)}, {})
    back = from_state(tree, arrays, {})["a"]
    assert (back.shape, back.dtype) == (shape, np.dtype(bool))


@pytest.mark.parametrize("shape", [[0, -1], [0, 1 << 40], [0, 2.0], [1, 82]])
def test_impossible_shapes_are_refused(shape: list[object]) -> None:
    with pytest.raises(ArtifactError):
        from_state({"a": {"$cells": [], "dtype": "|b1", "shape": shape}}, {}, {})

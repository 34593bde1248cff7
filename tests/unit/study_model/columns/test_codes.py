"""Columns as codes and levels, and the subjects behind each."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from replicator.study_model.columns.codes import column_codes, count_subjects
from replicator.tables.dataset import Text


@settings(max_examples=40)
@given(st.lists(st.sampled_from(["", "a", "b", "c"]), max_size=30))
def test_codes_and_levels_are_the_column(texts: list[str]) -> None:
    """Levels taken by their codes give the cells back."""
    codes, levels = column_codes(Text.of(texts))
    back = np.append(levels.strings(), "")[codes]
    assert back.tolist() == texts


def test_subjects_are_counted_once() -> None:
    """Three rows of one subject count for one; missing cells for none."""
    assert count_subjects(np.array([0, 0, 0, 1, -1]), np.array([7, 7, 7, 8, 9], np.int32), 3).tolist() == [1, 1, 0]

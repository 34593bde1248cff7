"""Units and limits of ranges by series: none is that of another series, and none is one that few subjects share."""

from __future__ import annotations

import numpy as np
import pytest

from replicator.study_model.findings.of_series import SeriesValues
from replicator.tables.dataset import Column, Numbers, Text

SUBJECT = np.tile(np.arange(6, dtype=np.int32), 3)
SERIES = np.repeat(np.arange(3), 6)
EVERY = np.ones(18, bool)


@pytest.mark.parametrize("as_text", [False, True])
def test_values_of_another_series_become_the_usual_one(as_text: bool) -> None:
    """The first two series have a limit, or none in one row, and the third none that five subjects share."""
    source = np.array([*[10.0] * 5, np.nan, *[20.0] * 6, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    made = np.array([10.0, 20.0, np.nan, 10.0, 1.0])
    values = SeriesValues.fit("LBSTNRHI", _column(source, as_text), SERIES, 3, SUBJECT, EVERY, 5)
    held = values.hold(_column(made, as_text), np.array([0, 0, 0, 1, 2]))
    assert held.strings().tolist() == ["10", "10", "", "20", ""]
    assert set(values.levels.strings().tolist()) == {"10", "20"}


def test_a_series_that_never_lacks_a_value_has_its_usual_one() -> None:
    """What is missing where a value always was becomes the usual one; rows that are not asked do not count."""
    source, asked = np.array([*[10.0] * 6, *[20.0] * 5, np.nan, *[30.0] * 5, np.nan]), EVERY.copy()
    asked[11] = False
    values = SeriesValues.fit("LBSTNRHI", Numbers(source), SERIES, 3, SUBJECT, asked, 5)
    held = values.hold(Numbers(np.full(3, np.nan)), np.arange(3))
    assert held.strings().tolist() == ["10", "20", ""]


def test_nothing_shared_is_nothing_kept() -> None:
    """Where no value is shared by k subjects, the model holds none and the sample misses all."""
    values = SeriesValues.fit("LBORRESU", Text.of([f"u{i}" for i in range(18)]), SERIES, 3, SUBJECT, EVERY, 5)
    assert len(values.levels) == 0
    assert values.hold(Text.of(["u1", ""]), np.array([0, 1])).missing.all()


def _column(values: np.ndarray[tuple[int], np.dtype[np.float64]], as_text: bool) -> Column:
    return Text.of(Numbers(values).strings()) if as_text else Numbers(values)

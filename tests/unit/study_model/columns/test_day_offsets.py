"""Days from an occasion's base day to its results."""

from __future__ import annotations

import numpy as np

from replicator.study_model.columns.day_offsets import DayOffsets


def _drawn(offset: np.ndarray, subject: np.ndarray, k: int = 5) -> np.ndarray:
    cell = np.zeros(len(offset), np.int64)
    return DayOffsets.fit(offset, cell, subject, k).sample(np.zeros(2000, np.int64), np.random.default_rng(3))


def test_a_day_that_too_few_subjects_were_off_is_not_learned() -> None:
    """Of six subjects three had one of seven samples taken days before the visit: all of a sample are taken on its day."""
    offset, subject = np.zeros((6, 7)), np.repeat(np.arange(6), 7)
    offset[[0, 1, 2], [0, 3, 6]] = -4, -1, -6
    np.testing.assert_array_equal(_drawn(offset.ravel(), subject), 0.0)


def test_days_of_enough_subjects_are_learned() -> None:
    """Of forty subjects a third had theirs two days before."""
    offset = np.where(np.arange(40) % 3 == 0, -2.0, 0.0).repeat(4)
    drawn = _drawn(offset, np.repeat(np.arange(40), 4))
    assert set(drawn.tolist()) == {-2.0, 0.0}
    assert abs((drawn == -2).mean() - 14 / 40) < 0.05

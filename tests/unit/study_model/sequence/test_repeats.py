"""How often a tuple comes before what follows it."""

from __future__ import annotations

import numpy as np

from replicator.study_model.sequence.distances import steady_distances
from replicator.study_model.sequence.repeats import place_codes, telling_places, times_had, times_that_tell

MOST = 60


def test_times_are_counted_within_a_subject() -> None:
    """A tuple's rows are counted, whatever comes between them."""
    subject = np.array([0, 0, 0, 0, 1, 1], np.int32)
    assert times_had(np.array([2, 0, 2, 2, 2, 2]), subject).tolist() == [1, 1, 2, 3, 1, 2]


def _told(rows: list[int], k: int) -> list[int]:
    """Times that tell of subjects with so many rows of one tuple each, by row and the end."""
    subject = np.repeat(np.arange(len(rows)), np.array(rows) + 1).astype(np.int32)
    times = np.concatenate([np.arange(n + 1) for n in rows])
    target = np.concatenate([[0] * n + [1] for n in rows])
    place = place_codes(np.zeros(len(times), np.int64), np.minimum(times, 1), times, 1, MOST)
    telling = telling_places(place, target, subject, MOST, k)
    return np.unique(times_that_tell(place, telling, MOST)).tolist()


def test_two_of_a_kind_tell() -> None:
    """Ten subjects with two rows each: after the first all go on, after the second nobody does."""
    assert _told([2] * 10, 5) == [0, 1, 2]


def test_few_subjects_and_what_ends_at_any_time_tell_nothing() -> None:
    """Four subjects are too few of five; where as many end after each row, its number is no news."""
    assert _told([2] * 4, 5) == [0]
    assert _told([1] * 64 + [2] * 32 + [3] * 16 + [4] * 8 + [5] * 4, 5) == [0]


def test_what_the_tuple_alone_tells_is_not_asked_again() -> None:
    """Where all but one in twenty rows go on, how many there were is left to what tells how far subjects come."""
    assert _told([20] * 10, 5) == [0]


def test_a_distance_is_steady_where_nearly_all_keep_it() -> None:
    """A fortnight after the start under one condition; under the other the days scatter; four subjects are too few."""
    subject = np.arange(40, dtype=np.int32)
    start = 18000.0 + np.arange(40)
    cell = (np.arange(40) % 2).astype(np.int64)
    day = start + np.where(cell == 0, 14, np.arange(40) * 3)
    assert steady_distances(day, {"START": start}, [cell], subject, 5) == (14,)
    assert steady_distances(day[:8], {"START": start[:8]}, [cell[:8]], subject[:8], 5) == ()
    assert steady_distances(np.full(40, np.nan), {"START": start}, [cell], subject, 5) == ()

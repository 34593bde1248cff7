"""Marks that bound a sequence in everybody bound it in a sample."""

from __future__ import annotations

import numpy as np

from replicator.study_model.sequence.pins import Pin, find_pins

from ..spines import make_spine

N = 12


def test_what_bounds_the_rows_of_all_is_found() -> None:
    """The last row is on the day of leaving in all but one who has no such day; the first is on nobody's mark but the anchor's."""
    left = 18000.0 + np.arange(N) + 30
    left[0] = np.nan
    spine = make_spine(N, {"DM.RFENDTC": left, "DM.RFICDTC": spine_days() - 5})
    subject = np.repeat(np.arange(N), 2).astype(np.int32)
    day = np.stack([spine_days() + 3, np.where(np.isnan(left), spine_days() + 9, left)], axis=1).ravel()
    assert find_pins({"DSSTDTC": day}, subject, spine, 5) == (Pin("DSSTDTC", "DM.RFENDTC", True),)
    assert find_pins({"DSSTDTC": day}, subject, spine, N) == ()
    day[5] -= 1
    assert find_pins({"DSSTDTC": day}, subject, spine, 5) == ()


def test_days_that_are_not_known_are_no_exception_unless_others_lie_beyond() -> None:
    """Two subjects whose last end is not written have the mark later than the end that is; one with an end after it is one."""
    end = spine_days() + 40
    spine = make_spine(N, {"DM.RFXENDTC": end})
    subject = np.repeat(np.arange(N), 2).astype(np.int32)
    day = np.stack([spine_days() + 3, np.where(np.arange(N) < 2, np.nan, end)], axis=1).ravel()
    assert find_pins({"EXENDTC": day}, subject, spine, 5) == (Pin("EXENDTC", "DM.RFXENDTC", True),)
    assert find_pins({"EXENDTC": day}, subject, spine, N - 1) == ()
    day[0] = end[0] + 1
    assert find_pins({"EXENDTC": day}, subject, spine, 5) == ()


def test_a_date_of_the_subject_wins_over_what_is_derived() -> None:
    """The last day on study and the end of treatment are one day in the source; where a sample parts them, the latter holds."""
    end = spine_days() + 40
    spine = make_spine(N, {"DM.RFXENDTC": end, "LAST": end})
    subject = np.arange(N, dtype=np.int32)
    pins = find_pins({"EXENDTC": end}, subject, spine, 5)
    assert [pin.mark for pin in pins if pin.last] == ["LAST", "DM.RFXENDTC"]


def test_rows_are_moved_to_the_mark() -> None:
    """The row nearest to the mark, and what lies beyond it, comes to it; who has no mark keeps the days."""
    mark = np.array([18020.0, 18020.0, np.nan])
    spine = make_spine(3, {"DM.RFENDTC": mark})
    subject = np.array([0, 0, 1, 1, 2], np.int32)
    held = Pin("EXENDTC", "DM.RFENDTC", True).hold(np.array([18005.0, 18010.0, 18018.0, 18025.0, 18099.0]), subject, spine)
    np.testing.assert_array_equal(held, [18005.0, 18020.0, 18018.0, 18020.0, 18099.0])
    first = Pin("EXSTDTC", "DM.RFENDTC", False).hold(np.array([18005.0, 18010.0, 18030.0, 18025.0, 18099.0]), subject, spine)
    np.testing.assert_array_equal(first, [18020.0, 18020.0, 18030.0, 18020.0, 18099.0])


def test_rows_of_one_day_are_moved_apart() -> None:
    """Two rows on one day, between the marks of both ends: the first comes to the one and the last to the other."""
    spine = make_spine(1, {"DM.RFXSTDTC": np.array([18001.0]), "DM.RFXENDTC": np.array([18030.0])})
    subject = np.zeros(2, np.int32)
    day = Pin("EXSTDTC", "DM.RFXSTDTC", False).hold(np.array([18010.0, 18010.0]), subject, spine)
    np.testing.assert_array_equal(Pin("EXSTDTC", "DM.RFXENDTC", True).hold(day, subject, spine), [18001.0, 18030.0])


def spine_days() -> np.ndarray:
    """Anchors of the spines above."""
    return 18000.0 + np.arange(N)

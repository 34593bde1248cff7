"""Days before which rows of a tuple never begin."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from replicator.study_model.sequence.floors import Floors

N, K = 40, 5


def _floors(n: int = N, early: int = 0) -> Floors:
    """Treatment (0) begins before the last dose of `n` subjects, follow-up (1) on it or later, but for `early` of them."""
    subject = np.repeat(np.arange(n, dtype=np.int32), 2)
    code = np.tile([0, 1], n).astype(np.int64)
    dose = np.repeat(100.0 + np.arange(n), 2)
    start = dose + np.where(code == 1, np.arange(2 * n) % 7, -50)
    start[(code == 1) & (subject < early)] -= 30
    return Floors.fit(start, {"LAST DOSE": dose, "CONSENT": dose - 60}, code, subject, K)


def test_the_order_that_everybody_shows_is_found() -> None:
    """Follow-up is never before the last dose; what all rows lie after, the consent, tells nothing."""
    floors = _floors()
    assert floors.names == ("LAST DOSE",)
    assert floors.of.tolist() == [[False, True]]


def test_one_exception_or_few_subjects_make_no_order() -> None:
    """One follow-up before the last dose, or fifteen subjects in all."""
    assert _floors(early=1).names == ()
    assert _floors(15).names == ()


@given(st.lists(st.tuples(st.floats(0, 200), st.sampled_from([0, 1]), st.floats(0, 200) | st.just(np.nan)), min_size=1))
def test_rows_are_held_at_their_floor_alone(rows: list[tuple[float, int, float]]) -> None:
    """Follow-up begins on the day of the last dose at the earliest where there is one; nothing else moves."""
    day, code, dose = (np.array(column) for column in zip(*rows, strict=True))
    held = _floors().hold(day, {"LAST DOSE": dose}, code.astype(np.int64))
    expected = np.where((code == 1) & np.isfinite(dose), np.fmax(day, np.floor(dose)), day)
    np.testing.assert_array_equal(held, expected)

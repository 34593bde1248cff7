"""How long the rows of a sequence may last."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicator.study_model.sequence.bounds import Bounds

from ..spines import make_spine, make_visits

N, K = 40, 5


def _bounds() -> Bounds:
    """Forty subjects stay in tuple 0 for 7 to 28 days, four in tuple 1 for 3."""
    days = np.append(7.0 + np.arange(N) % 22, np.full(4, 3.0))
    return Bounds.fit(days, np.append(np.zeros(N, np.int64), np.ones(4, np.int64)), np.arange(N + 4, dtype=np.int32), K)


def test_a_tuple_is_bounded_by_its_tail_and_by_nothing_where_few_have_it() -> None:
    """The bound lies near the longest stay without being it, and four stays are not kept."""
    most = _bounds().most
    assert 24 <= most[0] <= 34
    assert np.isinf(most[1])


def test_what_comes_too_late_is_put_on_the_last_visit_in_time() -> None:
    """Visits on days 14 and 90: a stay of 90 days ends on day 14; one of 20 stays, as does one that is fixed."""
    spine = make_spine(3)
    spine = make_spine(3, visits=make_visits(spine.anchor[:, None] + np.array([[14.0, 90.0]] * 3), np.array([4.0, 9.0])))
    day = spine.anchor + np.array([90.0, 20.0, 90.0])
    fixed = np.array([False, False, True])
    subject = np.arange(3, dtype=np.int32)
    held = _bounds().hold(day, spine.anchor, np.zeros(3, np.int64), fixed, spine, subject)
    assert (held - spine.anchor).tolist() == [14.0, 20.0, 90.0]


@given(st.lists(st.floats(-50, 400), min_size=1, max_size=30))
def test_nothing_is_held_beyond_its_time(late: list[float]) -> None:
    """Without visits a day is never later than the bound, and never moved where it is in time or the tuple is unbounded."""
    bounds, spine = _bounds(), make_spine(len(late))
    day, subject = spine.anchor + np.floor(late), np.arange(len(late), dtype=np.int32)
    code = np.arange(len(late)) % 3
    held = bounds.hold(day, spine.anchor, code, np.zeros(len(late), bool), spine, subject)
    limit = np.append(bounds.most, np.inf)[code]
    np.testing.assert_array_equal(held - spine.anchor, np.minimum(np.floor(late), limit))


def test_days_that_are_not_known_stay_so() -> None:
    """A missing day is no late one."""
    spine = make_spine(1)
    held = _bounds().hold(np.array([np.nan]), spine.anchor, np.zeros(1, np.int64), np.zeros(1, bool), spine, np.zeros(1, np.int32))
    assert held.tolist() == pytest.approx([np.nan], nan_ok=True)

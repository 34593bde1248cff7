"""Times of day: what is round in the source is as round in the sample, and no time of few subjects is kept."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replicator.models.clock import ClockTime


def spread(n: int) -> np.ndarray:
    return (np.arange(n) + 0.5) / n


def test_each_kind_of_round_time_keeps_its_share() -> None:
    """Hours 10 %, halves 15 %, other quarters 20 %, other fives 35 %, and the rest to the minute, 08:00 to 16:00."""
    rng = np.random.default_rng(1)
    n = 1000
    minute = 480.0 + rng.integers(0, 480, n)
    kind = rng.choice(5, n, p=[0.10, 0.15, 0.20, 0.35, 0.20])
    hour = 60 * np.floor(minute / 60)
    quarter, five, odd = rng.choice([15, 45], n), rng.choice([5, 10, 20, 25, 35, 40, 50, 55], n), 5 * rng.integers(0, 12, n)
    odd = odd + rng.integers(1, 5, n)
    minute = hour + np.choose(kind, [np.zeros(n), np.full(n, 30), quarter, five, odd])
    drawn = ClockTime.fit(minute, np.arange(n), k=5).quantile(spread(n))
    for step in (60, 30, 15, 5):
        assert (drawn % step == 0).mean() == pytest.approx((minute % step == 0).mean(), abs=0.005)
    assert np.abs(np.sort(drawn) - np.sort(minute)).mean() < 10
    np.testing.assert_array_equal(drawn, np.floor(drawn))


def test_a_single_time_is_kept_and_one_of_few_is_not() -> None:
    """All at 08:30, then four subjects of whom k is five."""
    assert set(ClockTime.fit(np.full(20, 510.0), np.arange(20), k=5).quantile(spread(9))) == {510.0}
    few = ClockTime.fit(np.full(20, 510.0), np.arange(20) % 4, k=5)
    assert few.n == 0 and few.times == ()


def test_round_times_of_few_subjects_join_the_next_finer() -> None:
    """Two at noon among forty on minutes that end in 1: one group, in which no step is told apart."""
    rng = np.random.default_rng(2)
    minute = np.append(601.0 + 10 * rng.integers(0, 12, 40), [720.0, 720.0])
    assert len(ClockTime.fit(minute, np.arange(42), k=5).finest) == 1


@pytest.mark.parametrize("n", [11, 18, 60])
def test_the_night_that_the_source_has_not_stays_empty(n: int) -> None:
    """Events from 06:00 to 23:00, of few subjects and of many: hardly any about midnight, and no minute that many share."""
    minute = 360.0 + np.floor(spread(n) * 1020)
    drawn = ClockTime.fit(minute, np.arange(n), k=5).quantile(spread(1000))
    assert ((drawn >= 300) & (drawn <= 1400)).mean() >= 0.97
    assert np.unique(drawn, return_counts=True)[1].max() <= 5
    assert drawn.mean() == pytest.approx(minute.mean(), abs=10)


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 1439), st.integers(0, 30)), min_size=1, max_size=80), st.integers(1, 6))
def test_times_are_whole_minutes_of_a_day_and_each_group_has_k_subjects(rows: list[tuple[int, int]], k: int) -> None:
    """Whatever the times are."""
    minute, who = np.array(rows).T
    model = ClockTime.fit(minute.astype(np.float64), who, k=k)
    assert model.n == (len(rows) if len(np.unique(who)) >= k else 0)
    assert all(one.n_subjects >= k for one in model.times)
    if model.n:
        drawn = model.quantile(spread(50))
        assert ((drawn >= 0) & (drawn < 1440) & (drawn == np.floor(drawn))).all()

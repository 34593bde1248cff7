"""Days between visits: whole weeks, delays that are passed on, and the days of those who leave."""

from __future__ import annotations

import numpy as np
import pytest

from replicator.study_model.course.course import Course
from replicator.study_model.course.days import VisitDay
from replicator.study_model.spine import Spine

from ..spines import make_spine, make_visits

ONE = np.zeros(2, np.int64)  # both arms of a spine are of one stratum
ANYTIME = np.ones(7)


def yearly(n: int, habit: float, seed: int) -> Spine:
    """Five visits 90 days apart, give or take a month, a share `habit` of them on the day of the week of the visit before."""
    rng = np.random.default_rng(seed)
    anchor = 18000.0 + rng.integers(0, 700, n)
    day = np.zeros((n, 5))
    for j in range(1, 5):
        free = 90.0 * j + rng.integers(-30, 31, n)
        snapped = day[:, j - 1] + 7 * np.round((free - day[:, j - 1]) / 7)
        day[:, j] = np.where(rng.random(n) < habit, snapped, free)
    day += anchor[:, None]
    return make_spine(n, {"LAST": day[:, -1]}, make_visits(day, np.arange(1.0, 6.0)), anchor=anchor)


def whole_weeks(day: np.ndarray) -> float:
    gap = np.diff(day, axis=1)
    return float((gap[gap > 0] % 7 == 0).mean())


@pytest.mark.parametrize("habit", [0.3, 0.8])
def test_whole_weeks_between_visits_are_as_frequent_as_in_the_source(habit: float) -> None:
    """Of gaps at random a seventh are whole weeks; of the others all."""
    spine = yearly(400, habit, 1)
    course = Course.fit(spine, ONE, 5)
    drawn = course.sample(spine.anchor, spine.arm, np.full(400, 4), np.full(400, np.inf), np.random.default_rng(2))
    assert course.gaps[0] == 1.0 and course.gaps[1:].max() < 0.8
    assert whole_weeks(drawn) == pytest.approx(habit + (1 - habit) / 7, abs=0.05)


def test_without_such_a_habit_all_gaps_are_as_good() -> None:
    """Nothing is learned from chance."""
    np.testing.assert_array_equal(Course.fit(yearly(400, 0.0, 3), ONE, 5).gaps, ANYTIME)


def test_a_delay_beyond_the_usual_is_made_up_for() -> None:
    """Delays of up to four days stay, one of forty does not: who comes that late comes to the plan the next time."""
    n = 400
    rng = np.random.default_rng(4)
    delay = rng.integers(-4, 5, n).astype(np.float64)
    far = np.arange(n) < 12
    delay[far] = 40.0
    late = np.where(far, 0.0, delay)
    due = np.full(n, 100.0)
    model = VisitDay.fit(200.0 + late, 200.0, due + delay, due, np.zeros(n, np.int64), 5)
    assert model.beyond == 0.0
    drawn = model.sample(
        due + delay,
        due,
        np.zeros(n, bool),
        np.zeros(n, np.int64),
        np.full(n, np.inf),
        np.zeros(n, np.int64),
        ANYTIME,
        ANYTIME,
        None,
        rng,
    )
    assert np.abs(drawn[far] - 200).max() <= 4
    assert np.corrcoef(drawn[~far], delay[~far])[0, 1] > 0.9


def test_those_who_leave_come_on_days_of_their_own_and_nobody_else_does() -> None:
    """Of six visits within a day of the plan, those after which nobody comes are ten to twenty days late."""
    n = 500
    rng = np.random.default_rng(5)
    anchor = 18000.0 + rng.integers(0, 700, n)
    late = rng.integers(-1, 2, (n, 6)).astype(np.float64)
    late[:, 0] = 0
    reach = np.where(rng.random(n) < 0.5, 5, rng.integers(1, 5, n))
    out = (np.arange(6) == reach[:, None]) & (reach < 5)[:, None]
    late[out] = rng.integers(10, 21, int(out.sum()))
    day = anchor[:, None] + 28.0 * np.arange(6) + late
    day[np.arange(6) > reach[:, None]] = np.nan
    spine = make_spine(n, {"LAST": np.nanmax(day, axis=1)}, make_visits(day, np.arange(1.0, 7.0)), anchor=anchor)
    course = Course.fit(spine, ONE, 5)
    assert course.leaving is not None
    drawn = course.sample(anchor, spine.arm, reach, np.full(n, np.inf), rng) - anchor[:, None] - 28.0 * np.arange(6)
    assert drawn[out].mean() == pytest.approx(15.0, abs=1.0)
    assert np.nanmax(np.abs(drawn[~out])) <= 3


def test_who_leaves_like_all_others_has_no_days_of_one_s_own() -> None:
    """Leaving says nothing of the day."""
    n = 500
    rng = np.random.default_rng(6)
    anchor = 18000.0 + rng.integers(0, 700, n)
    day = anchor[:, None] + 28.0 * np.arange(6) + np.concatenate([np.zeros((n, 1)), rng.integers(-3, 4, (n, 5))], axis=1)
    reach = np.where(rng.random(n) < 0.5, 5, rng.integers(0, 5, n))
    day[np.arange(6) > reach[:, None]] = np.nan
    spine = make_spine(n, {"LAST": np.nanmax(day, axis=1)}, make_visits(day, np.arange(1.0, 7.0)), anchor=anchor)
    assert Course.fit(spine, ONE, 5).leaving is None


def test_no_visit_comes_later_than_those_of_its_own_who_leave_do() -> None:
    """Who leaves came up to 60 days late to the third visit and 10 to the first: the first is not drawn 60 days late."""
    n = 400
    rng = np.random.default_rng(6)
    leave = np.arange(n) % 4
    late = np.where(leave == 0, rng.integers(0, 11, n), np.where(leave == 2, rng.integers(40, 61, n), 0)).astype(np.float64)
    day = np.array([14.0, 100.0, 200.0, 300.0]) + rng.integers(-1, 2, (n, 4)) + late[:, None] * (np.arange(4) == leave[:, None])
    day[np.arange(4) > leave[:, None]] = np.nan
    spine = make_spine(n, arm=np.zeros(n, np.int32), arms=("A",))
    spine = make_spine(
        n, visits=make_visits(spine.anchor[:, None] + day, np.arange(1.0, 5.0)), arm=np.zeros(n, np.int32), arms=("A",)
    )
    course = Course.fit(spine, ONE, 5)
    drawn = course.sample(spine.anchor, spine.arm, leave, np.full(n, np.inf), rng) - spine.anchor[:, None]
    assert course.leaving is not None
    assert np.nanmax(drawn[:, 0]) <= 30
    assert np.nanmax(drawn[:, 2]) > 230

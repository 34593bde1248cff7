"""Visits: which make up the course, who keeps them, when, and what comes beside them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replicator.study_model.course.course import Course
from replicator.study_model.course.grid import Grid, as_visits, visit_days
from replicator.study_model.course.openness import calendar_openness, move_to_open, weekday_openness
from replicator.study_model.spine import Spine, Visits
from replicator.study_model.visits.schedule import ScheduleModel

from ..spines import make_spine, make_visits

NUMBERS = np.array([1.0, 2.0, 3.0, 4.0])
ONE = np.zeros(2, np.int64)  # both arms of a spine are of one stratum
NEVER = np.inf


def planted(n: int, seed: int, attend: float = 0.7) -> Spine:
    """Visits on days -7, 0, 28 (within 2 days) and 56 (within 2 days); the third is kept by a share `attend`."""
    rng = np.random.default_rng(seed)
    anchor = 18000.0 + np.arange(n)
    day = anchor[:, None] + np.array([-7.0, 0.0, 28.0, 56.0])
    day[:, 2:] += rng.integers(-2, 3, (n, 2))
    day[rng.random(n) >= attend, 2] = np.nan
    return make_spine(n, {"FIRST": anchor - 7, "LAST": day[:, 3]}, make_visits(day, NUMBERS), anchor=anchor)


def leavers(n: int, seed: int) -> Spine:
    """Six visits four weeks apart within 2 days; half leave at one of the first five, and half of those are seen 90 days later."""
    rng = np.random.default_rng(seed)
    anchor = 18000.0 + rng.integers(0, 300, n)
    day = anchor[:, None] + 28.0 * np.arange(6)
    day[:, 1:] += rng.integers(-2, 3, (n, 5))
    reach = np.where(rng.random(n) < 0.5, 5, rng.integers(0, 5, n))
    day[np.arange(6) > reach[:, None]] = np.nan
    end = np.nanmax(day, axis=1)
    back = (reach < 5) & (rng.random(n) < 0.5)
    day = np.concatenate([day, np.where(back, end + 90, np.nan)[:, None]], axis=1)
    visits = make_visits(day, np.array([1.0, 2, 3, 4, 5, 6, 201]))
    return make_spine(n, {"DM.RFENDTC": end, "FIRST": anchor, "LAST": np.nanmax(day, axis=1)}, visits, anchor=anchor)


def course_days(spine: Spine, seed: int, reach: np.ndarray) -> np.ndarray:
    course = Course.fit(spine, ONE, 5)
    until = np.full(spine.n, NEVER)
    return course.sample(spine.anchor, spine.arm, reach, until, np.random.default_rng(seed)) - spine.anchor[:, None]


def test_attendance_and_windows_come_back() -> None:
    """The third visit kept by 70 %, two days either way; the fixed ones by all and exactly."""
    spine = planted(300, 1)
    day = course_days(spine, 2, np.full(300, 3))
    kept = np.isfinite(day)
    assert kept[:, [0, 1, 3]].all() and kept[:, 2].mean() == pytest.approx(0.7, abs=0.09)
    assert set(day[:, 0]) == {-7.0} and set(day[:, 1]) == {0.0}
    late = day[kept[:, 2], 2] - 28
    assert (np.abs(late) <= 2).mean() > 0.97 and late.std() == pytest.approx(2**0.5, abs=0.3)


def test_nobody_comes_after_the_last_visit() -> None:
    """Of those who reach the second visit none has a third, and all have the second."""
    spine = planted(200, 3)
    kept = np.isfinite(course_days(spine, 4, np.where(np.arange(200) % 2 == 0, 1, 3)))
    assert not kept[::2, 2:].any() and kept[::2, 1].all() and kept[1::2, 3].all()


def test_the_course_is_told_from_a_visit_of_those_who_left() -> None:
    """A visit after the end, which nobody has who came to the last one, is not of the course; who finished is a class."""
    spine = leavers(400, 5)
    course = Course.fit(spine, ONE, 5)
    assert course.grid.numbers.tolist() == [1, 2, 3, 4, 5, 6] and course.grid.others.tolist() == [201]
    assert course.grid.expected.tolist() == [0, 28, 56, 84, 112, 140]
    assert course.horizon == "" and course.given == ("FIRSTVISIT", "LASTVISIT")
    assert course.finished == pytest.approx(np.full(2, 0.5), abs=0.06) and course.top.tolist() == [5, 5]
    finished = course.groups(spine) % 2 == 1
    np.testing.assert_array_equal(np.isnan(course.traits(spine)["course"]), finished)


def test_that_few_leave_is_learned_and_when_they_did_is_not() -> None:
    """Three of sixty who leave early are a state without a place, after the visit that all come to; without any nobody leaves."""
    spine = planted(60, 14, attend=1.0)
    v = spine.visits
    stayed = Course.fit(spine, ONE, 5)
    assert not stayed.few_leave
    keep = ~((v.subject < 3) & (v.number > 3))
    course = Course.fit(
        make_spine(60, dict(spine.marks), Visits(*(x[keep] for x in vars(v).values())), anchor=spine.anchor), ONE, 5
    )
    assert course.few_leave and len(course.finished) == 0
    state = np.repeat([0.0, 1.0], 300)
    arm = np.zeros(600, np.int32)
    reach = course.reach(arm.astype(np.int64), arm, {"course": state}, np.full(600, NEVER), np.random.default_rng(15))
    assert course.lowest[0] == course.order[0] == 1
    assert (reach[300:] == 3).all() and np.bincount(reach[:300], minlength=4)[1:3].min() > 90 and set(reach[:300]) == {1, 2}


def test_visits_run_up_to_a_mark_that_is_far_from_the_last() -> None:
    """Where the end falls anywhere, visits end before it, and no mark is told from them."""
    n = 200
    rng = np.random.default_rng(6)
    anchor = 18000.0 + np.arange(n)
    end = anchor + rng.integers(20, 1000, n)
    day = anchor[:, None] + 90.0 * np.arange(12)
    day[(day >= end[:, None]) | (rng.random(day.shape) < 0.4) & (np.arange(12) > 0)] = np.nan
    spine = make_spine(n, {"DM.RFENDTC": end, "LAST": end}, make_visits(day, np.arange(1.0, 13.0)), anchor=anchor)
    course = Course.fit(spine, ONE, 5)
    assert course.horizon == "DM.RFENDTC" and course.given == () and course.margin == 1.0
    until = end - anchor - 1
    reach = course.reach(course.groups(spine), spine.arm, course.traits(spine), until, rng)
    np.testing.assert_array_equal(reach, course.grid.reach(spine))
    drawn = course.sample(anchor, spine.arm, reach, until, rng)
    assert not (drawn >= end[:, None]).any() and np.isfinite(drawn[np.arange(n), reach]).mean() > 0.95


def test_all_come_to_the_visit_that_all_came_to_however_near_the_mark() -> None:
    """Visits run up to a mark, and everybody came to the second one, on the day that days start from: nobody leaves before."""
    n = 40
    rng = np.random.default_rng(9)
    anchor = 18000.0 + np.arange(n)
    end = anchor + rng.integers(1, 1000, n)
    day = anchor[:, None] + 90.0 * np.arange(-1, 11)
    day[:, 0] += rng.integers(-5, 6, n)
    day[(day >= end[:, None]) | (rng.random(day.shape) < 0.4) & (np.arange(12) > 1)] = np.nan
    spine = make_spine(n, {"DM.RFENDTC": end, "LAST": end}, make_visits(day, np.arange(1.0, 13.0)), anchor=anchor)
    course = Course.fit(spine, ONE, 5)
    assert course.horizon == "DM.RFENDTC" and course.lowest.tolist() == [1, 1]
    reach = course.reach(course.groups(spine), spine.arm, {"course": np.linspace(-0.5, 1, n)}, end - anchor - 1, rng)
    assert reach.min() == 1 and reach.max() > 5


def test_who_comes_late_comes_late_again_and_keeps_the_day_of_the_week() -> None:
    """Delays that stay are passed on; intervals of whole weeks stay whole weeks."""
    n = 400
    rng = np.random.default_rng(7)
    anchor = 18000.0 + rng.integers(0, 300, n)
    steps = 28.0 + rng.choice([0.0, 1.0, 7.0], (n, 4), p=[0.8, 0.1, 0.1])
    day = anchor[:, None] + np.concatenate([np.zeros((n, 1)), np.cumsum(steps, axis=1)], axis=1)
    spine = make_spine(n, {"LAST": day[:, -1]}, make_visits(day, np.arange(1.0, 6.0)), anchor=anchor)
    drawn = course_days(spine, 8, np.full(n, 4))
    gaps = np.diff(drawn, axis=1)
    assert (gaps % 7 == 0).mean() == pytest.approx(0.9, abs=0.04)
    source, sample = (np.corrcoef(x[:, 3], x[:, 4])[0, 1] for x in (day - anchor[:, None], drawn))
    assert sample == pytest.approx(source, abs=0.1)


def test_days_on_which_nobody_works_stay_empty() -> None:
    """Visits a day either way of the plan, moved off the weekend, stay off it; without such a habit no day is avoided."""
    n = 500
    rng = np.random.default_rng(9)
    anchor = 18000.0 + rng.integers(0, 700, n)
    anchor -= np.maximum((anchor.astype(np.int64) + 3) % 7 - 4, 0)
    free = anchor[:, None] + 28.0 * np.arange(6) + np.concatenate([np.zeros((n, 1)), rng.integers(-1, 2, (n, 5))], axis=1)
    closed = free.copy()
    closed -= np.maximum((closed.astype(np.int64) + 3) % 7 - 4, 0)
    spine = make_spine(n, {"LAST": closed[:, -1]}, make_visits(closed, np.arange(1.0, 7.0)), anchor=anchor)
    course = Course.fit(spine, ONE, 5)
    assert course.openness[5:].max() == 0 and course.openness[:5].min() > 0.3
    drawn = course.sample(anchor, spine.arm, np.full(n, 5), np.full(n, NEVER), rng)
    assert ((drawn.astype(np.int64) + 3) % 7 >= 5).mean() < 0.002
    subject, visit = np.nonzero(np.ones(free.shape, bool))
    weekday = (anchor[subject].astype(np.int64) + 3) % 7
    offset = (free - anchor[:, None])[subject, visit]
    assert weekday_openness(weekday, offset, subject.astype(np.int32), visit.astype(np.int64)).tolist() == [1.0] * 7


@settings(max_examples=30)
@given(st.integers(0, 7), st.integers(0, 1000))
def test_days_move_to_the_nearest_that_is_open(closed: int, seed: int) -> None:
    """Weekends that are closed are left for Friday or Monday; where every day is taken alike nothing moves."""
    rng = np.random.default_rng(seed)
    day = 18000.0 + rng.integers(0, 700, 300)
    working = day - np.maximum((day.astype(np.int64) + 3) % 7 - 4, 0)
    subject = np.arange(300, dtype=np.int32)
    assert calendar_openness(working, subject)[5:].tolist() == [0.0, 0.0]
    openness = np.where(np.arange(7) == closed, 0.0, 1.0)
    moved = move_to_open(day, openness, rng)
    was = (day.astype(np.int64) + 3) % 7 == closed
    np.testing.assert_array_equal(np.abs(moved - day), was.astype(np.float64))


def test_the_visit_after_the_end_is_on_the_last_day() -> None:
    """Those who are on study beyond the course are seen again on their last day; the others are not."""
    spine = leavers(400, 10)
    grid = Grid.fit(spine, 5)
    marked = grid.mark(spine)
    drawn = ScheduleModel.fit(marked, grid, ONE, 5).sample(grid.course_of(marked), np.random.default_rng(11))
    back = drawn.number == 201
    late = marked.marks["LAST"] > marked.marks["LASTVISIT"]
    np.testing.assert_array_equal(np.sort(drawn.subject[back]), np.flatnonzero(late))
    np.testing.assert_array_equal(drawn.day[back], spine.marks["LAST"][drawn.subject[back]])


def test_a_visit_beside_the_course_keeps_its_place_in_the_order() -> None:
    """A contact between the fourth and the fifth visit that a third of the subjects have stays between them."""
    spine = leavers(400, 12)
    v = spine.visits
    rng = np.random.default_rng(13)
    fifth = v.subject[(v.number == 5) & (rng.random(len(v.number)) < 0.33)]
    day = spine.anchor[fifth] + 84 + rng.integers(2, 26, len(fifth))
    more = (fifth, np.full(len(fifth), 4.5), day, day)
    subject, number, start, end = (np.concatenate(pair) for pair in zip((v.subject, v.number, v.day, v.end), more, strict=True))
    order = np.lexsort((start, subject))
    visits = Visits(subject[order], number[order], start[order], end[order])
    source = make_spine(400, dict(spine.marks), visits, anchor=spine.anchor)
    grid = Grid.fit(source, 5)
    assert grid.others.tolist() == [4.5, 201]
    marked = grid.mark(source)
    drawn = ScheduleModel.fit(marked, grid, ONE, 5).sample(grid.course_of(marked), rng)
    days = visit_days(replace(source, visits=drawn), np.array([4, 4.5, 5]))
    some = np.isfinite(days[:, 1])
    assert some.sum() == pytest.approx(len(fifth), rel=0.25)
    assert (days[some, 0] <= days[some, 1]).all() and (days[some, 1] <= days[some, 2]).all()


@settings(max_examples=25)
@given(st.integers(1, 30), st.integers(0, 1000), st.floats(0, 1))
def test_drawn_visits_are_ordered_and_no_number_comes_twice(n: int, seed: int, attend: float) -> None:
    """By subject and day; each number once a subject; ends not before starts; the course in the order of its numbers."""
    spine = planted(n, seed, attend)
    rng = np.random.default_rng(seed)
    course = Course.fit(spine, ONE, 5)
    reach = rng.integers(0, len(course.grid.numbers), n)
    day = course.sample(spine.anchor, spine.arm, reach, np.full(n, NEVER), rng)
    filled = np.where(np.isfinite(day), day, -np.inf)
    assert (day >= np.maximum.accumulate(filled, axis=1))[np.isfinite(day)].all()
    grid = course.grid
    drawn = grid.mark(replace(spine, visits=as_visits(day, grid.numbers)))
    v = ScheduleModel.fit(grid.mark(spine), grid, ONE, 5).sample(drawn, rng)
    assert len(np.unique(np.stack([v.subject, v.number]), axis=1).T) == len(v.subject)
    np.testing.assert_array_equal(np.lexsort((v.number, v.day, v.subject)), np.arange(len(v.day)))
    assert (v.end >= v.day).all()


def test_visits_of_few_subjects_are_not_learned_one_by_one() -> None:
    """A number that two subjects had is no planned visit, and its own number does not come."""
    spine = planted(60, 5)
    v = spine.visits
    extra = Visits(
        np.append(v.subject, [3, 4]).astype(np.int32),
        np.append(v.number, [3.77, 3.77]),
        np.append(v.day, v.day[:2]),
        np.append(v.end, v.end[:2]),
    )
    source = make_spine(60, dict(spine.marks), extra, anchor=spine.anchor)
    grid = Grid.fit(source, 5)
    model = ScheduleModel.fit(grid.mark(source), grid, ONE, 5)
    assert model.numbers.tolist() == NUMBERS.tolist()
    assert 3.77 not in model.sample(grid.course_of(grid.mark(source)), np.random.default_rng(6)).number


def test_no_visits() -> None:
    """A study without visits has none in the sample."""
    spine = make_spine(10)
    grid = Grid.fit(spine, 5)
    course = Course.fit(spine, ONE, 5)
    assert course.traits(spine) == {} and course.given == ()
    assert len(ScheduleModel.fit(grid.mark(spine), grid, ONE, 5).sample(spine, np.random.default_rng(7)).day) == 0


def test_an_arm_of_one_subject_goes_as_far_as_its_stratum() -> None:
    """Twenty subjects of one arm come to the fourth visit; the one of the other left after the second, which is not told."""
    spine = planted(21, 4, attend=1.0)
    kept = (spine.visits.subject < 20) | (spine.visits.number < 3)
    arm = np.where(np.arange(21) < 20, 0, 1).astype(np.int32)
    spine = replace(spine, visits=spine.visits.take(kept), arm=arm, arms=("A", "B"))
    assert Course.fit(spine, ONE, 5).top.tolist() == [3, 3]
    alone = Course.fit(spine, np.arange(2), 5)
    assert alone.top[0] == 3 and alone.top[1] == alone.lowest[1] >= 0


def few_leavers(n: int, seed: int) -> Spine:
    """Six visits, follow-up (8); a sixth leaves after visits 2 to 4, has a closing visit (7), and every other one a follow-up."""
    rng = np.random.default_rng(seed)
    anchor = 18000.0 + rng.integers(0, 300, n)
    day = anchor[:, None] + 28.0 * np.arange(8)
    reach = np.where(np.arange(n) % 6 == 0, 1 + np.arange(n) // 6 % 3, 5)
    left = reach < 5
    day[:, 6] = np.where(left, anchor + 28 * reach + 7, np.nan)
    day[:, 7] = np.where(left & (np.arange(n) % 12 == 0), np.nan, anchor + 28 * reach + 21)
    day[:, :6][np.arange(6) > reach[:, None]] = np.nan
    visits = make_visits(day, np.array([1.0, 2, 3, 4, 5, 6, 7, 8]))
    return make_spine(n, {"FIRST": anchor, "LAST": np.nanmax(day, axis=1)}, visits, anchor=anchor)


def test_a_follow_up_of_those_who_left_too_is_none_of_the_course_however_few_left() -> None:
    """It was taken for the last visit, and half of those who left for subjects who had finished; now it closes the study."""
    spine = few_leavers(48, 1)
    grid = Grid.fit(spine, 5)
    assert grid.numbers.tolist() == [1.0, 2, 3, 4, 5, 6]
    assert grid.closing.tolist() == [8.0]
    assert Course.fit(spine, ONE, 5).finished.mean() == pytest.approx(5 / 6)
    missed = planted(300, 1)  # a visit that is missed now and then makes the last one no follow-up
    assert Grid.fit(missed, 5).numbers.tolist() == NUMBERS.tolist()


def test_a_closing_visit_of_those_who_left_is_theirs() -> None:
    """Of eight who had visit 7 four had it on their last day: they are learned together, and nobody who finished has it."""
    spine = few_leavers(48, 1)
    grid = Grid.fit(spine, 5)
    spine = grid.mark(spine)
    schedule = ScheduleModel.fit(spine, grid, ONE, 5)
    drawn = schedule.sample(grid.course_of(spine), np.random.default_rng(3))
    left = ~np.isin(np.arange(48), spine.visits.subject[spine.visits.number == 6])
    assert np.unique(drawn.subject[drawn.number == 7]).tolist() == np.flatnonzero(left).tolist()


@pytest.mark.parametrize(("n", "lowest"), [(160, 2), (24, 0)])
def test_an_arm_that_nobody_leaves_early_is_not_left_early(n: int, lowest: int) -> None:
    """An eighth of one arm leave at the second visit and at the third; of the other, if it is of some size, nobody is to."""
    rng = np.random.default_rng(2)
    arm = (np.arange(n) % 2).astype(np.int32)
    late = rng.integers(3, 6, n)
    reach = np.where(arm == 1, late, np.where(rng.random(n) < 0.25, rng.integers(1, 3, n), late))
    anchor = 18000.0 + np.arange(n)
    day = anchor[:, None] + 28.0 * np.arange(6)
    day[np.arange(6) > reach[:, None]] = np.nan
    spine = make_spine(n, {"LAST": np.nanmax(day, axis=1)}, make_visits(day, 1.0 + np.arange(6)), arm=arm, anchor=anchor)
    course = Course.fit(spine, ONE, 5)
    assert course.lowest.tolist() == [0, lowest]
    drawn = course.reach(
        np.repeat([0, 2], 50), np.repeat([0, 1], 50).astype(np.int32), {"course": np.ones(100)}, np.zeros(100), rng
    )
    assert set(drawn[:50]) == {1} and set(drawn[50:]) == {max(1, lowest)}

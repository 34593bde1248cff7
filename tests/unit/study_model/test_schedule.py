"""Visits: kept, when, in which order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replicator.study_model.schedule import ScheduleModel
from replicator.study_model.spine import Spine

from .spines import make_spine, make_visits

NUMBERS = np.array([1.0, 2.0, 3.0, 4.0])


def planted(n: int, seed: int, attend: float = 0.7) -> Spine:
    """Visits on days -7, 0, 28 (within 2 days) and 56 (within 2 days); the third is kept by a share `attend`."""
    rng = np.random.default_rng(seed)
    anchor = 18000.0 + np.arange(n)
    day = anchor[:, None] + np.array([-7.0, 0.0, 28.0, 56.0])
    day[:, 2:] += rng.integers(-2, 3, (n, 2))
    day[rng.random(n) >= attend, 2] = np.nan
    return make_spine(n, {"FIRST": anchor - 7, "LAST": day[:, 3]}, make_visits(day, NUMBERS), anchor=anchor)


def test_attendance_and_windows_come_back() -> None:
    """The third visit kept by 70 %, two days either way; the fixed ones by all and exactly."""
    spine = planted(300, 1)
    visits = ScheduleModel.fit(spine, 5).sample(spine, np.random.default_rng(2))
    offset = visits.day - spine.anchor[visits.subject]
    count = [(visits.number == number).sum() for number in NUMBERS]
    assert count[:2] == [300, 300]
    assert count[2] / 300 == pytest.approx(0.7, abs=0.09)
    assert count[3] / 300 == pytest.approx(1.0, abs=0.02)
    assert set(offset[visits.number == 1]) == {-7.0} and set(offset[visits.number == 2]) == {0.0}
    late = offset[visits.number == 3] - 28
    assert (np.abs(late) <= 2).mean() > 0.97 and late.std() == pytest.approx(2**0.5, abs=0.3)


def test_nobody_comes_after_the_last_day() -> None:
    """Subjects who leave on day 10 have the first two visits only."""
    spine = planted(200, 3)
    short = np.arange(200) % 2 == 0
    keep = ~(short[spine.visits.subject] & (spine.visits.number > 2))
    v = spine.visits
    visits = type(v)(v.subject[keep], v.number[keep], v.day[keep], v.end[keep])
    last = np.where(short, spine.anchor + 10, spine.marks["LAST"])
    source = make_spine(200, {"FIRST": spine.anchor - 7, "LAST": last}, visits, anchor=spine.anchor)
    drawn = ScheduleModel.fit(source, 5).sample(source, np.random.default_rng(4))
    assert (drawn.day <= last[drawn.subject]).all() and (drawn.day >= source.marks["FIRST"][drawn.subject]).all()
    assert (drawn.number[short[drawn.subject]] <= 2).mean() > 0.97


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 30), st.integers(0, 1000), st.floats(0, 1))
def test_drawn_visits_are_ordered_and_no_number_comes_twice(n: int, seed: int, attend: float) -> None:
    """By subject and day; each number once a subject; ends not before starts."""
    spine = planted(n, seed, attend)
    v = ScheduleModel.fit(spine, 5).sample(spine, np.random.default_rng(seed))
    assert len(np.unique(np.stack([v.subject, v.number]), axis=1).T) == len(v.subject)
    order = np.lexsort((v.number, v.day, v.subject))
    np.testing.assert_array_equal(order, np.arange(len(order)))
    assert (v.end >= v.day).all()


def test_visits_of_few_subjects_are_not_learned_one_by_one() -> None:
    """A number that two subjects had is no planned visit, and its own number does not come."""
    spine = planted(60, 5)
    v = spine.visits
    extra = type(v)(
        np.append(v.subject, [3, 4]).astype(np.int32),
        np.append(v.number, [3.77, 3.77]),
        np.append(v.day, v.day[:2]),
        np.append(v.end, v.end[:2]),
    )
    model = ScheduleModel.fit(make_spine(60, dict(spine.marks), extra, anchor=spine.anchor), 5)
    assert [visit.number for visit in model.planned] == NUMBERS.tolist()
    drawn = model.sample(spine, np.random.default_rng(6))
    assert 3.77 not in drawn.number


def test_no_visits() -> None:
    """A study without visits has none in the sample."""
    spine = make_spine(10)
    assert len(ScheduleModel.fit(spine, 5).sample(spine, np.random.default_rng(7)).day) == 0

"""Visits in between belong to subjects who came to the visit that they follow."""

from __future__ import annotations

import numpy as np
import pytest

from replicator.study_model.course.grid import Grid
from replicator.study_model.spine import Spine, Visits
from replicator.study_model.visits.schedule import ScheduleModel
from replicator.study_model.visits.unscheduled import shared_out

from ..spines import make_spine, make_visits

N = 240
ONE = np.zeros(2, np.int64)


def _study(seed: int) -> Spine:
    """Four visits, at each of which a quarter leave; a tenth of those at the third come again a week later, as visit 3.1."""
    rng = np.random.default_rng(seed)
    anchor = 18000.0 + rng.integers(0, 300, N)
    day = anchor[:, None] + 28.0 * np.arange(4)
    day[np.arange(4) > (np.arange(N) // 2 % 4)[:, None]] = np.nan
    again = np.where(np.isfinite(day[:, 2]) & (rng.random(N) < 0.2), day[:, 2] + 7, np.nan)
    last = np.nanmax(np.column_stack([day, again]), axis=1) + 14
    visits = make_visits(np.column_stack([day, again]), np.array([1.0, 2.0, 3.0, 4.0, 3.1]))
    return make_spine(N, {"FIRST": anchor, "LAST": last}, visits, anchor=anchor)


def _numbers(visits: Visits, number: float) -> set[int]:
    return set(visits.subject[visits.number == number].tolist())


def test_a_visit_in_between_needs_the_one_that_it_follows() -> None:
    """Nobody who left at the first two visits has a visit 3.1; as many of the others have one as in the source."""
    spine = _study(1)
    grid = Grid.fit(spine, 5)
    assert grid.others.tolist() == [3.1]
    marked = grid.mark(spine)
    model = ScheduleModel.fit(marked, grid, ONE, 5)
    assert model.visits[0].reached
    counts = []
    for seed in range(20):
        drawn = model.sample(grid.course_of(marked), np.random.default_rng(seed))
        assert _numbers(drawn, 3.1) <= _numbers(drawn, 3.0)
        counts.append(len(_numbers(drawn, 3.1)))
    source = len(_numbers(spine.visits, 3.1))
    assert abs(np.mean(counts) - source) < 4 * np.sqrt(source / 20)


def _with_more(spine: Spine, n: int) -> tuple[Spine, Grid]:
    """Give `n` subjects a visit each, 2.1 and so on, three days after visit 2."""
    v = spine.visits
    who = sorted(_numbers(v, 2.0))[:n]
    start = [float(v.day[(v.subject == one) & (v.number == 2.0)][0]) + 3 for one in who]
    more = Visits(
        np.append(v.subject, who).astype(np.int32),
        np.append(v.number, np.round(2.1 + 0.1 * np.arange(n), 9)),
        np.append(v.day, start),
        np.append(v.end, start),
    )
    source = make_spine(N, dict(spine.marks), more, anchor=spine.anchor)
    grid = Grid.fit(source, 5)
    return grid.mark(source), grid


def test_rare_visits_in_between_follow_what_they_followed() -> None:
    """Six subjects had visits 2.1 to 2.6: those of a sample are all after visit 2, never after another."""
    marked, grid = _with_more(_study(2), 6)
    model = ScheduleModel.fit(marked, grid, ONE, 5)
    assert model.unscheduled is not None
    assert np.flatnonzero(model.unscheduled.after).tolist() == [model.numbers.tolist().index(2.0)]


@pytest.mark.parametrize(
    ("counts", "shares"),
    [
        ((6, 0, 14), (0.3, 0.0, 0.7)),
        ((6, 2, 14), (0.3, 0.0, 0.7)),  # two subjects: nothing is told of them
        ((10, 4, 2, 0), (0.625, 0.1875, 0.1875, 0.0)),  # six together, of each visit as many
    ],
)
def test_after_which_visits_few_have_one_is_told_of_k_together(counts: tuple[int, ...], shares: tuple[float, ...]) -> None:
    base = np.repeat(np.arange(len(counts)), counts)
    found = shared_out(base, np.arange(len(base), dtype=np.int32), len(counts), 5)
    np.testing.assert_allclose(found, shares)


def test_what_fewer_than_k_had_is_not_learned() -> None:
    marked, grid = _with_more(_study(2), 4)
    assert ScheduleModel.fit(marked, grid, ONE, 5).unscheduled is None


def test_a_visit_of_the_plan_is_none_in_between() -> None:
    """Of six visits 2.1 to 2.6 a plan knows two, so that four subjects are left, too few; numbers of a plan are never given."""
    marked, grid = _with_more(_study(2), 6)
    assert ScheduleModel.fit(marked, grid, ONE, 5, np.array([2.1, 2.6])).unscheduled is None
    marked, grid = _with_more(_study(2), 8)
    model = ScheduleModel.fit(marked, grid, ONE, 5, np.array([1.1, 2.1, 2.6]))
    assert model.unscheduled is not None
    numbers = model.unscheduled.numbers[np.isfinite(model.unscheduled.numbers)]
    assert len(numbers) and not np.isin(numbers, [1.1, *np.round(2.1 + 0.1 * np.arange(8), 9)]).any()

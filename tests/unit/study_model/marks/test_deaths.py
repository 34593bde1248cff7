"""What ends with a death."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from replicator.study_model.course.course import Course
from replicator.study_model.course.deaths import none_on_death, until_death
from replicator.study_model.course.grid import Grid
from replicator.study_model.marks.deaths import Death
from replicator.study_model.marks.marks import Marks
from replicator.study_model.spine import Spine

from ..spines import make_spine, make_visits

N = 40
K = 5


def _marks(dead: int, apart: int = 0) -> dict[str, np.ndarray]:
    """Participation ends on the day of a death, give or take `apart`; others are followed up for some weeks after their end."""
    day = 18000.0 + np.arange(N)
    end = day + 30 + np.arange(N) % 50
    died = np.arange(N) < dead
    after = np.where(died, end + apart, end + 21)
    return {
        "DM.DTHDTC": np.where(died, end, np.nan),
        "DM.RFENDTC": np.where(np.arange(N) % 2 == 0, end + apart * died, end - apart * died),
        "DM.RFXENDTC": end - 3,
        "DM.RFPENDTC": after,
        "VISIT 201": np.where(died, np.nan, after),
        "LAST": after,
    }


def _two_dead_after(days: float) -> tuple[Spine, Grid]:
    """Four visits, 28 days apart; two subjects die so many days after the first one."""
    anchor = 18000.0 + np.arange(N)
    visits = make_visits(anchor[:, None] + 28.0 * np.arange(4), np.array([1.0, 2.0, 3.0, 4.0]))
    died = np.where(np.arange(N) < 2, anchor + days, np.nan)
    spine = make_spine(N, {"DM.DTHDTC": died}, visits, anchor=anchor)
    grid = Course.fit(spine, np.zeros(2, np.int64), K).grid
    return grid.mark(spine), grid


def test_of_few_deaths_nothing_is_kept_but_that_there_were_some() -> None:
    """Three died, fewer than k: how their dates stood to each other tells nothing, the standard does."""
    others = tuple(name for name in _marks(3) if name != "DM.DTHDTC")
    found = []
    for apart, treated in ((0, 3), (1, 0), (7, 30)):
        known = {name: np.floor(day) for name, day in _marks(3, apart).items()}
        known["DM.RFXENDTC"] = known["DM.RFXENDTC"] - treated
        found.append(Death.fit("DM.DTHDTC", known, others, (), K))
    assert found[0] == found[1] == found[2]
    assert found[0].day_of == "DM.RFENDTC"
    assert found[0].same == ("DM.RFENDTC", "DM.RFPENDTC", "LAST")
    assert set(found[0].until) == {"DM.RFXENDTC", "VISIT 201"}
    assert found[0].eve == ("DM.RFXENDTC",)


def test_few_die_where_others_end() -> None:
    """Most who leave early end on the day of their last visit: so do the three who died. Else deaths lie between visits."""
    marks, early = _marks(3), np.arange(N) < 20
    marks["LASTVISIT"] = marks["DM.RFENDTC"] - 30.0 * (np.arange(N) < 8)
    others = tuple(name for name in marks if name != "DM.DTHDTC")
    death = Death.fit("DM.DTHDTC", marks, others, ("LASTVISIT",), K, ~early)
    assert death.day_of == "LASTVISIT"
    assert not death.between_visits
    marks["LASTVISIT"] = marks["DM.RFENDTC"] - 30.0 * (np.arange(N) < 12)
    assert Death.fit("DM.DTHDTC", marks, others, ("LASTVISIT",), K, ~early).between_visits
    assert not Death.fit("DM.DTHDTC", marks, others, ("LASTVISIT",), K, np.arange(N) >= K - 1).between_visits


def test_many_dead_are_learned_and_only_the_same_day_is_the_same() -> None:
    """Of k dead and more the day is drawn; what was on it in all of them follows, what was a day off in one does not."""
    for off, same in ((0, ("DM.RFENDTC", "DM.RFPENDTC", "LAST")), (1, ())):
        known = {name: np.floor(day) for name, day in _marks(12, off).items()}
        death = Death.fit("DM.DTHDTC", known, tuple(name for name in known if name != "DM.DTHDTC"), (), K)
        assert (death.day_of, death.same) == ("", same)


def test_a_mark_that_is_there_before_decides_the_day() -> None:
    """The last visit is drawn before the marks: the day of death is its day, and it does not move."""
    known = {name: np.floor(day) for name, day in _marks(3).items()}
    death = Death.fit("DM.DTHDTC", known, ("DM.RFENDTC", "LAST"), ("DM.RFENDTC",), K)
    assert (death.day_of, death.same, death.before) == ("DM.RFENDTC", ("LAST",), ("DM.RFENDTC",))


@given(st.integers(0, 2**32 - 1))
def test_the_dead_of_a_sample_have_no_dates_after_their_death(seed: int) -> None:
    """However the traits are mixed, who dies ends on that day, comes to no later visit, and has no later dose."""
    model, values, _ = Marks.fit(make_spine(N, _marks(3)), K)
    rng = np.random.default_rng(seed)
    drawn = {name: x[rng.permutation(N)] for name, x in values.items()}
    built = model.build(18000.0 + np.arange(N), drawn)
    died = np.isfinite(built["DM.DTHDTC"])
    assert died.sum() == 3
    for name in ("DM.RFENDTC", "DM.RFPENDTC", "LAST"):
        np.testing.assert_array_equal(built[name][died], built["DM.DTHDTC"][died], err_msg=name)
    assert not (built["DM.RFXENDTC"] > built["DM.DTHDTC"]).any()
    assert not (built["VISIT 201"] > built["DM.DTHDTC"]).any()


def test_no_visit_is_kept_after_a_death() -> None:
    """Two die between visits: theirs after it are gone, and the last that is left is as far as they came; with `before` alone."""
    spine, grid = _two_dead_after(40.0)
    anchor = spine.anchor
    ends = Death("DM.DTHDTC", "LAST", (), (), ("LASTVISIT",))
    left = until_death(grid, spine, ends)
    np.testing.assert_array_equal(np.bincount(left.visits.subject), np.where(np.arange(N) < 2, 2, 4))
    np.testing.assert_array_equal(left.marks["LASTVISIT"], anchor + np.where(np.arange(N) < 2, 28, 84))
    assert left.reached is not None and left.reached[0] == 28 and left.reached[2] == 84
    assert until_death(grid, spine, replace(ends, before=())) is spine


def test_no_visit_beside_the_course_is_on_the_day_of_a_death() -> None:
    """Two die on the day of their third visit: it goes where deaths lie between visits, and stays where they lie on one."""
    spine, _ = _two_dead_after(56.0)
    between = none_on_death(spine.visits, spine, Death("DM.DTHDTC", "LAST", (), (), ("LASTVISIT",)))
    np.testing.assert_array_equal(np.bincount(between.subject), np.where(np.arange(N) < 2, 2, 4))
    on_one = none_on_death(spine.visits, spine, Death("DM.DTHDTC", "LASTVISIT", (), (), ("LASTVISIT",)))
    np.testing.assert_array_equal(on_one.number, spine.visits.number)


def test_who_dies_before_all_visits_had_the_first_by_then() -> None:
    """A death on the day before the first visit leaves that visit, on the day of death."""
    anchor = 18000.0 + np.arange(N)
    visits = make_visits(np.stack([anchor, anchor + 28], axis=1), np.array([1.0, 2.0]))
    death = np.where(np.arange(N) < 2, anchor - 1, np.nan)
    spine = make_spine(N, {"DM.DTHDTC": death, "LAST": anchor + 40}, visits, anchor=anchor)
    course = Course.fit(spine, np.zeros(2, np.int64), K)
    left = until_death(course.grid, course.grid.mark(spine), Death("DM.DTHDTC", "LAST", (), (), ("LASTVISIT",)))
    np.testing.assert_array_equal(np.bincount(left.visits.subject), np.where(np.arange(N) < 2, 1, 2))
    np.testing.assert_array_equal(left.marks["FIRSTVISIT"], np.where(np.arange(N) < 2, anchor - 1, anchor))


def test_few_deaths_lie_anywhere_on_the_way_and_the_last_dose_before() -> None:
    """Three die. Drawn deaths are spread evenly between the anchor and the drawn end."""
    model, values, _ = Marks.fit(make_spine(N, _marks(3)), K)
    assert model.death is not None
    assert model.death.between_visits
    assert model.death.eve == ("DM.RFXENDTC",)
    anchor, n = 18000.0, 4000
    share = np.random.default_rng(0).random(n)
    drawn = {name: np.repeat(x[:1], n) for name, x in values.items()}
    built = model.build(np.full(n, anchor), drawn, share=share)
    death = built["DM.DTHDTC"]
    last = model.build(np.full(1, anchor), {name: x[:1] for name, x in drawn.items()})["DM.DTHDTC"][0]
    assert death.min() == anchor + 1
    assert death.max() == last
    assert np.bincount((death - anchor - 1).astype(int)).std() < 3 * np.sqrt(n / (last - anchor))
    assert (built["DM.RFXENDTC"] <= death - 1).all()
    np.testing.assert_array_equal(built["LAST"], death)


def test_a_death_between_visits_has_none_on_its_day() -> None:
    """Two die on the day of their third visit: it is gone where deaths lie between visits, and stays where they are on the last."""
    spine, grid = _two_dead_after(56.0)
    for day_of, left in (("LAST", 2), ("LASTVISIT", 3)):
        ends = Death("DM.DTHDTC", day_of, (), (), ("LASTVISIT",))
        kept = np.bincount(until_death(grid, spine, ends).visits.subject)
        np.testing.assert_array_equal(kept, np.where(np.arange(N) < 2, left, 4))


def test_no_visit_lasts_longer_than_its_subject_lived() -> None:
    """Visits of three days: of who dies on the second day of the last one, it ends then."""
    anchor = 18000.0 + np.arange(N)
    visits = make_visits(anchor[:, None] + 28.0 * np.arange(2), np.array([1.0, 2.0]))
    visits = replace(visits, end=visits.day + 2)
    died = np.where(np.arange(N) < 2, anchor + 29, np.nan)
    spine = make_spine(N, {"DM.DTHDTC": died}, visits, anchor=anchor)
    course = Course.fit(spine, np.zeros(2, np.int64), K)
    left = until_death(course.grid, course.grid.mark(spine), Death("DM.DTHDTC", "LAST", (), (), ("LASTVISIT",))).visits
    np.testing.assert_array_equal((left.end - left.day)[left.number == 2.0], np.where(np.arange(N) < 2, 1, 2))

"""What ends with a death."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from replicator.study_model.course import Course
from replicator.study_model.deaths import Death
from replicator.study_model.marks import Marks

from .spines import make_spine, make_visits

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


def test_what_all_of_few_dead_have_on_their_day_stays_there() -> None:
    """Three died, fewer than k: their end is their death, though a day may lie between; where it is a week, it is not."""
    known = {name: np.floor(day) for name, day in _marks(3, 1).items()}
    others = tuple(name for name in known if name != "DM.DTHDTC")
    death = Death.fit("DM.DTHDTC", known, others, (), K)
    assert death.day_of == "DM.RFENDTC"
    assert death.same == ("DM.RFENDTC", "DM.RFPENDTC", "LAST")
    assert set(death.until) == {"DM.RFXENDTC", "VISIT 201"}
    apart = Death.fit("DM.DTHDTC", {name: np.floor(day) for name, day in _marks(3, 7).items()}, others, (), K)
    assert (apart.day_of, apart.same) == ("LAST", ())


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
    anchor = 18000.0 + np.arange(N)
    visits = make_visits(anchor[:, None] + 28.0 * np.arange(4), np.array([1.0, 2.0, 3.0, 4.0]))
    died = np.where(np.arange(N) < 2, anchor + 40, np.nan)
    spine = make_spine(N, {"DM.DTHDTC": died}, visits, anchor=anchor)
    course = Course.fit(spine, np.zeros(2, np.int64), K)
    spine = course.grid.mark(spine)
    ends = Death("DM.DTHDTC", "LAST", (), (), ("LASTVISIT",))
    left = course.until_death(spine, ends)
    np.testing.assert_array_equal(np.bincount(left.visits.subject), np.where(np.arange(N) < 2, 2, 4))
    np.testing.assert_array_equal(left.marks["LASTVISIT"], anchor + np.where(np.arange(N) < 2, 28, 84))
    assert left.reached is not None and left.reached[0] == 28 and left.reached[2] == 84
    assert course.until_death(spine, replace(ends, before=())) is spine


def test_who_dies_before_all_visits_had_the_first_by_then() -> None:
    """A death on the day before the first visit leaves that visit, on the day of death."""
    anchor = 18000.0 + np.arange(N)
    visits = make_visits(np.stack([anchor, anchor + 28], axis=1), np.array([1.0, 2.0]))
    death = np.where(np.arange(N) < 2, anchor - 1, np.nan)
    spine = make_spine(N, {"DM.DTHDTC": death, "LAST": anchor + 40}, visits, anchor=anchor)
    course = Course.fit(spine, np.zeros(2, np.int64), K)
    left = course.until_death(course.grid.mark(spine), Death("DM.DTHDTC", "LAST", (), (), ("LASTVISIT",)))
    np.testing.assert_array_equal(np.bincount(left.visits.subject), np.where(np.arange(N) < 2, 1, 2))
    np.testing.assert_array_equal(left.marks["FIRSTVISIT"], np.where(np.arange(N) < 2, anchor - 1, anchor))


def test_treatment_that_went_on_until_few_deaths_goes_on_until_those_of_a_sample() -> None:
    """The last dose lay three days before each of three deaths: one 70 days before is moved to it, others stay."""
    known = {name: np.floor(day) for name, day in _marks(3).items()}
    death = Death.fit("DM.DTHDTC", known, tuple(name for name in known if name != "DM.DTHDTC"), (), K)
    assert death.soon == ("DM.RFXENDTC",)
    day = {name: x.copy() for name, x in known.items()}
    day["DM.RFXENDTC"][0] -= 70
    day["DM.RFXENDTC"][20] -= 70
    held = death.hold(day, ())
    assert held["DM.RFXENDTC"][0] == held["DM.DTHDTC"][0]
    np.testing.assert_array_equal(held["DM.RFXENDTC"][1:], day["DM.RFXENDTC"][1:])
    apart = {**known, "DM.RFXENDTC": known["DM.RFXENDTC"] - 20}
    assert Death.fit("DM.DTHDTC", apart, tuple(name for name in apart if name != "DM.DTHDTC"), (), K).soon == ()


def test_few_deaths_lie_anywhere_on_the_way_and_the_last_dose_the_day_before() -> None:
    """Planted: three die on the day after their last dose. Drawn deaths are spread evenly between the anchor and the drawn end."""
    marks = _marks(3)
    died = np.isfinite(marks["DM.DTHDTC"])
    marks["DM.RFXENDTC"] = np.where(died, marks["DM.DTHDTC"] - 1, marks["DM.RFXENDTC"])
    model, values, _ = Marks.fit(make_spine(N, marks), K)
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
    np.testing.assert_array_equal(built["DM.RFXENDTC"], death - 1)
    np.testing.assert_array_equal(built["LAST"], death)


def test_a_death_between_visits_has_none_on_its_day() -> None:
    """Two die on the day of their third visit: it is gone where deaths lie between visits, and stays where they are on the last."""
    anchor = 18000.0 + np.arange(N)
    visits = make_visits(anchor[:, None] + 28.0 * np.arange(4), np.array([1.0, 2.0, 3.0, 4.0]))
    died = np.where(np.arange(N) < 2, anchor + 56, np.nan)
    spine = make_spine(N, {"DM.DTHDTC": died}, visits, anchor=anchor)
    course = Course.fit(spine, np.zeros(2, np.int64), K)
    spine = course.grid.mark(spine)
    for day_of, left in (("LAST", 2), ("LASTVISIT", 3)):
        ends = Death("DM.DTHDTC", day_of, (), (), ("LASTVISIT",))
        kept = np.bincount(course.until_death(spine, ends).visits.subject)
        np.testing.assert_array_equal(kept, np.where(np.arange(N) < 2, left, 4))


def test_no_visit_lasts_longer_than_its_subject_lived() -> None:
    """Visits of three days: of who dies on the second day of the last one, it ends then."""
    anchor = 18000.0 + np.arange(N)
    visits = make_visits(anchor[:, None] + 28.0 * np.arange(2), np.array([1.0, 2.0]))
    visits = replace(visits, end=visits.day + 2)
    died = np.where(np.arange(N) < 2, anchor + 29, np.nan)
    spine = make_spine(N, {"DM.DTHDTC": died}, visits, anchor=anchor)
    course = Course.fit(spine, np.zeros(2, np.int64), K)
    left = course.until_death(course.grid.mark(spine), Death("DM.DTHDTC", "LAST", (), (), ("LASTVISIT",))).visits
    np.testing.assert_array_equal((left.end - left.day)[left.number == 2.0], np.where(np.arange(N) < 2, 1, 2))

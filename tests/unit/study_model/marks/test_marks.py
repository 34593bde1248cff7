"""Dates of a subject as they stand to each other."""

from __future__ import annotations

import numpy as np

from replicator.study_model.course.grid import Grid
from replicator.study_model.marks.marks import Marks
from replicator.study_model.marks.names import visit_mark

from ..spines import make_spine, make_visits


def test_built_marks_are_the_source_marks() -> None:
    """The traits of the source, put together again, are the source's days, missing ones included."""
    rng = np.random.default_rng(1)
    n = 60
    anchor = 18000.0 + np.arange(n)
    end = anchor + rng.integers(5, 90, n)
    marks = {
        "DM.RFICDTC": anchor - rng.integers(3, 20, n),
        "DM.RFSTDTC": anchor,
        "DM.RFENDTC": end,
        "DM.RFPENDTC": np.where(rng.random(n) < 0.5, end, end + rng.integers(1, 9, n)),
        "DM.DTHDTC": np.where(np.arange(n) < 8, end, np.nan),
        "FIRST": anchor - 20,
        "LAST": end + 10,
    }
    spine = make_spine(n, marks)
    model, values, nominal = Marks.fit(spine, 5)
    assert {mark.name for mark in model.marks} == set(marks)
    assert nominal == {f"mark {name}" for name in marks}
    built = model.build(spine.anchor, values)
    for name, day in marks.items():
        np.testing.assert_array_equal(built[name], day, err_msg=name)


def test_a_mark_is_counted_from_what_it_follows() -> None:
    """Where most subjects stay to the end, days after the end are counted from the end, not from the start."""
    n = 60
    anchor = 18000.0 + np.arange(n)
    end = anchor + np.where(np.arange(n) % 3 == 0, 5 + np.arange(n), 84)
    model, values, _ = Marks.fit(make_spine(n, {"DM.RFENDTC": end, "DM.RFPENDTC": end + 7}), 5)
    assert {mark.name: mark.base for mark in model.marks}["DM.RFPENDTC"] == "DM.RFENDTC"
    assert set(values["days DM.RFPENDTC"].tolist()) == {7.0}


def test_orders_of_the_source_hold_for_whatever_is_drawn() -> None:
    """A mark that never lay after another does not in the sample, however far off its draw is."""
    n = 40
    anchor = 18000.0 + np.arange(n)
    model, values, _ = Marks.fit(make_spine(n, {"DM.RFENDTC": anchor + 30, "DM.RFPENDTC": anchor + 40 + np.arange(n) % 7}), 5)
    rng = np.random.default_rng(2)
    wild = {name: x + (rng.integers(-400, 400, n) if name.startswith("days") else 0) for name, x in values.items()}
    built = model.build(anchor, wild)
    assert (built["DM.RFENDTC"] <= built["DM.RFPENDTC"]).all()
    assert (built["FIRST"] <= built["LAST"]).all()


def test_distances_that_do_not_fit_pile_up_on_no_day() -> None:
    """Last doses lie up to 90 days before an end that may come after 20: of those few are on the day of the first dose."""
    n = 2000
    rng = np.random.default_rng(3)
    anchor = 18000.0 + np.arange(n)
    lag = np.minimum(rng.geometric(0.05, n), 90.0)
    end = anchor + np.maximum(rng.integers(20, 200, n), lag + 1)
    spine = make_spine(n, {"DM.RFXSTDTC": anchor, "LASTVISIT": end, "DM.RFXENDTC": end - lag}, anchor=anchor)
    model, values, _ = Marks.fit(spine, 5, ("LASTVISIT",))
    mixed = values | {"days DM.RFXENDTC": rng.permutation(values["days DM.RFXENDTC"])}
    built = model.build(anchor, mixed, {"LASTVISIT": end})
    treated = built["DM.RFXENDTC"] - built["DM.RFXSTDTC"]
    too_long = -mixed["days DM.RFXENDTC"] > end - anchor
    assert too_long.sum() > 20
    assert treated.min() >= 0
    assert (treated[too_long] == 0).mean() < 0.2


def test_a_side_of_too_few_does_not_count() -> None:
    """An end of treatment up to two days before the end of study, but of three subjects a month after it, is counted from there."""
    n = 60
    anchor = 18000.0 + np.arange(n)
    end = anchor + 40 + 3 * (np.arange(n) % 20)
    last = np.where(np.arange(n) < 3, end + 30, end - 1 - np.arange(n) % 2)
    model, _, _ = Marks.fit(make_spine(n, {"DM.RFENDTC": end, "DM.RFXENDTC": last}), 5, ("DM.RFENDTC",))
    assert {mark.name: mark.base for mark in model.marks}["DM.RFXENDTC"] == "DM.RFENDTC"


def test_a_free_date_gives_way_to_one_that_is_the_day_of_another() -> None:
    """The end of study stays on the last visit, whatever is drawn for the end of treatment, and the latter comes no later."""
    n = 40
    anchor = 18000.0 + np.arange(n)
    visit = anchor + 40 + np.arange(n) % 9
    marks = {"LASTVISIT": visit, "DM.RFXENDTC": visit - 3 - np.arange(n) % 5, "DM.RFENDTC": visit}
    model, values, _ = Marks.fit(make_spine(n, marks), 5, ("LASTVISIT",))
    rng = np.random.default_rng(4)
    wild = values | {"days DM.RFXENDTC": values["days DM.RFXENDTC"] + rng.integers(0, 60, n)}
    built = model.build(anchor, wild, {"LASTVISIT": visit})
    np.testing.assert_array_equal(built["DM.RFENDTC"], visit)
    assert (built["DM.RFXENDTC"] <= visit).all() and (built["DM.RFXENDTC"] == visit).any()


def test_visits_stay_where_they_are() -> None:
    """The end of study is the day of a late visit; drawn on an earlier day, it follows the visit."""
    happened = visit_mark(201.0)
    n = 40
    anchor = 18000.0 + np.arange(n)
    left = anchor + 40 + np.arange(n) % 9
    late = np.where(np.arange(n) % 2, left + 90 + np.arange(n) % 7, np.nan)
    end = np.where(np.isnan(late), left, late)
    known = {"DM.RFENDTC": left, happened: late, "DM.RFPENDTC": end}
    model, values, _ = Marks.fit(make_spine(n, known), 5)
    built = model.build(anchor, values | {"mark DM.RFPENDTC": np.full(n, values["mark DM.RFPENDTC"][0])})
    np.testing.assert_array_equal(built[happened], late)
    assert (built["DM.RFPENDTC"] >= np.fmax(left, late)).all()


def test_few_dead_die_at_their_last_day() -> None:
    """A date of death that fewer than k subjects have is the end of participation."""
    n = 30
    anchor = 18000.0 + np.arange(n)
    death = np.where(np.arange(n) < 2, anchor + 50, np.nan)
    model, values, _ = Marks.fit(make_spine(n, {"DM.DTHDTC": death}), 5)
    built = model.build(anchor, values)
    np.testing.assert_array_equal(built["DM.DTHDTC"], np.where(np.arange(n) < 2, built["LAST"], np.nan))


def test_a_visit_that_closes_the_study_is_a_mark_and_others_hang_on_it() -> None:
    """Leavers come back on day 168 of the plan, whenever they left: the last day is counted from the start, not from their end."""
    n = 200
    rng = np.random.default_rng(3)
    anchor = 18000.0 + rng.integers(0, 300, n)
    reach = np.where(rng.random(n) < 0.5, 5, rng.integers(0, 5, n))
    day = anchor[:, None] + 28.0 * np.arange(6)
    day[np.arange(6) > reach[:, None]] = np.nan
    back = np.where((reach < 5) & (rng.random(n) < 0.6), anchor + 168 + rng.integers(-3, 4, n), np.nan)
    end = np.fmax(np.nanmax(day, axis=1), back)
    visits = make_visits(np.column_stack([day, back]), np.array([1.0, 2, 3, 4, 5, 6, 201]))
    spine = make_spine(n, {"DM.RFPENDTC": end, "LAST": end, "FIRST": anchor}, visits, anchor=anchor)
    grid = Grid.fit(spine, 5)
    assert grid.closing.tolist() == [201]
    marked = grid.mark(spine)
    np.testing.assert_array_equal(marked.marks["VISIT 201"], back)
    model, values, _ = Marks.fit(marked, 5, ("FIRSTVISIT", "LASTVISIT"))
    marks = {mark.name: mark for mark in model.marks}
    assert marks["VISIT 201"].base == "ANCHOR" and "VISIT 201" in marks["DM.RFPENDTC"].references
    assert np.nanmax(np.abs(values["days VISIT 201"] - 168)) <= 3
    given = {name: marked.marks[name] for name in ("FIRSTVISIT", "LASTVISIT")}
    for name, built in model.build(anchor, values, given).items():
        np.testing.assert_array_equal(built, marked.marks[name], err_msg=name)


def test_a_mark_on_the_day_of_a_visit_is_there_of_whoever_comes_to_it() -> None:
    """The last dose is at the third visit of all who come to it, and of the others not before the second; then they are parted."""
    n = 40
    anchor = 18000.0 + np.arange(n)
    visits = {f"VISIT {j + 1}": anchor + day for j, day in enumerate((-7.0, 0.0, 84.0, 98.0))}
    visits["VISIT 3"] = np.where(np.arange(n) < 8, np.nan, visits["VISIT 3"] + np.arange(n) % 3)
    end = np.where(np.arange(n) < 8, anchor + 5 + 9 * np.arange(n), visits["VISIT 3"])
    model, values, _ = Marks.fit(make_spine(n, {"DM.RFENDTC": end}), 5, visits=visits)
    [mark] = [mark for mark in model.marks if mark.name == "DM.RFENDTC"]
    assert (mark.visit, mark.since) == ("VISIT 3", True)
    assert np.isfinite(values["days DM.RFENDTC"]).sum() == 8
    wild = {name: np.where(np.isfinite(x), x, 30.0) - 60.0 * name.startswith("days") for name, x in values.items()}
    other = {**visits, "VISIT 3": visits["VISIT 3"][::-1]}
    built = model.build(anchor, wild, visits=other)["DM.RFENDTC"]
    np.testing.assert_array_equal(built[:-8], other["VISIT 3"][:-8])
    assert (built[-8:] >= anchor[-8:]).all()
    end[20] += 1
    parted, _, _ = Marks.fit(make_spine(n, {"DM.RFENDTC": end}), 5, visits=visits)
    assert all(not one.visit for one in parted.marks if one.name == "DM.RFENDTC")


def test_what_one_subject_has_is_counted_from_the_mark_beside_it() -> None:
    """One subject lies alike from all marks: the end, two days before the last visit, is counted from that, not from the anchor."""
    day = np.array([18000.0])
    spine = make_spine(1, {"FIRST": day, "LAST": day + 90, "DM.RFENDTC": day + 88})
    model, _, _ = Marks.fit(spine, 5, given=("FIRST", "LAST"))
    assert [(mark.name, mark.base) for mark in model.marks] == [("DM.RFENDTC", "LAST")]


def test_what_all_have_who_have_another_is_implied_however_few_lack_both() -> None:
    """One of twelve has neither first nor last dose: nobody is drawn with one of them."""
    start = 18000.0 + np.arange(12)
    start[11] = np.nan
    spine = make_spine(12, {"FIRST": 17990.0 + np.arange(12), "DM.RFXSTDTC": start, "DM.RFXENDTC": start + 30})
    model, _, _ = Marks.fit(spine, 5)
    assert {("DM.RFXSTDTC", "DM.RFXENDTC"), ("DM.RFXENDTC", "DM.RFXSTDTC")} <= set(model.implied)


def test_what_all_of_a_stratum_have_is_absent_in_nobody_of_it() -> None:
    """Four screen failures of forty have no first dose: whoever is dosed has one, whatever is drawn, and no screen failure has."""
    n = 40
    stratum = (np.arange(n) < 4).astype(np.int64)
    start = np.where(stratum == 1, np.nan, 18000.0 + np.arange(n))
    spine = make_spine(n, {"FIRST": 17990.0 + np.arange(n), "DM.RFXSTDTC": start})
    model, values, _ = Marks.fit(spine, 5, stratum=stratum)
    assert model.always["DM.RFXSTDTC"].tolist() == [True, False] and not model.always["FIRST"][1]
    built = model.build(spine.anchor, {**values, "mark DM.RFXSTDTC": np.zeros(n)}, stratum=stratum)
    np.testing.assert_array_equal(np.isfinite(built["DM.RFXSTDTC"]), stratum == 0)


def test_a_mark_that_is_implied_is_in_a_state_that_the_source_knows() -> None:
    """A first dose is always on the anchor and an end on no other mark: either state is one of those of whom they are known."""
    n = 40
    anchor = 18000.0 + np.arange(n)
    end = anchor + 20 + 3 * (np.arange(n) % 13)
    model, values, _ = Marks.fit(make_spine(n, {"DM.RFXSTDTC": anchor, "DM.RFENDTC": end}), 5)
    for name in ("DM.RFXSTDTC", "DM.RFENDTC"):
        assert set(values[f"mark {name}"].tolist()) == {model.usual_state(name)}


def test_a_mark_lies_after_the_visit_that_tells_the_arm() -> None:
    """In one of two arms the last dose is after the second visit, as its dose is raised there: so in any sample."""
    n = 80
    anchor, arm = 18000.0 + np.arange(n), np.arange(n) % 2
    visits = {"VISIT 1": anchor, "VISIT 2": anchor + 14}
    last = anchor + np.where(arm == 1, 15 + np.arange(n) % 60, 2 + np.arange(n) % 60)
    spine = make_spine(n, {"DM.RFXENDTC": last})
    model, values, _ = Marks.fit(spine, 5, (), visits)
    rng = np.random.default_rng(2)
    wild = {name: x + (rng.integers(-30, 30, n) if name == "days DM.RFXENDTC" else 0) for name, x in values.items()}
    after = model.build(spine.anchor, wild, visits=visits, arm=spine.arm)["DM.RFXENDTC"] - visits["VISIT 2"]
    assert after[arm == 1].min() == 1 and (after[arm == 0] < 0).any()
    late = {**visits, "VISIT 2": np.where(np.arange(n) < 10, np.nan, visits["VISIT 2"])}
    missed = model.build(spine.anchor, wild, visits=late, arm=spine.arm)["DM.RFXENDTC"] - visits["VISIT 2"]
    assert (missed[:10][arm[:10] == 1] < 1).any() and missed[10:][arm[10:] == 1].min() == 1

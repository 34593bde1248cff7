"""Dates of a subject as they stand to each other."""

from __future__ import annotations

import numpy as np

from replicator.study_model.marks import Marks

from .spines import make_spine


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


def test_few_dead_die_at_their_last_day() -> None:
    """A date of death that fewer than k subjects have is the end of participation."""
    n = 30
    anchor = 18000.0 + np.arange(n)
    death = np.where(np.arange(n) < 2, anchor + 50, np.nan)
    model, values, _ = Marks.fit(make_spine(n, {"DM.DTHDTC": death}), 5)
    built = model.build(anchor, values)
    np.testing.assert_array_equal(built["DM.DTHDTC"], np.where(np.arange(n) < 2, built["LAST"], np.nan))

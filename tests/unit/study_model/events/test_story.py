"""What a subject's state does to its events: who must have one, what an end leaves, what a death and a criterion mean."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicator.config import FitConfig
from replicator.profile.find import dataset_structure
from replicator.profile.structure import Kind
from replicator.study_model.events.days import days_after_event
from replicator.study_model.events.facts import Facts, mentions
from replicator.study_model.events.obliged import Obliged
from replicator.study_model.events.onsets import steps_back
from replicator.study_model.events.part import EventsPart
from replicator.study_model.spine import Rows, Spine, Told, Visits
from replicator.tables.dataset import Dataset, Text
from replicator.tables.dates import Precision

N = 120
START = 18000.0


def _spine(states: list[str], death: np.ndarray | None = None, **more: Told) -> Spine:
    n = len(states)
    anchor = np.full(n, START)
    nothing = Visits(np.empty(0, np.int32), np.empty(0), np.empty(0), np.empty(0))
    died = np.full(n, np.nan) if death is None else death
    marks = {"DM.DTHDTC": died, "FIRST": anchor, "LAST": np.where(np.isnan(died), anchor + 60, died)}
    told = Told(np.arange(n, dtype=np.int32), {"DSDECOD": Text.of(states)}, np.full(n, np.nan), states=True)
    return Spine(n, np.zeros(n, np.int32), ("",), anchor, marks, nothing, {}, {}, told={"DS": told, **more})


def _iso(day: float) -> str:
    return str(np.datetime64("1970-01-01") + np.timedelta64(int(day), "D"))


def _drawn(rows: list[dict[str, object]], spine: Spine, seed: int = 3) -> Rows:
    frame = pd.DataFrame(rows)
    subject = frame.pop("who").to_numpy(np.int32)
    frame.insert(0, "USUBJID", [f"S{i}" for i in subject])
    dataset = Dataset.from_frame("AE", frame)
    fitted = EventsPart.fit(dataset, dataset_structure(dataset, Kind.EVENTS, "AE", "USUBJID"), subject, spine, FitConfig())
    features = {f"AE/{name}": x for name, x in fitted.features.items()}
    return fitted.part.sample(replace(spine, features=features), np.random.default_rng(seed))


def test_those_who_must_have_a_term_change_places_with_those_who_need_not() -> None:
    """Numbers of terms stay as they are, taken together; holders of the first fact have some, of the second none."""
    states = ["ADVERSE EVENT"] * 40 + ["SCREEN FAILURE"] * 30 + ["COMPLETED"] * 130
    spine = _spine(states)
    rng = np.random.default_rng(1)
    has = np.array([True] * 40 + [False] * 30 + (rng.random(130) < 0.6).tolist())
    facts, holds = Facts.fit(spine, 5)
    model = Obliged.fit(has, facts, holds, 5)
    assert dict(zip(model.facts.level, model.some.tolist(), strict=True)) == {"ADVERSE EVENT": True, "SCREEN FAILURE": False}
    size = rng.integers(0, 4, 200)
    place, settled = model.settle(spine, size, np.zeros(200, np.int64), np.zeros(200, bool), rng)
    assert (settled[:40] > 0).all()
    assert not settled[40:70].any()
    assert sorted(place.tolist()) == list(range(200))
    assert sorted(settled.tolist()) == sorted(size.tolist())


def test_who_leaves_for_an_event_has_one_for_which_the_drug_was_withdrawn() -> None:
    """The last event of those who left, and no other; 0.1 for the back-off from few to many conditions."""
    rng = np.random.default_rng(2)
    states = np.where(rng.random(N) < 0.4, "ADVERSE EVENT", "COMPLETED").tolist()
    rows: list[dict[str, object]] = []
    for i in range(N):
        days = np.sort(rng.choice(50, 3, replace=False))
        for j, day in enumerate(days.tolist()):
            action = "DRUG WITHDRAWN" if states[i] == "ADVERSE EVENT" and j == 2 else "DOSE NOT CHANGED"
            term = ("HEADACHE", "NAUSEA", "RASH", "COUGH", "FATIGUE")[(i + j) % 5]
            rows.append({"who": i, "AETERM": term, "AESTDTC": _iso(START + day), "AEACN": action})
    drawn = _drawn(rows, _spine(states))
    withdrawn = drawn.columns["AEACN"].strings() == "DRUG WITHDRAWN"
    left = np.array(states) == "ADVERSE EVENT"
    having = np.zeros(N, bool)
    having[drawn.subject[withdrawn]] = True
    assert having[left].mean() > 0.9
    assert having[~left].mean() < 0.1


def test_few_severe_events_stay_where_a_death_makes_them_enough() -> None:
    """Planted: four severe events, and a fifth that was fatal, of 120: about one in 24 is severe (4 s), and has an outcome."""
    death = np.full(N, np.nan)
    death[0] = START + 40
    rows = [
        {"who": i, "AETERM": ("COUGH", "RASH")[i % 2], "AESTDTC": _iso(START + 5 + i % 20), "AESEV": "MILD", "AEOUT": "RECOVERED"}
        for i in range(N)
    ]
    for row in rows[:5]:
        row["AESEV"] = "SEVERE"
    rows[0]["AEOUT"] = "FATAL"
    severe, all_rows = 0, 0
    for seed in range(10):
        columns = {name: column.strings() for name, column in _drawn(rows, _spine(["COMPLETED"] * N, death), seed).columns.items()}
        alive = columns["AEOUT"] == "RECOVERED"
        assert (alive | (columns["AEOUT"] == "FATAL")).all()
        severe, all_rows = severe + int((columns["AESEV"][alive] == "SEVERE").sum()), all_rows + int(alive.sum())
    assert severe / all_rows == pytest.approx(5 / 120, abs=4 * np.sqrt(5 / 120 / 1200))


def test_few_events_go_on_as_often_as_in_the_source() -> None:
    """Planted: of 120 events 6 go on, 3 of which have a start known to the minute: one in 20 goes on (4 s), and these alone."""
    rows = []
    for i in range(N):
        start, goes_on = START + 5 + i % 20, i < 6
        outcome = "NOT RECOVERED/NOT RESOLVED" if goes_on else "RECOVERED/RESOLVED"
        at = _iso(start) + ("T08:30" if i % 2 else "")
        rows.append({"who": i, "AETERM": ("COUGH", "RASH")[i // 60], "AESTDTC": at, "AEENDTC": "" if goes_on else _iso(start + 4)})
        rows[-1]["AEOUT"] = outcome
    going, all_rows = 0, 0
    for seed in range(10):
        columns = {name: column.strings() for name, column in _drawn(rows, _spine(["COMPLETED"] * N), seed).columns.items()}
        goes_on = columns["AEENDTC"] == ""
        assert (goes_on == (columns["AEOUT"] == "NOT RECOVERED/NOT RESOLVED")).all()
        going, all_rows = going + int(goes_on.sum()), all_rows + len(goes_on)
    assert going / all_rows == pytest.approx(6 / 120, abs=4 * np.sqrt(6 / 120 / 1200))


@pytest.mark.parametrize("dead", [3, 30])
def test_a_death_has_a_grave_cause(dead: int) -> None:
    """Every one of the dead has one fatal event, severe and serious; of few, a stand-in for what the source's few died of."""
    states = ["DEATH"] * dead + ["COMPLETED"] * (N - dead)
    death = np.full(N, np.nan)
    death[:dead] = START + 40
    mild = [
        {
            "who": i,
            "AETERM": f"{term} PAIN",
            "AEDECOD": f"{term} PAIN",
            "AEBODSYS": system,
            "AESEV": "MILD",
            "AESER": "N",
            "AEOUT": "RECOVERED",
        }
        for i in range(N)
        for term, system in (("CHEST", "CARDIAC DISORDERS"), ("HEAD", "NERVOUS SYSTEM DISORDERS"))
        if (i + len(term)) % 3
    ]
    severe = [dict(row, AETERM="LEG PAIN", AEDECOD="LEG PAIN", AEBODSYS="CARDIAC DISORDERS", AESEV="SEVERE") for row in mild[:30]]
    fatal = [
        {
            "who": i,
            "AETERM": "RUPTURE",
            "AEDECOD": "RUPTURE",
            "AEBODSYS": "CARDIAC DISORDERS",
            "AESEV": "SEVERE",
            "AESER": "Y",
            "AEOUT": "FATAL",
        }
        for i in range(dead)
    ]
    rows = [dict(row, AESTDTC=_iso(START + 10 + i % 20)) for i, row in enumerate([*mild, *severe, *fatal])]
    drawn = _drawn(rows, _spine(states, death))
    columns = {name: column.strings() for name, column in drawn.columns.items()}
    died = columns["AEOUT"] == "FATAL"
    assert sorted(drawn.subject[died].tolist()) == list(range(dead))
    assert set(columns["AESEV"][died]) == {"SEVERE"}
    assert set(columns["AESER"][died]) == {"Y"}
    if dead < 5:
        assert not set(columns["AEDECOD"][died]) & {"CHEST PAIN", "HEAD PAIN", "LEG PAIN", "RUPTURE"}
        assert set(columns["AEBODSYS"][died]) <= {"CARDIAC DISORDERS", "NERVOUS SYSTEM DISORDERS"}
    else:
        assert set(columns["AEDECOD"][died]) == {"RUPTURE"}


def test_a_criterion_makes_an_event_serious_and_few_serious_ones_do_not_vanish() -> None:
    """Three of 600 in the source: the state stays, with its criterion and never without."""
    rows = [
        {
            "who": i % N,
            "AETERM": "HEADACHE" if i % 2 else "NAUSEA",
            "AESTDTC": _iso(START + i // N),
            "AESER": "Y" if i in (5, 77, 301) else "N",
            "AESHOSP": "Y" if i in (5, 77, 301) else "N",
        }
        for i in range(600)
    ]
    spine = _spine(["COMPLETED"] * N)
    found = 0
    for seed in range(5):
        columns = {name: column.strings() for name, column in _drawn(rows, spine, seed).columns.items()}
        serious = columns["AESER"] == "Y"
        assert (serious == (columns["AESHOSP"] == "Y")).all()
        found += int(serious.sum())
    assert 1 <= found <= 40


def test_events_and_conditions_that_were_told_are_found() -> None:
    """Days since the last event up to a day, subject by subject; words within terms."""
    text = Text.of(["HYPERCHOLESTEROLAEMIA", "HEADACHE", "RASH"])
    told = Told(np.array([0, 0, 1], np.int32), {"MHTERM": text}, np.array([START + 2, START + 9, START + 5]), occurs=True)
    spine = _spine(["A", "B", "A"], MH=told)
    lag = days_after_event(np.array([0, 0, 1, 1, 2]), START + np.array([8.0, 9.0, 4.0, 7.0, 7.0]), spine)
    assert lag.tolist() == [6.0, 0.0, np.inf, 2.0, np.inf]
    found = mentions(spine, [("CHOLEST",), ("RASH", "ACHE")])
    assert found is not None
    assert found.tolist() == [[True, True], [False, True], [False, False]]


PARTS = st.text(" ABSß", min_size=1, max_size=3)


@given(
    st.lists(st.text(" abß", min_size=1, max_size=8), unique=True, max_size=6), st.lists(st.lists(PARTS, max_size=3), max_size=4)
)
def test_words_are_looked_for_within_each_text(texts: list[str], needs: list[list[str]]) -> None:
    """All texts at once, and some of them again beside others, find what each text by itself holds."""
    for some in (texts[:3], texts):
        told = Told(np.arange(len(some), dtype=np.int32), {"MHTERM": Text.of(some)}, np.full(len(some), START), occurs=True)
        found = mentions(_spine(["A"] * len(some), MH=told), needs)
        assert found is not None
        assert found.tolist() == [[any(part in f" {text}".upper() for part in parts) for parts in needs] for text in some]


def test_steps_back_count_whole_periods() -> None:
    """From December 2019 to January 2020: one year, one month, one day."""
    first, day = (np.full(3, float(np.datetime64(text).astype(int))) for text in ("2020-01-01", "2019-12-31"))
    assert steps_back(first, day, np.array([Precision.YEAR, Precision.MONTH, Precision.DAY], np.int8)).tolist() == [1.0, 1.0, 1.0]

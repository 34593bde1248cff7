"""Medicines begin after the conditions that they are given for, and nobody takes them without, where the source has it so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replicator.config import FitConfig
from replicator.profile.find import dataset_structure
from replicator.profile.structure import Kind
from replicator.study_model.events.following import _place
from replicator.study_model.events.part import EventsPart
from replicator.study_model.events.reasons import _chance
from replicator.study_model.spine import Rows, Spine, Told, Visits
from replicator.tables.dataset import Dataset, Text
from replicator.tables.dates import Precision, parse_dates

N = 200
FIRST = 18262.0  # 2020-01-01
SICK = np.arange(N) % 3 == 0
NAMES = ("AMLODIPINE", "SIMVASTATIN")


def _spine(begun: list[str]) -> Spine:
    """Everybody has one event of the history, which begins in a year; of every third it is what one of the medicines is for."""
    texts = ["HYPERTENSION" if i % 2 else "HYPERCHOLESTEROLAEMIA" for i in range(N)]
    history = Text.of([text if sick else "APPENDICECTOMY" for text, sick in zip(texts, SICK, strict=True)])
    since = parse_dates(Text.of(begun))
    told = Told(np.arange(N, dtype=np.int32), {"MHDECOD": history}, since.full_day, occurs=True, since=since)
    anchor = np.full(N, FIRST)
    nothing = Visits(np.empty(0, np.int32), np.empty(0), np.empty(0), np.empty(0))
    marks = {"FIRST": anchor, "LAST": anchor + 60}
    return Spine(N, np.zeros(N, np.int32), ("",), anchor, marks, nothing, {}, {}, told={"MH": told})


def _source(years: np.ndarray, follows: bool, without: float, rng: np.random.Generator) -> tuple[Dataset, np.ndarray]:
    """Everybody takes one of six other things, and who has a condition its medicine, begun 0 to 2 years after it or anywhen."""
    rows = []
    for i in range(N):
        rows.append((i, f"THING {rng.integers(6)}", f"{rng.integers(1995, 2020)}"))
        if SICK[i] or rng.random() < without:
            year = min(2019, years[i] + rng.integers(3)) if follows else rng.integers(1990, 2020)
            rows.append((i, NAMES[0 if i % 2 else 1], f"{year}-{rng.integers(1, 13):02d}"))
    subject = np.array([i for i, _, _ in rows], np.int32)
    columns = {
        "USUBJID": [f"S{i}" for i in subject.tolist()],
        "CMTRT": [what for _, what, _ in rows],
        "CMSTDTC": [d for _, _, d in rows],
    }
    return Dataset.from_frame("CM", pd.DataFrame(columns)), subject


def _drawn(follows: bool, without: float) -> tuple[EventsPart, Rows, np.ndarray]:
    rng = np.random.default_rng(5)
    years = rng.integers(1990, 2020, N)
    spine = _spine([str(year) for year in years])
    dataset, subject = _source(years, follows, without, rng)
    structure = dataset_structure(dataset, Kind.INTERVENTIONS, "CM", "USUBJID")
    fitted = EventsPart.fit(dataset, structure, subject, spine, FitConfig())
    assert isinstance(fitted.part, EventsPart)
    features = {f"CM/{name}": x for name, x in fitted.features.items()}
    rows = fitted.part.sample(replace(spine, features=features), np.random.default_rng(3))
    return fitted.part, rows, years


def _lags(rows: Rows, years: np.ndarray) -> np.ndarray:
    """Years from the condition to the medicine for it, of those who have the condition."""
    names, dates = rows.columns["CMTRT"].strings(), rows.columns["CMSTDTC"].strings()
    mine = np.isin(names, NAMES) & SICK[rows.subject]
    mine &= np.where(rows.subject % 2, names == NAMES[0], names == NAMES[1])
    begun = np.array([int(str(text)[:4]) for text in dates[mine]])
    return begun - years[rows.subject[mine]]


def test_medicines_begin_after_their_conditions_as_long_as_in_the_source() -> None:
    """Planted: 0, 1 or 2 years, a third each, of 67 subjects (0.13: two errors); none before its condition."""
    part, rows, years = _drawn(True, 0.0)
    lag = _lags(rows, years)
    assert len(lag) > 40
    assert lag.min() >= 0
    assert lag.max() <= 2
    assert (lag == 0).mean() == pytest.approx(1 / 3 + 0.05, abs=0.13)
    assert part.dates.follows.past_share == 1.0


def test_only_medicines_for_an_event_begin_on_its_day() -> None:
    """Planted: everybody has an event on study; it is a headache in every third, with a medicine for it on that day.

    What they take besides began before, but for two who begin with their event: too few to say that whatever begins on study
    begins with an event, though all does.
    """
    rng = np.random.default_rng(6)
    day = FIRST + rng.integers(1, 300, N)
    text = Text.of(["HEADACHE" if sick else "COMMON COLD" for sick in SICK])
    since = parse_dates(Text.of([str(np.datetime64(int(one), "D")) for one in day]))
    told = Told(np.arange(N, dtype=np.int32), {"AEDECOD": text}, day, occurs=True, since=since)
    anchor = np.full(N, FIRST)
    spine = replace(_spine(["2010"] * N), told={"AE": told}, marks={"FIRST": anchor, "LAST": anchor + 300})
    taken = [(i, "PARACETAMOL", day[i]) for i in np.flatnonzero(SICK)]
    taken += [(i, f"THING {rng.integers(3)}", day[i] if i in (1, 2) else FIRST - 1000) for i in range(N)]
    columns = {
        "USUBJID": [f"S{i}" for i, _, _ in taken],
        "CMTRT": [what for _, what, _ in taken],
        "CMSTDTC": [str(np.datetime64(int(one), "D")) for _, _, one in taken],
    }
    dataset = Dataset.from_frame("CM", pd.DataFrame(columns))
    structure = dataset_structure(dataset, Kind.INTERVENTIONS, "CM", "USUBJID")
    fitted = EventsPart.fit(dataset, structure, np.array([i for i, _, _ in taken], np.int32), spine, FitConfig())
    features = {f"CM/{name}": x for name, x in fitted.features.items()}
    rows = fitted.part.sample(replace(spine, features=features), np.random.default_rng(3))
    names, begun = rows.columns["CMTRT"].strings(), parse_dates(rows.columns["CMSTDTC"]).day
    same = begun == day[rows.subject]
    assert same[(names == "PARACETAMOL") & SICK[rows.subject]].mean() > 0.9
    assert isinstance(fitted.part, EventsPart)
    assert fitted.part.dates.start_at_event == 0


def test_medicines_that_begin_anywhen_follow_nothing() -> None:
    """Planted: the same medicines, begun in any year: no law is learned, and about half begin before the condition."""
    part, rows, years = _drawn(False, 0.0)
    assert not part.dates.follows
    assert (_lags(rows, years) < 0).mean() == pytest.approx(0.5, abs=0.2)


def test_nobody_takes_them_without_the_condition_where_nobody_of_the_source_does() -> None:
    part, rows, _ = _drawn(True, 0.0)
    assert part.reasons.only.sum() == len(NAMES)
    assert SICK[rows.subject[np.isin(rows.columns["CMTRT"].strings(), NAMES)]].all()


def test_some_take_them_without_where_some_of_the_source_do() -> None:
    """Planted: a quarter of those without the condition take the medicine, too."""
    part, rows, _ = _drawn(True, 0.25)
    assert not part.reasons.only.any()
    assert (~SICK[rows.subject[np.isin(rows.columns["CMTRT"].strings(), NAMES)]]).mean() > 0.15


def test_the_chance_is_that_of_fishers_tea() -> None:
    """Fisher (1935, The Design of Experiments, section 8): 1 of 70 to name all four of eight cups rightly, 17 of 70 for three."""
    poured = np.arange(8) < 4
    assert _chance(poured, poured) == pytest.approx(1 / 70)
    assert _chance(np.array([1, 1, 1, 0, 1, 0, 0, 0], bool), poured) == pytest.approx(17 / 70)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=30)
def test_a_start_lies_in_its_period_between_the_condition_and_the_limit(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = 50
    since = np.floor(rng.uniform(3000, 18000, n))
    limit = since + np.floor(rng.uniform(0, 4000, n))
    level = rng.choice([Precision.YEAR, Precision.MONTH, Precision.DAY], n).astype(np.int64)
    unit = {Precision.YEAR: "Y", Precision.MONTH: "M", Precision.DAY: "D"}
    period = np.empty((2, n))
    for one, name in unit.items():
        for i, day in enumerate((since, limit)):
            mine = level == one
            period[i, mine] = day[mine].astype("datetime64[D]").astype(f"datetime64[{name}]").astype(np.int64)
    lag = np.floor(rng.random(n) * (period[1] - period[0] + 1))
    day = _place(np.floor(rng.uniform(0, 18000, n)), since, lag, level, limit, rng.random(n))
    assert (day >= since).all()
    assert (day <= limit).all()
    for one, name in unit.items():
        mine = level == one
        reached = day[mine].astype("datetime64[D]").astype(f"datetime64[{name}]").astype(np.int64)
        assert (reached == (period[0] + lag)[mine]).all()

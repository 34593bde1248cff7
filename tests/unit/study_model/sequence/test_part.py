"""Rows that follow each other: an arm's regimen, order, ends, what a subject has once."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from replicator.config import FitConfig
from replicator.profile.find import find_structure
from replicator.study_model.sequence.part import SequencePart
from replicator.study_model.source import Source, read_source
from replicator.study_model.spine import Rows
from replicator.tables.dataset import Study, Text
from replicator.tables.dates import parse_dates

from ....properties.blueprint import Blueprint
from ....properties.strategies import build_study
from ..small_studies import make_study, structured


def drawn(name: str, blueprint: Blueprint, seed: int = 1) -> tuple[Source, Rows, pd.DataFrame]:
    """Fit one dataset and draw it for the subjects of its own source."""
    study = build_study(blueprint)
    structure = find_structure(study)
    source = read_source(study, structure)
    found = SequencePart.fit(source.datasets[name], structure.datasets[name], source.subject[name], source.spine, FitConfig())
    rows = found.part.sample(source.spine, np.random.default_rng(seed))
    frame = pd.DataFrame({column: cells.strings() for column, cells in rows.columns.items()})
    frame["subject"] = rows.subject
    for column in [c for c in frame.columns if c.endswith("DTC")]:
        frame[column[:-3]] = parse_dates(rows.columns[column]).day  # type: ignore[arg-type]
    return source, rows, frame


def test_an_arm_gets_its_own_regimen() -> None:
    """No dose of another arm; ends not before starts; the next row not before the one before has ended."""
    source, _, frame = drawn("EX", Blueprint(n=150))
    arm = source.spine.arm[frame["subject"]]
    for name, doses in (("Placebo", {"0"}), ("Low Dose", {"50"}), ("High Dose", {"50", "100"})):
        assert set(frame["EXDOSE"][arm == source.spine.arms.index(name)]) == doses
    assert (frame["EXEN"] >= frame["EXST"]).all()
    same = frame["subject"].to_numpy()[1:] == frame["subject"].to_numpy()[:-1]
    assert (frame["EXST"].to_numpy()[1:] > frame["EXEN"].to_numpy()[:-1])[same].all()
    first = frame.drop_duplicates("subject")
    assert (first["EXST"].to_numpy() == source.spine.anchor[first["subject"]]).all()


def test_arms_of_few_subjects_keep_their_design() -> None:
    """Three subjects of the high arm among sixty: they still take 50 and 100 mg, and nobody else does."""
    study = build_study(Blueprint(n=90, leave=(0.0, 0.0, 0.0)))
    keep = np.ones(90, bool)
    keep[2::3] = np.arange(30) < 3
    ids = set(study["DM"].text("USUBJID").strings()[keep].tolist())
    smaller = study.with_datasets(
        d.take(np.array([one in ids for one in d.text("USUBJID").strings()])) if "USUBJID" in d else d
        for d in study.datasets.values()
    )
    structure = find_structure(smaller)
    source = read_source(smaller, structure)
    found = SequencePart.fit(source.datasets["EX"], structure.datasets["EX"], source.subject["EX"], source.spine, FitConfig())
    rows = found.part.sample(source.spine, np.random.default_rng(2))
    dose = rows.columns["EXDOSE"].strings()
    by_arm = {name: set(dose[source.spine.arm[rows.subject] == i].tolist()) for i, name in enumerate(source.spine.arms)}
    assert by_arm["High Dose"] == {"50", "100"} and by_arm["Low Dose"] == {"50"} and by_arm["Placebo"] == {"0"}


def test_every_subject_has_each_element_once_and_in_order() -> None:
    """Screening, treatment, follow-up of everybody, each beginning where the one before ends."""
    _, _, frame = drawn("SE", Blueprint(n=80))
    assert (frame.groupby("subject")["ETCD"].agg(tuple) == ("SCRN", "TRT", "FUP")).all()
    same = frame["subject"].to_numpy()[1:] == frame["subject"].to_numpy()[:-1]
    assert (frame["SEST"].to_numpy()[1:] == frame["SEEN"].to_numpy()[:-1])[same].mean() > 0.97


def test_same_seed_same_rows_other_seed_other_rows() -> None:
    """The generator alone decides."""
    one, two, three = (drawn("DS", Blueprint(n=60), seed)[2] for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(one, two)
    assert len(one) != len(three) or not one.equals(three)


@pytest.mark.parametrize("n", [1, 2, 4, 6])
def test_few_subjects(n: int) -> None:
    """From one subject up something is drawn, or nothing, and never an error."""
    for name in ("EX", "DS", "SE"):
        _, rows, frame = drawn(name, Blueprint(n=n))
        assert len(frame) == len(rows.subject)


def test_order_of_rows_does_not_matter() -> None:
    """The same dataset with its rows backwards (but the same --SEQ) gives the same rows."""
    study = build_study(Blueprint(n=60))
    structure = find_structure(study)

    def fit(which: Study) -> Rows:
        source = read_source(which, structure)
        part = SequencePart.fit(
            source.datasets["DS"], structure.datasets["DS"], source.subject["DS"], source.spine, FitConfig()
        ).part
        return part.sample(source.spine, np.random.default_rng(3))

    backwards = study.with_datasets(d.take(np.arange(d.n_rows)[::-1]) if d.name == "DS" else d for d in study.datasets.values())
    a, b = fit(study), fit(backwards)
    np.testing.assert_array_equal(a.subject, b.subject)
    for name in a.columns:
        np.testing.assert_array_equal(a.columns[name].strings(), b.columns[name].strings())


def sampled(seed: int = 1, **frames: dict[str, list[object]]) -> tuple[Source, SequencePart, pd.DataFrame]:
    """Fit DS of a study written out and draw it for its own subjects, twenty times over."""
    study, structure = structured(make_study(**frames))
    source = read_source(study, structure)
    found = SequencePart.fit(source.datasets["DS"], structure.datasets["DS"], source.subject["DS"], source.spine, FitConfig())
    assert isinstance(found.part, SequencePart)
    rng = np.random.default_rng(seed)
    rows = [found.part.sample(source.spine, rng) for _ in range(20)]
    drawn = [{"subject": one.subject, **{name: cells.strings() for name, cells in one.columns.items()}} for one in rows]
    return source, found.part, pd.concat([pd.DataFrame(one) for one in drawn], ignore_index=True)


def visits_of(n: int) -> dict[str, dict[str, list[object]]]:
    """DM and SV of n subjects with visits on three days a fortnight apart."""
    ids = [f"S{i:03}" for i in range(n)]
    first = pd.date_range("2020-01-01", periods=n).to_series().tolist()
    day = [f"{one + pd.Timedelta(days=14 * visit):%Y-%m-%d}" for one in first for visit in range(3)]
    dm = {"USUBJID": ids, "RFSTDTC": day[::3]}
    sv = {"USUBJID": np.repeat(ids, 3).tolist(), "VISITNUM": [1.0, 2.0, 3.0] * n, "SVSTDTC": day}
    return {"DM": dm, "SV": sv}


def test_days_that_few_have_are_nobodys() -> None:
    """Of sixty subjects three have dates, far from all visits: about one in 24 of a sample has one, on the day of the visit."""
    frames = visits_of(60)
    frames["DS"] = {
        "USUBJID": np.repeat(frames["DM"]["USUBJID"], 2).tolist(),
        "DSSEQ": [1.0, 2.0] * 60,
        "DSDECOD": ["RANDOMIZED", "COMPLETED"] * 60,
        "VISITNUM": [1.0, 3.0] * 60,
        "DSSTDTC": ["2031-05-05", "2032-06-06"] * 3 + [None] * 114,
    }
    source, part, drawn = sampled(**frames)
    dated = drawn["DSSTDTC"] != ""
    assert dated.mean() == pytest.approx(2.5 / 60, abs=0.02)
    assert part.dates.rare == (pytest.approx(2.5 / 60),)
    first = source.spine.anchor[drawn["subject"][dated]] + np.where(drawn["DSDECOD"][dated] == "COMPLETED", 28, 0)
    assert parse_dates(Text.of(drawn["DSSTDTC"][dated].to_numpy(object))).day.tolist() == first.tolist()


def test_rows_off_the_visits_keep_their_own_days() -> None:
    """Completers are seen off at a visit; screen failures, few rows, leave on own days, the last on study."""
    frames = visits_of(100)
    failed = np.arange(100) % 10 == 0
    last = [
        f"{pd.Timestamp(str(day)) + pd.Timedelta(days=int(31 + i % 7) if failed[i] else 28):%Y-%m-%d}"
        for i, day in enumerate(frames["DM"]["RFSTDTC"])
    ]
    frames["DM"]["RFPENDTC"] = list(last)
    three = {"RANDOMIZED": 0, "SEEN": 14}
    rows = [
        (one, f"{pd.Timestamp(str(day)) + pd.Timedelta(days=shift):%Y-%m-%d}", name)
        for one, day in zip(frames["DM"]["USUBJID"], frames["DM"]["RFSTDTC"], strict=True)
        for name, shift in three.items()
    ]
    rows += [
        (one, day, "SCREEN FAILURE" if fail else "COMPLETED")
        for one, day, fail in zip(frames["DM"]["USUBJID"], last, failed, strict=True)
    ]
    rows.sort(key=lambda row: (str(row[0]), row[1]))
    frames["DS"] = {
        "USUBJID": [row[0] for row in rows],
        "DSSEQ": [1.0, 2.0, 3.0] * 100,
        "DSDECOD": [row[2] for row in rows],
        "DSSTDTC": [row[1] for row in rows],
    }
    source, _, drawn = sampled(**frames)
    day = parse_dates(Text.of(drawn["DSSTDTC"].to_numpy(object))).day
    off = day - source.spine.anchor[drawn["subject"]]
    assert set(off[drawn["DSDECOD"] == "COMPLETED"]) <= {0.0, 14.0, 28.0}
    own = (drawn["DSDECOD"] == "SCREEN FAILURE").to_numpy()
    assert own.sum() > 50
    assert (day[own] == source.spine.marks["DM.RFPENDTC"][drawn["subject"][own]]).mean() > 0.95


def test_a_death_is_told_on_its_day_of_everyone_who_died() -> None:
    """One subject died between visits, and says so; dispositions of the others hang on a visit that none of the dead kept."""
    frames = visits_of(60)
    first = [pd.Timestamp(str(day)) for day in frames["DM"]["RFSTDTC"]]
    last = [f"{day + pd.Timedelta(days=9 if i == 7 else 28):%Y-%m-%d}" for i, day in enumerate(first)]
    frames["DM"]["RFPENDTC"] = list(last)
    frames["DM"]["DTHDTC"] = [day if i == 7 else None for i, day in enumerate(last)]
    frames["SV"] = pd.DataFrame(frames["SV"]).drop([22, 23]).to_dict("list")
    frames["DS"] = {
        "USUBJID": np.repeat(frames["DM"]["USUBJID"], 2).tolist(),
        "DSSEQ": [1.0, 2.0] * 60,
        "DSDECOD": [text for i in range(60) for text in ("RANDOMIZED", "DEATH" if i == 7 else "COMPLETED")],
        "DSCAT": ["PROTOCOL MILESTONE", "DISPOSITION EVENT"] * 60,
        "DSSTDTC": [text for start, end in zip(frames["DM"]["RFSTDTC"], last, strict=True) for text in (start, end)],
    }
    source, _, drawn = sampled(**frames)
    died = np.flatnonzero(np.isfinite(source.spine.marks["DM.DTHDTC"]))
    told = drawn[drawn["DSDECOD"] == "DEATH"]
    assert set(told["subject"]) == set(died.tolist()) and len(told) > 0
    day = parse_dates(Text.of(told["DSSTDTC"].to_numpy(object))).day
    np.testing.assert_array_equal(day, source.spine.marks["DM.DTHDTC"][told["subject"]])

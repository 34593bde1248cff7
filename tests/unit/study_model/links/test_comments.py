"""Comments on rows and on subjects."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest

from replicator.config import FitConfig
from replicator.sampling.request import Request
from replicator.standards.withheld import WITHHELD
from replicator.study_model.fitting import fit_study_model
from replicator.study_model.links.comments import fit_comments
from replicator.study_model.source import read_source
from replicator.tables.dataset import Dataset, Study

from ..small_studies import commented, make_study, structured


@cache
def _sample() -> dict[str, pd.DataFrame]:
    study, structure = structured(commented())
    drawn = Request(fit_study_model(study, structure), 400, seed=2).study()
    return {name: drawn[name].to_frame() for name in ("DM", "AE", "CO")}


def test_comments_are_on_rows_that_are_there_as_often_as_in_the_source() -> None:
    """Of severe events all, of others none, and of subjects a third; each comment on an event names one of its subject's."""
    frames = _sample()
    on_events = frames["CO"][frames["CO"].RDOMAIN == "AE"].assign(AESEQ=lambda rows: rows.IDVARVAL.astype(float))
    assert set(on_events.IDVAR) == {"AESEQ"}
    met = on_events.merge(frames["AE"], on=["USUBJID", "AESEQ"])
    assert len(met) == len(on_events) == (frames["AE"].AESEV == "SEVERE").sum() and set(met.AESEV) == {"SEVERE"}
    assert (pd.to_datetime(met.CODTC) - pd.to_datetime(met.AESTDTC)).dt.days.eq(1).all()
    on_subjects = frames["CO"][frames["CO"].RDOMAIN == "DM"]
    assert on_subjects.IDVAR.isna().all() and on_subjects.IDVARVAL.isna().all()
    assert len(on_subjects) / 400 == pytest.approx(27 / 80, abs=0.08)
    met = on_subjects.merge(frames["DM"], on="USUBJID")
    assert (met.CODTC == met.RFSTDTC).all()


def test_comments_say_what_subjects_share_and_are_numbered() -> None:
    """Words of one subject are withheld; --SEQ counts each subject's from 1, study days follow the dates."""
    comments = _sample()["CO"]
    words = comments.groupby("RDOMAIN").COVAL.agg(set)
    assert words["AE"] == {"SEEN AGAIN"} and words["DM"] == {WITHHELD}
    assert set(comments.COEVAL) == {"INVESTIGATOR"} and set(comments.DOMAIN) == {"CO"}
    assert (comments.groupby("USUBJID").cumcount() + 1 == comments.COSEQ).all()
    first = comments.merge(_sample()["DM"][["USUBJID", "RFSTDTC"]], on="USUBJID")
    day = (pd.to_datetime(first.CODTC) - pd.to_datetime(first.RFSTDTC)).dt.days
    assert (day + (day >= 0) == first.CODY).all()


def _fitted(study: Study, k: int = 5) -> tuple[int, tuple[str, ...]]:
    study, structure = structured(study)
    models, notes = fit_comments(read_source(study, structure), structure, FitConfig(k=k))
    return sum(len(one.targets) for one in models.values()), notes


def test_comments_of_few_and_on_nothing_are_named_and_left_out() -> None:
    """A target of fewer than k subjects is no target; a comment on a row that is not there is none."""
    study = commented()
    assert _fitted(study) == (
        2,
        ("CO.COVAL: values that fewer than 5 subjects share are not kept, 27 in 27 of 75 rows; lower k to keep them.",),
    )
    n, notes = _fitted(study, k=40)
    assert n == 1 and any("not learned, 27 of 75; lower k to keep more" in note for note in notes)
    frame = study["CO"].to_frame()
    frame.loc[frame.RDOMAIN == "AE", "IDVARVAL"] = "9"
    n, notes = _fitted(
        study.with_datasets([*(d for d in study.datasets.values() if d.name != "CO"), Dataset.from_frame("CO", frame)])
    )
    assert n == 1 and any("or on no row, are not learned, 48 of 75" in note for note in notes)


def test_a_dataset_that_tells_not_what_it_is_on_is_named() -> None:
    study = commented()
    other = study["CO"].without("RDOMAIN", "IDVAR")
    n, notes = _fitted(study.with_datasets([*(d for d in study.datasets.values() if d.name != "CO"), other]))
    assert n == 0 and notes == (
        "CO: not learned (75 rows), since it has no RDOMAIN, IDVAR to tell what its rows are on; add them.",
    )


def test_comments_on_visits_are_on_all_rows_of_one() -> None:
    """A variable that names several rows is one target: a comment on a visit comes once, however many rows the visit has."""
    n = 60
    ids = [f"ST-{i:03d}" for i in range(n)]
    rows = [(i, visit, test) for i in range(n) for visit in (1.0, 2.0) for test in ("A", "B", "C")]
    study = make_study(
        DM={"USUBJID": ids, "RFSTDTC": ["2020-01-01"] * n},
        LB={
            "USUBJID": [ids[i] for i, *_ in rows],
            "LBSEQ": [float(at % 6 + 1) for at in range(len(rows))],
            "LBTESTCD": [test for *_, test in rows],
            "LBSTRESN": np.arange(len(rows)) % 17 + 20.5,
            "VISITNUM": [visit for _, visit, _ in rows],
            "LBDTC": ["2020-01-01" if visit == 1 else "2020-01-08" for _, visit, _ in rows],
        },
        CO={
            "DOMAIN": ["CO"] * 30,
            "RDOMAIN": ["LB"] * 30,
            "USUBJID": ids[::2],
            "COSEQ": [1.0] * 30,
            "IDVAR": ["VISITNUM"] * 30,
            "IDVARVAL": ["2"] * 30,
            "COVAL": ["HAEMOLYSED"] * 30,
        },
    )
    study, structure = structured(study)
    drawn = Request(fit_study_model(study, structure), 300, seed=1).study()["CO"].to_frame()
    assert set(drawn.IDVARVAL) == {"2"} and drawn.USUBJID.is_unique
    assert len(drawn) / 300 == pytest.approx(0.5, abs=0.1)


def test_comments_gather_in_the_subjects_whom_they_concern() -> None:
    """A quarter of the subjects have one on each of their rows, the others none; and those on a subject are as many as they are."""
    n = 80
    ids = [f"ST-{i:03d}" for i in range(n)]
    rows = [(i, j) for i in range(n) for j in range(12)]
    said = [(i, "LB", "LBSEQ", str(j + 1)) for i, j in rows if i % 4 == 0] + [
        (i, "DM", "", "") for i in range(n) for _ in range(15)
    ]
    said.sort()
    study = make_study(
        DM={"USUBJID": ids, "RFSTDTC": ["2020-01-01"] * n},
        LB={
            "USUBJID": [ids[i] for i, _ in rows],
            "LBSEQ": [j + 1.0 for _, j in rows],
            "LBTESTCD": [f"T{j}" for _, j in rows],
            "LBSTRESN": np.arange(len(rows)) % 17 + 20.5,
        },
        CO={
            "DOMAIN": ["CO"] * len(said),
            "RDOMAIN": [row[1] for row in said],
            "USUBJID": [ids[row[0]] for row in said],
            "COSEQ": [sum(row[0] == one[0] for row in said[:at]) + 1.0 for at, one in enumerate(said)],
            "IDVAR": [row[2] for row in said],
            "IDVARVAL": [row[3] for row in said],
            "COVAL": ["SEEN"] * len(said),
        },
    )
    study, structure = structured(study)
    drawn = Request(fit_study_model(study, structure), 400, seed=1).study()["CO"].to_frame()
    on_rows = drawn[drawn.RDOMAIN == "LB"].groupby("USUBJID").size()
    assert len(on_rows) / 400 == pytest.approx(0.25, abs=0.07) and on_rows.median() == 12
    assert drawn[drawn.RDOMAIN == "DM"].groupby("USUBJID").size().eq(15).all()

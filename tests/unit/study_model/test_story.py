"""What earlier datasets tell later ones, end to end: history, events, medicines; reasons to leave; the year of birth."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from replicator.profile.find import find_structure
from replicator.sampling.request import Request
from replicator.study_model.fitting import fit_study_model
from replicator.study_model.study_model import StudyModel
from replicator.tables.dataset import Dataset, Study

N = 200
CONDITIONS = ("DIABETES MELLITUS", "ASTHMA", "HYPERTENSION", "MIGRAINE")
MEDICINES = ("METFORMIN", "SALBUTAMOL", "AMLODIPINE", "SUMATRIPTAN", "PARACETAMOL", "OMEPRAZOLE", "MACROGOL")
EVENTS = ("HEADACHE", "NAUSEA", "RASH", "DIZZINESS", "FATIGUE", "COUGH")


def _day(offset: int) -> str:
    return (date(2020, 1, 1) + timedelta(days=int(offset))).isoformat()


def _study() -> Study:
    """One in four has each condition and a medicine of its own for it (0.9); who leaves for an event has one, and nobody else."""
    rng = np.random.default_rng(3)
    ids = [f"S-{i:03d}" for i in range(N)]
    leaves = rng.random(N) < 0.25
    age = rng.integers(20, 35, N)
    dm = {
        "USUBJID": ids,
        "RFSTDTC": [_day(i % 60) for i in range(N)],
        "RFENDTC": [_day(i % 60 + 90) for i in range(N)],
        "AGE": [float(a) for a in age],
        "AGEU": ["YEARS"] * N,
        "SEX": rng.choice(["F", "M"], N),
        "ARM": ["A"] * N,
    }
    ds = {
        "USUBJID": ids,
        "DSSEQ": [1.0] * N,
        "DSDECOD": np.where(leaves, "ADVERSE EVENT", "COMPLETED"),
        "DSSTDTC": [_day(i % 60 + 90) for i in range(N)],
    }
    has = rng.random((N, 4)) < 0.25
    mh = [
        {"USUBJID": ids[i], "MHTERM": CONDITIONS[c], "MHSTDTC": str(2020 - int(rng.integers(0, age[i])))}
        for i, c in zip(*np.nonzero(has), strict=True)
    ]
    takes = np.hstack([has & (rng.random((N, 4)) < 0.9), rng.random((N, 3)) < 0.3])
    cm = [{"USUBJID": ids[i], "CMTRT": MEDICINES[c], "CMSTDTC": _day(i % 60 + 5)} for i, c in zip(*np.nonzero(takes), strict=True)]
    suffers = (rng.random((N, 6)) < 0.25) & leaves[:, None]
    suffers[np.flatnonzero(leaves & ~suffers.any(axis=1)), 0] = True
    suffers |= (rng.random((N, 6)) < 0.1) & (rng.random(N) < 0.6)[:, None]
    ae = [{"USUBJID": ids[i], "AETERM": EVENTS[c], "AESTDTC": _day(i % 60 + 9)} for i, c in zip(*np.nonzero(suffers), strict=True)]
    frames = {"DM": dm, "CM": cm, "AE": ae, "MH": mh, "DS": ds}
    return Study({name: Dataset.from_frame(name, pd.DataFrame(rows).assign(DOMAIN=name)) for name, rows in frames.items()})


@pytest.fixture(scope="module")
def fitted() -> tuple[StudyModel, Study]:
    study = _study()
    model = fit_study_model(study, find_structure(study))
    return model, Request(model, 500, 7).study()


def _pairs(study: Study, dataset: str, variable: str) -> pd.DataFrame:
    return pd.DataFrame({"id": study[dataset].text("USUBJID").strings(), "term": study[dataset].text(variable).strings()})


def test_history_comes_before_events_and_medicines(fitted: tuple[StudyModel, Study]) -> None:
    """States first, then what begins before the study, then events, then interventions; the output keeps the source's order."""
    model, study = fitted
    assert list(model.parts) == ["DS", "MH", "AE", "CM"]
    assert list(study.datasets) == ["DM", "CM", "AE", "MH", "DS"]


@pytest.mark.parametrize("i", range(4))
def test_a_medicine_goes_to_those_who_have_the_condition(i: int, fitted: tuple[StudyModel, Study]) -> None:
    """Every taker has the condition in the source; nine of ten at least in a sample, where one in four has it."""
    study = fitted[1]
    takers = set(_pairs(study, "CM", "CMTRT").query("term == @MEDICINES[@i]")["id"])
    ill = set(_pairs(study, "MH", "MHTERM").query("term == @CONDITIONS[@i]")["id"])
    assert len(takers) > 40
    assert len(takers & ill) / len(takers) > 0.9


def test_who_leaves_for_an_event_has_one(fitted: tuple[StudyModel, Study]) -> None:
    """As in the source, where a third of the others have none; the number of subjects without events stays (0.1)."""
    study = fitted[1]
    left = set(_pairs(study, "DS", "DSDECOD").query("term == 'ADVERSE EVENT'")["id"])
    have = set(_pairs(study, "AE", "AETERM")["id"])
    assert left
    assert left <= have
    source = len(set(_pairs(_study(), "AE", "AETERM")["id"])) / N
    assert len(have) / 500 == pytest.approx(source, abs=0.1)


def test_nothing_begins_before_birth(fitted: tuple[StudyModel, Study]) -> None:
    """Years of start are not before the year of birth, as in the source where the youngest are 20 and starts go back 34 years."""
    study = fitted[1]
    dm = pd.DataFrame({"id": study["DM"].text("USUBJID").strings(), "age": study["DM"].numbers("AGE")})
    year = pd.to_numeric(pd.Series(study["DM"].text("RFSTDTC").strings()).str[:4])
    earliest = dm.assign(year=year - dm["age"] - 1).set_index("id")["year"]
    mh = pd.DataFrame({"id": study["MH"].text("USUBJID").strings(), "start": study["MH"].text("MHSTDTC").strings()})
    assert (pd.to_numeric(mh["start"].str[:4]) >= mh["id"].map(earliest)).all()

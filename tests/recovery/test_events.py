"""Planted truth of events: what is put into a study comes back out of the model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from replicator.config import FitConfig
from replicator.profile.find import dataset_structure
from replicator.profile.structure import Kind
from replicator.study_model.events.part import EventsPart
from replicator.study_model.spine import Fitted, Rows, Spine, Visits
from replicator.tables.dataset import Dataset
from replicator.tables.dates import Precision, format_dates, parse_dates

N = 300
TERMS = ["HEADACHE", "NAUSEA", "RASH", "COUGH", "FATIGUE"]
CLASSES = ["NERVOUS SYSTEM DISORDERS", "GASTROINTESTINAL DISORDERS", "SKIN DISORDERS", "RESPIRATORY DISORDERS", "GENERAL DISORDERS"]


def _spine(rng: np.random.Generator) -> Spine:
    anchor = 18000.0 + rng.integers(0, 300, N)
    last = anchor + np.where(np.arange(N) % 3 == 0, 40.0, 120.0)
    day = np.stack([anchor - 7, anchor, anchor + 40, last], axis=1)
    visits = Visits(np.repeat(np.arange(N), 4).astype(np.int32), np.tile([1.0, 2.0, 3.0, 4.0], N), day.ravel(), day.ravel())
    arm = (np.arange(N) % 2).astype(np.int32)
    marks = {"DM.RFSTDTC": anchor, "FIRST": anchor - 7, "LAST": last}
    return Spine(N, arm, ("A", "B"), anchor, marks, visits, {"SEX": (np.arange(N) // 2 % 2).astype(np.int32)}, {})


def _events(spine: Spine, rng: np.random.Generator) -> tuple[Dataset, np.ndarray]:
    """Adverse events: RASH often in arm B, few for those who leave early, 20 rare terms, onset uniform, a third ongoing."""
    share = np.tile([0.4, 0.3, 0.1, 0.2, 0.15], (N, 1))
    share[spine.arm == 1, 2] = 0.4
    share[np.arange(N) % 3 == 0] /= 3  # a third of the time, a third of the events
    who, term = np.nonzero(rng.random((N, 5)) < share)
    rare = rng.choice(N, 20, replace=False)
    subject = np.concatenate([who, rare])
    names = np.array([*(TERMS[t] for t in term), *(f"RARE CONDITION {chr(65 + i)}" for i in range(20))], dtype=object)
    classes = np.array([*(CLASSES[t] for t in term), *["NERVOUS SYSTEM DISORDERS"] * 20], dtype=object)
    length = (spine.marks["LAST"] - spine.anchor)[subject]
    start = spine.anchor[subject] + np.floor(rng.random(len(subject)) * (length + 1))
    end = np.minimum(start + rng.geometric(0.1, len(subject)), spine.marks["LAST"][subject])
    ongoing = rng.random(len(subject)) < 1 / 3
    severe = rng.random(len(subject)) < np.where(names == "RASH", 0.8, 0.1)
    none = np.full(len(subject), np.nan)
    full = np.full(len(subject), Precision.DAY, np.int8)
    frame = pd.DataFrame(
        {
            "USUBJID": [f"S{i:03d}" for i in subject],
            "AETERM": names,
            "AEDECOD": names,
            "AEBODSYS": classes,
            "AESEV": np.where(severe, "SEVERE", "MILD"),
            "AEOUT": np.where(ongoing, "NOT RECOVERED/NOT RESOLVED", "RECOVERED/RESOLVED"),
            "AESTDTC": format_dates(start, none, full).strings(),
            "AEENDTC": format_dates(np.where(ongoing, np.nan, end), none, full).strings(),
        }
    )
    return Dataset.from_frame("AE", frame), subject.astype(np.int32)


@pytest.fixture(scope="module")
def planted() -> tuple[Dataset, np.ndarray, Spine, Fitted, Rows]:
    rng = np.random.default_rng(11)
    spine = _spine(rng)
    dataset, subject = _events(spine, rng)
    structure = dataset_structure(dataset, Kind.EVENTS, "AE", "USUBJID")
    fitted = EventsPart.fit(dataset, structure, subject, spine, FitConfig())
    drawn = replace(spine, features={f"AE/{name}": x for name, x in fitted.features.items()})
    return dataset, subject, spine, fitted, fitted.part.sample(drawn, np.random.default_rng(5))


def test_incidence_by_arm_comes_back(planted: tuple[Dataset, np.ndarray, Spine, Fitted, Rows]) -> None:
    """RASH by arm, as in the source (0.08, two standard errors)."""
    dataset, subject, spine, _, rows = planted
    for arm in (0, 1):
        seen = [
            len(np.unique(who[(term == "RASH") & (spine.arm[who] == arm)])) / (N / 2)
            for who, term in ((subject, dataset.text("AEDECOD").strings()), (rows.subject, rows.columns["AEDECOD"].strings()))
        ]
        assert seen[1] == pytest.approx(seen[0], abs=0.08)


def test_number_of_events_is_that_of_the_features(planted: tuple[Dataset, np.ndarray, Spine, Fitted, Rows]) -> None:
    _, subject, _, _, rows = planted
    assert np.bincount(rows.subject, minlength=N).tolist() == np.bincount(subject, minlength=N).tolist()


def test_rare_terms_become_stand_ins_of_their_class(planted: tuple[Dataset, np.ndarray, Spine, Fitted, Rows]) -> None:
    """None of the twenty is written, as many rows of that class stand for them, and topic and code agree."""
    _, _, _, fitted, rows = planted
    terms = rows.columns["AEDECOD"].strings()
    new = ~np.isin(terms, TERMS)
    assert not any("RARE CONDITION" in str(term) for term in terms)
    assert 10 <= new.sum() <= 35
    assert set(rows.columns["AEBODSYS"].strings()[new]) == {"NERVOUS SYSTEM DISORDERS"}
    assert (rows.columns["AETERM"].strings()[new] == terms[new]).all()
    assert any("same class, 20 of 25;" in note for note in fitted.notes)


def test_severity_follows_the_term(planted: tuple[Dataset, np.ndarray, Spine, Fitted, Rows]) -> None:
    """SEVERE in 0.8 of RASH and 0.1 of the rest (0.12)."""
    rows = planted[4]
    severe = rows.columns["AESEV"].strings() == "SEVERE"
    rash = rows.columns["AEDECOD"].strings() == "RASH"
    assert severe[rash].mean() == pytest.approx(0.8, abs=0.12)
    assert severe[~rash].mean() == pytest.approx(0.1, abs=0.12)


def test_dates_lie_on_study_and_in_order(planted: tuple[Dataset, np.ndarray, Spine, Fitted, Rows]) -> None:
    """Starts from first to last day, ends after starts and not after the last day; ongoing goes with the outcome, a third."""
    _, _, spine, _, rows = planted
    start, end = (parse_dates(rows.columns[name]).day for name in ("AESTDTC", "AEENDTC"))
    assert (start >= spine.marks["FIRST"][rows.subject]).all()
    assert (start <= spine.marks["LAST"][rows.subject]).all()
    ended = np.isfinite(end)
    assert (end >= start)[ended].all()
    assert (end <= spine.marks["LAST"][rows.subject])[ended].all()
    assert ((rows.columns["AEOUT"].strings() == "RECOVERED/RESOLVED") == ended).all()
    assert ended.mean() == pytest.approx(2 / 3, abs=0.1)


def test_onset_is_uniform_over_the_time_on_study(planted: tuple[Dataset, np.ndarray, Spine, Fitted, Rows]) -> None:
    """Mean onset at half of each subject's time, for those who leave early as for the others (0.04, of ten samples together)."""
    _, _, spine, fitted, _ = planted
    drawn = replace(spine, features={f"AE/{name}": x for name, x in fitted.features.items()})
    samples = [fitted.part.sample(drawn, np.random.default_rng(seed)) for seed in range(10)]
    subject = np.concatenate([rows.subject for rows in samples])
    start = np.concatenate([parse_dates(rows.columns["AESTDTC"]).day for rows in samples])
    place = (start - spine.anchor[subject]) / (spine.marks["LAST"] - spine.anchor)[subject]
    for early in (True, False):
        assert place[(subject % 3 == 0) == early].mean() == pytest.approx(0.5, abs=0.04)


def test_the_model_keeps_no_rare_text(planted: tuple[Dataset, np.ndarray, Spine, Fitted, Rows]) -> None:
    """No label and no cell of the catalogue is one of the source's rare terms."""
    part = planted[3].part
    assert isinstance(part, EventsPart)
    kept = {str(text) for column in part.catalogue.columns for text in column.strings()} | set(part.catalogue.labels)
    assert not any("RARE CONDITION" in text for text in kept)


def test_the_same_generator_gives_the_same_rows(planted: tuple[Dataset, np.ndarray, Spine, Fitted, Rows]) -> None:
    _, _, spine, fitted, rows = planted
    again = fitted.part.sample(
        replace(spine, features={f"AE/{name}": x for name, x in fitted.features.items()}), np.random.default_rng(5)
    )
    assert (again.subject == rows.subject).all()
    assert all((again.columns[name].strings() == column.strings()).all() for name, column in rows.columns.items())

"""The spine of a source study."""

from __future__ import annotations

import numpy as np

from replicator.study_model.source import read_source

from ...properties.blueprint import Blueprint
from ...properties.strategies import build_study
from .small_studies import make_study, structured

IDS = ["S1", "S2", "S3"]
DAY0 = float(np.datetime64("2020-01-10").astype(int))


def test_subjects_arms_anchor_visits_and_marks() -> None:
    """Written out: three subjects, one without a reference date, four visits."""
    source = read_source(
        *structured(
            make_study(
                DM={"USUBJID": IDS, "ARM": ["A", "B", "A"], "RFSTDTC": ["2020-01-10", "2020-01-20", None]},
                SV={
                    "USUBJID": ["S1", "S1", "S2", "S3"],
                    "VISITNUM": [1.0, 2.0, 1.0, 1.0],
                    "VISIT": ["ONE", "TWO", "ONE", "ONE"],
                    "SVSTDTC": ["2020-01-08", "2020-01-12", "2020-01-18", "2020-01-28"],
                },
            )
        )
    )
    spine = source.spine
    assert source.ids.tolist() == IDS and spine.n == 3
    assert [spine.arms[code] for code in spine.arm] == ["A", "B", "A"]
    assert (spine.anchor - DAY0).tolist() == [0, 10, 20]  # of S3 two days after its first visit, as of the others
    assert spine.visits.subject.tolist() == [0, 0, 1, 2] and spine.visits.number.tolist() == [1, 2, 1, 1]
    assert (spine.visits.day - DAY0).tolist() == [-2, 2, 8, 18]
    assert (spine.marks["FIRST"] - DAY0).tolist() == [-2, 8, 18] and (spine.marks["LAST"] - DAY0).tolist() == [2, 10, 18]


def test_visits_come_from_findings_where_there_is_no_schedule() -> None:
    """The first day of each visit number over the datasets of findings."""
    source = read_source(
        *structured(
            make_study(
                DM={"USUBJID": IDS, "ARM": ["A"] * 3, "RFSTDTC": ["2020-01-10"] * 3},
                VS={
                    "USUBJID": ["S1", "S1"],
                    "VSTESTCD": ["HR", "BP"],
                    "VSORRES": ["60", "120"],
                    "VISITNUM": [1.0, 1.0],
                    "VSDTC": ["2020-01-12", "2020-01-11"],
                },
            )
        )
    )
    assert (source.spine.visits.day - DAY0).tolist() == [1]


def test_rows_of_unknown_subjects_are_named() -> None:
    """Two rows of a subject that DM has not are left out, in one sentence with their number."""
    source = read_source(
        *structured(
            make_study(
                DM={"USUBJID": IDS, "ARM": ["A"] * 3},
                AE={"USUBJID": ["S1", "S9", "S9"], "AETERM": ["PAIN", "RASH", "PAIN"], "AESTDTC": ["2020-01-11"] * 3},
            )
        )
    )
    assert source.datasets["AE"].n_rows == 1 and len(source.notes) == 1 and "not learned, 2 of 3;" in source.notes[0]


def test_a_study_without_a_subjects_dataset() -> None:
    """Subjects are those of the rows; one arm without a name; the first day is day zero."""
    found = read_source(
        *structured(make_study(AE={"USUBJID": ["S2", "S1"], "AETERM": ["PAIN", "RASH"], "AESTDTC": ["2020-01-11", "2020-01-10"]}))
    )
    assert found.ids.tolist() == ["S1", "S2"] and found.spine.arms == ("",)
    assert (found.spine.anchor - DAY0).tolist() == [0, 1]


def test_every_row_has_its_subject() -> None:
    """In a generated study each row stands beside the position of its own subject."""
    study = build_study(Blueprint(n=12))
    source = read_source(*structured(study))
    for name, subject in source.subject.items():
        assert source.ids[subject].tolist() == source.datasets[name].text("USUBJID").strings().tolist()
    assert (np.diff(source.spine.visits.subject) >= 0).all()

"""Visits that are only named get numbers: those of other datasets, else in the order of time."""

from __future__ import annotations

from replicator.profile.find import find_structure
from replicator.study_model.visits.numbers import number_visits

from ..small_studies import make_study

DATES = ["2020-01-01", "2020-01-15", "2020-02-01"]


def test_names_without_numbers_are_counted_in_the_order_of_time() -> None:
    """Not in the order of the alphabet, nor of the rows."""
    study = make_study(
        VS={
            "USUBJID": ["A", "A", "A"],
            "VSTESTCD": ["PULSE"] * 3,
            "VISIT": ["WEEK 4", "BASELINE", "WEEK 2"],
            "VSDTC": [DATES[2], DATES[0], DATES[1]],
        }
    )
    numbered = number_visits(study.datasets, find_structure(study, derivations=False), ["VS"])
    assert numbered["VS"].numbers("VISITNUM").tolist() == [3.0, 1.0, 2.0]


def test_names_that_another_dataset_numbers_keep_its_numbers() -> None:
    """Unknown ones come after."""
    study = make_study(
        LB={
            "USUBJID": ["A", "A"],
            "LBTESTCD": ["ALT"] * 2,
            "VISIT": ["BASELINE", "WEEK 2"],
            "VISITNUM": [3.0, 5.0],
            "LBDTC": DATES[:2],
        },
        VS={"USUBJID": ["A"] * 3, "VSTESTCD": ["PULSE"] * 3, "VISIT": ["WEEK 2", "BASELINE", "WEEK 4"], "VSDTC": DATES},
    )
    numbered = number_visits(study.datasets, find_structure(study, derivations=False), ["LB", "VS"])
    assert numbered["VS"].numbers("VISITNUM").tolist() == [5.0, 3.0, 6.0]
    assert numbered["LB"] is study["LB"]

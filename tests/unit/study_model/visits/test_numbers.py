"""Visits that are only named get numbers: those of other datasets, else in the order of time."""

from __future__ import annotations

import numpy as np

from replicator.profile.find import find_structure
from replicator.study_model.visits.numbers import number_visits, share_numbers
from replicator.tables.dataset import Study

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


def _schedule(**more: dict[str, list[object]]) -> Study:
    """Three subjects of whom no two have a visit of the same number; the first comes twice on one visit."""
    return make_study(
        SV={
            "USUBJID": ["A", "A", "A", "B", "B", "C"],
            "VISITNUM": [2.25, 7.5, 7.5, 3.25, float("nan"), 4.75],
            "SVSTDTC": [*DATES, *DATES],
        },
        **more,
    )


def test_numbers_that_no_k_subjects_share_are_counted_anew() -> None:
    """Within each subject; a number that is missing stays so."""
    study = _schedule()
    found, notes = share_numbers(study.datasets, find_structure(study, derivations=False), ["SV"], 2)
    np.testing.assert_array_equal(found["SV"].numbers("VISITNUM"), [1, 2, 2, 1, np.nan, 1])
    assert notes == ("VISITNUM: none of 4 numbers is shared by 2 subjects; visits are counted from 1, lower k to keep them.",)


def test_numbers_of_the_design_stay_where_no_k_subjects_share_one() -> None:
    study = _schedule(TV={"VISITNUM": [2.25, 3.25], "VISIT": ["ONE", "TWO"]})
    found, notes = share_numbers(study.datasets, find_structure(study, derivations=False), ["SV"], 2)
    np.testing.assert_array_equal(found["SV"].numbers("VISITNUM"), [2.25, np.nan, np.nan, 3.25, np.nan, np.nan])
    assert found["TV"] is study["TV"]
    assert "those that the trial's design does not have are left out" in notes[0]


def test_one_number_that_k_subjects_share_keeps_all() -> None:
    """What fewer share is left to the schedule, which knows of days as well."""
    study = _schedule()
    found, notes = share_numbers(study.datasets, find_structure(study, derivations=False), ["SV"], 1)
    assert found == study.datasets
    assert notes == ()

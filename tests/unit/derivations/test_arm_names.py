"""Doses that stand in the names of arms."""

from __future__ import annotations

import pandas as pd
import pytest

from replicator.derivations.derive import derive
from replicator.derivations.find import find_derivations
from replicator.profile.find import find_structure
from replicator.tables.dataset import Dataset, Study


def _study(arms: list[str], doses: list[float]) -> Study:
    ids = [f"S{i:02d}" for i in range(len(arms))]
    head = {"STUDYID": "ST", "USUBJID": ids}
    dm = pd.DataFrame({**head, "DOMAIN": "DM", "ARM": arms, "ACTARM": arms})
    ex = pd.DataFrame({**head, "DOMAIN": "EX", "EXTRT": "DRUG", "EXDOSE": doses})
    return Study({"DM": Dataset.from_frame("DM", dm), "EX": Dataset.from_frame("EX", ex)})


NAMES = ["Cohort 1, 5 mg", "Cohort 2, 12.5 mg", "Cohort 3, 40 mg", "Cohort 4, 40 mg"]


def test_the_dose_is_the_last_number_of_the_name() -> None:
    """Also for an arm that the source never showed; of a name without a number a dose stays: the source is never without."""
    study = _study(NAMES * 3, [5.0, 12.5, 40.0, 40.0] * 3)
    found = [one for one in find_derivations(study, find_structure(study).datasets, "DM") if one.target == "EXDOSE"]
    assert [(one.rule, one.parameters["place"]) for one in found] == [("number_in_arm", -1)]
    other = _study(["Cohort 5, 80 mg", "Placebo"], [7.0, 0.0])
    assert derive(found[0], other).strings().tolist() == ["80", "0"]


@pytest.mark.parametrize("doses", [[5.0, 12.5, 40.0, 41.0], [5.0, 5.0, 5.0, 40.0]])
def test_one_exception_is_enough_and_two_doses_are_too_few(doses: list[float]) -> None:
    """Nothing is derived where one dose differs from its name, or where only two doses occur."""
    study = _study(NAMES * 3, doses * 3)
    assert not [one for one in find_derivations(study, find_structure(study).datasets, "DM") if one.rule == "number_in_arm"]

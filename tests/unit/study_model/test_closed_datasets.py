"""Arms and doses of few: who was never treated by the name of the arm, and doses that differ from arm to arm."""

from __future__ import annotations

import pytest

from replicator.profile.find import find_structure
from replicator.sampling.request import Request
from replicator.study_model.fitting import fit_study_model
from replicator.tables.dataset import Study

from .small_studies import make_study

N = 6


def _study(last: str) -> Study:
    """Five subjects with a dose each, two arms of one; the arm of the sixth has no dose."""
    ids = [f"S{i}" for i in range(N)]
    arm = ["10 mg", "20 mg", "40 mg", "40 mg", "40 mg", last]
    day = [f"2021-03-{i + 1:02}T09:{i}0" for i in range(N)]
    start = [*day[:-1], ""]
    return make_study(
        DM={"USUBJID": ids, "RFSTDTC": start, "RFXSTDTC": start, "RFICDTC": day, "ARM": arm},
        EX={
            "USUBJID": ids[:-1],
            "EXTRT": ["X"] * (N - 1),
            "EXDOSE": [10.0, 20.0, 40.0, 40.0, 40.0],
            "EXSTDTC": day[:-1],
            "EXENDTC": day[:-1],
        },
    )


@pytest.mark.parametrize(("last", "closed"), [("Screen Failure", True), ("NOTTRT", True), ("80 mg", False)])
def test_an_arm_of_one_that_is_never_treated_has_no_dose(last: str, closed: bool) -> None:
    """By its name; that the only subject of another arm has no dose is its own."""
    model = fit_study_model(_study(last), find_structure(_study(last)))
    assert ("EX" in model.absent) == closed
    drawn = Request(model, 300, seed=1).study()
    arm = drawn["DM"].to_frame().set_index("USUBJID")["ARM"]
    dosed = arm[drawn["EX"].to_frame()["USUBJID"]]
    assert not closed or last not in set(dosed)


def test_doses_of_few_leave_the_rows_their_dates() -> None:
    """Fewer than five have the dose that an arm shares: all five tell when a dose is given, and that times are written."""
    study = _study("Screen Failure")
    drawn = Request(fit_study_model(study, find_structure(study)), 300, seed=1).study()
    arm = drawn["DM"].to_frame().set_index("USUBJID")["ARM"]
    doses = drawn["EX"].to_frame()
    assert set(arm[doses["USUBJID"]]) == {"10 mg", "20 mg", "40 mg"}
    assert doses["EXSTDTC"].str.fullmatch(r"2021-\d\d-\d\dT\d\d:\d\d").all()

"""Elements of arms of few: a subject goes through those of its arm and no others."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from replicator.profile.find import find_structure
from replicator.sampling.request import Request
from replicator.study_model.fitting import fit_study_model
from replicator.study_model.sequence.arms import arm_groups, told_by_one
from replicator.tables.dataset import Study

from ..small_studies import make_study

ARMS = ("PBO",) * 6 + ("HI",) * 7 + ("LO",) * 4 + ("SCRNFAIL",) * 3  # planned
LENGTHS = {"PBO": 80, "HI": 80, "LO": 60}


def _iso(day: float) -> str:
    return str(np.datetime64("2021-03-01") + int(day))


def _study() -> Study:
    """Twenty subjects of whom two were planned for the high dose and had the low one; two of the high dose taper off at its end."""
    rows: dict[str, list[dict[str, object]]] = {name: [] for name in ("DM", "SV", "SE")}
    for i, arm in enumerate(ARMS):
        who, start = f"ST-{i:03d}", 9 * i
        failed, tapers = arm == "SCRNFAIL", i in (6, 7)
        end = start + LENGTHS.get(arm, 0) + i % 3
        first, last = ("", "") if failed else (_iso(start), _iso(end))
        given = "LO" if i in (11, 12) else arm
        codes = {"ARMCD": arm, "ARM": arm, "ACTARMCD": given, "ACTARM": given}
        rows["DM"].append({"USUBJID": who, "RFSTDTC": first, "RFENDTC": last, **codes})
        visits = {1: start - 10 - i % 4} | ({} if failed else {2: start, 3: start + 28, 4: end})
        rows["SV"] += [{"USUBJID": who, "VISITNUM": number, "SVSTDTC": _iso(day)} for number, day in visits.items()]
        elements = [("SCREEN", "SCREENING", visits[1], start)]
        if not failed:
            elements.append((f"{arm} DOSE", "TREATMENT", start, end - 7 * tapers))
        if tapers:
            elements.append(("TAPER", "TREATMENT", end - 7, end))
        rows["SE"] += [
            {"USUBJID": who, "ETCD": name, "EPOCH": epoch, "SESTDTC": _iso(one), "SEENDTC": _iso(other)}
            for name, epoch, one, other in elements
        ]
    return make_study(**{name: pd.DataFrame(some).to_dict("list") for name, some in rows.items()})


@pytest.mark.parametrize("seed", [1, 2])
def test_subjects_of_an_arm_of_few_go_through_its_elements(seed: int) -> None:
    """The low dose of four is not the placebo of six, and screen failures, three, are screened alone."""
    study = _study()
    drawn = Request(fit_study_model(study, find_structure(study)), 200, seed=seed).study()
    subjects, elements = (drawn.datasets[name].to_frame() for name in ("DM", "SE"))
    of_arm = elements.merge(subjects[["USUBJID", "ARMCD"]]).groupby("ARMCD").ETCD.agg(lambda codes: frozenset(codes))
    assert of_arm["PBO"] == {"SCREEN", "PBO DOSE"} and of_arm["LO"] == {"SCREEN", "LO DOSE"}
    assert of_arm["SCRNFAIL"] == {"SCREEN"} and of_arm["HI"] <= {"SCREEN", "HI DOSE"}


@pytest.mark.parametrize(("alone", "group"), [(1, 0), (2, 1)])
def test_an_arm_of_one_has_the_rows_of_the_largest(alone: int, group: int) -> None:
    """What one subject was given tells no arm's design; of two it does. A subject without rows, alone in its arm, stays without."""
    arm = np.repeat([0, 1, 2], [6, alone, 1])
    dosed = np.repeat(np.arange(6 + alone), 2).astype(np.int32)
    code = np.where(dosed < 6, np.tile([0, 1], 6 + alone), 2)
    found = arm_groups(code, dosed, arm, 3, np.zeros(len(arm), bool))
    assert found.tolist() == [0, group, 2] and told_by_one(found, dosed, arm) == (alone == 1)

"""Planted truth of the visits: who came, when, and in which order."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from .planted import ARMS, STAYING, Recovery, frame, recovery


def staying() -> Recovery:
    """A study that nobody leaves early."""
    return recovery(STAYING)


def both() -> tuple[pd.DataFrame, pd.DataFrame]:
    """SV of source and sample."""
    found = staying()
    return frame(found.source, "SV"), frame(found.sample, "SV")


def test_attendance_by_visit_and_arm() -> None:
    """Share of an arm's subjects who had each planned visit, within 0.08."""
    source, sample = both()
    size = [frame(study, "DM")["ARM"].value_counts() for study in (staying().source, staying().sample)]
    for arm in ARMS:
        for number in range(1, len(STAYING.visits) + 1):
            a, b = (
                (d[(d["ARM"] == arm) & (d["VISITNUM"] == number)]["USUBJID"].nunique() / n[arm])
                for d, n in zip((source, sample), size, strict=True)
            )
            assert b == pytest.approx(a, abs=0.08), (arm, number)


def test_attendance_of_those_who_are_there() -> None:
    """80 % keep a visit, as planted."""
    sample = both()[1]
    for number in (3, 4, 5):
        assert (sample["VISITNUM"] == number).sum() / 1500 == pytest.approx(STAYING.attend, abs=0.06)


def test_days_of_visits() -> None:
    """Screening 8 days before and baseline on the first dose exactly; later visits within 2 days of plan, evenly."""
    source, sample = both()
    for d in (source, sample):
        offset = d["SVST"] - d["RFST"]
        assert (offset[d["VISITNUM"] == 1] == -8).all() and (offset[d["VISITNUM"] == 2] == 0).all()
    for number, planned in ((3, 15), (4, 29), (5, 57)):
        mine = sample[sample["VISITNUM"] == number]
        late = mine["SVST"] - mine["RFST"] - (planned - 1)
        assert late.between(-2, 2).mean() > 0.97
        assert late[late.between(-2, 2)].std() == pytest.approx(np.sqrt(2), abs=0.15)


def test_visits_are_in_order_and_in_the_study() -> None:
    """No planned visit comes before an earlier one, none after the end of treatment, none twice."""
    _, sample = both()
    planned = sample[sample["VISITNUM"] == sample["VISITNUM"].round()].sort_values(["USUBJID", "VISITNUM"])
    same = planned["USUBJID"].to_numpy()[1:] == planned["USUBJID"].to_numpy()[:-1]
    assert (np.diff(planned["SVST"])[same] >= 0).all()
    assert not sample[["USUBJID", "VISITNUM"]].duplicated().any()
    dm = frame(staying().sample, "DM").set_index("USUBJID")
    assert (sample["SVST"] <= sample["USUBJID"].map(dm["RFEN"]) + 0).mean() > 0.995


def test_unscheduled_visits() -> None:
    """As many for a subject as in the source, with names that follow from their numbers."""
    source, sample = both()
    a, b = (d[d["VISITNUM"] != d["VISITNUM"].round()] for d in (source, sample))
    assert len(b) / 1500 == pytest.approx(len(a) / 450, rel=0.3)
    assert (b["VISIT"] == "UNSCHEDULED " + b["VISITNUM"].map("{:g}".format)).all()


def test_names_and_days_follow_from_numbers() -> None:
    """VISIT and VISITDY are those that the source has for the number."""
    source, sample = both()
    columns = ["VISITNUM", "VISIT", "VISITDY"]
    planned = [set(map(tuple, d.loc[d["VISITNUM"] % 1 == 0, columns].to_numpy())) for d in (source, sample)]
    assert planned[1] == planned[0]

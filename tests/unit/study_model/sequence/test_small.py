"""What everybody of a small study shares holds in a sample: doses, lengths of elements, an end on the day of its visit."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest

from replicator.profile.find import find_structure
from replicator.sampling.request import Request
from replicator.study_model.fitting import fit_study_model
from replicator.tables.dataset import Study

from ..small_studies import make_study

N = 40
LEAVERS = 8  # each of two or three subjects for one reason
REASONS = ("ADVERSE EVENT", "LACK OF EFFICACY", "LOST TO FOLLOW-UP", "PHYSICIAN DECISION")
DAYS = {1: -14, 2: 0, 3: 14, 4: 42, 5: 84, 6: 98}  # visits: the fifth ends treatment, the sixth follows up


def _iso(day: float) -> str:
    return str(np.datetime64("2021-03-01") + int(day))


def _study(completed: str = "COMPLETED") -> Study:
    """Two equal doses of either arm, the second from day 14 to the fifth visit or, of eight, to a day between visits.

    Who completes reports it in the words `completed`.
    """
    rng = np.random.default_rng(3)
    rows: dict[str, list[dict[str, object]]] = {name: [] for name in ("DM", "SV", "EX", "SE", "DS")}
    for i in range(N):
        who, start = f"ST-{i:03d}", int(rng.integers(0, 300))
        left = 50 + 3 * i if i < LEAVERS else 0
        visit = {number: start + due + int(rng.integers(-2, 3)) * (number > 3) for number, due in DAYS.items()}
        visit = {number: day for number, day in visit.items() if not left or number < 5 or number == 6}
        visit[1] -= int(rng.integers(0, 4))
        end = start + left if left else visit[5]
        rows["DM"].append(
            {
                "USUBJID": who,
                "SUBJID": who[3:],
                "RFSTDTC": _iso(start),
                "RFENDTC": _iso(end),
                "RFPENDTC": _iso(visit[6] + 1),
                "ARMCD": "AB"[i % 2],
                "ARM": "AB"[i % 2],
            }
        )
        rows["SV"] += [{"USUBJID": who, "VISITNUM": number, "SVSTDTC": _iso(day)} for number, day in visit.items()]
        for first, last in ((start, start + 13), (start + 14, end)):
            rows["EX"].append({"USUBJID": who, "EXTRT": "X", "EXDOSE": 10 * (i % 2), "EXSTDTC": _iso(first), "EXENDTC": _iso(last)})
        elements = {"SCREEN": (visit[1], start), "TITR": (start, start + 14), "MAINT": (start + 14, end)}
        elements["FUP"] = (end + 1, visit[6] + 1)
        rows["SE"] += [
            {"USUBJID": who, "ETCD": name, "SESTDTC": _iso(first), "SEENDTC": _iso(last)}
            for name, (first, last) in elements.items()
        ]
        for term, category, day in (
            ("RANDOMIZED", "PROTOCOL MILESTONE", start),
            (REASONS[i % 4] if left else "COMPLETED", "DISPOSITION EVENT", end),
        ):
            words = completed if term == "COMPLETED" else term
            rows["DS"].append({"USUBJID": who, "DSTERM": words, "DSDECOD": term, "DSCAT": category, "DSSTDTC": _iso(day)})
    return make_study(**{name: pd.DataFrame(some).to_dict("list") for name, some in rows.items()})


@cache
def _sample(seed: int, completed: str = "COMPLETED") -> dict[str, pd.DataFrame]:
    study = _study(completed)
    drawn = Request(fit_study_model(study, find_structure(study)), 300, seed=seed).study()
    frames = {name: drawn.datasets[name].to_frame() for name in ("DM", "SV", "EX", "SE", "DS")}
    for frame in frames.values():
        for name in [name for name in frame.columns if name.endswith("DTC")]:
            frame[name] = pd.to_datetime(frame[name])
    return frames


@pytest.mark.parametrize("seed", [1, 2])
def test_everybody_has_two_doses_though_they_look_alike(seed: int) -> None:
    """What follows a dose hangs on whether it is the first or the second."""
    doses = _sample(seed)["EX"].groupby("USUBJID").size()
    assert len(doses) == 300 and set(doses) == {2}


@pytest.mark.parametrize("seed", [1, 2])
def test_elements_meet_and_the_titration_lasts_a_fortnight(seed: int) -> None:
    """Each begins where the one before ends, the follow-up on the day after the last dose."""
    frame = _sample(seed)["SE"].sort_values(["USUBJID", "SESTDTC"], kind="stable")
    assert (frame.groupby("USUBJID").ETCD.agg(tuple) == ("SCREEN", "TITR", "MAINT", "FUP")).all()
    titration = frame[frame.ETCD == "TITR"]
    assert set((titration.SEENDTC - titration.SESTDTC).dt.days) == {14}
    following = frame.groupby("USUBJID").SESTDTC.shift(-1)
    gap = (following - frame.SEENDTC).dt.days
    assert set(gap[frame.ETCD.isin(["SCREEN", "TITR"])]) == {0} and set(gap[frame.ETCD == "MAINT"]) == {1}


@pytest.mark.parametrize("seed", [1, 2])
def test_everybody_ends_once_and_completes_at_the_visit_that_ends_treatment(seed: int) -> None:
    """Reasons that too few share are the codelist's OTHER; who was at the fifth visit completed there, with the last dose."""
    frames = _sample(seed)
    ends = frames["DS"][frames["DS"].DSCAT == "DISPOSITION EVENT"].set_index("USUBJID")
    assert ends.index.is_unique and set(ends.index) == set(frames["DM"].USUBJID)
    assert set(ends.DSDECOD) == {"COMPLETED", "OTHER"}
    assert (ends.DSDECOD == "OTHER").mean() == pytest.approx(LEAVERS / N, abs=0.1)
    fifth = frames["SV"][frames["SV"].VISITNUM == 5].set_index("USUBJID").SVSTDTC
    completed = ends[ends.DSDECOD == "COMPLETED"]
    last = frames["EX"].groupby("USUBJID").EXENDTC.max()
    assert set(completed.index) == set(fifth.index)
    assert (fifth[completed.index] == completed.DSSTDTC).all() and (last[completed.index] == completed.DSSTDTC).all()


@pytest.mark.parametrize(("completed", "words"), [("COMPLETED", "OTHER"), ("FINISHED THE PROTOCOL", "OTHER REASON")])
def test_reasons_that_few_share_are_reported_in_the_way_of_the_study(completed: str, words: str) -> None:
    """In coded terms where all are, otherwise in words: nobody reports OTHER (CDISC rule CORE-000161)."""
    ends = _sample(1, completed)["DS"]
    assert set(ends.DSTERM[ends.DSDECOD == "OTHER"]) == {words}

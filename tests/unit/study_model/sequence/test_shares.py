"""How often each end of a participation comes in a sample, where some are seldom and some are not learned."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import pytest

from replicator.profile.find import find_structure
from replicator.sampling.request import Request
from replicator.study_model.fitting import fit_study_model
from replicator.tables.dataset import Study

from ..small_studies import deaths_told_twice, make_study

N = 250
SELDOM = {"SPONSOR": 7, "DEVIATION": 6}
ALONE = ("MOVED", "MOVED", "LOST", "LOST", "CHOICE", "CHOICE", "CHOICE")  # each of fewer than five subjects


def _study() -> Study:
    """Half complete, a third leaves for adverse events, an eighth withdraws; all others leave for seldom reasons, at any time."""
    rng = np.random.default_rng(12)
    seldom = [reason for reason, n in SELDOM.items() for _ in range(n)] + list(ALONE)
    usual = ["COMPLETED"] * 125 + ["ADVERSE EVENT"] * 74 + ["WITHDRAWAL"] * 31
    reason = np.array(usual + seldom)[rng.permutation(N)]
    start = rng.integers(0, 300, N)
    stay = np.where(reason == "COMPLETED", 180, rng.integers(10, 170, N))
    who = [f"ST-{i:04d}" for i in range(N)]
    arm = np.array(["A", "B", "C"])[np.arange(N) % 3]

    def iso(day: np.ndarray) -> list[str]:
        return [str(np.datetime64("2020-01-01") + int(one)) for one in day]

    dm = {
        "USUBJID": who,
        "SUBJID": [one[3:] for one in who],
        "RFSTDTC": iso(start),
        "RFENDTC": iso(start + stay),
        "ARMCD": arm,
        "ARM": arm,
    }
    ds = {"USUBJID": who, "DSSEQ": [1] * N, "DSDECOD": reason, "DSSTDTC": iso(start + stay)}
    return make_study(DM=pd.DataFrame(dm).to_dict("list"), DS=pd.DataFrame(ds).to_dict("list"))


def test_seldom_reasons_keep_their_share() -> None:
    """The seven whose reasons are nobody's else are together of the reason OTHER: no reason gains from them, seldom as it is."""
    study = _study()
    sample = Request(fit_study_model(study, find_structure(study)), 4000, seed=3).study()
    reasons = Counter(sample.datasets["DS"].text("DSDECOD").strings().tolist())
    assert set(reasons) == {"COMPLETED", "ADVERSE EVENT", "WITHDRAWAL", "OTHER", *SELDOM}
    assert reasons["COMPLETED"] / 4000 == pytest.approx(125 / N, abs=0.03)
    for reason, n in (*SELDOM.items(), ("OTHER", len(ALONE))):
        assert reasons[reason] / 4000 == pytest.approx(n / N, abs=0.008)  # two standard errors of the sample, and a fifth of it


def test_what_an_arm_does_otherwise_is_not_lost_behind_when_it_is_done() -> None:
    """Of those who leave, three in four of one arm do so for adverse events, and one in four of the other, on whatever day."""
    n = 80
    who, arm = [f"ST-{i:04d}" for i in range(n)], np.array(["A", "B"])[np.arange(n) % 2]
    start, stay = np.arange(n) * 7 % 300, np.random.default_rng(4).integers(10, 170, n)
    reason = np.where((np.arange(n) // 2 % 4 == 0) == (arm == "B"), "ADVERSE EVENT", "WITHDRAWAL")

    def iso(day: np.ndarray) -> list[str]:
        return [str(np.datetime64("2020-01-01") + int(one)) for one in day]

    dm = {"USUBJID": who, "RFSTDTC": iso(start), "RFENDTC": iso(start + stay), "ARMCD": arm, "ARM": arm}
    ds = {"USUBJID": who, "DSSEQ": [1] * n, "DSDECOD": reason, "DSSTDTC": iso(start + stay)}
    study = make_study(DM=pd.DataFrame(dm).to_dict("list"), DS=pd.DataFrame(ds).to_dict("list"))
    sample = Request(fit_study_model(study, find_structure(study)), 2000, seed=3).study()
    of = dict(zip(*(sample["DM"].text(name).strings().tolist() for name in ("USUBJID", "ARM")), strict=True))
    told = Counter(
        zip((of[one] for one in sample["DS"].text("USUBJID").strings()), sample["DS"].text("DSDECOD").strings(), strict=True)
    )
    for one, share in (("A", 0.75), ("B", 0.25)):
        assert told[one, "ADVERSE EVENT"] / 1000 == pytest.approx(share, abs=0.08)


def test_a_death_that_two_rows_tell_of_is_told_of_all_who_died() -> None:
    """Of forty with two rows of disposition three die, two of them in both rows: everybody who dies in a sample has such a row."""
    study = deaths_told_twice()
    model = fit_study_model(study, find_structure(study))
    assert sum("tell of a death as another row" in note for note in model.notes) == 1
    sample = Request(model, 600, seed=3).study()
    died = set(sample["DM"].text("USUBJID").strings()[sample["DM"].text("DTHFL").strings() == "Y"].tolist())
    said = set(sample["DS"].text("USUBJID").strings()[sample["DS"].text("DSDECOD").strings() == "DEATH"].tolist())
    assert died == said and len(died) > 20


def test_deaths_are_told_of_where_nothing_else_of_the_dispositions_may_be_kept() -> None:
    """Of six subjects three died and three completed: no term has five subjects, and the dead of a sample are known as such."""
    who = [f"ST-{i:04d}" for i in range(6)]
    dead, day = np.arange(6) < 3, [f"2020-0{i + 3}-10" for i in range(6)]
    dm = {"USUBJID": who, "RFSTDTC": ["2020-01-10"] * 6, "RFENDTC": day}
    dm |= {"DTHDTC": np.where(dead, day, "").tolist(), "DTHFL": np.where(dead, "Y", "").tolist()}
    reason = np.where(dead, "DEATH", "COMPLETED").tolist()
    ds = {"USUBJID": who, "DSSEQ": [1] * 6, "DSTERM": reason, "DSDECOD": reason, "DSSTDTC": day}
    study = make_study(DM=dm, DS=ds)
    sample = Request(fit_study_model(study, find_structure(study)), 300, seed=3).study()
    terms, died = sample["DS"].to_frame(), sample["DM"].to_frame().set_index("USUBJID")["DTHFL"].eq("Y")
    told = np.where(died.loc[terms["USUBJID"]], "DEATH", "OTHER").tolist()
    assert terms["DSDECOD"].tolist() == told and 60 < told.count("DEATH") < 240
    assert set(terms["DSTERM"][terms["DSDECOD"] == "OTHER"]) == {"OTHER REASON"}

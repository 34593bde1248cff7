"""Planted truth of sequences: a regimen by arm, elements without gaps, one disposition at the end."""

from __future__ import annotations

import pandas as pd
import pytest

from .planted import ARMS, BLUEPRINT, frame, recovery


def both(name: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """One dataset of source and sample."""
    found = recovery()
    return frame(found.source, name), frame(found.sample, name)


def test_regimen_by_arm() -> None:
    """Nobody takes the dose of another arm; those of the high arm take 50 mg first, and 100 mg from day 15 if still there."""
    _, sample = both("EX")
    for arm, dose in zip(ARMS, BLUEPRINT.dose, strict=True):
        mine = sample[sample["ARM"] == arm]
        assert set(mine["EXDOSE"]) == ({50.0, 100.0} if dose == 100 else {dose})
        assert set(mine["EXTRT"]) == ({"PLACEBO"} if dose == 0 else {"GENAZINE"})
    high = sample[sample["ARM"] == ARMS[2]].sort_values(["USUBJID", "EXSEQ"])
    assert (high[high["EXSEQ"] == 1]["EXDOSE"] == 50).all() and (high[high["EXSEQ"] == 2]["EXDOSE"] == 100).all()
    second = high[high["EXSEQ"] == 2]
    assert (second["EXST"] - second["RFST"] == 14).mean() > 0.97


def test_titration_goes_with_time_on_treatment() -> None:
    """Who leaves before day 15 has one row, who stays well beyond it two."""
    _, sample = both("EX")
    dm = frame(recovery().sample, "DM")
    rows = sample.groupby("USUBJID").size()
    high = dm[dm["ARM"] == ARMS[2]]
    days = high["RFEN"] - high["RFST"]
    assert (high["USUBJID"].map(rows)[days > 28] == 2).mean() > 0.98
    assert (high["USUBJID"].map(rows)[days <= 13] == 1).all()
    others = dm[dm["ARM"] != ARMS[2]]
    assert (others["USUBJID"].map(rows) == 1).all()


def test_exposure_ends_with_the_treatment() -> None:
    """The first row starts on the first dose, the last ends on the last, and none overlaps the next."""
    _, sample = both("EX")
    dm = frame(recovery().sample, "DM").set_index("USUBJID")
    ends = sample.groupby("USUBJID")["EXEN"].max()
    assert (ends == dm["RFEN"].reindex(ends.index)).mean() > 0.95
    starts = sample.groupby("USUBJID")["EXST"].min()
    assert (starts == dm["RFXST"].reindex(starts.index)).all()
    ordered = sample.sort_values(["USUBJID", "EXSEQ"])
    same = ordered["USUBJID"].to_numpy()[1:] == ordered["USUBJID"].to_numpy()[:-1]
    assert (ordered["EXST"].to_numpy()[1:] > ordered["EXEN"].to_numpy()[:-1])[same].all()


def test_elements_follow_each_other() -> None:
    """Screening, treatment, follow-up: each once, each beginning where the one before ends."""
    _, sample = both("SE")
    assert sample.groupby("USUBJID")["ETCD"].agg(tuple).map(lambda codes: codes == ("SCRN", "TRT", "FUP")).all()
    ordered = sample.sort_values(["USUBJID", "SESEQ"])
    same = ordered["USUBJID"].to_numpy()[1:] == ordered["USUBJID"].to_numpy()[:-1]
    assert (ordered["SEST"].to_numpy()[1:] == ordered["SEEN"].to_numpy()[:-1])[same].mean() > 0.97


def test_dispositions() -> None:
    """One consent on its day, one disposition event on the last day; completed by arm as often as planted."""
    source, sample = both("DS")
    consent = sample[sample["DSCAT"] == "PROTOCOL MILESTONE"]
    assert (consent["DSST"] - consent["RFST"] == -8).all()
    end = sample[sample["DSCAT"] == "DISPOSITION EVENT"]
    assert sorted(end["USUBJID"]) == sorted(sample["USUBJID"].unique())
    for arm in ARMS:
        a, b = (
            (d[(d["ARM"] == arm) & (d["DSCAT"] == "DISPOSITION EVENT")]["DSDECOD"] == "COMPLETED").mean() for d in (source, sample)
        )
        assert b == pytest.approx(a, abs=0.07)


def test_dispositions_go_with_the_time_on_treatment() -> None:
    """Who completed was there to the end, who did not was not."""
    _, sample = both("DS")
    dm = frame(recovery().sample, "DM").set_index("USUBJID")
    end = sample[sample["DSCAT"] == "DISPOSITION EVENT"]
    stayed = end["USUBJID"].map(dm["RFEN"] - dm["RFST"]) >= 84
    assert ((end["DSDECOD"] == "COMPLETED") == stayed).mean() > 0.95

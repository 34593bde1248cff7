"""Planted truth across datasets: levels by arm, correlations between tests, events by arm, links, codes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from replicator.tables.dataset import Study

from .planted import ARMS, BLUEPRINT, STAYING, frame, recovery


def both(name: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """One dataset of source and sample."""
    found = recovery()
    return frame(found.source, name), frame(found.sample, name)


def _levels(study: Study) -> pd.DataFrame:
    vs = study["VS"].to_frame()
    return vs.pivot_table(index="USUBJID", columns="VSTESTCD", values="VSSTRESN")


def test_correlation_of_height_and_weight() -> None:
    """0.7 between subjects, within 0.08 of what the source shows."""
    found = recovery()
    a, b = (_levels(study).corr().loc["HEIGHT", "WEIGHT"] for study in (found.source, found.sample))
    assert a == pytest.approx(BLUEPRINT.correlation, abs=0.07)
    assert b == pytest.approx(a, abs=0.08)


def test_pressure_falls_by_arm() -> None:
    """0, 5 and 15 mmHg less after the first dose, within 2 mmHg of the source (a study that nobody leaves early)."""
    found = recovery(STAYING)
    changes = []
    for d in (frame(found.source, "VS"), frame(found.sample, "VS")):
        d = d[d["VSTESTCD"] == "SYSBP"]
        after = d["VISITNUM"] > 2
        changes.append(
            [d[(d["ARM"] == arm) & after]["VSSTRESN"].mean() - d[(d["ARM"] == arm) & ~after]["VSSTRESN"].mean() for arm in ARMS]
        )
    assert changes[0] == pytest.approx(BLUEPRINT.shift, abs=2)
    assert changes[1] == pytest.approx(changes[0], abs=2)


def test_scatter_within_and_between_subjects() -> None:
    """Weight varies by 12 kg between and by 0.7 kg within subjects."""
    for d in both("VS"):
        weight = d[d["VSTESTCD"] == "WEIGHT"].groupby("USUBJID")["VSSTRESN"]
        assert weight.mean().std() == pytest.approx(12, abs=1.2)
        assert np.sqrt(weight.var().mean()) == pytest.approx(0.7, abs=0.15)


def test_events_by_arm() -> None:
    """RASH in 10, 20 and 60 % of an arm, each within 0.08 of its source."""
    size = [frame(study, "DM")["ARM"].value_counts() for study in (recovery().source, recovery().sample)]
    for i, arm in enumerate(ARMS):
        a, b = (
            d[(d["ARM"] == arm) & (d["AEDECOD"] == "RASH")]["USUBJID"].nunique() / n[arm]
            for d, n in zip(both("AE"), size, strict=True)
        )
        assert a == pytest.approx(BLUEPRINT.rash[i], abs=0.1)
        assert b == pytest.approx(a, abs=0.08)


@pytest.mark.parametrize(
    ("name", "a", "b"),
    [
        ("VS", "VSTESTCD", "VSTEST"),
        ("AE", "AEDECOD", "AEBODSYS"),
        ("CM", "CMTRT", "CMCLAS"),
        ("CM", "CMTRT", "CMDOSE"),
        ("SE", "ETCD", "ELEMENT"),
    ],
)
def test_exact_dependencies_hold(name: str, a: str, b: str) -> None:
    """Pairs of code and decode are those of the source, all of them."""
    source, sample = both(name)
    assert set(map(tuple, sample[[a, b]].to_numpy())) == set(map(tuple, source[[a, b]].to_numpy()))


def test_items_are_answered_alike() -> None:
    """Two ordered items of one latent trait: the correlation of subjects' means within 0.1 of the source."""
    found = []
    for study in (recovery().source, recovery().sample):
        qs = study["QS"].to_frame()
        found.append(qs.pivot_table(index="USUBJID", columns="QSTESTCD", values="QSSTRESN").corr().loc["ITEM1", "ITEM2"])
    assert found[1] == pytest.approx(found[0], abs=0.1)


def test_findings_are_at_visits() -> None:
    """Every result's visit is in SV, on its day; study days follow from dates."""
    sample = recovery().sample
    sv = sample["SV"].to_frame()[["USUBJID", "VISITNUM", "SVSTDTC"]]
    for name in ("VS", "LB", "QS"):
        found = sample[name].to_frame().merge(sv, on=["USUBJID", "VISITNUM"], how="left")
        assert found["SVSTDTC"].notna().all()
        assert (found[f"{name}DTC"] == found["SVSTDTC"]).mean() > 0.99
        d = frame(sample, name)
        day = d[name] - d["RFST"]
        assert (d[f"{name}DY"] == np.where(day >= 0, day + 1, day)).all()


def test_share_of_partial_dates() -> None:
    """Dates known to the month only are as many as in the source, within 4 points."""
    for name, column in (("AE", "AESTDTC"), ("CM", "CMSTDTC")):
        a, b = ((d[column].str.len() < 10).mean() for d in both(name))
        assert b == pytest.approx(a, abs=0.04)


def test_events_are_recorded_again_until_they_are_over() -> None:
    """Rows a clinical event, and the share of severe ones, as in the source; all of them at visits."""
    source, sample = both("CE")
    a, b = (d.groupby(["USUBJID", "CETERM", "CESTDTC"]).size().mean() for d in (source, sample))
    assert b == pytest.approx(a, abs=0.35)
    sv = recovery().sample["SV"].to_frame()
    assert set(map(tuple, sample[["USUBJID", "VISITNUM"]].to_numpy())) <= set(map(tuple, sv[["USUBJID", "VISITNUM"]].to_numpy()))


def test_supplements_and_links_lead_somewhere() -> None:
    """Every row of SUPPAE and RELREC names a row that is there; as many as in the source."""
    found = recovery()
    rows = {name: set(map(tuple, frame(found.sample, name)[["USUBJID", f"{name}SEQ"]].to_numpy())) for name in ("AE", "CM")}
    supp = found.sample["SUPPAE"].to_frame()
    assert {(s, float(v)) for s, v in supp[["USUBJID", "IDVARVAL"]].to_numpy()} <= rows["AE"]
    relrec = found.sample["RELREC"].to_frame()
    assert {(d, s, float(v)) for d, s, v in relrec[["RDOMAIN", "USUBJID", "IDVARVAL"]].to_numpy()} <= {
        (name, *key) for name, keys in rows.items() for key in keys
    }
    for name in ("SUPPAE", "RELREC"):
        assert found.sample[name].n_rows / 1500 == pytest.approx(found.source[name].n_rows / 450, rel=0.25)


def test_nothing_but_the_dates_of_death_after_death() -> None:
    """No event of the sample starts after its subject died."""
    ae = frame(recovery().sample, "AE")
    dm = frame(recovery().sample, "DM").set_index("USUBJID")
    death = ae["USUBJID"].map(dm["DTH"])
    assert not (ae["AEST"] > death).any()

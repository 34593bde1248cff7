"""Planted truth of the subjects: shares, levels, dates and dependencies come back."""

from __future__ import annotations

import pytest

from .planted import ARMS, BLUEPRINT, frame, recovery


def both() -> tuple:  # type: ignore[type-arg]
    """DM of source and sample."""
    found = recovery()
    return frame(found.source, "DM"), frame(found.sample, "DM")


def test_share_of_women_by_arm() -> None:
    """0.3, 0.5 and 0.7, each within 0.07 of its source (150 subjects behind it, drawn 500 times)."""
    source, sample = both()
    for i, arm in enumerate(ARMS):
        planted, learned, drawn = BLUEPRINT.female[i], *((d[d["ARM"] == arm]["SEX"] == "F").mean() for d in (source, sample))
        assert drawn == pytest.approx(learned, abs=0.07)
        assert drawn == pytest.approx(planted, abs=0.15)


def test_shares_of_races_and_arms() -> None:
    """Categories without relation to anything keep their shares."""
    source, sample = both()
    for column in ("RACE", "ARM"):
        a, b = (d[column].value_counts(normalize=True) for d in (source, sample))
        assert set(b.index) == set(a.index)
        assert b.reindex(a.index).to_numpy() == pytest.approx(a.to_numpy(), abs=0.05)


def test_offset_of_consent_is_exact() -> None:
    """Every subject consented 8 days before the first dose, and ended participation 7 days after its end."""
    _, sample = both()
    assert (sample["RFST"] - sample["RFIC"] == BLUEPRINT.consent).all()
    assert (sample["RFPEN"] - sample["RFEN"] == 7).all()
    assert (sample["RFXST"] == sample["RFST"]).all()


def test_exact_dependencies_hold() -> None:
    """Site decides country, arm code the arm, a date of death its flag, in the same pairs as in the source."""
    source, sample = both()
    for a, b in (("SITEID", "COUNTRY"), ("ARMCD", "ARM")):
        assert set(map(tuple, sample[[a, b]].to_numpy())) == set(map(tuple, source[[a, b]].to_numpy()))
    assert (sample["DTHDTC"].isna() == sample["DTHFL"].isna()).all()


def test_leaving_early_by_arm() -> None:
    """Days on treatment: 10, 30 and 60 % leave early, in the arms where they did."""
    source, sample = both()
    for arm in ARMS:
        share, on = zip(
            *(
                ((d["RFEN"] - d["RFST"] < 84).mean(), (d["RFEN"] - d["RFST"]).mean())
                for d in (x[x["ARM"] == arm] for x in (source, sample))
            ),
            strict=True,
        )
        assert share[1] == pytest.approx(share[0], abs=0.07)
        assert on[1] == pytest.approx(on[0], abs=4)


def test_age_follows_from_the_dates() -> None:
    """AGE is the full years from birth to the first dose; its distribution is the source's."""
    source, sample = both()
    for d in (source, sample):
        years = (d["RFST"] - d["BRTH"]) / 365.25
        assert ((years - d["AGE"]).between(-0.01, 1.01)).mean() > 0.99
    assert sample["AGE"].quantile([0.1, 0.5, 0.9]).to_numpy() == pytest.approx(
        source["AGE"].quantile([0.1, 0.5, 0.9]).to_numpy(), abs=2.5
    )


def test_nobody_of_the_source_comes_again() -> None:
    """Identifiers are new."""
    source, sample = both()
    assert not set(source["USUBJID"]) & set(sample["USUBJID"])
    assert sample["USUBJID"].str.fullmatch(r"GEN-\d{3}-\d{4}").all()

"""Dates that lie near each other in a source: what is learned, what is not, and what is found."""

from __future__ import annotations

import numpy as np
import pytest

from replicator.profile.find import find_structure
from replicator.rules import Rule, Status, learn_rules, validate
from replicator.tables.dataset import Study

from .built import built_dataset

N = 60


def _day(*days: int) -> list[str]:
    return [str(np.datetime64("2020-01-01") + day) for day in days]


def _study(dead: int = 5, off: int = 0, late: int = 5) -> Study:
    """Dispositions on the day of the visit that they name, two `late` days after; the dead end on their day or `off` days later."""
    ids = [f"ST-{i:03d}" for i in range(N)]
    first, last = list(range(N)), [i + 28 for i in range(N)]
    end = [day + (off if i < dead else i % 40) for i, day in enumerate(last)]
    told = [day + (late if i < 2 else 0) for i, day in enumerate(last)]
    dm = {"USUBJID": ids, "RFSTDTC": _day(*first), "RFENDTC": _day(*end)}
    dm["DTHDTC"] = [*_day(*last[:dead]), *[""] * (N - dead)]
    visits = {"USUBJID": [one for one in ids for _ in range(2)], "VISITNUM": np.array([1.0, 2.0] * N)}
    days = [day for pair in zip(first, last, strict=True) for day in pair]
    ds = {"USUBJID": ids, "DSDECOD": ["DEATH" if i < dead else "COMPLETED" for i in range(N)], "VISITNUM": np.full(N, 2.0)}
    return Study(
        {
            "DM": built_dataset("DM", STUDYID=["ST"] * N, DOMAIN=["DM"] * N, **dm),
            "SV": built_dataset(
                "SV", STUDYID=["ST"] * 2 * N, DOMAIN=["SV"] * 2 * N, **visits, SVSTDTC=_day(*days), SVENDTC=_day(*days)
            ),
            "DS": built_dataset("DS", STUDYID=["ST"] * N, DOMAIN=["DS"] * N, DSSEQ=np.ones(N), **ds, DSSTDTC=_day(*told)),
        }
    )


def _near(study: Study) -> dict[str, Rule]:
    return {rule.detail: rule for rule in learn_rules(study, find_structure(study)) if rule.id.startswith("SRC-NEAR")}


def test_what_is_near_is_learned_with_a_step_and_no_number_of_anybody() -> None:
    """Two dispositions are five days late: a week is shown. Five deaths are few, and that they end the participation is known."""
    rules = _near(_study())
    assert {name: rule.parameters["days"] for name, rule in rules.items()} == {"DSSTDTC ~ VISITNUM": 7, "DTHDTC ~ RFENDTC": 1}


@pytest.mark.parametrize(
    ("dead", "off", "late", "lost"),
    [(5, 9, 5, "DTHDTC ~ RFENDTC"), (4, 0, 5, "DTHDTC ~ RFENDTC"), (5, 0, 40, "DSSTDTC ~ VISITNUM")],
)
def test_what_is_not_near_or_of_too_few_is_not_learned(dead: int, off: int, late: int, lost: str) -> None:
    """Ends days after the deaths, fewer than k deaths, and a disposition a month after its visit."""
    assert lost not in _near(_study(dead, off, late))


def test_dates_that_drift_apart_are_found() -> None:
    """A death four months after the end, and dispositions of another visit's day, fail in their rows; the source passes."""
    rules = tuple(_near(_study()).values())
    structure = find_structure(_study())
    assert validate(_study(), rules, structure).counts()[Status.PASSED] == 2
    report = validate(_study(off=118, late=20), rules, structure)
    assert [finding.rows for finding in report.of("SRC-NEAR DM DTHDTC ~ RFENDTC")] == [(0, 1, 2, 3, 4)]
    assert [finding.rows for finding in report.of("SRC-NEAR DS DSSTDTC ~ VISITNUM")] == [(0, 1)]

"""What few subjects show is no rule where chance would show it as well."""

from __future__ import annotations

import numpy as np

from replicator.models.marginals import QuantileMarginal
from replicator.profile.find import find_structure
from replicator.rules import Rule, learn_rules
from replicator.tables.dataset import Study

from .built import built_dataset


def _rules(subjects: list[str], **columns: list[str] | np.ndarray[tuple[int], np.dtype[np.float64]]) -> tuple[Rule, ...]:
    """Rules of a laboratory dataset with these columns."""
    ids = sorted(set(subjects))
    n = len(subjects)
    study = Study(
        {
            "DM": built_dataset("DM", STUDYID=["ST"] * len(ids), DOMAIN=["DM"] * len(ids), USUBJID=ids),
            "LB": built_dataset("LB", STUDYID=["ST"] * n, DOMAIN=["LB"] * n, USUBJID=subjects, **columns),
        }
    )
    return learn_rules(study, find_structure(study))


def _allowed(visits: dict[str, list[int]]) -> dict[str, list[str]]:
    """Tests that a rule allows at each visit, of a study whose tests these numbers of subjects have at its visits."""
    rows = [(f"S{i:02}", at + 1.0, test) for test, people in visits.items() for at, n in enumerate(people) for i in range(n)]
    who, visit, test = zip(*rows, strict=True)
    found = _rules(list(who), LBTESTCD=list(test), VISITNUM=np.array(visit), LBSTRESN=np.arange(len(rows)) % 7.0)
    rules = [rule for rule in found if rule.code == "SRC-PLAN"]
    return {key: list(tests) for rule in rules for key, tests in rule.parameters["allowed"].items()}  # type: ignore[attr-defined]


def test_a_seldom_test_is_not_missed_at_a_visit_of_few() -> None:
    """A test of 6 of 30 is missed by chance at a visit of 13 who might have it (2.6 expected), not at one of 40 (8)."""
    allowed = _allowed({"USUAL": [30, 13, 40], "SELDOM": [6, 0, 0], "FIRST": [30, 0, 0]})
    assert allowed == {"1": ["FIRST", "SELDOM", "USUAL"], "2": ["SELDOM", "USUAL"], "3": ["USUAL"]}


def test_a_test_of_few_is_in_no_rule() -> None:
    """Of three subjects nothing is said, not even where they might be."""
    allowed = _allowed({"USUAL": [30, 13], "FIRST": [30, 0], "RARE": [0, 0, 3]})
    assert "RARE" not in {test for tests in allowed.values() for test in tests}


def test_ranges_hold_what_is_drawn_of_few() -> None:
    """Of 16 with a usual value and a long tail, whose fifth highest is near the middle, the tail is not cut off."""
    values = np.array([10.0, 10, *[12.0] * 8, 13, 16, 16, 17, 18, 18])
    rules = _rules([f"S{i:03}" for i in range(16)], LBTESTCD=["A"] * 16, LBSTRESN=values)
    low, high = next(rule.parameters["bounds"]["A"] for rule in rules if rule.code == "SRC-RANGE")  # type: ignore[index]
    drawn = QuantileMarginal.fit(values, decimals=0).quantile(np.linspace(0.0001, 0.9999, 9999))
    assert drawn.max() > 22  # the tail is long
    assert low <= drawn.min() and drawn.max() <= high

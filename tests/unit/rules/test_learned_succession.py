"""Elements that meet: learned where all of a source do, and broken by a gap."""

from __future__ import annotations

import numpy as np
import pytest

from replicator.profile.find import find_structure
from replicator.rules import Rule, Status, learn_rules, validate
from replicator.tables.dataset import Study

from .built import built_dataset

N = 25


def _day(day: int) -> str:
    return str(np.datetime64("2020-01-01") + day)


def _study(gaps: int = 0, n: int = N) -> Study:
    """Three elements that meet in a day, the third of them, of `gaps` subjects, a week late."""
    ids = [f"ST-{i:03d}" for i in range(n)]
    starts = [(i, j, i + 10 * j + (7 if i < gaps and j == 2 else 0)) for i in range(n) for j in range(3)]
    return Study(
        {
            "DM": built_dataset("DM", STUDYID=["ST"] * n, DOMAIN=["DM"] * n, USUBJID=ids),
            "SE": built_dataset(
                "SE",
                STUDYID=["ST"] * len(starts),
                DOMAIN=["SE"] * len(starts),
                USUBJID=[ids[i] for i, _, _ in starts],
                SESEQ=np.array([j + 1.0 for _, j, _ in starts]),
                ETCD=["ABC"[j] for _, j, _ in starts],
                SESTDTC=[_day(day) for _, _, day in starts],
                SEENDTC=[_day(i + 10 * (j + 1) + (7 if i < gaps and j == 2 else 0)) for i, j, _ in starts],
            ),
        }
    )


def _rules(study: Study) -> tuple[Rule, ...]:
    return tuple(rule for rule in learn_rules(study, find_structure(study)) if rule.code == "SRC-NEXT")


def test_what_meets_is_learned() -> None:
    assert {rule.dataset: rule.parameters for rule in _rules(_study())} == {"SE": {"days": 0.0}}


@pytest.mark.parametrize("source", [_study(gaps=1), _study(n=19)], ids=["one gap", "nineteen subjects"])
def test_no_rule_where_somebody_has_a_gap_or_few_have_rows(source: Study) -> None:
    assert _rules(source) == ()


def test_gaps_are_found() -> None:
    """Four subjects have a gap."""
    broken = _study(gaps=4)
    outcomes = {one.dataset: one for one in validate(broken, _rules(_study()), find_structure(broken)).outcomes}
    assert {name: (one.status, one.n_failed, one.n_tested) for name, one in outcomes.items()} == {
        "SE": (Status.FAILED, 4, 2 * N),
    }

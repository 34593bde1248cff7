"""Flags of one record of a subject's test: learned in the records and in their SUPP--, and broken by a second one."""

from __future__ import annotations

import numpy as np
import pytest

from replicator.profile.find import find_structure
from replicator.rules import Rule, Status, learn_rules, validate
from replicator.tables.dataset import Study

from .built import built_dataset

N = 30
VISITS = 4


def _study(twice: int = 0, n: int = N) -> Study:
    """Two tests at four visits; both flags stand on the last record, and for the first `twice` subjects on the third as well."""
    ids = [f"ST-{i:03d}" for i in range(n)]
    rows = [(i, test, visit) for i in range(n) for test in ("ALT", "AST") for visit in range(VISITS)]
    flagged = [visit == VISITS - 1 or (i < twice and visit == VISITS - 2) for i, _, visit in rows]
    sequence = np.array([float(place % (2 * VISITS) + 1) for place in range(len(rows))])
    owners = [ids[i] for i, _, _ in rows]
    chosen = np.flatnonzero(flagged).tolist()
    m, q = len(rows), len(chosen)
    lb = built_dataset(
        "LB",
        STUDYID=["ST"] * m,
        DOMAIN=["LB"] * m,
        USUBJID=owners,
        LBSEQ=sequence,
        LBTESTCD=[test for _, test, _ in rows],
        LBSTRESC=["5"] * m,
        VISITNUM=np.array([float(visit + 1) for _, _, visit in rows]),
        LBENDFL=["Y" if yes else "" for yes in flagged],
    )
    supp = built_dataset(
        "SUPPLB",
        STUDYID=["ST"] * q,
        RDOMAIN=["LB"] * q,
        USUBJID=[owners[row] for row in chosen],
        IDVAR=["LBSEQ"] * q,
        IDVARVAL=[f"{sequence[row]:g}" for row in chosen],
        QNAM=["ENDPOINT"] * q,
        QLABEL=["End point"] * q,
        QVAL=["Y"] * q,
    )
    dm = built_dataset("DM", STUDYID=["ST"] * n, DOMAIN=["DM"] * n, USUBJID=ids)
    return Study({"DM": dm, "LB": lb, "SUPPLB": supp})


def _rules(study: Study) -> tuple[Rule, ...]:
    return tuple(rule for rule in learn_rules(study, find_structure(study)) if rule.code == "SRC-FLAG")


def test_flags_of_records_and_of_their_qualifiers_are_learned() -> None:
    """One rule for each; nothing is shown but the name of the flag."""
    found = {rule.id: rule.parameters for rule in _rules(_study())}
    assert found == {
        "SRC-FLAG LB LBENDFL": {"flag": "LBENDFL", "parent": "LB"},
        "SRC-FLAG SUPPLB ENDPOINT": {"flag": "ENDPOINT", "parent": "LB"},
    }


@pytest.mark.parametrize("source", [_study(twice=1), _study(n=19)], ids=["one has two", "nineteen subjects"])
def test_no_rule_where_somebody_has_two_or_few_have_any(source: Study) -> None:
    """A rule needs 20 subjects, none of whom breaks it."""
    assert _rules(source) == ()


def test_a_second_flag_is_found() -> None:
    """Three subjects have two flags for each of two tests."""
    broken = _study(twice=3)
    outcomes = {one.rule: one for one in validate(broken, _rules(_study()), find_structure(broken)).outcomes}
    assert {name: (one.status, one.n_failed, one.n_tested) for name, one in outcomes.items()} == {
        "SRC-FLAG LB LBENDFL": (Status.FAILED, 6, 2 * N + 6),
        "SRC-FLAG SUPPLB ENDPOINT": (Status.FAILED, 6, 2 * N + 6),
    }

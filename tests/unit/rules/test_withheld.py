"""Cells that no model may keep are counted in the source, and their absence from a sample is told as that and as nothing else."""

from __future__ import annotations

import numpy as np
import pytest

import replicator as rp
from replicator.profile.find import find_structure
from replicator.rules import Outcome, Rule, Status, ValidationReport, Verdict, certificate
from replicator.rules.view import StudyView
from replicator.rules.withheld import withheld_cells
from replicator.tables.dataset import Column, Dataset, Numbers, Study, Text, Variable

N, K = 30, 5
WORDS = {
    "OWN": [f"word {chr(97 + i % 26)}{chr(97 + i // 26)}" for i in range(N)],  # of nobody else
    "MIXED": [f"word {chr(97 + i)}" if i < 15 else str(i) for i in range(N)],  # half of them numbers
    "SHARED": ["yes"] * (N - 3) + ["a", "b", "c"],
    "CODES": [str(i) for i in range(N)],
    "GAPS": ["" if i % 2 else f"word {chr(97 + i)}" for i in range(26)] + [""] * (N - 26),
}


def planted() -> Study:
    columns: dict[str, Column] = {
        "STUDYID": Text.constant("ST", N),
        "DOMAIN": Text.constant("DM", N),
        "USUBJID": Text.of(f"ST-{i:03d}" for i in range(N)),
        "RFSTDTC": Text.of(str(np.datetime64("2020-01-01") + i) for i in range(N)),
        "AGE": Numbers(np.arange(40.0, 40.0 + N)),
        "CODE": Numbers(np.where(np.arange(N) < 5, 1.0, np.arange(N))),
        "RARE_CODE": Numbers(np.where(np.arange(N) < 8, np.arange(N) // 4, np.nan)),
        "FEW": Numbers(np.where(np.arange(N) < K - 1, np.arange(N), np.nan)),
        **{name: Text.of(texts) for name, texts in WORDS.items()},
    }
    variables = tuple(Variable(name, "", "num" if isinstance(column, Numbers) else "char") for name, column in columns.items())
    return Study({"DM": Dataset("DM", variables, columns)})


@pytest.mark.parametrize(
    ("variable", "n_withheld"),
    [
        ("OWN", N),
        ("MIXED", N),
        ("SHARED", 0),  # a shared text takes the place of the others
        ("CODES", N),
        ("GAPS", 13),
        ("AGE", N),
        ("FEW", K - 1),
        ("RARE_CODE", 8),
        ("CODE", 0),
        ("USUBJID", 0),
        ("RFSTDTC", 0),
    ],
)
def test_withheld_cells_are_those_without_a_substitute(variable: str, n_withheld: int) -> None:
    """Texts of which none is shared, and numbers likewise; identifiers and dates are made anew."""
    study = planted()
    assert withheld_cells(StudyView(study, find_structure(study)), "DM", variable, K).sum() == n_withheld


def report(n_failed: int, n_tested: int, n_withheld: int = 0) -> ValidationReport:
    rule = Rule("SRC-FILLED", "always_filled", "missing", "Fill it.", dataset="DM", variable="X")
    status = Status.FAILED if n_failed else Status.PASSED
    outcome = Outcome(rule.id, "DM", "X", status, n_tested, n_failed, n_failed, n_withheld=n_withheld)
    return ValidationReport("ST", (rule,), (outcome,), ())


@pytest.mark.parametrize(
    ("source", "sample", "verdict"),
    [
        (report(0, 30, 30), report(50, 50), Verdict.WITHHELD),
        (report(0, 30, 15), report(22, 50), Verdict.WITHHELD),
        (report(0, 30, 15), report(500, 500), Verdict.BROKEN),  # more is gone than was withheld
        (report(0, 30, 0), report(1, 50), Verdict.BROKEN),
        (report(0, 30, 30), report(0, 50), Verdict.PASSED),
        (report(10, 100, 90), report(500, 500), Verdict.WITHHELD),
        (report(10, 100, 10), report(500, 500), Verdict.MORE),
        (report(10, 100, 90), report(50, 500), Verdict.SAME_RATE),
        (report(90, 100, 10), report(50, 500), Verdict.LESS),
    ],
)
def test_withheld_cells_explain_as_many_missing_ones(source: ValidationReport, sample: ValidationReport, verdict: Verdict) -> None:
    """Withheld cells count as missing ones of the source; what they do not explain is a breach as ever."""
    found = certificate(source, sample)
    assert [one.verdict for one in found.comparisons] == [verdict]
    assert found.holds == (verdict not in (Verdict.BROKEN, Verdict.MORE))
    assert ("withheld" in found.summary()) == (verdict is Verdict.WITHHELD)


def test_a_study_with_such_columns_holds_its_certificate() -> None:
    """Fit and sample: what is not kept is missing, and the certificate says so once a column."""
    fitted = rp.fit(planted(), cache=False)
    judged = fitted.certify(fitted.sample(50, seed=7))
    assert judged.holds, [one for one in judged.comparisons if one.verdict is Verdict.BROKEN]
    told = {one.variable: one.source_withheld for one in judged.of(Verdict.WITHHELD)}
    assert told == {"OWN": N, "MIXED": N}

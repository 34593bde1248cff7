"""Run rules over a study."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from replicator.counting import counted
from replicator.errors import StudyError
from replicator.profile.find import find_structure
from replicator.profile.structure import StudyStructure
from replicator.rules.registry import CHECKS
from replicator.rules.report import Finding, Outcome, Status, ValidationReport
from replicator.rules.rule import Rule, Severity
from replicator.rules.standard import rules_of_standard
from replicator.rules.tested import Tested
from replicator.rules.view import StudyView
from replicator.tables.dataset import Numbers, Study, number_text


def validate(
    study: Study, rules: Sequence[Rule] | None = None, structure: StudyStructure | None = None, max_rows: int | None = None
) -> ValidationReport:
    """Judge a study by rules.

    Parameters
    ----------
    study : Study
        SUPP-- not joined.
    rules : sequence of Rule, optional
        Which rules; those of the standard by default.
    structure : StudyStructure, optional
        Kinds, prefixes and keys of the datasets; found in `study` by default. Give the source's for a sample, so that both
        are judged by the same keys.
    max_rows : int, optional
        Most rows that a finding lists; the counts stay whole. All by default.

    Returns
    -------
    ValidationReport

    Raises
    ------
    StudyError
        If a rule names a check that this version does not have, two rules have one id, or the study has no subject or no rows.
    """
    chosen = tuple(rules_of_standard() if rules is None else rules)
    unknown = sorted({rule.kind for rule in chosen if rule.kind not in CHECKS})
    if unknown:
        raise StudyError(
            f"{counted(len(unknown), 'kind of rules is', 'kinds of rules are')} not known "
            f"({', '.join(unknown)}); use the version that wrote the rules."
        )
    if len({rule.id for rule in chosen}) < len(chosen):
        twice = sorted({rule.id for rule in chosen if sum(other.id == rule.id for other in chosen) > 1})
        raise StudyError(
            f"{counted(len(twice), 'rule appears', 'rules appear')} twice ({', '.join(twice[:5])}); give each rule once."
        )
    if structure is None or any(name not in structure.datasets for name in study.datasets):
        structure = find_structure(study, derivations=False)
    view = StudyView(study, structure)
    outcomes: list[Outcome] = []
    findings: list[Finding] = []
    for rule in chosen:
        check = CHECKS[rule.kind]
        results = [result for result in check.function(view, rule) if result.n_tested]
        outcomes.extend(_outcome(view, rule, result) for result in results)
        findings.extend(_finding(view, rule, result, max_rows) for result in results if result.n_failed)
        if not results:
            outcomes.append(Outcome(rule.id, rule.dataset, rule.variable, Status.NOT_APPLICABLE, reason=f"needs {check.needs}"))
    findings.sort(key=lambda finding: finding.severity is Severity.WARNING)
    return ValidationReport(study.name, chosen, tuple(outcomes), tuple(findings))


def _outcome(view: StudyView, rule: Rule, result: Tested) -> Outcome:
    subjects = view.subject(result.dataset)[result.rows] if len(result.rows) else result.rows
    return Outcome(
        rule.id,
        result.dataset,
        result.variable,
        Status.FAILED if result.n_failed else Status.PASSED,
        result.n_tested,
        result.n_failed,
        len(np.unique(subjects[subjects >= 0])),
    )


def _finding(view: StudyView, rule: Rule, result: Tested, max_rows: int | None) -> Finding:
    rows = result.rows[:max_rows]
    subject = view.subject(result.dataset)[rows]
    values = result.values[:max_rows] if result.values is not None else _cells(view, result.dataset, result.variable, rows)
    return Finding(
        rule.id,
        rule.code,
        rule.severity,
        result.dataset,
        result.variable,
        tuple(rows.tolist()),
        tuple(values),
        tuple(np.append(view.subject_ids, np.array([""], object))[subject].tolist()),
        result.n_failed,
        result.n_tested,
        rule.message,
        rule.remedy,
    )


def _cells(view: StudyView, dataset: str, variable: str, rows: np.ndarray[tuple[int], np.dtype[np.intp]]) -> tuple[str, ...]:
    if not variable:
        return ("",) * len(rows)
    column = view.dataset(dataset)[variable].take(rows)
    if isinstance(column, Numbers):
        return tuple(number_text(value) for value in column.values.tolist())
    return tuple(column.strings().tolist())

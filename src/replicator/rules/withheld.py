"""What a model of the source must not keep: values that fewer than k subjects share. A sample cannot be asked to fill them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from replicator.profile.structure import Role, StudyStructure
from replicator.rules.grouping import Mask, subjects_per_group
from replicator.rules.report import ValidationReport
from replicator.rules.view import StudyView
from replicator.tables.dataset import Study

ABOUT_MISSING = ("always_filled", "required_filled")  # checks of every row that fail where a cell is missing
_MADE = (Role.IDENTIFIER, Role.SUBJECT, Role.RECORD_ID, Role.SEQUENCE, Role.DATE, Role.STUDY_DAY)  # by pattern, count or calendar


def mark_withheld(report: ValidationReport, study: Study, structure: StudyStructure, k: int) -> ValidationReport:
    """Count, for each test of missing cells, the cells whose values a model of this study withholds.

    Parameters
    ----------
    report : ValidationReport
        Of `study`.
    study : Study
        The source.
    structure : StudyStructure
        Its structure.
    k : int
        Fewest subjects that must share a value that a model keeps.

    Returns
    -------
    ValidationReport
        The same with :attr:`~replicator.rules.report.Outcome.n_withheld`.
    """
    view = StudyView(study, structure)
    kinds = {rule.id: rule.kind for rule in report.rules}
    outcomes = tuple(
        replace(outcome, n_withheld=int(withheld_cells(view, outcome.dataset, outcome.variable, k).sum()))
        if outcome.n_tested and kinds.get(outcome.rule) in ABOUT_MISSING
        else outcome
        for outcome in report.outcomes
    )
    return replace(report, outcomes=outcomes)


def withheld_cells(view: StudyView, name: str, variable: str, k: int) -> Mask:
    """Mark the cells of one variable, (n_rows,), in whose place nothing can be put.

    Texts are withheld where no text of the variable is shared by `k` subjects, for else a shared one takes the place of the others;
    numbers where fewer than `k` subjects have any. Identifiers and dates are made anew, and never withheld.
    """
    dataset, subject = view.dataset(name), view.subject(name)
    if variable in view.facts(name).with_role(*_MADE):
        return np.zeros(dataset.n_rows, bool)
    filled, number = view.filled(name, variable), np.isfinite(dataset.numbers(variable))
    text = filled & ~number
    codes = np.where(text, view.codes(name, variable), -1)
    shared = subjects_per_group(codes, subject, int(codes.max(initial=-1)) + 1).max(initial=0) >= k
    measured = len(np.unique(subject[number & (subject >= 0)])) >= k
    return (text & (not shared)) | (number & (not measured))

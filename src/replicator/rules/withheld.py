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
    """Mark the cells of one variable, (n_rows,), whose values a model withholds and has nothing to put in the place of.

    That is all texts where no text of the variable is shared by `k` subjects, for else a shared one takes the place of the others,
    and all numbers likewise: a model may keep how they are distributed, but none of them. Identifiers and dates are made anew.
    """
    dataset, subject = view.dataset(name), view.subject(name)
    out = np.zeros(dataset.n_rows, bool)
    if variable in view.facts(name).with_role(*_MADE):
        return out
    codes, number = view.codes(name, variable), np.isfinite(dataset.numbers(variable))
    for cells in (view.filled(name, variable) & ~number, number):
        groups = np.where(cells, codes, -1)
        if subjects_per_group(groups, subject, int(groups.max(initial=-1)) + 1).max(initial=0) < k:
            out |= cells
    return out

"""What a model of the source must not keep: values that fewer than k subjects share. A sample cannot be asked to fill them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import numpy as np

from replicator.profile.structure import Role, StudyStructure
from replicator.rules.grouping import Mask, combine, subjects_per_group
from replicator.rules.report import Outcome, ValidationReport
from replicator.rules.view import StudyView
from replicator.tables.dataset import Study
from replicator.tables.dates import Precision

ABOUT_MISSING = ("always_filled", "required_filled")  # checks of every row that fail where a cell is missing
OF_TEST = ("ORRESU", "STRESU", "ORNRLO", "ORNRHI", "STNRLO", "STNRHI")  # units and limits, each of its test
BETWEEN_CELLS = ("follows_from",)  # checks that fail where a cell they compare is missing
_MADE = (Role.IDENTIFIER, Role.SUBJECT, Role.RECORD_ID, Role.SEQUENCE, Role.STUDY_DAY)  # by pattern, count or calendar


def mark_withheld(report: ValidationReport, study: Study, structure: StudyStructure, k: int) -> ValidationReport:
    """Count, for each test of missing cells or of cells that others tell, the rows whose values a model of this study withholds.

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
    rules = {rule.id: rule for rule in report.rules}

    def counted(outcome: Outcome) -> Outcome:
        rule = rules.get(outcome.rule)
        if not outcome.n_tested or rule is None or rule.kind not in (*ABOUT_MISSING, *BETWEEN_CELLS):
            return outcome
        told = cast(Sequence[str], rule.parameters["determinants"]) if rule.kind in BETWEEN_CELLS else ()
        cells = [withheld_cells(view, outcome.dataset, name, k) for name in (*told, outcome.variable)]
        return replace(outcome, n_withheld=int(np.any(cells, axis=0).sum()))

    return replace(report, outcomes=tuple(counted(outcome) for outcome in report.outcomes))


def withheld_cells(view: StudyView, name: str, variable: str, k: int) -> Mask:
    """Mark the cells of one variable, (n_rows,), whose values a model withholds and has nothing to put in the place of.

    That is all texts where no text of the variable is shared by `k` subjects, for else a shared one takes the place of the others,
    and all numbers likewise: a model may keep how they are distributed, but none of them. The place of a unit or a limit
    is taken only by one of the same test. Identifiers and dates are made anew, but for texts of dates that do not exist, and for
    identifiers of things (devices) of which each subject has its own.
    """
    dataset, subject = view.dataset(name), view.subject(name)
    out = np.zeros(dataset.n_rows, bool)
    if variable in view.facts(name).with_role(Role.DATE):
        codes = np.where(view.dates(name, variable).precision == Precision.TEXT, view.codes(name, variable), -1)
        shared = np.append(subjects_per_group(codes, subject, int(codes.max(initial=-1)) + 1) >= k, True)
        return ~shared[codes]
    several = variable in view.facts(name).with_role(Role.IDENTIFIER) and view.facts(name).variable(variable).n_levels > 1
    if variable in view.facts(name).with_role(*_MADE) and not several:
        return out
    codes, number = view.codes(name, variable), np.isfinite(dataset.numbers(variable))
    of_test = variable in {view.named(name, suffix) for suffix in OF_TEST} - {""}
    place = view.group(name, (view.named(name, "TESTCD"),), by_subject=False) if of_test else np.zeros(dataset.n_rows, np.int64)
    for cells in (view.filled(name, variable) & ~number, number):
        rows = np.flatnonzero(cells)
        groups = combine([place[rows], codes[rows]])
        shared = subjects_per_group(groups, subject[rows], int(groups.max(initial=-1)) + 1) >= k
        filled = np.zeros(int(place.max(initial=-1)) + 1, bool)
        filled[place[rows[shared[groups]]]] = True
        out[rows] |= ~filled[place[rows]]
    return out

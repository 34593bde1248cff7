"""Checks of exposure: against the first and last dose, consent, itself, and subjects who should have none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import numpy as np

from replicator.heavy import pandas as pd
from replicator.profile.structure import Kind
from replicator.rules.grouping import Mask, running_maximum
from replicator.rules.rule import Rule
from replicator.rules.tested import Tested, tested
from replicator.rules.view import StudyView, certainly_after, earliest, latest
from replicator.standards.treatment_terms import NEVER_TREATED
from replicator.tables.dates import Dates, Precision


def _exposures(view: StudyView) -> list[str]:
    return [name for name in view.of_kind(Kind.INTERVENTIONS) if view.dataset(name).domain == "EX" and view.dataset(name).n_rows]


def dose_not_before(view: StudyView, rule: Rule) -> Iterator[Tested]:
    """No dose starts certainly before the subject's date named by the parameter ``mark``."""
    mark = cast(str, rule.parameters["mark"])
    for name in _exposures(view) if view.has_mark(mark) else ():
        if start := view.named(name, "STDTC"):
            dates, bound = view.dates(name, start), view.mark_of_rows(name, mark)
            yield tested(name, start, ~np.isnan(dates.day) & ~np.isnan(bound.day), certainly_after(bound, dates))


def dose_not_after(view: StudyView, rule: Rule) -> Iterator[Tested]:
    """No dose starts or ends certainly after the subject's date named by the parameter ``mark``."""
    mark = cast(str, rule.parameters["mark"])
    for name in _exposures(view) if view.has_mark(mark) else ():
        for suffix in ("STDTC", "ENDTC"):
            if date := view.named(name, suffix):
                dates, bound = view.dates(name, date), view.mark_of_rows(name, mark)
                yield tested(name, date, ~np.isnan(dates.day) & ~np.isnan(bound.day), certainly_after(dates, bound))


def first_dose_is_reference(view: StudyView, rule: Rule) -> Iterator[Tested]:
    """The subject's first dose in EX is on RFXSTDTC, and a subject with RFXSTDTC has a dose."""
    home, names = view.subjects_dataset, [name for name in _exposures(view) if view.named(name, "STDTC")]
    if not names or not view.has_mark("RFXSTDTC"):
        return
    first_low, first_high = np.full(view.n_subjects, np.inf), np.full(view.n_subjects, np.inf)
    dosed = np.zeros(view.n_subjects, bool)
    for name in names:
        subject, dates = view.subject(name), view.dates(name, view.named(name, "STDTC"))
        known = (subject >= 0) & ~np.isnan(dates.day)
        np.minimum.at(first_low, subject[known], earliest(dates)[known])
        np.minimum.at(first_high, subject[known], latest(dates)[known])
        dosed[subject[subject >= 0]] = True
    mark, (_, row) = view.mark("RFXSTDTC"), view.of_subject("RFXSTDTC")
    has = ~np.isnan(mark.day) & (row >= 0)
    differs = ~dosed | (np.isfinite(first_low) & ((first_low > latest(mark)) | (first_high < earliest(mark))))
    n = view.dataset(home).n_rows
    applies, wrong = np.zeros(n, bool), np.zeros(n, bool)
    applies[row[has]], wrong[row[has]] = True, differs[has]
    yield tested(home, "RFXSTDTC", applies, wrong)


def doses_do_not_overlap(view: StudyView, rule: Rule) -> Iterator[Tested]:
    """Two intervals of one treatment of a subject do not overlap; they may touch in a day."""
    for name in _exposures(view):
        start, end, treatment = (view.named(name, suffix) for suffix in ("STDTC", "ENDTC", "TRT"))
        if not start or not end or not treatment:
            continue
        starts, ends = view.dates(name, start), view.dates(name, end)
        by_day = (starts.precision >= Precision.DAY) & (view.subject(name) >= 0)
        rows = np.flatnonzero(by_day)
        group = view.group(
            name, [treatment, *(view.named(name, suffix) for suffix in ("LOC", "LAT", "DIR", "ROUTE", "DOSFRM", "LNKID"))]
        )[rows]
        low, high = earliest(starts)[rows], earliest(_ends(starts, ends))[rows]
        order = np.lexsort((high, low, group))
        before = running_maximum(high[order], group[order])
        wrong, applies = np.zeros(len(by_day), bool), np.zeros(len(by_day), bool)
        applies[rows] = True
        wrong[rows[order]] = (before > low[order]) & (before > latest(starts)[rows[order]])
        yield tested(name, start, applies, wrong)


def _ends(starts: Dates, ends: Dates) -> Dates:
    usable: Mask = ends.precision >= Precision.DAY
    return Dates(
        np.where(usable, ends.day, starts.day),
        np.where(usable, ends.minute, starts.minute),
        np.where(usable, ends.precision, starts.precision).astype(np.int8),
    )


def untreated_have_no_dose(view: StudyView, rule: Rule) -> Iterator[Tested]:
    """Screen failures and subjects who were not treated have no exposure."""
    home = view.subjects_dataset
    arms = [arm for arm in ("ACTARMCD", "ARMCD", "ACTARM", "ARM", "ARMNRS") if home and arm in view.dataset(home)]
    if not arms:
        return
    subject = view.subject(home)
    never = np.zeros(view.n_subjects + 1, bool)
    marked = np.any([view.equals(home, arm, *NEVER_TREATED) for arm in arms], axis=0)
    never[subject[marked & (subject >= 0)]] = True
    for name in _exposures(view):
        yield tested(name, view.subject_variable(name), view.subject(name) >= 0, never[view.subject(name)])


def dose_has_unit(view: StudyView, rule: Rule) -> Iterator[Tested]:
    """A dose is not negative, and has a unit."""
    for name in view.of_kind(Kind.INTERVENTIONS):
        if dose := view.named(name, "DOSE"):
            given = view.dataset(name).numbers(dose)
            unit = view.named(name, "DOSU")
            nameless = ~view.filled(name, unit) if unit else np.ones(len(given), bool)
            yield tested(name, dose, pd.notna(given), (given < 0) | nameless)

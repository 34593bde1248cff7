"""Checks of dates and study days."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import cast

import numpy as np

from replicator.profile.structure import Kind
from replicator.rules.rule import Rule
from replicator.rules.tested import Tested, tested, tested_levels
from replicator.rules.view import StudyView, certainly_after
from replicator.tables.dates import Precision, study_day

_SHAPED = re.compile(r"\d{4}(-\d{1,2}(-\d{1,2}(T\d{1,2}(:\d{1,2}(:\d{1,2}(\.\d+)?)?)?(Z|[+-]\d{2}:?\d{2})?)?)?)?")
_PARTS_MISSING = re.compile(r"(\d{4}|-)(-(\d{2}|-)(-(\d{2}|-)(T(\d{2}|-)(:(\d{2}|-)(:(\d{2}|-))?)?)?)?)?")
_INTERVAL = re.compile(r"[^/]+/[^/]+")
_PAIRS = (("DTC", "DY"), ("STDTC", "STDY"), ("ENDTC", "ENDY"))


@lru_cache(maxsize=1 << 16)  # the variables of a study share most of their dates
def _is_shaped(text: str) -> bool:
    return _SHAPED.fullmatch(text) is not None


def _is_foreign(text: str) -> bool:
    return not (_is_shaped(text) or _PARTS_MISSING.fullmatch(text) or _INTERVAL.fullmatch(text))


def date_format(view: StudyView, rule: Rule) -> Iterator[Tested]:
    """A date is written in ISO 8601, whole or cut off at the right, or with hyphens for its missing parts."""
    for name in view.names:
        for variable in view.date_variables(name):
            column = view.text(name, variable)
            yield tested_levels(name, variable, column, (_is_foreign(str(level)) for level in column.levels))


def date_possible(view: StudyView, rule: Rule) -> Iterator[Tested]:
    """A date that is written like one is in the calendar: no 30 February, no 24:30."""
    for name in view.names:
        for variable in view.date_variables(name):
            column = view.text(name, variable)
            shaped = np.array([_is_shaped(str(level)) for level in column.levels] + [False])[column.codes]
            yield tested(name, variable, shaped, view.dates(name, variable).precision == Precision.TEXT)


def start_before_end(view: StudyView, rule: Rule) -> Iterator[Tested]:
    """A record does not end before it starts; of partial dates only what is certain counts."""
    for name in view.names:
        start, end = view.named(name, "STDTC"), view.named(name, "ENDTC")
        if start and end:
            first, last = view.dates(name, start), view.dates(name, end)
            both = ~np.isnan(first.day) & ~np.isnan(last.day)
            yield tested(name, end, both, certainly_after(first, last))


def subject_dates_in_order(view: StudyView, rule: Rule) -> Iterator[Tested]:
    """Dates of the subjects dataset follow each other as the parameter ``pairs`` says."""
    name = view.subjects_dataset
    if not name:
        return
    for first, second in cast(Sequence[Sequence[str]], rule.parameters["pairs"]):
        if first in view.dataset(name) and second in view.dataset(name):
            a, b = view.dates(name, first), view.dates(name, second)
            both = ~np.isnan(a.day) & ~np.isnan(b.day)
            yield tested(name, second, both, certainly_after(a, b))


def study_day_agrees(view: StudyView, rule: Rule) -> Iterator[Tested]:
    """--DY is what its date and RFSTDTC give: day 1 is the reference, the day before is -1."""
    if not view.has_mark("RFSTDTC"):
        return
    for name in view.names:
        if view.facts(name).kind is Kind.REFERENCE:
            continue
        reference = view.mark_of_rows(name, "RFSTDTC").full_day
        for date_suffix, day_suffix in _PAIRS:
            date, day = view.named(name, date_suffix), view.named(name, day_suffix)
            if date and day:
                expected = study_day(view.dates(name, date).full_day, reference)
                given = view.dataset(name).numbers(day)
                known = ~np.isnan(expected) & ~np.isnan(given)
                yield tested(name, day, known, expected != given)


def study_day_missing(view: StudyView, rule: Rule) -> Iterator[Tested]:
    """--DY has a value wherever its date and RFSTDTC are known to the day."""
    if not view.has_mark("RFSTDTC"):
        return
    for name in view.names:
        if view.facts(name).kind is Kind.REFERENCE:
            continue
        reference = view.mark_of_rows(name, "RFSTDTC").full_day
        for date_suffix, day_suffix in _PAIRS:
            date, day = view.named(name, date_suffix), view.named(name, day_suffix)
            if date and day:
                known = ~np.isnan(view.dates(name, date).full_day) & ~np.isnan(reference)
                yield tested(name, day, known, view.dataset(name)[day].missing)


def no_day_zero(view: StudyView, rule: Rule) -> Iterator[Tested]:
    """No study day is 0."""
    for name in view.names:
        for suffix in ("DY", "STDY", "ENDY"):
            if day := view.named(name, suffix):
                given = view.dataset(name).numbers(day)
                yield tested(name, day, ~np.isnan(given), given == 0)


def age_agrees(view: StudyView, rule: Rule) -> Iterator[Tested]:
    """AGE in years is the age at the reference start, at consent or at collection, from BRTHDTC."""
    name = view.subjects_dataset
    if not name or "AGE" not in view.dataset(name) or "BRTHDTC" not in view.dataset(name):
        return
    dataset = view.dataset(name)
    age = dataset.numbers("AGE")
    years = view.equals(name, "AGEU", "YEARS") if "AGEU" in dataset else np.ones(dataset.n_rows, bool)
    birth = view.dates(name, "BRTHDTC")
    known, agrees = np.zeros(dataset.n_rows, bool), np.zeros(dataset.n_rows, bool)
    slack = np.select([birth.precision == Precision.YEAR, birth.precision == Precision.MONTH], [366.0, 31.0], 0.0)
    for reference in ("RFSTDTC", "RFICDTC", "DMDTC", "RFXSTDTC"):
        if reference in dataset:
            elapsed = view.dates(name, reference).full_day - birth.day
            usable = ~np.isnan(elapsed) & ~np.isnan(age) & years
            low, high = (elapsed - slack - 1) / 365.25, (elapsed + 1) / 365.25
            agrees |= usable & (age >= np.floor(low)) & (age <= np.floor(high))
            known |= usable
    yield tested(name, "AGE", known, ~agrees)

"""Checks of visits: once each, in order of time, and the same in every dataset."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from replicator.heavy import pandas as pd
from replicator.profile.structure import Kind
from replicator.rules.grouping import Floats, Ints, repeats
from replicator.rules.rule import Rule
from replicator.rules.tested import Tested, tested
from replicator.rules.view import MINUTES, OBSERVATIONS, StudyView, earliest, latest
from replicator.tables.dataset import Text


def _schedule(view: StudyView) -> str:
    found = [name for name in view.of_kind(Kind.SCHEDULE) if _visit_variable(view, name)]
    return found[0] if found else ""


def _visit_variable(view: StudyView, name: str) -> str:
    return next((variable for variable in ("VISITNUM", "VISIT") if variable in view.dataset(name)), "")


def visit_once(view: StudyView, rule: Rule) -> Iterator[Tested]:
    """A subject has each visit once in the schedule."""
    name = _schedule(view)
    if name:
        variable = _visit_variable(view, name)
        number = view.codes(name, variable)
        yield tested(name, variable, (number >= 0) & (view.subject(name) >= 0), repeats(view.group(name, (variable,))))


def visits_in_order(view: StudyView, rule: Rule) -> Iterator[Tested]:
    """A subject's visits begin in the order of their numbers; one that certainly begins before the last lower one began fails."""
    name = _schedule(view)
    start = view.named(name, "STDTC") if name else ""
    if not start or "VISITNUM" not in view.dataset(name):
        return
    number, subject = view.dataset(name).numbers("VISITNUM"), view.subject(name)
    dates = view.dates(name, start)
    rows = np.flatnonzero(~np.isnan(number) & ~np.isnan(dates.day) & (subject >= 0))
    rows = rows[np.lexsort((number[rows], subject[rows]))]
    same = subject[rows][1:] == subject[rows][:-1]
    backwards = np.zeros(len(number), bool)
    backwards[rows[1:]] = same & (latest(dates)[rows[1:]] < earliest(dates)[rows[:-1]])
    applies = np.zeros(len(number), bool)
    applies[rows] = True
    yield tested(name, start, applies, backwards)


def _visit_keys(view: StudyView, schedule: str, name: str, variable: str) -> tuple[Ints, Ints]:
    """Return one integer for each subject and visit, comparable between the schedule and a dataset; -1 where either is missing."""
    columns = [view.dataset(schedule)[variable], view.dataset(name)[variable]]
    if all(isinstance(column, Text) for column in columns):
        texts = [view.text(which, variable) for which in (schedule, name)]
        index = pd.Index(pd.unique(pd.Series(np.concatenate([text.levels for text in texts]), dtype=object)), dtype=object)
        codes = [np.append(index.get_indexer(pd.Index(text.levels, dtype=object)), -1)[text.codes] for text in texts]
        width = len(index)
    else:
        numbers = [np.round(view.dataset(which).numbers(variable), 9) for which in (schedule, name)]
        together, levels = pd.factorize(np.concatenate(numbers))
        codes, width = [together[: len(numbers[0])], together[len(numbers[0]) :]], len(levels)
    subjects = [view.subject(which) for which in (schedule, name)]
    keys = [
        np.where((code >= 0) & (subject >= 0), subject * max(width, 1) + code, -1)
        for code, subject in zip(codes, subjects, strict=True)
    ]
    return keys[0].astype(np.int64), keys[1].astype(np.int64)


def _datasets_with_visits(view: StudyView, schedule: str) -> Iterator[tuple[str, str]]:
    for name in view.of_kind(*OBSERVATIONS):
        variable = next((v for v in ("VISITNUM", "VISIT") if v in view.dataset(name) and v in view.dataset(schedule)), "")
        if variable:
            yield name, variable


def visit_in_schedule(view: StudyView, rule: Rule) -> Iterator[Tested]:
    """A visit that another dataset names is in the schedule for that subject."""
    schedule = _schedule(view)
    for name, variable in _datasets_with_visits(view, schedule) if schedule else ():
        known, sought = _visit_keys(view, schedule, name, variable)
        yield tested(name, variable, sought >= 0, ~np.isin(sought, known))


def date_in_visit(view: StudyView, rule: Rule) -> Iterator[Tested]:
    """A finding is dated between the first start and the last end of its visit, as far as the schedule knows them."""
    schedule = _schedule(view)
    start, end = (view.named(schedule, suffix) if schedule else "" for suffix in ("STDTC", "ENDTC"))
    if not start:
        return
    opens = _start_of_day(earliest(view.dates(schedule, start)))
    closes = _end_of_day(latest(view.dates(schedule, end))) if end else np.full(len(opens), np.nan)
    for name, variable in _datasets_with_visits(view, schedule):
        date = view.named(name, "DTC")
        if not date or name not in view.of_kind(Kind.FINDINGS):
            continue
        known, sought = _visit_keys(view, schedule, name, variable)
        frame = (
            pd.DataFrame({"key": known, "opens": opens, "closes": closes})[known >= 0]
            .groupby("key")
            .agg({"opens": "min", "closes": "max"})
        )
        at = frame.index.get_indexer(pd.Index(sought))
        first, last = (np.append(frame[bound].to_numpy(np.float64), np.nan)[at] for bound in ("opens", "closes"))
        dates = view.dates(name, date)
        applies = ~np.isnan(dates.day) & ~np.isnan(first)
        yield tested(name, date, applies, (latest(dates) < first) | (earliest(dates) > last))


def _start_of_day(minutes: Floats) -> Floats:
    return np.floor(minutes / MINUTES) * MINUTES


def _end_of_day(minutes: Floats) -> Floats:
    return (np.floor(minutes / MINUTES) + 1) * MINUTES - 1e-3

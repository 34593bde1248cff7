"""Checks of visits: once each, in order of time, and the same in every dataset."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from replicator.distinct import numbered_keys
from replicator.heavy import pandas as pd
from replicator.profile.structure import Kind
from replicator.rules.grouping import Floats, Ints, repeats
from replicator.rules.rule import Rule
from replicator.rules.tested import Tested, tested
from replicator.rules.view import MINUTES, OBSERVATIONS, StudyView, earliest, latest
from replicator.tables.dataset import Numbers, Text


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
    columns = [view.dataset(which)[variable] for which in (schedule, name)]
    if all(isinstance(column, Text) for column in columns):
        coded: list[tuple[NDArray[np.integer], NDArray[Any]]] = [
            (one.codes, one.levels) for one in columns if isinstance(one, Text)
        ]
    else:
        numbers = [
            column if isinstance(column, Numbers) else Numbers(view.dataset(which).numbers(variable))
            for which, column in zip((schedule, name), columns, strict=True)
        ]
        coded = [(codes, levels.values) for codes, levels in (column.rounded.coded for column in numbers)]
    index = pd.Index(pd.unique(np.concatenate([levels for _, levels in coded])))
    visit = np.concatenate([np.append(index.get_indexer(levels), -1)[codes] for codes, levels in coded])
    subject = np.concatenate([view.subject(schedule), view.subject(name)])
    keys = np.where((visit >= 0) & (subject >= 0), numbered_keys([subject, visit]), -1)
    return keys[: len(coded[0][0])], keys[len(coded[0][0]) :]


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
        first, last = (np.full(max(known.max(initial=-1), sought.max(initial=-1)) + 2, np.nan) for _ in range(2))
        there = known >= 0
        np.fmin.at(first, known[there], opens[there])
        np.fmax.at(last, known[there], closes[there])
        first, last = first[sought], last[sought]  # the last place, of rows without a visit, stays empty
        dates = view.dates(name, date)
        applies = ~np.isnan(dates.day) & ~np.isnan(first)
        yield tested(name, date, applies, (latest(dates) < first) | (earliest(dates) > last))


def _start_of_day(minutes: Floats) -> Floats:
    return np.floor(minutes / MINUTES) * MINUTES


def _end_of_day(minutes: Floats) -> Floats:
    return (np.floor(minutes / MINUTES) + 1) * MINUTES - 1e-3

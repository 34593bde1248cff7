"""Checks of dates that lie near each other: of one row, or of a row and the visit that it names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import numpy as np

from replicator.heavy import pandas as pd
from replicator.profile.structure import Kind
from replicator.rules.grouping import Floats
from replicator.rules.rule import Rule
from replicator.rules.tested import Tested, tested
from replicator.rules.view import StudyView

VISIT = "VISITNUM"  # stands for the day on which the visit that a row names began


def days_apart(view: StudyView, name: str, first: str, second: str) -> Floats:
    """Days from one date to another (n_rows,), NaN unless both are known in full; :data:`VISIT` may be the second."""
    other = visit_days(view, name) if second == VISIT else view.dates(name, second).full_day
    return np.asarray(other - view.dates(name, first).full_day, np.float64)


def visit_days(view: StudyView, name: str) -> Floats:
    """Day on which the visit of each row began, as the schedule has it: (n_rows,), NaN where it does not."""
    nothing = np.full(view.dataset(name).n_rows, np.nan)
    schedule = next((one for one in view.of_kind(Kind.SCHEDULE) if VISIT in view.dataset(one)), "")
    start = view.named(schedule, "STDTC") if schedule else ""
    if not start or VISIT not in view.dataset(name):
        return nothing
    day = view.dates(schedule, start).full_day
    keys = pd.MultiIndex.from_arrays([view.subject(schedule), np.round(view.dataset(schedule).numbers(VISIT), 9)])
    known = np.isfinite(day) & np.isfinite(view.dataset(schedule).numbers(VISIT)) & (view.subject(schedule) >= 0)
    first = pd.Series(day, index=keys)[known].groupby(level=[0, 1]).min()
    wanted = pd.MultiIndex.from_arrays([view.subject(name), np.round(view.dataset(name).numbers(VISIT), 9)])
    return np.asarray(first.reindex(wanted), np.float64) if len(first) else nothing


def dates_near(view: StudyView, rule: Rule) -> Iterator[Tested]:
    """The dates ``first`` and ``second`` lie at most ``days`` apart."""
    name, first, second = rule.dataset, cast(str, rule.parameters["first"]), cast(str, rule.parameters["second"])
    if name in view.names and first in view.dataset(name) and second in view.dataset(name):
        apart = days_apart(view, name, first, second)
        yield tested(name, first, np.isfinite(apart), np.abs(apart) > cast(float, rule.parameters["days"]))

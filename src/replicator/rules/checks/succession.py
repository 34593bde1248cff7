"""Checks of rows that follow each other in a subject: elements that meet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import numpy as np

from replicator.rules.grouping import Floats
from replicator.rules.rule import Rule
from replicator.rules.tested import Tested, tested
from replicator.rules.view import StudyView


def days_between(view: StudyView, name: str) -> Floats:
    """Days from the end of a subject's row before to the start of each row (n_rows,); NaN for the first, and for unknown dates."""
    n, first, last = view.dataset(name).n_rows, view.named(name, "STDTC"), view.named(name, "ENDTC")
    out = np.full(n, np.nan)
    if not first or not last:
        return out
    start, end, subject = view.dates(name, first).full_day, view.dates(name, last).full_day, view.subject(name)
    order = np.lexsort((np.nan_to_num(end, nan=np.inf), np.nan_to_num(start, nan=np.inf), subject))
    before, after = order[:-1], order[1:]
    same = (subject[before] == subject[after]) & (subject[after] >= 0)
    out[after[same]] = start[after[same]] - end[before[same]]
    return out


def rows_meet(view: StudyView, rule: Rule) -> Iterator[Tested]:
    """A row begins ``days`` after the one before it has ended, where both dates are known in full."""
    if rule.dataset in view.names and (start := view.named(rule.dataset, "STDTC")):
        between = days_between(view, rule.dataset)
        yield tested(rule.dataset, start, np.isfinite(between), between != cast(float, rule.parameters["days"]))

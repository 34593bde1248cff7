"""Learn orders of dates: within a row, and between a row and the dates of its subject."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations

import numpy as np

from replicator.profile.date_bounds import is_bound
from replicator.rules.checks.learned import dates_of
from replicator.rules.grouping import Floats, Ints
from replicator.rules.rule import Origin, Rule
from replicator.rules.view import StudyView, certainly_after
from replicator.tables.dates import Dates

FEWEST = 20  # subjects on whom an order must have been seen


def learn_orders(view: StudyView, name: str, k: int) -> Iterator[Rule]:
    """Yield candidates for the orders that the dates of one dataset keep."""
    own = list(view.date_variables(name))
    home = view.subjects_dataset
    marks = [f"{home}.{v}" for v in view.date_variables(home) if view.has_mark(v)] if home and home != name else []
    pairs = [
        *permutations(own, 2),
        *((mark, date) for mark in marks for date in own),
        *((date, mark) for mark in marks for date in own),
    ]
    for first, second in pairs:
        a, b = dates_of(view, name, first), dates_of(view, name, second)
        both = ~np.isnan(a.day) & ~np.isnan(b.day) & (view.subject(name) >= 0)
        if not certainly_after(a, b)[both].any() and _is_bound(a, b, both, view.subject(name), k):
            yield Rule(
                "SRC-ORDER",
                "date_order",
                f"{first} lies after {second}; in the source it never does",
                "Correct the dates.",
                origin=Origin.SOURCE,
                dataset=name,
                detail=f"{first} <= {second}",
                parameters={"first": first, "second": second},
            )


def _is_bound(a: Dates, b: Dates, both: np.ndarray[tuple[int], np.dtype[np.bool_]], subject: Ints, k: int) -> bool:
    """Tell whether an order is a bound and not just never broken by chance, by the narrowest gap of each subject."""
    rows = np.flatnonzero(both & a.full & b.full)
    subjects, inverse = np.unique(subject[rows], return_inverse=True)
    if len(subjects) < max(FEWEST, k):
        return False
    gap: Floats = np.full(len(subjects), np.inf)
    np.minimum.at(gap, inverse, b.day[rows] - a.day[rows])
    return is_bound(gap, k)

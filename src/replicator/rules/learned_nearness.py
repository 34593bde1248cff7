"""Learn which dates lie near each other: those of a subject, and those of a row and the visit that it names."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from replicator.profile.structure import Kind
from replicator.rules.checks.nearness import VISIT, days_apart
from replicator.rules.rule import Origin, Rule
from replicator.rules.view import StudyView

FEWEST = 20  # subjects in whom dates must have been near
SAME = 0.9  # share of dates that are on one day, give or take one
STEPS = (1, 7, 14)  # days; the least that nobody exceeds is shown, which is nobody's number
DEATH = "DTHDTC"  # of k dead: deaths are few, and what all of them end with is mostly so by its definition


def learn_nearness(view: StudyView, name: str, k: int) -> Iterator[Rule]:
    """Yield candidates for the dates of one dataset that are near each other."""
    own = list(view.date_variables(name))
    if name == view.subjects_dataset:
        pairs = list(combinations(sorted(own, key=lambda one: one != DEATH), 2))
    elif VISIT in view.dataset(name) and name not in view.of_kind(Kind.FINDINGS, Kind.SCHEDULE):
        pairs = [(one, VISIT) for one in own if not one.endswith("ENDTC")]
    else:
        pairs = []
    for first, second in pairs:
        apart = np.abs(days_apart(view, name, first, second))
        seen = np.isfinite(apart) & (view.subject(name) >= 0)
        people = len(np.unique(view.subject(name)[seen]))
        if people < (k if first == DEATH else max(FEWEST, k)) or float((apart[seen] <= 1).mean()) < SAME:
            continue
        days = next((step for step in STEPS if apart[seen].max() <= step), None)
        if days is not None:
            what = "the visit that the row names" if second == VISIT else second
            yield Rule(
                "SRC-NEAR",
                "dates_near",
                f"{first} lies more than {days} days from {what}; in the source it never does",
                "Correct the dates.",
                origin=Origin.SOURCE,
                dataset=name,
                detail=f"{first} ~ {second}",
                parameters={"first": first, "second": second, "days": days},
            )

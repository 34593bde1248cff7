"""Learn in which datasets of states the rows of a subject follow each other without a gap, as elements do."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from replicator.profile.structure import Kind
from replicator.rules.checks.succession import days_between
from replicator.rules.rule import Origin, Rule
from replicator.rules.view import StudyView

FEWEST = 20  # subjects who must have a row after another
MEET = (0.0, 1.0)  # days by which rows meet: the day of the end is the next row's first, or the day before it


def learn_succession(view: StudyView, name: str, k: int) -> Iterator[Rule]:
    """Yield a candidate for a dataset of states each of whose rows begins on, or the day after, the end of the one before."""
    if view.facts(name).kind is not Kind.STATES:
        return
    between = days_between(view, name)
    known = np.isfinite(between)
    subject = view.subject(name)[known]
    if len(np.unique(subject[subject >= 0])) < max(FEWEST, k):
        return
    for days in MEET:
        if (between[known] == days).all():
            yield Rule(
                "SRC-NEXT",
                "rows_meet",
                f"a row does not begin {'on the day' if not days else 'on the day after the one'} on which the row before it ends",
                "Correct the dates, or add the row that is missing.",
                origin=Origin.SOURCE,
                dataset=name,
                variable=view.named(name, "STDTC"),
                parameters={"days": days},
            )

"""What dates of rows may follow: the anchor, marks, the visit that the row names, and rows of earlier sequences."""

from __future__ import annotations

from collections.abc import Container, Mapping

import numpy as np
from numpy.typing import NDArray

from replicator.study_model.columns.codes import count_subjects
from replicator.study_model.columns.dated import DateGiven
from replicator.study_model.spine import Spine
from replicator.study_model.visits.days import visit_day

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

DELTAS = (0, 1, -1)  # days by which a date follows another
BETTER = 1.05  # times as many subjects as follow anything else must follow a row of an earlier sequence


def days_known(spine: Spine, subject: NDArray[np.int32], number: Floats) -> dict[str, Floats]:
    """Days that any date may hang on: the anchor, the marks, and the visit of the row's number."""
    marks = {name: day[subject] for name, day in spine.marks.items()}
    return {"ANCHOR": spine.anchor[subject]} | marks | {"VISIT": visit_day(spine, subject, number)}


def told_apart(
    day: Floats, told: Mapping[str, Floats], others: Mapping[str, Floats], subject: NDArray[np.int32], code: Ints, k: int
) -> dict[str, Floats]:
    """Days of rows of earlier sequences that tell of some tuple's dates what nothing else does: those that most rows of it follow.

    A sample's rows are drawn, as its marks are; what the source's rows and its marks say alike hangs on the marks.
    """
    if not told or not len(code):
        return {}
    n_codes = int(code.max()) + 1

    def follow(reference: Floats) -> Ints:
        rows = [np.where(day == reference + delta, code, -1) for delta in DELTAS]
        return np.asarray(np.max([count_subjects(one, subject, n_codes) for one in rows], axis=0), np.int64)

    least = np.max([follow(reference) for reference in others.values()], axis=0, initial=0)
    names = sorted(told, reverse=True)  # turns of what is said before rows
    people = np.array([follow(told[name]) for name in names])
    best, most = people.argmax(axis=0), people.max(axis=0)
    wins = (most >= k) & (most > BETTER * least)
    return {names[at]: told[names[at]] for at in np.unique(best[wins]).tolist()}


def follows(model: DateGiven, state: Ints, names: Container[str]) -> NDArray[np.bool_]:
    """Whether rows (n_rows,), by what their dates follow, follow one of these."""
    return np.array([*(name in names for name in model.references[: len(model.deltas)]), False], bool)[state]

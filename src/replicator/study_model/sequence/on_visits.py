"""Which dates of rows are days of visits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from replicator.study_model.columns.codes import count_subjects
from replicator.study_model.columns.dated import DateGiven
from replicator.study_model.spine import Spine
from replicator.study_model.visits.days import nearest_visit_day

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SEVERAL = 0.05  # share of all dates that those of a tuple off the visits are, from which its own share counts
ON_VISITS = 0.9  # share of dates on a visit's day from which all of a tuple are put there


def fall_on_visits(day: Floats, spine: Spine, subject: NDArray[np.int32], cell: Ints, k: int) -> NDArray[np.bool_]:
    """Whether days of rows (n_rows,) are days of visits, by cell of rows, and last of all rows together: (n_cells + 1,).

    A cell is no other than the rest because of few rows, and not most of its own, that are off their visits.
    """
    n_cells = int(cell.max(initial=-1)) + 1
    known = np.flatnonzero(np.isfinite(day))
    if not len(known) or not len(spine.visits.day):
        return np.zeros(n_cells + 1, bool)
    there = nearest_visit_day(spine, subject[known], day[known]) == day[known]
    rows = np.bincount(cell[known], minlength=n_cells)
    share = np.bincount(cell[known], there, minlength=n_cells) / np.maximum(rows, 1)
    overall = float(there.mean())
    enough = count_subjects(cell[known], subject[known], n_cells) >= k
    many = np.bincount(cell[known], ~there, minlength=n_cells) > SEVERAL * len(known)
    return np.append(np.where(enough & (many | (share < 0.5)), share, overall), overall) >= ON_VISITS


def on_another_visit(model: DateGiven | None, spine: Spine, subject: NDArray[np.int32], day: Floats) -> Floats:
    """Days of visits (n_rows,) of rows that follow no mark: on a visit on the day of a mark that others follow is none of them.

    They go to the subject's nearest other visit, if it has another one.
    """
    if model is None or not len(subject):
        return day
    visits = spine.visits
    taken = np.zeros(len(visits.day), bool)
    for name, delta in zip(model.references, model.deltas, strict=False):
        if name in spine.marks:
            taken |= np.floor(visits.day) == np.floor(spine.marks[name])[visits.subject] + delta
    left = visits.take(~taken)
    return np.where(np.isin(subject, left.subject), nearest_visit_day(replace(spine, visits=left), subject, day), day)

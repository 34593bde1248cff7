"""How long the rows of a sequence last, at most and at least: an element that nobody stays in for over a month ends within it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.models.marginals import QuantileMarginal
from replicator.study_model.columns.codes import count_subjects
from replicator.study_model.spine import Spine
from replicator.study_model.visits.days import last_visit_day

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Bounds:
    """Most days that rows of each tuple last.

    Attributes
    ----------
    most : (n_states,) float64
        Where the tail of what at least k subjects show ends, in whole days; infinite where fewer show anything.
    """

    kind: ClassVar[str] = "sequence bounds"

    most: Floats

    @classmethod
    def fit(cls, days: Floats, code: Ints, subject: NDArray[np.int32], k: int) -> Bounds:
        """Learn from the days (n_rows,) that rows last, NaN where that is not known, and their tuples and subjects."""
        most = np.full(int(code.max(initial=-1)) + 1, np.inf)
        for state in np.unique(code).tolist():
            rows = code == state
            found = QuantileMarginal.fit(days[rows], subject[rows], k=k, decimals=0)
            most[state] = np.floor(found.ceiling) if found.n else np.inf
        return cls(most)

    def hold(
        self, day: Floats, since: Floats, code: Ints, fixed: NDArray[np.bool_], spine: Spine, subject: NDArray[np.int32]
    ) -> Floats:
        """Put days that come too late on the last visit in time, or on the last day in time.

        Parameters
        ----------
        day, since : (n_rows,) float64
            Day until which a row lasts, and since when.
        code : (n_rows,) int64
            Its tuple.
        fixed : (n_rows,) bool
            Days that stay, whenever they are: those of the visits that rows name, and of rows of earlier datasets.
        spine : Spine
        subject : (n_rows,) int32
        """
        limit = since + np.append(self.most, np.inf)[np.minimum(code, len(self.most))]
        rows = np.flatnonzero((day > limit) & ~fixed)
        visit = last_visit_day(spine, subject[rows], limit[rows])
        out = day.copy()
        out[rows] = np.where(visit > since[rows], visit, limit[rows])
        return out


def find_lasting(length: Floats, code: Ints, subject: NDArray[np.int32], k: int) -> NDArray[np.bool_]:
    """Whether all rows of a tuple, those of at least `k` subjects, last longer than to the end of their first day: (n_states,)."""
    n_states = int(code.max(initial=-1)) + 1
    brief = np.bincount(code[length <= 0], minlength=n_states) > 0
    return np.asarray((count_subjects(np.where(length > 0, code, -1), subject, n_states) >= k) & ~brief, np.bool_)

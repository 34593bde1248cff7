"""How near a death each occasion is: results change before it, and of few deaths none is on its day."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from replicator.study_model.findings.grid import Grid
from replicator.study_model.marks.names import death_day
from replicator.study_model.spine import Spine

Codes = NDArray[np.intp]

N_ENDINGS = 4  # the last three occasions of those who died, each told apart, and all others


def few_died(spine: Spine, k: int) -> bool:
    """Whether some subjects died, but fewer than `k`: what was measured on the day of their death is not kept."""
    return 0 < int(np.isfinite(death_day(spine)).sum()) < k


def before_death(grid: Grid, spine: Spine) -> Grid:
    """Leave out occasions on the day of a death, and after it."""
    return grid.take(~(grid.day >= death_day(spine)[grid.subject]))


def endings(subject: Codes, spine: Spine) -> Codes:
    """Class of each occasion (n_occasions,), of `subject` not decreasing, of `N_ENDINGS`.

    The last occasion of a subject who died, the one before it and so on; then all that are earlier, or of those who live.
    """
    if not len(subject):
        return np.empty(0, np.intp)
    after = np.searchsorted(subject, subject, side="right") - 1 - np.arange(len(subject))
    died = np.isfinite(death_day(spine))[subject]
    return np.where(died, np.minimum(after, N_ENDINGS - 1), N_ENDINGS - 1).astype(np.intp)

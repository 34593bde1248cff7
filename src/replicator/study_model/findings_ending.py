"""How near a death each occasion is: results change before it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from replicator.study_model.marks import death_day
from replicator.study_model.spine import Spine

Codes = NDArray[np.intp]

N_ENDINGS = 4  # the last three occasions of those who died, each told apart, and all others


def endings(subject: Codes, spine: Spine) -> Codes:
    """Class of each occasion (n_occasions,), of `subject` not decreasing, of `N_ENDINGS`.

    The last occasion of a subject who died, the one before it and so on; then all that are earlier, or of those who live.
    """
    if not len(subject):
        return np.empty(0, np.intp)
    after = np.searchsorted(subject, subject, side="right") - 1 - np.arange(len(subject))
    died = np.isfinite(death_day(spine))[subject]
    return np.where(died, np.minimum(after, N_ENDINGS - 1), N_ENDINGS - 1).astype(np.intp)

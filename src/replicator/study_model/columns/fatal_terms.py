"""Terms that say that somebody died."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FATAL = ("DEATH", "DIED", "DEAD", "FATAL")


def fatal_rows(texts: NDArray[np.object_]) -> NDArray[np.bool_]:
    """Whether a text is the standard's word for death: (n_rows,)."""
    return np.isin(texts, FATAL)

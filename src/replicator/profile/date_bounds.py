"""Whether one date bounds another, or just never passed it by chance."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

WEEK = 7.0  # days
NEARBY = 10  # subjects within a week of a date that is no bound: that none of as many passes it has a chance of 1 in 1,000


def is_bound(gap: Floats, k: int) -> bool:
    """Tell whether a date that nobody passes is a bound.

    Parameters
    ----------
    gap : (n_subjects,) float64
        Days from the first to the second date, the narrowest of each subject; none is below 0.
    k : int
        Fewest subjects by whom a bound is told.

    Notes
    -----
    It is one if at least `k` subjects touch it (gap 0), if `NEARBY` come within a week of it (sign test: without a bound about as
    many would lie within a week beyond it), or if nobody comes near: the narrowest of all gaps is wider than half of their
    interquartile range.
    """
    if (gap == 0).sum() >= k or (gap <= WEEK).sum() >= max(NEARBY, k):
        return True
    low, high = np.quantile(gap, [0.25, 0.75])
    return bool(gap.min() > 0.5 * max(float(high - low), 1.0))

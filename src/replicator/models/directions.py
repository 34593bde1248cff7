"""Directions whose sign is arbitrary, such as eigenvectors, given the one sign that equal data always give."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

CLEAR = 0.5  # share of the largest element from which on an element decides


def with_fixed_signs(directions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn each column of (p, d) so that the first of its elements that are clearly not zero is positive.

    The largest element would not do: of two that are equal but for their sign, as of what excludes each other, the last bits
    would decide.

    Examples
    --------
    >>> with_fixed_signs(np.array([[0.1, -0.7], [-0.7, 0.7], [0.7, 0.0]])).tolist()
    [[-0.1, 0.7], [0.7, -0.7], [-0.7, -0.0]]
    """
    if not directions.size:
        return directions
    size = np.abs(directions)
    first = (size >= CLEAR * size.max(axis=0)).argmax(axis=0)
    return directions * np.where(directions[first, np.arange(directions.shape[1])] < 0, -1.0, 1.0)

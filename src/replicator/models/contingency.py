"""Counts of two codes against each other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def contingency_table(
    left: NDArray[np.integer] | NDArray[np.bool_], right: NDArray[np.integer] | NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Count the rows with each value of `left` and each of `right`.

    Parameters
    ----------
    left, right : (n,) int or bool
        Any values; those that occur make the rows and the columns, in rising order.

    Returns
    -------
    (n_left, n_right) float64

    Examples
    --------
    >>> contingency_table(np.array([3, -1, 3]), np.array([True, True, False]))
    array([[0., 1.],
           [1., 1.]])
    """
    rows, row = np.unique(left, return_inverse=True)
    columns, column = np.unique(right, return_inverse=True)
    counts = np.bincount(row * len(columns) + column, minlength=len(rows) * len(columns))
    return counts.reshape(len(rows), len(columns)).astype(np.float64)

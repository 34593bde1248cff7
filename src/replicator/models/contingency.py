"""Counts of two codes against each other, and how closely the two go together."""

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


def cramers_v(left: NDArray[np.integer], right: NDArray[np.integer]) -> float:
    """Measure the association of two categories, 0 to 1, corrected for chance.

    Parameters
    ----------
    left, right : (n,) int

    References
    ----------
    Bergsma W (2013). A bias-correction for Cramer's V and Tschuprow's T. Journal of the Korean Statistical Society 42, 323-328.

    Examples
    --------
    >>> cramers_v(np.repeat([0, 1], 50), np.repeat([5, 7], 50)), cramers_v(np.repeat([0, 1], 50), np.tile([5, 7], 50))
    (1.0, 0.0)
    """
    table = contingency_table(left, right)
    n, (r, c) = table.sum(), table.shape
    if min(r, c) < 2 or n < 2:
        return 0.0
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / n
    phi = max(0.0, float(((table - expected) ** 2 / expected).sum()) / n - (r - 1) * (c - 1) / (n - 1))
    rows, columns = r - (r - 1) ** 2 / (n - 1), c - (c - 1) ** 2 / (n - 1)
    smaller = min(rows - 1, columns - 1)
    return float(np.sqrt(phi / smaller)) if smaller > 0 else 0.0


def uncertainty(left: NDArray[np.integer], right: NDArray[np.integer]) -> float:
    r"""Measure the share of the entropy of `left` that `right` takes away, 0 to 1, corrected for chance.

    Parameters
    ----------
    left, right : (n,) int

    Notes
    -----
    :math:`(I - (r - 1)(c - 1) / 2n) / H`, with the mutual information *I* and the entropy *H* of the shares (Theil's uncertainty
    coefficient), less the mean of *I* between independent categories (Miller 1955; twice *n I* is then a chi-square).

    Examples
    --------
    >>> round(uncertainty(np.repeat([0, 1], 50), np.repeat([5, 7], 50)), 2)
    0.99
    >>> uncertainty(np.repeat([0, 1], 50), np.tile([5, 7], 50))
    0.0
    """
    table = contingency_table(left, right)
    n, (r, c) = table.sum(), table.shape
    if r < 2 or n < 2:
        return 0.0
    share = table / n
    of_left, of_right = share.sum(axis=1), share.sum(axis=0)
    entropy = -float((of_left * np.log(of_left)).sum())
    filled = share > 0
    told = float((share[filled] * np.log((share / np.outer(of_left, of_right))[filled])).sum())
    return max(0.0, told - float((r - 1) * (c - 1) / (2 * n))) / entropy

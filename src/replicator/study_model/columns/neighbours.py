"""Rows of subjects in order: the row before, the row after, the rank."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Neighbours:
    """Neighbourhood of rows that are sorted by subject.

    Parameters
    ----------
    subject : (n_rows,) int32
        Ascending.

    Attributes
    ----------
    first, last : (n_rows,) bool
        Whether a row is its subject's first or last.
    rank : (n_rows,) int64
        Rows of the subject before it.
    most : int
        Most rows of a subject.
    """

    def __init__(self, subject: NDArray[np.int32]) -> None:
        self.n = len(subject)
        new = np.ones(self.n, bool)
        new[1:] = subject[1:] != subject[:-1]
        self.first = new
        begin = np.maximum.accumulate(np.where(new, np.arange(self.n), 0)) if self.n else np.empty(0, np.intp)
        self.rank = np.arange(self.n) - begin
        self.most = int(self.rank.max(initial=-1)) + 1
        self.last = np.append(new[1:], True) if self.n else np.empty(0, bool)

    def next(self, value: Floats) -> Floats:
        """Value of the subject's next row, NaN at the last: (n_rows,)."""
        return np.where(self.last, np.nan, np.append(value[1:], np.nan)) if self.n else value

    def before(self, value: Floats) -> Floats:
        """Value of the subject's row before, NaN at the first: (n_rows,)."""
        return np.where(self.first, np.nan, np.append(np.nan, value[:-1])) if self.n else value

    def running_max(self, value: Floats) -> Floats:
        """Cumulated maximum within the subject (n_rows,); NaN stays NaN."""
        out = value.copy()
        for rank in range(1, self.most):
            rows = np.flatnonzero(self.rank == rank)
            out[rows] = np.fmax(out[rows], out[rows - 1]) + 0 * value[rows]
        return out

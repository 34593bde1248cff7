"""How many rows have each combination of some keys: what depends on these alone is decided for each of them, not for each row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from replicator.distinct import numbered_keys
from replicator.rules.grouping import Ints, Mask


@dataclass(frozen=True, eq=False)
class Tally:
    """The different combinations of the keys of rows.

    Attributes
    ----------
    number : (n_rows,) int64
        Number of each row's combination; there are numbers that no row has.
    found : (n,) int64
        The numbers that rows have, ascending.
    rows : (n,) intp
        A row that has each.
    counts : (n,) int64
        How many rows have each.
    """

    number: Ints
    found: Ints
    rows: NDArray[np.intp]
    counts: Ints

    @classmethod
    def of(cls, keys: Sequence[NDArray[np.integer]]) -> Tally:
        """Count the rows of keys (n_rows,), of which there is one at least."""
        number = numbered_keys(keys)
        count = np.bincount(number)
        found = np.flatnonzero(count)
        row = np.empty(len(count), np.intp)
        row[number] = np.arange(len(number))
        return cls(number, found, row[found], count[found])

    def rows_of(self, chosen: Mask) -> NDArray[np.intp]:
        """Rows, in their order, that have one of the combinations chosen by a mask (n,)."""
        if not chosen.any():
            return np.empty(0, np.intp)
        marked = np.zeros(int(self.found[-1]) + 1, bool)
        marked[self.found[chosen]] = True
        return np.flatnonzero(marked[self.number])

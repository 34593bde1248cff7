"""Days from a base, by the kind of occasion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.models.marginals import QuantileMarginal

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class DayOffsets:
    """Days from a base, by the kind of occasion.

    Attributes
    ----------
    own : (n_cells,) int64
        Position of a cell's marginal; the pooled one is last.
    marginals : tuple of QuantileMarginal
        Whole days.
    """

    kind: ClassVar[str] = "day offsets"

    own: NDArray[np.int64]
    marginals: tuple[QuantileMarginal, ...]

    @classmethod
    def fit(cls, offset: Floats, cell: Codes, subject: Codes, n_cells: int, k: int) -> DayOffsets:
        """Learn from offsets; NaN are left out."""
        seen = np.isfinite(offset)
        own = np.full(n_cells, -1, np.int64)
        marginals: list[QuantileMarginal] = []
        for c in range(n_cells):
            mine = seen & (cell == c)
            if len(np.unique(subject[mine])) >= 2 * k:
                own[c] = len(marginals)
                marginals.append(QuantileMarginal.fit(offset[mine], subject[mine], k=k, decimals=0))
        same, off = np.unique(subject[seen & (offset == 0)]), np.unique(subject[seen & (offset != 0)])
        if len(off) < k <= len(same):  # no day but the base's own is that of enough subjects
            seen = seen & (offset == 0)
        marginals.append(QuantileMarginal.fit(offset[seen], subject[seen], k=k, decimals=0))
        return cls(np.where(own < 0, len(marginals) - 1, own), tuple(marginals))

    def sample(self, cell: Codes, rng: np.random.Generator) -> Floats:
        """Draw days: (n,) float64."""
        u, out = rng.random(len(cell)), np.zeros(len(cell))
        which = self.own[cell]
        for i in np.unique(which).tolist():
            rows = which == i
            if self.marginals[i].n:
                out[rows] = self.marginals[i].quantile(u[rows])
        return out

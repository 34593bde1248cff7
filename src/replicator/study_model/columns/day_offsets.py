"""Days from a base, by the kind of occasion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.models.nested_marginals import NestedMarginals

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class DayOffsets:
    """Days from a base, by the kind of occasion.

    Attributes
    ----------
    days : NestedMarginals
        Whole days, of all and of each kind that 2k subjects have.
    """

    kind: ClassVar[str] = "day offsets"

    days: NestedMarginals

    @classmethod
    def fit(cls, offset: Floats, cell: Codes, subject: Codes, k: int) -> DayOffsets:
        """Learn from offsets (n,) by the kind (n,) of their occasion; NaN are left out."""
        seen = np.isfinite(offset)
        same, off = np.unique(subject[seen & (offset == 0)]), np.unique(subject[seen & (offset != 0)])
        if len(off) < k <= len(same):  # no day but the base's own is that of enough subjects
            seen &= offset == 0
        return cls(NestedMarginals.fit(offset[seen], [cell[seen]], subject[seen], k=k, least=2 * k, decimals=0))

    def middle(self, cell: Codes) -> Floats:
        """Median day of each occasion by its kind: (n,) float64, 0 where nothing is known."""
        return np.nan_to_num(self.days.quantile([cell], np.full(len(cell), 0.5)))

    def sample(self, cell: Codes, rng: np.random.Generator) -> Floats:
        """Draw days: (n,) float64, 0 where nothing is known."""
        return np.nan_to_num(self.days.quantile([cell], rng.random(len(cell))))

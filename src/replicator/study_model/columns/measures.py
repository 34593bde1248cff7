"""Numbers with many values: whether they are there, and a marginal for each common value of the first condition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.distinct import distinct_values
from replicator.models.backoff import BackoffTable, Codes
from replicator.models.marginals import QuantileMarginal


@dataclass(frozen=True, eq=False)
class Measure:
    """A number with many values: whether it is there, and a marginal for each common value of the first condition."""

    kind: ClassVar[str] = "measure"

    name: str
    present: BackoffTable
    cells: tuple[int, ...]
    marginals: tuple[QuantileMarginal, ...]
    pooled: QuantileMarginal

    @classmethod
    def fit(cls, name: str, values: NDArray[np.float64], given: Sequence[Codes], subject: NDArray[np.int32], k: int) -> Measure:
        """Learn a number (n_rows,), NaN where there is none, given conditions (n_rows,)."""
        decimals = count_decimals(values)
        seen = ~np.isnan(values)
        present = BackoffTable.fit(seen.astype(np.int64), given, subject, k=k)
        cells: list[int] = []
        marginals = []
        if given:
            first = np.asarray(given[0])
            for cell in distinct_values(first[seen]).tolist():
                mine = seen & (first == cell)
                if len(distinct_values(subject[mine])) >= 4 * k:
                    cells.append(int(cell))
                    marginals.append(QuantileMarginal.fit(values[mine], subject[mine], k=k, decimals=decimals))
        pooled = QuantileMarginal.fit(values[seen], subject[seen], k=k, decimals=decimals)
        return cls(name, present, tuple(cells), tuple(marginals), pooled)

    def sample(self, given: Sequence[Codes], rng: np.random.Generator, n: int) -> NDArray[np.float64]:
        """Draw the numbers of `n` rows, NaN where there is none."""
        u = rng.random(n)
        values = self.pooled.quantile(u)
        for cell, marginal in zip(self.cells, self.marginals, strict=True):
            mine = np.asarray(given[0]) == cell
            values[mine] = marginal.quantile(u[mine])
        return np.where(self.present.sample(given, rng, n) > 0, values, np.nan)


def count_decimals(values: NDArray[np.float64], most: int = 6) -> int | None:
    """Fewest decimals that write every value within float noise; None if more than `most` are needed."""
    x = values[np.isfinite(values)]
    for decimals in range(most + 1):
        if np.allclose(x, np.round(x, decimals), rtol=1e-9, atol=1e-9):
            return decimals
    return None

"""Numbers with many values: whether they are there, and which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.models.backoff import BackoffTable, Codes
from replicator.models.nested_marginals import NestedMarginals


@dataclass(frozen=True, eq=False)
class Measure:
    """A number with many values.

    Attributes
    ----------
    name : str
    present : BackoffTable
        Whether it is there.
    values : NestedMarginals
        The number, of all and of each value of the first condition that 4k subjects have.
    """

    kind: ClassVar[str] = "measure"

    name: str
    present: BackoffTable
    values: NestedMarginals

    @classmethod
    def fit(cls, name: str, values: NDArray[np.float64], given: Sequence[Codes], subject: NDArray[np.int32], k: int) -> Measure:
        """Learn a number (n_rows,), NaN where there is none, given conditions (n_rows,)."""
        seen = ~np.isnan(values)
        present = BackoffTable.fit(seen.astype(np.int64), given, subject, k=k)
        first = [np.asarray(one, np.int64)[seen] for one in given[:1]]
        decimals = count_decimals(values)
        marginals = NestedMarginals.fit(values[seen], first, subject[seen], k=k, least=4 * k, decimals=decimals)
        return cls(name, present, marginals)

    def sample(self, given: Sequence[Codes], rng: np.random.Generator, n: int) -> NDArray[np.float64]:
        """Draw the numbers of `n` rows, NaN where there is none."""
        values = self.values.quantile([np.asarray(one, np.int64) for one in given[:1]], rng.random(n))
        return np.where(self.present.sample(given, rng, n) > 0, values, np.nan)


def count_decimals(values: NDArray[np.float64], most: int = 6) -> int | None:
    """Fewest decimals that write every value within float noise; None if more than `most` are needed."""
    x = values[np.isfinite(values)]
    for decimals in range(most + 1):
        if np.allclose(x, np.round(x, decimals), rtol=1e-9, atol=1e-9):
            return decimals
    return None

"""Several categories of a row, drawn one after the other, each given those before it that tell most about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.models.conditional import Codes, ConditionalTable

MOST_PARENTS = 4
LEAST_GAIN = 0.004  # nats by which a further condition must lower the corrected conditional entropy


@dataclass(frozen=True, eq=False)
class ConditionalChain:
    r"""A directed model of categories.

    Attributes
    ----------
    order : (n_columns,) int64
        Columns in the order in which they are drawn.
    parents : tuple of (n_parents,) int64 arrays
        Conditions of each column of `order`, the most telling first: positions among the outer conditions, then (counted on)
        among the columns.
    tables : tuple of ConditionalTable
        One a column of `order`.

    Notes
    -----
    Conditions are chosen greedily by the conditional entropy
    :math:`\hat H(Y, X) - \hat H(X) + (m_{XY} - m_X)/n`, where the last term, twice the correction of Miller (1955), charges for
    the number *m* of cells; *n* is the number of rows.
    """

    kind: ClassVar[str] = "conditional chain"

    order: NDArray[np.int64]
    parents: tuple[NDArray[np.int64], ...]
    tables: tuple[ConditionalTable, ...]

    @classmethod
    def fit(cls, columns: Sequence[Codes], given: Sequence[Codes], subject: Codes, *, k: int = 5) -> ConditionalChain:
        """Learn from rows.

        Parameters
        ----------
        columns : sequence of (n,) int
            Codes, -1 is missing.
        given : sequence of (n,) int
            Outer conditions.
        subject : (n,) int
            Whose row it is.
        k : int
            As in :class:`ConditionalTable`.
        """
        n = len(subject)
        entropy = [_entropy(np.asarray(column, np.int64), n)[0] for column in columns]
        order = np.argsort(-np.array(entropy), kind="stable").astype(np.int64) if len(columns) else np.empty(0, np.int64)
        pool = [np.asarray(codes, np.int64) for codes in given]
        names = list(range(len(given)))
        parents, tables = [], []
        for j in order.tolist():
            target = np.asarray(columns[j], np.int64)
            chosen = _choose(target, pool, entropy[j])
            parents.append(np.array([names[c] for c in chosen], np.int64))
            tables.append(ConditionalTable.fit(target, [pool[c] for c in chosen], subject, k=k))
            pool.append(target)
            names.append(len(given) + j)
        return cls(order, tuple(parents), tuple(tables))

    def sample(
        self, given: Sequence[Codes], rng: np.random.Generator, n: int, subject: Codes | None = None
    ) -> list[NDArray[np.int32]]:
        """Draw all columns of `n` rows, in the order in which they were given to :meth:`fit`; rows of a subject persist."""
        out: dict[int, NDArray[np.int32]] = {}
        for j, parents, table in zip(self.order.tolist(), self.parents, self.tables, strict=True):
            conditions: list[Codes] = [given[p] if p < len(given) else out[p - len(given)] for p in parents.tolist()]
            out[j] = table.sample(conditions, rng, n, subject)
        return [out[j] for j in range(len(out))]


def _choose(target: NDArray[np.int64], pool: Sequence[NDArray[np.int64]], entropy: float) -> list[int]:
    """Conditions among `pool`, greedily."""
    n = len(target)
    chosen: list[int] = []
    cell = np.zeros(n, np.int64)
    best = entropy
    if not n or entropy <= 0:
        return chosen
    while len(chosen) < MOST_PARENTS:
        trials = []
        for c in range(len(pool)):
            if c in chosen:
                continue
            joined = _join(cell, pool[c])
            h_x, m_x = _entropy(joined, n)
            h_xy, m_xy = _entropy(_join(joined, target), n)
            trials.append((h_xy - h_x + (m_xy - m_x) / n, c))
        if not trials:
            break
        value, c = min(trials)
        if value > best - LEAST_GAIN:
            break
        best, cell = value, _join(cell, pool[c])
        chosen.append(c)
    return chosen


def _join(cell: NDArray[np.int64], codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number the combinations of two codes without gaps."""
    key = cell * (int(codes.max(initial=-1)) + 2) + codes + 1
    return np.asarray(np.unique(key, return_inverse=True)[1].reshape(-1), np.int64)


def _entropy(codes: NDArray[np.int64], n: int) -> tuple[float, int]:
    """Plug-in entropy in nats, and the number of distinct codes."""
    if not n:
        return 0.0, 0
    counts = np.bincount(codes + 1)
    share = counts[counts > 0] / n
    return float(-(share * np.log(share)).sum()), len(share)

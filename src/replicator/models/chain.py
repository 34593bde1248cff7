"""Several categories of a row, drawn one after the other, each given those before it that tell most about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.distinct import distinct_values
from replicator.models.conditional import Codes, ConditionalTable, Floats
from replicator.models.tilts import Tilts

MOST_PARENTS = 4
LEAST_GAIN = 0.002  # nats by which a further condition must raise the log likelihood of a row
MOST_ROWS = 30_000  # rows on which conditions are chosen

Settle = Callable[[NDArray[np.int32]], NDArray[np.int32]]


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
    groups : (n_groups,) int64
        Outer conditions that are groups, whose shares a column keeps beside what its parents tell.
    tilts : tuple of Tilts
        One a column of `order`: what the groups do otherwise than its table has it.

    Notes
    -----
    Columns come in rising order of their entropy: what is nearly constant (whether an event was serious, the route of a medicine)
    is drawn first, given little, and then serves as a condition of what varies most (a dose).

    Conditions are chosen greedily by the mean log likelihood of the rows of one half of the subjects under a table learned from the
    other half, with the back-off of :class:`ConditionalTable` (two-fold cross-validation). So the first condition is the one that
    tells most by what may be kept of it, and it is the last to be dropped.
    """

    kind: ClassVar[str] = "conditional chain"

    order: NDArray[np.int64]
    parents: tuple[NDArray[np.int64], ...]
    tables: tuple[ConditionalTable, ...]
    groups: NDArray[np.int64]
    tilts: tuple[Tilts, ...]

    @classmethod
    def fit(
        cls,
        columns: Sequence[Codes],
        given: Sequence[Codes],
        subject: Codes,
        *,
        k: int = 5,
        least_match: float = 0.0,
        groups: Sequence[int] = (),
    ) -> ConditionalChain:
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
        least_match : float
            As in :class:`ConditionalTable`.
        groups : sequence of int
            Positions of the outer conditions that are groups.
        """
        n = len(subject)
        who = np.asarray(subject, np.int64)
        entropy = [_entropy(np.asarray(column, np.int64), n) for column in columns]
        order = np.argsort(np.array(entropy), kind="stable").astype(np.int64) if len(columns) else np.empty(0, np.int64)
        seen = slice(None, None, max(1, -(-n // MOST_ROWS)))
        pool = [np.asarray(codes, np.int64) for codes in given]
        names = list(range(len(given)))
        parents, tables, tilts = [], [], []
        for j in order.tolist():
            target = np.asarray(columns[j], np.int64)
            chosen = most_telling(target[seen], [codes[seen] for codes in pool], who[seen], k)
            parents.append(np.array([names[c] for c in chosen], np.int64))
            table = ConditionalTable.fit(target, [pool[c] for c in chosen], subject, k=k, least_match=least_match)
            drawn = table.chances([pool[c][seen] for c in chosen], len(who[seen]))
            tables.append(table)
            tilts.append(Tilts.fit(target[seen], drawn, [pool[c][seen] for c in groups], who[seen], k))
            pool.append(target)
            names.append(len(given) + j)
        return cls(order, tuple(parents), tuple(tables), np.array(groups, np.int64), tuple(tilts))

    def sample(
        self,
        given: Sequence[Codes],
        rng: np.random.Generator,
        n: int,
        subject: Codes | None = None,
        settle: Mapping[int, Settle] | None = None,
    ) -> list[NDArray[np.int32]]:
        """Draw all columns of `n` rows, in the order in which they were given to :meth:`fit`; rows of a subject persist.

        What `settle` has for a column changes its codes (n,) before others are drawn given them.
        """
        settled = settle or {}
        out: dict[int, NDArray[np.int32]] = {}
        groups = [given[p] for p in self.groups.tolist()]
        for j, parents, table, tilts in zip(self.order.tolist(), self.parents, self.tables, self.tilts, strict=True):
            conditions: list[Codes] = [given[p] if p < len(given) else out[p - len(given)] for p in parents.tolist()]
            codes = table.sample(conditions, rng, n, subject, tilts if tilts else None, groups)
            out[j] = settled[j](codes) if j in settled else codes
        return [out[j] for j in range(len(out))]


def most_telling(target: NDArray[np.int64], pool: Sequence[NDArray[np.int64]], subject: NDArray[np.int64], k: int) -> list[int]:
    """Choose conditions greedily by cross-validated likelihood.

    Parameters
    ----------
    target : (n,) int64
        What is to be told.
    pool : sequence of (n,) int64
        Conditions to choose from; codes, -1 is missing.
    subject : (n,) int64
        Whose row it is.
    k : int
        Fewest subjects behind a cell.

    Returns
    -------
    list of int
        Positions in `pool`, the most telling first.
    """
    n = len(target)
    chosen: list[int] = []
    if not n or (target == target[0]).all():
        return chosen
    code = np.asarray(distinct_values(target, return_inverse=True)[1].reshape(-1), np.int64)
    cell = np.zeros(n, np.int64)
    half = _halves(subject)
    likelihood = np.stack([_shares(code, half != fold) for fold in (0, 1)])
    best = _score(likelihood, half)
    while len(chosen) < MOST_PARENTS:
        trials = []
        for c in range(len(pool)):
            if c not in chosen:
                wider = _join(cell, pool[c])
                narrowed = np.stack([_narrowed(wider, code, likelihood[fold], subject, half != fold, k) for fold in (0, 1)])
                trials.append((_score(narrowed, half), -c, narrowed))
        if not trials:
            break
        value, c, narrowed = max(trials, key=lambda trial: trial[:2])
        if value < best + LEAST_GAIN:
            break
        best, cell, likelihood = value, _join(cell, pool[-c]), narrowed
        chosen.append(-c)
    return chosen


def _halves(subject: NDArray[np.int64]) -> NDArray[np.int64]:
    """Half of each row (n,), 0 or 1: the rows of a subject together, and subjects mixed, since arms may alternate."""
    place = distinct_values(subject, return_inverse=True)[1].reshape(-1)
    n = int(place.max(initial=-1)) + 1
    return np.asarray(np.random.default_rng(n).permutation(n)[place] % 2, np.int64)


def _score(likelihood: Floats, half: NDArray[np.int64]) -> float:
    """Mean log likelihood of the rows of each half under what was learned from the other half; `likelihood` is (2, n)."""
    return float(np.log(np.maximum(likelihood[half, np.arange(len(half))], 1e-12)).mean())


def _shares(target: NDArray[np.int64], known: NDArray[np.bool_]) -> Floats:
    """Share of each row's target (n,) among the rows that are known, with half a row more for each target."""
    counts = np.bincount(target[known], minlength=int(target.max()) + 1) + 0.5
    return np.asarray((counts / counts.sum())[target], np.float64)


def _narrowed(
    cell: NDArray[np.int64],
    target: NDArray[np.int64],
    likelihood: Floats,
    subject: NDArray[np.int64],
    known: NDArray[np.bool_],
    k: int,
) -> Floats:
    """Likelihood of each row (n,) when `cell`, learned from the rows that are known, narrows what gave the rows their likelihood.

    A target counts that k / 2 subjects of a cell have, since half of the subjects are known.
    """
    radix, span, n_cells = int(target.max()) + 1, int(subject.max()) + 1, int(cell.max()) + 1
    pair, first, entry = distinct_values(cell * radix + target, return_index=True, return_inverse=True)
    entry = entry.reshape(-1)
    owner = pair // radix
    people = np.bincount(distinct_values(entry[known] * span + subject[known]) // span, minlength=len(pair))
    rows = np.bincount(entry[known], minlength=len(pair)).astype(np.float64)
    size = np.maximum(np.bincount(cell[known], minlength=n_cells), 1)
    kept = 2 * people >= k
    told = np.bincount(owner[kept], weights=rows[kept], minlength=n_cells)
    left = (size - told + 0.5) / (size + 0.5)
    elsewhere = 1 - np.bincount(owner[kept], weights=likelihood[first[kept]], minlength=n_cells)
    own = rows[entry] / (size[cell] + 0.5)
    rest = left[cell] * likelihood / np.maximum(elsewhere[cell], likelihood)
    return np.where(told[cell] > 0, np.where(kept[entry], own, rest), likelihood)


def _join(cell: NDArray[np.int64], codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number the combinations of two codes without gaps."""
    key = cell * (int(codes.max(initial=-1)) + 2) + codes + 1
    return np.asarray(distinct_values(key, return_inverse=True)[1].reshape(-1), np.int64)


def _entropy(codes: NDArray[np.int64], n: int) -> float:
    """Plug-in entropy in nats."""
    counts = np.bincount(codes + 1)
    share = counts[counts > 0] / max(n, 1)
    return float(-(share * np.log(share)).sum())

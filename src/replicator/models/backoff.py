"""A category given other categories, falling back to fewer conditions where too few subjects share them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.int32] | NDArray[np.int64] | NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class BackoffLevel:
    """The cells of one depth of conditions.

    Attributes
    ----------
    keys : (n_cells,) int64
        Sorted; the conditions of a cell as one number (mixed radix).
    starts : (n_cells + 1,) int64
        Where each cell's entries begin.
    targets : (n_entries,) int32
        Target code of an entry; -1 is missing.
    cumulative : (n_entries,) float64
        Cell number plus the cumulated probability within the cell; what is left up to the next whole number goes to the
        cell's parent.
    """

    kind: ClassVar[str] = "back-off level"

    keys: NDArray[np.int64]
    starts: NDArray[np.int64]
    targets: NDArray[np.int32]
    cumulative: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class BackoffTable:
    r"""Distribution of a category given others.

    Attributes
    ----------
    radices : tuple of int
        Number of codes of each condition, missing counted.
    levels : tuple of BackoffLevel
        Depth 0 (no condition) first.

    Notes
    -----
    A cell lists the targets that at least *k* of its subjects have, with their share of :math:`n + s`, where *n* is the number of
    its rows and *s* the strength; the rest of the probability belongs to the cell with the last condition dropped. Cells with fewer
    than *k* subjects do not exist. At the root, targets below *k* subjects are left out and the rest is scaled to 1.
    """

    kind: ClassVar[str] = "back-off table"

    radices: tuple[int, ...]
    levels: tuple[BackoffLevel, ...]

    @classmethod
    def fit(
        cls,
        target: Codes,
        given: Sequence[Codes],
        subject: Codes,
        *,
        k: int = 5,
        strength: float = 1.0,
    ) -> BackoffTable:
        """Learn from rows.

        Parameters
        ----------
        target : (n,) int
            Codes, -1 is missing (a value like any other).
        given : sequence of (n,) int
            Conditions, the most important first; codes, -1 is missing.
        subject : (n,) int
            Whose row it is.
        k : int
            Fewest subjects behind a cell and behind a target within it.
        strength : float
            Rows that the parent cell counts for.
        """
        target = np.asarray(target, np.int64)
        radices = tuple(int(codes.max(initial=-1)) + 2 for codes in given)
        levels = []
        key = np.zeros(len(target), np.int64)
        for depth in range(len(given) + 1):
            if depth:
                key = key * radices[depth - 1] + given[depth - 1] + 1
            levels.append(_fit_level(key, target, np.asarray(subject, np.int64), k, strength if depth else 0.0, depth == 0))
        return cls(radices, tuple(levels))

    def sample(self, given: Sequence[Codes], rng: np.random.Generator, n: int | None = None) -> NDArray[np.int32]:
        """Draw a target for each row.

        Parameters
        ----------
        given : sequence of (n,) int
            As in :meth:`fit`; codes that were never seen fall back.
        rng : numpy.random.Generator
            Source of randomness.
        n : int, optional
            Number of rows, needed where there is no condition.

        Returns
        -------
        (n,) int32
            Codes, -1 is missing.
        """
        size = len(given[0]) if given else int(n or 0)
        keys = [np.zeros(size, np.int64)]
        valid = [np.ones(size, bool)]
        for radix, codes in zip(self.radices, given, strict=True):
            digit = np.asarray(codes, np.int64) + 1
            inside = digit < radix
            keys.append(keys[-1] * radix + np.where(inside, digit, 0))
            valid.append(valid[-1] & inside)
        out = np.full(size, -1, np.int32)
        open_rows = np.arange(size)
        for depth in range(len(self.levels) - 1, -1, -1):
            level = self.levels[depth]
            u = rng.random(size)[open_rows]
            if not len(level.keys) or not len(open_rows):
                continue
            wanted = keys[depth][open_rows]
            cell = np.minimum(np.searchsorted(level.keys, wanted), len(level.keys) - 1)
            found = (level.keys[cell] == wanted) & valid[depth][open_rows]
            entry = np.searchsorted(level.cumulative, cell + u, side="right")
            last = level.starts[cell + 1]
            if depth == 0:
                entry = np.minimum(entry, last - 1)
            done = found & (entry < last)
            out[open_rows[done]] = level.targets[entry[done]]
            open_rows = open_rows[~done]
        return out

    @property
    def n_cells(self) -> int:
        """Number of cells over all depths."""
        return sum(len(level.keys) for level in self.levels)


def _fit_level(
    key: NDArray[np.int64], target: NDArray[np.int64], subject: NDArray[np.int64], k: int, strength: float, root: bool
) -> BackoffLevel:
    if not len(key):
        return BackoffLevel(np.empty(0, np.int64), np.zeros(1, np.int64), np.empty(0, np.int32), np.empty(0))
    cell_key, cell = np.unique(key, return_inverse=True)
    radix = int(target.max()) + 2
    entry_key, entry = np.unique(cell * radix + target + 1, return_inverse=True)
    rows = np.bincount(entry)
    owner = entry_key // radix
    n_subject = int(subject.max()) + 1
    subjects = np.bincount(np.unique(entry * n_subject + subject) // n_subject, minlength=len(entry_key))
    cell_rows = np.bincount(cell, minlength=len(cell_key))
    cell_subjects = np.bincount(np.unique(cell * n_subject + subject) // n_subject, minlength=len(cell_key))
    keep = (subjects >= k) & (cell_subjects[owner] >= k)
    if root and not keep.any():
        keep = rows == rows.max()
        keep &= np.cumsum(keep) == 1
    total = cell_rows.astype(np.float64) + strength
    share = rows / total[owner]
    if root:
        share = share / share[keep].sum()
    owner, share = owner[keep], share[keep]
    targets = (entry_key[keep] % radix - 1).astype(np.int32)
    kept_cells, new_owner = np.unique(owner, return_inverse=True)
    counts = np.bincount(new_owner, minlength=len(kept_cells))
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    running = np.cumsum(share)
    before = np.concatenate([[0.0], running])[starts[:-1]]
    within = np.minimum(running - before[new_owner], 1.0)
    return BackoffLevel(cell_key[kept_cells], starts, targets, new_owner + within)

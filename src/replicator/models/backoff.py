"""A category given other categories, falling back to fewer conditions where too few subjects share them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.distinct import distinct_values

_PAIR = 1 << 32
_SPARSE, _SHORT = 16, 1024  # keys as many times as cells, and more, for which a table of all is kept
_TRIES = 4  # draws from a parent, all of a target that the child lists itself, before the others are looked through

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

    @cached_property
    def pairs(self) -> NDArray[np.int64]:
        """Cell and target of each entry as one number, sorted: (n_entries,)."""
        owner = np.repeat(np.arange(len(self.keys), dtype=np.int64), np.diff(self.starts))
        return owner * _PAIR + self.targets + 1

    @cached_property
    def cell_of_key(self) -> NDArray[np.int64] | None:
        """Cell of every key up to the last and one more, -1 for none; None where the keys lie too far apart for such a table."""
        if not len(self.keys) or self.keys[-1] >= _SPARSE * len(self.keys) + _SHORT:
            return None
        cells = np.full(int(self.keys[-1]) + 2, -1, np.int64)
        cells[self.keys] = np.arange(len(self.keys))
        return cells


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
        strength: float = 0.0,
        closed: bool = False,
        open_depth: int | None = None,
        design_depth: int = 0,
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
        closed : bool
            Whether a cell that knows any target knows them all: what is too rare in it is left out, and nothing comes from the
            parent. For hard structure, where another cell's targets would be wrong.
        open_depth : int, optional
            From this depth on cells of a `closed` table are not closed: what is too rare in them comes from the parent.
        design_depth : int
            Up to this depth cells of fewer than `k` subjects exist too, with the targets that at least half of the cell's subjects
            share: what most of a small group have is the group's design.
        """
        target = np.asarray(target, np.int64)
        radices = tuple(int(codes.max(initial=-1)) + 2 for codes in given)
        levels = []
        key = np.zeros(len(target), np.int64)
        for depth in range(len(given) + 1):
            if depth:
                key = key * radices[depth - 1] + given[depth - 1] + 1
            levels.append(
                _fit_level(
                    key,
                    target,
                    np.asarray(subject, np.int64),
                    k,
                    strength if depth else 0.0,
                    depth == 0,
                    closed and (open_depth is None or depth < open_depth),
                    0 < depth <= design_depth,
                )
            )
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
        cells = self._cells(given, n)
        out = np.full(size, -1, np.int32)
        open_rows = np.arange(size)
        for depth in range(len(self.levels) - 1, -1, -1):
            if not len(open_rows):
                break
            level, here = self.levels[depth], cells[depth].take(open_rows)
            again, passed_on = open_rows[here >= 0], [open_rows[here < 0]]
            for attempt in range(_TRIES):
                if not len(again):
                    break
                cell = cells[depth].take(again)
                entry = np.searchsorted(level.cumulative, cell + rng.random(len(again)), side="right")
                last = level.starts.take(cell + 1)
                if depth == 0:
                    entry = np.minimum(entry, last - 1)
                own = entry < last
                passed_on.append(again[~own])
                rows, target = again[own], level.targets.take(entry[own])
                out[rows] = target
                if depth == len(self.levels) - 1:
                    break
                refused = np.zeros(len(rows), bool)
                for deeper in range(depth + 1, len(self.levels)):
                    refused |= _lists(self.levels[deeper].pairs, cells[deeper].take(rows), target)
                again = rows[refused]
                if attempt == _TRIES - 1 and len(again):
                    deeper_cells = [(self.levels[d].pairs, cells[d][again]) for d in range(depth + 1, len(self.levels))]
                    target, onward = _draw_unlisted(level, cells[depth][again], deeper_cells, out[again], depth == 0, rng)
                    out[again] = target
                    passed_on.append(again[onward])
            open_rows = np.concatenate(passed_on)
        return out

    def chances(
        self, given: Sequence[Codes], n: int | None = None
    ) -> tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.int64]]:
        """Tell the distributions from which :meth:`sample` draws.

        Parameters
        ----------
        given : sequence of (n,) int
            As in :meth:`fit`.
        n : int, optional
            Number of rows, needed where there is no condition.

        Returns
        -------
        row : (n,) int
            Distribution of each row: rows of the same cells share one.
        chance : (n_distributions, n_targets) float64
            Sums to 1 over the targets, unless the table is empty.
        target : (n_targets,) int64
            Code of each target, in order; -1 is missing.
        """
        cells = self._cells(given, n)
        deepest = np.full(len(cells[0]), -1, np.int64)  # the cell of the deepest level that a row has one of tells all others
        offset = 0
        for level, cell in zip(self.levels, cells, strict=True):
            deepest = np.where(cell >= 0, cell + offset, deepest)
            offset += len(level.keys)
        _, first, row = distinct_values(deepest, return_index=True, return_inverse=True)
        combos = np.stack(cells, axis=1)[first]
        target = distinct_values(np.concatenate([level.targets for level in self.levels]).astype(np.int64))
        out = np.zeros((len(combos), len(target)))
        listed = np.zeros(out.shape, bool)
        left = np.ones(len(combos))
        for depth in range(len(self.levels) - 1, -1, -1):
            level = self.levels[depth]
            own = np.zeros((len(level.keys) + 1, len(target)))
            owner = np.repeat(np.arange(len(level.keys)), np.diff(level.starts))
            before = np.where(np.isin(np.arange(len(owner)), level.starts[:-1]), owner, np.roll(level.cumulative, 1))
            own[owner, np.searchsorted(target, level.targets)] = level.cumulative - before
            own = own[combos[:, depth]]
            weight = np.where(listed, 0.0, own)
            if depth == 0:
                weight = np.where(weight.any(axis=1, keepdims=True), weight, own)
            rest = np.zeros(len(combos)) if depth == 0 else np.maximum(1.0 - own.sum(axis=1), 0.0)
            total = weight.sum(axis=1) + rest
            share = left / np.where(total > 0, total, 1.0)
            out += weight * share[:, None]
            left = np.where(total > 0, rest * share, left)
            listed |= own > 0
        return row.reshape(-1), out, target

    def _cells(self, given: Sequence[Codes], n: int | None) -> list[NDArray[np.int64]]:
        """Cell of each row at each depth, -1 if there is none."""
        size = len(given[0]) if given else int(n or 0)
        keys = [np.zeros(size, np.int64)]
        valid = [np.ones(size, bool)]
        for radix, codes in zip(self.radices, given, strict=True):
            digit = np.asarray(codes, np.int64) + 1
            inside = digit < radix
            keys.append(keys[-1] * radix + np.where(inside, digit, 0))
            valid.append(valid[-1] & inside)
        return [_find(level, key, good) for level, key, good in zip(self.levels, keys, valid, strict=True)]

    def lists(self, given: Sequence[Codes], target: Codes) -> NDArray[np.bool_]:
        """Whether the deepest cell that a row has knows its target: (n,)."""
        out = np.zeros(len(target), bool)
        left = np.ones(len(target), bool)
        for level, cell in zip(reversed(self.levels), reversed(self._cells(given, len(target))), strict=True):
            here = left & (cell >= 0)
            out[here] = _lists(level.pairs, cell[here], np.asarray(target, np.int32)[here])
            left &= ~here
        return out

    @property
    def n_cells(self) -> int:
        """Number of cells over all depths."""
        return sum(len(level.keys) for level in self.levels)


def _find(level: BackoffLevel, key: NDArray[np.int64], valid: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Cell of each row at one depth, -1 if there is none: (n,)."""
    if not len(level.keys):
        return np.full(len(key), -1, np.int64)
    if (table := level.cell_of_key) is not None:
        return np.where(valid, table.take(key, mode="clip"), -1)
    cell = np.minimum(np.searchsorted(level.keys, key), len(level.keys) - 1)
    return np.where((level.keys.take(cell) == key) & valid, cell, -1)


def _lists(pairs: NDArray[np.int64], cell: NDArray[np.int64], target: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Whether a cell has an entry of its own for a target: (n,)."""
    if not len(pairs):
        return np.zeros(len(cell), bool)
    wanted = cell * _PAIR + target + 1
    at = np.minimum(np.searchsorted(pairs, wanted), len(pairs) - 1)
    own: NDArray[np.bool_] = (pairs.take(at) == wanted) & (cell >= 0)
    return own


def _draw_unlisted(
    level: BackoffLevel,
    cell: NDArray[np.int64],
    deeper: Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]],
    default: NDArray[np.int32],
    root: bool,
    rng: np.random.Generator,
) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """Draw from what a cell has beside the targets that deeper cells list themselves.

    Parameters
    ----------
    cell : (n,) int64
        Cell of each row.
    deeper : sequence of (pairs, (n,) int64)
        Entries of the deeper levels, and the rows' cells there.
    default : (n,) int32
        What a row gets whose cell has nothing else.

    Returns
    -------
    target : (n,) int32
    onward : (n,) bool
        Rows that fall to the cell's own parent instead.
    """
    begin, size = level.starts[cell], level.starts[cell + 1] - level.starts[cell]
    row = np.repeat(np.arange(len(cell)), size)
    entry = np.arange(int(size.sum())) - np.repeat(np.cumsum(size) - size - begin, size)
    before = np.where(entry == begin[row], cell[row], level.cumulative[entry - 1])
    weight = level.cumulative[entry] - before
    for pairs, cells in deeper:
        weight = np.where(_lists(pairs, cells[row], level.targets[entry]), 0.0, weight)
    own = np.bincount(row, weight, minlength=len(cell))
    rest = np.zeros(len(cell)) if root else np.maximum(cell + 1 - level.cumulative[begin + size - 1], 0.0)
    point = rng.random(len(cell)) * (own + rest)
    onward = point >= own
    edge = np.cumsum(weight)
    start = edge[np.cumsum(size) - 1] - own
    at = np.minimum(np.searchsorted(edge, start + point, side="right"), len(entry) - 1)
    drawn = (own > 0) & ~onward & (row[at] == np.arange(len(cell))) if len(entry) else np.zeros(len(cell), bool)
    target = np.where(drawn, level.targets[entry[at]] if len(entry) else default, default)
    return target.astype(np.int32), onward & (rest > 0)


def _fit_level(
    key: NDArray[np.int64],
    target: NDArray[np.int64],
    subject: NDArray[np.int64],
    k: int,
    strength: float,
    root: bool,
    closed: bool,
    design: bool,
) -> BackoffLevel:
    if not len(key):
        return BackoffLevel(np.empty(0, np.int64), np.zeros(1, np.int64), np.empty(0, np.int32), np.empty(0))
    cell_key, cell = distinct_values(key, return_inverse=True)
    radix = int(target.max()) + 2
    entry_key, entry = distinct_values(cell * radix + target + 1, return_inverse=True)
    rows = np.bincount(entry)
    owner = entry_key // radix
    n_subject = int(subject.max()) + 1
    subjects = np.bincount(distinct_values(entry * n_subject + subject) // n_subject, minlength=len(entry_key))
    cell_rows = np.bincount(cell, minlength=len(cell_key))
    cell_subjects = np.bincount(distinct_values(cell * n_subject + subject) // n_subject, minlength=len(cell_key))
    keep = (subjects >= k) & (cell_subjects[owner] >= k)
    if design:
        keep |= subjects >= np.maximum(0.5 * cell_subjects[owner], min(2, k))
    if root and not keep.any():
        keep = rows == rows.max()
        keep &= np.cumsum(keep) == 1
    total = cell_rows.astype(np.float64) + strength
    share = rows / total[owner]
    if root:
        share = share / share[keep].sum()
    owner, share = owner[keep], share[keep]
    targets = (entry_key[keep] % radix - 1).astype(np.int32)
    kept_cells, new_owner = distinct_values(owner, return_inverse=True)
    counts = np.bincount(new_owner, minlength=len(kept_cells))
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    if closed and len(share):
        share = share / np.bincount(new_owner, share)[new_owner]
    running = np.cumsum(share)
    before = np.concatenate([[0.0], running])[starts[:-1]]
    within = np.minimum(running - before[new_owner], 1.0)
    if closed and len(within):
        within[starts[1:] - 1] = 1.0
    return BackoffLevel(cell_key[kept_cells], starts, targets, new_owner + within)

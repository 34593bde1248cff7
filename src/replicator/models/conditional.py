"""A category given others, with the shares of rare combinations left to what remains of the next wider cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.distinct import distinct_values
from replicator.models.tilts import Tilts
from replicator.special import ndtr, ndtri

Floats = NDArray[np.float64]
Codes = NDArray[np.int32] | NDArray[np.int64] | NDArray[np.intp]

MOST_PERSISTENCE = 0.8


@dataclass(frozen=True, eq=False)
class ConditionalLevel:
    """The cells of one depth of conditions.

    Attributes
    ----------
    keys : (n_cells,) int64
        Sorted; the conditions of a cell as one number (mixed radix).
    starts : (n_cells + 1,) int64
        Where each cell's entries begin.
    targets : (n_entries,) int32
        Target codes, ascending within the cell; -1 is missing.
    cumulative : (n_entries,) float64
        Cell number plus the cumulated probability within the cell, 1 at its end.
    """

    kind: ClassVar[str] = "conditional level"

    keys: NDArray[np.int64]
    starts: NDArray[np.int64]
    targets: NDArray[np.int32]
    cumulative: Floats


@dataclass(frozen=True, eq=False)
class ConditionalTable:
    r"""Distribution of a category given others, of one draw and of several by the same subject.

    Attributes
    ----------
    radices : tuple of int
        Number of codes of each condition, missing counted.
    levels : tuple of ConditionalLevel
        Depth 0 (no condition) first.
    persistence : float
        Correlation of the latent normals of two draws of one subject.

    Notes
    -----
    Cells have at least *k* subjects. Of a cell's *n* rows those count whose target at least *k* of its subjects have, *r* rows a
    target; the other *l* rows are left to the cell with the last condition dropped, which gives a target the share *q*. So a
    target gets :math:`(r + l q) / n`. A wider cell is learned from the rows that the narrower ones left to it (back-off as in
    Katz, 1987, IEEE Transactions on Acoustics, Speech and Signal Processing 35:400, with
    margins kept as in Kneser and Ney, 1995, ICASSP 1:181): a target that at least *k* subjects of the wider cell have keeps its
    rows there, however few of them are left. A draw is the target at
    :math:`\Phi(\sqrt{\rho} z_i + \sqrt{1 - \rho}\,\varepsilon)` of its cell's distribution function.
    """

    kind: ClassVar[str] = "conditional table"

    radices: tuple[int, ...]
    levels: tuple[ConditionalLevel, ...]
    persistence: float

    @classmethod
    def fit(
        cls, target: Codes, given: Sequence[Codes], subject: Codes, *, k: int = 5, least_match: float = 0.0
    ) -> ConditionalTable:
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
        least_match : float
            Chance that two draws of a wider cell agree, below which it is too scattered to say anything about what a narrower cell
            left to it: a rare dose of a drug is none of the rare doses of all drugs. The rest then goes to what the narrower cell
            knows; only a cell that knows nothing takes the wider one.
        """
        code = np.asarray(target, np.int64) + 1
        who = np.asarray(subject, np.int64)
        radices = tuple(int(codes.max(initial=-1)) + 2 for codes in given)
        keys = [np.zeros(len(code), np.int64)]
        for radix, codes in zip(radices, given, strict=True):
            keys.append(keys[-1] * radix + np.asarray(codes, np.int64) + 1)
        if not len(code):
            return cls(radices, tuple(_EMPTY for _ in keys), 0.0)
        counts = []
        residual = np.ones(len(code), bool)
        for key in reversed(keys):
            counted, residual = _count(key, code, who, residual, k)
            counts.append(counted)
        levels: list[ConditionalLevel] = []
        for depth, counted in enumerate(reversed(counts)):
            wider = keys[depth - 1][counted.first] if depth else np.empty(0, np.int64)
            levels.append(_blend(counted, levels[-1] if depth else None, wider, least_match))
        fresh = cls(radices, tuple(levels), 0.0)
        return cls(radices, tuple(levels), fresh._find_persistence(code - 1, given, who, k))

    def sample(
        self,
        given: Sequence[Codes],
        rng: np.random.Generator,
        n: int,
        subject: Codes | None = None,
        tilts: Tilts | None = None,
        groups: Sequence[Codes] = (),
    ) -> NDArray[np.int32]:
        """Draw a target for each of `n` rows.

        Parameters
        ----------
        given : sequence of (n,) int
            As in :meth:`fit`; codes that were never seen fall back.
        subject : (n,) int, optional
            Whose row it is; without, rows are independent.
        tilts : Tilts, optional
            What `groups`, (n,) int each, do otherwise.

        Returns
        -------
        (n,) int32
            Codes, -1 is missing.
        """
        u = self._points(rng, n, subject)
        if tilts is not None:
            row, chance, _ = self.chances(given, n)
            return tilts.draw(row, chance, groups, u) if n else np.empty(0, np.int32)
        out = np.full(n, -1, np.int32)
        for level, rows, cell in self._cells(given, n):
            entry = np.searchsorted(level.cumulative, cell + np.minimum(u[rows], 1 - 1e-12), side="right")
            out[rows] = level.targets[np.minimum(entry, level.starts[cell + 1] - 1)]
        return out

    def _points(self, rng: np.random.Generator, n: int, subject: Codes | None) -> Floats:
        """Draw where on its distribution function each row lies: (n,)."""
        u = rng.random(n)
        if subject is None or self.persistence <= 0 or not n:
            return u
        z = rng.standard_normal(int(np.max(subject)) + 1)[subject]
        score = np.sqrt(self.persistence) * z + np.sqrt(1 - self.persistence) * ndtri(np.clip(u, 1e-12, 1 - 1e-12))
        return np.asarray(ndtr(score), np.float64)

    def chances(self, given: Sequence[Codes], n: int) -> tuple[NDArray[np.intp], Floats, NDArray[np.int64]]:
        """Tell the distributions from which :meth:`sample` draws.

        Returns
        -------
        row : (n,) int
            Distribution of each row: rows of the same cell share one.
        chance : (n_distributions, n_targets) float64
            Sums to 1 over the targets, unless the table is empty.
        target : (n_targets,) int64
            Code of each target, in order; -1 is missing.
        """
        target = distinct_values(np.concatenate([level.targets for level in self.levels]).astype(np.int64))
        row, chance, n_known = np.zeros(n, np.intp), [np.zeros((0, len(target)))], 0
        for level, rows, cell in self._cells(given, n):
            used, place = distinct_values(cell, return_inverse=True)
            size = np.diff(level.starts)[used]
            owner = np.repeat(np.arange(len(used)), size)
            inner = np.arange(len(owner)) - np.repeat(np.cumsum(size) - size, size)
            entry = level.starts[used][owner] + inner
            before = np.where(inner == 0, used[owner], level.cumulative[entry - 1])
            own = np.zeros((len(used), len(target)))
            own[owner, np.searchsorted(target, level.targets[entry])] = level.cumulative[entry] - before
            row[rows] = n_known + place.reshape(-1)
            chance.append(own)
            n_known += len(used)
        return row, np.concatenate(chance), target

    def _cells(self, given: Sequence[Codes], n: int) -> list[tuple[ConditionalLevel, NDArray[np.intp], NDArray[np.intp]]]:
        """Deepest cell of each row: level, rows, cells."""
        keys, valid = [np.zeros(n, np.int64)], [np.ones(n, bool)]
        for radix, codes in zip(self.radices, given, strict=True):
            digit = np.asarray(codes, np.int64) + 1
            inside = digit < radix
            keys.append(keys[-1] * radix + np.where(inside, digit, 0))
            valid.append(valid[-1] & inside)
        left = np.arange(n)
        out = []
        for depth in range(len(self.levels) - 1, -1, -1):
            level = self.levels[depth]
            if not len(level.keys) or not len(left):
                continue
            wanted = keys[depth][left]
            cell = np.minimum(np.searchsorted(level.keys, wanted), len(level.keys) - 1)
            found = (level.keys[cell] == wanted) & valid[depth][left]
            out.append((level, left[found], cell[found]))
            left = left[~found]
        return out

    def _find_persistence(self, target: NDArray[np.int64], given: Sequence[Codes], subject: NDArray[np.int64], k: int) -> float:
        """Moment estimate from the normal scores of the rows within their cells, less one standard error."""
        n = len(target)
        score = np.full(n, np.nan)
        for level, rows, cell in self._cells(given, n):
            place = np.searchsorted(level.targets + cell_offset(level), target[rows] + cell * _SPAN)
            place = np.clip(place, level.starts[cell], level.starts[cell + 1] - 1)
            hit = level.targets[place] == target[rows]
            high = level.cumulative[place] - cell
            low = np.where(place > level.starts[cell], level.cumulative[np.maximum(place - 1, 0)] - cell, 0.0)
            edge = ndtri(np.clip(np.stack([low, high]), 1e-9, 1 - 1e-9))
            density = np.exp(-0.5 * edge**2) / np.sqrt(2 * np.pi)
            score[rows[hit]] = ((density[0] - density[1]) / np.maximum(high - low, 1e-9))[hit]
        seen = np.isfinite(score)
        x, who = score[seen], subject[seen]
        if len(x) < 2:
            return 0.0
        x = x - x.mean()
        count = np.bincount(who)
        pairs = float((count * (count - 1.0)).sum())
        variance = float((x**2).mean())
        if (count > 1).sum() < 2 * k or variance < 0.02:
            return 0.0
        total = np.bincount(who, weights=x)
        covariance = (float((total**2).sum()) - float((x**2).sum())) / pairs
        noise = variance * np.sqrt(2 / pairs)
        return float(np.clip((covariance - noise) / variance**2, 0.0, MOST_PERSISTENCE))


_SPAN = 1 << 32
_EMPTY = ConditionalLevel(np.empty(0, np.int64), np.zeros(1, np.int64), np.empty(0, np.int32), np.empty(0))


def cell_offset(level: ConditionalLevel) -> NDArray[np.int64]:
    """Cell of each entry, times a span wider than any code."""
    return np.repeat(np.arange(len(level.keys), dtype=np.int64), np.diff(level.starts)) * _SPAN


@dataclass(frozen=True, eq=False)
class _Counts:
    """Cells with enough subjects, and the targets in them that enough subjects have.

    Attributes
    ----------
    keys : (n_cells,) int64
    first : (n_cells,) int64
        A row of each cell.
    rows : (n_cells,) float64
        Rows counted.
    cell, target, count : (n_entries,)
        Kept entries; `target` is the code plus 1.
    """

    keys: NDArray[np.int64]
    first: NDArray[np.int64]
    rows: Floats
    cell: NDArray[np.int64]
    target: NDArray[np.int64]
    count: Floats


def _count(
    key: NDArray[np.int64], code: NDArray[np.int64], subject: NDArray[np.int64], residual: NDArray[np.bool_], k: int
) -> tuple[_Counts, NDArray[np.bool_]]:
    """Count one depth on the rows that deeper cells leave unexplained; on all rows of a cell where those are too few.

    Returns
    -------
    counts : _Counts
    residual : (n,) bool
        Rows that this depth leaves unexplained, too.
    """
    cell_key, first, cell = distinct_values(key, return_index=True, return_inverse=True)
    cell = cell.reshape(-1)
    radix, n = int(code.max()) + 1, len(cell_key)
    root = n == 1 and cell_key[0] == 0
    exists = (_people(cell, subject, n) >= k) | root
    use = residual | (_people(cell[residual], subject[residual], n) < k)[cell]
    use &= exists[cell]
    every, of_row = distinct_values(cell * radix + code, return_inverse=True)
    of_row = of_row.reshape(-1)
    shared = (_people(of_row, subject, len(every)) >= k)[of_row]
    if root and not (use & shared).any():
        use = np.ones(len(key), bool)
        shared |= (code == np.bincount(code).argmax()) & ~shared.any()
    keep = np.bincount(of_row[use & shared], minlength=len(every)) > 0
    count = np.bincount(of_row[use], minlength=len(every)).astype(np.float64)
    explained = np.zeros(len(key), bool)
    explained[use] = shared[use]
    kept = np.flatnonzero(exists)
    position = np.full(n, -1, np.int64)
    position[kept] = np.arange(len(kept))
    rows = np.bincount(cell[use], minlength=n).astype(np.float64)
    counts = _Counts(
        cell_key[kept],
        first[kept].astype(np.int64),
        rows[kept],
        position[every[keep] // radix],
        every[keep] % radix,
        count[keep],
    )
    return counts, residual & ~explained


def _people(group: NDArray[np.int64] | NDArray[np.intp], subject: NDArray[np.int64], n_groups: int) -> NDArray[np.int64]:
    """Distinct subjects of each group."""
    span = int(subject.max(initial=0)) + 1
    return np.bincount(distinct_values(group * span + subject) // span, minlength=n_groups)


def _blend(counts: _Counts, parent: ConditionalLevel | None, parent_key: NDArray[np.int64], least_match: float) -> ConditionalLevel:
    """Cells of one depth as distributions: what was counted, and for the rest of the rows the wider cell."""
    if parent is None:
        return _level(counts.keys, counts.cell, counts.target - 1, counts.count / max(counts.count.sum(), 1e-300))
    at = np.searchsorted(parent.keys, parent_key)
    size = np.diff(parent.starts)[at]
    heir = np.repeat(np.arange(len(at)), size)
    inner = np.arange(len(heir)) - np.repeat(np.cumsum(size) - size, size)
    source = np.repeat(parent.starts[at], size) + inner
    weight = np.diff(parent.cumulative, prepend=0.0)[source]
    weight = np.maximum(np.where(inner == 0, parent.cumulative[source] - np.repeat(at, size), weight), 0.0)
    known = np.bincount(counts.cell, weights=counts.count, minlength=len(at))
    match = np.bincount(heir, weights=weight**2, minlength=len(at))
    closed = (match < least_match) & (known > 0)
    rows = np.where(closed, known, counts.rows)
    left = rows - known
    target = parent.targets[source].astype(np.int64) + 1
    radix = int(max(counts.target.max(initial=0), target.max(initial=0))) + 1
    merged, place = distinct_values(
        np.concatenate([counts.cell * radix + counts.target, heir * radix + target]), return_inverse=True
    )
    share = np.bincount(place.reshape(-1), weights=np.concatenate([counts.count, weight * left[heir]]))
    cell = merged // radix
    share = share / rows[cell]
    listed = share > 0
    return _level(counts.keys, cell[listed], merged[listed] % radix - 1, share[listed])


def _level(
    keys: NDArray[np.int64], cell: NDArray[np.int64] | NDArray[np.intp], target: NDArray[np.int64], share: Floats
) -> ConditionalLevel:
    starts = np.concatenate([[0], np.cumsum(np.bincount(cell, minlength=len(keys)))]).astype(np.int64)
    running = np.cumsum(share)
    before = np.concatenate([[0.0], running])[starts[:-1]]
    within = np.minimum(running - before[cell], 1.0)
    within[starts[1:] - 1] = 1.0
    return ConditionalLevel(keys, starts, target.astype(np.int32), cell + within)

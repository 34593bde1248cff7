"""A number given nested codes: of a term where enough subjects have it, else of the rest of its class, else of the rest of all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from replicator.models.conditional import Codes
from replicator.models.marginals import QuantileMarginal

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Cell: TypeAlias = tuple[int, int, NDArray[np.bool_]]

TRIES = 20  # of a value above its bound, to change it with another's
LEAST_SHARE = 1e-6  # of a marginal that is drawn from where bounds leave nothing of it


@dataclass(frozen=True, eq=False)
class NestedMarginals:
    """Marginals of cells within cells.

    Attributes
    ----------
    depth : (n_cells,) int64
        0 for the cell of all rows, 1 for those of the first code, and so on; ascending.
    code : (n_cells,) int64
        Code of each cell at its depth; 0 at depth 0.
    marginals : tuple of QuantileMarginal
        One a cell.
    """

    kind: ClassVar[str] = "nested marginals"

    depth: Ints
    code: Ints
    marginals: tuple[QuantileMarginal, ...]

    @classmethod
    def of(cls, cells: Iterable[tuple[int, int, QuantileMarginal]]) -> NestedMarginals:
        """Put cells (depth, code, marginal) together."""
        ordered = sorted(cells, key=lambda cell: cell[:2])
        depth, code = (np.array([cell[i] for cell in ordered], np.int64) for i in (0, 1))
        return cls(depth, code, tuple(cell[2] for cell in ordered))

    @classmethod
    def fit(
        cls, values: Floats, codes: Sequence[Codes], subject: Codes, *, k: int, least: int, decimals: int | None = None
    ) -> NestedMarginals:
        """Learn from rows.

        Parameters
        ----------
        values : (n,) float64
            Finite.
        codes : sequence of (n,) int
            From the widest to the narrowest.
        subject : (n,) int
            Whose row it is.
        k : int
            Fewest subjects behind a knot, and behind what one cell has beside those within it.
        least : int
            Fewest subjects of a cell below the widest.
        decimals : int, optional
            Places to round draws to.
        """
        who, cells = np.asarray(subject, np.int64), cells_of(codes, subject, least, k)
        return cls.of(
            (depth, code, QuantileMarginal.fit(values[rows], who[rows], k=k, decimals=decimals))
            for (depth, code, _), rows in zip(cells, own_rows(cells, who, least), strict=True)
        )

    def cell(self, codes: Sequence[Codes], n: int) -> Ints:
        """Narrowest cell of each of `n` rows, -1 for none: (n,)."""
        out = np.full(n, -1, np.int64)
        for i, (depth, code) in enumerate(zip(self.depth.tolist(), self.code.tolist(), strict=True)):
            mine = np.ones(n, bool) if depth == 0 else np.asarray(codes[depth - 1] == code, bool)
            out[mine] = i
        return out

    def depths(self, codes: Sequence[Codes], n: int) -> Ints:
        """Depth of the narrowest cell of each of `n` rows, -1 for none: (n,)."""
        return np.append(self.depth, -1)[self.cell(codes, n)]

    def beyond(self, codes: Sequence[Codes], value: Floats) -> Floats:
        """Return how many values of the narrowest cell of each row lie at or above a number (n,); 0 where nothing is known."""
        out = np.zeros(len(value))
        cell = self.cell(codes, len(value))
        for i in np.unique(cell[cell >= 0]).tolist():
            mine, marginal = cell == i, self.marginals[i]
            out[mine] = marginal.n * (1 - marginal.cdf(value[mine] - _slack(marginal))) if marginal.n else 0.0
        return np.nan_to_num(out)

    def quantile(self, codes: Sequence[Codes], u: Floats, low: Floats | float = -np.inf, high: Floats | float = np.inf) -> Floats:
        """Return the quantile of each probability (n,) given that the value lies between bounds.

        Parameters
        ----------
        codes : sequence of (n,) int
        u : (n,) float64
        low, high : (n,) float64 or float
            Bounds, which draws keep; NaN gives NaN.

        Returns
        -------
        (n,) float64
            NaN without a cell, or where too few subjects are behind it.
        """
        out = np.full(len(u), np.nan)
        cell, (low, high) = self.cell(codes, len(u)), (np.broadcast_to(one, len(u)) for one in (low, high))
        for i in np.unique(cell[cell >= 0]).tolist():
            mine, marginal = cell == i, self.marginals[i]
            if marginal.n:
                out[mine] = quantile_between(marginal, u[mine], low[mine], high[mine])
        return out


def quantile_between(marginal: QuantileMarginal, u: Floats, low: Floats, high: Floats) -> Floats:
    """Quantile (n,) of a marginal given that the value lies between bounds; those of integers reach half a step further."""
    slack = _slack(marginal)
    below = np.minimum(_reached(marginal, low, -slack, 0.0), 1 - LEAST_SHARE)
    share = np.maximum(_reached(marginal, high, slack, 1.0) - below, LEAST_SHARE)
    drawn = marginal.quantile(np.minimum(np.maximum(below + u * share, 0.0), 1.0))
    return np.asarray(np.minimum(np.maximum(drawn, low), high), np.float64)


def _reached(marginal: QuantileMarginal, bound: Floats, slack: float, otherwise: float) -> Floats:
    """Probability (n,) of what lies up to a bound and some slack; another one where there is no bound."""
    finite = np.isfinite(bound)
    if not finite.any():
        return np.full(len(bound), otherwise)
    return np.where(finite, marginal.cdf(np.where(finite, bound, 0.0) + slack), otherwise)


def _slack(marginal: QuantileMarginal) -> float:
    """Half a step of what is rounded, 0 of what is not."""
    return 0.0 if marginal.decimals is None else 0.5 / 10**marginal.decimals


def change_places(value: Floats, cell: Ints, low: Floats, high: Floats, rng: np.random.Generator) -> None:
    """Let values (n,) above their bound change places, in place, with others of their cell, where both then keep their bounds.

    So the cell as a whole keeps its distribution, where draws below each one's bound would make all values smaller.

    Parameters
    ----------
    value : (n,) float64
    cell : (n,) int64
        -1 for those that take no part.
    low, high : (n,) float64
    """
    for _ in range(TRIES):
        wrong = np.flatnonzero((cell >= 0) & (value > high))
        if not len(wrong):
            break
        order = np.argsort(cell, kind="stable")
        begin, end = (np.searchsorted(cell[order], cell[wrong], side=side) for side in ("left", "right"))
        other = order[begin + np.floor(rng.random(len(wrong)) * (end - begin)).astype(np.int64)]
        fits = (
            (value[wrong] >= low[other])
            & (value[wrong] <= high[other])
            & (value[other] >= low[wrong])
            & (value[other] <= high[wrong])
        )
        once = np.unique(other[fits], return_index=True)[1]
        mine, theirs = wrong[fits][once], other[fits][once]
        value[mine], value[theirs] = value[theirs], value[mine]


def cells_of(codes: Sequence[Codes], subject: Codes, least: int, k: int) -> list[Cell]:
    """Depth, code and rows (n,) of all cells, and of those below the widest only such as have `least` subjects.

    What a cell has beside those within it follows from their means and its own; where that is of fewer than `k` subjects, it is in
    no cell.
    """
    who = np.asarray(subject, np.int64)
    out: list[Cell] = [(0, 0, np.ones(len(who), bool))]
    for depth, given in enumerate(codes, start=1):
        pairs = np.unique(np.stack([np.asarray(given, np.int64), who]), axis=1)
        known, people = np.unique(pairs[0], return_counts=True)
        out += [(depth, code, np.asarray(given == code, bool)) for code in known[people >= least].tolist()]
    narrowest = _narrowest(out, len(who))
    pairs = np.unique(np.stack([narrowest, who]), axis=1)
    told = (np.bincount(pairs[0], minlength=len(out)) >= k)[narrowest]
    return [(depth, code, rows & told) for depth, code, rows in out]


def _narrowest(cells: Sequence[Cell], n: int) -> Ints:
    """Position of the last cell that each of `n` rows is in, -1 for none."""
    out = np.full(n, -1, np.int64)
    for i, (_, _, rows) in enumerate(cells):
        out[rows] = i
    return out


def own_rows(cells: Sequence[Cell], subject: Codes, least: int) -> list[NDArray[np.bool_]]:
    """Rows (n,) that each cell speaks for: those of no narrower cell, so that all together are distributed as the source is.

    A cell of which fewer than `least` subjects are left has all its rows.

    Parameters
    ----------
    cells : sequence of (depth, code, rows)
        As from :func:`cells_of`.
    subject : (n,) int
    least : int
    """
    narrowest, out = _narrowest(cells, len(subject)), []
    for i, (_, _, rows) in enumerate(cells):
        left = narrowest == i
        out.append(left if len(np.unique(np.asarray(subject)[left])) >= least else rows)
    return out

"""Tests that are parts of another one: counts of kinds of cells add up to less than the count of all, or to just about as much."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.models.marginals import QuantileMarginal
from replicator.study_model.findings.recorded import Recorded, row_at
from replicator.study_model.findings.results import Results

Codes = NDArray[np.intp]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

FEWEST = 20  # times k occasions with the whole and its parts
SHARED = 0.5  # share of the occasions of the whole that a part must have
SLOPES = (0.5, 2.0)  # change of the rest of the whole with a change of a part by 1, within subjects: of a true part about 1
EXPLAINED = 0.1  # share of the variance of the rest within subjects, the least that a part must explain
TIGHT = 0.5  # of the drawn spread of the share, the source's below which the share is drawn for itself
MOST_TESTS = 60  # of one unit that are looked at


@dataclass(frozen=True, eq=False)
class Wholes:
    r"""Tests and their parts.

    Attributes
    ----------
    whole : (n,) int64
        Series *w*.
    part : (n, n_series) bool
        Which series are its parts *p*.
    share : tuple of QuantileMarginal
        Of the logarithm *s* of the share.
    tight : (n,) bool
        Whether the share is drawn for itself, since that of drawn parts and wholes varies far too much; else it is kept in bounds.
    low, high, give : (n,) float64
        Bounds of *s*, and how much of a change the whole takes.

    Notes
    -----
    With :math:`s = \log \sum p - \log w` and the share *s'* that it shall have, all parts are multiplied by
    :math:`e^{(1 - g)(s' - s)}` and the whole by :math:`e^{-g (s' - s)}`, where *g* is the whole's part of the variance of both
    logarithms.
    """

    kind: ClassVar[str] = "findings wholes"

    whole: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    part: Flags = field(default_factory=lambda: np.empty((0, 0), bool))
    share: tuple[QuantileMarginal, ...] = ()
    tight: Flags = field(default_factory=lambda: np.empty(0, bool))
    low: Floats = field(default_factory=lambda: np.empty(0))
    high: Floats = field(default_factory=lambda: np.empty(0))
    give: Floats = field(default_factory=lambda: np.empty(0))

    @classmethod
    def fit(
        cls,
        recorded: Recorded,
        unit: Codes,
        other: Collection[int],
        k: int,
    ) -> Wholes:
        """Find the wholes and parts of the source that are not kept without being known.

        Parameters
        ----------
        recorded : Recorded
            The source's results.
        unit : (n_series,) int
            Original unit of each series, -1 where it has none or several.
        other : collection of int
            Series that follow another law.
        k : int
            Fewest subjects behind a bound.
        """
        table, run, results = recorded.table(), recorded.run, recorded.results
        step = np.where(results.scales.decimals >= 0, 10.0 ** -np.maximum(results.scales.decimals, 0), 0.0)
        free = np.array([j not in other for j in range(len(unit))], bool) & (unit >= 0)
        free &= np.isfinite(table).any(axis=0) & ~(table < 0).any(axis=0)
        found: list[tuple[int, Flags, QuantileMarginal, bool, list[float]]] = []
        for one in np.unique(unit[free]).tolist():
            mine = np.flatnonzero(free & (unit == one))
            middles = np.nanmedian(table[:, mine], axis=0)
            for whole in mine[np.argsort(-middles, kind="stable")][:MOST_TESTS].tolist():
                parts = _parts(table, whole, [j for j in mine.tolist() if free[j]], step, run, k) if free[whole] else []
                if not parts:
                    continue
                free[[whole, *parts]] = False
                law = _law(table, recorded.redraw(), whole, parts, run, k)
                if law:
                    found.append((whole, np.isin(np.arange(len(unit)), parts), *law))
        if not found:
            return cls()
        wholes, members, shares, tight, numbers = zip(*found, strict=True)
        return cls(np.array(wholes, np.int64), np.stack(members), shares, np.array(tight), *np.array(numbers).T)

    def hold(
        self, number: Floats, occasion: Codes, series: Codes, site: Codes, results: Results, rng: np.random.Generator
    ) -> Floats:
        """Change results (n,) of wholes and parts whose share is not one that the source could have; `site` is (n_occasions,)."""
        if not len(self.whole):
            return number
        out = number.copy()
        row = row_at(occasion, series, (len(site), len(results.value)))
        for i, whole in enumerate(self.whole.tolist()):
            members = np.append(np.flatnonzero(self.part[i]), whole)
            at = row[:, members]
            value = np.append(out, np.nan)[at]
            share = _share(value[:, :-1], value[:, -1])
            rows = np.flatnonzero(np.isfinite(share))
            wanted = self.share[i].quantile(rng.random(len(rows))) if self.tight[i] else share[rows]
            change = np.clip(wanted, self.low[i], self.high[i]) - share[rows]
            rows, change = rows[change != 0], change[change != 0]
            power = np.append(np.full(len(members) - 1, 1 - self.give[i]), -self.give[i])
            drawn = value[rows] * np.exp(change[:, None] * power)
            recorded = results.scales.record(drawn.ravel(), np.tile(members, len(drawn)), np.repeat(site[rows], len(members)))
            out[at[rows]] = recorded.reshape(drawn.shape)
        return out

    def redrawn(self, n_series: int) -> Flags:
        """Which series are changed in every row, since their share is drawn for itself: (n_series,) bool."""
        out = np.zeros(n_series, bool)
        for whole, part in zip(self.whole[self.tight].tolist(), self.part[self.tight] if len(self.whole) else (), strict=True):
            out[whole] = True
            out |= part
        return out


def units_of_series(unit: NDArray[np.integer], series: Codes, n_series: int) -> Codes:
    """Unit of each series (n_series,), -1 where its rows, of the units `unit` (n_rows,), have none or several."""
    inside = series >= 0
    low, high = np.full(n_series, np.iinfo(np.int64).max), np.full(n_series, -1)
    np.minimum.at(low, series[inside], unit[inside])
    np.maximum.at(high, series[inside], unit[inside])
    return np.where(low == high, high, -1).astype(np.intp)


def _share(parts: Floats, whole: Floats) -> Floats:
    """Logarithm of what the parts (n, n_parts) are of the whole (n,); NaN where one is missing, or one of both is nothing."""
    with np.errstate(divide="ignore", invalid="ignore"):
        out = np.log(parts.sum(axis=1)) - np.log(whole)
    return np.asarray(np.where(np.isfinite(out), out, np.nan), np.float64)


def _parts(table: Floats, whole: int, others: list[int], step: Floats, run: Codes, k: int) -> list[int]:
    """Parts of a test, those that explain most of it first: never more than all, and with the rest of it changing with each."""
    seen = np.isfinite(table)
    size = int(seen[:, whole].sum())
    chosen: list[int] = []
    pool = [j for j in others if j != whole and (seen[:, j] & seen[:, whole]).sum() >= max(SHARED * size, FEWEST * k)]
    while pool:
        best, explained = -1, 0.0
        for j in pool:
            rows = np.flatnonzero(seen[:, [whole, j, *chosen]].all(axis=1))
            if len(rows) < FEWEST * k:
                continue
            rest = table[rows, whole] - table[rows][:, chosen].sum(axis=1)
            left = rest - table[rows, j]
            if (left < -(step[[whole, j, *chosen]].sum() / 2 + 1e-9)).any():
                continue
            slope, told = _slope(rest, table[rows, j], run[rows])
            if SLOPES[0] < slope < SLOPES[1] and told > max(explained, EXPLAINED):
                best, explained = j, told
        if best < 0:
            break
        chosen.append(best)
        pool.remove(best)
    return chosen


def _slope(y: Floats, x: Floats, run: Codes) -> tuple[float, float]:
    """Slope of y (n,) on x within subjects, and the share of the variance of y that it explains."""
    _, owner, size = np.unique(run, return_inverse=True, return_counts=True)
    y, x = (one - (np.bincount(owner, weights=one) / size)[owner] for one in (y, x))
    across, square, total = float(x @ y), float(x @ x), float(y @ y)
    return (across / square, across**2 / square / total) if square > 0 and total > 0 else (0.0, 0.0)


def _law(
    table: Floats, drawn: Floats, whole: int, parts: list[int], run: Codes, k: int
) -> tuple[QuantileMarginal, bool, list[float]] | None:
    """Distribution of the share, whether it is tight, bounds, and what the whole gives; None if what is drawn needs no change."""
    share = _share(table[:, parts], table[:, whole])
    rows = np.isfinite(share)
    other = _share(drawn[:, parts], drawn[:, whole])[rows]
    other = other[np.isfinite(other)]
    marginal = QuantileMarginal.fit(share[rows], run[rows], k=k)
    if not marginal.n or not len(other) or share[rows].std() == 0:
        return None
    low, high = float(marginal.value[0] - 3 * marginal.lower), min(float(marginal.ceiling), 0.0)
    tight = bool(share[rows].std() < TIGHT * other.std())
    if not tight and ((other >= low) & (other <= high)).all():
        return None
    variance = [float(np.log(one[one > 0]).var()) for one in (table[rows][:, parts].sum(axis=1), table[rows, whole])]
    return marginal, tight, [low, high, variance[1] / max(sum(variance), 1e-12)]

"""Tests that are products or ratios of two others but for rounding: haematocrit is the red cells times their mean volume."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.models.marginals import QuantileMarginal
from replicator.study_model.findings_levels import ADDITIVE, Observed
from replicator.study_model.findings_results import Results

Codes = NDArray[np.intp]
Floats = NDArray[np.float64]

EXPLAINED = 0.95  # share of a logarithm's variance that the two others must explain with powers of 1 and -1
FEWEST = 20  # times k occasions with all three tests
MOST_TESTS = 60  # that are tried with each other
BESIDE = 0.5  # of what one input alone leaves, the most that both may leave: two records of the same thing are no product
SHARED = 0.3  # share of the occasions of the more frequent of two tests that the other must have too
SIGNS = ((1.0, 1.0), (1.0, -1.0), (-1.0, 1.0))


@dataclass(frozen=True, eq=False)
class Products:
    r"""Tests that follow from two others of their occasion.

    Attributes
    ----------
    target : (n,) int64
        Series of *y*, in an order in which inputs come first.
    inputs : (n, 2) int64
        Series of *a* and *b*.
    power : (n, 2) float64
        1 or -1.
    residual : tuple of QuantileMarginal
        Of *c + r* beyond the rounding of *y*.

    Notes
    -----
    .. math:: \log y = c + \log a \pm \log b + r
    """

    kind: ClassVar[str] = "findings products"

    target: NDArray[np.int64]
    inputs: NDArray[np.int64]
    power: Floats
    residual: tuple[QuantileMarginal, ...]

    @classmethod
    def none(cls) -> Products:
        """No law at all."""
        return cls(np.empty(0, np.int64), np.empty((0, 2), np.int64), np.empty((0, 2)), ())

    @classmethod
    def fit(cls, results: Results, observed: Observed, occasion: Codes, subject: Codes, k: int) -> Products:
        """Find the laws that the source's results keep.

        Parameters
        ----------
        results, observed : Results, Observed
            Latent columns and their observations.
        occasion : (n,) int
            Occasion of each observation.
        subject : (n_occasions,) int
            Whose it is.
        k : int
            Fewest subjects behind a quantile.
        """
        table, series = _logarithms(results, observed, occasion, len(subject))
        found = sorted(_candidates(table, k), key=lambda one: -one[0])
        laws: list[tuple[int, int, int, tuple[float, float]]] = []
        tied: list[set[int]] = []
        for _, target, (left, right), power in found:
            members = {target, left, right}
            if members in tied or any(target == law[0] for law in laws) or _circle(target, (left, right), laws):
                continue
            tied.append(members)
            laws.append((target, left, right, power))
        laws = _ordered(laws)
        residual = [_residual(results, table, series, law, subject, k) for law in laws]
        return cls(
            np.array([series[law[0]] for law in laws], np.int64),
            np.array([[series[law[1]], series[law[2]]] for law in laws], np.int64).reshape(-1, 2),
            np.array([law[3] for law in laws], np.float64).reshape(-1, 2),
            tuple(residual),
        )

    def hold(self, number: Floats, occasion: Codes, series: Codes, results: Results, rng: np.random.Generator) -> Floats:
        """Put results (n,) in the place of those that follow from two others of their occasion."""
        if not len(self.target):
            return number
        out = number.copy()
        row = np.full((int(occasion.max(initial=-1)) + 1, len(results.value)), -1, np.intp)
        row[occasion, series] = np.arange(len(series))
        for target, (left, right), power, residual in zip(self.target, self.inputs, self.power, self.residual, strict=True):
            at = np.flatnonzero((row[:, [target, left, right]] >= 0).all(axis=1))
            mine, a, b = row[at, target], out[row[at, left]], out[row[at, right]]
            with np.errstate(invalid="ignore"):
                there = np.isfinite(out[mine]) & (a > 0) & (b > 0)
            mine, a, b = mine[there], a[there], b[there]
            drawn = np.exp(power[0] * np.log(a) + power[1] * np.log(b) + residual.quantile(rng.random(len(mine))))
            out[mine] = results.scales.record(drawn, np.full(len(mine), target))
        return out


def _logarithms(results: Results, observed: Observed, occasion: Codes, n_occasions: int) -> tuple[Floats, Codes]:
    """Logarithms of the positive measured tests (n_occasions, n_tests), NaN where there is none; and their series."""
    counted = np.isfinite(observed.number) & (results.form[observed.column] == ADDITIVE)
    series = results.series[observed.column[counted]].astype(np.intp)
    number = observed.number[counted]
    lowest = np.full(len(results.value), np.inf)
    np.minimum.at(lowest, series, number)
    size = np.bincount(series, minlength=len(results.value))
    chosen = np.flatnonzero((lowest > 0) & np.isfinite(lowest))
    chosen = np.sort(chosen[np.argsort(-size[chosen], kind="stable")][:MOST_TESTS])
    place = np.full(len(results.value), -1, np.intp)
    place[chosen] = np.arange(len(chosen))
    use = place[series] >= 0
    table = np.full((n_occasions, len(chosen)), np.nan)
    table[occasion[observed.row[counted][use]], place[series[use]]] = np.log(number[use])
    return table, chosen


def _candidates(table: Floats, k: int) -> list[tuple[float, int, tuple[int, int], tuple[float, float]]]:
    """Share explained, target, inputs and powers of all laws that hold well enough."""
    seen = np.isfinite(table)
    filled = np.where(seen, table, 0.0)
    both = seen.T.astype(np.float64) @ seen
    size = np.diag(both)
    together = both >= np.maximum(SHARED * np.maximum(size[:, None], size[None, :]), FEWEST * k)
    found = []
    for a, b, c in combinations(range(table.shape[1]), 3):
        if not (together[a, b] and together[a, c] and together[b, c]):
            continue
        rows = seen[:, a] & seen[:, b] & seen[:, c]
        if rows.sum() < FEWEST * k:
            continue
        members = np.array([a, b, c])
        covariance = np.cov(filled[rows][:, members].T)
        variance = np.diag(covariance)
        if (variance <= 0).any():
            continue
        alone = 1 - covariance**2 / np.outer(variance, variance)  # left of one by another alone
        for target, first, second in ((0, 1, 2), (1, 0, 2), (2, 0, 1)):
            for power in SIGNS:
                weight = np.zeros(3)
                weight[[target, first, second]] = 1.0, -power[0], -power[1]
                left = float(weight @ covariance @ weight / variance[target])
                if left <= min(1 - EXPLAINED, BESIDE * alone[target, first], BESIDE * alone[target, second]):
                    found.append((1 - left, int(members[target]), (int(members[first]), int(members[second])), power))
    return found


def _circle(target: int, inputs: tuple[int, int], laws: list[tuple[int, int, int, tuple[float, float]]]) -> bool:
    """Whether an input follows, by way of other laws, from the target."""
    reached = set(inputs)
    for _ in laws:
        reached |= {one for law in laws if law[0] in reached for one in law[1:3]}
    return target in reached


def _ordered(laws: list[tuple[int, int, int, tuple[float, float]]]) -> list[tuple[int, int, int, tuple[float, float]]]:
    """Put laws after those that give their inputs."""
    out: list[tuple[int, int, int, tuple[float, float]]] = []
    waiting = list(laws)
    while waiting:
        open_targets = {law[0] for law in waiting}
        ready = [law for law in waiting if not open_targets & set(law[1:3])]
        out += ready
        waiting = [law for law in waiting if law not in ready]
    return out


def _residual(
    results: Results, table: Floats, series: Codes, law: tuple[int, int, int, tuple[float, float]], subject: Codes, k: int
) -> QuantileMarginal:
    """What a law leaves of the logarithm, narrowed by the rounding that comes back when the result is recorded."""
    target, left, right, power = law
    rest = table[:, target] - power[0] * table[:, left] - power[1] * table[:, right]
    there = np.isfinite(rest)
    places = int(results.scales.decimals[series[target]])
    step = 10.0**-places / float(np.exp(np.median(table[there, target]))) if places >= 0 else 0.0
    variance, middle = float(rest[there].var()), float(rest[there].mean())
    narrowed = np.sqrt(max(variance - step**2 / 12, 0.0) / variance) if variance > 0 else 0.0
    return QuantileMarginal.fit(middle + narrowed * (rest[there] - middle), subject[there], k=k)

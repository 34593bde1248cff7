"""Finds tests that are products or ratios of two others but for rounding, among the logarithms of a dataset's results."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from replicator.models.marginals import QuantileMarginal
from replicator.study_model.findings.levels import ADDITIVE
from replicator.study_model.findings.recorded import Recorded
from replicator.study_model.findings.results import Results

Codes = NDArray[np.intp]
Floats = NDArray[np.float64]
Law: TypeAlias = tuple[int, int, int, tuple[float, float]]
Candidate: TypeAlias = tuple[float, int, tuple[int, int], tuple[float, float]]

EXPLAINED = 0.95  # share of a logarithm's variance that the two others must explain with powers of 1 and -1
FEWEST = 20  # times k occasions with all three tests
MOST_TESTS = 60  # that are tried with each other
BESIDE = 0.5  # of what one input alone leaves, the most that both may leave: two records of the same thing are no product
SHARED = 0.3  # share of the occasions of the more frequent of two tests that the other must have too
SIGNS = ((1.0, 1.0), (1.0, -1.0), (-1.0, 1.0))


def logarithms(recorded: Recorded) -> tuple[Floats, Codes]:
    """Logarithms of the positive measured tests (n_occasions, n_tests), NaN where there is none; and their series."""
    results, observed = recorded.results, recorded.observed
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
    table = np.full((len(recorded.run), len(chosen)), np.nan)
    table[recorded.occasion[observed.row[counted][use]], place[series[use]]] = np.log(number[use])
    return table, chosen


def find_laws(table: Floats, k: int) -> list[Law]:
    """Find the laws between logarithms (n_occasions, n_tests): the tightest first, one a target and one a set of tests.

    Returns
    -------
    list of (target, left, right, (power of left, power of right))
        Columns of the table, in an order in which inputs come first.
    """
    found = sorted(_candidates(table, k), key=lambda one: -one[0])
    laws: list[Law] = []
    tied: list[set[int]] = []
    for _, target, (left, right), power in found:
        members = {target, left, right}
        if members in tied or any(target == law[0] for law in laws) or _circle(target, (left, right), laws):
            continue
        tied.append(members)
        laws.append((target, left, right, power))
    return _ordered(laws)


def residual_of(results: Results, table: Floats, series: Codes, law: Law, subject: Codes, k: int) -> QuantileMarginal:
    """What a law leaves of the logarithm, narrowed by the rounding that comes back when the results are recorded."""
    target, left, right, power = law
    rest = table[:, target] - power[0] * table[:, left] - power[1] * table[:, right]
    there = np.isfinite(rest)
    members = np.array(law[:3])
    typical = np.ones(len(results.value))
    typical[series[members]] = np.exp(np.median(table[np.ix_(there, members)], axis=0))
    logarithmic = replace(results.scales, power=np.zeros(len(typical)), shift=np.zeros(len(typical)))
    rounding = float(logarithmic.rounding_variance(typical)[series[members]].sum())
    variance, middle = float(rest[there].var()), float(rest[there].mean())
    narrowed = np.sqrt(max(variance - rounding, 0.0) / variance) if variance > 0 else 0.0
    return QuantileMarginal.fit(middle + narrowed * (rest[there] - middle), subject[there], k=k)


def _candidates(table: Floats, k: int) -> list[Candidate]:
    """Share explained, target, inputs and powers of all laws that hold well enough."""
    seen, columns = np.ascontiguousarray(np.isfinite(table).T), np.ascontiguousarray(table.T)
    both = seen.astype(np.float64) @ seen.T
    size = np.diag(both)
    together = both >= np.maximum(SHARED * np.maximum(size[:, None], size[None, :]), FEWEST * k)
    found = []
    for a, b, c in combinations(range(table.shape[1]), 3):
        if not (together[a, b] and together[a, c] and together[b, c]):
            continue
        rows = seen[a] & seen[b] & seen[c]
        if rows.sum() < FEWEST * k:
            continue
        members = np.array([a, b, c])
        covariance = np.cov(columns[members][:, rows])
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


def _circle(target: int, inputs: tuple[int, int], laws: list[Law]) -> bool:
    """Whether an input follows, by way of other laws, from the target."""
    reached = set(inputs)
    for _ in laws:
        reached |= {one for law in laws if law[0] in reached for one in law[1:3]}
    return target in reached


def _ordered(laws: list[Law]) -> list[Law]:
    """Put laws after those that give their inputs."""
    out: list[Law] = []
    waiting = list(laws)
    while waiting:
        open_targets = {law[0] for law in waiting}
        ready = [law for law in waiting if not open_targets & set(law[1:3])]
        out += ready
        waiting = [law for law in waiting if law not in ready]
    return out

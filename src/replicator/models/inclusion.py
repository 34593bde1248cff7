"""Chances of kinds that fixed numbers of them are chosen from: their log odds by group, and the means that these are to give."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int32] | NDArray[np.int64] | NDArray[np.intp]

LEAST_PRIOR, MOST_PRIOR = 3.0, 30.0  # subjects that what is expected counts for: bounds of what the scatter of groups asks for
ROUNDS = 40  # of fitting weights to incidences; the gap halves in each


def shrunk_means(x: Floats, group: Ints, n_groups: int) -> Floats:
    """Mean count by group, drawn to the pooled mean; the pooled mean last. Each row adds up to that group's mean size."""
    pooled = x.mean(axis=0)
    share = pooled / max(pooled.sum(), 1e-12)
    expected = x.sum(axis=1, keepdims=True) * share
    noise = np.maximum(pooled * (1 - np.minimum(pooled, 1)), 1e-12)
    return np.vstack([_shrunk_to(x, group, n_groups, expected, float(noise.sum())), pooled])


def drawn_to(x: Floats, group: Ints, n_groups: int, probability: Floats, copies: Ints) -> Floats:
    """Mean count by group, drawn to what facts about its subjects let expect: probabilities (n, n_kinds) of a copy of each kind.

    A group that has fewer with a condition has fewer of the kinds that depend on it; drawn to the pooled mean it would be made to
    have them without the condition.
    """
    noise = max(float(((probability * (1 - probability)) @ copies).mean()), 1e-12)
    return _shrunk_to(x, group, n_groups, probability * copies, noise)


def _shrunk_to(x: Floats, group: Ints, n_groups: int, expected: Floats, noise: float) -> Floats:
    """Mean count by group, drawn to the mean of what is expected of its subjects (n, n_kinds), as the scatter of groups asks for.

    `noise` is the variance of a subject's counts about what is expected, summed over kinds.
    """
    n = np.bincount(group, minlength=n_groups).astype(np.float64)
    total, aim = np.zeros((n_groups, x.shape[1])), np.zeros((n_groups, x.shape[1]))
    np.add.at(total, group, x)
    np.add.at(aim, group, expected)
    aim /= np.maximum(n, 1)[:, None]
    present = n >= 2
    gap = total[present] / n[present, None] - aim[present]
    excess = (n[present, None] * gap**2).sum() / max((present.sum() - 1) * noise, 1e-12)
    prior = MOST_PRIOR if excess <= 1 else float(np.clip(n[present].mean() / (excess - 1), LEAST_PRIOR, MOST_PRIOR))
    return np.asarray((total + prior * aim) / (n + prior)[:, None], np.float64)


def inclusion(logit: Floats, size: Floats, copies: Ints) -> Floats:
    """Probabilities (n, n_kinds) of one copy each, of which each row adds up to `size` over all copies; by bisection."""
    low, high = np.full(len(logit), -60.0), np.full(len(logit), 60.0)
    out = np.empty_like(logit)
    for _ in range(36):
        middle = (low + high) / 2
        total = _logistic(logit, middle, out) @ copies
        low, high = np.where(total < size, middle, low), np.where(total < size, high, middle)
    return np.where(size[:, None] > 0, _logistic(logit, high, out), 0.0)


def _logistic(logit: Floats, added: Floats, out: Floats) -> Floats:
    """Probabilities of log odds (n, n_kinds) to each row of which a number (n,) is added, written to `out`."""
    np.add(logit, added[:, None], out=out)
    np.clip(out, -60, 60, out=out)
    np.negative(out, out=out)
    np.exp(out, out=out)
    out += 1
    return np.divide(1, out, out=out)


def fit_weights(
    target: Floats,
    size: Floats,
    group: Ints,
    copies: Ints,
    lean: Floats,
    start: Floats | None = None,
    rounds: int = ROUNDS,
) -> Floats:
    """Log odds (n_groups, n_kinds) whose mean inclusion is the target, given the subjects' sizes and inclinations."""
    each = np.clip(target / copies, 1e-9, 1 - 1e-6)
    weight = np.log(each / (1 - each)) if start is None else start
    n = np.maximum(np.bincount(group, minlength=len(target)), 1)[:, None]
    for _ in range(rounds):
        probability = inclusion(weight[group] + lean, size, copies)
        mean = np.zeros_like(weight)
        np.add.at(mean, group, probability)
        mean = np.clip(mean / n, 1e-9, 1 - 1e-6)
        weight = np.clip(weight + np.log(each / (1 - each)) - np.log(mean / (1 - mean)), -20, 20)
    return weight


def added(table: Floats, facts: NDArray[np.bool_]) -> Floats:
    """Log odds (n, n_kinds) that facts (n, n_facts) add, by a table (n_facts, n_kinds)."""
    used = table.any(axis=1)
    return np.asarray(facts[:, used].astype(np.float64) @ table[used], np.float64)


def log_odds(share: Floats) -> Floats:
    """Log odds of shares, of 0 and 1 as of one in a million and of all but one."""
    each = np.clip(share, 1e-6, 1 - 1e-6)
    return np.asarray(np.log(each / (1 - each)), np.float64)

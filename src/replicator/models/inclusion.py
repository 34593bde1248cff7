"""Chances of kinds that fixed numbers of them are chosen from: their log odds by group, and the means that these are to give."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int32] | NDArray[np.int64] | NDArray[np.intp]

LEAST_PRIOR, MOST_PRIOR = 3.0, 30.0  # subjects that what is expected counts for: bounds of what the scatter of groups asks for
ROUNDS = 40  # of fitting weights to incidences; the gap halves in each
CLOSE = 1e-4  # of an incidence, or of log odds, between what is reached and what is aimed at
MOST_WEIGHT = 20.0  # log odds
FEWEST_OF_GROUP = 100  # subjects, where not all are looked at
CELLS_AT_ONCE = 1 << 16  # half a megabyte
MOST_ADDED = 60.0  # log odds that make rows as large as they can be
LEAST_STEP, MOST_STEPS = 1e-7, 60  # of Newton's method, log odds; after the last one the error is its square
ROUNDING = 1e-10  # sums this near to their limits are not told from them


def spread_over(group: Ints, size: Floats | Ints, most: int) -> NDArray[np.intp]:
    """Positions, in their order, of about so many subjects of (n,), spread evenly over groups and, within these, over sizes.

    Of a group at least `FEWEST_OF_GROUP` are taken, or all.
    """
    n = len(group)
    if n <= most:
        return np.arange(n)
    order = np.lexsort((size, group))
    ends = np.cumsum(np.bincount(group))
    chosen = []
    for start, end in zip(np.append(0, ends[:-1]).tolist(), ends.tolist(), strict=True):
        wanted = min(end - start, max(FEWEST_OF_GROUP, -(-most * (end - start) // n)))
        place = start + ((np.arange(wanted) + 0.5) * ((end - start) / max(wanted, 1))).astype(np.intp)
        chosen.append(order[place])
    return np.sort(np.concatenate(chosen))


def shrunk_means(x: Floats, group: Ints, n_groups: int) -> Floats:
    """Mean count by group, drawn to the pooled mean; the pooled mean last. Each row adds up to that group's mean size."""
    pooled = x.mean(axis=0)
    share = pooled / max(pooled.sum(), 1e-12)
    expected = _means(x.sum(axis=1, keepdims=True), group, n_groups) * share
    noise = np.maximum(pooled * (1 - np.minimum(pooled, 1)), 1e-12)
    return np.vstack([_shrunk_to(x, group, n_groups, expected, float(noise.sum())), pooled])


def drawn_to(x: Floats, group: Ints, n_groups: int, probability: Floats, group_of: Ints, copies: Ints) -> Floats:
    """Mean count by group, drawn to what facts about its subjects let expect: chances (n_some, n_kinds) of a copy of each kind.

    A group that has fewer with a condition has fewer of the kinds that depend on it; drawn to the pooled mean it would be made to
    have them without the condition. `group_of` (n_some,) is the group of those whose chances are given, all subjects or some.
    """
    noise = max(float(((probability * (1 - probability)) @ copies).mean()), 1e-12)
    return _shrunk_to(x, group, n_groups, _means(probability, group_of, n_groups) * copies, noise)


def _shrunk_to(x: Floats, group: Ints, n_groups: int, aim: Floats, noise: float) -> Floats:
    """Mean count by group, drawn to what is expected of it (n_groups, n_kinds), as the scatter of groups asks for.

    `noise` is the variance of a subject's counts about what is expected, summed over kinds.
    """
    n = np.bincount(group, minlength=n_groups).astype(np.float64)
    mean = _means(x, group, n_groups)
    present = n >= 2
    gap = mean[present] - aim[present]
    excess = (n[present, None] * gap**2).sum() / max((present.sum() - 1) * noise, 1e-12)
    prior = MOST_PRIOR if excess <= 1 else float(np.clip(n[present].mean() / (excess - 1), LEAST_PRIOR, MOST_PRIOR))
    return np.asarray((mean * n[:, None] + prior * aim) / (n + prior)[:, None], np.float64)


def _means(x: Floats, group: Ints, n_groups: int) -> Floats:
    """Mean of each column of (n, n_columns) by group; 0 for a group without subjects."""
    members = (group == np.arange(n_groups)[:, None]).astype(np.float64)
    return np.asarray(members @ x / np.maximum(members.sum(axis=1), 1)[:, None], np.float64)


def inclusion(logit: Floats, size: Floats, copies: Ints) -> Floats:
    r"""Probabilities (n, n_kinds) of one copy each, of which each row adds up to `size` over all copies.

    Parameters
    ----------
    logit : (n, n_kinds) float64
        Log odds; infinite for kinds that a subject has or cannot have.
    size : (n,) float64
        Sum of each row, from 0 to the number of copies that the row can have.
    copies : (n_kinds,) int
        How many interchangeable kinds an entry stands for.

    Notes
    -----
    With :math:`T(c) = \sum_j a_j \sigma(l_j + c)`, where :math:`a_j` are the copies, :math:`c` is found by Newton's method on the
    log odds of :math:`T` between its limits: what is certain, and what is possible. They are nearly linear at both ends.
    A step that leaves the interval in which :math:`c` lies, or is not half as long as the one before, is replaced by halving it.
    Rows are taken as many at once as stay in the processor's cache.
    """
    out = np.empty_like(logit)
    rows = max(1, CELLS_AT_ONCE // max(1, logit.shape[1]))
    weight = copies.astype(np.float64)
    for low in range(0, len(logit), rows):
        part = slice(low, low + rows)
        _of_size(logit[part], size[part], weight, out[part])
    return out


def _of_size(logit: Floats, size: Floats, copies: Floats, out: Floats) -> None:
    """Write to `out` (n, n_kinds) the probabilities of which each row adds up to its size."""
    certain, possible = (logit == np.inf) @ copies, (logit > -np.inf) @ copies
    between = (size > certain) & (size < possible)
    aim = np.log(np.where(between, size - certain, 1.0)) - np.log(np.where(between, possible - size, 1.0))
    odds = np.exp(-logit)  # against each
    added = np.zeros(len(logit))
    added[~between] = np.where(size[~between] > certain[~between], MOST_ADDED, -MOST_ADDED)
    low, high = np.full(len(logit), -MOST_ADDED), np.full(len(logit), MOST_ADDED)
    last = np.full(len(logit), np.inf)
    for _ in range(MOST_STEPS):
        np.multiply(odds, np.exp(-added)[:, None], out=out)
        out += 1
        np.divide(1, out, out=out)
        total = out @ copies
        low, high = np.where(total < size, added, low), np.where(total < size, high, added)
        above, below = np.maximum(total - certain, ROUNDING), np.maximum(possible - total, ROUNDING)
        slope = (total - (out * out) @ copies) * (1 / above + 1 / below)
        step = (aim - np.log(above) + np.log(below)) / np.maximum(slope, ROUNDING)
        astray = (added + step <= low) | (added + step >= high) | (np.abs(step) > last / 2)
        step = np.where(astray & (np.abs(step) > LEAST_STEP), (low + high) / 2 - added, step)
        last = np.abs(step)
        added = np.where(between, added + step, added)
        if last.max(initial=0.0, where=between) <= LEAST_STEP:
            break
    np.multiply(odds, np.exp(-added)[:, None], out=out)
    out += 1
    np.divide(1, out, out=out)
    out[size <= 0] = 0.0


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
    for _ in range(rounds):
        mean = np.clip(_means(inclusion(weight[group] + lean, size, copies), group, len(target)), 1e-9, 1 - 1e-6)
        gap = np.log(each / (1 - each)) - np.log(mean / (1 - mean))
        weight = np.clip(weight + gap, -MOST_WEIGHT, MOST_WEIGHT)
        apart = np.abs(gap - np.median(gap, axis=1, keepdims=True)) * (1 - each)  # what all have in common changes no chance
        if apart.max(initial=0.0) < CLOSE:
            break
    return weight


def added(table: Floats, facts: NDArray[np.bool_]) -> Floats:
    """Log odds (n, n_kinds) that facts (n, n_facts) add, by a table (n_facts, n_kinds)."""
    used = table.any(axis=1)
    return np.asarray(facts[:, used].astype(np.float64) @ table[used], np.float64)


def log_odds(share: Floats) -> Floats:
    """Log odds of shares, of 0 and 1 as of one in a million and of all but one."""
    each = np.clip(share, 1e-6, 1 - 1e-6)
    return np.asarray(np.log(each / (1 - each)), np.float64)

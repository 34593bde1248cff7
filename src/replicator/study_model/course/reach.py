"""How far subjects come: to which last visit in each arm, how few come no further, and up to which mark visits run instead."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from replicator.models.group_effects import shrink_to_pool
from replicator.study_model.course.grid import FIRST_VISIT, LAST_VISIT, Grid
from replicator.study_model.spine import Spine

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CLOSE = 0.25  # of the interval between visits: what ends this near to the last visit, give or take, ends with it
AT_THE_END = 0.2  # share of those in treatment from which coming to the last visit of an arm is a class of its own
FEWEST_IN_ARM = 2  # subjects of an arm who tell how far it goes
OF_THE_ARM = 0.1  # share of an arm that its last visit must have


def fit_horizon(spine: Spine, grid: Grid) -> tuple[str, float]:
    """The mark that visits run up to, and their distance from it; none if a mark lies at a steady distance from the last visit."""
    if len(grid.numbers) < 2:
        return "", 0.0
    last = spine.marks[LAST_VISIT]
    interval = float(np.median(np.diff(np.unique(grid.expected)))) if len(np.unique(grid.expected)) > 1 else 1.0
    found: list[tuple[float, str, float]] = []
    for name, mark in spine.marks.items():
        lag = (np.floor(mark) - last)[np.isfinite(mark) & np.isfinite(last)]
        if name in (FIRST_VISIT, LAST_VISIT) or not len(lag) or len(lag) < 0.5 * np.isfinite(last).sum():
            continue
        if float((lag >= 0).mean()) >= 0.95:
            found.append((float(np.median(np.abs(lag - np.median(lag)))), name, 1.0 if float((lag < 1).mean()) <= 0.005 else 0.0))
    if not found or min(found)[0] <= CLOSE * interval:
        return "", 0.0
    _, name, margin = min(found)
    return name, margin


def find_tops(reach: Ints, arm: NDArray[np.int32], stratum: Ints) -> Ints:
    """Position of the last visit that a tenth of each arm, and two subjects, came to: (n_arms,).

    An arm of one subject is taken for its stratum; where that has no other subject, it comes as far as the days start from.
    """
    n_arms = len(stratum)
    last = int(reach.max(initial=0)) + 1
    count = np.zeros((n_arms, last + 1))
    np.add.at(count, (arm.astype(np.intp), (reach + 1).astype(np.intp)), 1.0)
    alike = (stratum[:, None] == stratum[None, :]).astype(np.float64) @ count
    count = np.where(count.sum(axis=1, keepdims=True) < FEWEST_IN_ARM, alike, count)
    size = count.sum(axis=1)
    came = np.cumsum(count[:, ::-1], axis=1)[:, ::-1] >= np.maximum(FEWEST_IN_ARM, OF_THE_ARM * size)[:, None]
    return np.asarray(np.where(came, np.arange(last + 1), 0).max(axis=1) - 1, np.int64)


def fit_top(reach: Ints, arm: NDArray[np.int32], stratum: Ints, k: int) -> tuple[Ints, Floats]:
    """Last visit of each arm, and how many come to it where that parts the subjects into two classes of some size."""
    top = find_tops(reach, arm, stratum)
    finished = reach >= top[arm]
    counts = np.zeros((len(stratum), 2))
    np.add.at(counts, (arm.astype(np.intp), finished.astype(np.intp)), 1.0)
    both = counts[(counts > 0).all(axis=1)].sum(axis=0)
    if len(both) and both.min() >= k and both[1] >= AT_THE_END * both.sum():
        return top, shrink_to_pool(counts, stratum)[:, 1]
    return top, np.empty(0)


def find_lowest(reach: Ints, arm: NDArray[np.int32], n_arms: int, start: int) -> Ints:
    """Position that everybody of an arm comes to, (n_arms,): that of the visit that days start from, or the first; -1 for none."""
    out = np.full(n_arms, start, np.int64)
    np.minimum.at(out, arm, reach)
    return np.where(out >= start, start, np.minimum(out, 0))


def beyond_others(reach: Ints, arm: NDArray[np.int32], stratum: Ints, k: int) -> Ints:
    """Position that all of an arm come to though k would have left before at the rate of others, -1 for none: (n_arms,).

    An arm that subjects are really in may be told by what is given from a visit on: who left before it is of another. It is the
    first such position: that somebody left at the next is not told.
    """
    out = np.full(len(stratum), -1, np.int64)
    for one in np.unique(arm).tolist():
        mine, others = reach[arm == one], reach[(arm != one) & (stratum[arm] == stratum[one])]
        left = np.cumsum(np.bincount(others + 1, minlength=1)) / max(len(others), 1)  # by position, from -1 on
        due = np.flatnonzero(left * len(mine) >= k)
        if len(due) and not (mine < due[0]).any():
            out[one] = due[0]
    return out


def leaving_positions(leaving: Ints, size: int, k: int) -> Ints:
    """Positions at which subjects leave; those that hardly anybody leaves at, while many leave around them, are none."""
    if not size:
        return np.zeros(1, np.int64)
    count = np.bincount(leaving + 1, minlength=size + 1)
    lowest = 0 if count[0] else 1
    usual = len(leaving) / max(1, int(leaving.max(initial=0)) - int(leaving.min(initial=0)) + 1)
    kept = np.flatnonzero(count >= k) if usual >= k and (count >= k).any() else np.arange(lowest, size + 1)
    return kept.astype(np.int64) - 1

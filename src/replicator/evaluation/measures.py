"""What an evaluation says: families of distances with their floor, checks that pass or fail, and everything behind them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

NORMAL_95 = 1.959963984540054  # quantile 0.975 of the normal distribution
OFFENDERS = 8  # how many of the worst entries a family names


class Direction(StrEnum):
    """Which values of a figure are good."""

    LOWER = "lower is better"
    HIGHER = "higher is better"
    NEAR = "nearest to the target is best"


@dataclass(frozen=True)
class Interval:
    """A 95 % interval; NaN where too little is known."""

    low: float
    high: float


@dataclass(frozen=True)
class Offender:
    """One entry of a family that differs most from real subjects, in words a reader can act on.

    Attributes
    ----------
    name : str
        What was compared, such as ``LB.LBSTRESN [ALT]`` or ``AGE with ALT level``.
    sample, floor : float
        Mean distance of the sample, and of real subjects, from the reference.
    """

    name: str
    sample: float
    floor: float


@dataclass(frozen=True, eq=False)
class Distances:
    """Distances of many entries, over all splits.

    Attributes
    ----------
    names : tuple of str
        (n_entries,).
    sample, floor : (n_splits, n_entries) float64
        Distance of the sample and of the floor from the reference; NaN where it cannot be told.
    """

    names: tuple[str, ...]
    sample: Floats
    floor: Floats

    @classmethod
    def join(cls, parts: list[Distances], n_splits: int) -> Distances:
        """Put entries side by side."""
        none = np.empty((n_splits, 0))
        return cls(
            tuple(name for part in parts for name in part.names),
            np.concatenate([none, *(part.sample for part in parts)], axis=1),
            np.concatenate([none, *(part.floor for part in parts)], axis=1),
        )


@dataclass(frozen=True)
class Family:
    """One way in which a sample can differ from real subjects.

    Attributes
    ----------
    name : str
        Such as ``marginals``.
    question : str
        What it asks, in one sentence.
    n_entries : int
        How many things were compared.
    sample, floor : float
        Mean distance of the sample, and of real subjects, from the reference.
    ratio : float
        ``sample / floor``: 1 means as near as real subjects; NaN where nothing could be compared.
    interval : Interval
        Of the ratio.
    lowest, highest : float
        Range of the distance.
    offenders : tuple of Offender
        The worst entries, worst first.
    """

    name: str
    question: str
    n_entries: int
    sample: float
    floor: float
    ratio: float
    interval: Interval
    lowest: float
    highest: float
    offenders: tuple[Offender, ...]


@dataclass(frozen=True)
class Figure:
    """A single number that is judged on its own, such as an AUC or a share.

    Attributes
    ----------
    name, question : str
        What it is, and what it asks in one sentence.
    value, target : float
        What was found in the sample, and what it should be (chance, or what real subjects show).
    interval : Interval
        Of the value.
    lowest, highest : float
        Range.
    direction : Direction
        Which values are good.
    n : int
        Subjects, rows or pairs that it rests on.
    note : str
        Why it could not be told, or what else to know.
    offenders : tuple of Offender
        What it comes from, worst first, where that can be told; in the figure's own scale.
    """

    name: str
    question: str
    value: float
    target: float
    interval: Interval
    lowest: float
    highest: float
    direction: Direction
    n: int
    note: str = ""
    offenders: tuple[Offender, ...] = ()


def summarise(name: str, question: str, distances: Distances, *, lowest: float = 0.0, highest: float = 1.0) -> Family:
    """Sum a family up.

    Parameters
    ----------
    name, question : str
        See :class:`Family`.
    distances : Distances
        Entries that are NaN on either side in a split are left out of it.
    lowest, highest : float
        Range of one distance.

    Notes
    -----
    The ratio is that of mean distances over all splits. A half of a finite set of subjects differs from the whole as the whole
    differs from what it was drawn from [1]_, so the standard deviation of the logarithm of the ratio over the splits is its
    standard error.

    References
    ----------
    .. [1] P. J. McCarthy, "Pseudo-replication: half samples", *Review of the International Statistical Institute* 37, 1969,
       pages 239-264.
    """
    both = np.isfinite(distances.sample) & np.isfinite(distances.floor)
    sample, floor = np.where(both, distances.sample, 0.0), np.where(both, distances.floor, 0.0)
    n = both.sum(axis=0)
    entries = int((n > 0).sum())
    if not entries:
        nothing = Interval(np.nan, np.nan)
        return Family(name, question, 0, np.nan, np.nan, np.nan, nothing, lowest, highest, ())
    per_split = both.sum(axis=1)
    used = per_split > 0
    mean_sample, mean_floor = sample.sum() / both.sum(), floor.sum() / both.sum()
    least = (highest - lowest) * 1e-6
    ratio = (mean_sample + least) / (mean_floor + least)
    logs = np.log((sample[used].sum(axis=1) + least) / (floor[used].sum(axis=1) + least))
    spread = NORMAL_95 * float(np.std(logs, ddof=1)) if used.sum() > 1 else np.nan
    interval = Interval(float(ratio * np.exp(-spread)), float(ratio * np.exp(spread)))
    with np.errstate(invalid="ignore"):
        means = sample.sum(axis=0) / np.maximum(n, 1), floor.sum(axis=0) / np.maximum(n, 1)
    excess = np.where(n > 0, means[0] - means[1], -np.inf)
    worst = [int(i) for i in np.argsort(-excess, kind="stable")[:OFFENDERS] if excess[i] > 0]
    offenders = tuple(Offender(distances.names[i], float(means[0][i]), float(means[1][i])) for i in worst)
    return Family(
        name, question, entries, float(mean_sample), float(mean_floor), float(ratio), interval, lowest, highest, offenders
    )

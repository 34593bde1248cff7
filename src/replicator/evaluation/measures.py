"""What an evaluation says: families of distances with their floor, checks that pass or fail, and everything behind them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, t

Floats = NDArray[np.float64]

NOISE = 12  # decimals of a distance beyond which it is noise of floats
NORMAL_95 = 1.959963984540054  # quantile 0.975 of the normal distribution
OFFENDERS = 8  # how many of the worst entries a family names
LEAST = 0.005  # of a distance's range, added to both means: half a percentage point is no multiple of nothing
FEW = 10  # entries from which a family has half of its full weight in the overall figure
BY_CHANCE = 0.001  # probability that a family calls any entry certain although nothing differs
PRIOR = 8  # splits' worth of the other entries in the standard error of one


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
    certain : bool
        Whether it lies further off than chance explains, given how many entries were looked at.
    """

    name: str
    sample: float
    floor: float
    certain: bool = False

    @property
    def excess(self) -> float:
        """How much further the sample is from the reference than real subjects are."""
        return self.sample - self.floor


@dataclass(frozen=True, eq=False)
class Distances:
    """Distances of many entries, over all splits.

    Attributes
    ----------
    names : tuple of str
        (n_entries,).
    sample, floor : (n_splits, n_entries) float64
        Distance of the sample and of the floor from the reference; NaN where it cannot be told.
    cautious : (n_splits, n_entries) float64, optional
        Distance of the sample without what real subjects may lack by chance. An entry is certain only if it is so by both.
    """

    names: tuple[str, ...]
    sample: Floats
    floor: Floats
    cautious: Floats | None = None

    @classmethod
    def join(cls, parts: list[Distances], n_splits: int) -> Distances:
        """Put entries side by side."""
        none = np.empty((n_splits, 0))
        return cls(
            tuple(name for part in parts for name in part.names),
            np.concatenate([none, *(part.sample for part in parts)], axis=1),
            np.concatenate([none, *(part.floor for part in parts)], axis=1),
            np.concatenate([none, *(part.sample if part.cautious is None else part.cautious for part in parts)], axis=1),
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
        The worst entries: those that are certain, then the others, worst first.
    n_certain : int
        How many entries lie further off than chance explains. One among a thousand moves no ratio.
    by_split : tuple of float
        (n_splits,) how the logarithm of the ratio varies over the splits, to first order; its standard deviation is its error.
    direction : Direction
        Which distances are good: small ones.
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
    n_certain: int = 0
    by_split: tuple[float, ...] = ()
    direction: Direction = Direction.LOWER


@dataclass(frozen=True)
class Overall:
    """All families in one figure, for following a program or a model over time; what is wrong is told by the families.

    Attributes
    ----------
    ratio : float
        Geometric mean of the families' ratios; NaN without a family.
    interval : Interval
    n_families : int
        How many families could be told.
    """

    ratio: float
    interval: Interval
    n_families: int


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
    The ratio is that of mean distances over all splits, :data:`LEAST` of the range added to both. Half a finite set of subjects
    differs from the whole as the whole differs from what it was drawn from [1]_, so the standard deviation over the splits is a
    standard error; that of the ratio's logarithm is taken of its linear part, S/mean(S) - F/mean(F) in each split, which stays
    finite where the floor of a split is 0.

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
    mean_sample, mean_floor = float(sample.sum() / both.sum()), float(floor.sum() / both.sum())
    least = (highest - lowest) * LEAST
    ratio = (mean_sample + least) / (mean_floor + least)
    of_split = (side.sum(axis=1) / np.where(used, per_split, np.nan) for side in (sample, floor))
    linear = np.subtract(*(one / (mean + least) for one, mean in zip(of_split, (mean_sample, mean_floor), strict=True)))
    interval = _around(ratio, linear)
    means = sample.sum(axis=0) / np.maximum(n, 1), floor.sum(axis=0) / np.maximum(n, 1)
    excess = np.where(n > 0, means[0] - means[1], -np.inf)
    certain = _beyond_chance(np.where(both, sample - floor, np.nan))
    if distances.cautious is not None:
        certain &= _beyond_chance(np.where(both, distances.cautious - floor, np.nan))
    worst = [int(i) for i in np.lexsort((-excess, ~certain))[:OFFENDERS] if excess[i] > 0]
    offenders = tuple(
        Offender(distances.names[i], round(float(means[0][i]), NOISE), round(float(means[1][i]), NOISE), bool(certain[i]))
        for i in worst
    )
    return Family(
        name=name,
        question=question,
        n_entries=entries,
        sample=mean_sample,
        floor=mean_floor,
        ratio=ratio,
        interval=interval,
        lowest=lowest,
        highest=highest,
        offenders=offenders,
        n_certain=int(certain.sum()),
        by_split=tuple(linear.tolist()),
    )


def overall(families: Iterable[Family]) -> Overall:
    """Take the geometric mean of the families' ratios.

    A family of n entries has the weight n / (n + :data:`FEW`): one of a few entries is mostly noise. All families rest on the same
    splits, so that the interval knows how far their errors go together.
    """
    told = [one for one in families if np.isfinite(one.ratio)]
    if not told:
        return Overall(np.nan, Interval(np.nan, np.nan), 0)
    weights = np.array([one.n_entries / (one.n_entries + FEW) for one in told])
    ratio = float(np.exp(np.average(np.log([one.ratio for one in told]), weights=weights)))
    by_split = np.array([one.by_split for one in told])
    known = np.where(np.isfinite(by_split), weights[:, None], 0.0)
    linear = (known * np.nan_to_num(by_split)).sum(axis=0) / np.maximum(known.sum(axis=0), 1e-12)
    return Overall(ratio, _around(ratio, np.where(known.any(axis=0), linear, np.nan)), len(told))


def _around(ratio: float, linear: Floats) -> Interval:
    """95 % interval of a ratio from how its logarithm varies over the splits (Student's t); NaN where fewer than two tell."""
    known = linear[np.isfinite(linear)]
    factor = float(np.exp(t.ppf(0.975, len(known) - 1) * np.std(known, ddof=1))) if len(known) > 1 else np.nan
    return Interval(ratio / factor, ratio * factor)


def _beyond_chance(excess: Floats) -> NDArray[np.bool_]:
    """Tell which entries lie further off than chance explains.

    An entry's mean excess over the splits is held against its standard error: the standard deviation over the splits, drawn towards
    that of all entries [1]_, as few splits tell little of one; the bound is the normal one for as many entries (Bonferroni). An
    entry that some split cannot tell stands on so few subjects that the others' error says too little of it: it is never certain.

    Parameters
    ----------
    excess : (n_splits, n_entries) float64
        NaN where it cannot be told.

    Returns
    -------
    (n_entries,) bool

    References
    ----------
    .. [1] G. K. Smyth, "Linear models and empirical Bayes methods for assessing differential expression in microarray experiments",
       *Statistical Applications in Genetics and Molecular Biology* 3, 2004, article 3; here with a prior of :data:`PRIOR` degrees.
    """
    known = np.isfinite(excess)
    n = known.sum(axis=0)
    told = n == len(excess)
    degrees = np.maximum(n - 1, 1)
    filled = np.where(known, excess, 0.0)
    mean = filled.sum(axis=0) / np.maximum(n, 1)
    variance = np.where(known, (filled - mean) ** 2, 0.0).sum(axis=0) / degrees
    of_all = variance[told].mean() if told.any() else np.nan
    error = np.sqrt((PRIOR * of_all + degrees * variance) / (PRIOR + degrees))
    return np.asarray(told & (n > 1) & (mean > np.maximum(norm.isf(BY_CHANCE / max(int(told.sum()), 1)) * error, 1e-9)))

"""One giveaway: what real subjects show, what the sample shows, and whether chance explains the difference."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy.stats import t

from replicator.evaluation.distances import Floats
from replicator.evaluation.giveaways.draws import Draws, error_over_draws, mean_over_draws
from replicator.evaluation.giveaways.statistics import Statistic
from replicator.evaluation.measures import OFFENDERS, Direction, Figure, Interval, Offender
from replicator.evaluation.stack import Origin
from replicator.rules.grouping import Mask

BY_CHANCE = 0.05  # probability that any giveaway is said to show although nothing differs
MEDIUM = 0.5  # effect from which a giveaway is a finding
SMALL = 0.1  # effect under which a difference beyond chance is not said to show: half of what Cohen calls small
RARE = 0.001  # added to shares of rare things before their logarithm: one in a thousand is no multiple of nothing


class Scale(StrEnum):
    """On which scale a giveaway is compared, and how its effect is told."""

    SHARE = "share"  # the difference; Cohen's h
    RARE = "share of rare rows"  # the difference of arcs, which have the same error everywhere; the ratio
    RATIO = "positive number"  # the ratio
    CORRELATION = "correlation"  # the difference; Cohen's q


@dataclass(frozen=True)
class Giveaway:
    """Something that tells made data from real.

    Attributes
    ----------
    topic : str
        What it is about, such as ``visits``.
    figure : Figure
        What the sample shows; the target is what real subjects show who were held out, else those of the source.
    scale : Scale
    source, holdout : float
        What half of each shows; NaN where it cannot be told.
    expected : Interval
        Where 95 % of as many real subjects would lie.
    effect : float
        Cohen's h of two shares, his q of two correlations, the logarithm of a ratio; positive where the sample shows more.
    shows : bool
        Whether chance does not explain the difference, given how many giveaways were looked at, and it is no small one; or that of
        one of its entries, which then is a medium one.
    n_single : int
        Such entries, where the whole would not show without them; else 0.

    References
    ----------
    J. Cohen, *Statistical Power Analysis for the Behavioral Sciences*, 2nd edition, Lawrence Erlbaum 1988, sections 4.2 and 6.2:
    0.2 is a small and 0.5 a medium h; a q of 0.3 is medium, one of 0.5 large.
    """

    topic: str
    figure: Figure
    scale: Scale
    source: float
    holdout: float
    expected: Interval
    effect: float
    shows: bool = False
    n_single: int = 0

    @property
    def is_far(self) -> bool:
        """Whether the whole shows, and by a medium effect or more."""
        return self.shows and not self.n_single and abs(self.effect) >= MEDIUM


@dataclass(frozen=True, eq=False)
class Asked:
    """A giveaway that is to be told.

    Attributes
    ----------
    topic, name, question : str
    statistic : Statistic or None
        None where the study lacks its ingredients.
    lacks : str
        What the study lacks then, in one sentence.
    scale : Scale
    direction : Direction
    """

    topic: str
    name: str
    question: str
    statistic: Statistic | None
    lacks: str
    scale: Scale = Scale.SHARE
    direction: Direction = Direction.NEAR


def tell_giveaways(asked: list[Asked], draws: Draws) -> tuple[Giveaway, ...]:
    """Tell giveaways; those that cannot be told say so in the note of their figure."""
    sides = [None if one.statistic is None else _sides(one.statistic, draws, one.scale) for one in asked]
    n = max(sum(side is not None for side in sides), 1)
    return tuple(_tell(one, side, draws, n) for one, side in zip(asked, sides, strict=True))


def _sides(statistic: Statistic, draws: Draws, scale: Scale) -> dict[Origin, Floats]:
    """Values of the entries in all draws of each side, on the scale on which they are compared."""
    return {origin: _link(statistic.of(masks, draws.reference), scale) for origin, masks in draws.sides.items()}


def _link(values: Floats, scale: Scale) -> Floats:
    match scale:
        case Scale.RARE:
            return np.asarray(2 * np.arcsin(np.sqrt(values)))
        case Scale.RATIO:
            return np.log(np.where(values > 0, values, np.nan))
    return values


def _unlink(value: float, scale: Scale) -> float:
    match scale:
        case Scale.RARE:
            return float(np.sin(np.clip(value, 0.0, np.pi) / 2) ** 2)
        case Scale.RATIO:
            return float(np.exp(value))
    return value


def _tell(asked: Asked, sides: dict[Origin, Floats] | None, draws: Draws, n_asked: int) -> Giveaway:
    lowest, highest = (-1.0 if asked.scale is Scale.CORRELATION else 0.0), (np.inf if asked.scale is Scale.RATIO else 1.0)
    nothing = Interval(np.nan, np.nan)
    statistic = asked.statistic
    known: Mask = np.zeros(0, bool)
    if statistic is not None and sides is not None:
        means = {origin: mean_over_draws(values) for origin, values in sides.items()}
        known = np.all([np.isfinite(mean) for mean in means.values()], axis=0) & (statistic.weights > 0)
    if statistic is None or sides is None or not known.any():
        lacks = asked.lacks if statistic is None else "One side has too few rows."
        figure = Figure(asked.name, asked.question, np.nan, np.nan, nothing, lowest, highest, asked.direction, 0, lacks)
        return Giveaway(asked.topic, figure, asked.scale, np.nan, np.nan, nothing, np.nan)
    real = Origin.HOLDOUT if Origin.HOLDOUT in sides else Origin.SOURCE
    weights = np.where(known, statistic.weights, 0.0)
    whole = {origin: _weighted(values, weights, asked.scale) for origin, values in sides.items()}
    value, target = (float(mean_over_draws(whole[origin])[0]) for origin in (Origin.SAMPLE, real))
    of_source, of_holdout = (
        _unlink(float(mean_over_draws(whole[origin])[0]), asked.scale) if origin in whole else np.nan
        for origin in (Origin.SOURCE, Origin.HOLDOUT)
    )
    behind = float(statistic.subjects[known].max())
    error = float(_error(whole, draws, asked.scale, np.array([behind]), weights.sum(keepdims=True))[0])
    degrees = len(draws.sample) - 1
    margin = float(t.ppf(0.975, degrees)) * error
    bound = float(t.isf(BY_CHANCE / (2 * n_asked), degrees)) * error
    effect = _effect(value, target, asked.scale)
    worse = {Direction.LOWER: value > target, Direction.HIGHER: value < target, Direction.NEAR: True}[asked.direction]
    offenders, n_far = _offenders(statistic, sides, draws, known, real, asked, n_asked)
    figure = Figure(
        asked.name,
        asked.question,
        _unlink(value, asked.scale),
        _unlink(target, asked.scale),
        _clipped(_unlink(value - margin, asked.scale), _unlink(value + margin, asked.scale), lowest, highest),
        lowest,
        highest,
        asked.direction,
        statistic.rows,
        "",
        offenders,
    )
    expected = _clipped(_unlink(target - margin, asked.scale), _unlink(target + margin, asked.scale), lowest, highest)
    as_a_whole = bool(worse and abs(value - target) > bound and abs(effect) >= SMALL)
    single = 0 if as_a_whole else n_far
    return Giveaway(asked.topic, figure, asked.scale, of_source, of_holdout, expected, effect, as_a_whole or n_far > 0, single)


def _weighted(values: Floats, weights: Floats, scale: Scale) -> Floats:
    """Weighted mean of the entries known in each draw: (n_draws, 1); of rare rows the share of all."""
    known = np.where(np.isfinite(values), weights, 0.0)
    total = known.sum(axis=1)
    filled = np.nan_to_num(np.sin(values / 2) ** 2 if scale is Scale.RARE else values)
    mean = np.where(total > 0, (filled * known).sum(axis=1) / np.where(total > 0, total, 1.0), np.nan)[:, None]
    return _link(mean, scale) if scale is Scale.RARE else mean


def _error(sides: dict[Origin, Floats], draws: Draws, scale: Scale, subjects: Floats, rows: Floats) -> Floats:
    """Standard error of the difference between sample and real subjects (n_entries,).

    It has the errors of all sides: the sample cannot know more of subjects held out than its source does. Where no draw differs
    there still is one who might: so each side has in addition the error of one subject more or less, and of rare rows that of one
    row. Without this, nothing and almost nothing would differ for certain.
    """
    variance = np.zeros(len(subjects))
    for origin in sides:
        size = draws.n[origin] / draws.n[Origin.SOURCE]
        if scale is Scale.RARE:
            one = 1.0 / np.maximum(rows * size, 1.0)
            least = one / np.sqrt(np.sin(mean_over_draws(sides[origin]) / 2) ** 2 + one)
        else:
            least = 1.0 / np.maximum(subjects * size, 1.0)
        variance += error_over_draws(sides[origin], draws.scale[origin]) ** 2 + least**2
    return np.sqrt(variance)


def _effect(value: float, target: float, scale: Scale) -> float:
    match scale:
        case Scale.SHARE:
            one, two = (2 * np.arcsin(np.sqrt(np.clip(share, 0.0, 1.0))) for share in (value, target))
            return float(one - two)
        case Scale.CORRELATION:
            one, two = (np.arctanh(np.clip(r, -0.999, 0.999)) for r in (value, target))
            return float(one - two)
        case Scale.RARE:
            one, two = (np.log(np.sin(arc / 2) ** 2 + RARE) for arc in (value, target))
            return float(one - two)
    return value - target


def _offenders(
    statistic: Statistic, sides: dict[Origin, Floats], draws: Draws, known: Mask, real: Origin, asked: Asked, n_asked: int
) -> tuple[tuple[Offender, ...], int]:
    """Entries that differ most, and how many do so by a medium effect that chance does not explain."""
    n = int(known.sum())
    if n < 2:
        return (), 0
    mean, target = (mean_over_draws(sides[origin]) for origin in (Origin.SAMPLE, real))
    error = _error(sides, draws, asked.scale, statistic.subjects.astype(np.float64), statistic.weights)
    apart = np.where(
        known, {Direction.LOWER: 1, Direction.HIGHER: -1}.get(asked.direction, np.sign(mean - target)) * (mean - target), -1
    )
    certain = known & (apart > t.isf(BY_CHANCE / (2 * n * n_asked), len(draws.sample) - 1) * error)
    order = np.lexsort((-apart, ~certain))[:OFFENDERS]
    listed = tuple(
        Offender(statistic.names[i], _unlink(float(mean[i]), asked.scale), _unlink(float(target[i]), asked.scale), bool(certain[i]))
        for i in order.tolist()
        if apart[i] > 0
    )
    far = np.abs([_effect(float(mean[i]), float(target[i]), asked.scale) for i in np.flatnonzero(certain).tolist()]) >= MEDIUM
    return listed, int(far.sum())


def _clipped(low: float, high: float, lowest: float, highest: float) -> Interval:
    return Interval(max(low, lowest), min(high, highest))

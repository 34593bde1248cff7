"""Nearest neighbours: whether sampled subjects lie nearer to subjects of the source than to real subjects who were held out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from replicator.evaluation.features import FeatureTable
from replicator.evaluation.measures import Direction, Figure
from replicator.evaluation.privacy.groups import HALVED, NO_HOLDOUT, Floats, Groups, Mask, around, over_draws, untold
from replicator.evaluation.sharing import FEWEST_SHARED

TOO_NEAR = 0.01  # share of real subjects that lie as near to another one as what is called too near
QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75)
NEARER, TOO_NEAR_NAME = "nearer to the source", "too near to the source"
NEARER_QUESTION = "Which share of sampled subjects lies nearer to a subject of the source than to one held out? (0.5 is chance)"
TOO_NEAR_QUESTION = "Which share of sampled subjects lies nearer to one of the source than 99 % of real subjects lie to each other?"


@dataclass(frozen=True, eq=False)
class Nearness:
    """Distances between sampled and real subjects.

    Attributes
    ----------
    sample, real : (n_sample,), (n_real,) intp
        Positions of the subjects in the stack.
    apart : (n_sample, n_real) float64
        Gower's distance: mean over the features, 0 to 1.
    shuffled : (n_sample, n_real) float64
        The same from a control that has nobody in it: the source's features in groups of five, each drawn anew on its own.
    among : (n_real, n_real) float64
        The same between real subjects, infinite on the diagonal.
    """

    sample: NDArray[np.intp]
    real: NDArray[np.intp]
    apart: Floats
    shuffled: Floats
    among: Floats


@dataclass(frozen=True)
class DistanceQuantiles:
    """Distances to the nearest subject of the source, beside those among real subjects.

    Attributes
    ----------
    levels : tuple of float
        Of the quantiles.
    sample : tuple of float
        From sampled subjects to the source.
    others : tuple of float
        From other real subjects to as many of the source.
    """

    levels: tuple[float, ...]
    sample: tuple[float, ...]
    others: tuple[float, ...]


def scaled(values: Floats, of_real: Mask) -> Floats:
    """Bring features to one scale, on which the mean absolute difference is Gower's distance.

    Numbers are clipped to the middle 98 % of the real subjects' and divided by that range; a cell without a number is half a range
    and more from one with a number (a whole range from either end), and no distance from another one without.

    Parameters
    ----------
    values : (n_subjects, n_features) float64
        NaN where missing.
    of_real : (n_subjects,) bool

    Returns
    -------
    (n_subjects, 2 * n_features) float64
        The first half holds numbers, the second half what a missing cell adds.

    References
    ----------
    J. C. Gower, "A general coefficient of similarity and some of its properties", *Biometrics* 27, 1971, pages 857-871.
    """
    if not values.shape[1]:
        return np.empty((len(values), 0))
    has = np.isfinite(values)
    kept = np.where(has & of_real[:, None], values, np.nan)
    empty = ~np.isfinite(kept).any(axis=0)
    kept[:, empty] = 0.0
    low, high = np.nanquantile(kept, [0.01, 0.99], axis=0)
    widest = np.nanmax(kept, axis=0) - np.nanmin(kept, axis=0)
    narrow = high <= low  # nearly everybody has the same
    low = np.where(narrow, np.nanmin(kept, axis=0), low)
    span = np.where(narrow, widest, high - low)
    with np.errstate(invalid="ignore", divide="ignore"):
        place = np.clip((values - low) / np.where(span > 0, span, 1.0), 0.0, 1.0)
    numbers = np.where(has & (span > 0), place, 0.5)  # half a range away at most ...
    return np.concatenate([numbers, np.where(has, 0.0, 0.5)], axis=1)  # ... and half a range for having none


def distances(one: Floats, two: Floats) -> Floats:
    """Mean absolute difference over the features of :func:`scaled`: (n_one, n_two) float64, 0 to 1."""
    from scipy.spatial.distance import cdist  # noqa: PLC0415

    n_features = max(one.shape[1] // 2, 1)
    if not one.shape[1]:
        return np.zeros((len(one), len(two)))
    return np.asarray(cdist(one, two, "cityblock") / n_features)


def measure_nearness(table: FeatureTable, groups: Groups, of_source: Mask, rng: np.random.Generator) -> Nearness:
    """Measure all distances between the subjects who are looked at.

    Parameters
    ----------
    table : FeatureTable
    groups : Groups
    of_source : (n_subjects,) bool
    rng : numpy.random.Generator
        Of the control.
    """
    real, sample = np.flatnonzero(groups.real), np.flatnonzero(groups.sample)
    place = scaled(table.values, groups.real)
    among = distances(place[real], place[real])
    np.fill_diagonal(among, np.inf)
    control = _shuffled(place[real[of_source[real]]], len(sample), rng)
    return Nearness(sample, real, distances(place[sample], place[real]), distances(control, place[real]), among)


def _shuffled(place: Floats, n: int, rng: np.random.Generator) -> Floats:
    """Draw `n` rows of each feature on its own, of numbers that five subjects share or means of five: no row is like anybody."""
    n_features = place.shape[1] // 2
    place = np.column_stack([*map(_grouped, place[:, :n_features].T), *place[:, n_features:].T]) if place.size else place
    who = rng.integers(0, max(len(place), 1), (n, n_features))
    columns = np.arange(n_features)
    return np.concatenate([place[who, columns], place[who, columns + n_features]], axis=1) if len(place) else np.empty((n, 0))


def _grouped(values: Floats) -> Floats:
    """Put the mean of five neighbours or more in the place of numbers (n,) that fewer share."""
    levels, place, count = np.unique(values, return_inverse=True, return_counts=True)
    begin = np.cumsum(count) - count
    group = np.minimum(begin, max(len(values) - FEWEST_SHARED, 0)) // FEWEST_SHARED
    size = np.bincount(group, count)
    mean = np.bincount(group, count * levels) / np.maximum(size, 1.0)
    return np.asarray(mean[group][place.reshape(-1)])


def nearer_figure(nearness: Nearness, groups: Groups, n_features: int) -> Figure:
    """Share of sampled subjects nearer to the source than to the holdout, with equally many of both; a tie counts half.

    The distributions of a source of few subjects are those subjects', so whatever has them leans to them, though it has nobody in
    it. So the target is what the shuffled control shows, where that is above chance.
    """
    if groups.taught:
        return untold(NEARER, NEARER_QUESTION, 0.5, NO_HOLDOUT)
    if not groups.told or not n_features:
        return untold(NEARER, NEARER_QUESTION, 0.5, _too_little(groups, n_features))
    found, control = np.full((2, len(groups.known)), np.nan)
    for i, (known, others, drawn) in enumerate(_draws(nearness, groups)):
        for share, apart in ((found, nearness.apart), (control, nearness.shuffled)):
            to_known, to_others = (apart[np.ix_(drawn, who)].min(axis=1) for who in (known, others))
            share[i] = np.mean(to_known < to_others) + 0.5 * np.mean(to_known == to_others)
    value, error = over_draws(found)
    target = max(over_draws(control)[0], 0.5)
    interval = around(value, error, 0.0, 1.0)
    note = said_of_control(target)
    return Figure(NEARER, NEARER_QUESTION, value, target, interval, 0.0, 1.0, Direction.LOWER, len(nearness.sample), note)


def said_of_control(target: float) -> str:
    """Say where a target above chance comes from."""
    said = f"The source's features in groups of {FEWEST_SHARED}, each shuffled on its own, show {target:.3f} with nobody in them."
    return said if target > 0.5 else ""


def too_near_figure(nearness: Nearness, groups: Groups, n_features: int) -> tuple[Figure, DistanceQuantiles | None]:
    """Share of sampled subjects nearer to the source than all but a hundredth of real subjects are to each other.

    The bound is the first percentile of the distances from other real subjects to as many of the source; the target is the share of
    these that reach it, which is more than a hundredth where many are equal.
    """
    if not groups.told or not n_features:
        return untold(TOO_NEAR_NAME, TOO_NEAR_QUESTION, TOO_NEAR, _too_little(groups, n_features)), None
    found, floor = np.full((2, len(groups.known)), np.nan)
    quantiles: list[Floats] = []
    full = len(groups.known) // 2
    for i, (known, others, drawn) in enumerate(_draws(nearness, groups)):
        between = nearness.among[np.ix_(others, known)].min(axis=1)
        to_known = nearness.apart[np.ix_(drawn, known)].min(axis=1)
        bound = np.quantile(between, TOO_NEAR, method="lower")
        found[i], floor[i] = np.mean(to_known <= bound), np.mean(between <= bound)
        if i < full:
            quantiles.append(np.array([np.quantile(to_known, QUANTILES), np.quantile(between, QUANTILES)]))
    value, _ = over_draws(found)
    target, _ = over_draws(floor)
    _, error = over_draws(found - floor)
    mean = np.mean(quantiles, axis=0).tolist()
    figure = Figure(
        TOO_NEAR_NAME,
        TOO_NEAR_QUESTION,
        value,
        target,
        around(value, error, 0.0, 1.0),
        0.0,
        1.0,
        Direction.LOWER,
        len(nearness.sample),
        HALVED if groups.taught else "",
    )
    return figure, DistanceQuantiles(QUANTILES, tuple(mean[0]), tuple(mean[1]))


def _draws(nearness: Nearness, groups: Groups) -> Iterator[tuple[Mask, Mask, Mask]]:
    """Known, other and sampled subjects of each draw, as masks over the rows and columns of the distances."""
    return zip(groups.known[:, nearness.real], groups.others[:, nearness.real], groups.drawn[:, nearness.sample], strict=True)


def _too_little(groups: Groups, n_features: int) -> str:
    return f"{groups.size} real subjects a side, {int(groups.sample.sum())} sampled and {n_features} features: too little to tell."

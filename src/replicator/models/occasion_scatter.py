"""How much residuals scatter at each kind of occasion: before treatment, say, otherwise than on it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from replicator.models.cell_means import shrink_effects
from replicator.models.persistence import Occasions, Persistence, lasting_noise
from replicator.models.residuals import Lines, Standard

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]
Flags = NDArray[np.bool_]

DRAWN = 20000  # occasions, of which the source's are drawn again and again
MOST_REPEATS = 20  # of all that it has
ROUNDS = 8  # of comparing them with the source; after these the scatter no longer moves
CLEAR = 4.0  # standard errors of a chi-square, from which kinds of occasions are believed to differ
MOST = 4.0  # times as much as elsewhere, or as little


def fit_scatter(
    dense: Floats, occasions: Occasions, n_cells: int, tilted: Flags, own: Flags, wanted: Flags, lasts: Persistence, k: int
) -> Floats:
    r"""Find the standard deviations of residuals by kind of occasion, relative to those of all.

    Parameters
    ----------
    dense : (n_occasions, n_series) float64
        Residuals about the subjects' lines as :func:`~replicator.models.residuals.Standard` gives them; NaN where there is none.
    occasions : Occasions
        Of known kinds.
    n_cells : int
        Kinds.
    tilted, own, wanted : (n_series,) bool
        Where slopes were taken out, where each subject was divided by its own standard deviation, and which series to look at.
    lasts : Persistence
        What lasts of the residuals.
    k : int
        Fewest subjects behind what a kind has of its own.

    Returns
    -------
    (n_series, n_cells) float64
        Their mean square over the residuals is 1.

    Notes
    -----
    The line of a subject takes a part of each residual with it, and the subject's own deviation is told by all of them. So normal
    residuals are drawn for the same occasions and treated in the same way, and the deviations are moved until mean squares by
    kind are those of the source. Logarithms of variances are then drawn to their mean as far as chance makes them differ: a mean
    of *n* squares of residuals of kurtosis :math:`\kappa` has a relative variance of :math:`(\kappa - 1) / n`, and only the part of
    a residual that is its own occasion's tells of the kind. Where the differences of a series are not clearly beyond chance, all
    kinds scatter alike.
    """
    n_series = dense.shape[1]
    seen = np.isfinite(dense) & wanted
    weight = seen.astype(np.float64)
    out = np.ones((n_series, n_cells))
    if n_cells < 2 or not wanted.any():
        return out
    kind = occasions.cells
    count = _by_kind(weight, kind, n_cells)
    known = _subjects(seen, occasions, n_cells) >= k
    square = np.where(seen, dense, 0.0) ** 2
    goal = _by_kind(square, kind, n_cells) / np.maximum(count, 1)
    lines = Lines.of(weight, occasions, np.flatnonzero(tilted))
    standard = Standard.of(seen, tilted, own, np.ones(n_series), occasions)
    rng = np.random.default_rng(0)
    repeats = int(np.clip(-(-DRAWN // len(dense)), 1, MOST_REPEATS))
    draws = [_lasting(rng, dense.shape, occasions, lasts) for _ in range(repeats)]
    for _ in range(ROUNDS):
        shown = np.zeros_like(goal)
        for draw in draws:
            even = standard.of_residuals(lines.out_of(draw * out[:, kind].T))
            shown += _by_kind(np.nan_to_num(even) ** 2, kind, n_cells) / np.maximum(count, 1) / repeats
        moved = out * np.sqrt(np.where(known & (goal > 0) & (shown > 0), goal / np.where(shown > 0, shown, 1.0), 1.0))
        out = _even(np.clip(moved, 1 / MOST, MOST), count)
    own_part = _own_part(lines)
    told = _by_kind(own_part**2 * weight, kind, n_cells) / np.maximum(_by_kind(own_part * weight, kind, n_cells), 1e-9)
    total = np.maximum(count.sum(axis=1), 1)
    kurtosis = (square**2).sum(axis=0) / total / np.maximum((square.sum(axis=0) / total) ** 2, 1e-12)
    noise = np.where(known & (told > 0), np.maximum(kurtosis - 1, 2.0)[:, None] / np.maximum(count * told**2, 1e-9), np.inf)
    found = 2 * np.log(out)
    sure = np.where(np.isfinite(noise), 1 / noise, 0.0)
    middle = (sure * found).sum(axis=1) / np.maximum(sure.sum(axis=1), 1e-12)
    apart, freedom_of_kinds = (sure * (found - middle[:, None]) ** 2).sum(axis=1), np.maximum((sure > 0).sum(axis=1) - 1, 0)
    clear = apart > freedom_of_kinds + CLEAR * np.sqrt(2 * freedom_of_kinds)
    return np.where(clear[:, None], _even(np.exp(shrink_effects(found, noise, known) / 2), count), 1.0)


def _by_kind(values: Floats, kind: Codes, n_cells: int) -> Floats:
    """Sums of values (n_occasions, n_series) by kind of occasion: (n_series, n_cells)."""
    n_series = values.shape[1]
    place = kind[:, None] * n_series + np.arange(n_series)
    sums = np.bincount(place.reshape(-1), values.reshape(-1), n_cells * n_series)
    return np.asarray(sums.reshape(n_cells, n_series).T, np.float64)


def _subjects(seen: Flags, occasions: Occasions, n_cells: int) -> Floats:
    """Subjects with a residual at each kind of occasion: (n_series, n_cells)."""
    pair, inverse = np.unique(occasions.run * n_cells + occasions.cells, return_inverse=True)
    there = np.zeros((len(pair), seen.shape[1]), bool)
    np.logical_or.at(there, inverse.reshape(-1), seen)
    return _by_kind(there.astype(np.float64), pair % n_cells, n_cells)


def _own_part(lines: Lines) -> Floats:
    """Share (n_occasions, n_series) of each value that is left in its residual about the subject's line."""
    run, time, reach = lines.run, lines.time, lines.reach
    out = 1 - 1 / np.maximum(lines.whole, 1)[run]
    out[:, lines.tilted] -= np.where(reach[run] > 0, time**2 / np.where(reach[run] > 0, reach[run], 1.0), 0.0)
    return np.where(lines.weight > 0, np.maximum(out, 0.0), 0.0)


def _lasting(rng: np.random.Generator, shape: tuple[int, ...], occasions: Occasions, lasts: Persistence) -> Floats:
    """Draw standard normals (n_occasions, n_series) of which as much lasts as of the source's."""
    fresh = rng.standard_normal(shape)
    if not (lasts.serial > 0).any():
        return fresh
    lasting = lasting_noise(rng.standard_normal(shape), occasions, lasts.memory)
    return np.sqrt(lasts.serial) * lasting + np.sqrt(1 - lasts.serial) * fresh


def _even(scatter: Floats, count: Floats) -> Floats:
    """Deviations (n_series, n_cells) whose mean square over `count` residuals is 1."""
    total = count.sum(axis=1)
    square = np.where(total > 0, (count * scatter**2).sum(axis=1) / np.where(total > 0, total, 1.0), 1.0)
    return scatter / np.sqrt(square)[:, None]

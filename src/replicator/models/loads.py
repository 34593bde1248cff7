"""How many kinds a subject has goes with how many the facts about the subject let expect: its load."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from replicator.special import expit, ndtri

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MOST_INCLINED = 6.0  # log odds of all kinds together by which one standard deviation of size may differ from the mean
_ROUNDS = 12  # of bisection


def fit_tie(size: Ints, load: Floats, group: Ints) -> float:
    r"""Correlation of the normal scores of size and load within groups, drawn to 0; 0 where there is none or it is negative.

    Parameters
    ----------
    size : (n,) int
        Number of kinds of each subject.
    load : (n,) float64
        Number that the facts let expect.
    group : (n,) int
        Group of each subject.

    Notes
    -----
    Drawn in by :math:`1 - 1/z^2`, with :math:`z = \sqrt{n - 3}\,\operatorname{artanh} r` (Fisher, 1921, Metron 1:3).
    """
    r = _correlation(_scores(size.astype(np.float64), group), _scores(load, group))
    z = np.arctanh(np.clip(r, -1 + 1e-9, 1 - 1e-9)) * np.sqrt(max(len(size) - 3, 0))
    return float(r * (1 - 1 / z**2)) if z > 1 else 0.0


def pair_by_load(size: Ints, logit: Floats, copies: NDArray[np.int32], group: Ints, tie: float, rng: np.random.Generator) -> Ints:
    r"""Let subjects of a group change places until size and load go together as in the source; they stay where they do already.

    Parameters
    ----------
    size, group : (n,)
        As drawn.
    logit : (n, n_kinds) float64
        Log odds of a copy of each kind that the facts let expect.
    copies : (n_kinds,) int
    tie : float
        From :func:`fit_tie`.

    Returns
    -------
    place : (n,) int64
        The subject whose drawn values each takes.

    Notes
    -----
    Sizes are handed out in the order of what a subject would have who is inclined to all kinds as the drawn size *s*, a normal
    score, tells: :math:`\sum_u \sigma(\eta_{iu} + t s_i)`. The greater *t*, the less counts the load; it is found by bisection.
    """
    place = np.arange(len(size))
    known = _scores(expected_number(logit, copies), group)
    drawn = _scores(size + 0.5 * rng.random(len(size)), group)
    if tie <= 0 or _correlation(drawn, known) >= tie:
        return place
    low, high = 0.0, MOST_INCLINED
    for _ in range(_ROUNDS):
        middle = (low + high) / 2
        wanted = expected_number(logit + middle * drawn[:, None], copies)
        low, high = (middle, high) if _correlation(_scores(wanted, group), known) > tie else (low, middle)
    wanted = expected_number(logit + low * drawn[:, None], copies)
    place[np.lexsort((wanted, group))] = np.lexsort((drawn, group))
    return place


def expected_number(logit: Floats, copies: NDArray[np.int32]) -> Floats:
    """Sum over kinds of the probabilities of their copies: (n,)."""
    return np.asarray(expit(logit) @ copies, np.float64)


def _scores(x: Floats, group: Ints) -> Floats:
    """Normal scores of ranks within groups, of mean 0 there and variance 1 over all; those of equal values are equal."""
    order = np.lexsort((x, group))
    ends = np.flatnonzero(np.append(np.diff(group[order]) != 0, True)) + 1
    starts = np.append(0, ends[:-1])
    of_row = np.repeat(np.arange(len(ends)), ends - starts)
    score = np.empty(len(x))
    score[order] = ndtri((np.arange(len(x)) - starts[of_row] + 0.5) / (ends - starts)[of_row])
    is_first = np.append(True, (np.diff(group[order]) != 0) | (np.diff(x[order]) != 0))[: len(x)]
    cell = np.empty(len(x), np.intp)
    cell[order] = np.cumsum(is_first) - 1
    score = (np.bincount(cell, weights=score) / np.bincount(cell))[cell]
    spread = np.sqrt(np.mean(score**2)) if len(score) else 0.0
    return score / spread if spread > 0 else score


def _correlation(a: Floats, b: Floats) -> float:
    return float(np.mean(a * b)) if len(a) else 0.0


__all__ = ["expected_number", "fit_tie", "pair_by_load"]

"""Draws that come evenly: of any number of first subjects about as many have a state as their probabilities add up to."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

GOLDEN = (5.0**0.5 - 1) / 2


def draw_groups(n: int, share: Floats, rng: np.random.Generator) -> NDArray[np.int32]:
    """Draw groups (n,), so that those of the first subjects, however many, are close to their shares (n_groups,).

    Trials allot arms in blocks; the points of the additive recurrence with the golden ratio are spread as evenly (Niederreiter H,
    1992, Random Number Generation and Quasi-Monte Carlo Methods, SIAM).
    """
    point = (rng.random() + np.arange(n) * GOLDEN) % 1.0
    return np.searchsorted(np.cumsum(share)[:-1], point, side="right").astype(np.int32)


def draw_evenly(chance: Floats, before: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    r"""Draw who has a rare state.

    Parameters
    ----------
    chance : (n,) float64
        Probability of each subject, in the order in which subjects come.
    before : float
        What the probabilities of all subjects before these add up to.
    rng : numpy.random.Generator
        A fresh one of the same stream wherever in the sequence these subjects stand; one number is drawn for each unit that
        the probabilities add up to, from the first subject of all.

    Returns
    -------
    (n,) bool

    Notes
    -----
    Probabilities are laid end to end, and one point is drawn uniformly in each unit of length; whoever it falls on has the state
    (stratified sampling, one draw a stratum). So among the first *n* subjects the number of those with the state is within one of
    the sum of their probabilities, and nothing else about them is regular. Two points may fall on the subject in whom two units
    meet; the second one then goes to the next subject, which has a probability below :math:`p^2 / 4` a unit.

    References
    ----------
    Cochran, W. G. (1977). Sampling Techniques, 3rd ed., chapter 8. Wiley.
    """
    edge = before + np.concatenate([[0.0], np.cumsum(chance)])
    unit = np.arange(np.floor(edge[0]), np.floor(edge[-1]) + 1)
    point = unit + rng.random(int(unit[-1]) + 1)[-len(unit) :]
    point = point[(point >= edge[0]) & (point < edge[-1])]
    place = np.searchsorted(edge, point, side="right") - 1
    turn = np.arange(len(place))
    place = np.maximum.accumulate(place - turn) + turn
    out = np.zeros(len(chance), bool)
    out[place[place < len(chance)]] = True
    return out

"""Who is looked for in the sample, and beside whom: equally many subjects of the source and other real subjects."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

from replicator.evaluation.measures import NORMAL_95, Direction, Figure, Interval
from replicator.evaluation.stack import Origin, Stack

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

N_DRAWS = 16
MOST_SUBJECTS = 2000  # of each study, whose distances are taken
FEWEST = 4  # subjects of each side
NO_HOLDOUT = "No subjects are held out, so what the model was taught cannot be told from what is true of anybody: give a holdout."
HALVED = "No subjects are held out: the other side is the other half of the source, which the model was taught as well."


@dataclass(frozen=True, eq=False)
class Groups:
    """Draws of two equally large sets of real subjects, and the sample.

    Attributes
    ----------
    known, others : (2 * n_draws, n_subjects) bool
        Subjects of the source who are looked for, and real subjects beside them: held out where there are any, else the rest of the
        source. The first half of the rows holds as many subjects as there can be, the second half of the rows half as many.
    drawn : (2 * n_draws, n_subjects) bool
        The sample, and half of it for the draws of half the size.
    made : (2 * n_draws, n_subjects) bool
        As many subjects of the sample as there are others, or all where there are fewer.
    real, sample : (n_subjects,) bool
        All real and all sampled subjects who are looked at.
    taught : bool
        Whether the others were learned from too, because nobody is held out.
    """

    known: Mask
    others: Mask
    drawn: Mask
    made: Mask
    real: Mask
    sample: Mask
    taught: bool

    @property
    def size(self) -> int:
        """Subjects of each side."""
        return int(self.known[0].sum()) if len(self.known) else 0

    @property
    def told(self) -> bool:
        """Whether there are enough subjects on all sides for anything to be said."""
        return self.size >= FEWEST and int(self.sample.sum()) >= FEWEST


def draw_groups(stack: Stack, rng: np.random.Generator, most: int | None = None, n_draws: int = N_DRAWS) -> Groups:
    """Draw the sides.

    Parameters
    ----------
    stack : Stack
    rng : numpy.random.Generator
    most : int, optional
        Look at no more than so many subjects of each study, drawn at random.
    n_draws : int
        Of full size, and as many of half that size.
    """
    source, sample, holdout = (np.sort(rng.permutation(stack.subjects(origin))[:most]) for origin in Origin)
    n = min(len(source), len(holdout)) if len(holdout) else len(source) // 2
    known, others, drawn, made = np.zeros((4, 2 * n_draws, len(stack.origin)), bool)
    for i in range(2 * n_draws):
        size = n if i < n_draws else n // 2
        order = rng.permutation(source)
        known[i, order[:size]] = True
        others[i, rng.permutation(holdout)[:size] if len(holdout) else order[n : n + size]] = True
        sampled = rng.permutation(sample)
        made[i, sampled[:size]] = True
        drawn[i, sampled if i < n_draws else sampled[: len(sampled) // 2]] = True
    of_real, of_sample = np.zeros((2, len(stack.origin)), bool)
    of_real[np.concatenate([source, holdout])], of_sample[sample] = True, True
    return Groups(known, others, drawn, made, of_real, of_sample, not len(holdout))


def over_draws(found: Floats) -> tuple[float, float]:
    """Sum a statistic of every draw up: its mean over the draws of full size, and its standard error from those of half the size.

    Parameters
    ----------
    found : (2 * n_draws,) float64

    Notes
    -----
    Half of a finite set of subjects differs from the whole as the whole differs from what it was drawn from (McCarthy 1969).
    """
    n = len(found) // 2
    full, half = found[:n][np.isfinite(found[:n])], found[n:][np.isfinite(found[n:])]
    return (float(full.mean()) if len(full) else np.nan), (float(half.std(ddof=1)) if len(half) > 1 else np.nan)


def around(value: float, error: float, lowest: float, highest: float) -> Interval:
    """95 % interval from a standard error, within a range."""
    return Interval(max(value - NORMAL_95 * error, lowest), min(value + NORMAL_95 * error, highest))


def error_of_target(share: float, n: float) -> float:
    """Standard error of a share that was found among `n`: not 0 where none was found, since of more there may have been some.

    References
    ----------
    C. J. Clopper, E. S. Pearson, "The use of confidence or fiducial limits illustrated in the case of the binomial", *Biometrika*
    26, 1934, pages 404-413: their upper limit of 97.5 %, by the quantile of the normal distribution.
    """
    found = share * n
    upper = float(betaincinv(found + 1.0, n - found, 0.975)) if found < n else 1.0
    return (upper - share) / NORMAL_95


def untold(name: str, question: str, target: float, why: str, lowest: float = 0.0, highest: float = 1.0) -> Figure:
    """A figure that cannot be told, with the reason."""
    return Figure(name, question, np.nan, target, Interval(np.nan, np.nan), lowest, highest, Direction.LOWER, 0, why)

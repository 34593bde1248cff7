"""Halves of subjects of all sides, of one size, over which a giveaway is told and its error seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from replicator.evaluation.distances import Floats
from replicator.evaluation.splits import FEWEST, too_few
from replicator.evaluation.stack import Origin
from replicator.rules.grouping import Mask

N_DRAWS = 32


@dataclass(frozen=True, eq=False)
class Draws:
    """Masks over subjects, one row a draw; all sides have as many subjects, so that what depends on their number compares.

    Attributes
    ----------
    reference, source : (n_draws, n_subjects) bool
        Two parts of the source without a common subject.
    sample : (n_draws, n_subjects) bool
    holdout : (n_draws, n_subjects) bool or None
    scale : mapping of Origin to float
        By what the standard deviation over the draws is multiplied to be the standard error of the whole side.
    n : mapping of Origin to int
        Subjects of the whole side.
    """

    reference: Mask
    source: Mask
    sample: Mask
    holdout: Mask | None
    scale: dict[Origin, float]
    n: dict[Origin, int]

    @property
    def sides(self) -> dict[Origin, Mask]:
        """Masks of each side that is there."""
        found = {Origin.SOURCE: self.source, Origin.SAMPLE: self.sample}
        return found if self.holdout is None else found | {Origin.HOLDOUT: self.holdout}


def draw_halves(origin: np.ndarray[tuple[int], np.dtype[np.int8]], rng: np.random.Generator, n_draws: int = N_DRAWS) -> Draws:
    """Draw parts of all sides.

    Every second draw takes what the one before left where that is enough, which tells a mean over the draws with less noise.

    Parameters
    ----------
    origin : (n_subjects,) int8
        :class:`~replicator.evaluation.stack.Origin` of each subject.

    Raises
    ------
    StudyError
        If a side is too small.

    Notes
    -----
    The mean of h of N subjects, drawn without replacement, has the variance s²(1/h - 1/N), that of all N has s²/N; so the standard
    deviation over the draws, times the root of h / (N - h), is the standard error of the whole [1]_.

    References
    ----------
    .. [1] W. G. Cochran, *Sampling Techniques*, 3rd edition, Wiley 1977, section 2.6.
    """
    sides = {one: np.flatnonzero(origin == one) for one in Origin if (origin == one).any()}
    size = min(len(subjects) for subjects in sides.values()) // 2
    if size < FEWEST or Origin.SAMPLE not in sides or Origin.SOURCE not in sides:
        counts = [int((origin == one).sum()) for one in Origin]
        raise too_few(counts[Origin.SOURCE], counts[Origin.HOLDOUT], counts[Origin.SAMPLE])
    masks = {one: np.zeros((n_draws, len(origin)), bool) for one in sides}
    reference = np.zeros((n_draws, len(origin)), bool)
    for one, subjects in sides.items():
        for i in range(0, n_draws, 2):
            order = rng.permutation(subjects)
            first, second = order[:size], order[size : 2 * size]
            masks[one][i, first] = True
            masks[one][i + 1 : i + 2, second] = True
            if one is Origin.SOURCE:
                reference[i, second] = True
                reference[i + 1 : i + 2, first] = True
    return Draws(
        reference,
        masks[Origin.SOURCE],
        masks[Origin.SAMPLE],
        masks.get(Origin.HOLDOUT),
        {one: float(np.sqrt(size / (len(subjects) - size))) for one, subjects in sides.items()},
        {one: len(subjects) for one, subjects in sides.items()},
    )


def error_over_draws(values: Floats, scale: float) -> Floats:
    """Standard error of a whole side from its values in the draws, (n_draws, n) -> (n,); NaN where fewer than half are known."""
    known = np.isfinite(values)
    n = known.sum(axis=0)
    filled = np.where(known, values, 0.0)
    mean = filled.sum(axis=0) / np.maximum(n, 1)
    squares = np.where(known, (filled - mean) ** 2, 0.0).sum(axis=0)
    return np.where(2 * n >= len(values), np.sqrt(squares / np.maximum(n - 1, 1)) * scale, np.nan)


def mean_over_draws(values: Floats) -> Floats:
    """Mean of what is known in the draws, (n_draws, n) -> (n,); NaN where fewer than half are known."""
    known = np.isfinite(values)
    n = known.sum(axis=0)
    return np.where(2 * n >= len(values), np.where(known, values, 0.0).sum(axis=0) / np.maximum(n, 1), np.nan)

"""Who is compared with whom: random parts of the real subjects and of the sample, all of one size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from replicator.counting import counted
from replicator.errors import StudyError
from replicator.evaluation.stack import Origin

N_SPLITS = 8
FEWEST = 4  # subjects on each side


@dataclass(frozen=True, eq=False)
class Splits:
    """Masks over subjects, one row a split.

    Attributes
    ----------
    reference : (n_splits, n_subjects) bool
        Real subjects from whom distances are taken.
    floor : (n_splits, n_subjects) bool
        Other real subjects; their distance is what chance does.
    sample : (n_splits, n_subjects) bool
        As many subjects of the sample.
    """

    reference: NDArray[np.bool_]
    floor: NDArray[np.bool_]
    sample: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.reference)


def too_few(n_source: int, n_holdout: int, n_sample: int) -> StudyError:
    """Say that some side has too few subjects to be compared."""
    held_out = f", {n_holdout:,} held out" if n_holdout else ""
    return StudyError(
        f"{counted(n_source, 'subject')} in the source{held_out} and {n_sample:,} in the sample are too few to compare; give at "
        f"least {2 * FEWEST} of each."
    )


def draw_splits(origin: NDArray[np.int8], rng: np.random.Generator, n_splits: int = N_SPLITS) -> Splits:
    """Draw splits.

    With a holdout the reference is half of it and the floor is drawn from the source; without one the source is halved. Floor and
    sample have as many subjects as each other: half of the smaller side, so that every side varies over the splits and its noise is
    seen.

    Parameters
    ----------
    origin : (n_subjects,) int8
        :class:`~replicator.evaluation.stack.Origin` of each subject; there may be no holdout.

    Raises
    ------
    StudyError
        If a side is too small.
    """
    source, sample, holdout = (np.flatnonzero(origin == one) for one in (Origin.SOURCE, Origin.SAMPLE, Origin.HOLDOUT))
    real = len(holdout) if len(holdout) else len(source)
    n_reference = real // 2
    size = min(len(source), len(sample)) // 2
    if min(n_reference, size) < FEWEST:
        raise too_few(len(source), len(holdout), len(sample))
    masks = np.zeros((3, n_splits, len(origin)), bool)
    for i in range(n_splits):
        order = rng.permutation(source)
        if len(holdout):
            masks[0, i, rng.permutation(holdout)[:n_reference]] = True
            masks[1, i, order[:size]] = True
        else:
            masks[0, i, order[:n_reference]] = True
            masks[1, i, order[n_reference : n_reference + size]] = True
        masks[2, i, rng.permutation(sample)[:size]] = True
    return Splits(*masks)

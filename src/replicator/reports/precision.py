"""How sure a model is of what it holds: subjects behind each part, standard errors, and what arms have of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from replicator.counting import counted
from replicator.models.joint import CategoryTrait, JointModel, NumberTrait

SUBJECTS = "subjects"  # what is no part's: demography and dates
OF_VARIANCE = 2  # standard error of a standard deviation: that of a mean over the root of this


@dataclass(frozen=True)
class PartPrecision:
    """How sure the model is of one part's numbers of a subject (levels of tests, counts of events).

    Attributes
    ----------
    name : str
        The dataset, or ``"subjects"``.
    n_traits : int
        Numbers and categories of a subject, jointly drawn.
    n_subjects, fewest_subjects : int or None
        Median and smallest number of subjects behind one of its numbers; None where all are categories.
    mean_error, spread_error : float or None
        Standard error of the mean, in standard deviations, and of the standard deviation, as a share of it, at the median.
    own : float or None
        Share of an arm's difference from the other arms that is taken for real, averaged over numbers and arms: 0 where arms
        are learned together, 1 where each is learned alone.
    """

    name: str
    n_traits: int
    n_subjects: int | None = None
    fewest_subjects: int | None = None
    mean_error: float | None = None
    spread_error: float | None = None
    own: float | None = None


@dataclass(frozen=True)
class Precision:
    """How sure a model is.

    Attributes
    ----------
    n_subjects : int
        Of the source.
    arms : mapping of str to int
        Subjects of each arm.
    correlation_error : float
        Standard error of a correlation near 0 between two numbers that all subjects have.
    share_error : float
        Standard error of a share of one half.
    parts : tuple of PartPrecision
    """

    n_subjects: int
    arms: Mapping[str, int]
    correlation_error: float
    share_error: float
    parts: tuple[PartPrecision, ...]

    def sentences(self, k: int) -> tuple[str, ...]:
        """Say it in words; `k` is the fewest subjects that an arm needs for differences of its own."""
        half, spread = 100 * self.share_error, self.correlation_error
        said = [
            f"From {counted(self.n_subjects, 'subject')} a share of one half is known to within {half:.1f} percentage points "
            f"and a correlation near 0 to within {spread:.2f} (standard errors)."
        ]
        small = [name for name, n in self.arms.items() if n < k]
        if small:
            of_all = f"of {counted(len(self.arms), 'arm')}"
            fewer = f"fewer than {counted(k, 'subject')}"
            have = counted(len(small), f"{of_all} has {fewer}, and its", f"{of_all} have {fewer}, and their")
            said.append(f"{have} values are learned from all arms together, or from the trend over doses: {'; '.join(small)}.")
        return tuple(said)


def measure_precision(joint: JointModel, arms: tuple[str, ...], arm_share: NDArray[np.float64], n_subjects: int) -> Precision:
    r"""Measure how sure a subject model is.

    Parameters
    ----------
    joint : JointModel
        Traits are named ``DATASET/feature``, or are the subject's own.
    arms : tuple of str
        Names.
    arm_share : (n_arms,) float64
        Share of the subjects in each arm.
    n_subjects : int
        Subjects of the source.

    Notes
    -----
    For *n* subjects: :math:`1/\sqrt{n}` for a mean in standard deviations, :math:`1/\sqrt{2 n}` for a standard deviation,
    :math:`1/\sqrt{n - 3}` for a correlation on Fisher's scale, :math:`1/(2 \sqrt{n})` for a share of one half.
    """
    of_part: dict[str, list[CategoryTrait | NumberTrait]] = {}
    for name, trait in zip(joint.names, joint.traits, strict=True):
        of_part.setdefault(name.split("/")[0] if "/" in name else SUBJECTS, []).append(trait)
    n_arm = np.round(arm_share * n_subjects).astype(int).tolist()
    return Precision(
        n_subjects,
        dict(zip(arms, n_arm, strict=True)),
        float(1 / np.sqrt(max(n_subjects - 3, 1))),
        float(0.5 / np.sqrt(max(n_subjects, 1))),
        tuple(_measure_part(name, traits) for name, traits in of_part.items()),
    )


def _measure_part(name: str, traits: list[CategoryTrait | NumberTrait]) -> PartPrecision:
    numbers = [trait for trait in traits if isinstance(trait, NumberTrait)]
    behind = [n for n in (_subjects_behind(trait) for trait in numbers) if n > 0]
    if not behind:
        return PartPrecision(name, len(traits))
    own = np.concatenate([trait.own for trait in numbers])
    own = own[np.isfinite(own)]
    middle = int(np.median(behind))
    return PartPrecision(
        name,
        len(traits),
        middle,
        min(behind),
        float(1 / np.sqrt(middle)),
        float(1 / np.sqrt(OF_VARIANCE * middle)),
        float(own.mean()) if len(own) else None,
    )


def _subjects_behind(trait: NumberTrait) -> int:
    """Subjects that the distribution of a group was learned from; the median over groups, since strata differ."""
    return int(np.median([trait.marginals[i].n_subjects for i in trait.which.tolist()]))

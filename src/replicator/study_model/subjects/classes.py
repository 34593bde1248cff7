"""The class of each drawn subject, and, where deaths are rare, who dies: decided before all else, so that deaths come evenly."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from replicator.models.even_draws import draw_evenly
from replicator.models.joint import JointModel, Known
from replicator.study_model.course.course import Course
from replicator.study_model.marks.deaths import Death
from replicator.study_model.marks.mark import ABSENT

Floats = NDArray[np.float64]

RARE = 0.1  # share of subjects below which deaths come evenly: samples of few would often have none


def draw_classes(
    death: Death | None,
    joint: JointModel,
    course: Course,
    arm_share: Floats,
    arm: NDArray[np.int32],
    order: tuple[int, np.random.Generator],
    rng: np.random.Generator,
) -> tuple[NDArray[np.int64], Known | None]:
    """Draw the classes of subjects; where deaths are rare first who dies, given the arm, and the class given that.

    Parameters
    ----------
    death : Death or None
    joint : JointModel
        Of its categories one is whether there is a day of death.
    course : Course
        Parts arms into classes.
    arm_share : (n_arms,) float64
    arm : (n,) int32
    order : (int, numpy.random.Generator)
        Subjects of the same sequence that come before these, and what decides where in the sequence deaths come.
    rng : numpy.random.Generator

    Returns
    -------
    group : (n,) int64
        Class of each subject.
    known : Known or None
        Who does not die; None where that is left to the joint model.
    """
    name = "" if death is None else f"mark {death.mark}"
    trait = joint.category(name)
    if trait is None:
        return course.sample_groups(arm, rng), None
    share = course.group_share()
    dying = 1 - trait.share(ABSENT).reshape(share.shape)
    chance = (share * dying).sum(axis=1)
    usual = float(arm_share @ chance)
    if not 0 < usual < RARE:
        return course.sample_groups(arm, rng), None
    before, turns = order
    dies = draw_evenly(chance[arm], before * usual, turns)
    weight = np.where(dies[:, None], dying[arm], 1 - dying[arm])
    return course.sample_groups(arm, rng, weight), Known(name, ABSENT, ~dies)

"""Where all subjects of an arm are measured at some occasion, so are all of a sample."""

from __future__ import annotations

import numpy as np

from replicator.models.longitudinal import Occasions
from replicator.study_model.findings.everyone import find_everyone


def test_an_arm_is_complete_where_nobody_goes_without() -> None:
    """Arm 0: all six measured; arm 1: one of six never; arm 2: two subjects are fewer than k."""
    subject = np.repeat(np.arange(14), 2)
    arm = np.repeat(np.array([0] * 6 + [1] * 6 + [2] * 2), 2)
    present = np.ones((28, 3), bool)
    present[::2] = False  # only the second occasion of each
    present[2 * 6 + 1] = False
    occasions = Occasions(subject, np.tile([0.0, 7.0], 14))
    assert find_everyone(present, arm, occasions, 3, 5).tolist() == [True, False, False]

"""Panels that come only with another one."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from replicator.study_model.findings_cores import find_cores, hold_cores

N, VISITS, K = 50, 8, 5


def _planted() -> tuple[np.ndarray, np.ndarray]:
    """Vital signs at most visits, weight at some of these, height at some of those with weight; a scan at any."""
    rng = np.random.default_rng(2)
    signs = rng.random(N * VISITS) < 0.8
    weight = signs & (rng.random(N * VISITS) < 0.6)
    height = weight & (rng.random(N * VISITS) < 0.4)
    scan = rng.random(N * VISITS) < 0.5
    return np.stack([height, scan, weight, signs], axis=1), np.repeat(np.arange(N), VISITS)


def test_cores_are_found_the_wider_first() -> None:
    """Weight comes with the vital signs and height with weight; what comes at any visit has no core."""
    there, subject = _planted()
    assert find_cores(there, subject, (), K).tolist() == [[2, 3], [0, 2]]
    assert find_cores(there, subject, (2,), K).tolist() == [[0, 2]]
    assert find_cores(there, subject, (), N + 1).tolist() == []


def test_as_many_as_k_without_the_core_speak_against_it() -> None:
    """One visit of each of four with weight alone is no reason; of five it is."""
    there, subject = _planted()
    for people, cores in ((K - 1, [[2, 3], [0, 2]]), (K, [[0, 2]])):
        some = there.copy()
        visits = np.arange(people) * VISITS
        some[visits] = [False, False, True, False]
        assert find_cores(some, subject, (), K).tolist() == cores


@given(hnp.arrays(bool, (20, 4), elements=st.booleans()))
def test_no_panel_is_left_without_its_core(drawn: np.ndarray) -> None:
    """Whatever was drawn, what is held is part of it, and no panel is there where a core of its own is not."""
    held = hold_cores(drawn, np.array([[2, 3], [0, 2]]))
    assert not (held & ~drawn).any() and not (held[:, 2] & ~held[:, 3]).any() and not (held[:, 0] & ~held[:, 2]).any()
    np.testing.assert_array_equal(held[:, [1, 3]], drawn[:, [1, 3]])

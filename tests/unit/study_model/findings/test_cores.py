"""Panels that come only with another one."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from replicator.models.persistence import Occasions
from replicator.study_model.findings.cores import find_cores, hold_cores
from replicator.study_model.findings.units import Units

from ..spines import make_spine

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
    """Weight comes with the vital signs and height with weight; what comes at any visit has no core.

    Were weight asked after a result, it would be no core: of height the next wider one is.
    """
    there, subject = _planted()
    assert find_cores(there, subject, (), K).tolist() == [[2, 3], [0, 2]]
    assert find_cores(there, subject, (2,), K).tolist() == [[0, 3]]
    assert find_cores(there, subject, (), N + 1).tolist() == []


def test_as_many_as_k_without_the_core_speak_against_it() -> None:
    """One visit of each of four with weight alone is no reason; of five it is."""
    there, subject = _planted()
    for people, cores in ((K - 1, [[2, 3], [0, 2]]), (K, [[0, 2]])):
        some = there.copy()
        visits = np.arange(people) * VISITS
        some[visits] = [False, False, True, False]
        assert find_cores(some, subject, (), K).tolist() == cores


def test_what_is_seldom_left_out_is_no_core_by_that() -> None:
    """Two items are left out at four visits each, never together: either is there nearly always, with and without the other."""
    there, subject = np.ones((N * VISITS, 2), bool), np.repeat(np.arange(N), VISITS)
    there[np.arange(4) * VISITS, 0] = False
    there[np.arange(4, 7) * VISITS, 1] = False
    assert find_cores(there, subject, (), K).tolist() == []
    there[np.arange(4) * VISITS, 1] = False
    there[np.arange(4, 7) * VISITS, 0] = True
    there[np.arange(7, 9) * VISITS, 1] = False
    assert find_cores(there, subject, (), K).tolist() == [[1, 0]]


@given(hnp.arrays(bool, (20, 4), elements=st.booleans()))
def test_no_panel_is_left_without_its_core(drawn: np.ndarray) -> None:
    """Whatever was drawn, what is held is part of it, and no panel is there where a core of its own is not."""
    held = hold_cores(drawn, np.array([[2, 3], [0, 2]]))
    assert not (held & ~drawn).any() and not (held[:, 2] & ~held[:, 3]).any() and not (held[:, 0] & ~held[:, 2]).any()
    np.testing.assert_array_equal(held[:, [1, 3]], drawn[:, [1, 3]])


def test_a_form_that_is_left_out_is_left_out_whole() -> None:
    """Two forms come together; the second is seldom left out, and its last item at a few visits more: never is that there alone."""
    rng = np.random.default_rng(7)
    n = N * VISITS
    form = rng.random(n) > 0.04
    last = form & (rng.random(n) > 0.03)
    present = np.stack([*[np.ones(n, bool)] * 4, form, form, last], axis=1)
    subject, cell, arm = np.repeat(np.arange(N), VISITS), np.tile(np.arange(VISITS), N), np.zeros(n, np.intp)
    occasions, spine, all_of_them = Occasions(subject, 7.0 * cell), make_spine(N), np.ones(n, bool)
    unknown = np.full(present.shape, np.nan)
    learned = Units.fit(present, unknown, arm, cell, spine, occasions, all_of_them, all_of_them, (2, VISITS), K)
    drawn = np.concatenate(
        [learned.sample(arm, cell, spine, occasions, all_of_them, all_of_them, np.random.default_rng(seed)) for seed in range(10)]
    )
    assert learned.n_panels == 1 and not (drawn[:, 6] & ~drawn[:, 4]).any()
    np.testing.assert_allclose((~drawn[:, 4]).mean(), (~form).mean(), atol=0.02)
    np.testing.assert_allclose((drawn[:, 4] & ~drawn[:, 6]).mean(), (form & ~last).mean(), atol=0.02)

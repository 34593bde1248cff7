"""Chances of kinds that fixed numbers of them are chosen from."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.special import expit

from replicator.models.inclusion import fit_weights, inclusion, spread_over
from replicator.models.presence import MOST_FITTED, Presence


@given(seed=st.integers(0, 10_000), scale=st.sampled_from((0.5, 3.0, 9.0)))
@settings(max_examples=40, deadline=None)
def test_rows_add_up_to_their_sizes_and_keep_the_differences_of_log_odds(seed: int, scale: float) -> None:
    """Each row is the logistic of its log odds and one number, which scipy's root finder finds as well."""
    rng = np.random.default_rng(seed)
    logit = rng.normal(-3, scale, (30, 12))
    copies = rng.integers(1, 4, 12)
    size = rng.uniform(0.01, 0.99, 30) * copies.sum()
    found = inclusion(logit, size, copies)
    assert np.allclose(found @ copies, size, rtol=1e-9)
    for row in range(30):
        added = brentq(lambda c, row=row: float(expit(logit[row] + c) @ copies) - size[row], -60, 60, xtol=1e-12)
        assert np.allclose(found[row], expit(logit[row] + added), atol=1e-9)


def test_certain_and_impossible_kinds_stay_so() -> None:
    """Infinite log odds are 0 and 1; rows that must have all they can, or only what is certain, have it; size 0 has nothing."""
    logit = np.array([[np.inf, -np.inf, 0.0, 1.0]] * 4)
    found = inclusion(logit, np.array([2.0, 3.0, 1.0, 0.0]), np.ones(4, int))
    assert np.allclose(found[:3, :2], [1.0, 0.0], atol=0)
    assert np.allclose(found[:, 2:], [[0.3775406687981454, 0.6224593312018546], [1, 1], [0, 0], [0, 0]], atol=1e-9)
    assert not found[3].any()


def test_weights_give_the_targets() -> None:
    """Means by group are the targets, as long as these add up to the groups' mean sizes."""
    rng = np.random.default_rng(3)
    group, size = np.repeat([0, 1], 100), np.full(200, 2.0)
    target = np.array([[1.0, 0.5, 0.3, 0.2], [0.1, 0.4, 0.6, 0.9]])
    lean = rng.normal(0, 1, (200, 4))
    weight = fit_weights(target, size, group, np.ones(4, int), lean)
    found = inclusion(weight[group] + lean, size, np.ones(4, int))
    assert np.allclose([found[:100].mean(axis=0), found[100:].mean(axis=0)], np.clip(target, 0, 1 - 1e-6), atol=1e-3)


@given(n=st.integers(1, 5000), most=st.integers(1, 3000), seed=st.integers(0, 99))
@settings(max_examples=50, deadline=None)
def test_subjects_are_spread_evenly(n: int, most: int, seed: int) -> None:
    """No subject twice, of each group its part or at least 100, and sizes as they are among all."""
    rng = np.random.default_rng(seed)
    group, size = rng.choice(4, n, p=[0.6, 0.3, 0.09, 0.01]), rng.poisson(4, n)
    chosen = spread_over(group, size, most)
    assert (np.diff(chosen) > 0).all() if n > most else len(chosen) == n
    all_of, some_of = np.bincount(group, minlength=4), np.bincount(group[chosen], minlength=4)
    assert (some_of >= np.minimum(all_of, 100)).all()
    assert (some_of >= np.floor(all_of * min(1.0, most / n))).all()
    for one in range(4):
        if some_of[one] >= 100:
            assert abs(size[chosen][group[chosen] == one].mean() - size[group == one].mean()) < 0.1


def test_incidences_of_large_studies_are_those_of_all() -> None:
    """Where only some subjects are looked at for weights and shifts, samples have the incidences by arm of everybody."""
    rng = np.random.default_rng(5)
    n = 3 * MOST_FITTED
    group, fact = rng.choice(2, n), rng.random(n) < 0.3
    chance = np.array([[0.6, 0.3, 0.1, 0.05, 0.02], [0.3, 0.6, 0.1, 0.02, 0.05]])[group]
    chance[fact, 4] = 0.5
    count = (rng.random((n, 5)) < chance).astype(np.int64)
    fitted = Presence.fit(count, group, 2, np.zeros(5, int), np.ones(5, int), facts=fact[:, None])
    subject, kind, _ = fitted.sample(count.sum(axis=1), group, np.random.default_rng(1), facts=fact[:, None])
    drawn = np.zeros((n, 5))
    drawn[subject, kind] = 1
    for arm in (0, 1):
        assert np.allclose(drawn[group == arm].mean(axis=0), count[group == arm].mean(axis=0), atol=0.02)
    assert abs(drawn[fact, 4].mean() - count[fact, 4].mean()) < 0.03

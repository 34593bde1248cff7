"""Shares and levels of groups, drawn towards what they have in common."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replicator.models.group_effects import shrink_moments, shrink_to_pool


def _moments(rng: np.random.Generator, truth: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    values = [rng.normal(m, 1.0, size) for m, size in zip(truth, n.astype(int), strict=True)]
    return np.array([v.mean() for v in values]), np.array([v.var() for v in values])


def test_balanced_groups_are_shrunk_as_derSimonian_and_laird_say() -> None:
    """Three groups of 10 with means -1, 0, 1 and variance 0.9: sigma^2 = 1, tau^2 = (20 - 2) / (30 - 10) = 0.9, weight 0.9."""
    found = shrink_moments(np.full(3, 10.0), np.array([-1.0, 0.0, 1.0]), np.full(3, 0.9), k=5)
    assert found.own == pytest.approx([0.9, 0.9, 0.9])
    assert found.shift[0] == pytest.approx(-found.shift[2])
    assert found.shift[1] == pytest.approx(0.0, abs=1e-12)


def test_a_line_through_doses_serves_groups_of_few() -> None:
    """Ten groups of two or three along a planted slope: nothing is a group's own, and the line comes back within 0.25."""
    rng = np.random.default_rng(4)
    dose, n = np.linspace(0, 5, 10), np.array([2.0, 3.0] * 5)
    truth = 1.2 * dose
    mean, variance = _moments(rng, truth, n)
    plain = shrink_moments(n, mean, variance, k=5)
    lined = shrink_moments(n, mean, variance, k=5, position=dose)
    assert (lined.own == 0).all() and (plain.shift == 0).all()
    deviation = np.sqrt(1 + (n * (truth - (n * truth).sum() / n.sum()) ** 2).sum() / n.sum())
    assert np.diff(lined.shift) == pytest.approx(np.diff(truth) / deviation, abs=0.1)


def test_no_line_where_there_is_none() -> None:
    """Positions that say nothing change nothing (19 of 20 seeds or more, since two standard errors are asked for)."""
    same = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        n = np.full(8, 6.0)
        mean, variance = _moments(rng, np.zeros(8), n)
        lined = shrink_moments(n, mean, variance, k=5, position=np.arange(8.0))
        same += bool(np.allclose(lined.shift, shrink_moments(n, mean, variance, k=5).shift))
    assert same >= 34


@settings(max_examples=60)
@given(st.lists(st.integers(1, 30), min_size=2, max_size=12), st.integers(0, 10_000))
def test_all_groups_together_keep_mean_and_variance(sizes: list[int], seed: int) -> None:
    """The mixture of the groups is standard, and a group of fewer than k subjects has nothing of its own."""
    rng = np.random.default_rng(seed)
    n = np.array(sizes, dtype=np.float64)
    mean, variance = _moments(rng, rng.normal(0, 1, len(n)), n)
    found = shrink_moments(n, mean, variance, k=5)
    share = n / n.sum()
    assert (share * found.shift).sum() == pytest.approx(0, abs=1e-9)
    assert (share * (found.shift**2 + found.scale**2)).sum() == pytest.approx(1)
    assert (found.own[n < 5] == 0).all()
    assert ((found.own >= 0) & (found.own < 1)).all()
    assert len({round(value, 12) for value in found.shift[n < 5].tolist()}) <= 1


@settings(max_examples=60)
@given(st.integers(0, 10_000), st.integers(2, 8), st.integers(2, 5))
def test_shares_lie_between_own_and_common(seed: int, groups: int, levels: int) -> None:
    """Every share lies between the group's and the stratum's; those of groups of fewer than k are the stratum's."""
    rng = np.random.default_rng(seed)
    counts = rng.poisson(rng.gamma(1, 4, (groups, levels))).astype(np.float64) + 1e-3
    found, own, pool = shrink_to_pool(counts, np.zeros(groups, np.int64), 5), counts, counts.sum(axis=0) / counts.sum()
    own = counts / counts.sum(axis=1, keepdims=True)
    assert found.sum(axis=1) == pytest.approx(np.ones(groups))
    assert (found >= np.minimum(own, pool) - 1e-9).all() and (found <= np.maximum(own, pool) + 1e-9).all()
    small = counts.sum(axis=1) < 5
    assert found[small] == pytest.approx(np.broadcast_to(pool, found.shape)[small])


def test_the_larger_group_keeps_more_of_its_own() -> None:
    """Two groups of like shares against a third: the group of 100 moves less than that of 10."""
    found = shrink_to_pool(np.array([[90.0, 10.0], [9.0, 1.0], [30.0, 70.0]]), np.zeros(3, np.int64), 5)
    assert 0.9 - found[0, 0] < 0.9 - found[1, 0]

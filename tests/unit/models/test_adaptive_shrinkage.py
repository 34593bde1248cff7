"""Differences drawn towards 0 by what their own distribution says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replicator.models.adaptive_shrinkage import shared_differences, shrink_differences


def _one_class(n: int) -> np.ndarray:
    return np.zeros(n, np.intp)


def test_noise_is_nothing() -> None:
    """Of 20,000 standard normals less than a hundredth of the variance is left."""
    z = np.random.default_rng(1).standard_normal(20_000)
    assert (shrink_differences(z, _one_class(len(z))) ** 2).mean() < 0.01


@pytest.mark.parametrize("variance", [0.5, 4.0])
def test_of_normals_the_share_of_the_truth_is_kept(variance: float) -> None:
    """True differences N(0, v) are expected at v / (1 + v) of what is seen (Bayes's rule for two normals), within 0.05."""
    z = np.sqrt(1 + variance) * np.random.default_rng(2).standard_normal(20_000)
    kept = shrink_differences(z, _one_class(len(z))) @ z / (z @ z)
    assert kept == pytest.approx(variance / (1 + variance), abs=0.05)


def test_few_true_differences_come_nearer_than_they_were_seen() -> None:
    """A twentieth differs by N(0, 16): no threshold at any height has a smaller squared error than what is expected, times 1.02."""
    rng = np.random.default_rng(3)
    truth = np.where(rng.random(20_000) < 0.05, 4 * rng.standard_normal(20_000), 0.0)
    z = truth + rng.standard_normal(20_000)
    error = ((shrink_differences(z, _one_class(len(z))) - truth) ** 2).mean()
    best = min(((np.where(np.abs(z) > height, z, 0) - truth) ** 2).mean() for height in np.arange(0.0, 6.0, 0.25))
    assert error < 1.02 * best


def test_classes_differ() -> None:
    """Where nothing differs nothing is kept, though all of another class does."""
    rng = np.random.default_rng(4)
    group = np.repeat([0, 1], 3000)
    z = np.where(group == 1, 3.0, 1.0) * rng.standard_normal(6000)
    kept = shrink_differences(z, group)
    assert (kept[group == 0] ** 2).mean() < 0.03
    assert kept[group == 1] @ z[group == 1] / (z[group == 1] ** 2).sum() == pytest.approx(8 / 9, abs=0.03)


@settings(max_examples=50)
@given(st.lists(st.floats(-60, 60), min_size=1, max_size=40), st.integers(1, 4))
def test_nothing_grows_or_turns_and_larger_differences_stay_larger(differences: list[float], classes: int) -> None:
    """Signs and the order within a class stay, and no difference becomes larger."""
    z = np.array(differences)
    group = np.arange(len(z)) % classes
    kept = shrink_differences(z, group)
    assert (np.abs(kept) <= np.abs(z)).all()
    assert (kept * z >= 0).all()
    for one in np.unique(group):
        order = np.argsort(z[group == one], kind="stable")
        assert (np.diff(kept[group == one][order]) >= -1e-9).all()


def test_noise_has_nothing_in_common() -> None:
    """1,000 kinds of 30 standard normals: James and Stein's mean keeps about a quarter of the variance of means, 1/30."""
    z = np.random.default_rng(3).standard_normal(30_000)
    shared = shared_differences(z, np.ones(len(z)), np.repeat(np.arange(1000), 30))
    assert (shared**2).mean() < 0.5 / 30


@pytest.mark.parametrize("standard", [1.0, 4.0])
def test_what_a_kind_shares_is_found(standard: float) -> None:
    """36 differences of 2 standard errors each and 36 others: the mean of the kind, within 3 errors of it; of no kind nothing."""
    z = np.random.default_rng(4).standard_normal(72)
    z[:36] += 2.0
    shared = shared_differences(z, np.full(72, standard), np.repeat([7, -1], 36))
    np.testing.assert_allclose(shared[:36], 2.0, atol=0.5)
    assert (shared[36:] == 0).all()


def test_pairs_of_more_subjects_weigh_more() -> None:
    """Differences of 0.2 by 10,000 subjects and of 0.0 by 100 (standard errors 0.01 and 0.1): 0.198 each by weights 1/variance."""
    standard = np.array([100.0, 10.0])
    shared = shared_differences(np.array([0.2, 0.0]) * standard, standard, np.zeros(2, np.intp)) / standard
    np.testing.assert_allclose(shared, 0.2 * 10_000 / 10_100, rtol=0.01)

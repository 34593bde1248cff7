"""Tests of the game of one subject in or out: planted releases, and the AUC that theory gives for them."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from numpy.typing import NDArray

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
POOL, DRAWN, FITS = 200, 40, 120


@pytest.fixture
def in_out(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import in_out

    return in_out


def draws(seed: int) -> NDArray[np.bool_]:
    """Who was in each fit: (FITS, POOL)."""
    rng = np.random.default_rng(seed)
    return np.array([np.isin(np.arange(POOL), rng.permutation(POOL)[:DRAWN]) for _ in range(FITS)])


def means(pool: NDArray[np.float64], taught: NDArray[np.bool_]) -> NDArray[np.float64]:
    return np.asarray(taught @ pool / taught.sum(axis=1, keepdims=True), np.float64)


def test_one_mean_tells_a_subject_as_theory_says(in_out: ModuleType) -> None:
    """A subject four standard deviations out of one variable, sixty subjects: Phi(4 / sqrt(120)) = 0.6425 (scipy.stats.norm)."""
    pool = np.random.default_rng(0).standard_normal((100_000, 1))
    pool[0] = pool.mean() + 4 * pool.std()
    assert in_out.MeansTest.of(pool).expected_auc(60)[0] == pytest.approx(0.6425, abs=0.001)


@pytest.mark.parametrize("n_features", [1, 10, 60])
def test_exact_means_tell_what_is_expected(in_out: ModuleType, n_features: int) -> None:
    pool = np.random.default_rng(1).standard_normal((POOL, n_features))
    taught, test = draws(2), in_out.MeansTest.of(pool)
    value, interval = in_out.group_auc(test.scores(means(pool, taught)), taught, np.arange(POOL))
    assert value == pytest.approx(float(test.expected_auc(DRAWN).mean()), abs=0.015)
    assert interval.low < value < interval.high
    assert interval.high - interval.low < 0.05


def test_more_independent_means_tell_more_by_the_root_of_their_number(in_out: ModuleType) -> None:
    """Phi(sqrt(d / 2n)) for an average subject; d is found again from the AUC."""
    pool = np.random.default_rng(3).standard_normal((5000, 50))
    expected = float(np.median(in_out.MeansTest.of(pool).expected_auc(DRAWN)))
    assert in_out.as_exact_means(expected, DRAWN, 5000) == pytest.approx(50, rel=0.05)


def test_noise_as_large_as_the_means_own_halves_the_power(in_out: ModuleType) -> None:
    """Twice the variance of the means: as much as half as many exact means tell."""
    pool = np.random.default_rng(4).standard_normal((POOL, 60))
    taught, test = draws(5), in_out.MeansTest.of(pool)
    exact = means(pool, taught)
    noise = np.random.default_rng(6).standard_normal(exact.shape) * exact.std(axis=0)
    told, _ = in_out.group_auc(test.scores(exact + noise), taught, np.arange(POOL))
    full, _ = in_out.group_auc(test.scores(exact), taught, np.arange(POOL))
    assert in_out.as_exact_means(told, DRAWN, POOL) == pytest.approx(in_out.as_exact_means(full, DRAWN, POOL) / 2, rel=0.15)


def test_what_does_not_depend_on_the_subjects_tells_nothing(in_out: ModuleType) -> None:
    pool = np.random.default_rng(7).standard_normal((POOL, 60))
    test, taught = in_out.MeansTest.of(pool), draws(8)
    scores = test.scores(means(pool, taught))
    value, interval = in_out.group_auc(scores, draws(9), np.arange(POOL))
    assert interval.low < 0.5 < interval.high
    assert value == pytest.approx(0.5, abs=0.02)


def test_a_classifier_finds_the_one_number_that_tells_and_no_more_where_labels_are_drawn(in_out: ModuleType) -> None:
    rng = np.random.default_rng(10)
    taught = draws(11)
    seen = rng.standard_normal((FITS, POOL, 3))
    seen[:, :, 1] += 1.0 * taught + 3.0 * rng.standard_normal(POOL)
    found, _ = in_out.group_auc(in_out.learned_scores(seen, taught), taught, np.arange(POOL))
    assert found == pytest.approx(0.760, abs=0.02)  # two normals one standard deviation apart: Phi(1 / sqrt 2)
    other = draws(12)
    by_chance, _ = in_out.group_auc(in_out.learned_scores(seen, other), other, np.arange(POOL))
    assert by_chance == pytest.approx(0.5, abs=0.02)


def test_ties_count_for_half_and_a_subject_of_every_fit_for_nothing(in_out: ModuleType) -> None:
    scores = np.array([[1.0, 0.0], [1.0, 2.0], [2.0, 1.0]])
    taught = np.array([[True, True], [False, True], [False, True]])
    found = in_out.auc_by_subject(scores, taught)
    assert found[0] == 0.25
    assert np.isnan(found[1])

"""What scores tell of the correlation of latent normals, and how far it is believed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtri
from scipy.stats import multivariate_normal

from replicator.models.copula import normal_scores, pairwise_correlation
from replicator.models.score_correlation import ScoreCorrelation


def _told(values: np.ndarray) -> ScoreCorrelation:
    scores = np.stack([normal_scores(column) for column in values.T], axis=1)
    return ScoreCorrelation.of(scores, pairwise_correlation(scores))


def _binary(n: int, share: list[float]) -> np.ndarray:
    """Values (n, p) of 0 and 1, the last of each column 1; only the shares matter."""
    return np.stack([np.arange(n) >= round(n * (1 - one)) for one in share], axis=1).astype(float)


@pytest.mark.parametrize("rho", [-0.7, -0.3, 0.0, 0.3, 0.7])
@pytest.mark.parametrize("share", [[0.5, 0.5], [0.05, 0.3], [0.05, 0.05]])
def test_binary_scores_show_what_the_bivariate_normal_distribution_says(rho: float, share: list[float]) -> None:
    """Phi coefficient of two dichotomised normals by their joint distribution function (scipy), within 0.01."""
    told = _told(_binary(1000, share))
    a, b = share
    both = float(multivariate_normal(np.zeros(2), [[1, rho], [rho, 1]]).cdf(ndtri(share)))
    phi = (both - a * b) / np.sqrt(a * (1 - a) * b * (1 - b))
    shown = told.show(np.full((2, 2), rho))[0, 1]
    assert shown == pytest.approx(phi, abs=0.01)
    if abs(phi) > 0.06:  # elsewhere two rare variables cannot tell one negative correlation from another
        found = told.latent(np.full((2, 2), phi), ~np.eye(2, dtype=bool))
        assert found[0, 1] == pytest.approx(rho, abs=0.03)


@settings(max_examples=40)
@given(st.integers(0, 1000), st.floats(-0.95, 0.95))
def test_what_is_shown_is_found_again(seed: int, rho: float) -> None:
    """For a number and a variable of few levels, latent correlations come back."""
    rng = np.random.default_rng(seed)
    told = _told(np.stack([rng.standard_normal(80), rng.integers(0, 4, 80).astype(float)], axis=1))
    shown = told.show(np.full((2, 2), rho))
    found = told.latent(shown, ~np.eye(2, dtype=bool))
    assert found[0, 1] == pytest.approx(rho, abs=1e-3)
    assert found[0, 0] == 0.0


@pytest.mark.parametrize("rho", [0.0, 0.6])
def test_correlations_of_normals_count_all_subjects(rho: float) -> None:
    """Standard error (1 - rho^2) / sqrt(n): of 5,000 subjects more than 4,500 count."""
    values = np.random.default_rng(1).multivariate_normal(np.zeros(2), [[1, rho], [rho, 1]], 5000)
    assert 4500 < _told(values).pairs[0, 1] <= 5000


def test_a_correlation_made_by_one_subject_counts_few() -> None:
    """Two and five of 254 subjects have two items, one has both: 0.31, with a standard error of 0.23 by hand, as of 18 normals."""
    values = np.zeros((254, 2))
    values[:2, 0] = 1.0
    values[1:6, 1] = 1.0
    told = _told(values)
    assert told.correlation[0, 1] == pytest.approx(0.307, abs=0.002)
    u, v = ((one - one.mean()) / one.std() for one in values.T)
    r = float(np.mean(u * v))
    error = np.sqrt(np.mean((u * v - r * (u**2 + v**2) / 2) ** 2) / 254)
    assert error == pytest.approx(0.23, abs=0.01)
    assert told.pairs[0, 1] == pytest.approx(3 + ((1 - r**2) / error) ** 2, rel=1e-6)


def test_standard_errors_are_those_of_repeated_studies() -> None:
    """Of 1,000 studies of 400 subjects with two rare variables that go together, spread of artanh(r) and what pairs say of it."""
    rng = np.random.default_rng(5)
    found, said = [], []
    for _ in range(1000):
        z = rng.multivariate_normal(np.zeros(2), [[1, 0.7], [0.7, 1]], 400)
        told = _told((z > 1.4).astype(float))
        found.append(np.arctanh(told.correlation[0, 1]))
        said.append(1 / np.sqrt(told.pairs[0, 1] - 3))
    assert np.mean(said) == pytest.approx(np.std(found), rel=0.1)


def test_variables_without_scores_tell_nothing() -> None:
    """One missing in all and one constant: no correlation, no warning, all subjects who have them behind it."""
    scores = np.column_stack([normal_scores(np.arange(20.0)), np.full(20, np.nan), np.zeros(20)])
    told = ScoreCorrelation.of(scores, pairwise_correlation(scores))
    np.testing.assert_array_equal(told.correlation, np.eye(3))
    np.testing.assert_array_equal(told.shown[1:], 1.0)
    assert told.pairs[0, 2] == 20
    assert np.isfinite(told.weights).all()

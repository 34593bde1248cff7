"""Level scores, their Hermite weights, and the way back to the latent correlation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicator.models.ordinal import hermite_coefficients, latent_correlation, level_scores, order_levels


def test_scores_of_a_median_split() -> None:
    """The mean of a standard normal above its median is sqrt(2 / pi) (half-normal distribution)."""
    assert level_scores(np.array([0.5, 0.5])) == pytest.approx([-0.7978845608, 0.7978845608])


def test_scores_have_mean_zero_and_an_unused_level_scores_nothing() -> None:
    """Scores average to the mean of the normal; a level of no probability gets 0."""
    share = np.array([0.2, 0.0, 0.3, 0.5])
    scores = level_scores(share)
    assert (scores * share).sum() == pytest.approx(0, abs=1e-12)
    assert scores[1] == 0


@pytest.mark.parametrize("rho", [0.1, 0.4, 0.8])
def test_covariance_of_median_splits_is_sheppards(rho: float) -> None:
    """Two halves of correlated normals: cov = (2/pi)^2 asin(rho) (Sheppard, Phil. Trans. 192, 1899, p. 141)."""
    weights = hermite_coefficients(np.array([[0.5, 0.5]]))[0] ** 2
    powers = rho ** np.arange(1, len(weights) + 1)
    assert weights @ powers == pytest.approx((2 / np.pi) ** 2 * np.arcsin(rho), abs=2e-3)


@given(st.lists(st.floats(0.001, 1), min_size=2, max_size=6))
def test_squares_of_coefficients_are_the_variance_of_the_scores(parts: list[float]) -> None:
    """The whole series has it (Parseval), and the last coefficient stands for what is left out of it."""
    share = np.array([parts]) / sum(parts)
    variance = (share * level_scores(share) ** 2).sum()
    assert (hermite_coefficients(share) ** 2).sum() == pytest.approx(variance, rel=1e-9)


@given(
    st.lists(st.floats(0.05, 1), min_size=2, max_size=6),
    st.floats(0, 0.95),
)
def test_latent_correlation_inverts_the_series(parts: list[float], rho: float) -> None:
    """The covariance that a correlation gives leads back to the correlation."""
    share = np.array([parts]) / sum(parts)
    weights = hermite_coefficients(share) ** 2
    covariance = weights[0] @ rho ** np.arange(1, weights.shape[1] + 1)
    assert latent_correlation(weights, np.array([covariance]))[0] == pytest.approx(rho, abs=5e-3)


def test_no_covariance_is_no_correlation() -> None:
    """Negative and zero covariances come out as 0."""
    weights = hermite_coefficients(np.array([[0.5, 0.5], [0.9, 0.1]])) ** 2
    assert latent_correlation(weights, np.array([0.0, -0.2])).tolist() == [0.0, 0.0]


def test_levels_between_which_subjects_move_stand_side_by_side() -> None:
    """A chain a-c-b-d of moves is found whatever the codes are."""
    moves = np.zeros((4, 4))
    for i, j in ((0, 2), (2, 1), (1, 3)):
        moves[i, j] = moves[j, i] = 50
    order = order_levels(moves, np.array([100.0, 60.0, 80.0, 20.0])).tolist()
    assert order in ([0, 2, 1, 3], [3, 1, 2, 0])

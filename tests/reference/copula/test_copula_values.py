"""Normal scores, shrinkage and the Gaussian copula against published values and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kendalltau, spearmanr

from replicator.models.copula import GaussianCopula, normal_scores, pairwise_correlation, shrink_correlation
from replicator.models.score_correlation import ScoreCorrelation

# Mean of the top share p of a standard normal ("intensity of selection", infinite population): Falconer and Mackay,
# Introduction to Quantitative Genetics, 4th ed. (1996), appendix table A.
INTENSITY = {50: 0.798, 25: 1.271, 20: 1.400, 10: 1.755, 5: 2.063, 1: 2.665}


@pytest.mark.parametrize(("percent", "intensity"), INTENSITY.items())
def test_scores_of_a_tied_top_share(percent: int, intensity: float) -> None:
    """The top p % of a two-valued variable scores the mean of a normal above its quantile; scores sum to 0."""
    x = np.where(np.arange(100) < percent, 1.0, 0.0)
    scores = normal_scores(x)
    assert scores[0] == pytest.approx(intensity, abs=6e-4)
    assert scores.sum() == pytest.approx(0, abs=1e-9)


def test_scores_of_three_values() -> None:
    """Thirds of a normal: 3 phi(z_{1/3}) = 1.0908 (Johnson, Kotz, Balakrishnan, Continuous Univariate Distributions 1, ch. 13)."""
    assert normal_scores(np.array([5.0, 7.0, 6.0])) == pytest.approx([-1.0908, 1.0908, 0.0], abs=1e-4)


def _pair(rho: float) -> GaussianCopula:
    return GaussianCopula(np.array([[1.0, 0.0], [rho, np.sqrt(1 - rho**2)]]), np.zeros(2), 100)


@pytest.mark.parametrize("rho", [-0.9, -0.3, 0.0, 0.5, 0.8])
def test_rank_correlations_of_draws(rho: float) -> None:
    """Spearman = 6/pi asin(rho/2) (Pearson 1907), Kendall = 2/pi asin(rho) (Greiner 1909), of 20,000 draws."""
    z = _pair(rho).sample(20_000, np.random.default_rng(3))
    assert spearmanr(z)[0] == pytest.approx(6 / np.pi * np.arcsin(rho / 2), abs=0.02)
    assert kendalltau(z[:, 0], z[:, 1])[0] == pytest.approx(2 / np.pi * np.arcsin(rho), abs=0.02)
    assert z.mean(axis=0) == pytest.approx([0, 0], abs=0.03)
    assert z.var(axis=0) == pytest.approx([1, 1], abs=0.04)


@pytest.mark.parametrize("prior", [0.5, 1.0, 3.0])
def test_shrinkage_of_normal_means_is_that_of_james_and_stein(prior: float) -> None:
    """Where true effects are normal of variance A around 0, E(mu | z) = z A/(A + 1): Tweedie's formula must say the same.

    Efron, Tweedie's formula and selection bias, JASA 106 (2011), section 2. About 20,000 correlations.
    """
    p, n = 200, 403.0
    rng = np.random.default_rng(5)
    upper = np.triu_indices(p, 1)
    z = rng.normal(0, np.sqrt(prior + 1), len(upper[0]))
    r = np.eye(p)
    r[upper] = np.tanh(z / np.sqrt(n - 3))
    r = np.maximum(r, r.T) + np.minimum(r, r.T) - np.eye(p)
    shrunk = shrink_correlation(r, np.full((p, p), n))
    estimate = np.arctanh(shrunk[upper]) * np.sqrt(n - 3)
    wanted = z * prior / (prior + 1)
    usual = np.abs(z) < 2 * np.sqrt(prior + 1)
    assert np.abs(estimate - wanted)[usual].max() < 0.35
    assert np.sqrt(((estimate - wanted)[usual] ** 2).mean()) < 0.12
    assert float((estimate[usual] * z[usual]).sum() / (z[usual] ** 2).sum()) == pytest.approx(prior / (prior + 1), abs=0.05)


def test_noise_shrinks_to_nothing() -> None:
    """Of 2,000 correlations of independent variables less than 2 % of the squared length is left."""
    x = np.random.default_rng(6).standard_normal((150, 64))
    told = ScoreCorrelation.of(x, pairwise_correlation(x))
    correlation, shrunk = told.correlation, shrink_correlation(told.correlation, told.pairs)
    off = ~np.eye(64, dtype=bool)
    assert (shrunk[off] ** 2).sum() < 0.02 * (correlation[off] ** 2).sum()


def test_few_correlations_are_shrunk_one_by_one() -> None:
    """Fewer than 300: the positive-part James-Stein rule, z (1 - 1/z^2)+ with z = atanh(r) sqrt(n - 3)."""
    for r in (0.05, 0.2, 0.6):
        z = np.arctanh(r) * 10
        wanted = np.tanh(max(0.0, 1 - 1 / z**2) * np.arctanh(r))
        found = shrink_correlation(np.array([[1, r], [r, 1.0]]), np.full((2, 2), 103.0))
        assert found[0, 1] == pytest.approx(wanted, abs=1e-12)
        assert found[1, 0] == found[0, 1]


@pytest.mark.parametrize("rho", [0.0, 0.3, 0.5])
def test_latent_correlation_of_discrete_variables(rho: float) -> None:
    """A normal seen in halves and one in thirds show their latent correlation (within 0.04 of 20,000 pairs)."""
    z = _pair(rho).sample(20_000, np.random.default_rng(9))
    halves, thirds = (z[:, 0] > 0).astype(float), np.digitize(z[:, 1], [-0.4307, 0.4307]).astype(float)
    scores = np.stack([normal_scores(halves), normal_scores(thirds)], axis=1)
    assert GaussianCopula.fit(scores).correlation[0, 1] == pytest.approx(rho, abs=0.04)

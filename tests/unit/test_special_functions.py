"""Special functions against scipy, against printed tables, and by the identities that define them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special

from replicator.special_functions import binomial_at_most, digamma, ndtr, ndtri, trigamma


def test_normal_probabilities_are_scipys() -> None:
    """Within a few units in the last place, in the middle and in the far tails."""
    x = np.concatenate([np.linspace(-37.0, 37.0, 20_001), [-np.inf, np.inf, 0.0, -0.0]])
    np.testing.assert_allclose(ndtr(x), special.ndtr(x), rtol=1e-15, atol=0)
    assert np.isnan(ndtr([np.nan])).all()


def test_normal_quantiles_are_scipys() -> None:
    """Within a few units in the last place, for probabilities as near to 0 and 1 as numbers can be."""
    p = np.concatenate([np.linspace(0, 1, 20_001), 10.0 ** -np.linspace(1, 300, 2_001), 1 - 10.0 ** -np.linspace(1, 15, 500)])
    np.testing.assert_allclose(ndtri(p), special.ndtri(p), rtol=2e-15, atol=1e-15)
    assert np.isnan(ndtri([-0.1, 1.1, np.nan])).all()


def test_quantiles_are_the_inverse_of_probabilities() -> None:
    """There and back, and symmetric about 0."""
    x = np.linspace(-8.0, 5.0, 1_001)
    np.testing.assert_allclose(ndtri(ndtr(x)), x, atol=1e-9)
    p = np.linspace(0.001, 0.499, 500)
    np.testing.assert_allclose(ndtri(p), -ndtri(1 - p), rtol=1e-12)


def test_digamma_and_trigamma_are_scipys() -> None:
    """At the halves of degrees of freedom, and between."""
    x = np.concatenate([np.arange(1, 4_001) / 2, np.linspace(0.01, 12, 500)])
    np.testing.assert_allclose(digamma(x), special.psi(x), rtol=1e-13, atol=2e-15)
    np.testing.assert_allclose(trigamma(x), special.polygamma(1, x), rtol=2e-15)


def test_digamma_and_trigamma_at_known_points() -> None:
    """Euler's constant, and pi squared over six and over two (Abramowitz and Stegun, 6.3.2, 6.4.1, 6.4.4)."""
    assert digamma(1.0) == pytest.approx(-0.5772156649015329, abs=1e-15)
    np.testing.assert_allclose(trigamma([1.0, 0.5]), [np.pi**2 / 6, np.pi**2 / 2], rtol=1e-15)


@pytest.mark.parametrize(
    ("count", "trials", "probability"),
    [(0, 1, 0.3), (2, 10, 0.5), (9, 10, 0.01), (400, 1_000, 0.33), (30_100, 60_000, 0.5), (3, 100_000, 0.9)],
)
def test_binomial_tails_are_scipys(count: int, trials: int, probability: float) -> None:
    """The lower tail, and the upper one as the lower one of the failures."""
    assert binomial_at_most(count, trials, probability) == pytest.approx(special.bdtr(count, trials, probability), rel=1e-8)
    upper = binomial_at_most(trials - count - 1, trials, 1 - probability)
    assert upper == pytest.approx(special.bdtrc(count, trials, probability), rel=1e-8)


def test_binomial_tails_end_at_0_and_1() -> None:
    """Fewer than none never happens, and at most all always does."""
    assert binomial_at_most(-1, 5, 0.2) == 0
    assert binomial_at_most(5, 5, 0.2) == 1

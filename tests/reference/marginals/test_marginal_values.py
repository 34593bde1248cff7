"""Quantile marginals against the distributions that they are fitted on."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ndtri

from replicator.models.marginals import QuantileMarginal

# Standard normal quantiles and the distribution function: Abramowitz and Stegun, Handbook of Mathematical Functions (1964),
# tables 26.1 and 26.5.
NORMAL = {0.90: 1.28155, 0.95: 1.64485, 0.975: 1.95996, 0.99: 2.32635}
NORMAL_CDF = {0.5: 0.69146, 1.0: 0.84134, 1.5: 0.93319, 2.0: 0.97725}


def _evenly(n: int) -> np.ndarray:
    return (np.arange(n) + 0.5) / n


@pytest.fixture(scope="module")
def normal() -> QuantileMarginal:
    """Fitted on the expected order of 20,000 standard normals."""
    return QuantileMarginal.fit(ndtri(_evenly(20_000)), max_knots=200)


@pytest.mark.parametrize(("p", "z"), NORMAL.items())
def test_normal_quantiles(normal: QuantileMarginal, p: float, z: float) -> None:
    """Quantiles up to 0.99, above and below, as near to the table as 200 knots allow.

    Means of groups of width h at their middles, joined by lines, err by at most Q'' h^2 (1/24 + 1/8), where Q'' = z / phi(z)^2
    is that of the upper of the two knots.
    """
    knot = float(ndtri(p + 1 / 400))
    curvature = knot / (np.exp(-0.5 * knot**2) / np.sqrt(2 * np.pi)) ** 2
    bound = curvature * (1 / 200) ** 2 * (1 / 24 + 1 / 8) + 1e-3
    assert normal.quantile(np.array([p, 1 - p])) == pytest.approx([z, -z], abs=bound)


@pytest.mark.parametrize(("x", "p"), NORMAL_CDF.items())
def test_normal_distribution_function(normal: QuantileMarginal, x: float, p: float) -> None:
    """The distribution function within 0.002 of the table."""
    assert normal.cdf(np.array([x, -x])) == pytest.approx([p, 1 - p], abs=0.002)


def test_moments_of_draws(normal: QuantileMarginal) -> None:
    """Mean 0 and variance 1 (integral over evenly spread probabilities)."""
    x = normal.quantile(_evenly(100_000))
    assert x.mean() == pytest.approx(0, abs=1e-3)
    assert x.var() == pytest.approx(1, abs=0.01)


def test_exponential_tail_is_exact() -> None:
    """Of an exponential the tail is exponential: Q(u) = -ln(1 - u), beyond the last observation too (but no further than 3 s)."""
    model = QuantileMarginal.fit(-np.log1p(-_evenly(5_000)), max_knots=100)
    u = np.array([0.5, 0.9, 0.99, 0.995, 0.999])
    assert model.quantile(u) == pytest.approx(-np.log1p(-u), rel=0.03)
    assert model.upper == pytest.approx(1.0, abs=0.1)


def test_shares_of_atoms_are_those_of_the_data() -> None:
    """30 % zeros, 50 % ones and a spread rest come back as such."""
    x = np.concatenate([np.zeros(300), np.ones(500), 2 + _evenly(200)])
    drawn = QuantileMarginal.fit(x).quantile(_evenly(10_000))
    assert [(drawn == 0).mean(), (drawn == 1).mean(), (drawn > 1).mean()] == pytest.approx([0.3, 0.5, 0.2], abs=0.005)


def test_mean_of_the_tail_is_the_mean_of_its_group() -> None:
    """The tail Q(u) = a + s ln((1 - p)/(1 - u)) has mean a + s: the mean of the last group of the source."""
    rng = np.random.default_rng(1)
    x = np.sort(rng.lognormal(0, 1, 1000))
    model = QuantileMarginal.fit(x, k=5, max_knots=20)
    p = model.probability[-1]
    tail = model.quantile(p + (1 - p) * _evenly(100_000))
    assert tail.mean() == pytest.approx(x[round(p * 1000) :].mean(), rel=0.06)  # cut at 3 s: e^-3 of the tail's excess

"""Special functions are those of scipy, whether its package is loaded before or after, or not at all."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from scipy.special import comb, polygamma

from replicator.special import binom, hurwitz_zeta

OURS = "import replicator.special as ours"
SAME = "assert all(getattr(ours, name) is getattr(scipy.special, name) for name in ours.__all__ if name != 'hurwitz_zeta')"


@pytest.mark.parametrize(
    "lines",
    [
        (OURS, "import sys", "assert 'scipy.special' not in sys.modules"),
        (OURS, "import scipy.special, scipy.stats", SAME, "assert scipy.stats.norm.cdf(0) == 0.5"),
        ("import scipy.special", OURS, SAME),
    ],
)
def test_orders_of_loading(lines: tuple[str, ...]) -> None:
    subprocess.run([sys.executable, "-c", "\n".join(lines)], check=True)


def test_what_the_package_makes_of_them() -> None:
    """The variance of a logarithm and numbers of ways, for which scipy has functions of its own."""
    x = np.linspace(0.5, 90, 400)
    assert np.array_equal(hurwitz_zeta(2.0, x), polygamma(1, x))
    assert np.array_equal(binom(9, np.arange(10)), comb(9, np.arange(10)))

"""The line from collected to standard results."""

from __future__ import annotations

import numpy as np
import pytest

from replicator.study_model.findings.writing import _fit_lines

K = 5


def line(x: np.ndarray, y: np.ndarray, who: np.ndarray | None = None) -> tuple[float, float]:
    n = len(x)
    factor, offset = _fit_lines(x, y, np.zeros(n, np.intp), 1, np.arange(n, dtype=np.intp) if who is None else who, K)
    return float(factor[0]), float(offset[0])


@pytest.fixture
def heights() -> np.ndarray:
    return np.random.default_rng(1).normal(170.0, 9.0, 60).round()


def test_one_mistyped_pair_bends_no_line(heights: np.ndarray) -> None:
    x, y = heights.copy(), heights.copy()
    x[0], y[0] = 987654.321, 45.6789
    assert line(x, y) == (1.0, 0.0)
    fahrenheit = np.random.default_rng(2).normal(98.0, 1.0, 60).round(1)
    celsius = ((fahrenheit - 32) / 1.8).round(2)
    fahrenheit[0], celsius[1] = 987654.321, 45.6789
    assert line(fahrenheit, celsius) == pytest.approx((1 / 1.8, -32 / 1.8), rel=2e-3)


def test_a_factor_or_a_line_of_few_subjects_is_none(heights: np.ndarray) -> None:
    few = np.arange(60, dtype=np.intp) % (K - 1)
    assert line(heights, 2.54 * heights) == pytest.approx((2.54, 0.0))
    assert line(heights, 2.54 * heights, few) == (1.0, 0.0)
    assert line(heights, heights / 1.8 - 32 / 1.8, few) == (1.0, 0.0)


def test_numbers_that_have_nothing_to_do_with_each_other_make_no_line(heights: np.ndarray) -> None:
    other = np.random.default_rng(3).normal(5.0, 2.0, 60)
    assert line(heights, other)[1] == 0.0


def test_a_factor_of_ones_own_is_not_kept() -> None:
    """Each of 27 subjects has a factor near 88.4: what is kept is a mean of them, and nobody's."""
    own = 88.4 * np.random.default_rng(4).normal(1.0, 0.002, 27)
    who = np.repeat(np.arange(27, dtype=np.intp), 3)
    x = np.random.default_rng(5).uniform(0.5, 1.5, len(who))
    factor, offset = line(x, own[who] * x, who)
    assert factor == pytest.approx(88.4, rel=2e-3) and offset == 0.0
    assert np.abs(own / factor - 1).min() > 1e-7

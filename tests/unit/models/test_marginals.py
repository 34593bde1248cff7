"""Quantile functions that no subject can be read from."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from replicator.models.marginals import QuantileMarginal

U = np.linspace(0, 1, 401)
CONTINUOUS = hnp.arrays(np.float64, st.integers(0, 80), elements=st.floats(-1e6, 1e6, allow_subnormal=False))
TIED = hnp.arrays(np.float64, st.integers(0, 80), elements=st.integers(-3, 3).map(float))
VALUES = st.one_of(CONTINUOUS, TIED)


@settings(max_examples=60)
@given(VALUES)
def test_quantiles_never_fall(x: np.ndarray) -> None:
    """A higher probability never gives a lower value."""
    model = QuantileMarginal.fit(x)
    q = model.quantile(U)
    assert np.isnan(q).all() if not model.n else (np.diff(q) >= -1e-9 * np.abs(q[1:]).max(initial=1)).all()


@settings(max_examples=60)
@given(VALUES, st.integers(2, 9))
def test_draws_stay_in_the_support(x: np.ndarray, k: int) -> None:
    """Between floor and ceiling; never negative where the source was not."""
    model = QuantileMarginal.fit(x, k=k)
    if model.n:
        q = model.quantile(U)
        assert (q >= model.floor).all() and (q <= model.ceiling).all()
        assert x.min() < 0 or (q >= 0).all()


@settings(max_examples=60)
@given(hnp.arrays(np.float64, st.integers(20, 80), elements=st.floats(-100, 100, width=32), unique=True))
def test_distribution_function_undoes_the_quantile(x: np.ndarray) -> None:
    """cdf(quantile(u)) = u wherever the quantile function rises and the draw is not cut."""
    model = QuantileMarginal.fit(x)
    q = model.quantile(U)
    rising = np.zeros(len(U), bool)
    rising[1:-1] = (np.diff(q)[1:] > 1e-6) & (np.diff(q)[:-1] > 1e-6)
    inside = rising & (q > model.floor + 1e-6) & (q < model.ceiling - 1e-6)
    assert model.cdf(q)[inside] == pytest.approx(U[inside], abs=1e-5)


@settings(max_examples=40)
@given(VALUES)
def test_distribution_function_rises_within_0_and_1(x: np.ndarray) -> None:
    """Whatever is asked for, the answer is a probability, and never falls."""
    model = QuantileMarginal.fit(x)
    if model.n:
        p = model.cdf(np.linspace(x.min() - 10, x.max() + 10, 300))
        assert (p >= -1e-12).all() and (p <= 1 + 1e-12).all()
        assert (np.diff(p) >= -1e-9).all()


@settings(max_examples=40)
@given(VALUES, st.integers(1, 1000))
def test_order_of_rows_and_names_of_subjects_do_not_matter(x: np.ndarray, move: int) -> None:
    """Rows in another order and subjects under other numbers give the same marginal."""
    rng = np.random.default_rng(move)
    order, subject = rng.permutation(len(x)), np.arange(len(x)) // 2
    a = QuantileMarginal.fit(x, subject)
    b = QuantileMarginal.fit(x[order], rng.permutation(len(x) + 1)[subject[order]] + move)
    # rows of equal value are told apart by their subjects only where groups of rows are cut
    if len(np.unique(x)) == len(x):
        np.testing.assert_array_equal(a.value, b.value)
        np.testing.assert_array_equal(a.probability, b.probability)
    assert (a.n, a.n_subjects) == (b.n, b.n_subjects)


@settings(max_examples=40)
@given(st.integers(1, 120), st.integers(2, 6), st.integers(0, 10_000))
def test_no_value_of_one_subject_is_kept(n: int, k: int, seed: int) -> None:
    """Where all values differ none of them is a knot or an end."""
    x = np.random.default_rng(seed).lognormal(2, 1, n)
    model = QuantileMarginal.fit(x, k=k)
    kept = np.concatenate([model.value, [model.floor, model.ceiling]])
    assert not np.isclose(kept[:, None], x, rtol=1e-9).any()


def test_draws_agree_with_their_source() -> None:
    """Kolmogorov-Smirnov distance of 4,000 draws to a gamma source of 800 below 0.04 (5 % level: 0.053)."""
    rng = np.random.default_rng(1)
    x = np.sort(rng.gamma(2, 3, 800))
    drawn = np.sort(QuantileMarginal.fit(x).quantile(rng.random(4000)))
    grid = np.concatenate([x, drawn])
    a, b = (np.searchsorted(v, grid, side="right") / len(v) for v in (x, drawn))
    assert np.abs(a - b).max() < 0.04


def test_repeated_values_of_few_subjects_are_no_atom() -> None:
    """Nine rows of one value by two subjects are spread out, nine by nine subjects are an atom."""
    rng = np.random.default_rng(2)
    x = np.concatenate([np.full(9, 33.0), rng.normal(50, 5, 91)])
    few = QuantileMarginal.fit(x, np.concatenate([np.arange(9) % 2, np.arange(2, 93)]))
    many = QuantileMarginal.fit(x)
    assert (few.value == 33.0).sum() == 0
    assert (many.value == 33.0).sum() == 2


def test_few_subjects_leave_nothing_or_a_mean_and_a_spread() -> None:
    """Below k subjects nothing is kept; below twice as many a normal with their mean and standard deviation."""
    few = QuantileMarginal.fit(np.array([1.0, 2.0, 6.0, 7.0]))
    assert few.n == 0 and np.isnan(few.quantile(U)).all()
    some = QuantileMarginal.fit(np.array([10.0, 11.0, 12.0, 13.0, 14.0]))
    assert some.quantile(np.array([0.1587, 0.5, 0.8413])) == pytest.approx([12 - 2.5**0.5, 12, 12 + 2.5**0.5])
    draws = some.quantile((np.arange(20_000) + 0.5) / 20_000)
    assert draws.mean() == pytest.approx(12, abs=0.02)
    assert draws.std() == pytest.approx(2.5**0.5, rel=0.05)
    assert draws.max() > 14 > 10 > draws.min()  # the source's ends are not the sample's


def test_nothing_to_learn_from() -> None:
    """No values, or none but missing and infinite ones: draws are missing."""
    for x in (np.empty(0), np.array([np.nan, np.inf, -np.inf])):
        model = QuantileMarginal.fit(x)
        assert model.n == 0
        assert np.isnan(model.quantile(U)).all()
    assert np.isnan(QuantileMarginal.fit(np.arange(50.0)).cdf(np.array([np.nan]))).all()


def test_decimals_of_draws() -> None:
    """Draws are rounded as asked."""
    q = QuantileMarginal.fit(np.random.default_rng(3).normal(0, 1, 200), decimals=1).quantile(U)
    np.testing.assert_array_equal(q, np.round(q, 1))


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("beyond", [[6.0, 7, 9, 11], [6.0, 7, 7, 9, 11, 12, 13]])
def test_few_subjects_beyond_an_atom_are_a_tail_that_begins_in_it(sign: float, beyond: list[float]) -> None:
    """Fewer than k, or than 2 k, above forty subjects from 0 to 5: the mean stays, and the scale is that of k subjects or more.

    Of fewer than k it is told in 24 steps a decade, from which no number can be computed.
    """
    x = sign * np.append(np.repeat(np.arange(6.0), [7, 9, 8, 6, 5, 5]), beyond)
    model = QuantileMarginal.fit(x, k=5)
    q = model.quantile((np.arange(20000) + 0.5) / 20000)
    assert q.mean() == pytest.approx(x.mean(), rel=0.02)
    assert q.var() == pytest.approx(x.var(), rel=0.15)
    top = np.sort(sign * x)[-max(5, len(beyond)) :]
    scale = max(model.lower, model.upper)
    assert scale == pytest.approx(top.mean() - 5.0, rel=1e-6 if len(beyond) >= 5 else 0.05)
    assert len(beyond) >= 5 or 24 * np.log10(scale) == pytest.approx(round(24 * np.log10(scale)))


def test_a_tail_is_shortened_to_end_at_a_bound() -> None:
    """1,000 normals bound at -1.5: nothing lies below, the median stays, and less than a hundredth lies on the bound."""
    model = QuantileMarginal.fit(np.random.default_rng(4).standard_normal(1000))
    bound = model.within(-1.5, np.inf)
    assert bound.quantile(U).min() >= -1.5 > model.quantile(U).min()
    assert bound.quantile(np.array([0.5])) == model.quantile(np.array([0.5]))
    inside = QuantileMarginal.fit(18 + np.random.default_rng(5).gamma(2.0, 9.0, 400)).within(18.0, np.inf)
    assert (inside.quantile(np.random.default_rng(6).random(5000)) <= 18.0).mean() < 0.01


def test_a_normal_of_few_stays_within_the_bounds_of_others() -> None:
    """Seven ages of mean 33 and deviation 15 (a class of a phase 1 study), where others end at 18 and 58."""
    ages = 33 + 15 * np.array([-1.3, -1.1, -0.5, 0.0, 0.4, 1.1, 1.4]) / 1.03
    free, bound = QuantileMarginal.fit(ages), QuantileMarginal.fit(ages, bounds=(18.0, 58.0)).within(18.0, 58.0)
    assert free.quantile(U).min() < 5
    drawn = bound.quantile(np.random.default_rng(7).random(5000))
    assert drawn.min() >= 18 and drawn.max() <= 58
    assert drawn.mean() == pytest.approx(ages.mean(), abs=1.0)
    assert (drawn == 18).mean() < 0.05


def test_nothing_is_bound_where_nothing_is_known() -> None:
    nothing = QuantileMarginal.fit(np.array([1.0, 2.0]))
    assert nothing.within(0.0, 5.0) is nothing

"""Transforms, precision and last digits of numeric series."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import boxcox_llf

from replicator.models.scales import NumericScales


def fitted(values: np.ndarray, decimals: int) -> NumericScales:
    """One series, every value a subject's."""
    n = len(values)
    return NumericScales.fit(values, np.zeros(n, np.intp), np.arange(n), np.array([decimals]))


def test_scatter_that_grows_with_the_level_asks_for_logarithms() -> None:
    """Log-normal scatter is seen by the profile likelihood; normal scatter stays untransformed."""
    rng = np.random.default_rng(1)
    series = np.repeat([0, 1], 600)
    subject = np.tile(np.repeat(np.arange(100), 6), 2)
    level = rng.standard_normal(100)[subject]
    noise = rng.standard_normal(1200)
    values = np.where(series == 0, np.exp(3 + level + 0.3 * noise), 120 + 15 * level + 5 * noise)
    scales = NumericScales.fit(values, series, subject, np.array([12, 12]))
    assert scales.power.tolist() == [0.0, 1.0]


@pytest.mark.parametrize("seed", range(60))
def test_the_square_root_must_be_clearly_likelier_and_the_logarithm_likelier(seed: int) -> None:
    """By scipy's boxcox_llf: the root from 1.92 above the untransformed scale on, and the logarithm above what is then held."""
    rng = np.random.default_rng(seed)
    values = np.round(rng.normal(5, 1, 60) ** 2 if seed % 2 else 20 + 5 * rng.gamma(8, size=60), 2)
    likelihood = {power: float(boxcox_llf(power, values)) for power in (1.0, 0.5, 0.0)}
    held = 0.5 if likelihood[0.5] > likelihood[1.0] + 1.92 else 1.0
    assert fitted(values, 2).power[0] == (0.0 if likelihood[0.0] > likelihood[held] else held)


@given(st.floats(0.5, 400))
def test_transform_and_back(value: float) -> None:
    """Backward undoes forward for every transform, within the bounds."""
    scales = NumericScales(
        power=np.array([1.0, 0.5, 0.0]),
        shift=np.array([0.0, 0.1, 0.1]),
        low=np.zeros(3),
        high=np.full(3, 1e3),
        decimals=np.full(3, -1),
        digits=np.tile(np.linspace(0, 1, 11), (3, 1, 1)),
    )
    series = np.arange(3)
    assert scales.backward(scales.forward(np.full(3, value), series), series) == pytest.approx(value, rel=1e-9)


def test_values_come_at_the_places_of_the_record() -> None:
    """Rounded to the series' decimals, and never outside of its bounds."""
    rng = np.random.default_rng(2)
    scales = fitted(np.round(rng.normal(40, 3, 500), 1), 1)
    drawn = scales.record(rng.normal(40, 30, 1000), np.zeros(1000, np.intp))
    assert np.allclose(drawn, np.round(drawn, 1))
    assert drawn.min() >= scales.low[0] and drawn.max() <= scales.high[0]


def test_preferred_digits_come_back_without_moving_the_mean() -> None:
    """Readings in even numbers stay even, and their mean stays where it was."""
    rng = np.random.default_rng(3)
    source = 2 * np.round(rng.normal(125, 15, 2000) / 2)
    scales = fitted(source, 0)
    drawn = scales.record(rng.normal(125, 15, 20000), np.zeros(20000, np.intp))
    assert (drawn % 2 == 0).mean() > 0.99
    assert drawn.mean() == pytest.approx(125, abs=0.4)


def test_variance_of_rounding_is_a_twelfth_of_the_squared_step() -> None:
    """Sheppard's correction: one step of 1 adds 1/12."""
    scales = fitted(np.arange(20.0, 60.0), 0)
    assert scales.rounding_variance(np.array([40.0]))[0] == pytest.approx(1 / 12, rel=0.01)


def test_extremes_of_single_subjects_are_not_kept() -> None:
    """One wild value does not become the bound."""
    values = np.append(np.linspace(10, 20, 400), 900.0)
    assert fitted(values, 0).high[0] < 900


@pytest.mark.parametrize("atoms", [False, True])
def test_draws_do_not_pile_up_at_the_bounds(atoms: bool) -> None:
    """Values that few share beyond one that many share: the bounds leave room for them, so that no draw ends at a wall."""
    rng = np.random.default_rng(9)
    values = np.round(rng.normal(4.3, 0.35, 900), 1 if atoms else 4)
    subject = np.repeat(np.arange(150), 6)
    scales = NumericScales.fit(values, np.zeros(900, np.intp), subject, np.array([1 if atoms else 4]))
    drawn = scales.backward(rng.normal(4.3, 0.35, 20_000), np.zeros(20_000, np.intp))
    assert (drawn == scales.low[0]).mean() < 0.002 and (drawn == scales.high[0]).mean() < 0.002
    assert scales.high[0] < 4.3 + 6 * 0.35 and scales.low[0] > 4.3 - 6 * 0.35


def test_bounds_of_an_exponential_tail_stand_four_scales_out() -> None:
    """Beyond the boundary of the highest 1 % of 5,000 unit exponentials, -ln(0.01) = 4.6; below 0 nothing is drawn."""
    values = np.random.default_rng(10).exponential(1.0, 5000)
    scales = fitted(values, 6)
    assert scales.high[0] == pytest.approx(-np.log(0.01) + 4, abs=1.2)
    assert 0 <= scales.low[0] < 0.01


@pytest.mark.parametrize("extreme", [50.0, 5000.0])
def test_bounds_do_not_tell_how_far_out_one_subject_is_alone(extreme: float) -> None:
    """The outlier of one subject enters as a part of the mean of five, as every value of a tail does."""
    values = np.concatenate([np.random.default_rng(11).normal(10, 1, 500), [extreme]])
    scales = fitted(values, 2)
    assert scales.high[0] != pytest.approx(extreme, rel=0.02)


def test_what_ends_at_a_value_that_many_share_stays_inside() -> None:
    """Saturation is 100 % at most."""
    rng = np.random.default_rng(12)
    values = np.minimum(np.round(98 + 2 * rng.standard_normal(600)), 100)
    scales = fitted(values, 0)
    assert scales.high[0] == 100


def test_a_short_range_is_no_preference_for_digits() -> None:
    """Bilirubin of 0.2 to 1.5 in tenths: every number keeps its share, though few of the ten digits are common."""
    rng = np.random.default_rng(4)
    source = np.round(np.exp(rng.normal(np.log(0.55), 0.4, 4000)), 1)
    source[:3] = 6.6
    scales = fitted(source, 1)
    drawn = scales.record(np.exp(rng.normal(np.log(0.55), 0.4, 40000)), np.zeros(40000, np.intp))
    for value in (0.3, 0.4, 0.5, 0.6, 0.8):
        assert np.isclose(drawn, value).mean() == pytest.approx(np.isclose(source, value).mean(), abs=0.02)


def test_the_shift_of_a_series_with_zeros_is_no_single_subjects_value() -> None:
    """Half the mean of the smallest positive values of five subjects; with fewer than five there is none, and no transform."""
    rng = np.random.default_rng(3)
    values = np.where(np.arange(200) < 40, 0.0, np.exp(rng.normal(0, 1, 200)))
    scales = fitted(values, 12)
    assert scales.power[0] < 1
    assert scales.shift[0] == pytest.approx(np.sort(values[values > 0])[:5].mean() / 2)
    few = np.where(np.arange(200) < 196, 0.0, 5.0)
    assert fitted(few, 2).shift[0] == 0.0


def test_numbers_are_recorded_as_one_by_one() -> None:
    """Against each number by itself: preferred digits or even ones, bounds, unrounded series."""
    rng = np.random.default_rng(8)
    uneven = np.concatenate([[0.0], np.cumsum(rng.dirichlet(np.ones(10)))])
    digits = np.array([[np.linspace(0, 1, 11), uneven], [uneven, np.linspace(0, 1, 11)], [uneven, uneven]])
    decimals, low, high = np.array([1, 0, -1]), np.array([0.3, -50.0, -1.0]), np.array([9.7, 60.0, 1.0])
    scales = NumericScales(np.ones(3), np.zeros(3), low, high, decimals, digits)
    series, group = rng.integers(0, 3, 3000), rng.integers(0, 2, 3000)
    raw = rng.normal(5, 30, 3000)
    got = scales.record(np.clip(raw, low[series], high[series]), series, group)
    for i, (j, g) in enumerate(zip(series.tolist(), group.tolist(), strict=True)):
        number = min(max(raw[i], low[j]), high[j])
        if decimals[j] < 0:
            assert got[i] == number
            continue
        unit, edge = 10.0 ** -decimals[j], digits[j, g]
        if (digits[j, g] == np.linspace(0, 1, 11)).all():
            steps = np.round(number / unit)
        else:
            place = number / unit - (np.diff(edge) @ np.arange(10.0) - 4.5) + 0.5
            digit = max(at for at in range(10) if edge[at] <= place / 10 - np.floor(place / 10))
            steps = 10 * np.floor(place / 10) + digit
            steps += 10 * ((steps * unit < low[j]) - float(steps * unit > high[j]))
        assert got[i] == pytest.approx(min(max(steps * unit, low[j]), high[j]), abs=1e-9)

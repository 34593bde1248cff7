"""Marginals of terms, of their classes and of all."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicator.models.marginals import QuantileMarginal
from replicator.models.nested_marginals import NestedMarginals, cells_of, change_places, own_rows, quantile_between

N = 900


def _fitted() -> tuple[NestedMarginals, list[np.ndarray]]:
    """Class 0 is about 10, class 1 about 50, but for its term 7, about 90; term 8 of class 1 has three subjects."""
    rng = np.random.default_rng(1)
    block = np.arange(N) % 2
    term = np.where(block == 1, np.where(np.arange(N) % 6 == 1, 7, 6), 5)
    term[[1, 3, 5]] = 8
    middle = np.where(term == 7, 90, np.where(block == 1, 50, 10))
    codes = [block, term]
    return NestedMarginals.fit(middle + rng.normal(0, 2, N), codes, np.arange(N), k=5, least=10), codes


def test_the_narrowest_cell_tells() -> None:
    model, _ = _fitted()
    asked = [np.array([0, 1, 1, 1, 2]), np.array([5, 7, 6, 8, 9])]
    half, no = np.full(5, 0.5), np.full(5, np.inf)
    drawn = model.quantile(asked, half, -no, no)
    assert drawn[:3] == pytest.approx([10, 90, 50], abs=1)
    assert 45 < drawn[3] < 75  # three subjects have no cell: that of the class
    assert model.depths(asked, 5).tolist() == [2, 2, 2, 1, 0]


def test_all_cells_together_are_as_the_source_is() -> None:
    """A frequent term lasts 5 days, 300 rare ones of its class 50, another class 20: so do those drawn, and all together."""
    rng = np.random.default_rng(4)
    block = np.repeat([0, 0, 1], 300)
    term = np.concatenate([np.zeros(300, int), 1 + np.arange(300), 400 + np.arange(300)])
    days = np.repeat([5.0, 50.0, 20.0], 300) * rng.uniform(0.8, 1.2, 900)
    model = NestedMarginals.fit(days, [block, term], np.arange(900), k=5, least=20)
    drawn = model.quantile([block, term], rng.random(900), np.zeros(900), np.full(900, np.inf))
    for i, mean in enumerate((5, 50, 20)):
        assert drawn[300 * i : 300 * (i + 1)].mean() == pytest.approx(mean, rel=0.04)
    assert np.sort(drawn) == pytest.approx(np.sort(days), rel=0.25)


@given(st.integers(0, 10_000), st.integers(1, 40))
def test_a_row_is_spoken_for_by_its_narrowest_cell_or_by_one_with_few_of_its_own(seed: int, least: int) -> None:
    """Rows of a cell's own are its rows without those of narrower cells, where enough subjects have some; else all of its rows."""
    rng = np.random.default_rng(seed)
    term = rng.integers(0, 8, 200)
    codes, who = [term // 3, term], rng.integers(0, 60, 200)
    cells = cells_of(codes, who, least, 1)
    for (depth, _, rows), own in zip(cells, own_rows(cells, who, least), strict=True):
        narrower = np.any([other[2] for other in cells if other[0] > depth] or [np.zeros(200, bool)], axis=0)
        enough = len(set(who[rows & ~narrower].tolist())) >= least
        np.testing.assert_array_equal(own, rows & ~narrower if enough else rows)


@given(st.integers(0, 10_000))
def test_what_a_cell_has_beside_those_within_it_is_of_k_subjects(seed: int) -> None:
    """Else it would follow from the sum of the one and of the others: of every cell's rows, and of those that speak for it."""
    rng = np.random.default_rng(seed)
    term = rng.geometric(0.3, 150).clip(max=9)
    codes, who = [term // 3, term], rng.integers(0, 40, 150)
    cells = cells_of(codes, who, 8, 5)
    for (depth, _, rows), own in zip(cells, own_rows(cells, who, 8), strict=True):
        narrower = np.any([other[2] for other in cells if other[0] > depth] or [np.zeros(150, bool)], axis=0)
        for mine in (rows, own):
            assert len(set(who[mine & ~narrower].tolist())) not in range(1, 5)


def test_a_number_of_one_does_not_follow_from_the_sums_of_cells() -> None:
    """Forty subjects of two terms are about 10; one of a third term is 1,000, and no sum is moved by it."""
    values, term = np.append(np.tile([9.0, 11.0], 20), 1000.0), np.append(np.repeat([0, 1], 20), 2)
    model = NestedMarginals.fit(values, [term], np.arange(41), k=5, least=20)
    assert [one.n for one in model.marginals] == [40, 20, 20]
    assert max(one.value.max() for one in model.marginals) == 11.0


@given(st.floats(0, 1), st.floats(-5, 60), st.floats(0.1, 60))
def test_draws_keep_their_bounds(u: float, low: float, width: float) -> None:
    model, _ = _fitted()
    high = np.array([low + width])
    drawn = model.quantile([np.array([1]), np.array([6])], np.array([u]), np.array([low]), high)
    assert low <= drawn[0] <= high[0]


def test_a_bound_leaves_the_shares_of_what_is_within() -> None:
    """Geometric days, cut at 6: the chance of each day is that of the distribution given that it is at most 6."""
    rng = np.random.default_rng(2)
    marginal = QuantileMarginal.fit(rng.geometric(0.3, 4000) - 1.0, k=5, decimals=0)
    u = (np.arange(20000) + 0.5) / 20000
    drawn = quantile_between(marginal, u, np.full(20000, -np.inf), np.full(20000, 6.0))
    expected = 0.3 * 0.7 ** np.arange(7) / (1 - 0.7**7)
    assert np.bincount(drawn.astype(int), minlength=7) / 20000 == pytest.approx(expected, abs=0.02)


def test_what_does_not_fit_changes_places_and_the_cell_keeps_its_values() -> None:
    """Two cells, each with bounds as its values have them but in another order: every value finds a place within its cell."""
    rng = np.random.default_rng(3)
    value, cell = rng.uniform(0, 100, 400), np.repeat([0, 1], 200)
    high = np.concatenate([rng.permutation(value[:200]) + 20, np.full(200, 30.0)])
    before = value.copy()
    change_places(value, cell, np.zeros(400), high, rng)
    for one in (0, 1):
        np.testing.assert_array_equal(np.sort(value[cell == one]), np.sort(before[cell == one]))
    assert (value[:200] <= high[:200]).mean() > 0.95
    np.testing.assert_array_equal(value[200:], before[200:])  # nobody of the second cell has room for more than 30

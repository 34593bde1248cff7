"""Distinct values by counting, hashing and packing are those of numpy's own function, which is the reference throughout."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as some
from numpy.typing import NDArray

from replicator.distinct import distinct_codes, distinct_values, packed_keys, perhaps_alike, plainly_differ

numpys: Callable[..., Any] = np.unique
ASKED = list(product([False, True], repeat=3))
SHAPE = some.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=70)


def same(values: NDArray[np.generic], axis: int | None) -> None:
    """Compare with numpy's answers to all that can be asked."""
    for index, inverse, counts in ASKED:
        ours: Any = distinct_values(values, return_index=index, return_inverse=inverse, return_counts=counts, axis=axis)
        reference = numpys(values, index, inverse, counts, axis)
        if not (index or inverse or counts):
            ours, reference = (ours,), (reference,)
        for mine, other in zip(ours, reference, strict=True):
            assert mine.dtype == other.dtype
            np.testing.assert_array_equal(mine, other.reshape(mine.shape))


@given(some.arrays(st.sampled_from([np.int8, np.int32, np.int64, np.uint16]), st.integers(0, 40)))
def test_whole_numbers_of_any_size(values: NDArray[np.integer]) -> None:
    """Narrow ones are counted, wide ones sorted, with one result."""
    same(values, None)


@given(some.arrays(np.int64, st.integers(1, 300), elements=st.integers(-3, 60)))
def test_codes(values: NDArray[np.int64]) -> None:
    """Codes, with -1 for missing."""
    same(values, None)


@pytest.mark.parametrize("n_distinct", [3, 700, 5000])
def test_many_wide_numbers(n_distinct: int) -> None:
    """Whole numbers that lie too far apart to be counted."""
    rng = np.random.default_rng(5)
    same(rng.integers(-(2**62), 2**62, n_distinct)[rng.integers(0, n_distinct, 4000)], None)


@given(some.arrays(np.float64, st.integers(0, 30), elements=st.one_of(st.just(np.nan), st.integers(-3, 3).map(float))))
def test_few_numbers_are_left_to_numpy(values: NDArray[np.float64]) -> None:
    """NaN is one value."""
    same(values, None)


@pytest.mark.parametrize("steps", [1, 10, 1000, 3, 7e5])
@pytest.mark.parametrize("odd", [[], [np.nan], [np.inf, -np.inf], [1e300], [np.nan, -np.nan], [-0.0, 0.1 + 0.2]])
def test_many_numbers(steps: float, odd: list[float]) -> None:
    """Numbers that repeat are hashed, others sorted, with one result; the same numbers come back."""
    rng = np.random.default_rng(4)
    for spread in (0, 30, 300, 10_000, 1_000_000):
        values = np.round(rng.normal(0, 1, 3000) * spread) / steps
        values[rng.integers(0, 3000, 5 * len(odd))] = np.resize(odd, 5 * len(odd))
        same(values, None)
        found, codes = distinct_values(values, return_inverse=True)
        assert np.array_equal(found[codes], values, equal_nan=True)


@given(some.arrays(st.sampled_from([np.int32, np.int64]), SHAPE, elements=st.integers(-1, 3)), st.sampled_from([0, 1]))
def test_rows_and_columns_of_codes(values: NDArray[np.int64], axis: int) -> None:
    """Also of more columns than one number holds."""
    same(values, axis)


@given(some.arrays(np.int64, st.tuples(st.integers(1, 20), st.integers(1, 4))), st.sampled_from([0, 1]))
def test_rows_of_wide_numbers(values: NDArray[np.int64], axis: int) -> None:
    """What is too wide to be packed at once is numbered first, or left to numpy."""
    same(values, axis)


@given(some.arrays(np.bool_, st.tuples(st.integers(1, 12), st.integers(1, 150))), st.sampled_from([0, 1]))
def test_rows_of_flags(values: NDArray[np.bool_], axis: int) -> None:
    """Flags, also more than one number holds."""
    same(values, axis)


@given(some.arrays(np.float64, SHAPE, elements=st.sampled_from([-1.5, 0.0, 2.0, 19000.25])), st.sampled_from([0, 1]))
def test_rows_of_numbers(values: NDArray[np.float64], axis: int) -> None:
    """Numbers without NaN are numbered column by column."""
    same(values, axis)


def test_rows_with_nan_are_left_to_numpy() -> None:
    """There, rows with NaN all differ."""
    same(np.array([[1.0, np.nan], [1.0, np.nan], [0.0, 2.0]]), 0)


@pytest.mark.parametrize("shape", [(0, 2), (3, 0)])
def test_nothing_to_pack(shape: tuple[int, int]) -> None:
    """No rows, or rows of nothing."""
    same(np.empty(shape, np.int64), 0)


def test_codes_of_values() -> None:
    """Numbered in their order."""
    assert distinct_codes(np.array([5, -2, 5, 9])).tolist() == [1, 0, 1, 2]


@given(some.arrays(np.int64, st.tuples(st.integers(1, 3), st.integers(0, 60)), elements=st.integers(-1, 3)))
def test_rows_that_are_alike_are_among_those_that_may_be(columns: NDArray[np.int64]) -> None:
    _, inverse, counts = numpys(columns, axis=1, return_inverse=True, return_counts=True)
    alike = np.flatnonzero(counts[inverse.reshape(-1)] > 1)
    assert perhaps_alike(columns).tolist() == alike.tolist()  # among so few rows no two others come to the same 64 bits


def test_rows_that_differ_are_hardly_ever_taken_for_alike() -> None:
    one, other = np.divmod(np.arange(200_000), 450)
    assert not len(perhaps_alike([one, other]))


@pytest.mark.parametrize("far", [1, 10**6, 2**40, 2**61, 2**62])
@given(columns=some.arrays(np.int64, st.tuples(st.integers(1, 5), st.integers(0, 30)), elements=st.integers(-2, 1)))
def test_packed_keys_are_equal_where_rows_are(far: int, columns: NDArray[np.int64]) -> None:
    _, expected = numpys(columns, axis=1, return_inverse=True)
    packed = packed_keys(columns * far)
    assert len(packed) == columns.shape[1]
    pairs = {*zip(expected.reshape(-1).tolist(), packed.tolist(), strict=True)}
    assert len(pairs) == len({one for one, _ in pairs}) == len({other for _, other in pairs})


@given(st.lists(st.tuples(st.integers(-1, 6), st.integers(0, 9)), min_size=1, max_size=12))
def test_rows_that_plainly_differ_are_ticked_off(rows: list[tuple[int, int]]) -> None:
    keys = [np.array([a for a, _ in rows], np.int8), np.array([b for _, b in rows], np.int64)]
    widths = [max(column) - min(column) + 1 for column in zip(*rows, strict=True)]
    assert plainly_differ(keys) == (len(set(rows)) == len(rows) and widths[0] * widths[1] <= 32 * len(rows))

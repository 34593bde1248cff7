"""Bins of pictures: none holds one to four subjects of the source."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from replicator.evaluation.pictures.bins import bin_codes, merge_bins, merged_edges, round_edges, shared_range


def _having(counts: list[int]) -> sparse.csr_matrix:
    """As many subjects in each bin as asked for, each in one bin."""
    bins = np.repeat(np.arange(len(counts)), counts)
    shape = (max(len(bins), 1), len(counts))
    return sparse.csr_matrix((np.ones(len(bins)), (np.arange(len(bins)), bins)), shape=shape)


@pytest.mark.parametrize(
    ("counts", "merged"),
    [
        ([5, 0, 0, 6], [0, 1, 2, 3]),
        ([2, 3, 0, 6, 1], [0, 0, 1, 2, 2]),
        ([0, 0, 4, 0, 0, 4, 9, 0, 2], [0, 1, 2, 2, 2, 2, 3, 3, 3]),
        ([6, 0, 0, 0, 2, 0], [0, 0, 0, 0, 0, 0]),
        ([9], [0]),
    ],
)
def test_neighbours_are_put_together(counts: list[int], merged: list[int]) -> None:
    found = merge_bins(_having(counts))
    assert found is not None
    assert found.tolist() == merged


def test_fewer_than_five_subjects_have_no_picture() -> None:
    """Four subjects with rows in all bins are four subjects still."""
    assert merge_bins(_having([1, 1, 1, 1])) is None
    assert merge_bins(sparse.csr_matrix(np.ones((4, 9)))) is None


@given(st.lists(st.lists(st.integers(0, 11), max_size=8), min_size=1, max_size=30))
def test_every_merged_bin_holds_five_subjects_or_none(rows: list[list[int]]) -> None:
    """Subjects may stand in many bins; merged bins are neighbours, numbered without gaps."""
    dense = np.zeros((len(rows), 12))
    for i, bins in enumerate(rows):
        dense[i, bins] = 1.0
    merged = merge_bins(sparse.csr_matrix(dense))
    if merged is None:
        assert (dense.any(axis=1)).sum() < 5
        return
    assert merged[0] == 0
    assert set(np.diff(merged).tolist()) <= {0, 1}
    behind = [int(dense[:, merged == group].any(axis=1).sum()) for group in range(int(merged[-1]) + 1)]
    assert all(n == 0 or n >= 5 for n in behind)


@given(st.integers(-(10**6), 10**6), st.integers(0, 10**6), st.integers(2, 40), st.sampled_from([1.0, 0.1, 1e-3, 1e-6]))
def test_edges_are_round_and_span_the_range(first: int, width: int, most: int, unit: float) -> None:
    low, high = first * unit, (first + width) * unit
    edges = round_edges(low, high, most)
    step = np.diff(edges)
    assert 2 <= len(edges) <= most + 1
    assert step == pytest.approx(np.full(len(step), step[0]))
    assert edges[0] <= low + 1e-9 * abs(low) and high - 1e-9 * abs(high) <= edges[-1]


def test_what_lies_beyond_the_edges_is_in_the_outer_bins() -> None:
    codes = bin_codes(np.array([-9.0, 0.0, 0.99, 1.0, 2.0, 99.0, np.nan]), np.array([0.0, 1.0, 2.0]))
    assert codes.tolist() == [0, 0, 0, 1, 1, 1, -1]
    assert merged_edges(np.array([0.0, 1.0, 2.0, 3.0]), np.array([0, 0, 1])) == (0.0, 2.0, 3.0)


def test_the_range_is_that_of_five_subjects_at_each_end() -> None:
    """Ends are means over five subjects, whatever a subject with many rows does."""
    subject = np.repeat(np.arange(10), 3)
    values = np.repeat(np.arange(10.0), 3) + np.tile([0.0, 0.1, 0.2], 10)
    assert shared_range(values, subject) == pytest.approx((2.0, 7.2))
    assert shared_range(values[:12], subject[:12]) is None

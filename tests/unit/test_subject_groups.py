"""Groups of neighbouring values: all values once, each group of k subjects."""

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from replicator.subject_groups import group_edges, joined_groups


@settings(max_examples=200)
@given(st.lists(st.integers(0, 15), max_size=120), st.integers(1, 6), st.integers(1, 30))
def test_groups_part_all_values_and_each_is_of_k_subjects(subject: list[int], k: int, size: int) -> None:
    who = np.array(subject, np.int64)
    edges = group_edges(who, k, size)
    if len(set(subject)) < k:
        assert edges.tolist() == [0]
        return
    assert edges[0] == 0 and edges[-1] == len(who) and (np.diff(edges) > 0).all()
    assert all(len(set(subject[a:b])) >= k for a, b in itertools.pairwise(edges))


def test_groups_are_no_larger_than_they_must_be() -> None:
    """One value a subject: groups of five, the rest spread over them."""
    assert np.diff(group_edges(np.arange(1000), 5)).tolist() == [5] * 200
    assert sorted(np.diff(group_edges(np.arange(1003), 5)).tolist()) == [5] * 197 + [6] * 3
    assert len(group_edges(np.arange(1000), 5, 100)) == 11
    one_with_many = np.append(np.repeat(0, 40), np.arange(1, 101))
    assert np.diff(group_edges(one_with_many, 5)).max() < 60


def test_joined_groups_have_k_of_each_side_or_none() -> None:
    """Groups 0 to 5 with three subjects each of one kind, and three each of the other kind in groups 1 and 4 alone."""
    group = np.repeat(np.arange(6), 3)
    here, others = (group, np.arange(18)), (np.array([1, 1, 1, 4, 4, 4]), np.arange(6))
    assert joined_groups([here], 6, 5).tolist() == [0, 0, 1, 1, 2, 2]
    assert joined_groups([here, others], 6, 5).tolist() == [0] * 6
    assert joined_groups([others], 6, 3).tolist() == [0, 1, 2, 3, 4, 5]
    assert joined_groups([here], 6, 19).tolist() == []

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse, stats

from replicator.evaluation.distances import compare_counts, count_matrix, lacks_by_chance
from replicator.evaluation.group_distances import (
    compare_correlations,
    compare_deviations,
    compare_distributions,
    compare_means,
    compare_shares,
    compare_spreads,
    within,
)
from replicator.evaluation.splits import Splits

N, GROUPS = 90, 3


def _splits(seed: int) -> Splits:
    order = np.random.default_rng(seed).permutation(N)
    masks = np.zeros((3, 1, N), bool)
    for i in range(3):
        masks[i, 0, order[30 * i : 30 * i + 30]] = True
    return Splits(*masks)


def _values(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.random((N, GROUPS)), (rng.random((N, GROUPS)) < 0.8).astype(float)


def _sides(splits: Splits) -> list[np.ndarray]:
    return [splits.reference[0], splits.sample[0], splits.floor[0]]


@pytest.mark.parametrize("group", range(GROUPS))
def test_means_spreads_and_shares_are_those_of_their_definition(group: int) -> None:
    splits, (values, has) = _splits(1), _values(2)
    total, present = sparse.csr_matrix(values * has), sparse.csr_matrix(has)
    of = [values[side & (has[:, group] > 0), group] for side in _sides(splits)]
    for both, statistic, span in (
        (compare_means(splits, total, present), np.mean, 1.0),
        (compare_spreads(splits, total, present), np.std, 0.5),
    ):
        expected = [statistic(one) for one in of]
        assert both[0][0, group] == pytest.approx(abs(expected[0] - expected[1]) / span)
        assert both[1][0, group] == pytest.approx(abs(expected[0] - expected[2]) / span)
    shares = [has[side, group].mean() for side in _sides(splits)]
    assert compare_shares(splits, present)[0][0, group] == pytest.approx(abs(shares[0] - shares[1]))


@pytest.mark.parametrize("group", range(GROUPS))
def test_deviations_and_contrasts_are_those_of_their_definition(group: int) -> None:
    splits, (values, has) = _splits(10), _values(11)
    total, present = sparse.csr_matrix(values * has), sparse.csr_matrix(has)
    deviation = [np.std(values[side & (has[:, group] > 0), group]) for side in _sides(splits)]
    short = compare_deviations(splits, total, present)
    for of, other in zip(short, deviation[1:], strict=True):
        assert of[0, group] == pytest.approx(1 - min(deviation[0], other) / max(deviation[0], other))
    members, known = np.arange(N) % 2 == 0, has[:, group] > 0
    groups = (members, np.ones(N, bool))
    own, every = ([values[side & some & known, group].mean() for side in _sides(splits)] for some in groups)
    apart = np.subtract(own, every)
    assert compare_means(splits, total, present, members)[0][0, group] == pytest.approx(abs(apart[0] - apart[1]))
    shares = np.subtract(*([has[side & some, group].mean() for side in _sides(splits)] for some in groups))
    assert compare_shares(splits, present, members)[1][0, group] == pytest.approx(abs(shares[0] - shares[2]))


def test_what_is_off_in_all_arms_alike_is_no_difference_between_them() -> None:
    splits, (values, _) = _splits(12), _values(13)
    has = sparse.csr_matrix(np.ones((N, GROUPS)))
    shifted = values + 0.5 * splits.sample[0][:, None]
    members = np.arange(N) % 3 == 0
    before, after = (compare_means(splits, sparse.csr_matrix(one), has, members)[0] for one in (values, shifted))
    np.testing.assert_allclose(after, before, atol=1e-12)
    assert (compare_means(splits, sparse.csr_matrix(shifted), has)[0] > 0.3).all()


@pytest.mark.parametrize("ordered", [True, False])
def test_contrasts_of_distributions_are_those_of_their_definition(ordered: bool) -> None:
    rng, splits = np.random.default_rng(14), _splits(15)
    codes, members = rng.integers(0, 6, N), rng.random(N) < 0.5
    counts = count_matrix(np.arange(N), codes, N, 6)
    sample, _ = compare_counts(splits, counts, members, ordered=ordered)
    of = [[np.bincount(codes[some], minlength=6) / some.sum() for some in (side & members, side)] for side in _sides(splits)]
    p, q = (own - every for own, every in of[:2])
    assert sample[0] == pytest.approx(np.abs(np.cumsum(p - q)).max() if ordered else 0.5 * np.abs(p - q).sum())


@pytest.mark.parametrize("group", range(GROUPS))
def test_correlations_are_scipys(group: int) -> None:
    splits, (one, has_one), (two, has_two) = _splits(3), _values(4), _values(5)
    matrices = [sparse.csr_matrix(x) for x in (one * has_one, two * has_two, has_one, has_two)]
    sample, floor = compare_correlations(splits, *matrices)
    both = (has_one * has_two)[:, group] > 0
    r = [stats.pearsonr(one[side & both, group], two[side & both, group]).statistic for side in _sides(splits)]
    assert sample[0, group] == pytest.approx(abs(r[0] - r[1]) / 2)
    assert floor[0, group] == pytest.approx(abs(r[0] - r[2]) / 2)


@pytest.mark.parametrize("ordered", [True, False])
def test_distributions_are_those_of_their_definition(ordered: bool) -> None:
    rng = np.random.default_rng(6)
    splits, subject = _splits(7), rng.integers(0, N, 2000)
    group, code = rng.integers(-1, GROUPS, 2000), rng.integers(-1, 5, 2000)
    sample, _ = compare_distributions(splits, subject, group, code, GROUPS, 5, ordered=ordered)
    for g in range(GROUPS):
        rows = (group == g) & (code >= 0)
        one, two = (code[rows & side[subject]] for side in _sides(splits)[:2])
        p, q = (np.bincount(x, minlength=5) / len(x) for x in (one, two))
        expected = stats.ks_2samp(one, two).statistic if ordered else 0.5 * np.abs(p - q).sum()
        assert sample[0, g] == pytest.approx(expected)


def test_what_few_real_subjects_have_a_sample_may_lack() -> None:
    """With 30 sampled subjects, what a tenth have is lacked by chance (0.04), and what a half have is not (1e-9)."""
    splits, (values, _) = _splits(8), _values(9)
    rare, usual = np.zeros((N, 1)), np.zeros((N, 1))
    for side in (splits.reference[0], splits.floor[0]):
        rare[np.flatnonzero(side)[:3]], usual[np.flatnonzero(side)[:15]] = 1.0, 1.0
    having = np.concatenate([rare, usual], axis=1)
    lacking = lacks_by_chance(splits, sparse.csr_matrix(having))
    assert lacking.tolist() == [[True, False]]
    assert 0.9**30 > 1e-4 > 0.5**30
    rows = 4.0 * having  # four rows of each who has any, so that there are enough to compare
    sample, floor = compare_means(splits, sparse.csr_matrix(values[:, :2] * rows), sparse.csr_matrix(rows))
    assert np.isnan(sample[0, 0]) and sample[0, 1] == 1.0 and np.isfinite(floor).all()


def test_nothing_in_the_sample_is_as_far_as_can_be_and_too_few_real_ones_tell_nothing() -> None:
    splits, (values, _) = _splits(8), _values(9)
    has = np.ones((N, GROUPS))
    has[splits.sample[0], 0] = 0.0
    has[np.flatnonzero(splits.reference[0])[7:], 1] = 0.0
    sample, floor = compare_means(splits, sparse.csr_matrix(values * has), sparse.csr_matrix(has))
    assert sample[0, 0] == 1.0 and np.isfinite(floor[0, 0])
    assert np.isnan(sample[0, 1]) and np.isnan(floor[0, 1])
    nobody = within(splits, ~splits.sample[0])
    assert (compare_shares(nobody, sparse.csr_matrix(np.ones((N, 1))))[0] == 1.0).all()


@settings(max_examples=30)
@given(st.integers(0, 10_000))
def test_distances_stay_in_their_range_and_are_nothing_from_oneself(seed: int) -> None:
    splits, (values, has) = _splits(seed), _values(seed + 1)
    total, present = sparse.csr_matrix(values * has), sparse.csr_matrix(has)
    other, _ = _values(seed + 2)
    same = Splits(splits.reference, splits.floor, splits.reference)
    for some in (splits, same):
        for both in (
            compare_means(some, total, present),
            compare_spreads(some, total, present),
            compare_shares(some, present),
            compare_deviations(some, total, present),
            compare_means(some, total, present, np.arange(N) % 10 > 0),
            compare_correlations(some, total, sparse.csr_matrix(other * has), present, present),
        ):
            assert all(((side >= 0) & (side <= 1)).all() for side in both)
            assert some is splits or np.allclose(both[0], 0.0)


@pytest.mark.parametrize(("n_sampled", "told"), [(16, False), (70, True)])
def test_a_sample_may_be_alike_where_as_many_real_subjects_might(n_sampled: int, told: bool) -> None:
    """A fifth of 40 real subjects answer 1: 0.8**16 = 0.028 of samples of 16 answer 0 throughout, 0.8**70 = 1.6e-7 of 70."""
    rng = np.random.default_rng(5)
    n = 40 + n_sampled
    answers = np.append(np.arange(40) % 5 == 0, np.zeros(n_sampled)).astype(float)
    masks = np.zeros((3, 8, n), bool)
    for i in range(8):
        order = rng.permutation(40)
        masks[0, i, order[:20]], masks[1, i, order[20:]] = True, True
        masks[2, i, 40 + rng.permutation(n_sampled)[: n_sampled // 2]] = True
    values, present = sparse.csr_matrix(answers[:, None]), sparse.csr_matrix(np.ones((n, 1)))
    sample, floor = compare_deviations(Splits(*masks), values, present)
    assert np.isfinite(sample).any() == np.isfinite(floor).any() == told
    if told:
        assert np.nanmax(sample) == 1.0


def test_no_groups_have_no_deviations() -> None:
    nothing = sparse.csr_matrix((N, 0))
    assert [one.shape for one in compare_deviations(_splits(1), nothing, nothing)] == [(1, 0), (1, 0)]

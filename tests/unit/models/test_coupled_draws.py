"""Categories that rows of one group share: the distributions of a table, and planted correlations that are found again."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from replicator.models.backoff import BackoffTable
from replicator.models.coupled_draws import draw_coupled, draw_pairs, group_chances, pair_correlation

N = 1000
SUBJECT = np.repeat(np.arange(N), 8)


def table(levels: int, seed: int) -> tuple[BackoffTable, list[NDArray[np.int64]]]:
    """A category given two others, of which some combinations are rare."""
    rng = np.random.default_rng(seed)
    conditions = [rng.integers(0, 3, len(SUBJECT)), rng.integers(0, 40, len(SUBJECT))]
    target = (rng.integers(-1, levels, len(SUBJECT)) + conditions[0]) // 2
    return BackoffTable.fit(target, conditions, SUBJECT, k=5), conditions


@settings(max_examples=20)
@given(levels=st.integers(1, 6), seed=st.integers(0, 1000))
def test_chances_are_those_of_the_draws(levels: int, seed: int) -> None:
    """They sum to one, and draws, 8000 of each of four rows, have the same shares within five standard errors."""
    model, conditions = table(levels, seed)
    some = [np.repeat(codes[:4], 8000) for codes in conditions]
    row, chance, target = model.chances(some)
    assert chance.sum(axis=1) == pytest.approx(1.0)
    drawn = model.sample(some, np.random.default_rng(seed))
    for one in range(4):
        mine = slice(8000 * one, 8000 * (one + 1))
        share = np.array([(drawn[mine] == code).mean() for code in target])
        expected = chance[row[8000 * one]]
        assert (np.abs(share - expected) <= 5.0 * np.sqrt(expected * (1 - expected) / 8000) + 1e-9).all()


@pytest.mark.parametrize("planted", [0.0, 0.5, 0.9, 1.0])
def test_a_planted_correlation_is_found(planted: float) -> None:
    """Rows of a subject share a part of the number that decides; how large it is comes out within 0.1."""
    rng = np.random.default_rng(7)
    kind = rng.integers(0, 2, len(SUBJECT))
    chance = group_chances([SUBJECT], [planted], len(SUBJECT), rng)
    target = np.where(kind == 0, np.digitize(chance, [0.3, 0.7]), np.digitize(chance, [0.6])).astype(np.int64)
    model = BackoffTable.fit(target, [kind], SUBJECT, k=5)
    found = pair_correlation(model, target, [kind], draw_pairs(SUBJECT, rng), SUBJECT, 5)
    assert found == pytest.approx(planted, abs=0.1)
    assert (found == 0.0) == (planted == 0.0)
    again = draw_coupled(model, [kind], group_chances([SUBJECT], [found], len(SUBJECT), rng))
    one, two = draw_pairs(SUBJECT, rng)
    assert (again[one] == again[two]).mean() == pytest.approx((target[one] == target[two]).mean(), abs=0.03)
    assert np.bincount(again[kind == 0]) / (kind == 0).sum() == pytest.approx([0.3, 0.4, 0.3], abs=0.06)


def test_few_subjects_share_nothing() -> None:
    """Pairs of fewer than k subjects say nothing, however alike they are."""
    subject = np.repeat(np.arange(40), 20)
    target = subject % 2
    model = BackoffTable.fit(target, [], subject, k=1)
    assert pair_correlation(model, target, [], draw_pairs(subject, np.random.default_rng(1)), subject, 41) == 0.0
    assert pair_correlation(model, target, [], draw_pairs(subject, np.random.default_rng(1)), subject, 40) > 0.99

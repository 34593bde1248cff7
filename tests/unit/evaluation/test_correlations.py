from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr

from replicator.evaluation.correlations import MOST_PAIRS, choose_pairs, origin_ranks
from replicator.evaluation.group_distances import pearson


def test_ranks_within_a_study_give_spearmans_correlation() -> None:
    rng = np.random.default_rng(1)
    values = np.round(rng.normal(size=(80, 2)) @ np.array([[1.0, 0.6], [0.0, 0.8]]), 1)
    values[60:] = 1000.0 - values[60:] * 7.0
    origin = np.repeat(np.array([0, 1], np.int8), [60, 20])
    ranks = origin_ranks(values, origin)
    for one in (0, 1):
        a, b = ranks[origin == one].T
        n = np.array(float(len(a)))
        found = pearson(n, a.sum(), b.sum(), (a * a).sum(), (b * b).sum(), (a * b).sum())
        assert float(found) == pytest.approx(spearmanr(*values[origin == one].T).statistic)


def test_missing_values_have_no_rank() -> None:
    values = np.array([[3.0], [np.nan], [1.0], [3.0]])
    ranks = origin_ranks(values, np.zeros(4, np.int8))
    assert np.isnan(ranks[1, 0]) and ranks[0, 0] == ranks[3, 0] > ranks[2, 0]


def test_every_two_datasets_have_an_equal_share_of_the_pairs() -> None:
    rng = np.random.default_rng(2)
    group = np.repeat([10, 20, 30], [20_000, 5_000, 40])
    certainty = rng.random(len(group))
    levels = np.zeros(len(group), bool)
    chosen = choose_pairs(group, certainty, levels, np.random.default_rng(3))
    share = MOST_PAIRS // 3
    assert np.bincount(group[chosen], minlength=31)[[10, 20, 30]].tolist() == [share, share, 40]
    surest = np.argsort(-certainty[:20_000])[: share // 2]
    assert np.isin(surest, chosen).all()
    assert len(np.unique(chosen)) == len(chosen)
    assert np.array_equal(chosen, choose_pairs(group, certainty, levels, np.random.default_rng(3)))
    assert not np.array_equal(chosen, choose_pairs(group, certainty, levels, np.random.default_rng(4)))
    assert len(choose_pairs(np.empty(0, np.int64), np.empty(0), np.empty(0, bool), rng)) == 0


def test_the_surest_levels_are_looked_at_however_sure_counts_are() -> None:
    rng = np.random.default_rng(5)
    group = np.repeat([10, 20], 8_000)
    levels = rng.random(len(group)) < 0.1
    certainty = rng.random(len(group)) + np.where(levels, 0.0, 1.0)
    chosen = choose_pairs(group, certainty, levels, np.random.default_rng(3))
    share = MOST_PAIRS // 2
    for one in (10, 20):
        at = np.flatnonzero((group == one) & levels)
        assert np.isin(at[np.argsort(-certainty[at])[: share // 4]], chosen).all()
        others = np.flatnonzero((group == one) & ~levels)
        assert np.isin(others[np.argsort(-certainty[others])[: share // 2 - share // 4]], chosen).all()
        assert (group[chosen] == one).sum() == share

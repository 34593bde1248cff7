"""Levels told in coordinates vary together as those of the source, however much correlations between features shrink."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ndtri

from replicator.models.copula import normal_scores
from replicator.models.marginals import QuantileMarginal
from replicator.study_model.findings.coordinates import Coordinates


def _items(n: int, m: int, seed: int = 1) -> np.ndarray:
    """Normal scores (n, m) of items that share a factor, loading 0.7."""
    rng = np.random.default_rng(seed)
    latent = 0.7 * rng.standard_normal((n, 1)) + np.sqrt(0.51) * rng.standard_normal((n, m))
    return np.stack([normal_scores(column) for column in latent.T], axis=1)


def test_a_sum_of_levels_keeps_its_spread() -> None:
    """Levels made of independent coordinates of unit variance have the source's correlation, and so has their sum its variance."""
    level = _items(400, 12)
    found, scores = Coordinates.fit(level, [(np.arange(12), 0)])
    assert scores.std(axis=0) == pytest.approx(np.ones(12))
    assert np.abs(np.corrcoef(scores.T) - np.eye(12)).mean() < 1 / np.sqrt(400)
    drawn = found.levels(np.random.default_rng(2).standard_normal((20000, 12)), np.random.default_rng(3))
    assert drawn.std(axis=0) == pytest.approx(np.ones(12), abs=0.03)
    assert drawn.sum(axis=1).std() == pytest.approx(level.sum(axis=1).std(), rel=0.03)


def test_own_coordinates_give_the_levels_back() -> None:
    """Of a subject with all levels, the coordinates lose nothing."""
    level = _items(300, 6)
    found, scores = Coordinates.fit(level, [(np.arange(6), 0)])
    back = found.levels(scores, np.random.default_rng(3))
    assert all(np.corrcoef(back[:, j], level[:, j])[0, 1] > 0.995 for j in range(6))


def test_idle_directions_are_left_out() -> None:
    """Of three measurements, one of them the sum of the others but for rounding, two coordinates remain."""
    rng = np.random.default_rng(3)
    one, two = rng.standard_normal((2, 500))
    level = np.stack([one, two, (one + two) / np.sqrt(2) + 0.02 * rng.standard_normal(500)], axis=1)
    found, scores = Coordinates.fit(level, [(np.arange(3), 1)])
    assert scores.shape == (500, 2)
    back = found.levels(scores, np.random.default_rng(3))
    assert np.std(back - level / level.std(axis=0), axis=0).max() < 0.03


def test_missing_levels_are_made_up_from_the_others() -> None:
    """A subject without some of the levels has coordinates; one without any has none; a test that half have stays out."""
    level = _items(300, 6)
    level[:20, 0] = np.nan
    level[0] = np.nan
    level[::2, 5] = np.nan
    found, scores = Coordinates.fit(level, [(np.arange(6), 0)])
    assert found.columns.tolist() == [0, 1, 2, 3, 4]
    assert np.isnan(scores[0]).all()
    assert np.isfinite(scores[1:]).all()


def test_few_subjects_keep_their_own_levels() -> None:
    """With fewer subjects than twice the items, no correlation of the items is taken together."""
    found, scores = Coordinates.fit(_items(11, 6), [(np.arange(6), 0)])
    assert not len(found.columns)
    assert scores.shape == (11, 0)


def test_answers_that_nearly_all_give_do_not_bend_the_coordinates() -> None:
    """Ten items tell of a factor, twenty are answered alike by all but three of a hundred: the first coordinate is the factor."""
    rng = np.random.default_rng(7)
    factor = rng.standard_normal((150, 1))
    telling = np.round(0.7 * factor + np.sqrt(0.51) * rng.standard_normal((150, 10)))
    silent = (rng.standard_normal((150, 20)) > 1.9).astype(float)
    level = np.stack([normal_scores(one) for one in np.concatenate([telling, silent], axis=1).T], axis=1)
    found, scores = Coordinates.fit(level, [(np.arange(30), 0)])
    assert abs(np.corrcoef(scores[:, 0], factor[:, 0])[0, 1]) > 0.85
    back = found.levels(np.random.default_rng(2).standard_normal((20000, scores.shape[1])), np.random.default_rng(3))
    correlation = np.atleast_2d(np.corrcoef(back[:, :10].T))
    assert correlation[np.triu_indices(10, 1)].mean() == pytest.approx(0.49, abs=0.1)


def test_items_that_few_have_are_not_glued_together() -> None:
    """Twelve independent items that 1 to 20 of a hundred have: a sum over 4, as good as never planted, is drawn as seldom."""
    rng = np.random.default_rng(8)
    share = np.array([0.01, 0.015, 0.02, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.1, 0.15, 0.2])
    present = rng.random((2000, 12)) < share
    present = present[present.sum(axis=1) <= 4][:254]
    level = np.stack([normal_scores(one.astype(float)) for one in present.T], axis=1)
    found, scores = Coordinates.fit(level, [(np.arange(12), 0)])
    back = found.levels(np.random.default_rng(2).standard_normal((20000, scores.shape[1])), np.random.default_rng(3))
    drawn = back > ndtri(1 - present.mean(axis=0))
    assert (drawn.sum(axis=1) > 4).mean() < 0.004
    together = drawn.T.astype(float) @ drawn / len(drawn)
    alone = np.outer(drawn.mean(axis=0), drawn.mean(axis=0))
    upper = np.triu_indices(12, 1)
    assert np.abs(together - alone)[upper].max() < 0.01
    assert together[upper].sum() == pytest.approx(alone[upper].sum(), rel=0.15)


def test_rare_answers_are_drawn_as_often_as_they_are_given() -> None:
    """Coordinates come from smoothed distributions; levels made of them exceed an answer's threshold as often as subjects did."""
    rng = np.random.default_rng(9)
    present = rng.random((254, 12)) < np.array([0.01, 0.03, 0.03, 0.03, 0.04, 0.05, 0.06, 0.08, 0.1, 0.12, 0.15, 0.22])
    present[:3, 0] = True
    level = np.stack([normal_scores(one.astype(float)) for one in present.T], axis=1)
    found, scores = Coordinates.fit(level, [(np.arange(12), 0)], 5)
    drawn = np.stack([QuantileMarginal.fit(of, k=5).quantile(rng.random(20000)) for of in scores.T], axis=1)
    often = (found.levels(drawn, rng) > ndtri(1 - present.mean(axis=0))).mean(axis=0)
    np.testing.assert_allclose(often, present.mean(axis=0), atol=0.006)

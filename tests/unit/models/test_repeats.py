"""Repeated results: planted chances come back, correlation alone makes none, and nothing else changes."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from replicator.models.persistence import Course, Occasions
from replicator.models.repeats import Neighbours, fit_repeats, repeat_residuals

SUBJECTS, VISITS = 400, 6
CUTS = np.array([-0.8, 0.3, 1.2])
SHARE = np.array([[0.2119, 0.4060, 0.2670, 0.1151]])  # of a standard normal between -0.8, 0.3 and 1.2 (tables of the normal)


def occasions(visits: int = VISITS) -> Occasions:
    """Monthly visits."""
    return Occasions(np.repeat(np.arange(SUBJECTS), visits), np.tile(30.0 * np.arange(visits), SUBJECTS))


def levels(chance: float, between: float, seed: int, visits: int = VISITS) -> np.ndarray:
    """Levels (n_occasions,) of subjects whose residual is the one before with a chance."""
    rng = np.random.default_rng(seed)
    fresh = rng.standard_normal((SUBJECTS, visits))
    for v in range(1, visits):
        fresh[:, v] = np.where(rng.random(SUBJECTS) < chance, fresh[:, v - 1], fresh[:, v])
    latent = np.sqrt(between) * rng.standard_normal((SUBJECTS, 1)) + np.sqrt(1 - between) * fresh
    found: np.ndarray = np.searchsorted(CUTS, latent.ravel())
    return found


def found(level: np.ndarray, between: float, lasting: float = 0.0, visits: int = VISITS) -> float:
    """The fitted chance."""
    n, none = len(level), np.zeros(len(level), np.intp)
    return chance_of(Neighbours.of(level, none, np.arange(n), none, none, occasions(visits)), between, lasting, visits)


def chance_of(pairs: Neighbours, between: float, lasting: float = 0.0, visits: int = VISITS) -> float:
    """The chance fitted to pairs."""
    counts = np.zeros((visits + 1, 1), np.intp)
    counts[visits] = SUBJECTS
    course = Course.of(counts, np.zeros(1, bool))
    within, flat = np.array([1 - between]), np.zeros((1, 1, 1))
    return float(fit_repeats(pairs, SHARE, flat, np.ones(1), np.array([lasting]), within, np.ones(1, bool), course)[0])


@pytest.mark.parametrize("chance", [0.25, 0.5])
def test_a_planted_chance_comes_back(chance: float) -> None:
    """Of subjects seen often, whose level is told apart from what they repeat."""
    visits = 14
    level = levels(chance, 0.3, 1, visits)
    # what moments call the subject's own holds a part of the repeats: the mean of all correlations of two visits
    lags = np.arange(1, visits)
    between = 0.3 + 0.7 * float((chance**lags * (visits - lags)).sum() / (visits - lags).sum())
    assert found(level, between, visits=visits) == pytest.approx(chance, abs=0.06)


@pytest.mark.parametrize("between", [0.0, 0.4, 0.8])
def test_correlation_alone_makes_no_repeats(between: float) -> None:
    """Levels that are equal because subjects differ are not repeats: in twenty tests next to nothing is left of them."""
    chances = [found(levels(0.0, between, seed), between) for seed in range(2, 22)]
    assert np.mean(chances) < 0.015
    assert max(chances) < 0.08


def test_repeats_too_few_to_be_clear_in_one_test_are_there_in_many() -> None:
    """A tenth of the answers is repeated: that is some two standard errors in each of twenty tests, and no accident in all."""
    planted = [found(levels(0.1, 0.3, seed, 3), 0.3 + 0.7 * (2 * 0.1 + 0.01) / 3, visits=3) for seed in range(30, 50)]
    none = [found(levels(0.0, 0.3, seed, 3), 0.3, visits=3) for seed in range(30, 50)]
    assert np.mean(planted) > 3 * np.mean(none)
    assert 0.03 < np.mean(planted) < 0.1


def test_pairs_of_a_level_follow_the_bivariate_normal() -> None:
    """Fitted to exactly the share of equal pairs that scipy's distribution function gives, the chance is 0; to more, more."""
    level = levels(0.0, 0.6, 3)
    cut = np.concatenate([[-8.0], CUTS, [8.0]])
    normal = multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]])

    def box(a: float, b: float) -> float:
        return float(normal.cdf([b, b]) - 2 * normal.cdf([a, b]) + normal.cdf([a, a]))

    alike = sum(box(a, b) for a, b in pairwise(cut))
    table = level.reshape(SUBJECTS, VISITS)
    assert (table[:, 1:] == table[:, :-1]).mean() == pytest.approx(alike, abs=0.03)
    none = np.zeros(len(level), np.intp)
    pairs = Neighbours.of(level, none, np.arange(len(level)), none, none, occasions())
    exact = replace(pairs, equal=np.arange(len(pairs.equal)) < round(alike * len(pairs.equal)))
    assert chance_of(exact, 0.6) == 0.0
    assert found(level, 0.2) > 0.2


def test_residuals_repeat_what_was_seen_before_and_stay_correlated() -> None:
    """The first value of a subject is its own, what was not seen is skipped, series repeat together."""
    rng = np.random.default_rng(4)
    when = occasions()
    noise = rng.standard_normal((len(when.subject), 3))
    noise[:, 1] = noise[:, 0]
    seen = np.ones(noise.shape, bool)
    seen[when.rank == 2, 0] = False
    chance = np.array([0.6, 0.6, 0.0])
    out = repeat_residuals(noise, seen, chance, rng.random(len(noise)), when)
    table = [out[:, j].reshape(SUBJECTS, VISITS) for j in range(3)]
    source = [noise[:, j].reshape(SUBJECTS, VISITS) for j in range(3)]
    assert (table[2] == source[2]).all()
    assert all((one[:, 0] == other[:, 0]).all() for one, other in zip(table, source, strict=True))
    assert (table[1][:, 1:] == table[1][:, :-1]).mean() == pytest.approx(0.6, abs=0.04)
    assert (table[0][:, 3] == table[0][:, 1]).mean() == pytest.approx(0.6, abs=0.08)
    assert np.corrcoef(table[0][:, 5], table[1][:, 5])[0, 1] > 0.7
    assert out[:, 1].std() == pytest.approx(1, abs=0.06)


def test_a_series_without_pairs_repeats_nothing() -> None:
    """One value a subject."""
    level = levels(0.0, 0.0, 5, 1)
    assert found(level, 0.0, visits=1) == 0.0

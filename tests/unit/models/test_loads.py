"""How many kinds a subject has goes with how many its facts let expect."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from replicator.models.loads import expected_number, fit_tie, pair_by_load


def _logits(n: int, seed: int) -> np.ndarray:
    """A fifth of the subjects are to expect four of eight kinds nearly surely, the others hardly any."""
    rng = np.random.default_rng(seed)
    sick = rng.random(n) < 0.2
    logit = np.full((n, 8), -2.5)
    logit[sick, :4] = 2.5
    return logit


def test_sizes_go_with_loads_as_in_the_source() -> None:
    """Planted: sizes are counts of independent kinds. Shuffled and paired anew, they correlate with the load again (0.05)."""
    rng = np.random.default_rng(1)
    logit, copies, group = _logits(4000, 2), np.ones(8, np.int32), np.arange(4000) % 2
    size = (rng.random(logit.shape) < 1 / (1 + np.exp(-logit))).sum(axis=1)
    tie = fit_tie(size, expected_number(logit, copies), group)
    assert 0.5 < tie < 0.8
    shuffled = rng.permutation(size)
    place = pair_by_load(shuffled, logit, copies, group, tie, rng)
    assert fit_tie(shuffled[place], expected_number(logit, copies), group) == pytest.approx(tie, abs=0.05)
    sick = logit[:, 0] > 0
    assert shuffled[place][sick].mean() == pytest.approx(size[sick].mean(), abs=0.35)


def test_where_there_is_no_tie_nobody_moves() -> None:
    """No tie in the source, or one that the draw has already."""
    rng = np.random.default_rng(3)
    logit, copies, group = _logits(300, 4), np.ones(8, np.int32), np.zeros(300, np.int64)
    size = rng.integers(0, 5, 300)
    assert fit_tie(size, expected_number(logit, copies), group) < 0.2
    assert pair_by_load(size, logit, copies, group, 0.0, rng).tolist() == list(range(300))
    sick = (logit[:, 0] > 0).astype(np.int64)
    assert pair_by_load(5 * sick + size, logit, copies, group, 0.3, rng).tolist() == list(range(300))


def test_a_tie_of_few_subjects_is_drawn_to_nothing() -> None:
    """Normal scores of the ranks of seven subjects, two of whom have the same load; 1 - 1/z^2 of their correlation is believed."""
    size = np.arange(7)
    load = np.array([1.0, 0.0, 3.0, 1.0, 5.0, 6.0, 4.0])
    score = norm.ppf((np.arange(7) + 0.5) / 7)
    tied = np.array([(score[1] + score[2]) / 2, score[0], score[3], (score[1] + score[2]) / 2, score[5], score[6], score[4]])
    r = np.corrcoef(score, tied)[0, 1]
    z = np.arctanh(r) * np.sqrt(7 - 3)
    assert fit_tie(size, load, np.zeros(7, np.int64)) == pytest.approx(r * (1 - 1 / z**2))
    assert fit_tie(size, -load, np.zeros(7, np.int64)) == 0.0


@settings(max_examples=40)
@given(st.integers(1, 60), st.integers(0, 2**32 - 1), st.floats(0.05, 0.95))
def test_places_are_changed_within_groups_alone(n: int, seed: int, tie: float) -> None:
    """Each takes the values of one subject of its own group, and each subject's values are taken once."""
    rng = np.random.default_rng(seed)
    group = rng.integers(-1, 3, n)
    logit = rng.normal(size=(n, 5))
    place = pair_by_load(rng.integers(0, 6, n), logit, np.array([1, 1, 1, 1, 4], np.int32), group, tie, rng)
    assert sorted(place.tolist()) == list(range(n))
    assert (group[place] == group).all()

"""Draws that come evenly."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replicator.models.even_draws import draw_evenly


@settings(max_examples=60)
@given(share=st.floats(0.001, 0.1), spread=st.floats(0.0, 0.9), seed=st.integers(0, 10_000))
def test_of_any_first_subjects_as_many_as_their_chances_add_up_to(share: float, spread: float, seed: int) -> None:
    """Within one, for every number of first subjects, whatever the chances are."""
    chance = share * (1 + spread * np.sin(np.arange(1500) ** 2))
    drawn = draw_evenly(chance, 0.0, np.random.default_rng(seed))
    assert np.abs(np.cumsum(drawn) - np.cumsum(chance)).max() <= 1 + 1e-9


@settings(max_examples=40)
@given(share=st.floats(0.001, 0.1), part=st.integers(100, 700), seed=st.integers(0, 10_000))
def test_parts_of_a_sequence_are_those_of_the_whole(share: float, part: int, seed: int) -> None:
    """Drawn in parts, each with a fresh generator of the same stream, the sequence is the same but for those next to a cut."""
    chance = np.full(2000, share)
    parts = [draw_evenly(chance[i : i + part], share * i, np.random.default_rng(seed)) for i in range(0, len(chance), part)]
    drawn = np.concatenate(parts)
    whole = draw_evenly(chance, 0.0, np.random.default_rng(seed))
    far = np.arange(2000) % part > 1
    assert (drawn == whole)[far].all()
    assert np.abs(np.cumsum(drawn) - np.cumsum(chance)).max() <= 2


def test_everybody_has_its_own_chance() -> None:
    """Over 40,000 sequences each of 60 subjects has the state as often as its probability says; standard error 0.0014 at most."""
    chance = np.tile([0.02, 0.09, 0.0], 20)
    rng = np.random.default_rng(5)
    often = np.mean([draw_evenly(chance, 0.0, rng) for _ in range(40_000)], axis=0)
    assert often == pytest.approx(chance, abs=0.0065)
    assert often[chance == 0].max() < 0.0025  # who comes after a subject in whom two units meet


def test_who_has_the_state_does_not_come_at_regular_distances() -> None:
    """Distances between them scatter as those of one uniform point in each unit do: variance 1/6 of the mean's square."""
    place = np.flatnonzero(draw_evenly(np.full(200_000, 0.01), 0.0, np.random.default_rng(2)))
    assert np.diff(place).mean() == pytest.approx(100, rel=0.01)
    assert np.diff(place).std() == pytest.approx(100 / 6**0.5, rel=0.05)

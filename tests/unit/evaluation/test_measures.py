"""Summing up: ratios, intervals where the floor is next to nothing, entries beyond chance, and all families in one figure."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from replicator.evaluation.measures import FEW, LEAST, Distances, Family, overall, summarise
from replicator.evaluation.verdict import Grade, judge_family

N_SPLITS = 8


def _family(sample: np.ndarray, floor: np.ndarray, highest: float = 1.0) -> Family:
    names = tuple(f"entry {i}" for i in range(sample.shape[1]))
    return summarise("made", "?", Distances(names, sample, floor), highest=highest)


def _chance(seed: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    draws = np.abs(rng.normal(0.0, 0.05, (2, N_SPLITS, n)))
    return draws[0], draws[1]


def test_the_ratio_is_that_of_the_means() -> None:
    family = _family(np.full((N_SPLITS, 3), 0.3), np.full((N_SPLITS, 3), 0.1))
    assert family.ratio == pytest.approx((0.3 + LEAST) / (0.1 + LEAST))
    assert (family.interval.low, family.interval.high) == pytest.approx((family.ratio, family.ratio))
    assert (family.sample, family.floor, family.n_entries) == pytest.approx((0.3, 0.1, 3))


def test_a_floor_of_nothing_in_some_splits_leaves_the_interval_finite() -> None:
    floor = np.tile(np.array([0.0, 0.02] * 4)[:, None], (1, 5))
    family = _family(np.full((N_SPLITS, 5), 0.012), floor)
    assert 0.8 < family.ratio < 1.5
    assert family.ratio / 10 < family.interval.low < family.ratio < family.interval.high < 10 * family.ratio


def test_nothing_against_nothing_is_one() -> None:
    none = np.zeros((N_SPLITS, 4))
    family = _family(none, none)
    assert (family.ratio, family.interval.low, family.interval.high, family.n_certain) == (1.0, 1.0, 1.0, 0)
    assert not family.offenders


@pytest.mark.parametrize("seed", range(20))
def test_chance_is_not_certain(seed: int) -> None:
    family = _family(*_chance(seed, 1000))
    assert family.n_certain == 0
    assert judge_family(family).grade is Grade.FINE


def test_one_entry_among_a_thousand_is_found_by_name() -> None:
    sample, floor = _chance(3, 1000)
    sample[:, 417] += 0.5
    family = _family(sample, floor)
    assert family.ratio < 1.1
    assert (family.n_certain, family.offenders[0].name) == (1, "entry 417")
    assert family.offenders[0].certain and not any(one.certain for one in family.offenders[1:])
    assert family.offenders[0].excess == pytest.approx(family.offenders[0].sample - family.offenders[0].floor)
    judged = judge_family(family)
    assert judged.grade is Grade.FINDING and "1 of 1,000" in judged.reason


def test_a_certain_entry_that_is_small_is_noticeable() -> None:
    sample, floor = _chance(3, 1000)
    sample[:, 417] = 0.15 + floor[:, 417]
    assert judge_family(_family(sample, floor)).grade is Grade.NOTICEABLE


def test_what_is_certain_stands_before_what_is_noisy() -> None:
    sample, floor = _chance(5, 200)
    sample[:, 7] += 0.3
    sample[:, 8] = np.where(np.arange(N_SPLITS) % 4 == 0, 1.0, 0.15)  # far in some splits, and nowhere in others
    sample[:, 8] += 0.1
    floor[:, 8] = np.where(np.arange(N_SPLITS) % 4 == 1, 0.9, 0.0)
    names = [one.name for one in _family(sample, floor).offenders]
    assert names[:1] == ["entry 7"]


@pytest.mark.parametrize(("n_told", "n_certain"), [(3, 0), (7, 0), (8, 1)])
def test_an_entry_that_a_split_cannot_tell_is_never_certain(n_told: int, n_certain: int) -> None:
    sample, floor = _chance(6, 50)
    sample[:, 3] = np.where(np.arange(N_SPLITS) < n_told, 0.9, np.nan)
    assert _family(sample, floor).n_certain == n_certain


@given(arrays(float, (2, N_SPLITS, 6), elements=st.floats(0.0, 1.0)), st.floats(0.01, 100.0))
@settings(max_examples=60)
def test_a_family_does_not_hang_on_the_unit_of_its_distance(draws: np.ndarray, unit: float) -> None:
    one, other = _family(*draws), _family(*(draws * unit), highest=unit)
    assert one.ratio == pytest.approx(other.ratio)
    assert one.interval.low <= one.ratio <= one.interval.high
    assert one.interval.high == pytest.approx(other.interval.high)


def test_the_overall_figure_weighs_families_by_their_entries() -> None:
    many = _family(np.full((N_SPLITS, 90), 0.2), np.full((N_SPLITS, 90), 0.1))
    few = _family(np.full((N_SPLITS, 1), 0.1), np.full((N_SPLITS, 1), 0.1))
    empty = _family(np.empty((N_SPLITS, 0)), np.empty((N_SPLITS, 0)))
    found = overall([many, few, empty])
    weights = np.array([90 / (90 + FEW), 1 / (1 + FEW)])
    assert found.ratio == pytest.approx(np.exp(weights[0] * np.log(many.ratio) / weights.sum()))
    assert found.n_families == 2
    assert np.isnan(overall([empty]).ratio) and overall([]).n_families == 0


def test_the_overall_interval_is_as_wide_as_its_families_when_they_agree() -> None:
    family = _family(*_chance(9, 40))
    found = overall([family, family, family])
    assert (found.ratio, found.interval.low, found.interval.high) == pytest.approx(
        (family.ratio, family.interval.low, family.interval.high)
    )

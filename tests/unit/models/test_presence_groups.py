"""Kinds that depend on a fact together."""

from __future__ import annotations

import numpy as np
import pytest

from replicator.models.associations import (
    Groups,
    distinct_facts,
    find_associations,
    find_group_associations,
    no_associations,
)
from replicator.models.presence import Presence

N, OF_GROUP, OTHERS = 300, 24, 20


def _planted(with_fact: float, without: float, seed: int) -> tuple[np.ndarray, Groups]:
    """Rare kinds, of which those with the fact have one by some chance; twenty others that depend on nothing."""
    rng = np.random.default_rng(seed)
    holds = np.arange(N) < 75
    count = np.zeros((N, OF_GROUP + OTHERS), np.int64)
    has = np.flatnonzero(rng.random(N) < np.where(holds, with_fact, without))
    count[has, rng.integers(0, OF_GROUP, len(has))] = 1
    count[:, OF_GROUP:] = rng.random((N, OTHERS)) < 0.15
    member = np.zeros((1, OF_GROUP + OTHERS), bool)
    member[0, :OF_GROUP] = True
    return count, Groups(member, holds[:, None])


def _fit(count: np.ndarray, groups: Groups | None) -> Presence:
    n_kinds = count.shape[1]
    return Presence.fit(count, np.zeros(N, int), 1, np.zeros(n_kinds, int), np.ones(n_kinds, int), groups=groups)


def test_a_group_is_found_where_its_kinds_are_too_rare() -> None:
    """Planted: 0.55 with the fact and 0.05 without, over kinds of about two subjects each: one shift for all comes back."""
    count, groups = _planted(0.55, 0.05, 1)
    copies = np.ones(count.shape[1], np.int32)
    probability = np.tile(count.mean(axis=0), (N, 1))
    alone = find_associations(
        count.astype(float), probability, copies, groups.holds, np.ones(len(copies), bool), no_associations(), 5
    )
    assert (alone.kind_of < OF_GROUP).sum() <= 1
    model = _fit(count, groups)
    assert model.shift_kind.tolist() == list(range(OF_GROUP))
    assert len(set(model.shift.tolist())) == 1
    who, kind, _ = model.sample(count.sum(axis=1), np.zeros(N, int), np.random.default_rng(2), facts=groups.holds)
    has = np.zeros(N, bool)
    has[who[kind < OF_GROUP]] = True
    with_fact = groups.holds[:, 0]
    for among in (with_fact, ~with_fact):
        assert has[among].mean() == pytest.approx(count[among, :OF_GROUP].any(axis=1).mean(), abs=0.15)
    assert np.bincount(kind, minlength=len(copies)).sum() == count.sum()


def test_a_group_that_depends_on_nothing_is_not_found() -> None:
    """The same kinds, as frequent with the fact as without, in twenty sources: none of them more than chance (0.1) lets expect."""
    found = sum(len(_fit(*_planted(0.17, 0.17, seed)).shift) > 0 for seed in range(20))
    assert found <= 3


def test_what_the_medicines_of_a_group_are_shunned_for_is_no_need() -> None:
    """Rarer with the fact than without: no group."""
    assert not len(_fit(*_planted(0.0, 0.4, 3)).shift)


@pytest.mark.parametrize(("people", "found"), [(4, 0), (5, 1)])
def test_as_many_as_k_subjects_are_behind_a_group(people: int, found: int) -> None:
    """Of those who have the fact, with any kind of the group; nobody else has one."""
    count = np.zeros((N, 6), np.int64)
    count[np.arange(people), np.arange(people) % 3] = 1
    count[:, 4] = 1
    holds = (np.arange(N) < 12)[:, None]
    groups = Groups(np.array([[True, True, True, False, False, False]]), holds)
    probability = np.tile(np.maximum(count.mean(axis=0), 1e-6), (N, 1))
    assert len(find_group_associations(count.astype(float), probability, np.ones(6, np.int32), groups, 5).fact) == found


def test_without_groups_nothing_is_tied() -> None:
    """No fact and no group: no shift, and nobody changes places."""
    count, _ = _planted(0.5, 0.1, 4)
    model = _fit(count, None)
    assert (len(model.shift), model.tie) == (0, 0.0)
    assert model.pair(count.sum(axis=1), np.zeros(N, np.int64), np.zeros((N, 0), bool), np.random.default_rng(0)).tolist() == list(
        range(N)
    )


def test_sizes_follow_what_conditions_let_expect() -> None:
    """Planted: each who has the fact has one kind more. Sizes drawn without regard to it are given to those who need them."""
    count, groups = _planted(0.95, 0.02, 5)
    model = _fit(count, groups)
    assert model.tie > 0.1
    size = np.random.default_rng(6).permutation(count.sum(axis=1))
    place = model.pair(size, np.zeros(N, np.int64), groups.holds, np.random.default_rng(7))
    with_fact = groups.holds[:, 0]
    seen, drawn, paired = (x[with_fact].mean() - x[~with_fact].mean() for x in (count.sum(axis=1), size, size[place]))
    assert abs(paired - seen) < 0.35
    assert seen - drawn > 0.5


def test_facts_that_nearly_coincide_are_one() -> None:
    """A text and its code that differ in two of forty subjects (phi 0.97): the wider one. An opposite and a narrower fact stay."""
    code = np.arange(200) < 40
    text = code & (np.arange(200) >= 2)
    narrow = np.arange(200) < 20
    facts = np.stack([text, code, ~code, narrow], axis=1)
    assert np.corrcoef(text, code)[0, 1] == pytest.approx(0.968, abs=0.001)
    assert distinct_facts(facts).tolist() == [1, 2, 3]
    assert distinct_facts(np.zeros((5, 0), bool)).tolist() == []


def test_a_fact_of_few_subjects_is_learned_where_all_of_them_have_the_kind() -> None:
    """Planted: five of 44 have a condition, all of them its medicine and nobody else; nine of ten come back so."""
    rng = np.random.default_rng(8)
    count = (rng.random((44, 8)) < 0.25).astype(np.int64)
    holds = np.arange(44) % 9 == 0
    count[:, 0] = holds
    groups = Groups(np.eye(1, 8, dtype=bool), holds[:, None])
    model = Presence.fit(count, np.arange(44) % 4, 4, np.zeros(8, int), np.ones(8, int), groups=groups)
    again = np.tile(np.arange(44), 50)
    who, kind, _ = model.sample(count.sum(axis=1)[again], again % 4, np.random.default_rng(9), facts=groups.holds[again])
    has = np.zeros(len(again), bool)
    has[who[kind == 0]] = True
    assert has[holds[again]].mean() > 0.8
    assert has[~holds[again]].mean() < 0.03


def test_groups_that_have_a_condition_less_often_have_its_kinds_less_often() -> None:
    """Planted: two of six arms have all with the condition and with its kind; no arm is given the kind without the condition."""
    rng = np.random.default_rng(10)
    arm = np.arange(60) % 6
    holds = (arm < 2) & (rng.random(60) < 0.8)
    count = (rng.random((60, 8)) < 0.3).astype(np.int64)
    count[:, 0] = holds
    model = Presence.fit(count, arm, 6, np.zeros(8, int), np.ones(8, int), groups=Groups(np.eye(1, 8, dtype=bool), holds[:, None]))
    assert model.shift_kind.tolist() == [0]
    again = np.tile(np.arange(60), 50)
    who, kind, _ = model.sample(count.sum(axis=1)[again], arm[again], np.random.default_rng(11), facts=holds[again, None])
    has = np.zeros(len(again), bool)
    has[who[kind == 0]] = True
    assert has[holds[again]].mean() > 0.85
    assert has[~holds[again]].mean() < 0.03

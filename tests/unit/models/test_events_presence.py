"""Which kinds of event a subject has, and how often they come again."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replicator.models.associations import find_associations, no_associations
from replicator.models.presence import Presence
from replicator.models.recurrence import Recurrence


def _planted(n: int, share: np.ndarray, seed: int) -> np.ndarray:
    return (np.random.default_rng(seed).random((n, share.shape[-1])) < share).astype(np.int64)


def test_incidence_by_group_comes_back() -> None:
    """Of 2,000 drawn subjects as many have each kind as of the source, group by group (4 standard errors)."""
    group = np.repeat([0, 1], 400)
    share = np.where(group[:, None] == 0, [0.5, 0.1, 0.3, 0.05], [0.2, 0.4, 0.3, 0.05])
    count = _planted(800, share, 1)
    model = Presence.fit(count, group, 2, np.zeros(4, int), np.ones(4, int))
    pick = np.random.default_rng(2).integers(0, 800, 8000)
    subject, kind, _ = model.sample(count.sum(axis=1)[pick], group[pick], np.random.default_rng(3))
    for g in (0, 1):
        drawn = np.bincount(kind[group[pick][subject] == g], minlength=4) / (group[pick] == g).sum()
        assert drawn == pytest.approx(count[group == g].mean(axis=0), abs=0.04)


@settings(max_examples=40)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=30), st.integers(0, 2**32 - 1))
def test_everybody_gets_the_number_asked_for(sizes: list[int], seed: int) -> None:
    """The number of different kinds is exact, up to all there are, and none comes twice."""
    rng = np.random.default_rng(seed)
    count = _planted(60, np.array([0.6, 0.3, 0.2, 0.1, 0.4]), seed % 97)
    copies = np.array([1, 1, 1, 1, 3])
    model = Presence.fit(count, np.zeros(60, int), 1, np.array([0, 0, 1, 1, 2]), copies)
    size = np.array(sizes, np.int64)
    subject, kind, copy = model.sample(size, np.zeros(len(size), np.int64), rng)
    assert np.bincount(subject, minlength=len(size)).tolist() == np.minimum(size, copies.sum()).tolist()
    assert len(np.unique(np.stack([subject, kind, copy]), axis=1).T) == len(subject)
    assert (copy < copies[kind]).all()


def test_kinds_of_a_block_come_together() -> None:
    """Planted: half of the subjects draw from one block, half from the other; a spread is found and kinds are drawn so."""
    rng = np.random.default_rng(5)
    side = rng.integers(0, 2, 600)
    share = np.where(side[:, None] == 0, [0.5] * 4 + [0.05] * 4, [0.05] * 4 + [0.5] * 4)
    count = _planted(600, share, 6)
    block = np.repeat([0, 1], 4)
    model = Presence.fit(count, np.zeros(600, int), 1, block, np.ones(8, int))
    subject, kind, _ = model.sample(count.sum(axis=1), np.zeros(600, np.int64), rng)
    drawn = np.zeros((600, 8))
    drawn[subject, kind] = 1
    both = [np.corrcoef(x[:, 0], x[:, 1])[0, 1] - np.corrcoef(x[:, 0], x[:, 5])[0, 1] for x in (count, drawn)]
    assert model.spread > 0.7
    assert both[1] > 0.4 * both[0] > 0


def test_what_is_decided_and_barred_holds() -> None:
    """Kinds decided beforehand are had, kinds barred are not, kinds that everybody has are had by everybody."""
    count = _planted(200, np.array([0.3, 0.3, 0.3]), 7)
    count = np.hstack([count, np.ones((200, 1), np.int64)])
    model = Presence.fit(count, np.zeros(200, int), 1, np.zeros(4, int), np.ones(4, int), [0])
    size = np.full(50, 2, np.int64)
    has = np.arange(50) % 2 == 0
    barred = np.zeros((50, 4), bool)
    barred[:, 1] = True
    subject, kind, _ = model.sample(size, np.zeros(50, np.int64), np.random.default_rng(1), {0: has}, barred)
    drawn = np.zeros((50, 4), bool)
    drawn[subject, kind] = True
    assert (drawn[:, 0] == has).all()
    assert not drawn[:, 1].any()
    assert drawn[:, 3].all()


def test_nobody_has_anything() -> None:
    model = Presence.fit(np.zeros((5, 2), np.int64), np.zeros(5, int), 1, np.zeros(2, int), np.ones(2, int))
    subject, _, _ = model.sample(np.zeros(3, np.int64), np.zeros(3, np.int64), np.random.default_rng(0))
    assert len(subject) == 0


def test_repeats_fall_on_the_kinds_that_repeat() -> None:
    """Planted: kind 0 repeats three times as often as kind 1; the totals are exact and the ratio comes back."""
    rng = np.random.default_rng(4)
    subject = np.repeat(np.arange(500), 2)
    kind = np.tile([0, 1], 500)
    repeats = rng.poisson(np.where(kind == 0, 1.5, 0.5))
    model = Recurrence.fit(subject, kind, repeats, np.zeros(2, int))
    total = np.bincount(subject, weights=repeats).astype(np.int64)
    drawn = model.sample(subject, kind, total, rng)
    assert np.bincount(subject, weights=drawn).astype(int).tolist() == total.tolist()
    assert drawn[kind == 0].sum() / drawn[kind == 1].sum() == pytest.approx(3.0, rel=0.2)


def test_repeats_of_one_kind_are_concentrated() -> None:
    """If each subject's repeats are all of one kind, the concentration is small and draws are so, too."""
    subject = np.repeat(np.arange(300), 3)
    kind = np.tile([0, 1, 2], 300)
    repeats = np.where(kind == (subject % 3), 4, 0)
    model = Recurrence.fit(subject, kind, repeats, np.zeros(3, int))
    drawn = model.sample(subject, kind, np.full(300, 4), np.random.default_rng(0)).reshape(300, 3)
    assert model.concentration < 0.2
    assert (drawn.max(axis=1) >= 3).mean() > 0.85


def test_a_kind_follows_the_fact_that_it_depends_on() -> None:
    """Planted: 0.8 with the fact and 0.1 without, in 400 subjects; other kinds and facts are noise (0.1: two standard errors)."""
    rng = np.random.default_rng(5)
    facts = rng.random((400, 30)) < 0.3
    count = (rng.random((400, 20)) < 0.15).astype(np.int64)
    count[:, 0] = rng.random(400) < np.where(facts[:, 7], 0.8, 0.1)
    model = Presence.fit(count, np.zeros(400, int), 1, np.zeros(20, int), np.ones(20, int), facts=facts)
    assert (model.shift_kind.tolist(), model.shift_fact.tolist()) == ([0], [7])
    who, kind, _ = model.sample(count.sum(axis=1), np.zeros(400, int), rng, facts=facts)
    has = np.zeros(400, bool)
    has[who[kind == 0]] = True
    assert has[facts[:, 7]].mean() == pytest.approx(count[facts[:, 7], 0].mean(), abs=0.1)
    assert has[~facts[:, 7]].mean() == pytest.approx(count[~facts[:, 7], 0].mean(), abs=0.1)
    assert np.bincount(who, minlength=400).tolist() == count.sum(axis=1).tolist()


def test_facts_that_tell_nothing_are_not_used() -> None:
    """None of 40 facts on 30 kinds that do not depend on them."""
    rng = np.random.default_rng(6)
    count = (rng.random((300, 30)) < 0.2).astype(np.int64)
    model = Presence.fit(count, np.zeros(300, int), 1, np.zeros(30, int), np.ones(30, int), facts=rng.random((300, 40)) < 0.4)
    assert not len(model.shift)


@pytest.mark.parametrize("few", [1, 2, 3])
def test_how_few_have_both_is_not_kept(few: int) -> None:
    """A shift is the same whether one, two or three subjects with a fact have a kind that should be common among them."""
    fact = np.arange(300) < 150
    count = np.zeros((300, 12), np.int64)
    count[:, 1:] = np.random.default_rng(7).random((300, 11)) < 0.3
    count[150:230, 0] = 1
    count[:few, 0] = 1
    probability = np.tile(np.full(12, 0.27), (300, 1))
    copies = np.ones(12, np.int32)
    found = find_associations(count.astype(float), probability, copies, fact[:, None], np.ones(12, bool), no_associations(), 5)
    place = found.kind_of.tolist().index(0)
    share = 2.5 / 150
    gain = 2.5 * np.log(share / 0.27) + 147.5 * np.log((1 - share) / 0.73)
    prior = 150 / (2 * gain - 1)
    assert prior > 1
    assert found.aim[place] == pytest.approx((2.5 + prior * 0.27) / (150 + prior))

"""Traits of a subject, drawn together given the group."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replicator.models.group_effects import shrink_to_pool
from replicator.models.joint import JointModel, Known, NumberTrait

ONE = np.zeros(1, np.int64)


def test_planted_truths_come_back() -> None:
    """A correlation of numbers, one of a number with a category, a level and a share by group; 600 subjects, 6,000 draws."""
    rng = np.random.default_rng(1)
    group = np.arange(600) % 2
    z = rng.standard_normal((600, 3))
    height = 170 + 9 * z[:, 0]
    weight = 75 + 12 * (0.7 * z[:, 0] + np.sqrt(0.51) * z[:, 1]) + 10 * group
    sick = ((0.6 * z[:, 0] + 0.8 * z[:, 2]) > np.where(group == 0, 1.0, 0.0)).astype(float)
    model = JointModel.fit({"height": height, "weight": weight, "sick": sick}, frozenset(), group, np.zeros(2, np.int64), 5)
    g = np.arange(6000) % 2
    drawn = model.sample(g, rng)
    for mine, theirs in ((g == 0, group == 0), (g == 1, group == 1)):
        now = np.corrcoef([drawn["height"][mine], drawn["weight"][mine]])[0, 1]
        assert now == pytest.approx(0.7, abs=0.08)
        assert drawn["weight"][mine].mean() == pytest.approx(weight[theirs].mean(), abs=1.5)
        assert drawn["weight"][mine].std() == pytest.approx(weight[theirs].std(), abs=1.5)
        assert drawn["sick"][mine].mean() == pytest.approx(sick[theirs].mean(), abs=0.06)
    tall = [
        x["sick"][x["height"] > 175].mean() - x["sick"][x["height"] < 165].mean() for x in (drawn, {"height": height, "sick": sick})
    ]
    assert tall[0] == pytest.approx(tall[1], abs=0.12)


def test_a_category_without_order_is_tied_to_what_goes_with_it() -> None:
    """Codes of five sites in any order; the sites' levels of a number come back in their order."""
    rng = np.random.default_rng(2)
    site = rng.integers(0, 5, 800)
    level = np.array([3.0, -3.0, 0.0, 6.0, -6.0])[site] + rng.normal(0, 1, 800)
    model = JointModel.fit({"site": site.astype(float), "level": level}, frozenset({"site"}), np.zeros(800, np.int64), ONE, 5)
    drawn = model.sample(np.zeros(4000, np.int64), rng)
    means = [drawn["level"][drawn["site"] == s].mean() for s in range(5)]
    assert np.argsort(means).tolist() == [4, 1, 2, 0, 3]
    assert np.bincount(drawn["site"].astype(int), minlength=5) / 4000 == pytest.approx(np.bincount(site) / 800, abs=0.04)


def test_groups_of_other_strata_share_nothing() -> None:
    """A group in a stratum of its own keeps its own shares and levels, whatever the others are."""
    rng = np.random.default_rng(3)
    group = np.repeat([0, 1, 2], [100, 100, 20])
    x = np.where(group == 2, 50.0, 0.0) + rng.normal(0, 2, 220)
    flag = np.where(group == 2, 1.0, 0.0)
    model = JointModel.fit({"x": x, "flag": flag}, frozenset({"flag"}), group, np.array([0, 0, 1]), 5)
    drawn = model.sample(np.repeat([0, 1, 2], 300), rng)
    assert (drawn["flag"] == np.repeat([0.0, 0.0, 1.0], 300)).all()
    for g in range(3):
        mine = drawn["x"][np.repeat([0, 1, 2], 300) == g]
        assert mine.mean() == pytest.approx(x[group == g].mean(), abs=0.5)
        assert mine.std() == pytest.approx(x[group == g].std(), abs=0.4)


def test_a_stratum_of_k_values_has_nothing_of_another() -> None:
    """Six who failed screening leave after 3 to 8 days, two of the treated weeks after their last visit: nobody of the six does."""
    days = np.full(40, np.nan)
    days[:6], days[6:8] = [3, 4, 5, 6, 6, 8], [28, 35]
    group = np.where(np.arange(40) < 6, 0, 1)
    drawn = JointModel.fit({"days": days}, frozenset(), group, np.array([0, 1]), 5).sample(
        np.zeros(4000, np.int64), np.random.default_rng(7)
    )["days"]
    assert drawn.mean() == pytest.approx(days[:6].mean(), abs=0.2)
    assert drawn.max() <= days[:6].mean() + 3 * days[:6].std(ddof=1) + 0.5


def test_what_all_have_tells_nothing_of_a_stratum_of_few() -> None:
    """Three of another stratum stay far longer: no number of theirs follows from those of all and of the others."""
    days = np.append(np.tile([80.0, 82.0, 84.0, 86.0], 15), [990.0, 995.0, 999.0])
    group = np.where(np.arange(63) < 60, 0, 1)
    model = JointModel.fit({"days": days}, frozenset(), group, np.array([0, 1]), 5)
    drawn = model.sample(np.repeat([0, 1], 500), np.random.default_rng(7))["days"]
    assert drawn.max() < 200
    [number] = [one for one in model.traits if isinstance(one, NumberTrait)]
    assert {one.n for one in number.marginals} == {60}
    assert max(one.ceiling for one in number.marginals) < 200


def test_a_value_that_most_share_keeps_its_share_by_group() -> None:
    """Planted: 90, 70 and 40 % of three groups are there to the end (day 84), the others leave evenly before."""
    rng = np.random.default_rng(8)
    group = np.arange(900) % 3
    stay = rng.random(900) < np.array([0.9, 0.7, 0.4])[group]
    day = np.where(stay, 84.0, rng.integers(3, 84, 900))
    model = JointModel.fit({"day": day}, frozenset(), group, np.zeros(3, np.int64), 5, {"day": 0})
    drawn = model.sample(np.arange(9000) % 3, rng)["day"]
    for g in range(3):
        mine, theirs = drawn[np.arange(9000) % 3 == g], day[group == g]
        assert (mine == 84).mean() == pytest.approx((theirs == 84).mean(), abs=0.05)
        assert (mine < 28).mean() == pytest.approx((theirs < 28).mean(), abs=0.05)


def test_rare_numbers_join_their_neighbours() -> None:
    """A count that two subjects have, between others, is drawn as the nearest that five have."""
    x = np.array([0.0] * 20 + [1.0] * 20 + [9.0] * 20 + [3.0, 7.0])
    model = JointModel.fit({"count": x}, frozenset(), np.zeros(62, np.int64), ONE, 5)
    drawn = model.sample(np.zeros(2000, np.int64), np.random.default_rng(4))["count"]
    assert set(drawn.tolist()) == {0.0, 1.0, 9.0}


def test_counts_are_as_dispersed_as_in_the_source() -> None:
    """Where the four highest counts are those of one subject each, they are a tail, and the mean and the variance are kept."""
    x = np.repeat([0.0, 1, 2, 3, 4, 5, 6, 7, 9, 11], [7, 9, 8, 6, 5, 5, 1, 1, 1, 1])
    model = JointModel.fit({"count": x}, frozenset(), np.zeros(44, np.int64), ONE, 5)
    drawn = model.sample(np.zeros(20000, np.int64), np.random.default_rng(5))["count"]
    assert drawn.mean() == pytest.approx(x.mean(), rel=0.03)
    assert drawn.var() == pytest.approx(x.var(), rel=0.1)


@settings(max_examples=40)
@given(st.integers(1, 4), st.integers(1, 5), st.integers(0, 60), st.integers(0, 1000))
def test_shrunk_probabilities_add_up(groups: int, levels: int, n: int, seed: int) -> None:
    """Every group gets a distribution, one without subjects that of its stratum; each lies between its own and the pool."""
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(n, np.full(groups * levels, 1 / (groups * levels))).reshape(groups, levels).astype(float)
    p = shrink_to_pool(counts, np.zeros(groups, np.int64))
    if n:
        assert p.sum(axis=1) == pytest.approx(np.ones(groups))
        pool = counts.sum(axis=0) / n
        own = np.where(counts.sum(axis=1, keepdims=True) > 0, counts / np.maximum(counts.sum(axis=1, keepdims=True), 1), pool)
        assert (p >= np.minimum(own, pool) - 1e-12).all() and (p <= np.maximum(own, pool) + 1e-12).all()


def test_shrinkage_follows_the_evidence() -> None:
    """Shares that chance explains become one; shares that it cannot stay apart."""
    alike = shrink_to_pool(np.array([[50.0, 50.0], [52.0, 48.0]]), np.zeros(2, np.int64))
    apart = shrink_to_pool(np.array([[90.0, 10.0], [10.0, 90.0]]), np.zeros(2, np.int64))
    assert alike[0] == pytest.approx(alike[1])
    assert apart == pytest.approx(np.array([[0.9, 0.1], [0.1, 0.9]]), abs=0.01)


@settings(max_examples=25)
@given(st.integers(0, 40), st.integers(0, 1000))
def test_any_number_of_subjects(n: int, seed: int) -> None:
    """From k subjects up drawn values always apply, below nothing is learned of a number; equal seeds give equal draws."""
    rng = np.random.default_rng(seed)
    values = {"x": rng.normal(0, 1, n), "c": rng.integers(0, 3, n).astype(float), "gone": np.full(n, np.nan)}
    model = JointModel.fit(values, frozenset({"c"}), rng.integers(0, 2, n), np.zeros(2, np.int64), 5)
    first, second = (model.sample(np.array([0, 1, 1]), np.random.default_rng(seed)) for _ in range(2))
    for name in values:
        np.testing.assert_array_equal(first[name], second[name])
    assert np.isfinite(first["x"]).all() == (n >= 5)
    assert np.isnan(first["gone"]).all()


def planted_pair() -> tuple[JointModel, np.ndarray]:
    """A rare state that goes with a number at 0.6 on the latent scale, in 1 % and 5 % of two groups; and 40,000 groups."""
    rng = np.random.default_rng(7)
    group = np.arange(4000) % 2
    z = rng.standard_normal((4000, 2))
    level = 10 + 2 * z[:, 0]
    ill = (0.6 * z[:, 0] + 0.8 * z[:, 1] > np.where(group == 0, 2.326, 1.645)).astype(float)
    model = JointModel.fit({"level": level, "ill": ill}, frozenset({"ill"}), group, np.zeros(2, np.int64), 5)
    return model, np.arange(40_000) % 2


def test_what_is_known_is_kept_and_the_rest_drawn_given_it() -> None:
    """With a rare state drawn before all else, at its own probability, the joint distribution is what it is without."""
    model, group = planted_pair()
    rng = np.random.default_rng(8)
    trait = model.category("ill")
    assert trait is not None
    has = rng.random(len(group)) < trait.share(1.0)[group]
    known = model.sample(group, rng, Known("ill", 1.0, has))
    free = model.sample(group, np.random.default_rng(9))
    assert (known["ill"] == has).all()
    for g in (0, 1):
        for at in (0.0, 1.0):
            one, other = (x["level"][(group == g) & (x["ill"] == at)] for x in (known, free))
            assert one.mean() == pytest.approx(other.mean(), abs=4.5 * other.std() * (1 / len(one) + 1 / len(other)) ** 0.5)
            assert one.std() == pytest.approx(other.std(), rel=3 / min(len(one), len(other)) ** 0.5)
        assert known["level"][group == g].mean() == pytest.approx(10, abs=0.15)


def test_a_known_level_may_be_any_of_several() -> None:
    """Of four levels, in whatever order they lie, those who have one have it, and the others have the rest in their shares."""
    rng = np.random.default_rng(10)
    site = rng.choice(4, 3000, p=[0.1, 0.2, 0.3, 0.4]).astype(float)
    level = np.array([2.0, -2.0, 0.0, 4.0])[site.astype(int)] + rng.standard_normal(3000)
    model = JointModel.fit({"site": site, "level": level}, frozenset({"site"}), np.zeros(3000, np.int64), ONE, 5)
    has = np.arange(20_000) % 2 == 0
    for value in range(4):
        drawn = model.sample(np.zeros(20_000, np.int64), rng, Known("site", float(value), has))["site"]
        assert ((drawn == value) == has).all()
        rest = np.array([(site == other).mean() * (other != value) for other in range(4)])
        assert np.bincount(drawn[~has].astype(int), minlength=4) / 10_000 == pytest.approx(rest / rest.sum(), abs=0.02)


def test_nobody_can_tell_in_which_group_a_rare_state_was() -> None:
    """One subject of a stratum has died: whichever group it was in, the model is the same."""
    group = np.repeat([0, 1, 2], 20)
    stratum = np.array([0, 0, 1])
    shares = []
    for who in (3, 25):
        died = np.zeros(60)
        died[who] = 1.0
        model = JointModel.fit({"death": died, "level": np.arange(60.0)}, frozenset({"death"}), group, stratum, 5)
        trait = model.category("death")
        assert trait is not None
        shares.append(trait.share(1.0))
    np.testing.assert_array_equal(shares[0], shares[1])
    assert shares[0][0] == shares[0][1] > shares[0][2] == 0

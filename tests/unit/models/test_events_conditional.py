"""A category given others, and chains of them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replicator.models.chain import ConditionalChain
from replicator.models.conditional import ConditionalTable


def test_shares_of_a_cell_come_back() -> None:
    """Two cells with shares 0.8 and 0.2 of target 1."""
    rng = np.random.default_rng(0)
    cell = np.repeat([0, 1], 3000)
    target = (rng.random(6000) < np.where(cell == 0, 0.8, 0.2)).astype(np.int64)
    table = ConditionalTable.fit(target, [cell], np.arange(6000))
    drawn = table.sample([cell], rng, 6000)
    assert drawn[cell == 0].mean() == pytest.approx(0.8, abs=0.03)
    assert drawn[cell == 1].mean() == pytest.approx(0.2, abs=0.03)


def test_margins_are_kept_where_cells_are_small() -> None:
    """One large cell is all target 0; forty cells of 3 subjects are all target 1: together they are drawn at their own share."""
    cell = np.concatenate([np.zeros(300, np.int64), np.repeat(np.arange(1, 41), 3)])
    target = (cell > 0).astype(np.int64)
    table = ConditionalTable.fit(target, [cell], np.arange(len(cell)), k=5)
    drawn = table.sample([cell], np.random.default_rng(1), len(cell))
    assert (drawn == target).all()


def test_a_target_that_a_narrower_cell_explains_but_for_a_few_keeps_its_margin() -> None:
    """Planted: all of 100 rows of one cell have target 1, and 4 of 200 rows in small cells, fewer than k: 104 rows have it (2)."""
    cell = np.concatenate([np.zeros(100, np.int64), 1 + np.arange(200) // 4])
    target = np.concatenate([np.ones(100, np.int64), np.arange(200) % 50 == 0]).astype(np.int64)
    table = ConditionalTable.fit(target, [cell], np.arange(300), k=5)
    drawn = table.sample([np.tile(cell, 20)], np.random.default_rng(2), 6000)
    assert drawn.sum() / 20 == pytest.approx(104, abs=2)


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(-1, 3), st.integers(-1, 4), st.integers(0, 12)), min_size=1, max_size=80), st.integers(1, 6))
def test_nothing_is_held_that_fewer_than_k_subjects_share(rows: list[tuple[int, int, int]], k: int) -> None:
    """Of each cell's targets one at most, the most frequent of all rows, has fewer than k subjects; distributions end at 1."""
    target, cell, subject = (np.array(x, np.int64) for x in zip(*rows, strict=True))
    table = ConditionalTable.fit(target, [cell], subject, k=k)
    held = {int(t) for level in table.levels for t in level.targets}
    people = {t: len(np.unique(subject[target == t])) for t in held}
    assert all(n >= k for n in people.values()) or len(held) == 1
    for level in table.levels:
        assert np.allclose(level.cumulative[level.starts[1:] - 1], np.arange(1, len(level.keys) + 1))
    drawn = table.sample([cell], np.random.default_rng(0), len(cell))
    assert set(drawn.tolist()) <= held


def test_draws_of_one_subject_persist() -> None:
    """Planted: a latent correlation of 0.6 between the rows of a subject is found (0.1) and drawn."""
    rng = np.random.default_rng(3)
    subject = np.repeat(np.arange(800), 5)
    latent = np.sqrt(0.6) * rng.standard_normal(800)[subject] + np.sqrt(0.4) * rng.standard_normal(4000)
    target = (latent > 0.5).astype(np.int64)
    table = ConditionalTable.fit(target, [], subject)
    assert table.persistence == pytest.approx(0.6, abs=0.1)
    drawn = table.sample([], rng, 4000, subject).reshape(800, 5)
    seen = target.reshape(800, 5)
    assert np.corrcoef(drawn[:, 0], drawn[:, 1])[0, 1] == pytest.approx(np.corrcoef(seen[:, 0], seen[:, 1])[0, 1], abs=0.1)


def test_no_rows_and_unknown_codes() -> None:
    """A table without rows gives missing cells; a code that was never seen falls back."""
    empty = ConditionalTable.fit(np.empty(0, np.int64), [np.empty(0, np.int64)], np.empty(0, np.int64))
    assert empty.sample([np.array([3])], np.random.default_rng(0), 1).tolist() == [-1]
    table = ConditionalTable.fit(np.zeros(10, np.int64), [np.zeros(10, np.int64)], np.arange(10))
    assert table.sample([np.array([99, -1])], np.random.default_rng(0), 2).tolist() == [0, 0]


def test_a_chain_keeps_exact_dependencies() -> None:
    """Column 1 follows from column 0, column 2 from both; all three hold in every drawn row."""
    rng = np.random.default_rng(8)
    a = rng.integers(0, 4, 2000)
    b = a // 2
    c = (a + b) % 3
    chain = ConditionalChain.fit([b, a, c], [rng.integers(0, 3, 2000)], np.arange(2000))
    drawn = chain.sample([np.zeros(500, np.int64)], rng, 500)
    assert (drawn[0] == drawn[1] // 2).all()
    assert (drawn[2] == (drawn[1] + drawn[0]) % 3).all()


def test_a_chain_of_nothing() -> None:
    assert ConditionalChain.fit([], [], np.arange(3)).sample([], np.random.default_rng(0), 3) == []


def test_a_scattered_wider_cell_does_not_fill_what_a_narrower_one_left() -> None:
    """Planted: 40 drugs with a dose of their own and, now and then, one nobody shares: no drug gets another drug's dose."""
    rng = np.random.default_rng(4)
    drug = np.repeat(np.arange(40), 30)
    dose = np.where(rng.random(1200) < 0.6, drug, 100 + rng.integers(0, 60, 1200))
    subject = np.arange(1200)
    opened = ConditionalTable.fit(dose, [drug], subject, k=5).sample([drug], rng, 1200)
    closed = ConditionalTable.fit(dose, [drug], subject, k=5, least_match=0.2).sample([drug], rng, 1200)
    assert (opened != drug).mean() == pytest.approx(0.4, abs=0.05)
    assert (closed == drug).all()


def test_a_wider_cell_that_agrees_fills_what_a_narrower_one_left() -> None:
    """Planted: one event in twenty is severe, too few of each term to be kept there: the severe come back at their share."""
    rng = np.random.default_rng(5)
    term = np.repeat(np.arange(40), 30)
    severe = (rng.random(1200) < 0.05).astype(np.int64)
    drawn = ConditionalTable.fit(severe, [term], np.arange(1200), k=5, least_match=0.2).sample([term], rng, 1200)
    assert drawn.mean() == pytest.approx(severe.mean(), abs=0.02)


def test_a_chain_draws_a_regimen_given_the_drug() -> None:
    """Planted: route, unit and dose follow from the drug but for noise in one row of twenty, others are noise; all agree again."""
    rng = np.random.default_rng(6)
    drug = rng.integers(0, 25, 1500)
    noise = rng.random(1500) < 0.05
    route, unit = (drug % 3), (drug % 3) * 2 + (drug % 2)
    dose = np.where(noise, rng.integers(0, 30, 1500), unit * 4 + drug % 4)
    arm, phase = rng.integers(0, 3, 1500), rng.integers(0, 6, 1500)
    chain = ConditionalChain.fit([dose, unit, route], [phase, arm, drug], rng.integers(0, 400, 1500), least_match=0.2)
    drawn = chain.sample([phase, arm, drug], rng, 1500)
    assert (drawn[2] == route).all()
    assert (drawn[1] == unit).all()
    assert (drawn[0] == unit * 4 + drug % 4).mean() >= 0.93
    own = chain.parents[chain.order.tolist().index(0)].tolist()
    assert not {0, 1} & set(own)


def test_a_chain_of_noise_has_no_conditions() -> None:
    rng = np.random.default_rng(7)
    columns = [rng.integers(0, 4, 2000), rng.integers(0, 2, 2000)]
    chain = ConditionalChain.fit(columns, [rng.integers(0, 30, 2000), rng.integers(0, 3, 2000)], rng.integers(0, 300, 2000))
    assert all(len(parents) == 0 for parents in chain.parents)

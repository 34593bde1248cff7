"""A category given others, from cells that enough subjects share."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replicator.models.backoff import BackoffTable


@st.composite
def rows(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Target, two conditions and subject of up to 80 rows."""
    n = draw(st.integers(0, 80))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    levels = draw(st.integers(1, 6))
    return rng.integers(-1, levels, n), rng.integers(-1, 3, n), rng.integers(-1, 4, n), rng.integers(0, draw(st.integers(1, 40)), n)


@settings(max_examples=60)
@given(rows(), st.integers(1, 6), st.sampled_from([0.0, 2.0]), st.booleans())
def test_probabilities_of_a_cell_add_up(data: tuple[np.ndarray, ...], k: int, strength: float, closed: bool) -> None:
    """Shares are positive; a cell's add up to at most 1 (the rest is its parent's), at the root and in closed cells to 1."""
    target, a, b, subject = data
    table = BackoffTable.fit(target, [a, b], subject, k=k, strength=strength, closed=closed)
    for depth, level in enumerate(table.levels):
        for cell in range(len(level.keys)):
            part = level.cumulative[level.starts[cell] : level.starts[cell + 1]] - cell
            assert (np.diff(np.concatenate([[0.0], part])) > 0).all()
            assert part[-1] <= 1
            assert part[-1] == pytest.approx(1) or (depth > 0 and not closed)


@settings(max_examples=60)
@given(rows(), st.integers(2, 6), st.integers(0, 1000))
def test_only_targets_of_k_subjects_are_drawn(data: tuple[np.ndarray, ...], k: int, seed: int) -> None:
    """No target is drawn that fewer than k subjects have, whatever the conditions (but for one where none has k)."""
    target, a, b, subject = data
    table = BackoffTable.fit(target, [a, b], subject, k=k)
    rng = np.random.default_rng(seed)
    drawn = table.sample([rng.integers(-1, 6, 100), rng.integers(-1, 6, 100)], rng)
    people = {t: len(np.unique(subject[target == t])) for t in np.unique(target).tolist()}
    allowed = {t for t, n in people.items() if n >= k}
    assert len(drawn) == 100
    if allowed:
        assert set(drawn.tolist()) <= allowed
    else:
        assert len(set(drawn.tolist())) == 1


@settings(max_examples=40)
@given(rows(), st.integers(1, 5), st.integers(0, 1000))
def test_order_of_rows_and_names_of_subjects_do_not_matter(data: tuple[np.ndarray, ...], k: int, seed: int) -> None:
    """Rows in another order and subjects under other numbers give the same table and the same draws."""
    target, a, b, subject = data
    rng = np.random.default_rng(seed)
    order, new = rng.permutation(len(target)), rng.permutation(1000)
    one = BackoffTable.fit(target, [a, b], subject, k=k)
    two = BackoffTable.fit(target[order], [a[order], b[order]], new[subject[order]], k=k)
    for x, y in zip(one.levels, two.levels, strict=True):
        np.testing.assert_array_equal(x.keys, y.keys)
        np.testing.assert_array_equal(x.targets, y.targets)
        np.testing.assert_array_equal(x.cumulative, y.cumulative)
    draws = [table.sample([a, b], np.random.default_rng(seed)) for table in (one, two)]
    np.testing.assert_array_equal(*draws)


def test_shares_given_a_condition_come_back() -> None:
    """Planted: A in 80 % of one cell and 20 % of the other; 20,000 draws agree within 4 standard errors."""
    rng = np.random.default_rng(1)
    given_code = np.repeat([0, 1], 5000)
    target = (rng.random(10_000) < np.where(given_code == 0, 0.8, 0.2)).astype(int)
    table = BackoffTable.fit(target, [given_code], np.arange(10_000), k=5)
    drawn = table.sample([np.repeat([0, 1], 10_000)], rng)
    for cell in (0, 1):
        assert drawn[np.repeat([0, 1], 10_000) == cell].mean() == pytest.approx(target[given_code == cell].mean(), abs=0.016)


def test_rare_cells_borrow_from_their_parent() -> None:
    """A cell of fewer than k subjects does not exist: its rows are drawn from the cell with the last condition dropped."""
    a = np.array([0] * 40 + [1] * 40)
    b = np.array([0] * 37 + [1] * 3 + [0] * 40)
    target = np.array([0] * 40 + [1] * 40)
    table = BackoffTable.fit(target, [a, b], np.arange(80), k=5)
    assert table.n_cells == 1 + 2 + 2
    assert set(table.sample([np.zeros(50, int), np.ones(50, int)], np.random.default_rng(0)).tolist()) == {0}


def test_rare_targets_of_a_cell_come_from_its_parent() -> None:
    """A target too rare in its cell is still drawn there, at the parent's hands."""
    a = np.repeat([0, 1], 100)
    target = np.concatenate([np.repeat([0, 2], [97, 3]), np.repeat([0, 2], [50, 50])])
    table = BackoffTable.fit(target, [a], np.arange(200), k=5)
    drawn = table.sample([np.zeros(20_000, int)], np.random.default_rng(1))
    assert (drawn == 2).mean() == pytest.approx(0.03, abs=0.01)


def test_shares_too_rare_everywhere_keep_their_total() -> None:
    """1 % in each of eight cells of 100, too rare for a cell: 1 % of the draws in every cell."""
    a = np.repeat(np.arange(8), 100)
    target = (np.arange(800) % 100 == 0).astype(int)
    table = BackoffTable.fit(target, [np.zeros(800, int), a], np.arange(800), k=5)
    drawn = table.sample([np.zeros(80_000, int), np.repeat(np.arange(8), 10_000)], np.random.default_rng(5))
    assert drawn.reshape(8, -1).mean(axis=1) == pytest.approx(np.full(8, 0.01), abs=0.004)


def test_closed_cells_take_nothing_from_elsewhere() -> None:
    """Where structure is hard, a cell never gives a target that is another cell's."""
    a = np.repeat([0, 1], 50)
    target = np.concatenate([np.repeat([0, 1], [47, 3]), np.full(50, 2)])
    table = BackoffTable.fit(target, [a], np.arange(100), k=5, closed=True)
    assert set(table.sample([np.zeros(5000, int)], np.random.default_rng(2)).tolist()) == {0}


def test_below_an_open_depth_what_is_too_rare_comes_from_the_closed_cell_above() -> None:
    """Three of fifty of each part of a cell have another target: it keeps its share there, and nothing of another cell comes in."""
    a, b = np.repeat([0, 1], 100), np.tile(np.repeat([0, 1], 50), 2)
    target = np.where(a == 1, 7, np.arange(200) % 50 < 3)
    table = BackoffTable.fit(target, [a, b], np.arange(200), k=5, closed=True, open_depth=2)
    drawn = table.sample([np.zeros(20_000, int), np.repeat([0, 1], 10_000)], np.random.default_rng(2))
    assert set(drawn.tolist()) == {0, 1}
    assert drawn.reshape(2, -1).mean(axis=1) == pytest.approx(np.full(2, 0.06), abs=0.01)


def test_small_groups_keep_what_most_of_them_have() -> None:
    """With a design depth, an arm of three all of whom have a target keeps it, and not what one of them has."""
    a = np.array([0] * 50 + [1] * 4)
    target = np.array([0] * 50 + [7, 7, 7, 9])
    usual = BackoffTable.fit(target, [a], np.arange(54), k=5)
    design = BackoffTable.fit(target, [a], np.arange(54), k=5, closed=True, design_depth=1)
    arm = np.ones(1000, int)
    assert set(usual.sample([arm], np.random.default_rng(3)).tolist()) == {0}
    assert set(design.sample([arm], np.random.default_rng(3)).tolist()) == {7}


def test_unknown_codes_and_no_conditions() -> None:
    """Codes that were never seen fall back to the root; a table without conditions needs the number of rows."""
    table = BackoffTable.fit(np.repeat([3, 4], 50), [np.zeros(100, int)], np.arange(100), k=5)
    assert set(table.sample([np.full(500, 99)], np.random.default_rng(4)).tolist()) == {3, 4}
    alone = BackoffTable.fit(np.repeat([3, 4], 50), [], np.arange(100), k=5)
    assert len(alone.sample([], np.random.default_rng(4), 30)) == 30


def test_a_table_tells_which_rows_its_deepest_cells_know() -> None:
    """A target of three among fifty is not known where five must share it; nor is anything in an empty table."""
    a = np.repeat([0, 1], 50)
    target = np.concatenate([np.repeat([0, 1], [47, 3]), np.full(50, 2)])
    table = BackoffTable.fit(target, [a], np.arange(100), k=5, closed=True)
    np.testing.assert_array_equal(table.lists([a], target), target != 1)
    nothing = BackoffTable.fit(np.empty(0, int), [np.empty(0, int)], np.empty(0, int), k=5)
    assert not nothing.lists([a], target).any()

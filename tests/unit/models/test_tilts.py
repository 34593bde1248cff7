"""What groups do otherwise than a table has it: planted differences come back, chance makes few, too few subjects make none."""

from __future__ import annotations

import numpy as np
import pytest

from replicator.models.chain import ConditionalChain
from replicator.models.conditional import ConditionalTable
from replicator.models.tilts import Tilts

N, ROWS = 90, 10
SUBJECT = np.repeat(np.arange(N), ROWS)
ARM = (SUBJECT % 3).astype(np.int64)
TARGETS = np.array([0, 1, 2])


def _even(share: tuple[float, float, float] = (0.5, 0.3, 0.2)) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One distribution for all rows, which knows nothing of arms."""
    return np.zeros(len(SUBJECT), np.intp), np.array([share]), TARGETS


def _code(share: np.ndarray, seed: int) -> np.ndarray:
    """Draw a target for each row by the shares (n, 3) of its row."""
    u = np.random.default_rng(seed).random(len(share))
    return (u[:, None] > np.cumsum(share, axis=1)[:, :2]).sum(axis=1).astype(np.int64)


def test_a_planted_difference_comes_back_and_other_arms_stay() -> None:
    """Arm 0 has target 2 in half of its rows, all others in a fifth."""
    planted = np.where((ARM == 0)[:, None], [0.3, 0.2, 0.5], [0.5, 0.3, 0.2])
    tilts = Tilts.fit(_code(planted, 1), _even(), [ARM], SUBJECT, 5)
    drawn = tilts.apply(_even()[1][_even()[0]], [ARM])
    assert drawn[ARM == 0].mean(axis=0) == pytest.approx([0.3, 0.2, 0.5], abs=0.06)
    assert drawn[ARM > 0].mean(axis=0) == pytest.approx([0.5, 0.3, 0.2], abs=0.06)
    again = tilts.draw(*_even()[:2], [ARM], np.random.default_rng(2).random(len(ARM)))
    assert np.bincount(again[ARM == 0]) / (ARM == 0).sum() == pytest.approx(drawn[ARM == 0][0], abs=0.06)


def test_a_table_that_knows_the_arms_is_left_alone() -> None:
    """Its shares by arm are those of the source, and so nothing is changed."""
    code = _code(np.where((ARM == 0)[:, None], [0.3, 0.2, 0.5], [0.5, 0.3, 0.2]), 3)
    table = ConditionalTable.fit(code, [ARM], SUBJECT)
    assert not Tilts.fit(code, table.chances([ARM], len(code)), [ARM], SUBJECT, 5)


def test_subjects_count_and_not_their_rows() -> None:
    """Where all rows of a subject are alike, arms differ by more than rows of their own would, and less of it is believed."""
    share = np.tile([0.5, 0.3, 0.2], (len(SUBJECT), 1))
    moved = []
    for of_subject in (True, False):
        change = []
        for seed in range(20):
            code = _code(share, seed)
            code = code[SUBJECT * ROWS] if of_subject else code
            even = np.bincount(code, minlength=3) / len(code)
            tilts = Tilts.fit(code, (np.zeros(len(code), np.intp), even[None], TARGETS), [ARM], SUBJECT, 5)
            seen = np.stack([np.bincount(code[arm == ARM], minlength=3) / (arm == ARM).sum() for arm in range(3)])
            kept = np.stack([tilts.apply(even[None], [np.array([arm])])[0] for arm in range(3)])
            change.append(np.abs(kept - even).sum() / np.abs(seen - even).sum())
        moved.append(np.mean(change))
    assert max(moved) < 0.6
    assert abs(moved[0] - moved[1]) < 0.25


def test_fewer_than_k_subjects_make_no_difference() -> None:
    """How many rows four subjects of an arm have of a target is nowhere; nor is anything of a group of four."""
    base = _code(np.tile([0.5, 0.5, 0.0], (len(SUBJECT), 1)), 4)
    found = []
    for rows in (0, 1, 3):
        code = base.copy()
        few = (SUBJECT < 12) & (ARM == 0) & (np.arange(len(SUBJECT)) % ROWS < rows)
        code[few] = 2
        tilts = Tilts.fit(code, _even((0.4, 0.4, 0.2)), [ARM], SUBJECT, 5)
        found.append(tilts.apply(_even((0.4, 0.4, 0.2))[1], [np.array([0])])[0, 2])
    assert found == pytest.approx([found[0]] * 3, abs=0.005)
    assert 0.05 < found[0] < 0.15
    assert not Tilts.fit(base, _even(), [np.where(SUBJECT < 4, 0, -1)], SUBJECT, 5)


def test_a_chain_keeps_the_shares_of_arms_beside_what_tells_more() -> None:
    """A class tells nearly all of a column; that one arm has a little more of target 2 in each class makes it no condition."""
    block = np.random.default_rng(5).integers(0, 3, len(SUBJECT))
    share = np.full((len(SUBJECT), 3), 0.1)
    share[np.arange(len(SUBJECT)), block] = 0.8
    share[:, 2] += np.where(ARM == 0, 0.12, 0.0)
    code = _code(share / share.sum(axis=1, keepdims=True), 6)
    many, far = np.tile(SUBJECT, 20), []
    for groups in ((), (1,)):
        chain = ConditionalChain.fit([code], [block, ARM], SUBJECT, groups=groups)
        assert chain.parents[0].tolist() == [0]
        drawn = chain.sample([np.tile(block, 20), np.tile(ARM, 20)], np.random.default_rng(7), len(many))[0]
        far.append(abs((drawn[np.tile(ARM, 20) == 0] == 2).mean() - (code[ARM == 0] == 2).mean()))
    assert far[1] < 0.5 * far[0] and far[0] > 0.03

"""Rows that are there if, and only if, something else happened."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from replicator.study_model.sequence.closing import NONE, OPEN, Closing
from replicator.study_model.sequence.context import MARKS, Antecedents
from replicator.study_model.spine import Spine

from ..spines import make_spine, make_visits

N = 200
SCREENING, LOW, HIGH, FOLLOW_UP = range(4)


def _spine(n: int = N) -> Spine:
    """Two visits a month apart, an end of treatment before or after the second, and a third of all followed up after it."""
    anchor = 18000.0 + np.arange(n)
    visits = make_visits(np.stack([anchor, anchor + 28], axis=1), np.array([1.0, 2.0]))
    end = anchor + np.where(np.arange(n) % 4 == 0, 20, 60)
    last = np.where(np.arange(n) % 3 == 0, end + 30, end)
    return make_spine(n, {"DM.RFXENDTC": end, "LAST": last}, visits, anchor=anchor)


def _rows(spine: Spine) -> tuple[np.ndarray, np.ndarray]:
    """Elements: screening, one of the arm, and a follow-up of those who went on; subjects sorted, tuples in order."""
    rows = [(i, state) for i in range(spine.n) for state in (SCREENING, LOW + i % 2, *([FOLLOW_UP] if i % 3 == 0 else []))]
    return np.array([i for i, _ in rows], np.int32), np.array([state for _, state in rows], np.int64)


def test_a_follow_up_is_there_if_the_participation_went_on() -> None:
    """The trait is found, without an exception; elements of an arm are no such rows, since half of all have them."""
    spine = _spine()
    subject, code = _rows(spine)
    closing = Closing.fit(code, np.full(4, np.nan), subject, np.zeros(N, np.int64), Antecedents.find(spine, 5), spine, 5)
    assert (closing.traits.dataset, closing.traits.variable) == ((MARKS,), ("DM.RFXENDTC",))
    np.testing.assert_array_equal(closing.members, [[False, False, False, True]])
    np.testing.assert_array_equal(closing.rate, [[0.0, 1.0]])
    due = closing.due(spine, np.zeros(N, np.int64), np.random.default_rng(0))
    np.testing.assert_array_equal(due[:, 0] == FOLLOW_UP, np.arange(N) % 3 == 0)


def test_doses_of_a_visit_are_taken_by_those_whose_last_dose_is_after_it() -> None:
    """The second visit's doses, of another tuple in each arm, go to those treated beyond it; each arm gets its own."""
    spine = _spine()
    beyond = np.arange(N) % 4 != 0
    rows = [(i, state) for i in range(N) for state in ([0, 1] if i % 2 else [0, 2])[: 2 if beyond[i] else 1]]
    subject, code = np.array([i for i, _ in rows], np.int32), np.array([s for _, s in rows], np.int64)
    group = (np.arange(N) % 2).astype(np.int64)
    closing = Closing.fit(code, np.array([1.0, 2.0, 2.0]), subject, group, Antecedents.find(spine, 5), spine, 5)
    assert closing.traits.levels == (("2.0",),)
    np.testing.assert_array_equal(closing.put[:, 0], [2, 1])
    due = closing.due(spine, group, np.random.default_rng(0))[:, 0]
    np.testing.assert_array_equal(due, np.where(beyond, np.where(group == 1, 1, 2), NONE))


def test_what_fewer_than_k_lack_is_no_law() -> None:
    """Four are without the trait: whether they have the row is theirs."""
    spine = _spine()
    went = np.arange(N) >= 4
    end = spine.marks["DM.RFXENDTC"]
    spine = make_spine(N, {"DM.RFXENDTC": end, "LAST": end + went}, spine.visits, anchor=spine.anchor)
    rows = [(i, state) for i in range(N) for state in ([0, 1] if went[i] else [0])]
    subject, code = np.array([i for i, _ in rows], np.int32), np.array([s for _, s in rows], np.int64)
    traits = Antecedents((MARKS,), ("DM.RFXENDTC",), ((),))
    closing = Closing.fit(code, np.full(2, np.nan), subject, np.zeros(N, np.int64), traits, spine, 5)
    assert len(closing.rate) == 0


@given(st.integers(0, 2**32 - 1))
def test_rows_come_in_order_and_once(seed: int) -> None:
    """Whatever the chain draws, each who must has each row once, earlier visits first, and nobody who must not has it."""
    rng = np.random.default_rng(seed)
    visit = np.array([1.0, 2.0, 3.0, np.nan])
    members = np.eye(4, dtype=bool)[1:]
    traits = Antecedents((MARKS,) * 3, ("DM.RFXENDTC",) * 3, (("1.0",),) * 3)
    closing = Closing(visit, members, traits, np.tile([0.0, 1.0], (3, 1)), np.array([[1, 2, 3]]))
    due = rng.choice([NONE, OPEN, 9], (50, 3))
    due = np.where(due == 9, [1, 2, 3], due)
    had = np.zeros((50, 3), bool)
    ended = np.zeros(50, bool)
    rows: list[np.ndarray] = []
    for turn in range(12):
        fresh = [state for state in range(4) if not any((one == state).any() for one in rows)] if turn < 4 else []
        new = np.full(50, rng.choice([*fresh, 4]))
        new = np.where(ended, 4, closing.hold(new, due, had))
        had |= closing.has(new)
        ended |= new == 4
        rows.append(new)
    table = np.stack(rows, axis=1)
    for j, state in enumerate((1, 2, 3)):
        times = (table == state).sum(axis=1)
        assert (times[due[:, j] == state] >= 1).all()
        assert (times[due[:, j] == NONE] == 0).all()
    both = (due[:, 0] == 1) & (due[:, 1] == 2)
    assert ((table == 1).argmax(axis=1) < (table == 2).argmax(axis=1))[both].all()


def test_what_is_due_stands_for_what_excludes_it() -> None:
    """Who must have a row, of two of which a subject has one, has that, whichever the chain draws; without exclusion it waits."""
    closing = Closing(
        np.full(2, np.nan),
        np.array([[True, False]]),
        Antecedents((MARKS,), ("DM.RFXENDTC",), ((),)),
        np.array([[0.0, 1.0]]),
        np.array([[0]]),
    )
    new, due, had = np.array([0, 1, 2, 1]), np.array([[0], [0], [0], [OPEN]]), np.zeros((4, 1), bool)
    assert closing.hold(new, due, had, np.ones((2, 2), bool)).tolist() == [0, 0, 0, 1]
    assert closing.hold(new, due, had).tolist() == [0, 1, 0, 1]

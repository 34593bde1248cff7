"""Occurrences of one term come in turn: their order, how the first ones are known, and ends before the next begins."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replicator.study_model.events.patterns import DatePatterns
from replicator.study_model.events.turns import (
    ALONE,
    FOLLOWED,
    LAST,
    days_until_next,
    find_followers,
    find_turns,
    put_in_turn,
    share_in_turn,
)

NAN = np.nan


def test_turns_go_by_start() -> None:
    """Series 0 begins on days 9, 3 and at a time unknown, which comes first; series 1 has one."""
    series, start = np.array([0, 0, 1, 0]), np.array([9.0, 3.0, 5.0, NAN])
    assert find_followers(series, start).tolist() == [-1, 0, -1, 1]
    assert find_turns(series, start).tolist() == [LAST, FOLLOWED, ALONE, FOLLOWED]
    assert find_turns(series).tolist() == [FOLLOWED, FOLLOWED, ALONE, LAST]
    assert find_turns(np.empty(0, np.int64)).tolist() == []


def test_the_share_that_is_over_in_time() -> None:
    """Of three with an end and a follower two are over when it begins; without any nothing speaks against it."""
    series, start = np.array([0, 0, 0, 1, 1]), np.array([1.0, 5.0, 9.0, 1.0, 4.0])
    assert share_in_turn(start, np.array([3.0, 10.0, NAN, 4.0, NAN]), series) == pytest.approx(2 / 3)
    assert share_in_turn(start, np.full(5, NAN), series) == 1.0
    assert days_until_next(start, series).tolist() == [5.0, 9.0, np.inf, 4.0, np.inf]


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 2), st.integers(0, 50)), max_size=30))
def test_starts_ascend_within_what_is_known_alike(cells: list[tuple[int, int, int]]) -> None:
    """Each series keeps its starts of each kind of knowledge, and these ascend."""
    series, code, day = np.array(cells, np.int64).reshape(-1, 3).T
    out = put_in_turn(day.astype(np.float64), series, code)
    for one in {(s, c) for s, c, _ in cells}:
        mine = (series == one[0]) & (code == one[1])
        assert out[mine].tolist() == sorted(day[mine].tolist())


def test_what_comes_again_is_known_otherwise() -> None:
    """Planted: once, and then open; or thrice, over but for the last: of two ways as many as there were (0.03)."""
    n = 400
    owner = np.concatenate([np.arange(n), np.repeat(np.arange(n, 2 * n), 3)]).astype(np.int32)
    turn = find_turns(owner.astype(np.int64))
    start, end = np.full(len(owner), 23), np.where(turn == FOLLOWED, 23, 0)
    nothing = np.zeros(len(owner), np.int64)
    model = DatePatterns.fit(start, end, [nothing, nothing, nothing], turn, owner, 5)
    drawn = model.sample([nothing, nothing, nothing], turn, owner.astype(np.int64), np.random.default_rng(1), nothing > 0)
    assert (drawn[0] == 23).all()
    for one, over in ((ALONE, 0.0), (FOLLOWED, 1.0), (LAST, 0.0)):
        assert (drawn[1] == 23)[turn == one].mean() == pytest.approx(over, abs=0.03)


def test_few_events_go_on_though_their_starts_are_known_otherwise() -> None:
    """Planted: 3 of 60 starts known to the minute, and 3 of 60 known to the day, have no end; all six come back (1)."""
    start, end = np.repeat([26, 24], 60), np.full(120, 24)
    end[[0, 1, 2, 60, 61, 62]] = 0
    owner, nothing = np.arange(120), np.zeros(120, np.int64)
    model = DatePatterns.fit(start, end, [nothing, nothing, nothing], find_turns(owner), owner.astype(np.int32), 5)
    many = np.zeros(20 * 120, np.int64)
    drawn = model.sample([many, many, many], np.full(len(many), ALONE), np.arange(len(many)), np.random.default_rng(3), many > 0)
    assert (drawn[1] == 0).sum() / 20 == pytest.approx(6, abs=1)
    assert (drawn[0] == 26).mean() == pytest.approx(0.5, abs=0.03)
    assert set(drawn[0].tolist()) == {24, 26}
    assert set(drawn[1].tolist()) == {0, 24}

"""What was computed lately is not computed again, and takes no more memory than it may."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from replicator.recent import Recent, array_bytes
from replicator.tables.dates import Dates


def test_a_value_is_computed_once_while_there_is_room() -> None:
    known: Recent[str, int] = Recent()
    asked: list[str] = []
    for key in ("a", "b", "a", "a", "b"):
        assert known.get(key, lambda key=key: asked.append(key) or ord(key)) == ord(key)  # type: ignore[misc]
    assert asked == ["a", "b"]


def test_what_was_longest_not_asked_for_goes_first() -> None:
    known: Recent[str, np.ndarray] = Recent(most_bytes=24)
    made: list[str] = []

    def ask(key: str) -> None:
        known.get(key, lambda: made.append(key) or np.zeros(1))  # type: ignore[func-returns-value]

    for key in ("a", "b", "c", "a", "d"):  # room for three: b goes, which was asked for before a was again
        ask(key)
    made.clear()
    for key in ("a", "c", "d"):
        ask(key)
    assert made == []
    ask("b")
    assert made == ["b"]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 12)), max_size=40))
def test_what_is_kept_fits_but_for_the_last_and_nothing_goes_too_early(asked: list[tuple[int, int]]) -> None:
    known: Recent[int, np.ndarray] = Recent(most_bytes=200)
    there: list[tuple[int, int]] = []  # keys and cells, what was asked for last at the end
    for key, size in asked:
        former = [cells for other, cells in there if other == key]
        found = known.get(key, lambda size=size: np.zeros(size))  # type: ignore[misc]
        assert len(found) == (former[0] if former else size)
        there = [*(pair for pair in there if pair[0] != key), (key, len(found))]
        while sum(8 * cells for _, cells in there) > 200:
            there.pop(0)
        assert len(known) == len(there)


def test_what_is_outdated_is_computed_again_and_gives_its_room_back() -> None:
    known: Recent[str, np.ndarray] = Recent(most_bytes=16)
    known.get("a", lambda: np.zeros(1))
    known.get("b", lambda: np.zeros(1))
    known.forget("a".__eq__)
    assert len(known) == 1
    assert known.get("a", lambda: np.ones(1)).tolist() == [1.0]
    assert len(known) == 2


def test_bytes_of_values_are_those_of_their_arrays() -> None:
    assert array_bytes(Dates(np.zeros(3), np.zeros(3), np.zeros(3, np.int8))) == 51
    assert array_bytes((np.zeros(2), 7, "text")) == 16

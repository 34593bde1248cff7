"""Columns: codes, levels, and the other forms of a column that are made once."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from replicator.tables.dataset import Numbers, Text
from replicator.tables.spelling import is_number, spelled_numbers

CELLS = st.lists(st.one_of(st.none(), st.sampled_from(["", "b", "A", "a b", "é"])), max_size=30)
NUMBERS = st.lists(st.one_of(st.just(float("nan")), st.integers(-3, 3).map(float), st.just(1.25)), max_size=30)


@given(CELLS)
def test_text_gives_its_cells_back(cells: list[str | None]) -> None:
    """None and the empty text are missing; levels are used, distinct and sorted."""
    text = Text.of(cells)
    assert text.strings().tolist() == [cell or "" for cell in cells]
    assert text.levels.tolist() == sorted({cell for cell in cells if cell})
    assert text.missing.tolist() == [not cell for cell in cells]


def test_nan_in_place_of_a_text_is_missing() -> None:
    """As frames have it."""
    assert Text.of(np.array(["x", float("nan"), None, "x"], object)).codes.tolist() == [0, -1, -1, 0]


@given(CELLS, st.data())
def test_compact_columns_are_those_made_of_their_cells(cells: list[str | None], data: st.DataObject) -> None:
    """Unused levels go, the order of levels does not matter."""
    text = Text.of(cells)
    order = np.array(data.draw(st.permutations(range(len(text.levels)))), np.int64)
    moved = np.append(np.argsort(order), -1).astype(np.int32)[text.codes]
    shuffled = Text(moved, np.append(text.levels[order], "unused").astype(object))
    assert shuffled.compact().codes.tolist() == text.codes.tolist()
    assert shuffled.compact().levels.tolist() == text.levels.tolist()
    assert [shuffled.place[level] for level in shuffled.levels.tolist()] == list(range(len(shuffled.levels)))


@given(st.data())
def test_texts_laid_over_others_are_those_of_their_cells(data: st.DataObject) -> None:
    """Cell by cell as in a list, and each level stands once."""
    texts = st.sampled_from(["", "a", "b", "c", "É"])
    below = data.draw(st.lists(texts, min_size=1))
    rows = data.draw(st.lists(st.integers(0, len(below) - 1), unique=True))
    above = data.draw(st.lists(texts, min_size=len(rows), max_size=len(rows)))
    column = Text.of(below).overlaid(np.array(rows, np.intp), Text.of(above))
    for row, text in zip(rows, above, strict=True):
        below[row] = text
    assert column.strings().tolist() == below
    assert len(set(column.levels.tolist())) == len(column.levels)


@given(NUMBERS)
def test_codes_of_numbers(values: list[float]) -> None:
    """Codes find the numbers again; NaN is -1."""
    column = Numbers(np.array(values, np.float64))
    codes, distinct = column.coded
    np.testing.assert_array_equal(np.append(distinct.values, np.nan)[codes], column.values)
    assert (np.diff(distinct.values) > 0).all()


def test_numbers_to_nine_decimals() -> None:
    """Visit numbers that differ by floating noise are one."""
    assert Numbers(np.array([0.1 + 0.2, 0.3])).rounded.coded[0].tolist() == [0, 0]


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_are_read_as_they_are_spelled(value: float) -> None:
    """The shortest form of a number is read as that number, to the last bit."""
    assert is_number(repr(value))
    assert spelled_numbers([repr(value), f" {value!r} "]).tolist() == [value, value]

"""Narrow columns say what the columns say that they were made of, in fewer bytes."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicator.study_model.artifact.registry import KINDS
from replicator.study_model.artifact.state import from_state, to_state
from replicator.tables.dataset import Dataset, Numbers, Text, Variable
from replicator.tables.narrow import NarrowNumbers, NarrowText, narrowed

FLOATS = st.sampled_from([0.0, -0.0, 1.5, -7.0, float("nan"), 1e9 + 1 / 3])


def dataset(values: list[float], cells: list[str]) -> Dataset:
    variables = (Variable("N", type="num"), Variable("T"))
    return Dataset("XX", variables, {"N": Numbers(np.array(values, float)), "T": Text.of(cells)})


@given(st.lists(st.tuples(FLOATS, st.sampled_from(["", "a", "b", "NA"])), min_size=1, max_size=60), st.data())
def test_cells_are_the_same_bit_by_bit(cells: list[tuple[float, str]], data: st.DataObject) -> None:
    wide = dataset([number for number, _ in cells], [text for _, text in cells])
    narrow = narrowed(wide)
    rows = np.array(data.draw(st.lists(st.integers(0, len(cells) - 1), max_size=20)), np.intp)
    for one, other in ((wide, narrow), (wide.take(rows), narrow.take(rows))):
        assert np.array_equal(one["N"].values.view(np.int64), other["N"].values.view(np.int64))
        assert np.array_equal(one["N"].rounded.values, other["N"].rounded.values, equal_nan=True)
        texts = one["N"].text(), other["N"].text()
        assert texts[0].strings().tolist() == texts[1].strings().tolist() == other["N"].strings().tolist()
        assert texts[0].levels.tolist() == texts[1].levels.tolist()
        for left, right in zip(one["N"].coded, other["N"].coded, strict=True):
            left, right = (side.values if isinstance(side, Numbers) else side for side in (left, right))
            assert np.array_equal(left, right)
        assert one["T"].strings().tolist() == other["T"].strings().tolist()
        assert one["T"].compact().levels.tolist() == other["T"].compact().levels.tolist()
        assert other["T"].codes.dtype == np.int32
        for name in ("N", "T"):
            assert len(one[name]) == len(other[name])
            assert np.array_equal(one[name].missing, other[name].missing)


@pytest.mark.parametrize(("n_levels", "n_bytes"), [(3, 1), (128, 1), (129, 2), (32768, 2), (32769, 4)])
def test_codes_take_as_few_bytes_as_levels_need(n_levels: int, n_bytes: int) -> None:
    codes = np.arange(-1, n_levels, dtype=np.int32)
    column = NarrowText(codes, np.array([f"{i:05}" for i in range(n_levels)], object))
    assert np.array_equal(column.codes, codes)
    assert column.__dict__["_narrow"].nbytes == n_bytes * len(codes)


@pytest.mark.parametrize(("n_different", "n_bytes"), [(256, 1), (257, 2), (65536, 2)])
def test_numbers_of_which_few_differ_take_one_byte_or_two(n_different: int, n_bytes: int) -> None:
    values = np.tile(np.arange(n_different) / 8, 4)
    column = narrowed(Dataset("XX", (Variable("N", type="num"),), {"N": Numbers(values)}))["N"]
    assert isinstance(column, NarrowNumbers)
    assert np.array_equal(column.values, values)
    assert column.__dict__["_narrow"].nbytes == n_bytes * len(values)


def test_numbers_of_which_most_differ_stay() -> None:
    values = np.arange(65537 * 2) / 2
    for some in (values, values[:100]):
        given_column = Numbers(some)
        assert narrowed(Dataset("XX", (Variable("N", type="num"),), {"N": given_column}))["N"] is given_column


def test_narrow_columns_stay_the_same_objects() -> None:
    once = narrowed(dataset([1.0, 1.0, 2.0, 2.0] * 4, ["a", "b"] * 8))
    assert all(narrowed(once)[name] is once[name] for name in once.names)


def test_columns_of_a_narrow_study_can_be_sent_and_kept() -> None:
    narrow = narrowed(dataset([1.0, 1.0, 2.0, 2.0] * 4, ["a", "b"] * 8))
    sent = pickle.loads(pickle.dumps(narrow))
    kept = from_state(*to_state(narrow, KINDS), KINDS)
    for other in (sent, kept):
        assert np.array_equal(other["N"].values, narrow["N"].values)
        assert other["T"].strings().tolist() == narrow["T"].strings().tolist()

"""Models as plain data and back."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from enum import StrEnum
from typing import Any, Literal, Protocol

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from replicator.config import FitConfig
from replicator.errors import ArtifactError
from replicator.study_model.artifact.registry import KINDS, MODULES
from replicator.study_model.artifact.state import DTYPES, from_state, to_state
from replicator.study_model.artifact.state_types import hints_of
from replicator.tables.dataset import Text


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Shape(Protocol):
    kind: str

    def area(self) -> float: ...


@dataclass(frozen=True)
class Square:
    kind = "square"
    side: float

    def area(self) -> float:
        return self.side**2


@dataclass(frozen=True)
class Point:
    x: float


@dataclass(frozen=True)
class Later:
    name: str
    added: int = 3


@dataclass(frozen=True, eq=False)
class Everything:
    none: None
    maybe: int | None
    yes: bool
    whole: int
    real: float
    text: str
    several: tuple[float, ...]
    pair: tuple[str, int]
    by_name: Mapping[str, tuple[int, ...]]
    anything: Mapping[str, object]
    numbers: NDArray[np.float64]
    codes: NDArray[np.int32]
    mask: NDArray[np.bool_]
    column: Text
    colour: Colour
    choice: Literal["a", "b"]
    config: FitConfig
    shape: Shape
    parts: Mapping[str, Shape]


REGISTRY: dict[str, type] = {"everything": Everything, "square": Square, "point": Point, "fit config": FitConfig}


def everything(**changes: Any) -> Everything:
    values: dict[str, Any] = {
        "none": None,
        "maybe": None,
        "yes": True,
        "whole": 2**53,
        "real": math.inf,
        "text": 'Ünïcode ✓\n"\\',
        "several": (0.1, float("nan"), -math.inf),
        "pair": ("x", 3),
        "by_name": {"a/b ü": (1, 2), "": ()},
        "anything": {"$odd": [1, {"deep": [None, True]}], "plain": {"k": (1.5,)}},
        "numbers": np.arange(300.0).reshape(3, 100),
        "codes": np.array([1, -1], np.int32),
        "mask": np.zeros(0, bool),
        "column": Text.of(["b", None, "a"]),
        "colour": Colour.BLUE,
        "choice": "b",
        "config": FitConfig(k=7),
        "shape": Square(2.0),
        "parts": {"LB": Square(1.0)},
    }
    return Everything(**(values | changes))


def same(left: Any, right: Any) -> bool:
    if type(left) is not type(right):
        return False
    if isinstance(left, np.ndarray):
        return (
            left.dtype == right.dtype
            and left.shape == right.shape
            and bool(np.array_equal(left, right, equal_nan=left.dtype.kind == "f"))
        )
    if isinstance(left, tuple | list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict):
        return list(left) == list(right) and all(same(left[key], right[key]) for key in left)
    if isinstance(left, float):
        return left == right or (left != left and right != right)
    if is_dataclass(left):
        return all(same(getattr(left, f.name), getattr(right, f.name)) for f in fields(left))
    return bool(left == right)


def through(value: Any) -> Any:
    tree, arrays = to_state(value, REGISTRY)
    return from_state(json.loads(json.dumps(tree, allow_nan=False)), arrays, REGISTRY)


def test_everything_comes_back() -> None:
    """All that a model may hold survives JSON, with its type."""
    assert same(through(everything()), everything(anything={"$odd": [1, {"deep": [None, True]}], "plain": {"k": (1.5,)}}))


def test_state_is_stable() -> None:
    """Taking apart what was put together gives the same state, byte for byte."""
    tree, arrays = to_state(everything(), REGISTRY)
    again, others = to_state(through(everything()), REGISTRY)
    assert json.dumps(tree) == json.dumps(again)
    assert list(arrays) == list(others) == ["numbers"]


def test_names_of_arrays_are_paths_that_never_collide() -> None:
    """Keys that look alike once cleaned get numbers, also where letters differ only in case."""
    big = np.arange(100.0)
    tree = {"LB": {"a/b": big, "a b": big, "A_B": big}}
    names = list(to_state(tree, REGISTRY)[1])
    assert names[0] == "LB/a_b"
    assert len({name.casefold() for name in names}) == 3
    assert same(through(tree), tree)


@pytest.mark.parametrize("value", [{1: 2}, object(), 1j, np.array(["x"], object), np.array([1j]), {1, 2}, b"x"])
def test_what_cannot_be_kept_is_refused_with_its_path(value: Any) -> None:
    """Objects, sets, bytes, complex numbers and keys that are no text are refused before anything is written."""
    with pytest.raises(ArtifactError, match=r"^model\.part\.0"):
        to_state({"part": (value,)}, REGISTRY)


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("none", 0),
        ("maybe", "3"),
        ("yes", 1),
        ("whole", 1.5),
        ("whole", True),
        ("real", "1"),
        ("text", None),
        ("several", 5),
        ("several", [1.0, "x"]),
        ("pair", ["x", 3, 4]),
        ("by_name", {"a": [1.5]}),
        ("anything", [1]),
        ("numbers", {"$cells": [1], "dtype": "<i8", "shape": [1]}),
        ("codes", {"$cells": [1.0], "dtype": "<f8", "shape": [1]}),
        ("mask", [True]),
        ("column", ["a"]),
        ("colour", "green"),
        ("choice", "c"),
        ("config", {"$kind": "square", "side": 1.0}),
        ("config", {"$kind": "fit config", "k": -1}),
        ("shape", {"$kind": "point", "x": 1.0}),
        ("shape", "square"),
        ("parts", {"LB": 3}),
    ],
)
def test_a_value_of_another_type_is_refused(field: str, wrong: Any) -> None:
    """What is loaded is checked against what the class declares."""
    tree, arrays = to_state(everything(), REGISTRY)
    tree[field] = wrong
    with pytest.raises(ArtifactError, match=rf"^model(\.{field})?"):
        from_state(tree, arrays, REGISTRY)


@pytest.mark.parametrize(
    "tree",
    [
        {"$kind": "os.system", "command": "x"},
        {"$kind": ["square"], "side": 1.0},
        {"$kind": "square"},
        {"$kind": "square", "side": 1.0, "more": 1},
        {"$float": "1e999"},
        {"$float": "nan", "more": 1},
        {"$array": "../x"},
        {"$array": 3},
        {"$unknown": 1},
        {"$list": "abc"},
        {"$dict": [["a"]]},
        {"$dict": {"a": 1}},
        {"$cells": [1], "dtype": "|O", "shape": [1]},
        {"$cells": [1], "dtype": "<i8", "shape": [2]},
        {"$cells": [1], "dtype": "<i8", "shape": [-1]},
        {"$cells": [10**30], "dtype": "<i8", "shape": [1]},
        {"$cells": [300], "dtype": "|u1", "shape": [1]},
        {"$cells": ["x"], "dtype": "<f8", "shape": [1]},
        {"$cells": [1.0] * 65, "dtype": "<f8", "shape": [65]},
        {"$text": ["a"], "codes": {"$cells": [1], "dtype": "<i4", "shape": [1]}},
        {"$text": ["a", "a"], "codes": {"$cells": [1], "dtype": "<i4", "shape": [1]}},
        {"$text": [""], "codes": {"$cells": [0], "dtype": "<i4", "shape": [1]}},
        {"$text": [1], "codes": {"$cells": [0], "dtype": "<i4", "shape": [1]}},
        {"$text": ["a"], "codes": {"$cells": [0], "dtype": "<i8", "shape": [1]}},
        {"$text": ["a"], "codes": None},
    ],
)
def test_a_malicious_tree_is_refused(tree: Any) -> None:
    """Unknown kinds, marks that hold something else, arrays of objects, codes outside their levels."""
    with pytest.raises(ArtifactError):
        from_state(tree, {}, REGISTRY)


def test_a_field_with_a_default_may_be_missing() -> None:
    """A file of an older version lacks fields that came later; they take their defaults."""
    tree, _ = to_state(Later("x", 5), REGISTRY | {"later": Later})
    del tree["added"]
    assert from_state(tree, {}, {"later": Later}) == Later("x")
    del tree["name"]
    with pytest.raises(ArtifactError, match=r"fields too many or too few \('name'\)"):
        from_state(tree, {}, {"later": Later})


def test_deep_nesting_is_refused() -> None:
    """A tree nested thousands deep is one sentence and no crash."""
    tree: Any = 1
    for _ in range(500):
        tree = [tree]
    with pytest.raises(ArtifactError, match="nested deeper"):
        from_state(tree, {}, REGISTRY)


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.lists(inner, max_size=4).map(tuple) | st.dictionaries(st.text(), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(plain)
@settings(max_examples=150)
def test_plain_values_come_back(value: Any) -> None:
    """Any nesting of plain values survives, NaN and keys with dollar signs among them."""
    assert same(through(value), value)


@given(
    st.sampled_from(DTYPES).flatmap(
        lambda d: hnp.arrays(np.dtype(d), hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=9))
    )
)
@settings(max_examples=150)
def test_arrays_come_back(array: NDArray[Any]) -> None:
    """Arrays of all types and shapes survive, inline or not, NaN and infinities included."""
    assert same(through((array,))[0], array)


@given(st.lists(st.none() | st.text(min_size=1), max_size=80))
@settings(max_examples=80)
def test_text_columns_come_back(values: list[str | None]) -> None:
    """Codes and levels survive, unused levels too."""
    column = Text.of(values).take(np.arange(len(values) // 2))
    back = through((column,))[0]
    assert back.levels.tolist() == column.levels.tolist() and back.codes.tolist() == column.codes.tolist()


def test_types_of_all_registered_classes_can_be_resolved() -> None:
    """Checks need the types of all fields; a class whose types cannot be resolved could not be loaded."""
    for kind, cls in KINDS.items():
        if not issubclass(cls, FitConfig):
            assert hints_of(cls), kind


def test_every_class_with_a_kind_is_registered() -> None:
    """A model class that nobody has registered would be found out only when a user saves."""
    import importlib
    import pkgutil

    import replicator.models
    import replicator.study_model

    for package in (replicator.models, replicator.study_model):
        for entry in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            module = importlib.import_module(entry.name)
            for cls in vars(module).values():
                if isinstance(cls, type) and is_dataclass(cls) and cls.__module__ == module.__name__ and "kind" in vars(cls):
                    assert cls in KINDS.values(), f"{cls.__module__}.{cls.__name__} is not in study_model/artifact/registry.py"
    assert len(MODULES) == len(set(MODULES))

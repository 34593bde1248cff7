"""States of models as the tests look at them: bytes to compare, texts and numbers to search."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from replicator.study_model.artifact.registry import KINDS
from replicator.study_model.artifact.state import from_state, to_state


def state_bytes(value: object) -> bytes:
    """Everything that a model file would hold of a model."""
    tree, arrays = to_state(value, KINDS)
    parts = [json.dumps(tree, allow_nan=False).encode()]
    for name in arrays:
        parts += [name.encode(), arrays[name].dtype.str.encode(), str(arrays[name].shape).encode(), arrays[name].tobytes()]
    return b"\x00".join(parts)


def reloaded(value: object) -> Any:
    """Take a model through its state as JSON."""
    tree, arrays = to_state(value, KINDS)
    return from_state(json.loads(json.dumps(tree)), arrays, KINDS)


def kinds_in(tree: Any) -> set[str]:
    """Kinds of all registered objects in the tree of a state."""
    if isinstance(tree, dict):
        own = {tree["$kind"]} if "$kind" in tree else set()
        return own.union(*(kinds_in(item) for item in tree.values()))
    return set().union(*(kinds_in(item) for item in tree)) if isinstance(tree, list) else set()


def texts_in(tree: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """All texts in the tree of a state, keys included, with the path to each."""
    if isinstance(tree, dict):
        for key, item in tree.items():
            yield path, key
            yield from texts_in(item, f"{path}/{key}")
    elif isinstance(tree, list):
        for item in tree:
            yield from texts_in(item, path)
    elif isinstance(tree, str):
        yield path, tree


def numbers_in(value: object) -> NDArray[np.float64]:
    """All numbers of a state, those in arrays included."""
    tree, arrays = to_state(value, KINDS)
    found = [np.asarray(list(_numbers(tree)), np.float64)]
    found += [array.astype(np.float64).ravel() for array in arrays.values()]
    return np.concatenate(found)


def _numbers(tree: Any) -> Iterator[float]:
    if isinstance(tree, dict):
        for item in tree.values():
            yield from _numbers(item)
    elif isinstance(tree, list):
        for item in tree:
            yield from _numbers(item)
    elif isinstance(tree, int | float):
        yield float(tree)

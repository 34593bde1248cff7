"""A model as plain data: a tree for JSON and named arrays, and back; what is loaded is checked against the types of the classes.

A model is a tree of frozen dataclasses. The tree of its state is JSON throughout:

==============================  ====================================================================================
value                           state
==============================  ====================================================================================
None, bool, int, str            itself
float                           itself; ``{"$float": "nan"}``, ``"inf"``, ``"-inf"``
tuple · list                    ``[...]`` · ``{"$list": [...]}``
dict with str keys              an object; ``{"$dict": [[key, value], ...]}`` if a key begins with ``$``
numpy array of up to 64 cells   ``{"$cells": [...], "dtype": "<f8", "shape": [...]}``, non-finite cells as texts
larger numpy array              ``{"$array": "LB/levels/ALT/value"}``, and the array under that name
Text                            ``{"$text": [levels], "codes": array}``
StrEnum                         its text; the field's type makes it an enumeration again
dataclass, FitConfig            ``{"$kind": "quantile marginal", field: value, ...}``, the kind as in the registry
==============================  ====================================================================================
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ValidationError

from replicator.errors import ArtifactError, ReplicatorError
from replicator.study_model.artifact.state_types import checked, hints_of, is_possible, required
from replicator.tables.dataset import Text

Json: TypeAlias = Any  # None, bool, int, float, str, list and dict, nested
Arrays: TypeAlias = dict[str, NDArray[Any]]
Registry: TypeAlias = Mapping[str, type]

INLINE_CELLS = 64
MOST_OF_A_SIDE = 1 << 31  # of an array without cells, which may be long on its other side
DEEPEST = 60
DTYPES = ("|b1", "|i1", "|u1", "<i2", "<u2", "<i4", "<u4", "<i8", "<u8", "<f4", "<f8")


def to_state(value: object, registry: Registry) -> tuple[Json, Arrays]:
    """Take a model apart.

    Parameters
    ----------
    value : object
        A registered dataclass, or anything of the table above.
    registry : mapping of str to type
        Classes by kind.

    Returns
    -------
    tree : JSON
    arrays : dict of str to array
        By readable path.

    Raises
    ------
    ArtifactError
        If something in the model cannot be kept; the message names its path.
    """
    writer = _Writer({cls: kind for kind, cls in registry.items()})
    return writer.state(value, ()), writer.arrays


class _Writer:
    def __init__(self, kinds: Mapping[type, str]) -> None:
        self.kinds = kinds
        self.arrays: Arrays = {}
        self.taken: set[str] = set()  # names, letters of either case being one to some file systems

    def state(self, value: object, path: tuple[str, ...]) -> Json:
        if isinstance(value, Enum):
            return self.state(value.value, path)
        if value is None or isinstance(value, bool | int | str):
            return value
        if isinstance(value, np.bool_ | np.integer):
            return value.item()
        if isinstance(value, float | np.floating):
            return float(value) if math.isfinite(value) else {"$float": str(float(value))}
        if isinstance(value, tuple):
            return [self.state(item, (*path, str(i))) for i, item in enumerate(value)]
        if isinstance(value, list):
            return {"$list": [self.state(item, (*path, str(i))) for i, item in enumerate(value)]}
        if isinstance(value, Mapping):
            return self.mapping(value, path)
        if isinstance(value, np.ndarray):
            return self.array(value, path)
        if isinstance(value, Text):
            levels = [str(level) for level in value.levels.tolist()]
            return {"$text": levels, "codes": self.array(value.codes, (*path, "codes"))}
        kind = next((self.kinds[cls] for cls in type(value).__mro__ if cls in self.kinds), None)
        if kind is None:
            raise ArtifactError(f"{_shown(path)}: a {type(value).__name__} cannot be kept in a model file; register its class.")
        return {"$kind": kind} | {name: self.state(item, (*path, name)) for name, item in _members(value)}

    def mapping(self, value: Mapping[Any, object], path: tuple[str, ...]) -> Json:
        for key in value:
            if not isinstance(key, str):
                raise ArtifactError(f"{_shown(path)}: key {key!r} of a mapping is no text; model files keep texts as keys only.")
        items = [(str(key), self.state(item, (*path, str(key)))) for key, item in value.items()]
        if any(key.startswith("$") for key, _ in items):
            return {"$dict": [[key, item] for key, item in items]}
        return dict(items)

    def array(self, value: NDArray[Any], path: tuple[str, ...]) -> Json:
        kept = np.ascontiguousarray(value).reshape(value.shape)
        kept = kept.astype(kept.dtype.newbyteorder("<"), copy=False)
        if kept.dtype.str not in DTYPES:
            raise ArtifactError(
                f"{_shown(path)}: an array of {value.dtype} cannot be kept in a model file; use bool, int or float."
            )
        if kept.size <= INLINE_CELLS:
            cells = [cell if not isinstance(cell, float) or math.isfinite(cell) else str(cell) for cell in kept.ravel().tolist()]
            return {"$cells": cells, "dtype": kept.dtype.str, "shape": list(kept.shape)}
        stem = "/".join(re.sub(r"[^A-Za-z0-9_-]+", "_", step)[:40] or "_" for step in path) or "_"
        name, count = stem, 1
        while name.casefold() in self.taken:
            count += 1
            name = f"{stem}~{count}"
        self.taken.add(name.casefold())
        self.arrays[name] = kept
        return {"$array": name}


def _members(value: object) -> list[tuple[str, object]]:
    if isinstance(value, BaseModel):
        return list(value.model_dump().items())
    assert is_dataclass(value)
    return [(field.name, getattr(value, field.name)) for field in fields(value)]


def _shown(path: tuple[str, ...]) -> str:
    steps = [step if len(step) <= 40 else step[:37] + "..." for step in path[:12]]
    return "model" + "".join(f".{step if step.isprintable() else ascii(step)}" for step in steps)


def from_state(tree: Json, arrays: Mapping[str, NDArray[Any]], registry: Registry) -> Any:
    """Put a model together again; the inverse of :func:`to_state`.

    Raises
    ------
    ArtifactError
        If a kind is unknown, a field is missing or left over, or a value is not of the type that its class declares or cannot be
        what its name says.
    """
    return _Reader(arrays, registry).value(tree, ())


_PLAIN = {str, int, float, bool, type(None)}  # of JSON, in which nothing else can be


_CELLS: dict[str, set[type]] = {"f": {float, str}, "b": {bool}}  # of arrays in JSON, by the kind of their type


class _Reader:
    def __init__(self, arrays: Mapping[str, NDArray[Any]], registry: Registry) -> None:
        self.arrays = arrays
        self.registry = registry

    def fail(self, path: tuple[str, ...], what: str) -> ArtifactError:
        return ArtifactError(f"{_shown(path)}: {what}; the model file is damaged or was made by another version.")

    def value(self, tree: Json, path: tuple[str, ...]) -> Any:
        if len(path) > DEEPEST:
            raise self.fail(path[:5], f"nested deeper than {DEEPEST} levels")
        if isinstance(tree, list):
            if {*map(type, tree)} <= _PLAIN:
                return tuple(tree)
            return tuple(self.value(item, (*path, str(i))) for i, item in enumerate(tree))
        if not isinstance(tree, dict):
            return tree
        marks = [key for key in tree if key.startswith("$")]
        if not marks:
            return {key: self.value(item, (*path, key)) for key, item in tree.items()}
        mark = marks[0]
        if mark == "$kind":
            return self.instance(tree, path)
        expected = {"$cells": {"$cells", "dtype", "shape"}, "$text": {"$text", "codes"}}.get(mark, {mark})
        if set(tree) != expected:
            raise self.fail(path, f"unexpected entries beside {ascii(mark)[:40]}")
        return self.marked(mark, tree, path)

    def marked(self, mark: str, tree: dict[str, Json], path: tuple[str, ...]) -> Any:
        content = tree[mark]
        if mark == "$float" and content in ("nan", "inf", "-inf"):
            return float(content)
        if mark == "$list" and isinstance(content, list):
            return [self.value(item, (*path, str(i))) for i, item in enumerate(content)]
        if mark == "$dict" and isinstance(content, list):
            return self.pairs(content, path)
        if mark == "$array" and isinstance(content, str) and content in self.arrays:
            return self.arrays[content]
        if mark == "$cells":
            return self.cells(tree, path)
        if mark == "$text":
            return self.text(tree, path)
        raise self.fail(path, f"{ascii(mark)[:40]} with a value that it cannot have")

    def pairs(self, content: list[Json], path: tuple[str, ...]) -> dict[str, Any]:
        for pair in content:
            if not (isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str)):
                raise self.fail(path, "$dict holds something else than pairs")
        return {pair[0]: self.value(pair[1], (*path, pair[0])) for pair in content}

    def cells(self, tree: dict[str, Json], path: tuple[str, ...]) -> NDArray[Any]:
        cells, dtype, shape = tree["$cells"], tree["dtype"], tree["shape"]
        if dtype not in DTYPES or not isinstance(cells, list) or len(cells) > INLINE_CELLS:
            raise self.fail(path, "an array of unknown type")
        if not (isinstance(shape, list) and len(shape) <= 8 and all(type(n) is int and 0 <= n <= MOST_OF_A_SIDE for n in shape)):
            raise self.fail(path, "an array of impossible shape")
        found = {*map(type, cells)}
        wanted = _CELLS.get(np.dtype(dtype).kind, {int})
        if math.prod(shape) != len(cells) or not found <= wanted:
            raise self.fail(path, "an array whose cells do not fit its type or shape")
        if str in found:
            if any(isinstance(cell, str) and cell not in ("nan", "inf", "-inf") for cell in cells):
                raise self.fail(path, "an array with a text that is no number")
            cells = [float(cell) if isinstance(cell, str) else cell for cell in cells]
        try:
            return np.array(cells, dtype=dtype).reshape(shape)
        except (OverflowError, ValueError) as error:
            raise self.fail(path, "an array whose cells do not fit its type or shape") from error

    def text(self, tree: dict[str, Json], path: tuple[str, ...]) -> Text:
        levels, codes = tree["$text"], self.value(tree["codes"], (*path, "codes"))
        if not (isinstance(levels, list) and all(isinstance(level, str) and level for level in levels)):
            raise self.fail(path, "a text column whose levels are no texts")
        if len(set(levels)) != len(levels):
            raise self.fail(path, "a text column with a level twice")
        if not (isinstance(codes, np.ndarray) and codes.dtype == np.int32 and codes.ndim == 1):
            raise self.fail(path, "a text column without codes")
        if codes.size and (int(codes.min()) < -1 or int(codes.max()) >= len(levels)):
            raise self.fail(path, "a text column with codes outside its levels")
        return Text(codes, np.array(levels, dtype=object))

    def instance(self, tree: dict[str, Json], path: tuple[str, ...]) -> Any:
        kind = tree["$kind"]
        cls = self.registry.get(kind) if isinstance(kind, str) else None
        if cls is None:
            raise self.fail(path, f"the kind {ascii(kind)[:60]} is not known to this version")
        given = {name: self.value(item, (*path, name)) for name, item in tree.items() if name != "$kind"}
        if issubclass(cls, BaseModel):
            try:
                return cls(**given)
            except ValidationError as error:
                raise self.fail(path, f"{kind} with settings out of their bounds") from error
        hints = hints_of(cls)
        odd_names = (set(given) - set(hints)) | (required(cls) - set(given))
        if odd_names:
            odd = ", ".join(ascii(name)[:40] for name in sorted(odd_names)[:5])
            raise self.fail(path, f"{kind} has fields too many or too few ({odd})")
        ready = {name: checked(item, hints[name]) for name, item in given.items()}
        wrong = [name for name, (fits, _) in ready.items() if not fits]
        if wrong:
            raise self.fail((*path, wrong[0]), f"not what {kind} holds there")
        impossible = [name for name, (_, item) in ready.items() if not is_possible(name, item)]
        if impossible:
            raise self.fail((*path, impossible[0]), "a count below 0, or a share or correlation that is no number")
        try:
            return cls(**{name: item for name, (_, item) in ready.items()})
        except ReplicatorError as error:
            raise self.fail(path, f"{kind} refuses its values ({str(error)[:200].rstrip('.')})") from error
        except (ValueError, TypeError, KeyError, IndexError) as error:
            raise self.fail(path, f"the values of this {kind} do not fit together") from error

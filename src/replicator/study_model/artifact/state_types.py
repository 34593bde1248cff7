"""Checks of loaded values against the types that a class declares for its fields."""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np
from pydantic import BaseModel

from replicator.tables.dataset import Text

NUMBERS_ONLY = ("cumulative", "arm_share", "weekday", "loadings", "unique")  # shares to draw by, and correlations

_HINTS: dict[type, dict[str, Any]] = {}  # resolving is slow, and classes do not change
_REQUIRED: dict[type, set[str]] = {}
_PARTS: dict[int, tuple[Any, Any, tuple[Any, ...]]] = {}  # a type, its origin and its arguments, by its identity


def hints_of(cls: type) -> dict[str, Any]:
    """Return the types of a dataclass's fields, resolved, by name."""
    if cls not in _HINTS:
        resolved = get_type_hints(cls)
        _HINTS[cls] = {field.name: resolved[field.name] for field in fields(cls)} if is_dataclass(cls) else {}
    return _HINTS[cls]


def required(cls: type) -> set[str]:
    """Name the fields of a dataclass that have no default; those with one may be missing in files of older versions."""
    if cls not in _REQUIRED:
        own = fields(cls) if is_dataclass(cls) else ()
        _REQUIRED[cls] = {field.name for field in own if field.default is MISSING and field.default_factory is MISSING}
    return _REQUIRED[cls]


def checked(value: Any, hint: Any) -> tuple[bool, Any]:
    """Tell whether a value fits a type, and return it (texts become members of the enumeration that the type asks for).

    Types that say little (``object``, ``Any``, type variables) accept plain data only as far as it was read.
    """
    known = _PARTS.get(id(hint))
    if known is None:
        known = _PARTS[id(hint)] = hint, get_origin(hint), get_args(hint)
    _, origin, arguments = known
    if hint is Any or hint is object or isinstance(hint, TypeVar):
        return True, value
    if hint is None or hint is type(None):
        return value is None, value
    if origin is Union or origin is types.UnionType:
        return next((found for found in (checked(value, option) for option in arguments) if found[0]), (False, value))
    if origin is Literal:
        return any(type(value) is type(option) and value == option for option in arguments), value
    if origin is np.ndarray or hint is np.ndarray:
        return _is_array(value, arguments), value
    if origin is tuple:
        return _checked_tuple(value, arguments)
    if origin is list or origin is Sequence:
        found = [checked(item, arguments[0]) for item in value] if isinstance(value, list | tuple) else [(False, None)]
        same = value if origin is Sequence and isinstance(value, tuple) else None
        items = [item for _, item in found]
        return all(fits for fits, _ in found), tuple(items) if same is not None else items
    if origin is dict or origin is Mapping or (isinstance(origin, type) and issubclass(origin, Mapping)):
        return _checked_mapping(value, arguments)
    return _checked_class(value, origin or hint)


def is_possible(name: str, value: object) -> bool:
    """Tell whether a field's value can be what its name says.

    All models call what they counted ``n`` or ``n_...``, which is not negative, and shares and correlations as in `NUMBERS_ONLY`,
    which are numbers throughout. Other arrays may hold NaN where there is nothing to hold.
    """
    if name == "n" or name.startswith("n_"):
        return not isinstance(value, int) or value >= 0
    return name not in NUMBERS_ONLY or not isinstance(value, np.ndarray) or bool(np.isfinite(value).all())


def _checked_class(value: Any, cls: Any) -> tuple[bool, Any]:
    if not isinstance(cls, type):
        return False, value
    if issubclass(cls, Enum):
        fits = any(type(value) is type(member.value) and value == member.value for member in cls)
        return fits, cls(value) if fits else value
    if cls is float:
        return type(value) in (float, int), float(value) if type(value) is int and abs(value) < 2**53 else value
    if cls in (bool, int, str, tuple, dict, list):
        return type(value) is cls, value
    if getattr(cls, "_is_protocol", False):
        return is_dataclass(value) and all(hasattr(value, name) for name in _protocol_members(cls)), value
    if cls is Text or is_dataclass(cls) or issubclass(cls, BaseModel):
        return isinstance(value, cls), value
    return cls is Mapping and isinstance(value, dict), value


def _protocol_members(cls: Any) -> tuple[str, ...]:
    return tuple(name for name in {**vars(cls), **vars(cls).get("__annotations__", {})} if not name.startswith("_"))


def _is_array(value: Any, arguments: Sequence[Any]) -> bool:
    """Tell whether a value is an array of the type that ``NDArray[...]`` names."""
    if not isinstance(value, np.ndarray):
        return False
    inner = get_args(arguments[1]) if len(arguments) > 1 else ()
    wanted = inner[0] if inner else None
    options = get_args(wanted) if get_origin(wanted) in (Union, types.UnionType) else (wanted,)
    return any(
        option is None or not isinstance(option, type) or not issubclass(option, np.generic) or np.issubdtype(value.dtype, option)
        for option in options
    )


def _checked_tuple(value: Any, arguments: Sequence[Any]) -> tuple[bool, Any]:
    if not isinstance(value, tuple):
        return False, value
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        if arguments[0] in (str, int, float, bool) and {*map(type, value)} <= {arguments[0]}:
            return True, value
        found = [checked(item, arguments[0]) for item in value]
    elif len(arguments) == len(value):
        found = [checked(item, hint) for item, hint in zip(value, arguments, strict=True)]
    else:
        return False, value
    return all(fits for fits, _ in found), tuple(item for _, item in found)


def _checked_mapping(value: Any, arguments: Sequence[Any]) -> tuple[bool, Any]:
    if not isinstance(value, dict):
        return False, value
    if not arguments:
        return True, value
    keys = [checked(key, arguments[0]) for key in value]
    items = [checked(item, arguments[1]) for item in value.values()]
    fits = all(ok for ok, _ in keys) and all(ok for ok, _ in items)
    return fits, {key: item for (_, key), (_, item) in zip(keys, items, strict=True)}

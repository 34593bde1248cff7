"""Frozen dataclasses to JSON text and back, checked field by field on the way in."""

from __future__ import annotations

import json
import math
import sys
import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from replicator.errors import ReadError

T = TypeVar("T")
_hints = cache(get_type_hints)


def to_json_text(value: object) -> str:
    """Write a dataclass as JSON, keys in the order of its fields."""
    return json.dumps(to_plain(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def from_json_text(kind: type[T], text: str, newest: int) -> T:
    """Read what :func:`to_json_text` wrote for a dataclass that has a field ``format``.

    Raises
    ------
    ReadError
        If the text is no JSON, does not fit the dataclass, or has a format newer than `newest`.
    """
    try:
        plain = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ReadError(
            f"The text is no {kind.__name__}: it is not JSON ({error}); give a file that this package wrote."
        ) from error
    written = plain.get("format") if isinstance(plain, dict) else None
    if not isinstance(written, int):
        raise ReadError(f"The JSON is no {kind.__name__}: it has no format number; give a file that this package wrote.")
    if written > newest:
        raise ReadError(f"The {kind.__name__} has format {written} and this version reads up to {newest}; update the package.")
    return cast(T, from_plain(kind, plain, kind.__name__))


def to_plain(value: object) -> object:
    """Turn dataclasses, tuples, mappings and numbers into what JSON holds; a number that is not finite becomes ``None``."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [to_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value) if isinstance(value, StrEnum) else value


def from_plain(kind: Any, plain: Any, where: str) -> Any:
    """Rebuild a value of an annotated type from what JSON held; ``None`` where a number is due is NaN.

    Raises
    ------
    ReadError
        Names the field that does not fit.
    """
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        if plain is None and type(None) in inner:
            return None
        return from_plain(next(option for option in inner if option is not type(None)), plain, where)
    if is_dataclass(kind) and isinstance(kind, type):
        return _dataclass(kind, plain, where)
    if origin is tuple and isinstance(plain, list):
        if len(inner) == 2 and inner[1] is Ellipsis:
            return tuple(from_plain(inner[0], item, f"{where}[{i}]") for i, item in enumerate(plain))
        if len(inner) == len(plain):
            return tuple(from_plain(option, item, where) for option, item in zip(inner, plain, strict=True))
    if origin is Mapping and isinstance(plain, dict):
        return {key: from_plain(inner[1], item, f"{where}.{key}") for key, item in plain.items()}
    if isinstance(kind, type) and issubclass(kind, StrEnum) and plain in list(kind):
        return kind(plain)
    if kind is float and plain is None:
        return math.nan
    if kind is float and isinstance(plain, (int, float)) and not isinstance(plain, bool) and abs(plain) <= sys.float_info.max:
        return float(plain)
    if kind in (str, int, bool) and type(plain) is kind:
        return plain
    raise ReadError(f"{where} does not hold what belongs there; give a file that this package wrote.")


def _dataclass(kind: type, plain: Any, where: str) -> Any:
    if not isinstance(plain, dict):
        raise ReadError(f"{where} is not a record; give a file that this package wrote.")
    hints = _hints(kind)
    known = {field.name for field in fields(kind)}
    try:
        return kind(**{name: from_plain(hints[name], plain[name], f"{where}.{name}") for name in plain if name in known})
    except TypeError as error:
        raise ReadError(f"{where} lacks fields ({error}); give a file that this package wrote.") from error

"""Where in a model something went wrong: the path of the value that could not do its work."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from traceback import walk_tb


def failed_at(model: object, error: BaseException) -> str:
    """Find the innermost value of a model that was at work when an error was raised.

    Parameters
    ----------
    model : dataclass
        A tree of dataclasses, mappings and tuples.
    error : BaseException
        With its traceback.

    Returns
    -------
    str
        Its path, such as ``parts.AE.catalogue``; ``""`` if none was at work but the model itself.
    """
    paths = {id(value): path for path, value in _values(model, ())}
    found = ""
    for frame, _ in walk_tb(error.__traceback__):
        path = paths.get(id(frame.f_locals.get("self")))
        found = ".".join(path) if path else found
    return found


def _values(value: object, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], object]]:
    """Yield each dataclass of a tree with the steps that lead to it."""
    if is_dataclass(value) and not isinstance(value, type):
        yield path, value
        for field in fields(value):
            yield from _values(getattr(value, field.name), (*path, field.name))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _values(item, (*path, str(key)))
    elif isinstance(value, tuple):
        for i, item in enumerate(value):
            yield from _values(item, (*path, str(i)))

"""Where in a model something went wrong: the path of the value that could not do its work, and the file that is to blame."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from traceback import walk_tb

from replicator.errors import ArtifactError, ReplicatorError


@contextmanager
def blamed(model: object, origin: str) -> Iterator[None]:
    """Say of a model that was read from a file, and cannot do what every model can, that the file is the reason.

    Parameters
    ----------
    model : dataclass
        At work within the context.
    origin : str
        The file; empty if the model comes from none, and errors are our own.

    Raises
    ------
    ArtifactError
        In the place of an error that is none of the error tree, nor of the system.
    """
    try:
        yield
    except (ReplicatorError, OSError, MemoryError):
        raise
    except Exception as error:
        if not origin:
            raise
        place = failed_at(model, error)
        raise ArtifactError(
            f"{origin}: its parts do not fit together{f', in model.{place}' if place else ''}; get the file again from "
            "where it was made, or fit the study anew (REPLICATOR_TRACEBACK=1 shows where it failed)."
        ) from error


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

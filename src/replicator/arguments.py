"""What a caller hands to a verb: refused in one sentence if it is of another type or out of its bounds."""

from __future__ import annotations

import os
from numbers import Integral

from replicator.errors import ReplicatorError
from replicator.locations import Location, ObjectLocation, located

MOST_SUBJECTS = 10**9  # of one sample; its files would fill a disk before that
MOST_WORKERS = 256


def check_whole(
    value: object, what: str, error: type[ReplicatorError], *, least: int, most: int | None = None, remedy: str = ""
) -> None:
    """Refuse what is no whole number between two bounds; a truth value is none, whatever Python makes of it.

    Parameters
    ----------
    value : object
        What was given.
    what : str
        What it stands for, as the beginning of a sentence.
    error : type of ReplicatorError
        What is raised.
    least, most : int
        Bounds that are permitted themselves; None for no upper one.
    remedy : str
        What to do instead of asking for more than `most`.

    Examples
    --------
    >>> from replicator.errors import SampleError
    >>> check_whole(7, "The seed", SampleError, least=0)
    >>> check_whole("2", "The number of workers", SampleError, least=1, most=8)
    Traceback (most recent call last):
        ...
    replicator.errors.SampleError: The number of workers is '2' and no whole number; give one from 1 to 8.
    """
    bounds = f"from {least} up" if most is None else f"from {least:,} to {most:,}"
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise error(f"{what} is {shown(value)} and no whole number; give one {bounds}.")
    if int(value) < least:
        raise error(f"{what} is {shown(value)}, which is too low; give one {bounds}.")
    if most is not None and int(value) > most:
        raise error(f"{what} is {shown(value)}, which is too high; give one {bounds}{f', {remedy}' if remedy else ''}.")


def check_path(value: object, what: str, error: type[ReplicatorError]) -> Location:
    """Tell where something lies, and refuse what is no path; `what` says what lies there, for example ``a model file``."""
    if not isinstance(value, str | os.PathLike | ObjectLocation):
        raise error(f"{_beginning(value)} is no path of {what}; give a text or a Path.")
    return located(value, error)


def check_instance(value: object, wanted: type | tuple[type, ...], what: str, error: type[ReplicatorError], remedy: str) -> None:
    """Refuse what is of another class; `what` names that class, for example ``Study``, and `remedy` says where one comes from."""
    if not isinstance(value, wanted):
        raise error(f"{_beginning(value)} is no {what}; {remedy}.")


def shown(value: object) -> str:
    """Show a value in a sentence: None, numbers and short texts themselves, all else by its class.

    Examples
    --------
    >>> shown(None), shown("2"), shown([1, 2]), shown(10**300)
    ('None', "'2'", 'a list', 'about 2**997')
    """
    if isinstance(value, int) and value.bit_length() > 128:
        return f"about 2**{value.bit_length()}"
    plain = value is None or isinstance(value, int | float) or (isinstance(value, str) and len(value) <= 60)
    return repr(value) if plain else f"a {type(value).__name__}"


def _beginning(value: object) -> str:
    said = shown(value)
    return said[:1].upper() + said[1:]

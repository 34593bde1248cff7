"""What was computed lately and may be asked for again, as long as it takes no more memory than it is worth."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import fields, is_dataclass
from typing import Generic, TypeVar

import numpy as np

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")

MOST_BYTES = 1 << 27  # columns of a hundred thousand rows by the hundred, of ten million one or two


class Recent(Generic[Key, Value]):
    """Values by key; what was longest not asked for goes once all take more than `most_bytes`.

    Parameters
    ----------
    most_bytes : int
        Bytes of the arrays that are kept; the value that was asked for last is kept however large it is.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self.most_bytes = most_bytes
        self._known: dict[Key, tuple[Value, int]] = {}
        self._bytes = 0

    def get(self, key: Key, compute: Callable[[], Value]) -> Value:
        """Return what is known under a key, else compute and keep it."""
        found = self._known.pop(key, None)
        if found is None:
            value = compute()
            found = value, array_bytes(value)
            self._bytes += found[1]
        self._known[key] = found
        while self._bytes > self.most_bytes and len(self._known) > 1:
            self._bytes -= self._known.pop(next(iter(self._known)))[1]
        return found[0]

    def forget(self, outdated: Callable[[Key], bool]) -> None:
        """Drop the values whose keys are outdated."""
        for key in [key for key in self._known if outdated(key)]:
            self._bytes -= self._known.pop(key)[1]

    def __len__(self) -> int:
        return len(self._known)


def array_bytes(value: object) -> int:
    """Bytes of the arrays in a value: an array, or tuples and dataclasses of such."""
    if isinstance(value, np.ndarray):
        return value.nbytes
    if isinstance(value, tuple):
        return sum(array_bytes(item) for item in value)
    if is_dataclass(value) and not isinstance(value, type):
        return sum(array_bytes(getattr(value, field.name)) for field in fields(value))
    return 0

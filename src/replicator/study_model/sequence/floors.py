"""Days before which rows of a tuple never begin: a follow-up not before the last dose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.study_model.columns.codes import count_subjects

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FEWEST = 20  # subjects who must show an order: of fewer it may be chance


@dataclass(frozen=True, eq=False)
class Floors:
    """References that rows of a tuple never begin before, though rows of others do.

    Attributes
    ----------
    names : tuple of str
        References.
    of : (n_names, n_states) bool
        The tuples that each is a floor of.
    """

    kind: ClassVar[str] = "sequence floors"

    names: tuple[str, ...]
    of: NDArray[np.bool_]

    @classmethod
    def fit(cls, start: Floats, references: Mapping[str, Floats], code: Ints, subject: NDArray[np.int32], k: int) -> Floors:
        """Learn from first days (n_rows,), days of references (n_rows,) by name, and the tuples and subjects of rows."""
        n_states = int(code.max(initial=-1)) + 1
        found: dict[str, NDArray[np.bool_]] = {}
        for name, reference in references.items():
            day = np.floor(reference)
            early = np.bincount(code[start < day], minlength=n_states) > 0
            shown = count_subjects(np.where(start >= day, code, -1), subject, n_states) >= max(k, FEWEST)
            if early.any() and (shown & ~early).any():
                found[name] = shown & ~early
        return cls(tuple(found), np.array(list(found.values()), bool).reshape(len(found), n_states))

    def hold(self, day: Floats, references: Mapping[str, Floats], code: Ints) -> Floats:
        """Put days (n_rows,) before a floor of their tuple on it."""
        out = day
        for name, states in zip(self.names, self.of, strict=True):
            if name in references:
                floor = np.floor(references[name])
                out = np.where(states[code] & (out < floor), floor, out)
        return out

"""Which dates of a subject never lie after others, and where one goes that would."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from replicator.standards.date_orders import SUBJECT_DATES

Floats = NDArray[np.float64]


def find_orders(known: Mapping[str, Floats], names: Sequence[str], k: int) -> tuple[tuple[str, str], ...]:
    """Pairs of dates (n,) whose first never lay after their second, by the standard or of `k` subjects at least."""

    def ordered(a: str, b: str) -> bool:
        return never_after(known[a], known[b], 1 if _by_standard(a, b) else max(2, k))

    return tuple((a, b) for a in names for b in names if a != b and ordered(a, b))


def never_after(a: Floats, b: Floats, fewest: int) -> bool:
    """Whether one date (n,) never lay after another, of at least so many who have both."""
    both = np.isfinite(a) & np.isfinite(b)
    return int(both.sum()) >= fewest and bool((a <= b)[both].all())


def _by_standard(a: str, b: str) -> bool:
    """Whether the standard puts the first of two dates of the subject before the second."""
    return (a.rpartition(".")[2], b.rpartition(".")[2]) in SUBJECT_DATES


def wrapped(value: Floats, base: Floats, least: Floats) -> Floats:
    """Days (n,) before a base whose distance from it is too long, the distance begun anew for each time that it fills the room.

    At the bound itself they would lie on one day, which nobody's need be: of short participations the last dose is no first dose.
    """
    room = np.fmax(base - least, 0.0)
    return np.fmax(base - np.mod(base - value, room + 1.0), least)

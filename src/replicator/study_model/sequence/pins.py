"""Marks that bound a sequence of all subjects: the end of treatment is the last dose's, and after it none begins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.study_model.spine import Spine

Floats = NDArray[np.float64]

END = "ENDTC"  # of the names of dates that end a row


@dataclass(frozen=True)
class Pin:
    """One such mark.

    Attributes
    ----------
    variable : str
        Date variable of the sequence.
    mark : str
    last : bool
        Whether the mark is the latest of the subject's days, else the earliest.
    """

    kind: ClassVar[str] = "pin"

    variable: str
    mark: str
    last: bool

    def hold(self, day: Floats, subject: NDArray[np.int32], spine: Spine) -> Floats:
        """Move days (n_rows,) beyond the mark, and one of those nearest to it, to the mark: the outermost row of a subject."""
        mark = np.floor(spine.marks[self.mark])[subject]
        beyond = day > mark if self.last else day < mark
        nearest = np.flatnonzero(day == _edges(day, subject, spine.n, self.last)[subject])
        nearest = nearest[::-1] if self.last else nearest
        moved = beyond.copy()
        moved[nearest[np.unique(subject[nearest], return_index=True)[1]]] = True
        return np.where(np.isfinite(mark) & moved, mark, day)


def find_pins(days: Mapping[str, Floats], subject: NDArray[np.int32], spine: Spine, k: int) -> tuple[Pin, ...]:
    """Find the marks that bound a sequence in all who have both; at least `k` subjects must, or all of fewer.

    Of a subject some of whose days are not known, those that are must not lie beyond the mark.

    Parameters
    ----------
    days : mapping of str to (n_rows,) float64
        Days by date variable, NaN unless known in full.
    subject : (n_rows,) int32
    spine : Spine
    k : int

    Returns
    -------
    tuple of Pin
        To be held one after the other: dates of the subject come after what is derived from its visits, and win.
    """
    found = []
    for variable, day in days.items():
        some = np.bincount(subject, ~np.isfinite(day), minlength=spine.n) > 0
        for last in (False, True):
            edge = _edges(day, subject, spine.n, last)
            for name, mark in sorted(spine.marks.items(), key=lambda one: "." in one[0]):
                both, day_of = np.isfinite(edge) & np.isfinite(mark), np.floor(mark)
                whole, beyond = both & ~some, edge > day_of if last else edge < day_of
                if whole.sum() >= max(2, min(k, spine.n)) and (edge == day_of)[whole].all() and not (beyond & both).any():
                    found.append(Pin(variable, name, last))
    return tuple(found)


def last_begin(start: Floats, subject: NDArray[np.int32], spine: Spine) -> str:
    """The nearest mark after which no row (n_rows,) begins; ``""`` if there is none."""
    found: list[tuple[float, str]] = []
    if not len(start) or np.isfinite(start).mean() < 0.5:
        return ""  # most dates are not known in full: nothing can be said of them
    for name, mark in spine.marks.items():
        limit = mark[subject]
        both = np.isfinite(start) & np.isfinite(limit)
        if both.sum() >= 10 and np.isfinite(mark).mean() > 0.3 and not (start > limit)[both].any():
            found.append((float(np.median((limit - start)[both])), name))
    return min(found)[1] if found else ""


def over(
    start: Floats, variable: str, pins: Sequence[Pin], subject: NDArray[np.int32], spine: Spine, later: int = 1
) -> tuple[str, ...]:
    """Marks that are the last end of all rows (n_rows,), of which none begins, by `variable`, more than `later` days after."""
    ends = dict.fromkeys(pin.mark for pin in pins if pin.last and pin.variable.endswith(END) and pin.variable != variable)
    return tuple(name for name in ends if not (start > np.floor(spine.marks[name])[subject] + later).any())


def begun(
    start: Floats, pins: Sequence[Pin], later: NDArray[np.bool_], subject: NDArray[np.int32], spine: Spine
) -> tuple[str, ...]:
    """Marks that are the first end of all rows (n_rows,), before which none of the `later` ones of a subject begins."""
    ends = dict.fromkeys(pin.mark for pin in pins if not pin.last and pin.variable.endswith(END))
    return tuple(name for name in ends if not (later & (start < np.floor(spine.marks[name])[subject])).any())


def _edges(day: Floats, subject: NDArray[np.int32], n: int, last: bool) -> Floats:
    """Latest or earliest day of each subject (n,), NaN for none."""
    sign = 1.0 if last else -1.0
    edge = np.full(n, -np.inf)
    known = np.isfinite(day)
    np.maximum.at(edge, subject[known], sign * day[known])
    return np.where(np.isinf(edge), np.nan, sign * edge)

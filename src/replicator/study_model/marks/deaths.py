"""What ends with a death: the dates of a subject that are the day of death, and those that never lie after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]

PARTICIPATION = ("RFENDTC", "RFPENDTC")  # dates of the standard that a death makes its day
TREATMENT = ("RFXENDTC",)  # that lie on the day before it at the latest
LAST = "LAST"  # mark of the last day of which anything is known


@dataclass(frozen=True)
class Death:
    """How the other dates of the dead stand to the day of death.

    Attributes
    ----------
    mark : str
        The mark that is the date of death.
    day_of : str
        Mark whose day it is, where fewer than k died and nothing of their days is kept; ``""`` where the days are learned.
    same : tuple of str
        Marks that are the day of death, of all who died.
    until : tuple of str
        Marks that lie after it in nobody who died.
    before : tuple of str
        Those of them that are there before any is drawn.
    eve : tuple of str
        Marks that are the day before the death at the latest, where fewer than k died.

    Notes
    -----
    How the dates of at least k dead go together is learned. Of fewer nothing is: what one death looked like would be told by all of
    a sample. Theirs are as the standard defines them: participation ends with the death, the last dose lies before it, and nothing
    after it. Where the participation of most who leave before the end is over on the day of a visit, it is so for them too.
    """

    kind: ClassVar[str] = "death"

    mark: str
    day_of: str
    same: tuple[str, ...]
    until: tuple[str, ...]
    before: tuple[str, ...]
    eve: tuple[str, ...] = ()

    @property
    def between_visits(self) -> bool:
        """Whether deaths are few and their day is that of no mark that is there before any is drawn, such as the last visit."""
        return bool(self.day_of) and self.day_of not in self.before

    @classmethod
    def fit(
        cls,
        mark: str,
        known: Mapping[str, Floats],
        others: Sequence[str],
        given: Sequence[str],
        k: int,
        finished: Bools | None = None,
    ) -> Death:
        """Learn from the days of the dead.

        Parameters
        ----------
        mark : str
        known : mapping of str to (n,) float64
            Whole days by mark, NaN where there is none.
        others : sequence of str
            Other marks, in the order in which they are drawn.
        given : sequence of str
            Those of them that are there before any is drawn, and do not move.
        k : int
        finished : (n,) bool, optional
            Who stays to the end; all count as leaving where fewer than `k` leave.
        """
        dead = np.isfinite(known[mark])
        leaves = ~dead if finished is None or (~finished).sum() < k else ~finished
        if int(dead.sum()) < k:
            ends = [name for name in others if name == LAST or name.rpartition(".")[2] in PARTICIPATION]
            free = [name for name in others if name not in given]
            usual = [name for name in given if ends and _mostly_same(known[ends[0]], known[name], leaves, k)]
            return cls(
                mark,
                next((name for name in [*ends, *usual] if name in given), ends[0] if ends else LAST),
                tuple(name for name in free if name in ends),
                tuple(name for name in free if name not in ends),
                tuple(name for name in others if name in given),
                tuple(name for name in free if name.rpartition(".")[2] in TREATMENT),
            )
        after = {name: (known[name] - known[mark])[dead] for name in others}
        same = [name for name in others if (after[name] == 0).all()]
        never = [name for name in others if not (after[name] > 0).any()]
        return cls(
            mark,
            "",
            tuple(name for name in same if name not in given),
            tuple(name for name in never if name not in same and name not in given),
            tuple(name for name in never if name in given),
        )

    def hold(self, day: Mapping[str, Floats], optional: Sequence[str], share: Floats | None = None) -> dict[str, Floats]:
        """Let the dates of the dead be no others than the source's could be.

        Parameters
        ----------
        day : mapping of str to (n,) float64
            Days by mark, NaN where there is none.
        optional : sequence of str
            Marks that are not there if they would lie after the death; others are moved to its day.
        share : (n,) float64, optional
            Uniform numbers: of few deaths each lies so far on the way from the anchor to the end that was drawn, since nothing
            tells more of their days than that the hazard is constant. By default they are the last day.
        """
        out = dict(day)
        if self.day_of:
            last = day[self.day_of]
            if share is not None and self.between_visits:
                last = np.minimum(day["ANCHOR"] + 1 + np.floor(share * (last - day["ANCHOR"])), last)
            out[self.mark] = np.where(np.isfinite(day[self.mark] + last), last, day[self.mark])
        death = out[self.mark]
        for name in self.same:
            out[name] = np.where(np.isfinite(death), death, day[name])
        for name in self.until:
            latest = death - (name in self.eve)
            out[name] = np.where(out[name] > latest, np.nan if name in optional else latest, out[name])
        return out


def _mostly_same(one: Floats, other: Floats, rows: Bools, k: int) -> bool:
    """Whether two marks are one day in most of some subjects (n,) who have both, and in at least `k`."""
    same, both = int((one == other)[rows].sum()), int(np.isfinite(one + other)[rows].sum())
    return same >= k and 2 * same > both

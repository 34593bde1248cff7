"""What ends with a death: the dates of a subject that are the day of death, and those that never lie after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SOON = 7.0  # days before a death within which a participation, or its treatment, went on until then
WITHIN = 1.0  # days: a record made of a death is dated on its day, the day before or the day after


@dataclass(frozen=True, eq=False)
class Death:
    """How the other dates of the dead stand to the day of death.

    Attributes
    ----------
    mark : str
        The mark that is the date of death.
    day_of : str
        Mark whose day it is, where fewer than k died and their days are not kept; ``""`` where the days are learned.
    same : tuple of str
        Marks that are the day of death, of all who died.
    until : tuple of str
        Marks that lie after it in nobody who died.
    before : tuple of str
        Those of them that are there before any is drawn.
    soon : tuple of str
        Marks shortly after which everybody died who did, where fewer than k died: the last dose, of deaths on treatment.
    eve : tuple of str
        Those of `same` that are the day before the death, of all who died, where fewer than k died.

    Notes
    -----
    Whether dates go together is a state, not a number of anybody; so it is kept of few dead, too. Of few a day more or less makes
    no difference; of many it must be the same day, since their distances are learned.
    """

    kind: ClassVar[str] = "death"

    mark: str
    day_of: str
    same: tuple[str, ...]
    until: tuple[str, ...]
    before: tuple[str, ...]
    soon: tuple[str, ...] = ()
    eve: tuple[str, ...] = ()

    @property
    def between_visits(self) -> bool:
        """Whether deaths are few and none was on a day that is there before any mark is drawn, such as that of the last visit."""
        return bool(self.day_of) and self.day_of not in self.before

    @classmethod
    def fit(cls, mark: str, known: Mapping[str, Floats], others: Sequence[str], given: Sequence[str], k: int) -> Death:
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
        """
        dead = np.isfinite(known[mark])
        few = int(dead.sum()) < k
        after = {name: (known[name] - known[mark])[dead] for name in others}
        within = WITHIN if few else 0.0
        same = tuple(name for name in others if dead.any() and (np.abs(after[name]) <= within).all())
        never = [name for name in others if not (after[name] > within).any()]
        soon = [name for name in never if few and dead.any() and (after[name] >= -SOON).all()]
        return cls(
            mark,
            (same[0] if same else "LAST") if few else "",
            tuple(name for name in same if name not in given),
            tuple(name for name in never if name not in same and name not in given),
            tuple(name for name in never if name in given),
            tuple(name for name in soon if name not in same and name not in given),
            tuple(name for name in same if few and name not in given and not (after[name] >= 0).any()),
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
            out[name] = np.where(np.isfinite(death), death - (name in self.eve), day[name])
        for name in self.soon:
            out[name] = np.where(day[name] < death - SOON, death, day[name])
        for name in self.until:
            out[name] = np.where(out[name] > death, np.nan if name in optional else death, out[name])
        return out

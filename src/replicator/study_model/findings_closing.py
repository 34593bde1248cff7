"""Rows of a sequence that tell of the last time that something was measured: a final laboratory visit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.distinct import distinct_values
from replicator.models.persistence import Occasions
from replicator.study_model.sequence_context import Term, dated_terms, last_day
from replicator.study_model.spine import Spine

Codes = NDArray[np.intp]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

ON, AFTER = 0.9, 0.05  # least share of occasions on the day at which a panel is there, and most of those after it


@dataclass(frozen=True, eq=False)
class LastTime:
    """A panel that is measured on the day of a row, and no more after it.

    Attributes
    ----------
    panel : int
    term : tuple of str
        Dataset, variable and value of the row, and its date variable.
    usual : (n_cells,) float64
        Share of each kind of occasion at which the panel is there; of several visits on the day it is measured at the likeliest.
    on, after : float
        Share of the visits on that day, and of the occasions after it, at which the panel is there.
    """

    kind: ClassVar[str] = "last time"

    panel: int
    term: Term
    usual: Floats
    on: float
    after: float

    def hold(
        self, there: Flags, cell: Codes, spine: Spine, occasions: Occasions, possible: Flags, rng: np.random.Generator
    ) -> Flags:
        """Tell at which occasions (n_occasions,) the panel is there, where it was drawn without the row.

        Parameters
        ----------
        there : (n_occasions,) bool
        cell : (n_occasions,) int
            Kind of each occasion.
        spine, occasions : Spine, Occasions
        possible : (n_occasions,) bool
            The first records of visits of the spine; further ones are not there for sure.
        rng : numpy.random.Generator
        """
        on, after = _stand(last_day(spine, self.term), self.usual[cell], spine, occasions, possible)
        luck = rng.random(len(there))
        return np.where(on, luck < self.on, np.where(after, luck < self.after, there)).astype(np.bool_)


def find_last_times(
    there: Flags, cell: Codes, n_cells: int, spine: Spine, occasions: Occasions, possible: Flags, k: int
) -> tuple[LastTime, ...]:
    """Find the panels that a row tells to be measured for the last time; the surest row of each.

    Parameters
    ----------
    there : (n_occasions, n_panels) bool
    cell, spine, occasions, possible
        As for :meth:`LastTime.hold`.
    n_cells : int
    k : int
        Fewest subjects with an occasion on the day of the row, and with one after it.
    """
    found = []
    size = np.maximum(np.bincount(cell, minlength=n_cells), 1)
    days = [(term, last_day(spine, term)) for term in dated_terms(spine, k)]
    for panel, here in enumerate(there.T):
        usual = np.bincount(cell, here, minlength=n_cells) / size
        best: tuple[float, LastTime] | None = None
        for term, day in days:
            on, after = _stand(day, usual[cell], spine, occasions, possible)
            if min(len(distinct_values(occasions.subject[some])) for some in (on, after)) < k:
                continue
            one = LastTime(panel, term, usual, float(here[on].mean()), float(here[after].mean()))
            worth = float(here[on].sum() - here[after].sum())
            if one.on >= ON and one.after <= AFTER and (best is None or worth > best[0]):
                best = worth, one
        if best is not None:
            found.append(best[1])
    return tuple(found)


def _stand(day: Floats, usual: Floats, spine: Spine, occasions: Occasions, possible: Flags) -> tuple[Flags, Flags]:
    """Which occasion (n_occasions,) on a day of each subject (n,) is the likeliest of those possible, and which are after it.

    Kinds of occasions at which the panel never is, by its `usual` share (n_occasions,), are not possible.
    """
    mark = np.floor(day - spine.anchor)[occasions.subject]
    own = np.floor(occasions.day)
    rows = np.flatnonzero(possible & (usual > 0) & (own == mark))
    rows = rows[np.lexsort((-usual[rows], occasions.subject[rows]))]
    on = np.zeros(len(own), bool)
    on[rows[distinct_values(occasions.subject[rows], return_index=True)[1]]] = True
    return on, own > mark

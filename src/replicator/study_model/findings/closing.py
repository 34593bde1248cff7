"""Rows of a sequence that tell of the last time that something was measured: a final laboratory visit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.distinct import distinct_values
from replicator.models.persistence import Occasions
from replicator.study_model.sequence.context import Term, dated_terms, last_day
from replicator.study_model.spine import Spine

Codes = NDArray[np.intp]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

ON, AFTER = 0.9, 0.05  # least share of occasions on the day at which a panel is there, and most of those after it
SPARED = (
    10.0  # fewest occasions after the day at which the panel would be by the shares of their kinds: none is by a chance of e^-10
)


@dataclass(frozen=True, eq=False)
class LastTime:
    """A panel that is measured no more after the day of a row, and maybe for sure on it.

    Attributes
    ----------
    panel : int
    term : tuple of str
        Dataset, variable and value of the row, and its date variable.
    usual : (n_cells,) float64
        Share of each kind of occasion at which the panel is there; of several visits on the day it is measured at the likeliest.
    on : float
        Share of the visits on that day at which the panel is there; 0 where they are too few to tell: it is there as at any other.
    after : float
        Share of the occasions after that day, of kinds at which the panel ever is, at which it is there.
    """

    kind: ClassVar[str] = "last time"

    panel: int
    term: Term
    usual: Floats
    on: float
    after: float

    def hold(self, there: Flags, cell: Codes, spine: Spine, occasions: Occasions, possible: Flags, luck: Floats) -> Flags:
        """Tell at which occasions (n_occasions,) the panel is there, where it was drawn without the row.

        Parameters
        ----------
        there : (n_occasions,) bool
        cell : (n_occasions,) int
            Kind of each occasion.
        spine, occasions : Spine, Occasions
        possible : (n_occasions,) bool
            The first records of visits of the spine; further ones are not there for sure.
        luck : (n_occasions,) float64
            Uniform numbers, the same for all panels: what is left out is left out together.
        """
        on, after = _stand(last_day(spine, self.term), self.usual[cell], spine, occasions, possible)
        still = (luck < self.after) & (self.usual[cell] > 0)
        return np.where(on & (self.on > 0), luck < self.on, np.where(after, still, there)).astype(np.bool_)


def find_last_times(
    there: Flags, cell: Codes, n_cells: int, spine: Spine, occasions: Occasions, possible: Flags, k: int
) -> tuple[LastTime, ...]:
    """Find the panels that a row tells to be measured for the last time; the surest row of each.

    A row on whose day the panel is there for sure comes before one after which it merely is no more, however often.

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
        best: tuple[tuple[bool, float], LastTime] | None = None
        for term, day in days:
            on, after = _stand(day, usual[cell], spine, occasions, possible)
            after &= usual[cell] > 0  # all others tell nothing
            if min(len(distinct_values(occasions.subject[some])) for some in (on, after)) < k:
                continue
            sure = float(here[on].mean()) >= ON
            one = LastTime(panel, term, usual, float(here[on].mean()) if sure else 0.0, float(here[after].mean()))
            spared = float(usual[cell[after]].sum() - here[after].sum())
            worth = (sure, float(here[on].sum() - here[after].sum()) if sure else spared)
            if one.after <= AFTER and spared >= SPARED and (best is None or worth > best[0]):
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

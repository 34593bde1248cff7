"""Which occasions are special for a subject, in that other panels are measured at them than at others of their kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.distinct import distinct_values
from replicator.models.persistence import Occasions
from replicator.study_model.spine import Spine

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Codes = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Moment:
    """What makes an occasion special for a subject.

    Attributes
    ----------
    mark : str
        A mark of the spine, ``""`` if no occasion is special.
    how : str
        ``on`` the day of the mark, ``last`` occasion until it, or ``after`` it.
    """

    kind: ClassVar[str] = "moment"

    mark: str
    how: str

    def special(self, spine: Spine, occasions: Occasions, visits: Flags) -> Flags:
        """Tell which occasions are special: (n_occasions,) bool.

        Parameters
        ----------
        spine, occasions : Spine, Occasions
            Marks and days.
        visits : (n_occasions,) bool
            Occasions that are visits of the spine; others never are special.
        """
        return self._marked(spine, occasions) & visits

    def _marked(self, spine: Spine, occasions: Occasions) -> Flags:
        if not self.mark or self.mark not in spine.marks:
            return np.zeros(len(occasions.subject), bool)
        mark = np.floor(spine.marks[self.mark])[occasions.subject] - spine.anchor[occasions.subject]
        day = np.floor(occasions.day)
        if self.how == "on":
            return np.asarray(day == mark, bool)
        if self.how == "after":
            return np.asarray(day > mark, bool)
        until = day <= mark
        count = np.bincount(occasions.run, weights=until)
        return np.asarray(until & (_rank_until(until, occasions) == count[occasions.run]), bool)

    @classmethod
    def find(cls, there: Flags, cell: Codes, spine: Spine, occasions: Occasions, visits: Flags, k: int) -> Moment:
        """Find the moment that best tells which panels are there, beyond the kind of occasion."""
        best, chosen = 0.0, cls("", "")
        n_cells = int(cell.max(initial=0)) + 1
        plain = _likelihood(there, cell, n_cells)
        for mark in spine.marks:
            for how in ("on", "last", "after"):
                tried = cls(mark, how)
                special = tried.special(spine, occasions, visits)
                if len(distinct_values(occasions.subject[special])) < k or special.all():
                    continue
                gain = _likelihood(there, cell + n_cells * special, 2 * n_cells) - plain
                # two more than one parameter a panel and cell that has special occasions
                price = len(distinct_values(cell[special])) * there.shape[1] + 2
                if gain - price > best:
                    best, chosen = gain - price, tried
        return chosen


def _rank_until(until: Flags, occasions: Occasions) -> Floats:
    """Number of occasions of the same subject up to and with each one that are flagged: (n_occasions,)."""
    total = np.cumsum(until)
    before = np.concatenate([[0], total])[occasions.starts]
    return np.asarray(total - before[occasions.run], np.float64)


def _likelihood(there: Flags, cell: Codes, n_cells: int) -> float:
    """Log-likelihood of presence with a probability for each panel and cell."""
    size = np.bincount(cell, minlength=n_cells).astype(np.float64)[:, None]
    done = np.stack([np.bincount(cell, weights=column, minlength=n_cells) for column in there.T], axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = done * np.log(done / size) + (size - done) * np.log(1 - done / size)
    return float(np.nansum(parts))

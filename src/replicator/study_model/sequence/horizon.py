"""How far a subject came, in bins of the mark that tells most about the rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.study_model.course.grid import LAST_VISIT
from replicator.study_model.marks.names import died
from replicator.study_model.spine import Spine

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

BINS = 12
FINE = 3  # fine bins in a coarse one


@dataclass(frozen=True, eq=False)
class Horizon:
    """Which mark tells how far a subject came, in bins.

    Attributes
    ----------
    mark : str
    edges : (n_edges,) float64
        Days from the anchor.
    """

    kind: ClassVar[str] = "horizon"

    mark: str
    edges: Floats

    @classmethod
    def fit(cls, code: Ints, subject: NDArray[np.int32], spine: Spine, k: int) -> Horizon:
        """Choose the mark that tells most about which tuples a subject has."""
        best: tuple[float, Horizon] = (-np.inf, cls("LAST", np.empty(0)))
        present = np.zeros((spine.n, int(code.max(initial=0)) + 1))
        present[subject, code] = 1.0
        for name, mark in spine.horizons().items():
            known = np.isfinite(mark)
            if name == "FIRST" or (name != "LAST" and known.mean() < 0.5):
                continue
            x = (mark - spine.anchor)[known]
            bins = min(BINS, max(1, int(known.sum()) // (3 * k)))
            edges = np.unique(np.quantile(x, np.arange(1, bins) / bins))
            edges = edges[edges > x.min()]
            horizon = cls(name, edges)
            cell = horizon.codes(spine)[1] + 1
            n = np.bincount(cell, minlength=len(edges) + 2)
            mean = np.stack([np.bincount(cell, column, minlength=len(n)) / np.maximum(n, 1) for column in present.T], axis=1)
            explained = float((n[:, None] * (mean - present.mean(axis=0)) ** 2).sum())
            if explained > best[0] * 1.02 + 1e-9:
                best = (explained, horizon)
        return best[1]

    def codes(self, spine: Spine) -> tuple[Ints, Ints, Ints]:
        """Coarse and fine bin of each subject (-1 without the mark), and whether the mark is the last day (1) or death (2)."""
        mark = spine.horizons()[self.mark]
        known = np.isfinite(mark)
        bins = np.where(known, np.digitize(np.where(known, mark - spine.anchor, 0.0), self.edges), -1)
        kept = spine.marks.get(LAST_VISIT, mark) if self.mark == "REACHED" else mark
        last = np.where(known, (kept == spine.marks["LAST"]).astype(np.int64), -1)
        last = np.where(died(spine), 2, last)
        return np.where(bins < 0, -1, bins // FINE), bins, last

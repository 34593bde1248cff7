"""What tells the mean of a result: arm, kind of occasion, site, and how near a death."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Circumstances:
    """What tells the mean of a result: (n_occasions,) int each, or (n,) of each observation.

    Attributes
    ----------
    arm, cell, site : int
        Arm, kind of occasion, and site, the last for subjects of none.
    ending : int
        How near a death, from :func:`replicator.study_model.findings.ending.endings`.
    """

    arm: Codes
    cell: Codes
    site: Codes
    ending: Codes

    def take(self, rows: Codes) -> Circumstances:
        """Of some occasions."""
        return Circumstances(self.arm[rows], self.cell[rows], self.site[rows], self.ending[rows])

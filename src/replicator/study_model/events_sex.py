"""Terms that only one sex has: hysterectomy, prostatic hyperplasia."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.study_model.spine import Spine

COVARIATE = "SEX"
LEAST_EXPECTED = 3.0  # subjects of a sex who should have had a term by chance, for its absence to be taken for a law (p = 0.05)


@dataclass(frozen=True, eq=False)
class TermsBySex:
    """Which kinds of term each sex does not have.

    Attributes
    ----------
    absent : (n_sexes, n_kinds) bool
        By code of the covariate SEX; no rows where it is not known.
    """

    kind: ClassVar[str] = "terms by sex"

    absent: NDArray[np.bool_]

    @classmethod
    def fit(cls, count: NDArray[np.int64], slots: NDArray[np.int32], spine: Spine) -> TermsBySex:
        """Learn from counts (n, n_kinds); pools of rare terms (more than one slot) are anybody's."""
        sex = spine.covariates.get(COVARIATE)
        some = count.sum(axis=1) > 0
        if sex is None or not some.any():
            return cls(np.zeros((0, count.shape[1]), bool))
        n_sexes = int(sex.max(initial=-1)) + 1
        has = count[some] > 0
        who = sex[some]
        size = np.bincount(who[who >= 0], minlength=n_sexes) / len(who)
        seen = np.stack([has[who == s].sum(axis=0) for s in range(n_sexes)]) if n_sexes else np.zeros((0, count.shape[1]))
        expected = size[:, None] * has.sum(axis=0)
        return cls((seen == 0) & (expected >= LEAST_EXPECTED) & (slots == 1))

    def barred(self, spine: Spine, n_kinds: int) -> NDArray[np.bool_] | None:
        """Kinds that each subject cannot have: (n, n_kinds), or None if there is no such law."""
        sex = spine.covariates.get(COVARIATE)
        if sex is None or not self.absent.any():
            return None
        return np.vstack([self.absent, np.zeros((1, n_kinds), bool)])[np.where(sex < len(self.absent), sex, -1)]

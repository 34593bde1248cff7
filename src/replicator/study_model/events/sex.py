"""Terms that only one sex has: hysterectomy, prostatic hyperplasia."""

from __future__ import annotations

from collections.abc import Sequence
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
    def fit(cls, count: NDArray[np.int64], bound: Sequence[str], spine: Spine, k: int) -> TermsBySex:
        """Learn from counts (n, n_kinds).

        A kind that by its words only one sex has (`bound`: ``F``, ``M`` or ``""``) is nobody else's where the source agrees but for
        fewer than `k` subjects and half of those whom chance would give it.
        """
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
        names = _sex_names(sex, spine, n_sexes)
        foreign = np.array([[one != "" and name != "" and one != name for one in bound] for name in names], bool)
        few = (seen < k) & (seen <= 0.5 * expected) & foreign.reshape(seen.shape)
        return cls(((seen == 0) & (expected >= LEAST_EXPECTED)) | few)

    def barred(self, spine: Spine, n_kinds: int) -> NDArray[np.bool_] | None:
        """Kinds that each subject cannot have: (n, n_kinds), or None if there is no such law."""
        sex = spine.covariates.get(COVARIATE)
        if sex is None or not self.absent.any():
            return None
        return np.vstack([self.absent, np.zeros((1, n_kinds), bool)])[np.where(sex < len(self.absent), sex, -1)]


def _sex_names(code: NDArray[np.int32], spine: Spine, n_sexes: int) -> list[str]:
    """How the subjects' dataset writes each sex, ``""`` where it is none of F and M."""
    out = [""] * n_sexes
    for told in spine.told.values():
        if COVARIATE in told.columns:
            texts = told.columns[COVARIATE].strings()[np.argsort(told.subject, kind="stable")]
            for s in np.unique(code[code >= 0]).tolist():
                name = str(texts[np.flatnonzero(code == s)[0]])
                out[s] = name if name in ("F", "M") else ""
    return out

"""How start and end of an occurrence are known together: their eras and precisions given the term."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.models.chain import ConditionalChain
from replicator.models.conditional import Codes
from replicator.study_model.attributes import count_subjects

Ints = NDArray[np.int64]

NO_END = 0  # pattern of a date that is not there
TRIES = 12  # draws of the pattern of what lasts, before an end is let pass


@dataclass(frozen=True, eq=False)
class DatePatterns:
    """Pairs of patterns of start and end (codes as in :class:`~replicator.study_model.events_dates.DatePattern`).

    Attributes
    ----------
    start, end : (n_pairs,) int64
        Codes of each pair; every pair is shared by at least k subjects, or made of the most frequent end for its start.
    chain : ConditionalChain
        Pair given class, term and arm.
    """

    kind: ClassVar[str] = "date patterns"

    start: Ints
    end: Ints
    chain: ConditionalChain

    @classmethod
    def fit(cls, start: Ints, end: Ints, block: Ints, kind_of: Ints, arm: Ints, owner: NDArray[np.int32], k: int) -> DatePatterns:
        """Learn from occurrences (n,)."""
        pairs, inverse = np.unique(np.stack([start, end], axis=1), axis=0, return_inverse=True)
        code = inverse.reshape(-1).astype(np.int64)
        people = count_subjects(code, owner, len(pairs))
        kept = np.flatnonzero(people >= k)
        if not len(kept) and len(pairs):
            kept = np.array([np.bincount(code).argmax()])
        position = np.full(len(pairs), -1, np.int64)
        position[kept] = np.arange(len(kept))
        rows = position[code] >= 0 if len(code) else np.zeros(0, bool)
        given = [x[rows] for x in (block, kind_of, arm)]
        chain = ConditionalChain.fit([position[code][rows]], given, owner[rows], k=k)
        return cls(pairs[kept, 0], pairs[kept, 1], chain)

    def sample(
        self, block: Codes, kind_of: Codes, arm: Codes, owner: Codes, rng: np.random.Generator, lasting: NDArray[np.bool_]
    ) -> tuple[Ints, Ints]:
        """Draw the codes of start and end of each occurrence; the end of one that is `lasting` (n,) is not known, as a rule."""
        pair = self.chain.sample([block, kind_of, arm], rng, len(owner), owner)[0]
        end = np.append(self.end, 0)
        for _ in range(TRIES):
            again = np.flatnonzero(lasting & (end[pair] != NO_END))
            if not len(again):
                break
            pair[again] = self.chain.sample([block[again], kind_of[again], arm[again]], rng, len(again))[0]
        return np.append(self.start, 0)[pair], end[pair]

"""How start and end of an occurrence are known together: their eras and precisions given the term."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.models.chain import ConditionalChain
from replicator.models.conditional import Codes
from replicator.study_model.attributes import count_subjects
from replicator.study_model.events_turns import ALONE

Ints = NDArray[np.int64]

NO_END = 0  # pattern of a date that is not there
LEAST = 2  # times k, subjects with a term that comes again, to learn how these are known
TRIES = 12  # draws of the pattern of what lasts, before an end is let pass


@dataclass(frozen=True, eq=False)
class DatePatterns:
    """Pairs of patterns of start and end (codes as in :class:`~replicator.study_model.events_dates.DatePattern`).

    Attributes
    ----------
    start, end : (n_pairs,) int64
        Codes of each pair; every pair is shared by at least k subjects, or made of the most frequent end for its start.
    once, again : ConditionalChain
        Pair given class, term and arm: of terms that a subject has once, and of those that come again, these given their turn
        first, from :func:`~replicator.study_model.events_turns.find_turns`. One and the same where few subjects have such.
    """

    kind: ClassVar[str] = "date patterns"

    start: Ints
    end: Ints
    once: ConditionalChain
    again: ConditionalChain

    @classmethod
    def fit(cls, start: Ints, end: Ints, given: Sequence[Ints], turn: Ints, owner: NDArray[np.int32], k: int) -> DatePatterns:
        """Learn from occurrences (n,), with class, term and arm, and their turns."""
        pairs, inverse = np.unique(np.stack([start, end], axis=1), axis=0, return_inverse=True)
        code = inverse.reshape(-1).astype(np.int64)
        people = count_subjects(code, owner, len(pairs))
        kept = np.flatnonzero(people >= k)
        if not len(kept) and len(pairs):
            kept = np.array([np.bincount(code).argmax()])
        position = np.full(len(pairs), -1, np.int64)
        position[kept] = np.arange(len(kept))
        rows = position[code] >= 0 if len(code) else np.zeros(0, bool)
        repeated = turn != ALONE
        several = len(np.unique(owner[rows & repeated])) >= LEAST * k
        once, again = (
            ConditionalChain.fit([position[code][used]], [turn[used], *(x[used] for x in given)], owner[used], k=k)
            for used in ((rows & ~repeated, rows & repeated) if several else (rows, rows))
        )
        return cls(pairs[kept, 0], pairs[kept, 1], once, again)

    def sample(
        self, given: Sequence[Codes], turn: Ints, owner: Codes, rng: np.random.Generator, lasting: NDArray[np.bool_]
    ) -> tuple[Ints, Ints]:
        """Draw the codes of start and end of each occurrence; the end of one that is `lasting` (n,) is not known, as a rule."""
        pair, end = np.full(len(owner), -1, np.int64), np.append(self.end, 0)
        conditions = [turn, *given]
        for chain, mine in ((self.once, np.flatnonzero(turn == ALONE)), (self.again, np.flatnonzero(turn != ALONE))):
            pair[mine] = chain.sample([x[mine] for x in conditions], rng, len(mine), owner[mine])[0]
            for _ in range(TRIES):
                anew = mine[lasting[mine] & (end[pair[mine]] != NO_END)]
                if not len(anew):
                    break
                pair[anew] = chain.sample([x[anew] for x in conditions], rng, len(anew))[0]
        return np.append(self.start, 0)[pair], end[pair]

"""How start and end of an occurrence are known together: their eras given the term, and how precisely each is known in its era."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.models.chain import ConditionalChain
from replicator.models.conditional import Codes
from replicator.study_model.columns.codes import count_subjects
from replicator.study_model.events.turns import ALONE

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

OF_ERA = 10  # patterns of one era: so many times the era, and how a date is known
NO_END = 0  # pattern of a date that is not there
LEAST = 2  # times k, subjects with a term that comes again, to learn how these are known
TRIES = 12  # draws of the pattern of what lasts, before an end is let pass


@dataclass(frozen=True, eq=False)
class DatePatterns:
    """Patterns of start and end (codes as in :class:`~replicator.study_model.events.dates.DatePattern`).

    Attributes
    ----------
    start, end : (n_pairs,) int64
        Eras of each pair; every pair is shared by at least k subjects, or the most frequent one.
    once, again : ConditionalChain
        Pair given class, term and arm: of terms that a subject has once, and of those that come again, these given their turn
        first, from :func:`~replicator.study_model.events.turns.find_turns`. One and the same where few subjects have such.
    starts, ends : tuple of ConditionalChain
        Pattern of the dates of each era that are there, from the first one on: given the pair, turn, class, term and arm, and of
        ends the pattern of the start.

    Notes
    -----
    Patterns of the two dates are not learned as pairs: where few events go on, and some starts are known to the minute and others
    to the day, each pair would be too rare to be kept, and no event would go on.
    """

    kind: ClassVar[str] = "date patterns"

    start: Ints
    end: Ints
    once: ConditionalChain
    again: ConditionalChain
    starts: tuple[ConditionalChain, ...]
    ends: tuple[ConditionalChain, ...]

    @classmethod
    def fit(cls, start: Ints, end: Ints, given: Sequence[Ints], turn: Ints, owner: NDArray[np.int32], k: int) -> DatePatterns:
        """Learn from occurrences (n,), with class, term and arm, and their turns."""
        pairs, inverse = np.unique(np.stack([start // OF_ERA, end // OF_ERA], axis=1), axis=0, return_inverse=True)
        code = inverse.reshape(-1).astype(np.int64)
        kept = np.flatnonzero(count_subjects(code, owner, len(pairs)) >= k)
        if not len(kept) and len(pairs):
            kept = np.array([np.bincount(code).argmax()])
        position = np.full(len(pairs), -1, np.int64)
        position[kept] = np.arange(len(kept))
        pair = position[code]
        rows, repeated = pair >= 0, turn != ALONE
        several = len(np.unique(owner[rows & repeated])) >= LEAST * k
        conditions = [turn, *given]
        once, again = (
            _fit(pair, conditions, used, owner, k) for used in ((rows & ~repeated, rows & repeated) if several else (rows, rows))
        )
        conditions = [pair, *conditions]
        starts = _fit_each_era(start, conditions, rows, owner, k)
        return cls(pairs[kept, 0], pairs[kept, 1], once, again, starts, _fit_each_era(end, [*conditions, start], rows, owner, k))

    def sample(
        self, given: Sequence[Codes], turn: Ints, owner: Codes, rng: np.random.Generator, lasting: Bools
    ) -> tuple[Ints, Ints]:
        """Draw the codes of start and end of each occurrence; the end of one that is `lasting` (n,) is not known, as a rule."""
        pair, ends = np.full(len(owner), -1, np.int64), np.append(self.end, 0)
        conditions: list[Codes] = [turn, *given]
        for chain, mine in ((self.once, np.flatnonzero(turn == ALONE)), (self.again, np.flatnonzero(turn != ALONE))):
            pair[mine] = chain.sample([x[mine] for x in conditions], rng, len(mine), owner[mine])[0]
            for _ in range(TRIES):
                anew = mine[lasting[mine] & (ends[pair[mine]] != NO_END)]
                if not len(anew):
                    break
                pair[anew] = chain.sample([x[anew] for x in conditions], rng, len(anew))[0]
        conditions = [pair, *conditions]
        start = _draw(self.starts, np.append(self.start, 0)[pair], conditions, owner, rng)
        return start, _draw(self.ends, ends[pair], [*conditions, start], owner, rng)


def _fit(target: Ints, given: Sequence[Ints], used: Bools, owner: NDArray[np.int32], k: int) -> ConditionalChain:
    """Learn a pattern from the occurrences that are `used` (n,)."""
    return ConditionalChain.fit([target[used]], [codes[used] for codes in given], owner[used], k=k)


def _fit_each_era(
    pattern: Ints, given: Sequence[Ints], used: Bools, owner: NDArray[np.int32], k: int
) -> tuple[ConditionalChain, ...]:
    """Learn how dates of each era are known, the first first."""
    era = np.where(used, pattern // OF_ERA, 0)
    return tuple(_fit(pattern, given, era == number, owner, k) for number in range(1, int(era.max(initial=0)) + 1))


def _draw(chains: Sequence[ConditionalChain], era: Ints, given: Sequence[Codes], owner: Codes, rng: np.random.Generator) -> Ints:
    """Draw the pattern of each date (n,), given its era (n,)."""
    out = np.full(len(era), NO_END, np.int64)
    for number, chain in enumerate(chains, start=1):
        mine = np.flatnonzero(era == number)
        out[mine] = chain.sample([codes[mine] for codes in given], rng, len(mine), owner[mine])[0]
    return out

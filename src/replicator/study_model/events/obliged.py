"""Who must have a row in a dataset and who must not: who left for an adverse event has one, who failed screening has none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.study_model.events.facts import Facts
from replicator.study_model.spine import Spine

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

BY_CHANCE = 0.01  # chance, over all facts together, that a fact is taken for a law though its holders differ in nothing


@dataclass(frozen=True, eq=False)
class Obliged:
    """Facts of which every holder has a term, or none has.

    Attributes
    ----------
    facts : Facts
    some : (n_facts,) bool
        True where every holder has a term, False where none has.
    """

    kind: ClassVar[str] = "obliged"

    facts: Facts
    some: Bools

    @classmethod
    def fit(cls, has: Bools, facts: Facts, holds: Bools, k: int) -> Obliged:
        """Find the facts.

        Parameters
        ----------
        has : (n,) bool
            Who has a term.
        facts, holds : Facts and (n, n_facts) bool
            All facts.
        k : int
            Fewest holders.
        """
        people = holds.sum(axis=0)
        having = holds[has].sum(axis=0)
        with np.errstate(divide="ignore"):
            least = np.log(BY_CHANCE / max(len(people), 1))
            always = (having == people) & (people * np.log(has.mean()) <= least) & (people >= k)
            never = (having == 0) & (people * np.log1p(-has.mean()) <= least) & (people >= k)
        chosen = np.flatnonzero(always | never)
        return cls(facts.take(chosen), always[chosen])

    def bound(self, spine: Spine, needed: Bools) -> tuple[Bools, Bools]:
        """Who must have a term, some being `needed` to for another reason, and who must have none: (n,) each."""
        holds = self.facts.holds(spine)
        must = np.asarray(holds[:, self.some].any(axis=1) | needed, bool)
        return must, np.asarray(holds[:, ~self.some].any(axis=1) & ~must, bool)

    def settle(self, spine: Spine, size: Ints, group: Ints, needed: Bools, rng: np.random.Generator) -> tuple[Ints, Ints]:
        """Let subjects of a group change places until those who must have terms have some, and those who must not have none.

        Parameters
        ----------
        size : (n,) int64
            Number of terms as drawn.
        group : (n,) int64
            Within which places are changed.
        needed : (n,) bool
            Who must have a term for another reason.

        Returns
        -------
        place : (n,) int64
            The subject whose drawn values each takes.
        size : (n,) int64
            Number of terms then; changed where nobody could change places.
        """
        must, must_not = self.bound(spine, needed)
        place = np.arange(spine.n)
        key = rng.random(spine.n)
        for wrong, partner in ((must & (size == 0), ~must & (size > 0)), (must_not & (size > 0), ~must & ~must_not & (size == 0))):
            here = place == np.arange(spine.n)
            for one in np.unique(group[wrong & here]).tolist():
                mine, others = (np.flatnonzero(who & here & (group == one)) for who in (wrong, partner))
                others = others[np.argsort(key[others])][: len(mine)]
                mine = mine[: len(others)]
                place[mine], place[others] = others, mine
        moved = size[place]
        return place, np.where(must, np.maximum(moved, 1), np.where(must_not, 0, moved))

"""What facts about a subject add to the log odds of kinds: which pairs count is asked of all together, how much by group."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from replicator.models.associations import Associations, Groups, find_associations, find_group_associations
from replicator.models.inclusion import CLOSE, ROUNDS, Floats, Ints, added, fit_weights, inclusion, log_odds

Bools = NDArray[np.bool_]

MOST_FACTS = 3  # facts on which one kind may depend
MOST_SHIFT = 16.0  # log odds
SHARED_STEP = 0.5  # of the way to their aims that shifts go at once where groups and their kinds have some in common


@dataclass(frozen=True, eq=False)
class Shifts:
    """Pairs of a kind, or a group of kinds, and a fact, and what each adds.

    Attributes
    ----------
    told : (n, n_facts + n_groups) bool
        Who has which fact; those of groups stand behind the others.
    reach : (n_kinds + n_groups, n_kinds) bool
        Kinds that each kind or group consists of.
    copies : (n_kinds,) int32
        How many interchangeable kinds an entry stands for.
    sure : (n, n_kinds) float64
        Infinite where it is known who has a kind, else 0.
    pairs : Associations
        Rows of `reach`, columns of `told`, and the shares to reach.
    shift : (n_pairs,) float64
        Log odds.
    """

    told: Bools
    reach: Bools
    copies: NDArray[np.int32]
    sure: Floats
    pairs: Associations
    shift: Floats

    @classmethod
    def choose(
        cls,
        x: Floats,
        target: Floats,
        size: Floats,
        copies: NDArray[np.int32],
        sure: Floats,
        facts: Bools,
        groups: Groups,
        open_kinds: Bools,
        k: int,
    ) -> Shifts:
        """Choose groups that depend on their facts, then facts for each kind, the most telling first.

        Parameters
        ----------
        x : (n, n_kinds) float64
            Counts.
        target : (1, n_kinds) float64
            Mean counts, which stay.
        size : (n,) float64
            Number of kinds of each subject.
        copies, sure
            As above.
        facts : (n, n_facts) bool
        groups : Groups
        open_kinds : (n_kinds,) bool
            Kinds that may depend on facts.
        k : int
            Fewest subjects behind a pair.
        """
        n_facts, n_kinds = facts.shape[1], x.shape[1]
        one = np.zeros(len(x), np.intp)
        chance = inclusion(fit_weights(target, size, one, copies, sure)[one] + sure, size, copies)
        alike = find_group_associations(x, chance, copies, groups, k)
        pairs = Associations(alike.kind_of + n_kinds, alike.fact + n_facts, alike.aim)
        reach = np.vstack([np.eye(n_kinds, dtype=bool), groups.member])
        out = cls(np.hstack([facts, groups.holds]), reach, copies, sure, pairs, np.zeros(len(alike.fact)))
        if len(alike.fact):
            out = out.settle(target, size, one)
        for _ in range(MOST_FACTS):
            of_one = out.pairs.take(out.pairs.kind_of < n_kinds)
            more = find_associations(x, out.probability(target, size, one), copies, facts, open_kinds, of_one, k)
            if not len(more.fact):
                break
            out = replace(out, pairs=out.pairs.join(more), shift=np.append(out.shift, np.zeros(len(more.fact))))
            out = out.settle(target, size, one)
        return out

    def settle(self, target: Floats, size: Floats, group: Ints) -> Shifts:
        """Fit what facts add until those who have them have the shares to reach, while groups keep their mean counts.

        Parameters
        ----------
        target : (n_groups, n_kinds) float64
            Mean counts by group.
        size, group : (n,)
        """
        pairs, shift = self.pairs, self.shift
        held, weighted = self.told.astype(np.float64), self.reach * self.copies.astype(np.float64)
        chances = held.sum(axis=0)[pairs.fact] * weighted.sum(axis=1)[pairs.kind_of]
        step = SHARED_STEP if (pairs.kind_of >= self.reach.shape[1]).any() else 1.0
        lean = self._lean(shift)
        weight = fit_weights(target, size, group, self.copies, lean)
        for _ in range(ROUNDS):
            probability = inclusion(weight[group] + lean, size, self.copies)
            mean = (held.T @ probability @ weighted.T)[pairs.fact, pairs.kind_of] / chances
            before = shift
            shift = np.clip(shift + step * (log_odds(pairs.aim) - log_odds(mean)), -MOST_SHIFT, MOST_SHIFT)
            if np.abs(shift - before).max(initial=0.0) < CLOSE:
                break
            lean = self._lean(shift)
            weight = fit_weights(target, size, group, self.copies, lean, weight, 1)
        return replace(self, shift=shift)

    def probability(self, target: Floats, size: Floats, group: Ints) -> Floats:
        """Chances (n, n_kinds) of a copy of each kind, where groups have mean counts `target` (n_groups, n_kinds)."""
        lean = self._lean(self.shift)
        return inclusion(fit_weights(target, size, group, self.copies, lean)[group] + lean, size, self.copies)

    @property
    def table(self) -> Floats:
        """Log odds (n_facts + n_groups, n_kinds) that facts add to kinds."""
        return self._table(self.shift)

    def _table(self, shift: Floats) -> Floats:
        out = np.zeros((self.told.shape[1], self.reach.shape[1]))
        np.add.at(out, self.pairs.fact, shift[:, None] * self.reach[self.pairs.kind_of])
        return out

    def _lean(self, shift: Floats) -> Floats:
        return self.sure + added(self._table(shift), self.told)

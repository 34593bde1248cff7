"""What the terms of a dataset are given for, and pools of rare ones by need."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
Needs = tuple[str, ...]


@dataclass(frozen=True, eq=False)
class NeedsOfTerms:
    """What terms are given for.

    Attributes
    ----------
    sets : tuple of tuple of str
        Distinct sets of needs: the empty one, each need alone, and the others.
    of_unit : (n_units,) int64
        Set of each term, 0 where nothing tells.
    by_common : frozenset of str
        Needs that k subjects are said to have, and for which common terms alone are given.
    """

    sets: tuple[Needs, ...]
    of_unit: Ints
    by_common: frozenset[str] = frozenset()

    @classmethod
    def nothing(cls, n_units: int) -> NeedsOfTerms:
        """Return the needs of terms that are no medicines."""
        return cls(((),), np.zeros(n_units, np.int64))

    def pooled(self, cell: Ints, rare: Bools, unit: Ints, subject: NDArray[np.int32], k: int) -> Ints:
        """Divide pools of rare terms by need: the set (n_units,) by which each rare term is pooled, 0 for none.

        Parameters
        ----------
        cell : (n_units,) int64
            Pool of each term so far.
        rare : (n_units,) bool
        unit, subject : (n,)
            Term and subject of each occurrence.
        k : int
            Fewest subjects of a pool of one need, and of what is left of the pool that it is taken from.

        Notes
        -----
        Terms with the same needs make a pool; what is too rare for that goes by the need that most subjects share.
        """
        out = np.zeros(len(rare), np.int64)
        for one in np.unique(cell[rare & (self.of_unit > 0)]).tolist():
            mine = rare & (cell == one)
            pools: dict[int, int] = {}
            for code in np.unique(self.of_unit[mine & (self.of_unit > 0)]).tolist():
                self._take(out, mine & (self.of_unit == code), code, pools, unit, subject, k)
            single = [code for code, needs in enumerate(self.sets) if len(needs) == 1]
            for _ in single:
                left = mine & (out == 0)
                members = [(left & self._has(self.sets[code][0])) | (mine & (out == code)) for code in single]
                people = [_people(who, unit, subject) if (who & left).any() else 0 for who in members]
                best = int(np.argmax(people))
                if not self._take(out, members[best], single[best], pools, unit, subject, k):
                    break
            for code in sorted(pools, key=lambda code: (pools[code], code)):
                if not 0 < _people(mine & (out == 0), unit, subject) < k:
                    break
                out[mine & (out == code)] = 0
        return out

    def represented(
        self, cell: Ints, kept: Bools, loose: Bools, route: Ints, unit: Ints, subject: NDArray[np.int32], k: int
    ) -> Ints:
        """Let common terms stand for rare ones that are given for the same and make no pool of their own.

        Parameters
        ----------
        cell, unit, subject, k
            As in :meth:`pooled`.
        kept : (n_units,) bool
            Common terms.
        loose : (n_units,) bool
            Terms that nobody coded; no other is represented.
        route : (n_units,) int64
            How each term is mostly given; those of one route stand for each other.

        Returns
        -------
        (n_units,) int64
            The term that stands for each, mostly itself.
        """
        out = np.arange(len(kept))
        people = np.bincount(np.unique(np.stack([unit, subject.astype(np.int64)]), axis=1)[0], minlength=len(kept))
        alone = ~kept & loose & (self.of_unit > 0) & (self.pooled(cell, ~kept, unit, subject, k) != self.of_unit)
        for one in np.flatnonzero(alone).tolist():
            alike = np.flatnonzero(kept & (self.of_unit == self.of_unit[one]) & (route == route[one]))
            if len(alike):
                out[one] = alike[np.argmax(people[alike])]
        return out

    def take(self, units: Ints) -> NeedsOfTerms:
        """Keep some terms."""
        return NeedsOfTerms(self.sets, self.of_unit[units], self.by_common)

    def _take(
        self, out: Ints, members: Bools, code: int, pools: dict[int, int], unit: Ints, subject: NDArray[np.int32], k: int
    ) -> bool:
        """Make a pool of some terms if enough subjects have one."""
        people = _people(members, unit, subject)
        if people < k:
            return False
        out[members] = code
        pools[code] = people
        return True

    def _has(self, need: str) -> Bools:
        """Which terms have a need: (n_units,)."""
        return np.array([need in needs for needs in self.sets])[self.of_unit]


def _people(members: Bools, unit: Ints, subject: NDArray[np.int32]) -> int:
    """Number of subjects who have one of some terms."""
    return len(np.unique(subject[members[unit]]))

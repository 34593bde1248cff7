"""Rows like earlier ones of their subject that too few have in any one group of arms: a dose that is taken up again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.models.backoff import BackoffTable

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Returns:
    """Whether a sequence that would end goes on with a tuple that its subject has had.

    Attributes
    ----------
    goes_on : BackoffTable
        Whether (1) it does, of all groups of arms together, given whether the subject has gone on so before and how many rows it
        has.
    may : (n_states,) bool
        Tuples that may come again.

    Notes
    -----
    What follows a tuple is learned of each group of arms alone, and rows that fewer than k subjects of a group have are not. Where
    at least k subjects of all groups have such a row, each like one of its own before, that there is one is nobody's; which of them
    it is like is not kept, and any is as likely.
    """

    kind: ClassVar[str] = "returns"

    goes_on: BackoffTable
    may: Flags

    @classmethod
    def fit(cls, ends: Flags, back: Flags, rank: Ints, subject: Ints, may: Flags, k: int) -> Returns | None:
        """Learn from the rows of all subjects and their ends.

        Parameters
        ----------
        ends : (n,) bool
            Whether it is the end of a sequence, not a row.
        back : (n,) bool
            Whether it is a row that the chain does not know after the one before, and like an earlier one of its subject.
        rank : (n,) int64
            Rows of the subject before it.
        subject : (n,) int64
        may : (n_states,) bool
            Tuples that a subject may have twice.
        k : int

        Returns
        -------
        Returns or None
            None where fewer than k subjects have such a row.
        """
        if len(np.unique(subject[back])) < k:
            return None
        first = np.full(int(subject.max()) + 1, np.iinfo(np.int64).max)
        np.minimum.at(first, subject[back], rank[back])
        rows = np.flatnonzero(ends | back)
        given = [(rank > first[subject]).astype(np.int64)[rows], rank[rows]]
        return cls(BackoffTable.fit(back[rows].astype(np.int64), given, subject[rows], k=k), may)

    def sample(self, before: Flags, rank: int, had: Flags, rng: np.random.Generator) -> Ints:
        """Draw the tuple with which each sequence goes on that would end, -1 where it ends: (n,).

        Parameters
        ----------
        before : (n,) bool
            Whether it has gone on so before.
        rank : int
            Rows that all of them have.
        had : (n, n_states) bool
            Tuples that each subject has had.
        """
        n = len(before)
        own = np.cumsum(had & self.may, axis=1)
        size = own[:, -1] if own.shape[1] else np.zeros(n, np.int64)
        drawn = (own > np.floor(rng.random(n) * size)[:, None]).argmax(axis=1) if own.shape[1] else np.zeros(n, np.int64)
        on = self.goes_on.sample([before.astype(np.int64), np.full(n, rank)], rng, n) == 1
        return np.where(on & (size > 0), drawn, -1)

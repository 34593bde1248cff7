"""Serious events: a criterion makes an event serious, and rare ones stay, though not how many they were."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.profile.structure import DatasetStructure
from replicator.tables.dataset import Column, Dataset, Text

CRITERIA = ("SHOSP", "SLIFE", "SDISAB", "SMIE", "SDTH", "SCONG", "SCAN", "SOD")
"""Suffixes of the criteria of seriousness, in the order in which rare serious events are given one that not all rows deny."""
DEATH = "SDTH"  # is no reason for an event that no death explains
OBEYED = 0.95  # share of the source's occurrences with a criterion that must be serious to take that for a rule


@dataclass(frozen=True, eq=False)
class Seriousness:
    """How seriousness hangs on its criteria.

    Attributes
    ----------
    serious : str
        Variable; ``""`` if there is none.
    criteria : tuple of str
        Variables of the criteria, the one that rare serious events are given first.
    obeyed : bool
        Whether an occurrence with a criterion is serious.
    rare : float
        Share of occurrences that are made serious since fewer than k of the source's subjects had one: k / 2 of the source's.
    """

    kind: ClassVar[str] = "seriousness"

    serious: str
    criteria: tuple[str, ...]
    obeyed: bool
    rare: float

    @classmethod
    def fit(
        cls,
        head: Dataset,
        structure: DatasetStructure,
        owner: NDArray[np.int32],
        set_aside: NDArray[np.bool_],
        k: int,
    ) -> Seriousness:
        """Learn from occurrences (n,) but for those that a death explains."""
        name = structure.named("SER")
        if not name or name not in head:
            return cls("", (), False, 0.0)
        serious = _yes(head[name]) & ~set_aside
        found = [one for suffix in CRITERIA if (one := structure.named(suffix)) and one in head]
        no_reason = {one: one == structure.named(DEATH) or not _yes(head[one]).any() for one in found}
        criteria = tuple(sorted(found, key=no_reason.__getitem__))  # what all rows deny stays denied
        met = np.any([_yes(head[one]) for one in criteria], axis=0) if criteria else np.zeros(head.n_rows, bool)
        met &= ~set_aside
        obeyed = bool(met.any()) and float(serious[met].mean()) >= OBEYED
        few = 0 < len(np.unique(owner[serious])) < k
        return cls(name, criteria, obeyed, min(1.0, k / 2 / head.n_rows) if few else 0.0)

    def apply(
        self, columns: Mapping[str, Column], occurrence: NDArray[np.int64], grave: NDArray[np.bool_], rng: np.random.Generator
    ) -> dict[str, Column]:
        """Make rows (n_rows,) of occurrences serious, of rare ones those first that are `grave` (n,) and not yet serious."""
        out = dict(columns)
        if not self.serious or self.serious not in out:
            return out
        already = np.zeros(len(grave), bool)
        already[occurrence[_yes(out[self.serious])]] = True
        first = np.lexsort((rng.random(len(grave)), ~grave, already))[: rng.binomial(len(grave), self.rare)]
        chosen = np.isin(occurrence, first)
        if chosen.any() and self.criteria:
            out[self.criteria[0]] = _said(out[self.criteria[0]], chosen)
        if self.obeyed:
            chosen = np.any([chosen, *(_yes(out[one]) for one in self.criteria if one in out)], axis=0)
        out[self.serious] = _said(out[self.serious], chosen)
        return out


def _yes(column: Column) -> NDArray[np.bool_]:
    return np.asarray(column.strings() == "Y", bool) if isinstance(column, Text) else np.zeros(len(column), bool)


def _said(column: Column, rows: NDArray[np.bool_]) -> Column:
    if not isinstance(column, Text) or not rows.any():
        return column
    return column.overlaid(rows, Text.constant("Y", int(rows.sum())))

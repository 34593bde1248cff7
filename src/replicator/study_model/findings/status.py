"""Results that were not obtained and say so: which rows without a result are learned, and whose status is NOT DONE."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.counting import counted
from replicator.derivations.derive import chosen
from replicator.profile.structure import DatasetStructure
from replicator.study_model.columns.codes import column_codes
from replicator.tables.dataset import Column, Dataset, Text

Flags = NDArray[np.bool_]

NOT_DONE = "NOT DONE"  # the only term of the standard's codelist of --STAT


@dataclass(frozen=True)
class NotDone:
    """What rows without a result say of their status, of all tests together.

    The status of a test that fewer than k subjects have is not learned with the test's other columns; the term is the standard's.

    Attributes
    ----------
    variable : str
        --STAT.
    share : float
        Share of the rows without a result that are NOT DONE.
    """

    kind: ClassVar[str] = "results not done"

    variable: str
    share: float

    @classmethod
    def fit(
        cls, dataset: Dataset, structure: DatasetStructure, without: Flags, subject: NDArray[np.int32], k: int
    ) -> NotDone | None:
        """Learn from rows (n_rows,), some `without` a result; None where a status says anything else, or fewer than k have one."""
        name = structure.named("STAT")
        if not name or not isinstance(dataset[name], Text):
            return None
        codes, levels = column_codes(dataset[name])
        stated = codes >= 0
        if levels.strings().tolist() != [NOT_DONE] or (stated & ~without).any():
            return None
        share = float(stated.sum() / without.sum())
        if len(np.unique(subject[stated])) < k:
            return None
        return cls(name, share)

    def hold(self, columns: Mapping[str, Column], without: Flags, rng: np.random.Generator) -> dict[str, Column]:
        """Give NOT DONE to so many rows (n_rows,) `without` a result and a status that it has its share; returns that column."""
        column = columns.get(self.variable, Text.constant("", len(without)))
        if not isinstance(column, Text):
            return {}
        lacking = without & column.missing
        wanted = self.share * without.sum() - (without & ~column.missing).sum()
        if wanted <= 0 or not lacking.any():
            return {}
        given = lacking & (rng.random(len(lacking)) * lacking.sum() < wanted)
        return {self.variable: chosen(given, Text.constant(NOT_DONE, len(column)), column)}


def few_not_done(dataset: Dataset, structure: DatasetStructure, subject: NDArray[np.int32], k: int) -> Flags:
    """Rows (n_rows,) with a status and no result, if fewer than k subjects have such: their status is kept of none, nor is the row.

    Without its status it would be a row that lacks a result and does not say why.
    """
    name = structure.named("STAT")
    results = [own for suffix in ("ORRES", "STRESC", "STRESN") if (own := structure.named(suffix))]
    nothing = np.zeros(dataset.n_rows, bool)
    if not name or not results:
        return nothing
    stated = ~dataset[name].missing & np.all([dataset[one].missing for one in results], axis=0)
    return stated if len(np.unique(subject[stated])) < k else nothing


def notes_not_done(name: str, n: int, k: int) -> tuple[str, ...]:
    """Say of how many rows of a dataset with a status and no result nothing is learned, since fewer than `k` subjects have such."""
    if not n:
        return ()
    said = f"{name}: rows that say that there is no result, of fewer than {k} subjects, are not learned"
    return (f"{said}, {counted(n, 'row')}; lower k to keep them.",)

"""Doses that come with their unit: as many stand without one in a sample as in the source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.derivations.derive import blanked
from replicator.profile.structure import DatasetStructure
from replicator.study_model.columns.codes import common_text
from replicator.tables.dataset import Column, Dataset, Numbers, Text


@dataclass(frozen=True, eq=False)
class DoseAgreement:
    """What agrees about the doses of one dataset.

    Attributes
    ----------
    dose, unit : str
        A number that comes with a unit, and the unit.
    unitless : float
        Share of the numbers that the source has without a unit.
    common_unit : str
        Unit that stands for those that are not kept, where every row has a dose: the one that most rows have. ``""`` if k subjects
        share none, or where doses may be missing: then those that have lost their unit are.
    """

    kind: ClassVar[str] = "dose agreement"

    dose: str
    unit: str
    unitless: float
    common_unit: str

    @classmethod
    def fit(cls, dataset: Dataset, structure: DatasetStructure, subject: NDArray[np.int32], k: int) -> DoseAgreement | None:
        """Learn from a dataset whose rows belong to `subject` (n_rows,); None where it has no doses in numbers, with units."""
        dose, unit = structure.named("DOSE"), structure.named("DOSU")
        if not dose or not unit or not isinstance(dataset[dose], Numbers):
            return None
        given = ~dataset[dose].missing
        unitless = float((dataset[unit].missing & given).sum() / max(int(given.sum()), 1))
        return cls(dose, unit, unitless, "" if dataset[dose].missing.any() else common_text(dataset.text(unit), subject, k))

    def hold(self, dataset: Dataset, rng: np.random.Generator) -> Dataset:
        """Leave as many doses without a unit as the source has; `rng` says which."""
        if self.dose not in dataset or self.unit not in dataset:
            return dataset
        dose, unit = dataset[self.dose], dataset[self.unit]
        bare = ~dose.missing & unit.missing
        n_bare, n = int(bare.sum()), int((~dose.missing).sum())
        if n_bare <= self.unitless * n:
            return dataset
        if self.common_unit and isinstance(unit, Text):
            gone = bare & (rng.random(dataset.n_rows) * n_bare >= self.unitless * n)
            written: Column = unit.overlaid(gone, Text.constant(self.common_unit, int(gone.sum())))
            return dataset.with_column(dataset.variable(self.unit), written)
        gone = bare & (rng.random(dataset.n_rows) * n_bare * (1 - self.unitless) >= self.unitless * (n - n_bare))
        return dataset.with_column(dataset.variable(self.dose), blanked(dose, gone))

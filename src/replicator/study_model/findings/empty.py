"""A findings dataset of which nothing can be learned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.config import FitConfig
from replicator.profile.structure import DatasetStructure, Role
from replicator.study_model.spine import Fitted, Rows, Spine
from replicator.tables.dataset import Column, Dataset, Numbers, Text


@dataclass(frozen=True, eq=False)
class EmptyFindings:
    """A findings dataset of which nothing can be learned: its columns without rows.

    Attributes
    ----------
    names, numeric : tuple of str
        Columns, and those that are numbers.
    """

    kind: ClassVar[str] = "empty findings"

    names: tuple[str, ...]
    numeric: tuple[str, ...]

    @classmethod
    def fit(
        cls, dataset: Dataset, structure: DatasetStructure, subject: NDArray[np.int32], spine: Spine, config: FitConfig
    ) -> Fitted:
        """Keep the columns; see :class:`~replicator.study_model.spine.Part`."""
        made = (Role.IDENTIFIER, Role.SUBJECT, Role.SEQUENCE, Role.RECORD_ID, Role.STUDY_DAY)
        names = tuple(name for name in dataset.names if name not in structure.with_role(*made))
        part = cls(names, tuple(name for name in names if isinstance(dataset[name], Numbers)))
        note = (
            f"{dataset.name}: none of its {dataset.n_rows} rows is learned, since no test is shared by {config.k} subjects; "
            f"lower k to learn them."
        )
        return Fitted(part, {}, (note,) if dataset.n_rows else ())

    def sample(self, spine: Spine, rng: np.random.Generator) -> Rows:
        """Return the columns without rows; see :class:`~replicator.study_model.spine.Part`."""
        columns: dict[str, Column] = {
            name: Numbers(np.empty(0)) if name in self.numeric else Text.constant("", 0) for name in self.names
        }
        return Rows(np.empty(0, np.int32), columns)

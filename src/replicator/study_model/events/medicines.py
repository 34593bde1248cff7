"""Medicines of a dataset of interventions: what names them, and what enough subjects share of how they are given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from replicator.distinct import distinct_values
from replicator.profile.structure import DatasetStructure
from replicator.study_model.columns.codes import column_codes, count_subjects
from replicator.tables.dataset import Column, Dataset

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Medicines:
    """Occurrences of medicines in the source.

    Attributes
    ----------
    head : Dataset
        First row of each occurrence.
    structure : DatasetStructure
        Of the dataset.
    kind_of : (n,) int64
        Kind of term of each occurrence.
    own : (n_kinds,) bool
        Whether a kind is one term, and not all rare ones of a class.
    subject : (n,) int32
        Whose occurrence it is.
    k : int
        Fewest subjects behind anything kept.
    """

    head: Dataset
    structure: DatasetStructure
    kind_of: Ints
    own: Bools
    subject: NDArray[np.int32]
    k: int

    def filled(self, suffix: str) -> str:
        """Name of the variable ``--suffix`` if the dataset has it and it is filled somewhere, else ``""``."""
        name = self.structure.named(suffix)
        return name if name and not self.head[name].missing.all() else ""

    @property
    def names(self) -> tuple[str, ...]:
        """Variables that name the medicine, the closest name first."""
        return tuple(filter(None, (self.filled(suffix) for suffix in ("TRT", "DECOD"))))

    def are_shared(self, codes: Ints, n_levels: int) -> Bools:
        """Whether at least k subjects share each level (n_levels,), of codes (n,)."""
        return count_subjects(codes, self.subject, n_levels) >= self.k

    def own_pairs(self, codes: Ints) -> tuple[Ints, Ints]:
        """Kinds that are one term, and codes (n,) of theirs, that at least k subjects share: (n_pairs,) each."""
        pairs, pair = np.unique(np.stack([self.kind_of, codes]), axis=1, return_inverse=True)
        kept = self.are_shared(pair.reshape(-1).astype(np.int64), pairs.shape[1]) & (pairs[1] >= 0) & self.own[pairs[0]]
        kind, code = pairs[:, kept].astype(np.int64)
        return kind, code


def distinct_medicines(columns: Mapping[str, Column], names: Sequence[str], n: int) -> tuple[list[tuple[str, ...]], Ints]:
    """Names of each distinct medicine by the variables `names`, and the medicine of each row: (n,)."""
    parts = [column_codes(columns[name]) for name in names]
    distinct, medicine = distinct_values(np.stack([codes for codes, _ in parts]), axis=1, return_inverse=True)
    words = [np.append(values.strings(), "") for _, values in parts]
    named = [tuple(str(words[i][code]) for i, code in enumerate(one)) for one in distinct.T.tolist()]
    return named, medicine.reshape(n).astype(np.int64)

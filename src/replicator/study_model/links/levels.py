"""Which rows are pointed at by others, as far as one variable of theirs tells."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.study_model.columns.codes import column_codes, count_subjects
from replicator.tables.dataset import Dataset

MOST_LEVELS = 40


@dataclass(frozen=True)
class LinkedLevels:
    """The variable that tells best which rows of a dataset are pointed at.

    Attributes
    ----------
    column : str
        ``""`` if none does.
    levels : tuple of str
        Its levels; ``""`` for those that fewer than k subjects have.
    """

    kind: ClassVar[str] = "linked levels"

    column: str
    levels: tuple[str, ...]

    @classmethod
    def fit(
        cls,
        dataset: Dataset,
        subject: NDArray[np.int32],
        linked: NDArray[np.bool_],
        concerned: NDArray[np.bool_],
        left_out: Container[str],
        k: int,
    ) -> LinkedLevels:
        """Choose the variable by how much the share of rows that are pointed at differs between its levels, beyond chance.

        Levels that fewer than k subjects have count as one.

        Parameters
        ----------
        dataset : Dataset
        subject : (n_rows,) int32
        linked : (n_rows,) bool
            Whether a row is pointed at.
        concerned : (n_rows,) bool
            Rows to compare.
        left_out : container of str
            Variables that are not asked.
        k : int
        """
        best: tuple[float, str, tuple[str, ...]] = (0.0, "", ())
        for column in dataset.names if concerned.any() else ():
            codes, levels = column_codes(dataset[column])
            if not 1 < len(levels) <= MOST_LEVELS or column in left_out:
                continue
            shared = np.append(count_subjects(codes, subject, len(levels)) >= k, False)
            codes = np.where(shared[codes], codes, -1)
            n = np.bincount(codes[concerned] + 1, minlength=len(levels) + 1)
            hit = np.bincount(codes[concerned] + 1, linked[concerned], minlength=len(n))
            share = hit / np.maximum(n, 1)
            told = float((n * (share - linked[concerned].mean()) ** 2).sum()) - shared.sum() * float(linked[concerned].var())
            if told > best[0]:
                named = (text if kept else "" for text, kept in zip(levels.strings().tolist(), shared[:-1].tolist(), strict=True))
                best = (told, column, tuple(named))
        return cls(*best[1:])

    def codes(self, dataset: Dataset) -> NDArray[np.int64]:
        """Level of each row, -1 for none of those that are kept: (n_rows,)."""
        if not self.column or self.column not in dataset:
            return np.full(dataset.n_rows, -1, np.int64)
        place = {text: i for i, text in enumerate(self.levels) if text}
        codes, levels = column_codes(dataset[self.column])
        lookup = np.array([place.get(text, -1) for text in levels.strings()] + [-1])
        return lookup[codes]

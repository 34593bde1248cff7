"""The qualifiers of an occurrence: categories and numbers given its phase, term, class and arm, and given one another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.models.chain import ConditionalChain
from replicator.models.conditional import Codes
from replicator.study_model.attributes import (
    CUSTOMARY,
    MOST_LEVELS,
    Attributes,
    column_codes,
    count_subjects,
    is_worded,
    protect_levels,
)
from replicator.tables.dataset import Column, Dataset, Numbers, Text

LEAST_MATCH = 0.2  # a value taken from a wider cell is wrong more than four times in five if two draws from there agree less often


@dataclass(frozen=True, eq=False)
class Qualifiers:
    """Columns of an occurrence.

    Attributes
    ----------
    names : tuple of str
        Categories.
    levels : tuple of Column
        Values of each; every one is shared by at least k subjects.
    chain : ConditionalChain
        Codes of the categories.
    measures : Attributes
        Numbers with many values.
    """

    kind: ClassVar[str] = "qualifiers"

    names: tuple[str, ...]
    levels: tuple[Column, ...]
    chain: ConditionalChain
    measures: Attributes

    @classmethod
    def fit(
        cls, dataset: Dataset, names: Sequence[str], given: Sequence[Codes], subject: NDArray[np.int32], k: int
    ) -> tuple[Qualifiers, tuple[str, ...]]:
        """Learn columns given codes; also returns notes on what was not kept."""
        notes: list[str] = []
        categories: list[str] = []
        codes: list[NDArray[np.int64]] = []
        levels: list[Column] = []
        numbers: list[str] = []
        for name in names:
            code, values = column_codes(dataset[name])
            if isinstance(values, Numbers) and len(values) > MOST_LEVELS and not _customary(code, len(values), subject, k):
                numbers.append(name)
                continue
            code, values, withheld = protect_levels(code, values, subject, k, is_worded(name, dataset.domain))
            if withheld:
                notes.append(
                    f"{dataset.name}.{name}: {withheld} values that fewer than {k} subjects share are not kept; "
                    "lower k to keep them."
                )
            categories.append(name)
            codes.append(code)
            levels.append(values)
        chain = ConditionalChain.fit(codes, given, subject, k=k, least_match=LEAST_MATCH)
        measures, more = Attributes.fit(dataset, numbers, given, subject, k)
        return cls(tuple(categories), tuple(levels), chain, measures), (*notes, *more)

    def sample(self, given: Sequence[Codes], rng: np.random.Generator, n: int, subject: Codes) -> dict[str, Column]:
        """Draw the columns of `n` occurrences of these subjects."""
        out: dict[str, Column] = {}
        for name, levels, code in zip(self.names, self.levels, self.chain.sample(given, rng, n, subject), strict=True):
            out[name] = take_levels(levels, code)
        return out | dict(self.measures.sample(given, rng, n))


def _customary(codes: NDArray[np.int64], n_levels: int, subject: NDArray[np.int32], k: int) -> bool:
    """Whether a number is one of customary values, such as doses: few rows have one that fewer than `k` subjects share."""
    rare = count_subjects(codes, subject, n_levels) < k
    rows = np.bincount(codes[codes >= 0], minlength=n_levels)
    return bool(rows[rare].sum() <= CUSTOMARY * rows.sum())


def take_levels(levels: Column, codes: Codes) -> Column:
    """Decode codes (n,) of a column's distinct values; -1 gives a missing cell."""
    if isinstance(levels, Text):
        return Text(np.append(levels.codes, -1)[codes].astype(np.int32), levels.levels)
    return Numbers(np.append(levels.values, np.nan)[codes])

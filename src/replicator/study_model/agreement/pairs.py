"""Pairs of values that the source knows: a visit that lies in one epoch or in another, but in no third and in none at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.derivations.derive import chosen
from replicator.distinct import distinct_values
from replicator.study_model.columns.codes import column_codes, count_subjects
from replicator.tables.dataset import Column, Dataset, Numbers, Text

SEPARATOR = "\x1f"  # between the parts of a combination


@dataclass(frozen=True, eq=False)
class KnownPairs:
    """Values that go with each value of another variable.

    Attributes
    ----------
    given, then : str
        The two variables.
    pairs : tuple of str
        Pairs whose first values have none but pairs that at least k subjects share; joined, the most frequent pair first.
    values : Column
        The second value of each pair: (n_pairs,).
    """

    kind: ClassVar[str] = "known pairs"

    given: str
    then: str
    pairs: tuple[str, ...]
    values: Column

    @classmethod
    def fit(cls, dataset: Dataset, given: str, then: str, subject: NDArray[np.int32], k: int) -> KnownPairs:
        """Learn from rows that belong to `subject` (n_rows,)."""
        pair, texts = combinations_of(dataset, (given, then))
        key, _ = combinations_of(dataset, (given,))
        rare = count_subjects(pair, subject, len(texts)) < k
        rows = np.flatnonzero(~np.isin(key, key[rare[pair]]) & ~dataset[given].missing)
        kept, first, count = distinct_values(pair[rows], return_index=True, return_counts=True)
        order = np.argsort(-count, kind="stable")
        values = dataset[then].take(rows[first[order]])
        values = values.compact() if isinstance(values, Text) else values
        return cls(given, then, tuple(texts[at] for at in kept[order].tolist()), values)

    def hold(self, dataset: Dataset) -> Dataset:
        """Where a cell makes a pair that is not known, though its key is, set the value that most rows of the key have."""
        if {self.given, self.then} - set(dataset.names):
            return dataset
        usual = {text.partition(SEPARATOR)[0]: at for at, text in reversed(list(enumerate(self.pairs)))}
        code, texts = combinations_of(dataset, (self.given, self.then))
        known = set(self.pairs)
        place = [-1 if text in known else usual.get(text.partition(SEPARATOR)[0], -1) for text in texts]
        at = np.array(place, np.intp).take(code)
        if not (at >= 0).any():
            return dataset
        column = chosen(at >= 0, self.values.take(np.maximum(at, 0)), dataset[self.then])
        return dataset.with_column(dataset.variable(self.then), column)


@dataclass(frozen=True, eq=False)
class Combinations:
    """Combinations of variables of one dataset, which are coded once as long as its columns stay what they are."""

    known: dict[tuple[str, ...], tuple[list[Column], NDArray[np.int64], list[str]]] = field(default_factory=dict)

    def of(self, dataset: Dataset, names: Sequence[str]) -> tuple[NDArray[np.int64], list[str]]:
        """Return what :func:`combinations_of` does."""
        columns = [dataset[name] for name in names]
        found = self.known.get(tuple(names))
        if found is None or any(now is not then for now, then in zip(columns, found[0], strict=True)):
            found = self.known[tuple(names)] = (columns, *combinations_of(dataset, names))
        return found[1:]


def combinations_of(dataset: Dataset, names: Sequence[str]) -> tuple[NDArray[np.int64], list[str]]:
    """Code the combinations of some variables: (n_rows,) codes, and the text of each; missing cells take part as ``""``."""
    joined = np.zeros(dataset.n_rows, np.int64)
    parts = []
    for name in names:
        column = dataset[name]
        cells, levels = column_codes(column.rounded if isinstance(column, Numbers) else column)
        parts.append(["", *map(str, levels.strings().tolist())])
        joined = joined * len(parts[-1]) + cells + 1 if len(parts) > 1 else cells + 1
    if len(parts) == 1:  # every value is there, but for the missing one
        begin = int(len(joined) > 0 and joined.min() > 0)
        return joined - begin if begin else joined, parts[0][begin:] if len(joined) else []
    found, inverse = distinct_values(joined, return_inverse=True)
    texts = []
    for levels_of_one in reversed(parts):
        found, place = np.divmod(found, len(levels_of_one))
        texts.append([levels_of_one[at] for at in place.tolist()])
    joint = [SEPARATOR.join(one) for one in zip(*reversed(texts), strict=True)] if texts else [""] * len(found)
    return inverse.reshape(-1).astype(np.int64, copy=False), joint

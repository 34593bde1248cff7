"""Categories of the subjects' dataset that are drawn as one trait."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.counting import counted
from replicator.distinct import distinct_values
from replicator.study_model.columns.codes import column_codes, count_subjects, take_codes
from replicator.study_model.columns.stand_in_codes import ORDINARY, replace_rare_codes
from replicator.tables.dataset import Column, Dataset, Text

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Demography:
    """Tuples of categories of the subjects' dataset that are drawn as one trait.

    Attributes
    ----------
    trait : str
        Name in the joint model.
    names : tuple of str
        Variables.
    values : tuple of Column
        Their cells, one row a tuple.
    """

    kind: ClassVar[str] = "demography"

    trait: str
    names: tuple[str, ...]
    values: tuple[Column, ...]


def tuple_codes(
    dataset: Dataset, names: tuple[str, ...], subject: NDArray[np.int32], k: int, owner: str
) -> tuple[Floats, tuple[Column, ...], list[str]]:
    """Code the tuples of some variables; rare codes of identifiers become others of the same pattern, rare tuples go."""
    joint = np.zeros(dataset.n_rows, np.int64)
    parts, made = [], []
    for name in names:
        column, new = dataset[name], np.zeros(dataset.n_rows, bool)
        if isinstance(column, Text):
            column, new = replace_rare_codes(column, subject, k)
        codes, levels = column_codes(column)
        parts.append((codes, levels))
        made.append(new)
        _, joint = distinct_values(joint * (len(levels) + 1) + codes + 1, return_inverse=True)
    n_tuples = int(joint.max()) + 1 if len(joint) else 0
    stand_in = np.zeros(n_tuples, bool)
    if len(names) == 1:
        stand_in[joint] = made[0]
    common = (count_subjects(joint, subject, n_tuples) >= k) | stand_in
    lost, listed = int((~common).sum()), ", ".join(names)
    notes = []
    if lost:
        said = counted(lost, "of its values is", "of its values are")
        them = "it" if lost == 1 else "them"
        notes = [f"{owner}.{listed}: {said} shared by fewer than {k} subjects and not kept; lower k to keep {them}."]
    if not common.any():
        return *_of_cells(names, parts, made, k), notes
    kept = np.flatnonzero(common)
    first = np.zeros(n_tuples, np.intp)
    first[joint[::-1]] = np.arange(len(joint))[::-1]
    position = np.full(n_tuples, np.nan)
    position[kept] = np.arange(len(kept))
    columns = tuple(take_codes(levels, codes[first[kept]]) for codes, levels in parts)
    return position[joint], columns, notes


def _of_cells(
    names: tuple[str, ...], parts: Sequence[tuple[NDArray[np.int64], Column]], made: Sequence[NDArray[np.bool_]], k: int
) -> tuple[Floats, tuple[Column, ...]]:
    """Tuples of cells that may be kept one by one; where everybody has some, new codes or terms of the standard stand in."""
    cells: list[Column] = []
    for name, (codes, levels), stands_in in zip(names, parts, made, strict=True):
        code = _shared_code(codes, k)
        new = ORDINARY.get(name, ()) or tuple(levels.take(distinct_values(codes[stands_in])).strings().tolist())
        terms = new if code < 0 and (codes >= 0).all() else ()
        cells.append(Text.of(terms) if terms else take_codes(levels, np.array([code])))
    combined = np.array(list(product(*(range(len(one)) for one in cells))), np.intp)
    return (np.arange(len(parts[0][0])) % len(combined)).astype(np.float64), tuple(
        one.take(combined[:, i]) for i, one in enumerate(cells)
    )


def _shared_code(codes: NDArray[np.int64], k: int) -> int:
    """The most frequent code of the subjects (n,), -1 if fewer than `k` share it."""
    count = np.bincount(codes[codes >= 0], minlength=1)
    return int(count.argmax()) if count.max() >= k else -1

"""Columns of a row given codes that are known of it: tuples that occur together, numbers, and texts nobody can be known by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.models.backoff import Codes
from replicator.models.coupled_draws import draw_coupled
from replicator.standards.variables import variable_standard
from replicator.standards.withheld import WITHHELD
from replicator.study_model.columns.blocks import Block, block_conditions, fit_block
from replicator.study_model.columns.measures import Measure
from replicator.study_model.columns.rare_levels import is_rare, prepare_column
from replicator.tables.dataset import Column, Dataset, Numbers, Text


@dataclass(frozen=True)
class RareText:
    """A text variable that fewer than k subjects have at all: it is there now and then, and says nothing.

    Attributes
    ----------
    name : str
    share : float
        Share of rows that have it: k / 2 rows of the source's, since how many there were is not kept.
    """

    kind: ClassVar[str] = "rare text"

    name: str
    share: float


@dataclass(frozen=True, eq=False)
class Attributes:
    """Columns given conditions."""

    kind: ClassVar[str] = "attributes"

    blocks: tuple[Block, ...]
    measures: tuple[Measure, ...]
    rare: tuple[RareText, ...] = ()

    @classmethod
    def fit(
        cls,
        dataset: Dataset,
        names: Sequence[str],
        given: Sequence[Codes],
        subject: NDArray[np.int32],
        k: int,
        standard: frozenset[str] = frozenset(),
    ) -> tuple[Attributes, tuple[str, ...]]:
        """Learn columns given codes.

        Parameters
        ----------
        dataset : Dataset
            Rows to learn from.
        names : sequence of str
            Columns to learn.
        given : sequence of (n_rows,) int
            Conditions, the most important first.
        subject : (n_rows,) int32
            Whose row it is.
        k : int
            Fewest subjects behind a tuple.
        standard : frozenset of str
            Columns whose values are terms of the standard: they are nobody's words, so rare ones stay.

        Returns
        -------
        Attributes, notes : tuple of str
        """
        notes: list[str] = []
        measures = []
        coded: list[tuple[str, NDArray[np.int64], Column]] = []
        rare = []
        for name in names:
            if is_rare(dataset[name], subject, k):
                if variable_standard(name, dataset.domain) is None:  # one from SUPP--, whose rows would vanish otherwise
                    rare.append(RareText(name, min(1.0, k / 2 / dataset.n_rows)))
                notes.append(f"{dataset.name}.{name}: fewer than {k} subjects have a value, so none is kept; lower k to keep them.")
                continue
            prepared, note = prepare_column(dataset, name, subject, 1 if name in standard else k)
            notes += note
            if prepared is None:
                measures.append(Measure.fit(name, dataset.numbers(name), given, subject, k))
            else:
                coded.append(prepared)
        blocks: list[Block] = []
        before: list[Codes] = []
        while coded:
            block, codes, used = fit_block(coded, block_conditions(given, before), subject, k)
            blocks.append(block)
            before.append(codes)
            coded = coded[used:]
        return cls(tuple(blocks), tuple(measures), tuple(rare)), tuple(notes)

    def sample(
        self, given: Sequence[Codes], rng: np.random.Generator, n: int, chances: Sequence[NDArray[np.float64] | None] = ()
    ) -> Mapping[str, Column]:
        """Draw the columns of `n` rows given their codes; of blocks that have `chances` (n,), uniform numbers, these decide."""
        out: dict[str, Column] = {}
        before: list[Codes] = []
        for at, block in enumerate(self.blocks):
            chance = chances[at] if at < len(chances) else None
            conditions = block_conditions(given, before)
            code = block.table.sample(conditions, rng, n) if chance is None else draw_coupled(block.table, conditions, chance)
            before.append(code)
            for name, column in zip(block.names, block.values, strict=True):
                out[name] = column.take(code)
        for measure in self.measures:
            out[measure.name] = Numbers(measure.sample(given, rng, n))
        for one in self.rare:
            there = rng.random(n) < one.share
            out[one.name] = Text(np.where(there, 0, -1).astype(np.int32), np.array([WITHHELD], dtype=object))
        return out

"""What a check gives back for one variable, before it becomes an outcome and a finding."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from replicator.rules.grouping import Mask
from replicator.rules.rule import Rule
from replicator.rules.tally import Tally
from replicator.rules.view import StudyView
from replicator.tables.dataset import Text


@dataclass(frozen=True, eq=False)
class Tested:
    """One variable of one dataset under one rule.

    Attributes
    ----------
    dataset, variable : str
        What was tested; `variable` is ``""`` for a test of a whole dataset.
    n_tested : int
        Rows (or variables) tested.
    rows : (n_failed,) intp
        Rows that failed; empty for metadata.
    values : tuple of str or None
        What to show for each failure; None shows the cells of `variable`. For metadata the names that fail.
    """

    dataset: str
    variable: str
    n_tested: int
    rows: NDArray[np.intp]
    values: tuple[str, ...] | None = None

    @property
    def n_failed(self) -> int:
        """Number of failures."""
        return len(self.values) if self.values is not None else len(self.rows)


CheckFunction: TypeAlias = Callable[[StudyView, Rule], Iterator[Tested]]

_NO_ROWS = np.empty(0, np.intp)


def tested(dataset: str, variable: str, applies: Mask, failed: Mask) -> Tested:
    """Build from masks over the rows: those that the rule applies to, and those that fail among them."""
    return Tested(dataset, variable, int(np.count_nonzero(applies)), np.flatnonzero(applies & failed))


def tested_levels(dataset: str, variable: str, column: Text, failed: Iterable[bool]) -> Tested:
    """Build for a column of text whose levels fail or not, one by one; missing cells are not tested."""
    cells, wrong = column.held, np.array([*failed, False])
    rows = np.flatnonzero(wrong[cells]) if wrong.any() else _NO_ROWS
    return Tested(dataset, variable, int(np.count_nonzero(cells >= 0)), rows)


def tested_combinations(dataset: str, variable: str, rows: Tally, applies: Mask, failed: Mask) -> Tested:
    """Build from masks over the combinations of a tally, which hold for all rows that have them."""
    return Tested(dataset, variable, int(rows.counts[applies].sum()), rows.rows_of(applies & failed))


def tested_names(dataset: str, n_tested: int, failing: list[str]) -> Tested:
    """Build for a rule about metadata: how many names were tested, and which fail."""
    return Tested(dataset, "", n_tested, _NO_ROWS, tuple(failing))

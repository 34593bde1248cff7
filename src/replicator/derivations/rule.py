"""What a rule of derivation is: it proposes derivations for a source, and computes them on any study."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from replicator.derivations.derivation import Derivation
from replicator.derivations.workspace import Workspace
from replicator.tables.dataset import Column, Text


class DatasetFacts(Protocol):
    """What finding asks of the structure of a dataset (the profile's ``DatasetStructure`` gives it)."""

    @property
    def name(self) -> str:
        """Name of the dataset."""
        ...

    @property
    def kind(self) -> str:
        """What one row is: ``subjects``, ``schedule``, ``states``, ``findings``, ``events``, ``interventions`` and so on."""
        ...

    @property
    def prefix(self) -> str:
        """The letters before its variables' names."""
        ...

    def with_role(self, *roles: Any) -> tuple[str, ...]:
        """Names of the variables that have one of these roles."""
        ...

    def named(self, suffix: str) -> str:
        """Name of the variable ``--suffix``, ``""`` if absent."""
        ...


@dataclass(frozen=True)
class Source:
    """The study in which derivations are looked for.

    Attributes
    ----------
    workspace : Workspace
        The study itself.
    structures : mapping of str to DatasetFacts
        By name of the dataset.
    subjects : str
        Name of the dataset with one row a subject.
    k : int
        Fewest subjects that must share a value that is kept as a parameter.
    """

    workspace: Workspace
    structures: Mapping[str, DatasetFacts]
    subjects: str
    k: int

    def of_kind(self, *kinds: str) -> list[DatasetFacts]:
        """Structures of the datasets of some kinds that have rows."""
        found = [structure for structure in self.structures.values() if structure.kind in kinds]
        return [structure for structure in found if structure.name in self.workspace.study and self.rows(structure.name)]

    def about_subjects(self) -> list[DatasetFacts]:
        """Structures of all datasets that have rows and name subjects, but for qualifiers and links."""
        return [
            structure
            for structure in self.structures.values()
            if structure.kind not in ("qualifiers", "links", "reference")
            and structure.name in self.workspace.study
            and self.rows(structure.name)
            and self.workspace.subject_variable in self.workspace.study[structure.name]
        ]

    def rows(self, dataset: str) -> int:
        """Rows of a dataset."""
        return self.workspace.study[dataset].n_rows

    def reference_dates(self, *wanted: str) -> list[str]:
        """Those of some date variables of the subjects' dataset that exist and are not empty, as ``DM.RFSTDTC``."""
        names = [f"{self.subjects}.{variable}" for variable in wanted]
        return [name for name in names if self.workspace.has(name) and not self.workspace.missing(name).all()]


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a rule says: a column, and the rows (n_rows,) on which it says something, be it that the cell is missing."""

    column: Column
    known: NDArray[np.bool_]


Propose = Callable[[Source], Iterable[Derivation]]
Compute = Callable[[Workspace, Derivation], Outcome]


@dataclass(frozen=True)
class Rule:
    """A kind of derivation.

    Attributes
    ----------
    propose : callable
        Candidates for a source, parameters learned, likeliest first; every one is tested before it is believed.
    compute : callable
        The derived column of a study.
    counted : "known" or "either"
        On which rows it is tested: on all on which it says something, or on those where it or the source has a value (flags,
        where agreement on the many empty cells would prove nothing).
    least : float
        Smallest share of tested rows that must agree.
    coverage : float
        Smallest share of the rows with a value in the source on which the rule must say something.
    least_tested : int
        Fewest rows on which it must have been tested.
    by_definition : callable or None
        Tells derivations that the standard gives by what it says of the variable: one row is enough, and every row must agree.
    """

    propose: Propose
    compute: Compute
    counted: Literal["known", "either"] = "known"
    least: float = 0.9
    coverage: float = 0.0
    least_tested: int = 10
    by_definition: Callable[[Derivation], bool] | None = None


def words(yes: NDArray[np.bool_], word: str, otherwise: str = "") -> Text:
    """Write one word where `yes` (n_rows,), another (``""``: missing) elsewhere."""
    levels = sorted({word, otherwise} - {""})
    place = {level: code for code, level in enumerate(levels)} | {"": -1}
    return Text(np.where(yes, place[word], place[otherwise]).astype(np.int32), np.array(levels, dtype=object))


def text_of(texts: Iterable[str], codes: NDArray[np.integer]) -> Text:
    """Make a column of codes (n_rows,) into texts that may repeat or be empty; -1 and empty texts are missing."""
    listed = list(texts)
    levels = sorted(set(listed) - {""})
    place = {level: number for number, level in enumerate(levels)} | {"": -1}
    lookup = np.array([place[text] for text in listed] + [-1], dtype=np.int32)
    return Text(lookup.take(codes), np.array(levels, dtype=object))


def round_half_up(values: NDArray[np.float64], decimals: int | NDArray[np.int64]) -> NDArray[np.float64]:
    """Round to some decimals, halves away from zero as SAS does (numpy rounds them to even)."""
    scale = 10.0 ** np.asarray(decimals, dtype=np.float64)
    result = np.sign(values) * np.floor(np.abs(values) * scale * (1 + 1e-12) + 0.5) / scale
    return np.asarray(result, dtype=np.float64)


def decimals_of(values: NDArray[np.float64], most: int = 9) -> int | None:
    """Find the decimals that nearly all `values` are recorded with; None if more than `most` (no rounding)."""
    values = values[np.isfinite(values)]
    for decimals in range(most + 1):
        if (
            len(values) == 0
            or np.mean(np.abs(np.round(values, decimals) - values) <= 1e-9 * np.maximum(1.0, np.abs(values))) >= 0.99
        ):
            return decimals
    return None

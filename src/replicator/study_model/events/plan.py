"""Which column of an occurrence is learned how: as start, end, visit, identifier, date, epoch or qualifier."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from replicator.profile.structure import DatasetStructure, Role
from replicator.study_model.columns.codes import column_codes
from replicator.study_model.events.occurrences import Occurrences
from replicator.tables.dataset import Dataset

VARIES = 0.02  # share of occurrences with several rows within which a column must differ to be one of the row


@dataclass(frozen=True)
class ColumnPlan:
    """Which column is learned how."""

    start: str
    end: str
    collected: str
    visits: tuple[str, ...]
    ids: tuple[str, ...]
    dates: tuple[str, ...]
    placed: tuple[str, ...]
    qualifiers: tuple[str, ...]
    varying: tuple[str, ...]


def column_plan(dataset: Dataset, structure: DatasetStructure, found: Occurrences) -> ColumnPlan:
    """Sort the columns by how they are learned."""
    bound = found.visit is not None
    start, end, collected = structure.named("STDTC"), structure.named("ENDTC"), structure.named("DTC")
    if not start and collected and not bound:
        start, collected = collected, ""
    dates = [name for name in structure.with_role(Role.DATE) if name not in (start, end)]
    if bound and collected in dates:
        dates.remove(collected)
    elif not bound:
        collected = ""
    visits = structure.with_role(Role.VISIT) if bound and "VISITNUM" in structure.with_role(Role.VISIT) else ()
    ids = structure.with_role(Role.RECORD_ID)
    placed = structure.with_role(Role.EPOCH)
    roles = [Role.QUALIFIER, Role.FLAG, Role.GROUPING, Role.RESULT, Role.TIMEPOINT]
    qualifiers = [name for name in structure.with_role(*roles) if name not in dates]
    qualifiers += [name for name in structure.with_role(Role.VISIT) if name not in visits]
    several = np.bincount(found.of_row)[found.of_row] > 1
    varying = []
    for name in qualifiers:
        codes = column_codes(dataset[name])[0][several]
        pairs = np.unique(np.stack([found.of_row[several], codes], axis=1), axis=0)[:, 0]
        if len(pairs) and (np.bincount(pairs) > 1).sum() > VARIES * len(np.unique(pairs)):
            varying.append(name)
    return ColumnPlan(start, end, collected, visits, ids, tuple(dates), placed, tuple(qualifiers), tuple(varying))

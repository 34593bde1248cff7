"""Small studies written row by row, and the derivations that are found in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from replicator.derivations.derivation import Derivation
from replicator.derivations.find import find_derivations
from replicator.profile.find import find_structure
from replicator.tables.dataset import Dataset, Study

Frame = Mapping[str, Sequence[Any]]


def make_study(**frames: Frame) -> Study:
    datasets = {}
    for name, frame in frames.items():
        columns = {"STUDYID": "S1", "DOMAIN": name[:2], **frame}
        datasets[name] = Dataset.from_frame(name, pd.DataFrame(columns))
    return Study(datasets)


def find_in(study: Study, k: int = 5) -> dict[tuple[str, str], Derivation]:
    """Derivations by dataset and target; the totals of instruments under ``(dataset, target + " total")``."""
    structure = find_structure(study, derivations=False)
    found = find_derivations(study, structure.datasets, structure.subjects, k)
    return {(d.dataset, d.target + (" total" if d.rule == "total" else "")): d for d in found}


def subjects(n: int) -> list[str]:
    return [f"S1-{100 + i % 3}-{i:04d}" for i in range(n)]


def days(start: str, offsets: Sequence[float]) -> list[str]:
    """ISO dates, some days after a start; an empty text for NaN."""
    return ["" if o != o else str((pd.Timestamp(start) + pd.Timedelta(days=int(o))).date()) for o in offsets]

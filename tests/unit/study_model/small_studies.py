"""Small studies written out, and what is found in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from replicator.profile.find import find_structure
from replicator.profile.structure import StudyStructure
from replicator.tables.dataset import Dataset, Study


def make_study(**frames: Mapping[str, Sequence[object]]) -> Study:
    """Build a study of columns written out; STUDYID and DOMAIN are added (RDOMAIN tells where not)."""
    datasets = {}
    for name, frame in frames.items():
        head = {"STUDYID": "ST"} if "RDOMAIN" in frame else {"STUDYID": "ST", "DOMAIN": name}
        datasets[name] = Dataset.from_frame(name, pd.DataFrame({**head, **frame}))
    return Study(datasets)


def structured(study: Study) -> tuple[Study, StudyStructure]:
    """Return a study with its structure."""
    return study, find_structure(study)

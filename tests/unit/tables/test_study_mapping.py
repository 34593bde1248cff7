"""A study is looked through by the names of its datasets."""

from __future__ import annotations

import pandas as pd
import pytest

from replicator.errors import StudyError
from replicator.tables.dataset import Dataset, Study


def test_a_study_is_counted_and_iterated_by_name() -> None:
    study = Study({name: Dataset.from_frame(name, pd.DataFrame({"USUBJID": ["S-1"]})) for name in ("DM", "AE")})
    assert (list(study), len(study), "AE" in study) == (["DM", "AE"], 2, True)


@pytest.mark.parametrize("name", ["", "..", "../VS", "A/B", "A\\B", "A\nB", "A" * 201])
def test_a_dataset_is_called_what_a_file_can_be_called(name: str) -> None:
    """A sample of the study has to be written one day."""
    with pytest.raises(StudyError, match="is no name for a dataset"):
        Study({name: Dataset("AE", (), {})})
    assert list(Study({"Größe (2)": Dataset("AE", (), {})})) == ["Größe (2)"]

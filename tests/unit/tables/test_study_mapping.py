"""A study is looked through by the names of its datasets."""

from __future__ import annotations

import pandas as pd

from replicator.tables.dataset import Dataset, Study


def test_a_study_is_counted_and_iterated_by_name() -> None:
    study = Study({name: Dataset.from_frame(name, pd.DataFrame({"USUBJID": ["S-1"]})) for name in ("DM", "AE")})
    assert (list(study), len(study), "AE" in study) == (["DM", "AE"], 2, True)

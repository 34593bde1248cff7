"""Partial dates: every precision that a date can have is compared."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from replicator.evaluation.columns import partial_date_distances
from replicator.evaluation.splits import draw_splits
from replicator.evaluation.stack import stack_studies
from replicator.tables.dataset import Dataset, Study


def _study(date: str, n: int = 60) -> Study:
    ids = np.array([f"S-{i:03d}" for i in range(n)], dtype=object)
    events = pd.DataFrame({"STUDYID": "X", "USUBJID": ids, "AESEQ": 1.0, "AETERM": "FALL", "AESTDTC": date})
    return Study({"AE": Dataset.from_frame("AE", events)})


@pytest.mark.parametrize("date", ["2020", "2020-03", "2020-03-01T08", "2020-03-01T08:30", "2020-03-01T08:30:15", "UNKNOWN"])
def test_a_date_that_is_told_otherwise_is_as_far_as_can_be(date: str) -> None:
    stack = stack_studies(_study("2020-03-01"), _study(date))
    found = partial_date_distances(stack, draw_splits(stack.origin, np.random.default_rng(0)))
    assert found.names == ("AE.AESTDTC precision",)
    assert np.all(found.sample == 1.0) and np.all(found.floor == 0.0)

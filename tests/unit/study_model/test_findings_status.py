"""Rows without a result that say why."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from replicator.profile.find import find_structure
from replicator.study_model.findings_status import NotDone
from replicator.tables.dataset import Dataset, Study, Text

N = 20
WITHOUT = np.repeat(np.arange(N) % 2 == 0, 2)


def _fit(status: list[str], k: int = 5) -> NotDone | None:
    """Two rows of each of twenty subjects; every second subject has no result."""
    ids = [f"S{i:02}" for i in range(N)]
    frame = {
        "STUDYID": "ST",
        "DOMAIN": "LB",
        "USUBJID": np.repeat(ids, 2),
        "LBTESTCD": ["K", "NA1"] * N,
        "LBORRES": np.where(WITHOUT, "", "4.1"),
        "LBSTAT": status,
    }
    dm = Dataset.from_frame("DM", pd.DataFrame({"STUDYID": "ST", "DOMAIN": "DM", "USUBJID": ids}))
    study = Study({"DM": dm, "LB": Dataset.from_frame("LB", pd.DataFrame(frame))})
    return NotDone.fit(study["LB"], find_structure(study).datasets["LB"], WITHOUT, np.repeat(np.arange(N), 2), k)


def test_the_share_of_all_tests_is_kept() -> None:
    """Of twenty rows without a result eighteen say NOT DONE: so do nine in ten of a sample that has none, and no others."""
    status = ["NOT DONE" if without and i % 10 else "" for i, without in enumerate(WITHOUT.tolist())]
    found = _fit(status)
    assert found is not None and found.share == 0.9
    without = np.arange(4000) % 2 == 0
    column = found.hold({"LBSTAT": Text.constant("", 4000)}, without, np.random.default_rng(1))["LBSTAT"]
    assert abs((~column.missing)[without].mean() - found.share) < 0.03
    assert column.missing[~without].all()


def test_what_is_there_is_not_added_to() -> None:
    """A sample with more rows that are NOT DONE than the source's share keeps them as they are."""
    found = _fit(["NOT DONE" if without and i % 4 < 2 else "" for i, without in enumerate(WITHOUT.tolist())])
    assert found is not None
    assert found.hold({"LBSTAT": Text.constant("NOT DONE", 100)}, np.ones(100, bool), np.random.default_rng(1)) == {}


@pytest.mark.parametrize("k", [5, 20])
def test_few_of_those_without_a_result_or_another_word_tell_nothing(k: int) -> None:
    """Four subjects of ten are fewer than five and not most; a status beside a result is none of a missing one."""
    four = ["NOT DONE" if without and i < 16 else "" for i, without in enumerate(WITHOUT.tolist())]
    assert _fit(four, k) is None
    assert _fit(["NOT DONE"] * 2 * N, k) is None
    assert _fit(["REFUSED" if without else "" for without in WITHOUT.tolist()], k) is None


def test_a_share_of_few_is_not_kept() -> None:
    """Nine subjects of ten say NOT DONE, and are fewer than twenty."""
    nine = ["NOT DONE" if without and i < 36 else "" for i, without in enumerate(WITHOUT.tolist())]
    assert _fit(nine, 20) is None

"""Rows of a sequence on days of visits that are not those which other rows follow."""

from __future__ import annotations

import numpy as np

from replicator.study_model.sequence.dates import SequenceDates
from replicator.tables.dataset import Text

from ..small_studies import make_study
from ..spines import make_spine, make_visits

N, VISITS, K = 80, 5, 5


def test_what_is_not_at_the_last_visit_is_at_another_one() -> None:
    """Rows of one kind are at the last visit, those of the other at the one before, which is 2 to 40 days earlier.

    Days that are counted back from the last visit as far as those of others lie nearest to it in many; nobody's is there.
    """
    gap = np.random.default_rng(5).integers(2, 41, (N, VISITS))
    day = 18000.0 + np.arange(N)[:, None] + np.cumsum(gap, axis=1)
    spine = make_spine(N, {"LAST": day[:, -1], "DM.RFENDTC": day[:, -1]}, make_visits(day, np.arange(1.0, VISITS + 1)))
    subject, code = np.arange(N, dtype=np.int32), np.arange(N, dtype=np.int64) % 2
    start = np.where(code == 0, day[:, -1], day[:, -2])
    texts = Text.of([str(np.datetime64(int(one), "D")) for one in start])
    dataset = make_study(DS={"USUBJID": [f"S{i:02}" for i in range(N)], "DSSTDTC": texts.strings().tolist()})["DS"]
    number = np.full(N, np.nan)
    learned = SequenceDates.fit(dataset, ("DSSTDTC",), {"DSSTDTC": start}, subject, code, number, spine, K)
    days, keep = learned.sample(spine, subject, code, number, number, np.random.default_rng(6))
    drawn = days["DSSTDTC"]
    assert keep.all() and (drawn[:, None] == day).any(axis=1).all()
    np.testing.assert_array_equal(drawn == day[:, -1], code == 0)

"""A date that every row of the source has is there where what it hangs on is not."""

from __future__ import annotations

import numpy as np
import pytest

from replicator.study_model.sequence.dates import SequenceDates
from replicator.tables.dataset import Dataset, Text, Variable

from ..spines import make_spine

N, K = 40, 5


@pytest.mark.parametrize("complete", [True, False])
def test_rows_without_their_reference_are_on_the_first_day(complete: bool) -> None:
    """All states begin with the treatment: of who has none on the first day on study, unless some of the source have no date."""
    treated = 18000.0 + np.arange(N) + np.random.default_rng(4).integers(1, 60, N)
    spine = make_spine(N, {"DM.RFXSTDTC": treated})
    start = np.where((np.arange(N) > 3) | complete, treated, np.nan)
    text = Text.of([f"{np.datetime64('1970-01-01') + int(day)}" if np.isfinite(day) else "" for day in start])
    dataset = Dataset("SE", (Variable("SESTDTC", "", "char"),), {"SESTDTC": text})
    subject, code = np.arange(N, dtype=np.int32), np.zeros(N, np.int64)
    nothing = np.full(N, np.nan)
    learned = SequenceDates.fit(dataset, ("SESTDTC",), {"SESTDTC": start}, subject, code, nothing, spine, K)
    untreated = make_spine(N, {"DM.RFXSTDTC": np.where(np.arange(N) < 10, np.nan, treated)})
    days, keep = learned.sample(untreated, subject, code, nothing, nothing, np.random.default_rng(3))
    assert keep.all()
    expected = untreated.marks["FIRST"][:10] if complete else nothing[:10]
    np.testing.assert_array_equal(days["SESTDTC"][:10], expected)
    assert (days["SESTDTC"][10:] == treated[10:]).all()

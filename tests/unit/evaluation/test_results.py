from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import percentileofscore

from replicator.evaluation.results import results_of, source_positions
from replicator.evaluation.stack import stack_studies
from replicator.tables.dataset import Dataset, Study


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 5), st.booleans()), min_size=1, max_size=40))
def test_positions_are_mean_percentiles_among_the_source(rows: list[tuple[int, int, bool]]) -> None:
    """scipy's mean percentile of a score is the share below plus half the share of equal ones."""
    groups, values, of_source = (np.array(x) for x in zip(*rows, strict=True))
    found = source_positions(groups, values.astype(float), of_source, 3)
    for i, (group, value, _) in enumerate(rows):
        among = values[(groups == group) & of_source]
        if len(among):
            assert found[i] == pytest.approx(percentileofscore(among, value, kind="mean") / 100)
        else:
            assert np.isnan(found[i])


def _study(answers: list[tuple[str, str, float]], subjects: int = 10) -> Study:
    rows = [(f"S-{i}", *answer) for i in range(subjects) for answer in answers]
    frame = pd.DataFrame(rows, columns=["USUBJID", "PETESTCD", "PESTRESC", "PESTRESN"])
    return Study({"PE": Dataset.from_frame("PE", frame.assign(PESEQ=np.arange(len(frame)) + 1.0))})


def test_answers_in_words_are_ranked_by_frequency_test_by_test() -> None:
    nan = float("nan")
    source = _study(
        [("SKIN", "NORMAL", nan), ("SKIN", "NORMAL", nan), ("SKIN", "DRY", nan), ("EYE", "DRY", nan), ("PULSE", "60", 60.0)]
    )
    sample = _study([("SKIN", "NEVER SEEN", nan), ("SKIN", "DRY", nan), ("EYE", "DRY", nan), ("PULSE", "x", 70.0)])
    stack = stack_studies(source, sample)
    results = results_of(stack, "PE")
    assert results is not None
    text = stack.view.text("PE", "PESTRESC").strings()
    told = {(results.tests[t], str(a)): v for t, a, v in zip(results.test.tolist(), text, results.values.tolist(), strict=True)}
    assert told == {
        ("SKIN", "NORMAL"): 0.0,
        ("SKIN", "DRY"): 1.0,
        ("SKIN", "NEVER SEEN"): 2.0,
        ("EYE", "DRY"): 0.0,
        ("PULSE", "60"): 60.0,
        ("PULSE", "x"): 70.0,
    }
    assert {test for test, measured in zip(results.tests, results.measured, strict=True) if measured} == {"PULSE"}

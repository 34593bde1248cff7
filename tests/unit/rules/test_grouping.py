"""Groups of rows: repeats are those that comparing rows one by one finds."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from replicator.rules.grouping import codes_of, repeated
from replicator.tables.dataset import Dataset, Numbers, Text, Variable
from replicator.tables.narrow import narrowed

CELLS = st.tuples(st.sampled_from([0.0, -0.0, 0.1 + 0.2, 0.3, float("nan")]), st.sampled_from(["", "a", "b"]))


@given(st.lists(CELLS, max_size=50))
def test_a_row_repeats_one_before_it(rows: list[tuple[float, str]]) -> None:
    columns = {"N": Numbers(np.array([number for number, _ in rows], float)), "T": Text.of(text for _, text in rows)}
    wide = Dataset("XX", (Variable("N", type="num"), Variable("T")), columns)
    told = [(str(round(number, 9) + 0.0), text) for number, text in rows]
    expected = [told[i] in told[:i] for i in range(len(told))]
    for dataset in (wide, narrowed(wide)):
        assert repeated([codes_of(dataset["N"]), codes_of(dataset["T"])]).tolist() == expected

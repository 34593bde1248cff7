"""Groups of rows: repeats are those that comparing rows one by one finds."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from replicator.profile.find import find_structure
from replicator.rules.grouping import codes_of, combine, keys_of, majority, medians, repeated
from replicator.rules.tally import Tally
from replicator.rules.view import StudyView
from replicator.tables.dataset import Dataset, Numbers, Study, Text, Variable
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
        assert repeated([keys_of(dataset["N"]), keys_of(dataset["T"])]).tolist() == expected


PAIRS = st.lists(st.tuples(st.sampled_from([-1, 0, 1, 5, 70_000]), st.sampled_from([-1, 0, 3])), max_size=60)


@given(PAIRS)
def test_combinations_are_numbered_in_the_order_in_which_they_come(rows: list[tuple[int, int]]) -> None:
    """Few of them by counting, others by hashing."""
    order = list(dict.fromkeys(rows))
    for times in (1, 2000):
        keys = [np.array([row[at] for row in rows] * times, np.int64) for at in (0, 1)]
        assert combine(keys).tolist() == [order.index(row) for row in rows] * times


@given(PAIRS, st.integers(0, 30))
def test_a_tally_counts_the_rows_of_each_combination(rows: list[tuple[int, int]], chosen: int) -> None:
    tally = Tally.of([np.array([a for a, _ in rows], np.int32), np.array([b for _, b in rows], np.int8)])
    told = [rows[row] for row in tally.rows.tolist()]
    assert sorted(told) == sorted(set(rows))
    assert tally.counts.tolist() == [rows.count(pair) for pair in told]
    mask = np.array([chosen >> at & 1 for at in range(len(told))], bool)
    wanted = {pair for pair, one in zip(told, mask.tolist(), strict=True) if one}
    assert tally.rows_of(mask).tolist() == [at for at, row in enumerate(rows) if row in wanted]


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), max_size=60))
def test_the_majority_is_the_value_of_most_rows_and_the_smallest_of_equals(rows: list[tuple[int, int]]) -> None:
    tally = Tally.of([np.array([a for a, _ in rows], np.int64), np.array([b for _, b in rows], np.int64)])
    pairs = [rows[row] for row in tally.rows.tolist()]
    groups, values = (np.array([pair[at] for pair in pairs], np.int64) for at in (0, 1))
    expected = [min(range(4), key=lambda value, group=group: (-rows.count((group, value)), value)) for group, _ in pairs]
    assert majority(groups, values, tally.counts).tolist() == expected


@given(st.lists(st.tuples(st.sampled_from([0, 2, 3]), st.sampled_from([0.1, 0.25, 7.0, -3.0, 1e300])), max_size=40))
def test_medians_are_those_of_numpy(rows: list[tuple[int, float]]) -> None:
    """Also where there are groups that no row is in."""
    groups, values = np.array([group for group, _ in rows], np.int64), np.array([value for _, value in rows], float)
    expected = [float(np.median(values[groups == group])) for group in groups.tolist()]
    assert medians(values, groups).tolist() == expected


def test_what_a_part_of_the_variables_tells_apart_does_not_repeat(clean: Study) -> None:
    """What was found before, of fewer variables or more, changes no answer."""
    key, more, less = ("VSTESTCD", "VISITNUM"), ("VSTESTCD", "VISITNUM", "VSDTC", "VSSEQ"), ("VSTESTCD",)
    for study, n_again in ((clean, 0), (clean.with_datasets([clean["VS"].take(np.array([0, 1, 2, 3, 3, 4, 1]))]), 2)):
        for questions in ((key, more, less, more), (more, key, less), (less, more, key)):
            view = StudyView(study, find_structure(study))
            n_rows = study["VS"].n_rows
            for asked in questions:
                found = view.repeated("VS", asked)
                fresh = StudyView(study, view.structure).repeated("VS", asked)
                assert found.tolist() == fresh.tolist()
                assert found.sum() == (n_again if asked != less else n_rows - (3 if not n_again else 2))
            assert view.repeated("VS", more, rows=np.arange(n_rows) < 4).sum() == 0

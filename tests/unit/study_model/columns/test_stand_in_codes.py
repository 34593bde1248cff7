"""Codes that few subjects share become others of their pattern."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from replicator.study_model.columns.stand_in_codes import replace_rare_codes
from replicator.tables.dataset import Text


def replaced(codes: list[str]) -> list[str]:
    return replace_rare_codes(Text.of(codes), np.arange(len(codes), dtype=np.int32), 5)[0].strings().tolist()


def test_rare_sites_get_numbers_from_1_common_ones_stay() -> None:
    """Sites of two and three subjects are counted from 1 in the same width, the larger first; who was together stays together."""
    source = ["701"] * 10 + ["702"] * 2 + ["705"] * 3
    assert replaced(source) == ["701"] * 10 + ["002"] * 2 + ["001"] * 3
    made = replace_rare_codes(Text.of(source), np.arange(15, dtype=np.int32), 5)[1]
    assert made.tolist() == [False] * 10 + [True] * 5


@given(st.sets(st.integers(0, 999), min_size=1, max_size=40), st.sets(st.integers(0, 999), min_size=1, max_size=40))
def test_stand_ins_do_not_tell_what_they_stand_for(first: set[int], second: set[int]) -> None:
    """Two studies of as many rare sites have the same numbers, whichever sites they are."""
    n = min(len(first), len(second))
    one, two = ([f"{site:03}" for site in sorted(sites)[:n]] for sites in (first, second))
    assert replaced(one) == replaced(two)


def test_a_number_that_is_shared_is_nobody_elses() -> None:
    """Site 001 has five subjects and is kept; the rare one, whichever it is, becomes 002."""
    assert replaced(["001"] * 5 + ["009"]) == ["001"] * 5 + ["002"]


def test_letters_that_too_few_have_go() -> None:
    """Of four subjects no country is told, of five that share one it is."""
    assert replaced(["DE03"] * 3 + ["DE04"]) == ["XX01"] * 3 + ["XX02"]
    assert replaced(["DE03"] * 4 + ["DE04"]) == ["DE01"] * 4 + ["DE02"]


def test_words_and_mixed_patterns_are_left_alone() -> None:
    """What is no code of one pattern is returned as it is."""
    for source in (["FRANCE", "USA"], ["701", "7001"], ["A1", "B1"]):
        assert replaced(source) == source


def test_where_all_codes_are_used_they_change_places() -> None:
    """Ten sites of one digit, each of one subject: the numbers are all there is, and no subject's stays on purpose."""
    source = [str(i) for i in range(10)]
    assert sorted(replaced(source)) == source
    assert replaced(source) != source

"""Codes that few subjects share become others of their pattern."""

from __future__ import annotations

import numpy as np

from replicator.study_model.stand_in_codes import replace_rare_codes
from replicator.tables.dataset import Text


def replaced(codes: list[str]) -> list[str]:
    return replace_rare_codes(Text.of(codes), np.arange(len(codes), dtype=np.int32), 5).strings().tolist()


def test_rare_sites_get_new_numbers_common_ones_stay() -> None:
    """Sites of two subjects become sites that the study has not, of the same width; who was together stays together."""
    source = ["701"] * 10 + ["702"] * 2 + ["705"] * 2
    new = replaced(source)
    assert new[:10] == ["701"] * 10
    assert new[10] == new[11] and new[12] == new[13] and new[10] != new[12]
    assert not {new[10], new[12]} & set(source)
    assert all(len(one) == 3 and one.isdigit() for one in new)


def test_words_and_mixed_patterns_are_left_alone() -> None:
    """What is no code of one pattern is returned as it is."""
    for source in (["FRANCE", "USA"], ["701", "7001"], ["A1", "B1"]):
        assert replaced(source) == source


def test_no_free_code_is_left() -> None:
    """If all codes of the pattern are taken the column stays."""
    source = [str(i) for i in range(10)]
    assert replaced(source) == source

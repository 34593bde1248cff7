"""Identifiers of records: their pattern, never their values."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from replicator.profile.structure import Content, DatasetStructure, Kind, Role, VariableStructure
from replicator.study_model.layout.record_ids import RecordIds
from replicator.tables.dataset import Dataset, Numbers, Text

WHO = np.repeat(np.arange(20), 3).astype(np.int32)


def fitted(values: Sequence[object], who: NDArray[np.int32] = WHO, k: int = 5, **others: Sequence[object]) -> RecordIds:
    """Learn AESPID, beside other columns."""
    dataset = Dataset.from_frame("AE", pd.DataFrame({"AESPID": values, **others}))
    kinds = [
        VariableStructure(name, Role.RECORD_ID if name == "AESPID" else Role.QUALIFIER, Content.CATEGORY, 0, 0, 0)
        for name in dataset.names
    ]
    return RecordIds.fit(dataset, DatasetStructure("AE", Kind.EVENTS, "AE", dataset.n_rows, 20, tuple(kinds)), who, k)


def test_numbers_that_count_a_subjects_rows() -> None:
    """E01, E02, E03 in every subject, whatever the order of the rows."""
    model = fitted([f"E{i:02d}" for i in [1, 2, 3] * 20])
    subject = np.array([4, 9, 4, 4, 9], np.int32)
    assert model.sample(subject, {}, np.random.default_rng(0))["AESPID"].strings().tolist() == ["E01", "E01", "E02", "E03", "E02"]


def test_numbers_that_do_not_count() -> None:
    """Drawn up to the largest of the source, never twice in a subject; of the pattern and the share that the source has."""
    rng = np.random.default_rng(1)
    values = [f"X{number:04d}" if rng.random() < 0.8 else None for number in rng.permutation(5000)[:60]]
    drawn = fitted(values).sample(np.repeat(np.arange(200), 5).astype(np.int32), {}, rng)["AESPID"].strings().reshape(200, 5)
    filled = drawn[drawn != ""]
    assert len(filled) / 1000 == pytest.approx(np.mean([v is not None for v in values]), abs=0.05)
    assert pd.Series(filled).str.fullmatch(r"X\d{4}").all()
    assert all(len(set(row[row != ""])) == (row != "").sum() for row in drawn)


@pytest.mark.parametrize("most", [9, 24])
def test_numbers_padded_with_blanks(most: int) -> None:
    """As wide as the source writes them, whether or not the largest number fills the width."""
    drawn = fitted([f"{number:3d}" for number in np.random.default_rng(8).integers(1, most + 1, 60)]).sample(
        WHO, {}, np.random.default_rng(9)
    )
    written = drawn["AESPID"].strings()
    assert {len(text) for text in written} == {3} and {text.strip().isdigit() for text in written} == {True}


def test_numeric_identifiers_stay_numeric() -> None:
    """A number stays one; identifiers of no pattern are counted under the variable's name."""
    assert isinstance(fitted([float(i) for i in [1, 2, 3] * 20]).sample(WHO, {}, np.random.default_rng(2))["AESPID"], Numbers)
    words = fitted(["the first"] * 30 + ["another"] * 30).sample(WHO, {}, np.random.default_rng(3))["AESPID"].strings()
    assert not set(words.tolist()) & {"the first", "another"}


def test_no_rows() -> None:
    """Nothing to learn from and nothing to make."""
    empty = fitted([], np.empty(0, np.int32))
    assert len(empty.sample(np.empty(0, np.int32), {}, np.random.default_rng(4))["AESPID"]) == 0


def test_which_rows_have_one() -> None:
    """An identifier of which another column tells where it is, is there and nowhere else; values of few subjects tell nothing."""
    why = ["COMPLETED", "ADVERSE EVENT", "LOST"] * 20
    why[5] = "OWN WORDS"
    model = fitted([f"E{i:02d}" if text == "ADVERSE EVENT" else None for i, text in enumerate(why)], AEOUT=why, AESER=["N"] * 60)
    assert set(model.levels["AEOUT"].strings()) == {"COMPLETED", "ADVERSE EVENT", "LOST"}
    columns = {"AEOUT": Text.of(np.array(["ADVERSE EVENT", "COMPLETED", "LOST"] * 20, object))}
    there = ~model.sample(WHO, columns, np.random.default_rng(5))["AESPID"].missing
    assert there.tolist() == [True, False, False] * 20

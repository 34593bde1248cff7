"""Identifiers of subjects: the pattern of the source's, none of its values."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replicator.study_model.layout.identifiers import SubjectIds
from replicator.tables.dataset import Dataset


def ids_of(values: list[str], k: int = 1, **columns: list[str]) -> SubjectIds:
    frame = pd.DataFrame({"USUBJID": values, **columns})
    others = ("SUBJID",) if "SUBJID" in columns else ()
    return SubjectIds.fit("USUBJID", np.array(values, object), Dataset.from_frame("DM", frame), others, k)


def test_initials_of_few_are_not_in_new_identifiers() -> None:
    """PK-, letters of the subject, and a number: what all share stays, the letters of one or four go."""
    letters = [f"{first}{second}XY" for first in "ABCDE" for second in "QRSTU"] + ["ZZLJ"] * 4
    values = [f"PK-{one}-{200 + i}" for i, one in enumerate(letters)]
    model = ids_of(values, 5, SUBJID=[one[3:] for one in values])
    assert (model.template, model.short) == ("PK-{N}", {"SUBJID": "{N}"})
    assert ids_of([*values, "PK-ZZLJ-900"], 5).template == "PK-ZZLJ-{N}"


def test_study_and_site_stand_where_they_stood() -> None:
    """STUDYID-SITEID-number, with the subject's own site, and SUBJID as the same number."""
    model = ids_of(["ST-701-1015", "ST-702-1023"], STUDYID=["ST", "ST"], SITEID=["701", "702"], SUBJID=["1015", "1023"])
    made = model.make(0, 2, {"STUDYID": np.array(["ST", "ST"], object), "SITEID": np.array(["705", "701"], object)})
    full = made["USUBJID"].strings().tolist()
    assert [one[:7] for one in full] == ["ST-705-", "ST-701-"]
    assert [one[-4:] for one in full] == made["SUBJID"].strings().tolist()


@settings(max_examples=50)
@given(
    st.lists(st.integers(0, 9999), min_size=1, max_size=20, unique=True), st.sampled_from(["{:04d}", "P{:03d}", "{}", "A-{:02d}"])
)
def test_new_identifiers_are_new_and_different(numbers: list[int], pattern: str) -> None:
    """None of the source, none twice, over the border of chunks too."""
    values = [pattern.format(number) for number in numbers]
    model = ids_of(values)
    made = [text for start in (0, 7) for text in model.make(start, 7, {})["USUBJID"].strings().tolist()]
    assert len(set(made)) == 14
    assert not set(made) & set(values)


@pytest.mark.parametrize("values", [["alpha", "beta"], ["é-1", "ü-2"], ["1.5", "2.5"], ["{X}1", "{X}2"]])
def test_any_text_can_be_an_identifier(values: list[str]) -> None:
    """Words, accents, points and braces: new ones are made all the same."""
    made = ids_of(values).make(0, 3, {})["USUBJID"].strings().tolist()
    assert len(set(made)) == 3 and not set(made) & set(values)

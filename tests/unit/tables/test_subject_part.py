"""Parts of a study's subjects: disjoint, complete, the same in every format."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replicator.errors import ConfigError, ReadError
from replicator.tables.dataset import Dataset, Study
from replicator.tables.readers import read_study
from replicator.tables.subject_part import SubjectPart, subject_column
from replicator.tables.writers import write_study

IDS = [f"ST-{i:03d}" for i in range(60)]


def _study() -> Study:
    rng = np.random.default_rng(3)
    who = rng.integers(0, len(IDS), 900)
    ages, values = rng.integers(20, 80, len(IDS)), rng.normal(70, 9, 900)
    frames = {
        "DM": pd.DataFrame({"DOMAIN": "DM", "USUBJID": IDS, "SUBJID": [one[3:] for one in IDS], "AGE": ages}),
        "VS": pd.DataFrame({"DOMAIN": "VS", "USUBJID": np.array(IDS)[who], "VSSEQ": np.arange(900.0), "VSORRES": values}),
        "TS": pd.DataFrame({"DOMAIN": "TS", "TSPARMCD": ["TITLE", "AGEMIN"], "TSVAL": ["A study", "P18Y"]}),
    }
    return Study({name: Dataset.from_frame(name, frame) for name, frame in frames.items()})


@settings(max_examples=100)
@given(st.lists(st.text(max_size=12), max_size=40), st.integers(1, 40))
def test_parts_have_everybody_once_and_nobody_s_rows_each(ids: list[str], of: int) -> None:
    held = np.array([SubjectPart(number, of).holds(ids) for number in range(1, of + 1)]).reshape(of, -1)
    assert held.sum(axis=0).tolist() == [1 if one else of for one in ids]


def test_parts_are_about_as_large() -> None:
    """10,000 identifiers in ten parts: each within four standard deviations of 1,000."""
    ids = [f"STUDY-{i}" for i in range(10_000)]
    sizes = [int(SubjectPart(number, 10).holds(ids).sum()) for number in range(1, 11)]
    assert max(abs(size - 1000) for size in sizes) < 4 * np.sqrt(10_000 * 0.1 * 0.9)


@pytest.mark.parametrize("kind", ["csv", "xpt", "parquet", "json"])
def test_a_part_is_of_the_same_subjects_in_every_dataset_and_format(tmp_path: Path, kind: str) -> None:
    whole = _study()
    write_study(whole, tmp_path / kind, kind)
    seen: list[str] = []
    for number in (1, 2, 3):
        part = read_study(tmp_path / kind, f"{number}/3")
        mine = part["DM"].text("USUBJID").strings().tolist()
        assert mine == [one for one in IDS if SubjectPart(number, 3).holds([one])[0]]
        frame = whole["VS"].to_frame()
        kept = frame[frame["USUBJID"].isin(mine)]
        assert part["VS"].text("USUBJID").strings().tolist() == kept["USUBJID"].tolist()
        np.testing.assert_allclose(part["VS"].numbers("VSSEQ"), kept["VSSEQ"])
        assert not set(part["VS"].text("USUBJID").levels.tolist()) - set(mine)
        assert part["TS"].n_rows == 2
        seen += mine
    assert sorted(seen) == IDS


@pytest.mark.parametrize("text", ["0/3", "4/3", "1", "a/b", "1/0", " 1/3", "1/3 ", "-1/3"])
def test_what_is_no_part_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="write the first of ten as 1/10"):
        SubjectPart.parse(text)


def test_a_study_whose_parts_cannot_be_told_is_refused(tmp_path: Path) -> None:
    two = tmp_path / "two"
    two.mkdir()
    (two / "a.csv").write_text("USUBJID,X\nS1,1\n")
    (two / "b.csv").write_text("PATIENT_ID,Y\nS1,1\n")
    with pytest.raises(ReadError, match="names subjects by PATIENT_ID and A by USUBJID"):
        read_study(two, "1/2")
    (two / "a.csv").unlink()
    (two / "b.csv").write_text("Z,Y\nS1,1\n")
    with pytest.raises(ReadError, match="No dataset has a variable that names subjects"):
        read_study(two, "1/2")
    (two / "b.csv").write_text("USUBJID,Y\nS1,1\n")
    empty = next(number for number in range(1, 51) if not SubjectPart(number, 50).holds(["S1"])[0])
    with pytest.raises(ReadError, match=f"No subject is in part {empty}/50; take fewer parts"):
        read_study(two, f"{empty}/50")


def test_subjects_are_named_by_the_standard_or_usually() -> None:
    assert subject_column(["SUBJID", "USUBJID", "AGE"]) == "USUBJID"
    assert subject_column(["PATIENT_ID", "AGE"]) == "PATIENT_ID"
    assert subject_column(["AGE"]) == ""

"""What a transport file of version 5 can hold, and what it refuses in a sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from replicator.errors import ReadError, WriteError
from replicator.tables.dataset import Dataset, Numbers, Study, Text, Variable
from replicator.tables.readers import read_study
from replicator.tables.reading_xpt import read_xpt
from replicator.tables.writers import StudyWriter, write_study
from replicator.tables.xpt_layout import format_parts, format_text
from replicator.tables.xpt_rows import xpt_rows


def one(variable: Variable, *values: str | float | None, name: str = "DM", label: str = "") -> Study:
    column = (
        Numbers(np.array(values, dtype=np.float64))
        if variable.type == "num"
        else Text.of(None if value is None else str(value) for value in values)
    )
    return Study({name: Dataset(name, (variable,), {variable.name: column}, label)})


@pytest.mark.parametrize(
    ("study", "sentence"),
    [
        (one(Variable("TOOLONGNAME"), "x"), "variable names of up to 8"),
        (one(Variable("1ST"), "x"), "variable names of up to 8"),
        (one(Variable("SEX"), "x", name="SUPPDM_OLD"), "dataset names of up to 8"),
        (one(Variable("SEX", "l" * 41), "x"), "the label has 41 bytes"),
        (one(Variable("SEX"), "x", label="é" * 41), "the label has"),
        (one(Variable("SEX"), "y" * 201, "x"), "1 text of more than the 200 bytes"),
        (one(Variable("AGE", type="num"), 1.0, 1e76, -1e80), r"2 numbers \(first: 1e\+76\) out of the range"),
        (one(Variable("AGE", type="num"), 1e-79), "1 number .first: 1e-79. out of the range"),
        (one(Variable("SEX"), "x", None), "the last row is empty"),
    ],
)
def test_what_version_5_cannot_hold(tmp_path: Path, study: Study, sentence: str) -> None:
    with pytest.raises(WriteError, match=sentence) as caught:
        write_study(study, tmp_path / "out", "xpt")
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_an_encoding_that_lacks_a_character() -> None:
    study = one(Variable("SEX"), "α")
    with pytest.raises(WriteError, match="'α', which cp1252 lacks"):
        xpt_rows(study["DM"], study["DM"].variables, "cp1252")


def test_text_of_200_characters_fits_in_windows_1252(tmp_path: Path) -> None:
    study = one(Variable("TSVAL"), "é" * 200, "plain", name="TS")
    write_study(study, tmp_path / "out", "xpt")
    back = read_study(tmp_path / "out")
    assert back["TS"]["TSVAL"].strings().tolist() == ["é" * 200, "plain"]
    assert "TS: the text of ts.xpt is not UTF-8 and was read as Windows-1252." in back.notes


def test_lengths_grow_with_the_text_and_never_shrink(tmp_path: Path) -> None:
    for declared, values, length in (
        (None, ["abc"], 3),
        (10, ["abc"], 10),
        (2, ["abc"], 3),
        (500, ["abc"], 200),
        (None, [None, "é"], 2),
    ):
        target = tmp_path / f"{declared}-{length}"
        write_study(one(Variable("SEX", length=declared), *values), target, "xpt")
        assert read_study(target / "dm.xpt")["DM"].variable("SEX").length == length


def test_longer_text_in_a_later_chunk_widens_its_variable(tmp_path: Path) -> None:
    """Chunks give the bytes of the whole, though only the last one shows how long the texts are."""
    variables = (Variable("ARM", "Arm"), Variable("AGE", "Age", "num"), Variable("SITE", "Site", "char", 3))
    arms, sites = ["A", None, "Ab", "Placebo", "B", "Placebo and more"], ["1", "12", "1234", None, "1", "12345"]
    columns = {"ARM": Text.of(arms), "AGE": Numbers(np.arange(6.0)), "SITE": Text.of(sites)}
    whole = Dataset("DM", variables, columns)
    write_study(Study({"DM": whole}), tmp_path / "whole", "xpt")
    with StudyWriter(tmp_path / "parts", "xpt") as writer:
        for row in range(6):
            writer.append(whole.take(np.array([row])))
        assert [variable.length for variable in writer.settled["DM"].variables][::2] == [16, 5]  # and later rows need no widening
        writer.describe(Study({"DM": whole.take(np.array([5]))}))
    assert sorted(path.name for path in (tmp_path / "parts").iterdir()) == [".replicator", "define.xml", "dm.xpt"]
    assert (tmp_path / "parts" / "dm.xpt").read_bytes() == (tmp_path / "whole" / "dm.xpt").read_bytes()
    back = read_study(tmp_path / "parts")["DM"]
    assert [variable.length for variable in back.variables][::2] == [16, 5]


@pytest.mark.parametrize("n", [1, 2, 3, 7])
@pytest.mark.parametrize("last", ["WEEK 26", "RETRIEVAL", ""])
def test_readers_that_count_blanks_lose_no_row(tmp_path: Path, n: int, last: str) -> None:
    """pandas takes each blank group of eight bytes in the last record for filling, and rows of 80 bytes have such groups."""
    variables = (Variable("USUBJID", length=33), Variable("VISIT", length=19), Variable("SVSTDTC", length=28))
    columns = {"USUBJID": Text.of(["S-1"] * n), "VISIT": Text.of(["BASELINE"] * (n - 1) + [last]), "SVSTDTC": Text.of(["2020"] * n)}
    write_study(Study({"SV": Dataset("SV", variables, columns)}), tmp_path / "out", "xpt", define=False)
    assert len(pd.read_sas(tmp_path / "out" / "sv.xpt", format="xport", encoding="utf-8")) == n
    back = read_study(tmp_path / "out")["SV"]
    assert {name: back[name].strings().tolist() for name in columns} == {k: c.strings().tolist() for k, c in columns.items()}


def test_chunks_of_other_variables_are_refused(tmp_path: Path) -> None:
    with pytest.raises(WriteError, match="other variables or types"), StudyWriter(tmp_path / "out", "csv") as writer:
        writer.append(one(Variable("SEX"), "F")["DM"])
        writer.append(one(Variable("SEX", type="num"), 1.0)["DM"])
    assert list(tmp_path.iterdir()) == []


def test_formats_and_leading_blanks_are_kept(tmp_path: Path) -> None:
    for variable, values in (
        (Variable("TRTSDT", "Date", "num", None, "DATE9."), [20892.0, np.nan]),
        (Variable("IDVARVAL", "Value", "char", 8, "$8."), ["   2", "12"]),
        (Variable("AVAL", "", "num", None, "8.2"), [0.1, -0.0]),
    ):
        study = one(variable, *values)
        target = tmp_path / variable.name
        write_study(study, target, "xpt", define=False)
        back = read_study(target)["DM"]
        assert back.variables == (variable,)
        assert back[variable.name].strings().tolist() == study["DM"][variable.name].strings().tolist()


@pytest.mark.parametrize("text", ["", "DATE9.", "8.", "8.2", "$200.", "$CHAR20.", "E8601DT19.", "BEST12.", "COMMA10.2"])
def test_format_texts_come_apart_and_together(text: str) -> None:
    assert format_text(*format_parts(text)) == text


def test_cut_files_are_found_out(tmp_path: Path) -> None:
    columns = {"USUBJID": Text.of(f"S-{i:03}" for i in range(100))}
    write_study(Study({"DM": Dataset("DM", (Variable("USUBJID"),), columns)}), tmp_path / "out", "xpt", define=False)
    whole = (tmp_path / "out" / "dm.xpt").read_bytes()
    for size in (80, 240, 500, 560, 800, 801, 1000):
        (tmp_path / "dm.xpt").write_bytes(whole[:size])
        with pytest.raises(ReadError, match=r"cut short|ends within"):
            read_xpt(tmp_path / "dm.xpt")


def test_a_file_of_two_datasets_gives_both(tmp_path: Path) -> None:
    for name in ("DM", "AE"):
        write_study(one(Variable("SEX", length=3), "F", "M", name=name), tmp_path / name, "xpt", define=False)
    first, second = ((tmp_path / name / f"{name.lower()}.xpt").read_bytes() for name in ("DM", "AE"))
    (tmp_path / "both.xpt").write_bytes(first + second[240:])
    study = read_study(tmp_path / "both.xpt")
    assert {name: dataset.n_rows for name, dataset in study.datasets.items()} == {"AE": 2, "DM": 2}

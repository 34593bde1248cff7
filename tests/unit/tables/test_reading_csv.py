"""Delimited text in, columns out."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicator.errors import ReadError
from replicator.tables.column_types import standard_type, type_column
from replicator.tables.dataset import Dataset, Numbers, Text, number_text
from replicator.tables.readers import read_study


def read(folder: Path, data: bytes | str, name: str = "dm.csv") -> Dataset:
    (folder / name).write_bytes(data if isinstance(data, bytes) else data.encode())
    return read_study(folder / name)[name.split(".")[0].upper()]


def cells(dataset: Dataset) -> dict[str, list[str]]:
    return {name: dataset[name].strings().tolist() for name in dataset.names}


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiter_is_found_from_the_names(tmp_path: Path, delimiter: str) -> None:
    lines = ["USUBJID,AGE", "S-1,61", "S-2,"]
    dataset = read(tmp_path, "\n".join(lines).replace(",", delimiter))
    assert cells(dataset) == {"USUBJID": ["S-1", "S-2"], "AGE": ["61", ""]}
    assert dataset.variable("AGE").type == "num"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends(tmp_path: Path, encoding: str, end: str) -> None:
    dataset = read(tmp_path, end.join(["USUBJID,CMTRT", "S-1,Kräutertee", "S-2,µg"]).encode(encoding))
    assert cells(dataset) == {"USUBJID": ["S-1", "S-2"], "CMTRT": ["Kräutertee", "µg"]}


def test_windows_1252_is_told(tmp_path: Path) -> None:
    (tmp_path / "cm.csv").write_bytes("CMTRT\nKräuter \x81\n".encode("latin-1"))
    study = read_study(tmp_path)
    assert study["CM"]["CMTRT"].strings().tolist() == ["Kräuter \x81"]
    assert study.notes == ("CM: the file is not UTF-8 and was read as Windows-1252.",)


def test_na_is_an_answer_and_only_nothing_is_missing(tmp_path: Path) -> None:
    dataset = read(tmp_path, 'QSORRES,QSSTRESC\nNA,""\n,null\n" NA",NaN\n', "qs.csv")
    assert cells(dataset) == {"QSORRES": ["NA", "", " NA"], "QSSTRESC": ["", "null", "NaN"]}


def test_quotes_hold_delimiters_quotes_and_line_breaks(tmp_path: Path) -> None:
    dataset = read(tmp_path, '"COVAL","COREF"\n"a, ""b""","1\n2"\n', "co.csv")
    assert cells(dataset) == {"COVAL": ['a, "b"'], "COREF": ["1\n2"]}


def test_trailing_blanks_go_and_leading_ones_stay(tmp_path: Path) -> None:
    (tmp_path / "suppae.csv").write_text("IDVARVAL,QVAL\n   2,Y  \n  ,N\n")
    study = read_study(tmp_path)
    assert cells(study["SUPPAE"]) == {"IDVARVAL": ["   2", ""], "QVAL": ["Y", "N"]}
    assert study.notes == ("SUPPAE: 1 cell ended in blanks, which SAS does not keep; trimmed.",)


def test_names_are_upper_case_and_the_dataset_is_called_after_the_file(tmp_path: Path) -> None:
    assert read(tmp_path, "usubjid,Age\nS,1\n", "Dm.CSV".replace("Dm", "DM")).names == ("USUBJID", "AGE")


def test_a_header_alone_is_a_dataset_without_rows(tmp_path: Path) -> None:
    for text in ("USUBJID,AGE\n", "USUBJID,AGE"):
        dataset = read(tmp_path, text)
        assert (dataset.n_rows, dataset.names) == (0, ("USUBJID", "AGE"))
        assert [variable.type for variable in dataset.variables] == ["char", "num"]


def test_row_numbers_written_along_are_left_out(tmp_path: Path) -> None:
    assert read(tmp_path, ",USUBJID\n0,S-1\n1,S-2\n").names == ("USUBJID",)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "no header line"),
        (b"\r\n\n", "no header line"),
        (b"A,B\n1,2\n3\n4,5,6\n", r"variable names: 2 \(first: row 3, 1 cells\)"),
        (b"USUBJID,usubjid\n1,2\n", "duplicate columns USUBJID"),
        (b"A,,C\n1,2,3\n", "column 2 has no name"),
        (b",A\nx,1\n", "column 1 has no name"),
        (b"A,B\n1,\0\n", "NUL bytes"),
        (b'A,"B\n1,2\n', "quote"),
    ],
)
def test_bad_files_give_one_sentence(tmp_path: Path, data: bytes, sentence: str) -> None:
    with pytest.raises(ReadError, match=sentence) as caught:
        read(tmp_path, data)
    assert str(caught.value).startswith("dm.csv") and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("AESEQ", "num"),
        ("VISITNUM", "num"),
        ("LBSTNRLO", "num"),
        ("LBORNRLO", "char"),
        ("RFSTDTC", "char"),
        ("SUBJID", "char"),
        ("EXDOSE", "num"),
        ("EXDOSTXT", "char"),
        ("AELLTCD", "num"),
        ("AELLT", "char"),
        ("MYVAR", None),
        ("SITENO", None),
    ],
)
def test_types_of_the_standard(name: str, expected: str | None) -> None:
    assert standard_type(name) == expected


@pytest.mark.parametrize(
    ("name", "values", "numeric"),
    [
        ("LBSTRESN", ["1.50", " 2", None], True),
        ("LBSTRESN", [None, None], True),
        ("LBSTRESN", ["1.50", "<2"], False),
        ("LBSTRESN", ["1.5", "."], True),
        ("LBSTRESC", ["1", "2"], False),
        ("SUBJID", ["1015", "1023"], False),
        ("RFSTDTC", ["2003", "2004"], False),
        ("MYVAR", ["1", "20", "0.5", None], True),
        ("MYVAR", ["1.0", "20.0", "2.5"], True),
        ("MYVAR", ["1", "1.0"], False),
        ("MYVAR", ["007", "12"], False),
        ("MYVAR", ["+5"], False),
        ("MYVAR", ["1.50"], False),
        ("MYVAR", ["20230000011010002"], False),
        ("MYVAR", ["1e999"], False),
        ("MYVAR", [None], False),
    ],
)
def test_when_a_column_is_numbers(name: str, values: list[str | None], numeric: bool) -> None:
    column, _ = type_column("LB", name, Text.of(values))
    assert isinstance(column, Numbers) == numeric


def test_a_declared_type_decides_if_the_cells_agree() -> None:
    assert isinstance(type_column("XX", "MYVAR", Text.of(["1"]), "char")[0], Text)
    assert isinstance(type_column("XX", "MYVAR", Text.of(["007"]), "num")[0], Numbers)
    column, note = type_column("XX", "MYVAR", Text.of(["1", "two", "two"]), "num")
    assert isinstance(column, Text)
    assert note == "XX.MYVAR: no numbers in 2 of 3 cells (first: row 2), so the variable stays text."


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_numbers_spelled_by_us_come_back_exactly(values: list[float]) -> None:
    column, _ = type_column("XX", "MYVAR", Text.of(number_text(value) for value in values))
    assert isinstance(column, Numbers)
    assert column.values.tolist() == values


def test_only_the_digits_0_to_9_are_numbers(tmp_path: Path) -> None:
    """Digits of other scripts are text, whatever Python makes of them."""
    dataset = read(tmp_path, "WT,HT\n１２,١٢\n")
    assert cells(dataset) == {"WT": ["１２"], "HT": ["١٢"]}
    assert {variable.type for variable in dataset.variables} == {"char"}


def test_decimal_commas_where_commas_do_not_separate(tmp_path: Path) -> None:
    """Columns of whole numbers and decimal commas are numbers, with a note; text of the standard stays as it was collected."""
    (tmp_path / "vs.csv").write_text("WT;VSSTRESN;VSORRES;ODD\n70,5;70,5;70,5;1,5\n71;;71;x\n80,0;80,25;80,0;2,5\n")
    study = read_study(tmp_path)
    assert cells(study["VS"])["VSORRES"] == ["70,5", "71", "80,0"]
    assert study["VS"].numbers("VSSTRESN")[[0, 2]].tolist() == [70.5, 80.25]
    assert [variable.type for variable in study["VS"].variables] == ["num", "num", "char", "char"]
    assert study["VS"].numbers("WT").tolist() == [70.5, 71.0, 80.0]
    assert [note.split(";")[0] for note in study.notes] == [
        "VS.WT: 2 cells with a decimal comma, read as numbers.",
        "VS.VSSTRESN: 2 cells with a decimal comma, read as numbers.",
        "VS.ODD: no numbers in 1 of 3 cells (first: row 2), so the variable stays text",
    ]


def test_decimal_commas_in_a_file_that_commas_separate_stay_text(tmp_path: Path) -> None:
    """A quoted 1,234 may be a thousand; the note says what to do."""
    (tmp_path / "vs.csv").write_text('WT,N\n"70,5",1\n"1,234",2\n')
    study = read_study(tmp_path)
    assert study["VS"].variable("WT").type == "char"
    assert len(study.notes) == 1 and study.notes[0].startswith("VS.WT: decimal commas in 2 of 2 cells")


def test_a_column_of_mixed_types_is_told(tmp_path: Path) -> None:
    """A few texts among numbers make a variable text; the note names the variable, their number and the first row, but no cell."""
    (tmp_path / "vs.csv").write_text("WT,SITE\n" + "70,A1\n" * 9 + "UNK,2\n")
    study = read_study(tmp_path)
    assert study.notes == (
        "VS.WT: no numbers in 1 of 10 cells (first: row 10), so the variable stays text; let them be missing if it is a number.",
    )


@pytest.mark.parametrize(
    ("text", "word"), [('A,B\n"x,1\n' + "y,2\n" * 700_000, "never closed"), ("A\n" + "0" * 3_000_000, "longest")]
)
def test_rows_without_an_end(tmp_path: Path, text: str, word: str) -> None:
    """A quote that is never closed, and a line that is no row, are told apart."""
    with pytest.raises(ReadError, match=word):
        read(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('A,B\n1,x\n2,"y\n3,z\n4,w\n', 3),
        ('A,B\n1,"fine, thanks"\n2,"fine,', 3),
        ('A;B\n1;"two\nlines"\n2;"open\n3;x\n4;"y\n', 4),
        ('A,B\n1,"said ""no"""\n2,"open\n3,"closed"\n', 3),
    ],
)
def test_a_quote_that_swallows_rows_is_refused(tmp_path: Path, text: str, line: int) -> None:
    """In the last column nothing is missing, and the rows after it would be one cell."""
    with pytest.raises(ReadError, match=f"a quote in line {line} opens"):
        read(tmp_path, text)


def test_quotes_within_cells_and_lines_within_quotes_stay(tmp_path: Path) -> None:
    """Inches, doubled quotes and a line break are text."""
    dataset = read(tmp_path, 'A,B\n1,5" tube\n2,"two\nlines, and ""quotes"""\n3,\n')
    assert dataset.text("B").strings().tolist() == ['5" tube', 'two\nlines, and "quotes"', ""]

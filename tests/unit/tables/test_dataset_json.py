"""Dataset-JSON 1.1: its own three forms agree, what is written is read again, bad files give one sentence."""

import json
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replicator.errors import ReadError, WriteError
from replicator.tables.dataset import Dataset, Numbers, Study, Text, Variable
from replicator.tables.dataset_json import SUFFIXES, DatasetJsonWriter, json_rows, read_dataset_json, write_dataset_json
from replicator.tables.define_xml import write_define

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared example studies are not here")

HEADER = {
    "datasetJSONCreationDateTime": "2024-11-11T15:09:15",
    "datasetJSONVersion": "1.1.0",
    "itemGroupOID": "IG.DM",
    "records": 2,
    "name": "DM",
    "label": "Demographics",
    "columns": [
        {"itemOID": "IT.DM.USUBJID", "name": "USUBJID", "label": "Unique Subject Identifier", "dataType": "string", "length": 8},
        {"itemOID": "IT.DM.AGE", "name": "AGE", "label": "Age", "dataType": "integer"},
    ],
}
ROWS = [["S-1", 41], ["S-2", None]]


def one_column(tmp_path: Path, cells: list[object], **column: object) -> Dataset:
    described = {"itemOID": "IT.XX.X", "name": "X", "label": "x"} | column
    path = tmp_path / "xx.json"
    path.write_text(json.dumps(HEADER | {"columns": [described], "records": len(cells), "rows": [[c] for c in cells]}), "utf-8")
    return read_dataset_json(path)


def assert_equal(left: Dataset, right: Dataset) -> None:
    assert (left.name, left.label, left.variables) == (right.name, right.label, right.variables)
    for name in left.names:
        assert left[name].strings().tolist() == right[name].strings().tolist(), name


@needs_shared
@pytest.mark.parametrize("name", ["ae", "cm", "dm", "ec", "lb", "qsph", "relrec", "ts"])
def test_the_three_published_forms_hold_the_same_dataset(name: str) -> None:
    """The same tables of CDISC's metadata submission study, as JSON, NDJSON and compressed."""
    folder = SHARED / "msg-v2"
    whole = read_dataset_json(folder / "datasetjson" / f"{name}.json")
    assert whole.n_rows > 0
    assert_equal(whole, read_dataset_json(folder / "datasetndjson" / f"{name}.ndjson"))
    assert_equal(whole, read_dataset_json(folder / "datasetjson_compressed" / f"{name}.dsjc"))


@needs_shared
def test_published_metadata_and_cells_arrive() -> None:
    """First subject of the metadata submission study, as printed in its dm.json."""
    dm = read_dataset_json(SHARED / "msg-v2" / "datasetjson" / "dm.json")
    assert (dm.name, dm.label, dm.n_rows) == ("DM", "Demographics", 18)
    assert dm.variable("USUBJID") == Variable("USUBJID", "Unique Subject Identifier", "char", 8)
    assert dm.variable("AGE").type == "num"
    assert dm.numbers("AGE")[0] == 84
    assert dm.text("BRTHDTC").strings()[0] == "1928"
    assert dm.text("DTHDTC").missing[0]


@needs_shared
@pytest.mark.parametrize(
    ("name", "variable", "text"), [("core_ae_utf8", "USUBJID", "ἇ"), ("datasetjson_i18n_ae", "AETERM", "紅斑")]
)
def test_non_ascii_survives_reading_and_writing(name: str, variable: str, text: str, tmp_path: Path) -> None:
    dataset = read_dataset_json(SHARED / "awkward" / f"{name}.json")
    assert any(text in level for level in dataset.text(variable).levels)
    write_dataset_json(dataset, Study({"AE": dataset}), tmp_path / "ae.dsjc")
    assert_equal(dataset, read_dataset_json(tmp_path / "ae.dsjc"))


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
numbers = st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False), st.integers(-(2**53), 2**53).map(float))


@settings(max_examples=60)
@given(rows=st.lists(st.tuples(texts, numbers, numbers), max_size=12), cut=st.integers(0, 12), suffix=st.sampled_from(SUFFIXES))
def test_what_is_written_in_chunks_is_read_again(
    rows: list[tuple[str, float | None, float | None]], cut: int, suffix: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Any Unicode text and any finite number comes back, wherever the chunks are cut."""
    variables = (
        Variable("T", "A text", "char", 40),
        Variable("N", "A number", "num", 8, "8.2"),
        Variable("M", "", "num"),
    )
    columns = {
        "T": Text.of(row[0] for row in rows),
        "N": Numbers(np.array([np.nan if row[1] is None else row[1] for row in rows], np.float64)),
        "M": Numbers(np.array([np.nan if row[2] is None else row[2] for row in rows], np.float64)),
    }
    dataset = Dataset("XX", variables, columns, "Ünïcode")
    path = tmp_path_factory.mktemp("json") / f"xx{suffix}"
    with DatasetJsonWriter(path, "XX", variables, dataset.label, "STUDY-1") as writer:
        writer.add(json_rows(dataset.take(np.arange(len(rows)) < cut), variables))
        writer.add(json_rows(dataset.take(np.arange(len(rows)) >= cut), variables))
    back = read_dataset_json(path)
    assert_equal(dataset, back)
    assert np.array_equal(dataset.numbers("N"), back.numbers("N"), equal_nan=True)
    assert list(path.parent.iterdir()) == [path]


def test_reading_by_blocks_joins_levels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of several blocks form one column, also where one block holds a number that only text can hold."""
    monkeypatch.setattr("replicator.tables.dataset_json._BLOCK_ROWS", 2)
    cells = ["b", "a", None, "c", "a"]
    long = [1, 2, 3, 12345678901234567890, None]
    columns = [{"name": "T", "label": "", "dataType": "string"}, {"name": "N", "label": "", "dataType": "integer"}]
    lines = [HEADER | {"columns": columns, "records": 5}, *map(list, zip(cells, long, strict=True))]
    (tmp_path / "xx.ndjson").write_text("\n".join(map(json.dumps, lines)) + "\n", "utf-8")
    dataset = read_dataset_json(tmp_path / "xx.ndjson")
    assert dataset["T"].strings().tolist() == ["b", "a", "", "c", "a"]
    assert dataset["N"].strings().tolist() == ["1", "2", "3", "12345678901234567890", ""]
    assert dataset.variable("N").type == "char"


@pytest.mark.parametrize(
    ("kind", "cells", "expected"),
    [
        ("integer", [1, None, 3], [1, np.nan, 3]),
        ("float", [0.1, 2, None], [0.1, 2, np.nan]),
        ("double", [1e300, None], [1e300, np.nan]),
        ("decimal", ["0.10", "", "-3"], [0.1, np.nan, -3]),
        ("boolean", [True, False, None], [1, 0, np.nan]),
        ("float", ["7.5", None], [7.5, np.nan]),
    ],
)
def test_numeric_types_become_numbers(kind: str, cells: list[object], expected: list[float], tmp_path: Path) -> None:
    dataset = one_column(tmp_path, cells, dataType=kind)
    assert dataset.variable("X").type == "num"
    assert np.array_equal(dataset.numbers("X"), np.array(expected), equal_nan=True)


def test_a_decimal_too_long_for_a_float_stays_text(tmp_path: Path) -> None:
    dataset = one_column(tmp_path, ["0.1234567890123456789", "1"], dataType="decimal", targetDataType="decimal")
    assert dataset.variable("X").type == "char"
    assert dataset["X"].strings().tolist() == ["0.1234567890123456789", "1"]


@pytest.mark.parametrize(
    ("kind", "cell", "number"),
    [("date", "1960-01-03", 2), ("datetime", "1960-01-02T00:00:10", 86410), ("time", "01:00:05", 3605), ("date", "1959-12-31", -1)],
)
def test_dates_with_a_numeric_target_become_numbers_of_sas(kind: str, cell: str, number: float, tmp_path: Path) -> None:
    """SAS counts days and seconds from 1960-01-01 (SAS 9.4 language reference, "About SAS Date, Time, and Datetime Values")."""
    dataset = one_column(tmp_path, [cell, None], dataType=kind, targetDataType="integer", displayFormat="DATE9.")
    assert dataset.variable("X").format == "DATE9."
    assert np.array_equal(dataset.numbers("X"), np.array([number, np.nan]), equal_nan=True)


def test_dates_without_a_numeric_target_stay_text(tmp_path: Path) -> None:
    assert one_column(tmp_path, ["2003-05", ""], dataType="date")["X"].strings().tolist() == ["2003-05", ""]


def test_a_dataset_without_rows_keeps_its_columns(tmp_path: Path) -> None:
    for suffix in SUFFIXES:
        empty = Dataset(
            "DM", (Variable("USUBJID"), Variable("AGE", "", "num")), {"USUBJID": Text.of([]), "AGE": Numbers(np.empty(0))}
        )
        write_dataset_json(empty, Study({}), tmp_path / f"dm{suffix}")
        assert_equal(empty, read_dataset_json(tmp_path / f"dm{suffix}"))


def test_written_metadata_follow_the_data(tmp_path: Path) -> None:
    """Whole numbers are written as integer, others as float; the count of records is right; bytes are the same twice."""
    variables = (Variable("STUDYID"), Variable("A", "a", "num"), Variable("B", "b", "num", 8, "8.1"))
    columns = {"STUDYID": Text.constant("S", 2), "A": Numbers(np.array([1.0, np.nan])), "B": Numbers(np.array([1.0, 1.5]))}
    dataset = Dataset("XX", variables, columns)
    for name in ("one.json", "two.json"):
        write_dataset_json(dataset, Study({"XX": dataset}), tmp_path / name)
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()
    document = json.loads((tmp_path / "one.json").read_text("utf-8"))
    assert [column["dataType"] for column in document["columns"]] == ["string", "integer", "float"]
    assert document["records"] == 2
    assert document["rows"] == [["S", 1, 1], ["S", None, 1.5]]
    assert document["studyOID"] == "S"
    assert document["columns"][2]["displayFormat"] == "8.1"


def test_another_reader_accepts_what_we_write(tmp_path: Path) -> None:
    """odmlib reads our file and finds the same cells; identifiers agree with those of our Define-XML."""
    from odmlib.dataset_json_1_1.model import DatasetJSON

    variables = (Variable("STUDYID", "Study Identifier", "char", 2), Variable("AGE", "Age", "num", None, "8."))
    columns = {"STUDYID": Text.constant("S1", 2), "AGE": Numbers(np.array([41.0, np.nan]))}
    study = Study({"DM": Dataset("DM", variables, columns, "Demographics")})
    write_dataset_json(study["DM"], study, tmp_path / "dm.json")
    write_dataset_json(study["DM"], study, tmp_path / "dm.ndjson")
    write_define(study, tmp_path / "define.xml")
    define = (tmp_path / "define.xml").read_text("utf-8")
    for other in (DatasetJSON.read_json(str(tmp_path / "dm.json")), DatasetJSON.read_ndjson(str(tmp_path / "dm.ndjson"))):
        assert (other.name, other.label, other.records) == ("DM", "Demographics", 2)
        assert other.rows == [["S1", 41], ["S1", None]]
        for oid in (other.studyOID, other.metaDataVersionOID, other.itemGroupOID, *(column.itemOID for column in other.columns)):
            assert f'OID="{oid}"' in define


BAD = {
    "zero bytes": ("x.json", b"", "it is empty"),
    "zero lines": ("x.ndjson", b"\n\n", "it is empty"),
    "not JSON": ("x.json", b"<html></html>", "no Dataset-JSON"),
    "cut JSON": ("x.json", json.dumps(HEADER | {"rows": ROWS}).encode()[:-9], "damaged"),
    "other JSON": ("x.json", b'{"a": 1}', "no Dataset-JSON 1.1"),
    "an array": ("x.json", b"[1, 2]", "no JSON object"),
    "old version": (
        "x.json",
        json.dumps(HEADER | {"datasetJSONVersion": "1.0.0", "rows": ROWS}).encode(),
        "1.0.0 is not supported",
    ),
    "lost rows": ("x.ndjson", (json.dumps(HEADER) + '\n["S-1", 1]\n').encode(), "1 row, where the metadata promise 2"),
    "short row": ("x.json", json.dumps(HEADER | {"rows": [["S-1"], ["S-2"]]}).encode(), "has not 2 cells"),
    "row is an object": ("x.json", json.dumps(HEADER | {"rows": [{}, {}]}).encode(), "has not 2 cells"),
    "text as number": ("x.json", json.dumps(HEADER | {"rows": [["S-1", "x"], ["S-2", 1]]}).encode(), "row 1 holds 'x'"),
    "list in a cell": ("x.json", json.dumps(HEADER | {"rows": [[["S-1"], 1], ["S-2", 1]]}).encode(), "a list or an object"),
    "NaN": ("x.json", json.dumps(HEADER | {"rows": [["S-1", float("nan")], ["S-2", 1]]}).encode(), "NaN is no number"),
    "huge number": ("x.json", json.dumps(HEADER | {"rows": ROWS}).replace("41", "1e999").encode(), "too large"),
    "double column": (
        "x.json",
        json.dumps(HEADER | {"columns": [HEADER["columns"][0]] * 2, "rows": []}).encode(),
        "1 variable occurs twice",
    ),
    "unknown type": ("x.json", json.dumps(HEADER | {"columns": [{"name": "A", "dataType": "blob"}]}).encode(), "'blob' is unknown"),
    "not UTF-8": ("x.json", b'{"a": "\xe9"}', "byte 7 is not UTF-8"),
    "cut dsjc": ("x.dsjc", zlib.compress(json.dumps(HEADER).encode())[:-6], "damaged"),
    "no dsjc": ("x.dsjc", b"PK\x03\x04 something else", "damaged"),
    "deep nesting": ("x.json", b"[" * 200_000, "nested too deeply"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_files_give_one_sentence(case: str, tmp_path: Path) -> None:
    name, content, words = BAD[case]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ReadError, match=words) as caught:
        read_dataset_json(tmp_path / name)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_inflated_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("replicator.tables.dataset_json._LONGEST_LINE", 1 << 21)
    (tmp_path / "x.dsjc").write_bytes(zlib.compress(b" " * (1 << 23)))
    with pytest.raises(ReadError, match="a line is longer"):
        read_dataset_json(tmp_path / "x.dsjc")


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    (tmp_path / "folder.json").mkdir()
    for name in ("absent.json", "absent.ndjson", "folder.json"):
        with pytest.raises(ReadError, match=name):
            read_dataset_json(tmp_path / name)


def test_a_failed_writing_leaves_nothing(tmp_path: Path) -> None:
    """Infinite numbers, chunks that lack a column, foreign endings and absent folders are refused."""
    infinite = Dataset("XX", (Variable("A", "", "num"),), {"A": Numbers(np.array([np.inf]))})
    other = Dataset("XX", (Variable("B"),), {"B": Text.of(["b"])})
    for dataset, words in ((infinite, "XX.A: 1 number is infinite"), (other, "XX.A: a chunk has no such column")):
        with pytest.raises(WriteError, match=words):
            json_rows(dataset, infinite.variables)
    with pytest.raises(WriteError, match="ending"):
        write_dataset_json(other, Study({}), tmp_path / "x.txt")
    with pytest.raises(FileNotFoundError):
        write_dataset_json(other, Study({}), tmp_path / "absent" / "x.json")
    assert list(tmp_path.iterdir()) == []

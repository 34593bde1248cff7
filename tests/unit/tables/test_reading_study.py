"""Folders, lists, archives, and files that are no study."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from replicator.errors import ReadError, StudyError
from replicator.tables import study_files
from replicator.tables.dataset import Dataset, Numbers, Study, Text, Variable
from replicator.tables.readers import read_study
from replicator.tables.writers import write_study

DM = "STUDYID,DOMAIN,USUBJID,AGE\nX,DM,X-1,61\n"
LBCH = "STUDYID,DOMAIN,USUBJID,LBSEQ\nX,LB,X-1,1\n"


def test_folder_list_file_and_zip_give_the_same_study(tmp_path: Path) -> None:
    folder = tmp_path / "study"
    folder.mkdir()
    (folder / "dm.csv").write_text(DM)
    (folder / "LBCH.CSV").write_text(LBCH)
    with zipfile.ZipFile(tmp_path / "study.zip", "w") as archive:
        archive.write(folder / "dm.csv", "sdtm/dm.csv")
        archive.write(folder / "LBCH.CSV", "sdtm/LBCH.CSV")
        archive.writestr("__MACOSX/._dm.csv", b"\0\0")
    for source in (folder, str(folder), [folder / "LBCH.CSV", folder / "dm.csv"], tmp_path / "study.zip"):
        study = read_study(source)
        assert list(study.datasets) == ["DM", "LBCH"]
        assert (study["LBCH"].domain, study.name, study.notes) == ("LB", "X", ())


def test_other_files_are_left_out_and_named(tmp_path: Path) -> None:
    (tmp_path / "dm.csv").write_text(DM)
    for name in ("README.md", "guide.pdf", "style.xsl", "labels.json", "old.zip"):
        (tmp_path / name).write_text("{}")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "ae.csv").write_text(LBCH)
    study = read_study(tmp_path)
    assert list(study.datasets) == ["DM"]
    assert study.notes == (
        f"{tmp_path.name}: 6 left out, not datasets: README.md, guide.pdf, labels.json, old.zip, style.xsl, sub/.",
    )


def test_content_decides_before_the_extension(tmp_path: Path) -> None:
    write_study(Study({"DM": Dataset("DM", (Variable("SEX"),), {"SEX": Text.of(["F"])})}), tmp_path / "out", "xpt")
    (tmp_path / "out" / "dm.xpt").rename(tmp_path / "dm.csv")
    assert read_study(tmp_path / "dm.csv")["DM"]["SEX"].strings().tolist() == ["F"]


def test_a_define_fills_in_what_text_cannot_say(tmp_path: Path) -> None:
    variable = Variable("SITENO", "Number of the Site", "char", 4, "$4.")
    study = Study({"DM": Dataset("DM", (variable,), {"SITENO": Text.of(["12", "34"])}, "Demographics")})
    write_study(study, tmp_path / "out", "csv")
    back = read_study(tmp_path / "out")["DM"]
    assert (back.variables, back.label) == ((variable,), "Demographics")
    (tmp_path / "out" / "define.xml").unlink()
    assert read_study(tmp_path / "out")["DM"].variable("SITENO").type == "num"


def test_parquet_types(tmp_path: Path) -> None:
    day = np.array(["2014-01-02", "NaT"], "datetime64[D]")
    table = pa.table(
        {
            "usubjid": pa.array(["1", None], pa.large_string()),
            "n": pa.array([1, None], pa.int64()),
            "id": pa.array([20230000011010002, 1], pa.int64()),
            "flag": pa.array([True, None]),
            "d": pa.array(day),
            "dtm": pa.array([1_400_000_000_000, None], pa.timestamp("ms")),
            "none": pa.nulls(2),
            "cat": pa.array(["NA", ""]).dictionary_encode(),
        }
    )
    pq.write_table(table, tmp_path / "adsl.parquet")
    study = read_study(tmp_path)
    dataset = study["ADSL"]
    assert {name: dataset[name].strings().tolist() for name in dataset.names} == {
        "USUBJID": ["1", ""],
        "N": ["1", ""],
        "ID": ["20230000011010002", "1"],
        "FLAG": ["1", ""],
        "D": ["2014-01-02", ""],
        "DTM": ["2014-05-13T16:53:20", ""],
        "NONE": ["", ""],
        "CAT": ["NA", ""],
    }
    assert [v.type for v in dataset.variables] == ["char", "num", "char", "num", "char", "char", "char", "char"]
    assert study.notes == (
        "ADSL.ID: whole numbers beyond 2**53 were read as text.",
        "ADSL: 2 columns of Parquet dates and times, read as ISO 8601 text: D, DTM.",
    )


def test_a_type_that_no_dataset_holds(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [[1], [2]]}), tmp_path / "dm.parquet")
    with pytest.raises(ReadError, match="column A is of Parquet type list"):
        read_study(tmp_path)


def test_two_files_for_one_dataset(tmp_path: Path) -> None:
    (tmp_path / "dm.csv").write_text(DM)
    (tmp_path / "DM.tsv").write_text(DM.replace(",", "\t"))
    with pytest.raises(ReadError, match="DM: two files hold this dataset"):
        read_study(tmp_path)


@pytest.mark.parametrize("names", [[], ["notes.txt"], ["define.xml"]])
def test_no_dataset(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        (tmp_path / name).write_text("<ODM/>")
    with pytest.raises(ReadError, match="no dataset found"):
        read_study(tmp_path)


def test_sources_that_are_not_there_or_no_study(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match="no such file or folder"):
        read_study(tmp_path / "nothing")
    with pytest.raises(ReadError, match="no dataset found"):
        read_study([])
    (tmp_path / "notes.docx").write_bytes(b"PK")
    with pytest.raises(ReadError, match=r"notes\.docx: no study data"):
        read_study(tmp_path / "notes.docx")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_without_rights(tmp_path: Path) -> None:
    (tmp_path / "dm.csv").write_text(DM)
    (tmp_path / "dm.csv").chmod(0)
    with pytest.raises(ReadError, match="cannot be read"):
        read_study(tmp_path)


@pytest.mark.parametrize("name", ["../dm.csv", "/tmp/dm.csv", "a/../../dm.csv", "C:\\dm.csv"])
def test_archives_that_point_outside(tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr(name, DM)
    with pytest.raises(ReadError, match="points outside"):
        read_study(tmp_path / "x.zip")


def test_archives_out_of_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study_files, "MAX_BYTES", 10_000)
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("dm.csv", b"A\n" + b"1" * 100_000)
    with pytest.raises(ReadError, match="unpacked it would be"):
        read_study(tmp_path / "x.zip")
    with zipfile.ZipFile(tmp_path / "y.zip", "w") as archive:
        archive.writestr("a/dm.csv", DM)
        archive.writestr("b/DM.csv", DM)
    with pytest.raises(ReadError, match=r"DM\.CSV is in the archive more than once"):
        read_study(tmp_path / "y.zip")
    (tmp_path / "z.zip").write_bytes((tmp_path / "y.zip").read_bytes()[:-30])
    with pytest.raises(ReadError, match="damaged or encrypted"):
        read_study(tmp_path / "z.zip")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("zero_byte_lb.xpt", "it has no bytes"),
        ("core_test_empty_dataset.xpt", "it has no bytes"),
        ("invalid_cport_lab_refrange.xpt", "it is a web page"),
        ("core_test_datasets.xlsx", "no study data"),
    ],
)
def test_awkward_files(shared_data: Path, name: str, sentence: str) -> None:
    with pytest.raises(ReadError, match=sentence):
        read_study(shared_data / "awkward" / name)


def test_awkward_files_that_are_good(shared_data: Path) -> None:
    awkward = shared_data / "awkward"
    assert read_study(awkward / "core_test_dataset_sas_v8.xpt")["AE"].n_rows == 74
    assert read_study(awkward / "datasetjson_i18n_ae.json")["AE"].n_rows == 1191


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("adsl", (306, 50)),
        ("charset_sjis", (150, 5)),
        ("charset_wlt1", (150, 5)),
        ("comp_deleted", (3, 4)),
        ("date_formats", (1, 67)),
        ("invalid_lengths", None),
        ("sas_infinite_loop", None),
    ],
)
def test_sas_datasets(shared_data: Path, name: str, shape: tuple[int, int] | None) -> None:
    path = shared_data / "sas7bdat" / f"{name}.sas7bdat"
    if shape is None:
        with pytest.raises(ReadError, match="damaged"):
            read_study(path)
    else:
        dataset = read_study(path)[name.upper()]
        assert (dataset.n_rows, len(dataset.variables)) == shape


def test_dates_of_sas_stay_numbers_with_their_format(shared_data: Path) -> None:
    dataset = read_study(shared_data / "sas7bdat" / "date_formats.sas7bdat")["DATE_FORMATS"]
    assert dataset.variable("DATE").format == "DATE11."
    assert isinstance(dataset["DATE"], Numbers)
    assert dataset["DATE"].values.tolist() == [20892.0]


@pytest.mark.parametrize("at", [100, 4000, 100_000])
def test_sas_datasets_cut_short(shared_data: Path, tmp_path: Path, at: int) -> None:
    whole = (shared_data / "sas7bdat" / "adsl.sas7bdat").read_bytes()
    (tmp_path / "adsl.sas7bdat").write_bytes(whole[:at])
    with pytest.raises(ReadError, match=r"cut short|not a SAS dataset"):
        read_study(tmp_path)


def test_one_study_in_four_formats_is_one_study(shared_data: Path) -> None:
    """The four deliveries of one study agree in names, types and cells."""
    root = shared_data / "msg-v2"
    define = root / "define" / "define.xml"
    first = read_study([root / "xpt", define])
    for folder in ("datasetjson", "datasetndjson", "datasetjson_compressed"):
        other = read_study([root / folder, define])
        assert list(other.datasets) == list(first.datasets)
        for name, dataset in first.datasets.items():
            assert dataset.names == other[name].names
            for key in dataset.names:
                assert isinstance(dataset[key], Text) == isinstance(other[name][key], Text), (folder, name, key)
                if isinstance(dataset[key], Text):
                    assert dataset.text(key).strings().tolist() == other[name].text(key).strings().tolist(), (folder, name, key)
                else:  # the JSON deliveries are free of the noise of IBM floats
                    np.testing.assert_allclose(dataset.numbers(key), other[name].numbers(key), rtol=1e-12)


@pytest.mark.parametrize("source", [None, 3, {"dm": 1}, [Path("x"), None]])
def test_what_is_no_path_is_one_sentence(source: object) -> None:
    """Whoever gives nothing, or a table, is told what to give."""
    with pytest.raises(ReadError, match=f"A {type(source).__name__} is no path"):
        read_study(source)  # type: ignore[arg-type]


def test_unknown_names_name_the_known_ones(tmp_path: Path) -> None:
    """A dataset or variable that is not there is an error of this package, which says what is there."""
    (tmp_path / "dm.csv").write_text("USUBJID,AGE\nS-1,60\n")
    study = read_study(tmp_path)
    with pytest.raises(StudyError, match=r"'AE'; choose among DM"):
        study["AE"]
    with pytest.raises(StudyError, match=r"DM: there is no variable 'SEX'; choose among USUBJID, AGE"):
        study["DM"]["SEX"]


def test_a_file_that_cannot_be_read_is_named_with_its_folder(tmp_path: Path) -> None:
    """Of a source, a sample and held-out subjects each has a dm.xpt; an archive is called as the user calls it."""
    (tmp_path / "held out").mkdir()
    (tmp_path / "held out" / "dm.xpt").write_bytes(b"no transport file")
    with zipfile.ZipFile(tmp_path / "study.zip", "w") as archive:
        archive.writestr("inner/dm.xpt", b"no transport file")
    for source in ("held out", "study.zip"):
        with pytest.raises(ReadError) as caught:
            read_study(tmp_path / source)
        assert str(caught.value).startswith(f"{tmp_path / source}/dm.xpt: not a SAS transport file")
    with pytest.raises(ReadError, match=r"^dm\.xpt: not"):
        read_study(tmp_path / "held out" / "dm.xpt")

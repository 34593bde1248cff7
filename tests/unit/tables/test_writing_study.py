"""Studies out to files and back, and what happens when writing fails."""

from __future__ import annotations

import hashlib
import json
import resource
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replicator.errors import WriteError
from replicator.tables.dataset import Dataset, Numbers, Study, Text, Variable
from replicator.tables.encoding import Format
from replicator.tables.readers import read_study
from replicator.tables.study_files import MANIFEST
from replicator.tables.writers import StudyWriter, write_study

FORMATS: tuple[Format, ...] = ("csv", "xpt", "parquet", "json")


def dm(n: int = 2) -> Dataset:
    variables = (Variable("USUBJID", "Unique Subject Identifier", "char", 8), Variable("AGE", "Age", "num", None, "8.1"))
    columns = {"USUBJID": Text.of(f"S-{i}" for i in range(n)), "AGE": Numbers(np.arange(n) + 60.5)}
    return Dataset("DM", variables, columns, "Demographics")


STUDY = Study({"DM": dm()})


def listed(folder: Path) -> list[str]:
    """Names of the entries of a folder, but for the manifest of a writing."""
    return sorted(path.name for path in folder.iterdir() if path.name != MANIFEST)


def assert_equal_datasets(left: Dataset, right: Dataset, lengths: bool = True) -> None:
    assert (left.name, left.label, left.names) == (right.name, right.label, right.names)
    for mine, other in zip(left.variables, right.variables, strict=True):
        assert (mine.name, mine.label, mine.type, mine.format) == (other.name, other.label, other.type, other.format)
        assert not lengths or mine.type == "num" or mine.length == other.length, (left.name, mine, other)
        a, b = left[mine.name], right[mine.name]
        if isinstance(a, Text):
            assert isinstance(b, Text)
            assert a.strings().tolist() == b.strings().tolist(), (left.name, mine.name)
        else:
            assert isinstance(b, Numbers)
            np.testing.assert_array_equal(a.values, b.values)


def assert_equal_studies(left: Study, right: Study, lengths: bool = True) -> None:
    assert list(left.datasets) == list(right.datasets)
    for name in left.datasets:
        assert_equal_datasets(left[name], right[name], lengths)


texts = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=12).map(lambda text: text.rstrip(" "))
numbers = st.one_of(
    st.just(float("nan")),
    st.integers(-(10**6), 10**6).map(float),
    st.floats(-1e70, 1e70, allow_nan=False).filter(lambda value: value == 0 or abs(value) > 1e-70),
)
labels = st.text("abcdefghijklmno é,'&<", max_size=20).map(lambda text: " ".join(text.split()))


@st.composite
def studies(draw: st.DrawFn) -> Study:
    datasets = []
    for name in draw(st.lists(st.sampled_from(["DM", "LBCH", "SUPPAE", "XY"]), min_size=1, max_size=2, unique=True)):
        n = draw(st.integers(0, 6))
        kinds = draw(st.lists(st.booleans(), min_size=1, max_size=4))
        variables = [Variable(f"{name[:2]}VAR{i}", draw(labels), "num" if kind else "char") for i, kind in enumerate(kinds)]
        variables.append(Variable(f"{name[:2]}SEQ", "Sequence", "num"))
        columns = {
            variable.name: Numbers(np.array(draw(st.lists(numbers, min_size=n, max_size=n)), dtype=np.float64))
            if variable.type == "num"
            else Text.of(draw(st.lists(texts, min_size=n, max_size=n)))
            for variable in variables
        }
        datasets.append(Dataset(name, tuple(variables), columns, draw(labels)))
    return Study({dataset.name: dataset for dataset in sorted(datasets, key=lambda dataset: dataset.name)})


@pytest.mark.parametrize("format", FORMATS)
@given(study=studies())
@settings(max_examples=40)
def test_what_is_written_is_read_again(format: Format, study: Study) -> None:
    with tempfile.TemporaryDirectory() as folder:
        paths = write_study(study, Path(folder) / "out", format)
        assert sorted(path.name for path in paths) == listed(Path(folder) / "out")
        assert_equal_studies(study, read_study(Path(folder) / "out"), lengths=False)


@pytest.mark.parametrize("format", FORMATS)
def test_the_pilot_survives_every_format(pilot_folder: Path, tmp_path: Path, format: Format) -> None:
    study = read_study(pilot_folder)
    write_study(study, tmp_path / "out", format)
    assert_equal_studies(study, read_study(tmp_path / "out"), lengths=False)


@pytest.mark.parametrize("format", FORMATS)
def test_chunks_give_the_bytes_of_the_whole(tmp_path: Path, format: Format) -> None:
    whole = dm(9)
    write_study(Study({"DM": whole}), tmp_path / "whole", format, define=False)
    with StudyWriter(tmp_path / "parts", format) as writer:
        for start in range(0, 9, 4):
            writer.append(whole.take(np.arange(start, min(start + 4, 9))))
    assert writer.paths == [tmp_path / "parts" / f"dm.{format}"]
    if format == "parquet":  # a row group a chunk
        assert pq.read_table(writer.paths[0]).equals(pq.read_table(tmp_path / "whole" / "dm.parquet"))
    else:
        assert writer.paths[0].read_bytes() == (tmp_path / "whole" / f"dm.{format}").read_bytes()


@pytest.mark.parametrize("format", FORMATS)
def test_equal_studies_give_equal_bytes(tmp_path: Path, format: Format) -> None:
    for name in ("a", "b"):
        write_study(STUDY, tmp_path / name, format)
    for name in listed(tmp_path / "a"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_csv_quotes_only_what_needs_it(tmp_path: Path) -> None:
    columns = {
        "COVAL": Text.of(["plain", 'say "no"', "a,b", "1\n2", None, "NA"]),
        "COSEQ": Numbers(np.array([1, 2.5, np.nan, 0.1, 1e16, -3])),
    }
    variables = (Variable("COVAL"), Variable("COSEQ", type="num"))
    write_study(Study({"CO": Dataset("CO", variables, columns)}), tmp_path / "out", "csv", define=False)
    assert (tmp_path / "out" / "co.csv").read_bytes().decode() == (
        'COVAL,COSEQ\nplain,1\n"say ""no""",2.5\n"a,b",\n"1\n2",0.1\n,1e+16\nNA,-3\n'
    )


def test_a_dataset_without_rows_is_kept_with_its_columns(tmp_path: Path) -> None:
    study = Study({"DM": dm(0)})
    for format in FORMATS:
        write_study(study, tmp_path / format, format)
        assert_equal_studies(study, read_study(tmp_path / format))


def test_parquet_labels_stand_in_the_metadata(tmp_path: Path) -> None:
    write_study(STUDY, tmp_path / "out", "parquet")
    schema = pq.read_schema(tmp_path / "out" / "dm.parquet")
    assert schema.metadata == {b"name": b"DM", b"label": b"Demographics"}
    assert schema.field("AGE").metadata == {b"label": b"Age", b"format": b"8.1"}
    assert [str(field.type) for field in schema] == ["string", "double"]


def test_a_target_that_is_not_empty_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(WriteError, match=r"not empty \(1 entry\)"):
        write_study(STUDY, tmp_path)
    assert listed(tmp_path) == ["mine.txt"]
    with pytest.raises(WriteError, match="this is a file"):
        write_study(STUDY, tmp_path / "mine.txt")


def test_an_empty_target_is_used_and_missing_parents_are_made(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    write_study(STUDY, tmp_path / "out")
    write_study(STUDY, tmp_path / "a" / "b" / "out")
    assert listed(tmp_path / "out") == listed(tmp_path / "a" / "b" / "out") == ["define.xml", "dm.csv"]


def test_overwriting_removes_what_a_former_writing_made_and_nothing_else(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write_study(Study({"AE": Dataset("AE", dm().variables, dm().columns), "DM": dm()}), out, "xpt")
    (out / "notes.txt").write_text("mine")
    (out / "figures").mkdir()
    (out / "figures" / "one.png").write_bytes(b"x")
    write_study(STUDY, out, "csv", overwrite=True)
    assert listed(out) == ["define.xml", "dm.csv", "figures", "notes.txt"]
    assert (out / "figures" / "one.png").read_bytes() == b"x"
    assert listed(tmp_path) == ["out"]


def test_the_folder_that_one_is_in_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The shell would be left in a folder that is gone; a folder within it is fine."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(WriteError, match="the folder that you are in"):
        write_study(STUDY, Path("."), "csv")
    assert listed(tmp_path) == []
    write_study(STUDY, Path("out"), "csv")
    assert listed(tmp_path) == ["out"]


@pytest.mark.parametrize("define", [True, False])
def test_overwriting_takes_only_what_a_former_writing_left_unchanged(tmp_path: Path, define: bool) -> None:
    """Datasets that are somebody's own, added or changed since, are neither lost nor mixed with new ones; before any work."""
    out = tmp_path / "out"
    write_study(STUDY, out, "csv", define=define)
    write_study(STUDY, out, "csv", overwrite=True, define=define)
    (out / "vs.csv").write_text("A\n1\n")
    with pytest.raises(WriteError, match=r"changed since: 1 \(vs\.csv\)"):
        StudyWriter(out, "csv", overwrite=True).__enter__()
    (out / "vs.csv").unlink()
    with (out / "dm.csv").open("a") as file:
        file.write("S-9,1\n")
    with pytest.raises(WriteError, match=r"changed since: 1 \(dm\.csv\)"):
        write_study(STUDY, out, "csv", overwrite=True)
    assert (out / "dm.csv").read_text().endswith("S-9,1\n")
    assert listed(tmp_path) == ["out"]


@pytest.mark.parametrize("manifest", [None, "", "[1]", '{"format": "replicator datasets", "files": {"../out/dm.csv": "00"}}'])
def test_a_folder_that_no_run_wrote_is_not_overwritten(tmp_path: Path, manifest: str | None) -> None:
    """Without a manifest, or with one that does not fit, all datasets are somebody's own; so is a file of a new name."""
    (tmp_path / "dm.csv").write_text("USUBJID\nS-1\n")
    if manifest is not None:
        (tmp_path / MANIFEST).write_text(manifest)
    with pytest.raises(WriteError, match="no former run has written"):
        write_study(STUDY, tmp_path, "xpt", overwrite=True)
    (tmp_path / "dm.csv").rename(tmp_path / "dm.json")
    with pytest.raises(WriteError, match="no former run has written"):
        write_study(STUDY, tmp_path, "json", overwrite=True)
    assert (tmp_path / "dm.json").read_text() == "USUBJID\nS-1\n"


def test_the_manifest_is_no_part_of_the_study(tmp_path: Path) -> None:
    """Reading a folder that was written says nothing of it, and it lists what was written with its sha256."""
    paths = write_study(STUDY, tmp_path / "out")
    assert read_study(tmp_path / "out").notes == ()
    files = json.loads((tmp_path / "out" / MANIFEST).read_bytes())["files"]
    assert files == {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_nothing_remains_after_an_error(tmp_path: Path, error: type[BaseException]) -> None:
    def interrupted() -> None:
        with StudyWriter(tmp_path / "new" / "out", "xpt") as writer:
            writer.append(dm())
            raise error

    with pytest.raises(error):
        interrupted()
    assert listed(tmp_path) == []


@contextmanager
def small_disk(n_bytes: int) -> Iterator[None]:
    """Let no file grow beyond a size, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("format", FORMATS)
def test_a_full_disk_is_one_sentence_and_leaves_nothing(tmp_path: Path, format: Format) -> None:
    rng = np.random.default_rng(1)
    columns = {"USUBJID": Text.of(f"S-{i}" for i in range(20_000)), "AGE": Numbers(rng.normal(size=20_000))}
    big = Study({"DM": Dataset("DM", dm().variables, columns)})
    with small_disk(100_000), pytest.raises(WriteError, match="out: cannot be written") as caught:
        write_study(big, tmp_path / "out", format)
    assert "\n" not in str(caught.value) and ".writing" not in str(caught.value)
    assert listed(tmp_path) == []


def test_an_unwritable_target_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(WriteError, match="cannot be written"):
        write_study(STUDY, Path("/proc/none/out"))


def test_what_no_format_can_hold() -> None:
    with pytest.raises(WriteError, match="no datasets"):
        write_study(Study({}), "out")
    with pytest.raises(WriteError, match="'sas' is no format"):
        write_study(STUDY, "out", "sas")  # type: ignore[arg-type]


@pytest.mark.parametrize("format", FORMATS)
def test_infinite_numbers_are_refused(tmp_path: Path, format: Format) -> None:
    dataset = dm().with_column(Variable("AGE", type="num"), Numbers(np.array([1.0, np.inf])))
    with pytest.raises(WriteError, match=r"DM\.AGE: 1 number "):
        write_study(Study({"DM": dataset}), tmp_path / "out", format)
    assert listed(tmp_path) == []


def held(*texts: str) -> Study:
    return Study({"CO": Dataset("CO", (Variable("COVAL"),), {"COVAL": Text.of(texts)})})


def test_a_text_with_nul_is_refused_where_no_reader_would_take_it(tmp_path: Path) -> None:
    """CSV names the variable and the number of texts, and writes nothing; formats that can hold it give it back."""
    study = held("a\0b", "fine", "a\0b")
    with pytest.raises(WriteError, match=r"CO\.COVAL: 2 texts hold a NUL"):
        write_study(study, tmp_path / "csv", "csv")
    assert listed(tmp_path) == []
    for format in ("json", "parquet", "xpt"):
        write_study(study, tmp_path / format, format)
        assert read_study(tmp_path / format)["CO"]["COVAL"].strings().tolist() == ["a\0b", "fine", "a\0b"]


def test_blanks_at_the_end_are_told_where_they_are_lost(tmp_path: Path) -> None:
    """A transport file loses them when it is written, with one warning; the others when they are read, with a note."""
    study = held("a ", "b", "a ")
    with pytest.warns(UserWarning, match=r"2 texts end in blanks"):
        write_study(study, tmp_path / "xpt", "xpt")
    for format in ("csv", "json", "parquet"):
        write_study(study, tmp_path / format, format)  # type: ignore[arg-type]
        assert "2 cells ended in blanks" in read_study(tmp_path / format).notes[0]

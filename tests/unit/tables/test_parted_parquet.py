"""Datasets as folders of Parquet files, one a chunk: read as one, gone on with, replaced as a whole, never taken for others."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from replicator.errors import ReadError, WriteError
from replicator.study_model.cache.kept_fits import _files_key
from replicator.tables.dataset import Column, Dataset, Numbers, Study, Text, Variable
from replicator.tables.manifests import parse_manifest
from replicator.tables.readers import read_study
from replicator.tables.target_folder import is_unchanged
from replicator.tables.unfinished import find_finished
from replicator.tables.writers import StudyWriter, write_study

REQUEST = {"subjects": 12, "seed": 7}
VARIABLES = (Variable("STUDYID", "Study"), Variable("USUBJID", "Subject"), Variable("AGE", "Age", "num"))


def chunk(number: int) -> Dataset:
    subject = Text.of(f"S-{number}-{i}" + "x" * number for i in range(4))
    age = Numbers(np.array([30.0 + number, np.nan, 41.5, 50.0]))
    columns: dict[str, Column] = {"STUDYID": Text.constant("S", 4), "USUBJID": subject, "AGE": age}
    return Dataset("DM", VARIABLES, columns, "Demographics")


class Interrupted(Exception):
    """What stops a writing in these tests."""


def write(target: Path, *, until: int = 3, resume: bool = False, overwrite: bool = False) -> None:
    """Write three chunks in parts, or be interrupted with chunk `until` in a file that is not noted."""
    with StudyWriter(target, "parquet", overwrite, REQUEST, resume, partition_by="chunk") as writer:
        for number in writer.settling:
            writer.settle(chunk(number))
        for number in range(writer.n_finished, until):
            writer.append(chunk(number))
            writer.finish_chunk()
        if until < 3:
            writer.append(chunk(until))
            raise Interrupted
        writer.describe(Study({}))


def content(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_parts_are_one_dataset_for_everybody(tmp_path: Path) -> None:
    """A file for each chunk, each whole by itself; pyarrow, pandas and our own reader see all rows in their order."""
    write(tmp_path / "out")
    parts = [f"dm.parquet/part-0000{number}.parquet" for number in range(3)]
    assert sorted(content(tmp_path / "out")) == [".replicator", "define.xml", *parts]
    assert set(parse_manifest((tmp_path / "out" / ".replicator").read_bytes())["files"]) == {"define.xml", *parts}
    wanted = [cell for number in range(3) for cell in chunk(number).text("USUBJID").strings()]
    folder = tmp_path / "out" / "dm.parquet"
    assert pq.read_table(folder)["USUBJID"].to_pylist() == wanted
    assert pd.read_parquet(folder)["USUBJID"].tolist() == wanted
    for source in (tmp_path / "out", folder):
        found = read_study(source)
        assert list(found) == ["DM"]
        assert found["DM"].text("USUBJID").strings().tolist() == wanted
    assert found["DM"].variable("AGE").label == "Age"
    assert found.notes == ()
    part = pq.read_table(tmp_path / "out" / parts[1])
    assert part["USUBJID"].to_pylist() == wanted[4:8]
    assert part.schema.metadata[b"label"] == b"Demographics"


@pytest.mark.parametrize("until", [1, 2])
def test_parts_are_gone_on_with(tmp_path: Path, until: int) -> None:
    """The file of a chunk that was not noted is written again."""
    write(tmp_path / "whole")
    with pytest.raises(Interrupted):
        write(tmp_path / "out", until=until)
    assert not (tmp_path / "out").exists()
    write(tmp_path / "out", resume=True)
    assert content(tmp_path / "out") == content(tmp_path / "whole")
    assert find_finished(tmp_path / "out", REQUEST) == {"DM": 12}


def test_a_part_that_was_cut_since_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        write(tmp_path / "out", until=2)
    part = tmp_path / ".out.unfinished" / "data" / "dm.parquet" / "part-00001.parquet"
    part.write_bytes(part.read_bytes()[:10])
    with pytest.raises(WriteError, match="10 bytes where"):
        write(tmp_path / "out", resume=True)


def test_parts_are_replaced_as_a_whole(tmp_path: Path) -> None:
    """By one file and back, as long as nobody has changed anything; what is not ours stays, or stops the writing."""
    target = tmp_path / "out"
    study = Study({"DM": chunk(0)})
    write(target)
    write_study(study, target, "parquet", overwrite=True)
    assert (target / "dm.parquet").is_file()
    write(target, overwrite=True)
    assert is_unchanged(target)
    (target / "dm.parquet" / "mine.parquet").write_bytes((target / "dm.parquet" / "part-00000.parquet").read_bytes())
    with pytest.raises(WriteError, match=r"no former run has written.*dm\.parquet"):
        write(target, overwrite=True)
    with pytest.raises(WriteError, match=r"no former run has written.*dm\.parquet"):
        write_study(study, target, "csv", overwrite=True)
    (target / "dm.parquet" / "mine.parquet").unlink()
    (target / "dm.parquet" / "part-00002.parquet").write_bytes(b"PAR1 changed")
    assert not is_unchanged(target)
    with pytest.raises(WriteError, match="changed since"):
        write(target, overwrite=True)


def test_a_manifest_names_nothing_outside_its_folder(tmp_path: Path) -> None:
    """Files elsewhere do not count, whatever a manifest says."""
    write(tmp_path / "out")
    (tmp_path / "other").mkdir()
    shutil.copy(tmp_path / "out" / "define.xml", tmp_path / "other" / "define.xml")
    manifest = tmp_path / "out" / ".replicator"
    manifest.write_bytes(manifest.read_bytes().replace(b'"define.xml"', b'"../other/define.xml"'))
    assert not is_unchanged(tmp_path / "out")


def test_only_parquet_has_parts() -> None:
    with pytest.raises(WriteError, match="not written as csv; ask for parts by 'chunk', of Parquet"):
        StudyWriter("out", "csv", partition_by="chunk")


def test_files_of_different_columns_are_no_dataset(tmp_path: Path) -> None:
    write(tmp_path / "out")
    folder = tmp_path / "out" / "dm.parquet"
    table = pq.read_table(folder / "part-00001.parquet").drop_columns("AGE")
    pq.write_table(table, folder / "part-00001.parquet")
    with pytest.raises(ReadError, match=r"part-00001\.parquet has other columns than part-00000"):
        read_study(folder)


def test_a_folder_without_such_files_is_left_out(tmp_path: Path) -> None:
    write_study(Study({"DM": chunk(0)}), tmp_path / "out", "csv")
    (tmp_path / "out" / "old.parquet").mkdir()
    assert list(read_study(tmp_path / "out")) == ["DM"]


def test_what_a_part_holds_counts_in_the_key_of_a_fit(tmp_path: Path) -> None:
    """A fit of other rows is another fit, and so is one of part of the subjects."""
    write(tmp_path / "out")
    before = _files_key(tmp_path / "out", "")
    assert _files_key(tmp_path / "out", "") == before != _files_key(tmp_path / "out", "1/2")
    folder = tmp_path / "out" / "dm.parquet"
    (folder / "part-00001.parquet").write_bytes((folder / "part-00000.parquet").read_bytes())
    assert _files_key(tmp_path / "out", "") != before

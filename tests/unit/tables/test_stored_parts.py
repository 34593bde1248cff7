"""Datasets in parts in object storage: read, marked, replaced and gone on with as those in folders."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from replicator.errors import ReadError, WriteError
from replicator.locations import ObjectLocation
from replicator.tables.dataset import Dataset, Numbers, Study, Text, Variable
from replicator.tables.manifests import MANIFEST
from replicator.tables.readers import read_study
from replicator.tables.target_folder import is_unchanged
from replicator.tables.uploaded_folder import upload
from replicator.tables.writers import StudyWriter, write_study

from ...object_server import Bucket

REQUEST = {"subjects": 12, "seed": 7}
VARIABLES = (Variable("USUBJID", "Subject"), Variable("AGE", "Age", "num"))


def chunk(name: str, number: int) -> Dataset:
    subject = Text.of(f"S-{number}-{i}" for i in range(4))
    return Dataset(name, VARIABLES, {"USUBJID": subject, "AGE": Numbers(np.arange(4) + 30.0 * number)})


def write(target: str | Path, *, n: int = 3, names: tuple[str, ...] = ("DM", "LB"), overwrite: bool = False) -> None:
    """Write chunks in parts."""
    with StudyWriter(target, "parquet", overwrite, REQUEST, partition_by="chunk") as writer:
        for number in range(n):
            for name in names:
                writer.append(chunk(name, number))
            writer.finish_chunk()
        writer.describe(Study({}))


def parts(name: str, n: int = 3) -> set[str]:
    return {f"{name}.parquet/part-{number:05}.parquet" for number in range(n)}


def test_parts_go_there_as_to_a_folder(bucket: Bucket, tmp_path: Path) -> None:
    """The same objects as files; the study, one dataset of it and one part of that are read."""
    write(bucket.address("out"))
    write(tmp_path / "out")
    there, here = bucket.content("out/"), {path: (tmp_path / "out" / path).read_bytes() for path in parts("dm") | parts("lb")}
    assert set(there) == {MANIFEST, "define.xml", *here}
    assert {name: there[name] for name in here} == here
    read = read_study(tmp_path / "out")["LB"].to_frame()
    assert read_study(bucket.address("out"))["LB"].to_frame().equals(read)
    assert read_study(bucket.address("out/lb.parquet"))["LB"].to_frame().equals(read)
    assert read_study(bucket.address("out/lb.parquet/part-00001.parquet"))["PART-00001"].n_rows == 4
    assert is_unchanged(ObjectLocation(bucket.name, "out"))


def test_fewer_parts_take_the_place_of_more(bucket: Bucket) -> None:
    """Parts that are no more part of it go, with the whole of a dataset that is gone, and parts may become one object."""
    write(bucket.address("out"))
    write(bucket.address("out"), n=2, names=("DM",), overwrite=True)
    assert set(bucket.content("out/")) == {MANIFEST, "define.xml", *parts("dm", 2)}
    assert read_study(bucket.address("out"))["DM"].n_rows == 8
    write_study(Study({"DM": chunk("DM", 0)}), bucket.address("out"), "parquet", overwrite=True)
    assert set(bucket.content("out/")) == {MANIFEST, "define.xml", "dm.parquet"}
    assert read_study(bucket.address("out"))["DM"].n_rows == 4


@pytest.mark.parametrize("key", ["out/dm.parquet/part-00001.parquet", "out/dm.parquet/mine.txt", "out/ae.parquet/a.parquet"])
def test_what_somebody_changed_is_not_overwritten(bucket: Bucket, key: str) -> None:
    """A part that was changed or added, and a dataset in parts that no run has written, stop the writing before any work."""
    write(bucket.address("out"))
    bucket.put(key, b"mine")
    before = bucket.content()
    with pytest.raises(WriteError, match=rf"changed since: 1 \({key.split('/')[1]}\)"):
        write(bucket.address("out"), overwrite=True)
    assert bucket.content() == before


def test_an_interrupted_upload_is_nowhere_read_and_is_gone_on_with(bucket: Bucket, tmp_path: Path) -> None:
    """Neither the prefix nor a dataset nor a part of it is read; going on ends with the same objects."""

    class Stop(Exception):
        pass

    def stop(step: str, done: int, total: int, /) -> None:
        if done == 5:
            raise Stop

    write(tmp_path / "built")
    (tmp_path / "built" / MANIFEST).unlink()
    place = ObjectLocation(bucket.name, "out")
    with pytest.raises(Stop):
        upload(tmp_path / "built", place, {}, stop)
    there = bucket.content("out/")
    assert set(there) == {MANIFEST, "define.xml", *parts("dm"), "lb.parquet/part-00000.parquet"}
    for key in ("out", "out/dm.parquet", "out/lb.parquet", "out/dm.parquet/part-00000.parquet"):
        with pytest.raises(ReadError, match="was interrupted, so files may be missing"):
            read_study(bucket.address(key))
    upload(tmp_path / "built", place, {})
    assert set(bucket.content("out/")) == {MANIFEST, "define.xml", *parts("dm"), *parts("lb")}
    assert is_unchanged(place)


def test_what_was_sent_and_not_noted_is_not_sent_again(bucket: Bucket, tmp_path: Path) -> None:
    """Of many objects not each is noted: those that came after are known by what they hold."""

    class Stop(Exception):
        pass

    def stop(step: str, done: int, total: int, /) -> None:
        if done == 38:
            raise Stop

    built = tmp_path / "built"
    built.mkdir()
    for number in range(40):
        (built / f"d{number:02}.csv").write_bytes(b"USUBJID\nS-%d\n" % number)
    place = ObjectLocation(bucket.name, "out")
    with pytest.raises(Stop):
        upload(built, place, {}, stop)
    before = stamps(bucket)
    assert len(before) == 38
    upload(built, place, {})
    assert stamps(bucket).items() >= before.items() and len(stamps(bucket)) == 40


def stamps(bucket: Bucket) -> dict[str, object]:
    """When each object but the manifest was written last."""
    found = bucket.client.list_objects_v2(Bucket=bucket.name)["Contents"]
    return {one["Key"]: one["LastModified"] for one in found if not one["Key"].endswith((MANIFEST, "/"))}

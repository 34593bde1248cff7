"""Targets in object storage: whole, or marked as not whole, and never in the place of what Replicator has not written."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from replicator.errors import ReadError, WriteError
from replicator.locations import ObjectLocation
from replicator.tables.dataset import Dataset, Numbers, Study, Text, Variable
from replicator.tables.encoding import Format
from replicator.tables.manifests import MANIFEST
from replicator.tables.readers import read_study
from replicator.tables.unfinished import find_finished
from replicator.tables.uploaded_folder import upload, work_place
from replicator.tables.writers import StudyWriter, write_study

from ...object_server import Bucket

FORMATS: tuple[Format, ...] = ("csv", "xpt", "parquet", "json")
REQUEST = {"subjects": 9, "seed": 1}


def study(n: int = 3, *more: str) -> Study:
    """Return DM of `n` subjects, and further datasets of one column."""
    subject = Text.of(f"S-{i}" for i in range(n))
    dm = {"USUBJID": subject, "AGE": Numbers(np.arange(n) + 30.5)}
    datasets = [Dataset("DM", (Variable("USUBJID", "Subject"), Variable("AGE", "Age", "num")), dm)]
    datasets += [Dataset(name, (Variable("USUBJID", "Subject"),), {"USUBJID": subject}) for name in more]
    return Study({dataset.name: dataset for dataset in datasets})


def place(bucket: Bucket) -> ObjectLocation:
    return ObjectLocation(bucket.name, "out")


def interrupted(bucket: Bucket, *, sent: int, about: dict[str, object] | None = None, folder: Path) -> None:
    """Upload the files of a folder, and be interrupted after some objects."""

    class Stop(Exception):
        pass

    def stop(step: str, done: int, total: int, /) -> None:
        if done == sent:
            raise Stop

    with pytest.raises(Stop):
        upload(folder, place(bucket), about or {}, stop)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_study(study(3, "AE", "CM", "VS"), tmp_path / "built")
    (tmp_path / "built" / MANIFEST).unlink()
    return tmp_path / "built"


@pytest.mark.parametrize("format", FORMATS)
def test_a_study_goes_there_as_to_a_folder(bucket: Bucket, tmp_path: Path, format: Format) -> None:
    """The same objects as files, a manifest with the same digests, nothing else; it is read back, and nothing stays here."""
    written = write_study(study(3, "AE"), bucket.address("a/out"), format)
    write_study(study(3, "AE"), tmp_path / "out", format)
    assert [str(path) for path in written] == [
        bucket.address(f"a/out/{name}") for name in (f"dm.{format}", f"ae.{format}", "define.xml")
    ]
    there, here = bucket.content(), {f"a/out/{path.name}": path.read_bytes() for path in (tmp_path / "out").iterdir()}
    manifests = [json.loads(objects.pop(f"a/out/{MANIFEST}")) for objects in (there, here)]
    if format != "json":  # which holds the time of its writing
        assert there == here
        assert manifests[0]["files"] == manifests[1]["files"]
    assert set(manifests[0]["objects"]) == {f"dm.{format}", f"ae.{format}", "define.xml"}
    assert read_study(bucket.address("a/out"))["DM"].to_frame().equals(read_study(tmp_path / "out")["DM"].to_frame())
    uploads = work_place(place(bucket)).parent
    assert not [path for path in uploads.iterdir() if path.name.startswith("out-")]


def test_what_is_there_stays_without_overwrite(bucket: Bucket) -> None:
    bucket.put("out/readme.txt", b"mine")
    with pytest.raises(WriteError, match=r"s3://.*/out: the prefix is not empty \(1 entry\)"):
        write_study(study(), bucket.address("out"))
    with pytest.raises(WriteError, match=r"this is an object; name a prefix"):
        write_study(study(), bucket.address("out/readme.txt"))
    with pytest.raises(WriteError, match=r"there is no such bucket"):
        write_study(study(), "s3://nobody-has-this/out")
    assert bucket.content() == {"out/readme.txt": b"mine"}


def test_overwriting_takes_what_a_former_run_left(bucket: Bucket) -> None:
    """Objects that are no more part of it go; those of others stay, and what lies deeper."""
    write_study(study(3, "AE"), bucket.address("out"))
    bucket.put("out/readme.txt", b"mine")
    bucket.put("out/deeper/dm.csv", b"mine")
    write_study(study(5, "VS"), bucket.address("out"), overwrite=True)
    there = bucket.content("out/")
    assert set(there) == {MANIFEST, "dm.csv", "vs.csv", "define.xml", "readme.txt", "deeper/dm.csv"}
    assert there["readme.txt"] == there["deeper/dm.csv"] == b"mine"
    assert read_study(bucket.address("out"))["DM"].n_rows == 5


@pytest.mark.parametrize("key", ["out/dm.csv", "out/lb.csv"])
def test_what_somebody_changed_is_not_overwritten(bucket: Bucket, key: str) -> None:
    """A dataset that was changed since, or that no run has written, stops the writing before any work."""
    write_study(study(), bucket.address("out"))
    bucket.put(key, b"USUBJID\nmine\n")
    before = bucket.content()
    with pytest.raises(WriteError, match=rf"changed since: 1 \({key.removeprefix('out/')}\)"):
        write_study(study(5), bucket.address("out"), overwrite=True)
    assert bucket.content() == before


def test_a_copy_of_a_folder_with_its_manifest_is_known_by_its_digests(bucket: Bucket, tmp_path: Path) -> None:
    """Another tool may have brought it there, so that no ETag is noted."""
    write_study(study(), tmp_path / "out")
    bucket.put_folder(tmp_path / "out", "out")
    write_study(study(5), bucket.address("out"), overwrite=True)
    assert read_study(bucket.address("out"))["DM"].n_rows == 5


def test_an_interrupted_upload_looks_like_nothing_whole(bucket: Bucket, folder: Path) -> None:
    """It is not read, not taken for finished, not written over unasked; going on sends only what is missing."""
    about = {"request": REQUEST, "rows": {"DM": 3}}
    interrupted(bucket, sent=2, about=about, folder=folder)
    there = bucket.content("out/")
    assert set(there) == {MANIFEST, "ae.csv", "cm.csv"}
    with pytest.raises(ReadError, match="was interrupted"):
        read_study(bucket.address("out"))
    assert find_finished(place(bucket), REQUEST) is None
    with pytest.raises(WriteError, match="was interrupted; wait for it, repeat the request with --resume, or write anew"):
        write_study(study(), bucket.address("out"))
    steps: list[str] = []
    stamps = stamped(bucket)
    upload(folder, place(bucket), about, lambda step, done, total: steps.append(step))
    assert steps == [*(f"Uploading {path.name}" for path in sorted(folder.iterdir())), ""]
    assert {key: stamp for key, stamp in stamped(bucket).items() if key in stamps} | {f"out/{MANIFEST}": None} == stamps
    assert find_finished(place(bucket), REQUEST) == {"DM": 3}
    assert find_finished(place(bucket), REQUEST | {"seed": 2}) is None
    assert set(read_study(bucket.address("out")).datasets) == {"DM", "AE", "CM", "VS"}
    bucket.remove("out/vs.csv")
    assert find_finished(place(bucket), REQUEST) is None


def stamped(bucket: Bucket) -> dict[str, object]:
    """When each object was written last; None for the manifest."""
    found = bucket.client.list_objects_v2(Bucket=bucket.name)["Contents"]
    return {one["Key"]: None if one["Key"].endswith(MANIFEST) else one["LastModified"] for one in found}


def test_overwriting_that_is_interrupted_can_be_begun_anew(bucket: Bucket, folder: Path) -> None:
    """Former objects and new ones are both known, and both go; an object that somebody changed in between is not."""
    write_study(study(7, "LB", "AE"), bucket.address("out"))
    interrupted(bucket, sent=3, folder=folder)
    assert {"lb.csv", "ae.csv", "cm.csv"} <= set(bucket.content("out/"))
    bucket.put("out/lb.csv", b"USUBJID\nmine\n")
    with pytest.raises(WriteError, match=r"changed since: 1 \(lb\.csv\)"):
        write_study(study(5), bucket.address("out"), overwrite=True)
    bucket.remove("out/lb.csv")
    write_study(study(5), bucket.address("out"), overwrite=True)
    assert set(bucket.content("out/")) == {MANIFEST, "dm.csv", "define.xml"}
    assert read_study(bucket.address("out"))["DM"].n_rows == 5


def test_overwriting_that_is_interrupted_is_gone_on_with(bucket: Bucket, folder: Path) -> None:
    """However often it is interrupted, former objects that are no more part of it go in the end, and only then."""
    write_study(study(7, "LB", "AE"), bucket.address("out"))
    for sent in (1, 3, 2):
        interrupted(bucket, sent=sent, folder=folder)
        assert "lb.csv" in bucket.content("out/")
    upload(folder, place(bucket), {})
    there = bucket.content("out/")
    del there[MANIFEST]
    assert there == {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_place_to_build_in_that_cannot_be_written(bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence names the place on this machine, and how to choose another."""
    (tmp_path / "cache").write_text("no folder")
    monkeypatch.setenv("REPLICATOR_CACHE", str(tmp_path / "cache"))
    with pytest.raises(
        WriteError, match=rf"^{bucket.address('out')}: what is to be sent cannot be written to {tmp_path}/cache/uploads"
    ):
        write_study(study(), bucket.address("out"))
    assert bucket.content() == {}


def test_two_uploads_at_once_are_noticed(bucket: Bucket, folder: Path) -> None:
    """The one whose manifest is no more there does not call the whole its own."""

    def meanwhile(step: str, done: int, total: int, /) -> None:
        if step == "Uploading vs.csv":
            marker = json.loads(bucket.get(f"out/{MANIFEST}")) | {"token": "of another"}
            bucket.put(f"out/{MANIFEST}", json.dumps(marker).encode())

    with pytest.raises(WriteError, match="another run uploads to it now"):
        upload(folder, place(bucket), {}, meanwhile)
    assert json.loads(bucket.get(f"out/{MANIFEST}"))["token"] == "of another"


@pytest.mark.parametrize("format", FORMATS)
def test_a_writing_that_stops_here_leaves_nothing_there(bucket: Bucket, format: Format) -> None:
    """What is finished waits on this machine; going on gives the objects of an undisturbed writing."""

    def write(target: str, until: int, resume: bool) -> None:
        with StudyWriter(target, format, request=REQUEST, resume=resume) as writer:
            for number in writer.settling:
                writer.settle(study(3 + number)["DM"])
            for number in range(writer.n_finished, until):
                writer.append(study(3 + number)["DM"])
                writer.finish_chunk()
            if until < 3:
                raise RuntimeError("stop")
            writer.describe(study())

    with pytest.raises(RuntimeError, match="stop") as caught:
        write(bucket.address("out"), 2, resume=False)
    assert "--resume goes on with it" in caught.value.__notes__[0]
    assert bucket.content() == {}
    with pytest.raises(WriteError, match=r"s3://.*/out: an interrupted run has left what it had finished in .*uploads"):
        write(bucket.address("out"), 3, resume=False)
    write(bucket.address("out"), 3, resume=True)
    write(bucket.address("whole"), 3, resume=False)
    assert read_study(bucket.address("out"))["DM"].to_frame().equals(read_study(bucket.address("whole"))["DM"].to_frame())
    if format != "json":
        assert {key: value for key, value in bucket.content("out/").items()} == bucket.content("whole/")


CODE = """
import json, pathlib, sys
from replicator.locations import ObjectLocation
from replicator.tables.uploaded_folder import upload
upload(pathlib.Path(sys.argv[1]), ObjectLocation(sys.argv[2], "out"), {}, lambda *step: print(*step, flush=True))
"""


def test_killed_at_random_moments(bucket: Bucket, tmp_path: Path) -> None:
    """Whoever reads after a kill finds nothing or is refused; going on ends with the objects of an undisturbed upload."""
    rng, built = np.random.default_rng(3), tmp_path / "built"
    built.mkdir()
    for number in range(12):
        rows = b"".join(b"S-%d,%d\n" % (i, i * number) for i in range(1000))
        (built / f"d{number:02}.csv").write_bytes(b"USUBJID,X\n" + rows * int(rng.integers(1, 5)))
    (built / "large.csv").write_bytes(b"USUBJID,X\n" + b"S-1,2.5\n" * 2_000_000)
    upload(built, ObjectLocation(bucket.name, "whole"), {})
    whole, n_kills, n_marked = bucket.content("whole/"), 0, 0
    for _ in range(10):
        run = subprocess.Popen([sys.executable, "-c", CODE, str(built), bucket.name], stdout=subprocess.PIPE, text=True)
        assert run.stdout is not None
        for _ in range(int(rng.integers(0, 15))):
            run.stdout.readline()
        time.sleep(rng.uniform(0, 0.1))
        run.kill()
        run.stdout.close()
        n_kills += run.wait() != 0
        there = bucket.content("out/")
        if there == whole:
            for key in there:
                bucket.remove(f"out/{key}")
            continue
        assert {key: there[key] for key in there if key != MANIFEST}.items() <= whole.items()
        assert MANIFEST in there or not there
        n_marked += bool(there)
        with pytest.raises(ReadError, match="was interrupted, so files may be missing" if there else "nothing under this prefix"):
            read_study(bucket.address("out"))
    assert n_kills >= 5 and n_marked >= 3
    upload(built, place(bucket), {})
    assert bucket.content("out/") == whole

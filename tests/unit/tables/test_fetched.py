"""Sources in object storage: the study of the same files on this machine, and errors that name the object."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from replicator.errors import ReadError
from replicator.locations import located
from replicator.tables import fetched as fetching
from replicator.tables.dataset import Dataset, Numbers, Study, Text, Variable
from replicator.tables.encoding import Format
from replicator.tables.fetched import fetched
from replicator.tables.manifests import MANIFEST, manifest_bytes
from replicator.tables.readers import read_study
from replicator.tables.writers import write_study

from ...object_server import Bucket


def study() -> Study:
    subject = Text.of(["S-1", "S-2", "S-3"])
    dm = Dataset(
        "DM",
        (Variable("USUBJID", "Subject"), Variable("AGE", "Age", "num")),
        {"USUBJID": subject, "AGE": Numbers(np.array([31.0, np.nan, 58.5]))},
    )
    ae = Dataset("AE", (Variable("USUBJID", "Subject"), Variable("AETERM")), {"USUBJID": subject, "AETERM": Text.of(["Rash"] * 3)})
    return Study({"DM": dm, "AE": ae})


@pytest.mark.parametrize("format", ["csv", "xpt", "parquet", "json"])
def test_a_prefix_is_read_as_a_folder(bucket: Bucket, tmp_path: Path, format: Format) -> None:
    """With its Define-XML, and with the same notes on what is left out."""
    write_study(study(), tmp_path / "pilot", format)
    (tmp_path / "pilot" / "readme.txt").write_text("x" * 1_000_000)
    (tmp_path / "pilot" / "other.zip").write_bytes(b"PK\x05\x06" + b"\0" * 18)
    (tmp_path / "pilot" / ".hidden").write_text("x")
    bucket.put_folder(tmp_path / "pilot", "in/pilot")
    (tmp_path / "pilot" / "deeper").mkdir()
    bucket.put("in/pilot/deeper/dm.csv", b"A\n1\n")
    here, there = read_study(tmp_path / "pilot"), read_study(bucket.address("in/pilot/"))
    assert there.notes == here.notes and "deeper/, other.zip, readme.txt" in here.notes[0]
    assert list(there.datasets) == ["AE", "DM"]
    for name, dataset in here.datasets.items():
        assert there[name].variables == dataset.variables and there[name].to_frame().equals(dataset.to_frame())


def test_objects_one_by_one_and_a_zip(bucket: Bucket, tmp_path: Path) -> None:
    """Beside files of this machine, in one list."""
    write_study(study(), tmp_path / "pilot", "csv", define=False)
    with zipfile.ZipFile(tmp_path / "pilot.zip", "w") as archive:
        for path in (tmp_path / "pilot").glob("*.csv"):
            archive.write(path, path.name)
    bucket.put("pilot.zip", (tmp_path / "pilot.zip").read_bytes())
    bucket.put("one/dm.csv", (tmp_path / "pilot" / "dm.csv").read_bytes())
    assert list(read_study(bucket.address("pilot.zip")).datasets) == ["AE", "DM"]
    assert list(read_study([bucket.address("one/dm.csv"), str(tmp_path / "pilot" / "ae.csv")]).datasets) == ["AE", "DM"]


def test_only_what_is_data_is_fetched_whole(bucket: Bucket) -> None:
    bucket.put("p/dm.csv", b"USUBJID\n" + b"S-1\n" * 50_000)
    bucket.put("p/film.mp4", b"\0" * 1_000_000)
    place = located(bucket.address("p"), ReadError)
    told: list[tuple[str, int, int]] = []
    with fetched([place], lambda *step: told.append(step)) as copies:
        assert {path.name: path.stat().st_size for path in copies[place].iterdir()} == {"dm.csv": 200_008, "film.mp4": 1 << 16}  # type: ignore[index]
        folder = copies[place]  # type: ignore[index]
        bucket.remove("p/dm.csv")
        with fetched([place]) as again:  # contexts within share what is there
            assert again is copies
        assert list(read_study(bucket.address("p")).datasets) == ["DM"]
    assert told == [("Fetching dm.csv", 0, 2), ("Fetching film.mp4", 1, 2), ("", 2, 2)]
    assert not folder.exists()


def test_errors_name_the_object(bucket: Bucket) -> None:
    """And never the copy."""
    bucket.put("p/dm.parquet", b"PAR1 and then nothing")
    bucket.put("other/readme.txt", b"x")
    for address, said in (
        ("p", r"p/dm\.parquet: the file is damaged or no parquet file"),
        ("p/dm.parquet", r"p/dm\.parquet: the file is damaged or no parquet file"),
        ("other", r"other: no dataset found"),
        ("other/readme.txt", r"other/readme\.txt: no study data"),
        ("none", r"none: there is no such object, and nothing under this prefix"),
    ):
        with pytest.raises(ReadError, match=f"^{bucket.address()}{said}") as caught:
            read_study(bucket.address(address))
        assert "/tmp" not in str(caught.value)
    with pytest.raises(ReadError, match=r"there is no such bucket"):
        read_study("s3://nobody-has-this/p")


def test_bounds(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(4):
        bucket.put(f"p/{'abcd'[number]}.csv", b"USUBJID\n" + b"S-1\n" * 1000)
    monkeypatch.setattr(fetching, "MAX_BYTES", 10_000)
    with pytest.raises(ReadError, match=r"c\.csv: more than 0 GiB would be fetched; copy them yourself"):
        read_study(bucket.address("p"))
    monkeypatch.setattr(fetching, "MAX_MEMBERS", 3)
    with pytest.raises(ReadError, match=r"p: 4 objects are more than 3; give the prefix of one study"):
        read_study(bucket.address("p"))


def test_names_that_no_file_has(bucket: Bucket) -> None:
    """An object must not come to lie outside the folder of the copies."""
    bucket.put("p/dm.csv", b"USUBJID\nS-1\n")
    bucket.put("p/../dm.csv", b"USUBJID\nS-1\n")
    if "p/../dm.csv" not in bucket.content():
        pytest.skip("the server takes no such key")
    with pytest.raises(ReadError, match="has no name for a file"):
        read_study(bucket.address("p"))


def test_a_step_that_is_too_long_for_a_file(bucket: Bucket) -> None:
    bucket.put("p/" + "x" * 250 + ".csv", b"USUBJID\nS-1\n")
    for address in ("p", "p/" + "x" * 250 + ".csv"):
        with pytest.raises(ReadError, match="has no name for a file"):
            read_study(bucket.address(address))


def test_a_full_disk_is_told(bucket: Bucket) -> None:
    """Under the limit of a process on its files, the sentence names the object and the remedy."""
    bucket.put("p/dm.csv", b"USUBJID\n" + b"S-1\n" * 100_000)
    code = (
        "import resource, signal, sys; from replicator.cli import main; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY)); "
        f"sys.exit(main(['validate', {bucket.address('p')!r}]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert f"{bucket.address('p/dm.csv')}: cannot be copied to" in done.stderr and "set TMPDIR" in done.stderr


def test_what_is_not_whole_is_not_read(bucket: Bucket, tmp_path: Path) -> None:
    """Neither the prefix of an upload that was interrupted, nor one of its objects, nor a copy of it on this machine."""
    bucket.put("p/dm.csv", b"USUBJID\nS-1\n")
    bucket.put("p/own.csv", b"USUBJID\nS-1\n")
    marker = manifest_bytes({"dm.csv": "0" * 64, "ae.csv": "0" * 64}, {}, is_upload=True)
    bucket.put(f"p/{MANIFEST}", marker)
    for address in ("p", "p/dm.csv"):
        with pytest.raises(ReadError, match=rf"^{bucket.address(address)}: an upload that is going on, or was interrupted"):
            read_study(bucket.address(address))
    assert list(read_study(bucket.address("p/own.csv")).datasets) == ["OWN"]
    (tmp_path / "dm.csv").write_text("USUBJID\nS-1\n")
    (tmp_path / MANIFEST).write_bytes(marker)
    with pytest.raises(ReadError, match="was interrupted, so files may be missing"):
        read_study(tmp_path)


def test_what_is_written_meanwhile_is_not_read(bucket: Bucket) -> None:
    """An upload that begins while the objects are fetched is noticed."""
    bucket.put("p/dm.csv", b"USUBJID\nS-1\n")

    def begins(step: str, done: int, total: int, /) -> None:
        bucket.put(f"p/{MANIFEST}", manifest_bytes({}, {}, is_upload=True))

    with (
        pytest.raises(ReadError, match="was written to while it was read"),
        fetched([located(bucket.address("p"), ReadError)], begins),
    ):
        raise AssertionError

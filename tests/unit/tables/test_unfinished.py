"""Writings that were interrupted and are gone on with: the same bytes, and nobody goes on with what is not theirs."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from replicator.errors import WriteError
from replicator.tables.dataset import Dataset, Numbers, Study, Text, Variable
from replicator.tables.encoding import Format
from replicator.tables.unfinished import find_finished
from replicator.tables.writers import StudyWriter

FORMATS: tuple[Format, ...] = ("csv", "xpt", "parquet", "json")
REQUEST = {"subjects": 12, "seed": 7}


def chunk(number: int) -> Study:
    """Return a chunk of two datasets; texts grow longer, numbers get fractions, and AE has its first rows in the second chunk."""
    rng = np.random.default_rng(number)
    subject = Text.of(f"S-{number}-{i}" + "x" * 5 * number for i in range(4))
    age = Numbers(rng.integers(20, 90, 4).astype(np.float64) + (0.5 if number == 2 else 0.0))
    dm = Dataset("DM", (Variable("USUBJID", "Subject"), Variable("AGE", "Age", "num")), {"USUBJID": subject, "AGE": age})
    ae = Dataset("AE", (Variable("USUBJID", "Subject"), Variable("AETERM")), {"USUBJID": subject, "AETERM": Text.of(["Rash"] * 4)})
    return Study({"DM": dm, "AE": ae if number else ae.take(np.arange(0))})


CHUNKS = [chunk(number) for number in range(4)]


class Interrupted(Exception):
    """What stops a writing in these tests."""


def write(
    target: Path, format: Format, *, until: int = len(CHUNKS), resume: bool = False, overwrite: bool = False, seed: int = 7
) -> None:
    """Write the chunks, or be interrupted with half of chunk `until` in the files."""
    with StudyWriter(target, format, overwrite, REQUEST | {"seed": seed}, resume) as writer:
        for number in writer.settling:
            for dataset in CHUNKS[number].datasets.values():
                writer.settle(dataset)
        for study in CHUNKS[writer.n_finished : until]:
            for dataset in study.datasets.values():
                writer.append(dataset)
            writer.finish_chunk()
        if until < len(CHUNKS):
            writer.append(CHUNKS[until]["DM"])
            raise Interrupted
        writer.describe(CHUNKS[1])


def interrupt(target: Path, format: Format, until: int, resume: bool = False) -> str:
    """Interrupt a writing; returns what the error says besides."""
    with pytest.raises(Interrupted) as caught:
        write(target, format, until=until, resume=resume)
    return " ".join(getattr(caught.value, "__notes__", []))


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("stops", [(1,), (2,), (3,), (1, 2, 3), (1, 1)])
def test_an_interrupted_writing_ends_with_the_same_bytes(tmp_path: Path, format: Format, stops: Sequence[int]) -> None:
    """Wherever it stops and however often; nothing but the target is left."""
    write(tmp_path / "whole", format)
    for n_before, until in enumerate(stops):
        said = interrupt(tmp_path / "out", format, until, resume=n_before > 0)
        assert "--resume" in said
        assert not (tmp_path / "out").exists()
    write(tmp_path / "out", format, resume=True)
    assert content(tmp_path / "out") == content(tmp_path / "whole")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "whole"]


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("n_closed", [0, 1, 2])
def test_a_writing_may_stop_while_its_files_are_closed(tmp_path: Path, format: Format, n_closed: int) -> None:
    """What files are made of at the end is there until all of them stand in their place."""
    write(tmp_path / "whole", format)
    with pytest.raises(Interrupted), StudyWriter(tmp_path / "out", format, request=REQUEST | {"seed": 7}) as writer:
        for study in CHUNKS:
            for dataset in study.datasets.values():
                writer.append(dataset)
            writer.finish_chunk()
        writer.describe(CHUNKS[1])
        for one in list(writer._writers.values())[:n_closed]:
            one.close()
        raise Interrupted
    write(tmp_path / "out", format, resume=True)
    assert content(tmp_path / "out") == content(tmp_path / "whole")


@pytest.mark.parametrize("format", FORMATS)
def test_without_a_whole_chunk_nothing_is_left(tmp_path: Path, format: Format) -> None:
    assert interrupt(tmp_path / "new" / "out", format, 0) == ""
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_left_of_what_ends_before_it_begins(tmp_path: Path) -> None:
    """Here a file stands where the folder of the files would be; an interrupt may come at that moment as well."""
    (tmp_path / ".out.unfinished").mkdir()
    (tmp_path / ".out.unfinished" / "data").touch()
    with pytest.raises(WriteError, match="File exists"):
        write(tmp_path / "out", "csv")
    assert list(tmp_path.iterdir()) == []


def test_resuming_without_a_former_run_begins(tmp_path: Path) -> None:
    write(tmp_path / "whole", "xpt")
    write(tmp_path / "out", "xpt", resume=True)
    assert content(tmp_path / "out") == content(tmp_path / "whole")


def test_what_was_left_is_kept_until_the_user_decides(tmp_path: Path) -> None:
    """Without a word it is refused; to overwrite begins anew."""
    interrupt(tmp_path / "out", "csv", 2)
    with pytest.raises(WriteError, match="--resume, or begin anew with --overwrite"):
        write(tmp_path / "out", "csv")
    interrupt(tmp_path / "out", "csv", 3, resume=True)
    write(tmp_path / "out", "csv", overwrite=True)
    write(tmp_path / "whole", "csv")
    assert content(tmp_path / "out") == content(tmp_path / "whole")


def test_another_request_is_refused_by_name(tmp_path: Path) -> None:
    interrupt(tmp_path / "out", "csv", 2)
    with pytest.raises(WriteError, match="seed 7 and now 8"):
        write(tmp_path / "out", "csv", resume=True, seed=8)
    write(tmp_path / "out", "csv", resume=True)


@pytest.mark.parametrize("broken", [b"", b"{", b"[]", b'{"request": 3, "progress": {}}', b'{"request": {}}', None])
def test_a_damaged_journal_is_one_sentence(tmp_path: Path, broken: bytes | None) -> None:
    """One that lacks what the writer has noted (None) is damaged as well."""
    interrupt(tmp_path / "out", "csv", 2)
    journal = tmp_path / ".out.unfinished" / "journal.json"
    journal.write_bytes(json.dumps(json.loads(journal.read_bytes()) | {"progress": {}}).encode() if broken is None else broken)
    with pytest.raises(WriteError, match=r"journal.json, is damaged; begin anew"):
        write(tmp_path / "out", "csv", resume=True)


@pytest.mark.parametrize(
    ("format", "name"), [("csv", "data/dm.csv"), ("parquet", "data/dm.parquet"), ("parquet", "spool/dm.footer")]
)
def test_a_file_that_was_cut_since_is_refused(tmp_path: Path, format: Format, name: str) -> None:
    interrupt(tmp_path / "out", format, 2)
    file = tmp_path / ".out.unfinished" / name
    file.write_bytes(file.read_bytes()[:10])
    with pytest.raises(WriteError, match="10 bytes where"):
        write(tmp_path / "out", format, resume=True)
    file.unlink()
    with pytest.raises(WriteError, match="no file where"):
        write(tmp_path / "out", format, resume=True)


def test_one_run_at_a_time(tmp_path: Path) -> None:
    """Another process that writes the same target is told so, and disturbs nothing."""
    other = f"""
from pathlib import Path
from replicator.errors import WriteError
from replicator.tables.writers import StudyWriter
try:
    with StudyWriter(Path({str(tmp_path / "out")!r}), "csv", True, {REQUEST}, True):
        pass
except WriteError as error:
    print(error)
"""
    with StudyWriter(tmp_path / "out", "csv", request=REQUEST) as writer:
        said = subprocess.run([sys.executable, "-c", other], capture_output=True, text=True, check=True).stdout
        assert "another run is writing it now" in said
        for dataset in CHUNKS[1].datasets.values():
            writer.append(dataset)
        writer.finish_chunk()
    assert {"dm.csv", "ae.csv"} <= content(tmp_path / "out").keys()


def test_a_folder_that_is_whole_is_known_by_its_request(tmp_path: Path) -> None:
    """A run that was killed after its last step has nothing left to do; a changed file is not what it wrote."""
    write(tmp_path / "out", "csv")
    request = json.loads(json.dumps(REQUEST))
    assert find_finished(tmp_path / "out", request) == {"DM": 16, "AE": 12}
    assert find_finished(tmp_path / "out", request | {"seed": 8}) is None
    (tmp_path / "link").symlink_to(tmp_path / "out")
    assert find_finished(tmp_path / "link", request) == {"DM": 16, "AE": 12}
    assert find_finished(tmp_path / "nowhere", request) is None
    (tmp_path / "out" / "dm.csv").write_text("mine")
    assert find_finished(tmp_path / "out", request) is None


def test_a_kill_between_two_renamings_loses_nothing(tmp_path: Path) -> None:
    """The former target, which had just been moved away, is back, with files of the user's own."""
    write(tmp_path / "out", "csv")
    (tmp_path / "out" / "note.md").write_text("mine")
    with pytest.raises(Interrupted):
        write(tmp_path / "out", "csv", until=2, overwrite=True)
    (tmp_path / "out").rename(tmp_path / ".out.unfinished" / "data.former")
    write(tmp_path / "out", "csv", resume=True, overwrite=True)
    assert (tmp_path / "out" / "note.md").read_text() == "mine"
    assert not (tmp_path / ".out.unfinished").exists()

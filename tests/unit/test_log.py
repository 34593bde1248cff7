"""Structured logs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from replicator.errors import WriteError
from replicator.log import configure, log_event, timed


@pytest.fixture(autouse=True)
def silent_again() -> Iterator[None]:
    yield
    configure()


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_silent_unless_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a file nothing is written anywhere; quiet silences a file too."""
    log_event("x", a=1)
    configure(tmp_path / "log.jsonl", quiet=True)
    log_event("x", a=1)
    with timed("step"):
        pass
    assert not (tmp_path / "log.jsonl").exists()
    assert capsys.readouterr() == ("", "")


def test_one_json_object_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Fields of any type become JSON; each line has its event and its time in UTC."""
    path = tmp_path / "log.jsonl"
    configure(path)
    log_event("fit", dataset="LB", rows=3, path=path, text="ü\n")
    (line,) = lines(path)
    assert line["event"] == "fit" and line["rows"] == 3 and line["path"] == str(path) and line["text"] == "ü\n"
    assert line["timestamp"].endswith("Z")
    assert capsys.readouterr() == ("", "")


def test_a_step_is_logged_with_what_it_cost(tmp_path: Path) -> None:
    """Seconds, CPU seconds and peak memory, and what the step adds while it runs."""
    path = tmp_path / "log.jsonl"
    configure(path)
    with timed("read", files=2) as found:
        found["rows"] = sum(range(200_000))
    (line,) = lines(path)
    assert (line["event"], line["files"], line["rows"]) == ("read", 2, sum(range(200_000)))
    assert 0 < line["cpu_seconds"] < 10 and line["seconds"] > 0 and line["peak_bytes"] > 10_000_000


def test_a_step_that_fails_is_logged_with_its_error(tmp_path: Path) -> None:
    """The error goes on, and stands in the log."""
    path = tmp_path / "log.jsonl"
    configure(path)
    with pytest.raises(ValueError, match="no"), timed("step"):
        raise ValueError("no")
    assert lines(path)[0]["error"] == "ValueError: no"


def test_lines_are_added_to_a_file(tmp_path: Path) -> None:
    """A second run adds to the log of the first."""
    path = tmp_path / "log.jsonl"
    for n in range(2):
        configure(path)
        log_event("run", n=n)
    assert [line["n"] for line in lines(path)] == [0, 1]


def test_a_file_that_cannot_be_opened(tmp_path: Path) -> None:
    """One sentence before any work is done."""
    with pytest.raises(WriteError, match="log lines cannot be written"):
        configure(tmp_path)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_is_told_once_and_does_not_stop_the_work(capsys: pytest.CaptureFixture[str]) -> None:
    configure("/dev/full")
    for n in range(3):
        log_event("run", n=n)
    out, told = capsys.readouterr()
    assert out == "" and told.count("\n") == 1
    assert told.startswith("replicator: /dev/full: log lines cannot be written (No space left on device)")

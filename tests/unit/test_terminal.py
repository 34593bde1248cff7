"""How far work is: lines of JSON for whoever drives the process, and nothing where nobody looks."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from replicator.terminal import ProgressStyle, progress_shown

MODEL = Path(__file__).parents[2] / "models" / "demo.replica"


def test_lines_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_shown("Sampling", quiet=True, style=ProgressStyle.JSON) as progress:
        progress("Sample", 0, 4)
        progress("Sample", 1, 4)
        progress("", 4, 4)
    first, second, last = map(json.loads, capsys.readouterr().err.splitlines())
    assert (first["step"], first["done"], first["total"], first["seconds_left"]) == ("Sample", 0, 4, None)
    assert second["seconds_left"] >= 0
    assert (last["done"], last["seconds_left"]) == (4, 0)


def test_no_bar_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_shown("Sampling") as progress:
        progress("Sample", 1, 4)
    assert capsys.readouterr().err == ""


def test_a_sample_tells_its_chunks(tmp_path: Path) -> None:
    """Every line of standard error is an event, the last one says that all is done; standard output is as ever."""
    command = [
        sys.executable,
        "-m",
        "replicator",
        "sample",
        str(MODEL),
        "-n",
        "600",
        "-o",
        str(tmp_path / "out"),
        "--progress",
        "json",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    events = [json.loads(line) for line in done.stderr.splitlines()]
    assert [(event["event"], event["done"], event["total"]) for event in events] == [("progress", n, 2) for n in range(3)]
    assert "600 subjects" in done.stdout

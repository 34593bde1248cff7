"""Samples that are killed without warning, again and again, and gone on with: the bytes of a sample that nobody has disturbed."""

from __future__ import annotations

import json
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

MODEL = Path(__file__).parents[2] / "models" / "demo.replica"
N_KILLS = 20
OPTIONS = {
    "csv": ("-n", "2000"),
    "xpt": ("-n", "2000", "--workers", "2"),
    "parquet": ("-n", "1600"),
    "json": ("-n", "1500", "--where", "SEX=F"),
}


def command(target: Path, *options: str) -> list[str]:
    return [sys.executable, "-m", "replicator", "sample", str(MODEL), "--seed", "3", "-o", str(target), *options]


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def n_finished(target: Path) -> int:
    """Chunks that the journal of an interrupted run counts."""
    journal = target.parent / f".{target.name}.unfinished" / "journal.json"
    return int(json.loads(journal.read_bytes())["progress"]["chunks"]) if journal.is_file() else 0


@pytest.mark.parametrize("format", OPTIONS)
def test_killed_at_random_moments(tmp_path: Path, format: str) -> None:
    """Twenty kills over the four formats, some in the first chunk, some at the end; the files are those of an undisturbed run."""
    options = (*OPTIONS[format], "--format", format)
    begun = time.monotonic()
    subprocess.run(command(tmp_path / "whole", *options), check=True, capture_output=True)
    seconds, rng = time.monotonic() - begun, np.random.default_rng(len(format))
    whole, target = content(tmp_path / "whole"), tmp_path / "out"
    for number in range(N_KILLS // len(OPTIONS)):
        run = subprocess.Popen(command(target, *options, "--resume"), stdout=subprocess.DEVNULL)
        awaited = n_finished(target) + number % 2
        while n_finished(target) < awaited and run.poll() is None:
            time.sleep(0.01)
        time.sleep(rng.uniform(0, seconds / 3))
        if run.poll() is None:
            run.kill()
        assert run.wait() in (0, -signal.SIGKILL)
        if target.exists():
            assert content(target) == whole
            shutil.rmtree(target)
    subprocess.run(command(target, *options, "--resume"), check=True, capture_output=True)
    assert content(target) == whole


def test_a_full_disk_keeps_what_is_finished(tmp_path: Path) -> None:
    """One sentence says how to go on; once there is room, the run ends with the bytes of an undisturbed one."""
    subprocess.run(command(tmp_path / "whole", "-n", "2500"), check=True, capture_output=True)
    largest = max(path.stat().st_size for path in (tmp_path / "whole").iterdir())

    def small_disk() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest // 2, resource.RLIM_INFINITY))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    stopped = subprocess.run(command(tmp_path / "out", "-n", "2500"), capture_output=True, text=True, preexec_fn=small_disk)
    assert stopped.returncode == 2
    assert "File too large" in stopped.stderr and "--resume" in stopped.stderr
    assert stopped.stderr.count("\n") == 1
    assert n_finished(tmp_path / "out") > 0
    subprocess.run(command(tmp_path / "out", "-n", "2500", "--resume"), check=True, capture_output=True)
    assert content(tmp_path / "out") == content(tmp_path / "whole")


def test_ctrl_c_says_how_to_go_on(tmp_path: Path) -> None:
    """After a whole chunk, an interrupt keeps it and says so."""
    run = subprocess.Popen(command(tmp_path / "out", "-n", "20000"), stderr=subprocess.PIPE, text=True)
    while not n_finished(tmp_path / "out"):
        assert run.poll() is None
        time.sleep(0.05)
    run.send_signal(signal.SIGINT)
    _, said = run.communicate(timeout=60)
    assert run.returncode == 130
    first, second = said.splitlines()
    assert "--resume" in first and "Interrupted" in second
    assert not (tmp_path / "out").exists()

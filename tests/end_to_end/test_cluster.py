"""Chunks drawn by other processes and machines: the bytes of one process, and one clear sentence when they are lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

MODEL = Path(__file__).parents[2] / "models" / "demo.replica"
N = "4000"
EAGER = {"DASK_DISTRIBUTED__SCHEDULER__ACTIVE_MEMORY_MANAGER__INTERVAL": "20ms"}  # copies that could be done without go at once


def command(target: Path, *options: str, n: str = N) -> list[str]:
    return [sys.executable, "-m", "replicator", "sample", str(MODEL), "-n", n, "--seed", "3", "-o", str(target), *options]


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def wait_for_chunks(run: subprocess.Popen[str], target: Path, n: int) -> None:
    """Wait until a run has finished so many chunks."""
    journal = target.parent / f".{target.name}.unfinished" / "journal.json"
    while not (journal.is_file() and json.loads(journal.read_bytes())["progress"]["chunks"] >= n):
        assert run.poll() is None, run.communicate()
        time.sleep(0.02)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What one process writes."""
    target = tmp_path_factory.mktemp("one") / "out"
    subprocess.run(command(target), check=True, capture_output=True)
    return content(target)


@dataclass
class Cluster:
    address: str
    scheduler: subprocess.Popen[bytes]
    workers: list[subprocess.Popen[bytes]]


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """A scheduler and three workers, processes of their own."""
    pytest.importorskip("distributed")
    file = tmp_path / "scheduler.json"

    def start(program: str, *arguments: str) -> subprocess.Popen[bytes]:
        line = [sys.executable, "-m", f"distributed.cli.{program}", "--no-dashboard", "--scheduler-file", str(file), *arguments]
        return subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=tmp_path, env=os.environ | EAGER)

    running = [start("dask_scheduler", "--host", "127.0.0.1", "--port", "0")]
    try:
        while not file.is_file() or not file.read_bytes():
            assert running[0].poll() is None
            time.sleep(0.1)
        running += [start("dask_worker", "--nthreads", "1", "--no-nanny") for _ in range(3)]
        yield Cluster(json.loads(file.read_bytes())["address"], running[0], running[1:])
    finally:
        for process in running:
            process.kill()
            process.wait()


def n_workers(cluster: Cluster) -> int:
    from distributed import Client

    with Client(cluster.address, set_as_default=False) as client:
        return len(client.nthreads())


def test_eight_processes_give_the_bytes_of_one(tmp_path: Path, whole: dict[str, bytes]) -> None:
    subprocess.run(command(tmp_path / "out", "--workers", "8"), check=True, capture_output=True)
    assert content(tmp_path / "out") == whole


def test_a_cluster_that_loses_a_worker_gives_the_bytes_of_one_process(
    tmp_path: Path, whole: dict[str, bytes], cluster: Cluster
) -> None:
    """One of three workers is killed while chunks are drawn; the others draw what it had."""
    while n_workers(cluster) < 3:
        time.sleep(0.2)
    target = tmp_path / "out"
    with subprocess.Popen(command(target, "--scheduler", cluster.address), stderr=subprocess.PIPE, text=True) as run:
        wait_for_chunks(run, target, 1)
        cluster.workers[0].kill()
        assert run.wait() == 0, run.communicate()
    assert content(target) == whole


def test_a_lost_scheduler_is_one_sentence_and_nothing_is_lost(tmp_path: Path, whole: dict[str, bytes], cluster: Cluster) -> None:
    """What is finished stays, and one process can go on with it."""
    while not n_workers(cluster):
        time.sleep(0.2)
    target = tmp_path / "out"
    with subprocess.Popen(command(target, "--scheduler", cluster.address), stderr=subprocess.PIPE, text=True) as run:
        wait_for_chunks(run, target, 1)
        cluster.scheduler.kill()
        _, said = run.communicate(timeout=120)
    assert run.returncode == 2
    assert "was lost while it drew" in said and "--resume" in said and said.count("\n") == 1
    subprocess.run(command(target, "--resume"), check=True, capture_output=True)
    assert content(target) == whole


def test_a_cluster_without_workers_and_an_address_where_nobody_listens_are_one_sentence(tmp_path: Path, cluster: Cluster) -> None:
    for worker in cluster.workers:
        worker.kill()
        worker.wait()
    while n_workers(cluster):
        time.sleep(0.2)
    for address, words in (
        (cluster.address, "has no workers"),
        ("tcp://127.0.0.1:9", "cannot be reached"),
        ("x", "is no address"),
    ):
        done = subprocess.run(command(tmp_path / "out", "--scheduler", address), capture_output=True, text=True)
        assert done.returncode == 2
        assert words in done.stderr and done.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="children are found in /proc")
def test_a_worker_process_that_is_killed_is_one_sentence_and_nothing_is_lost(tmp_path: Path, whole: dict[str, bytes]) -> None:
    """As the system does it when memory runs out."""
    target = tmp_path / "out"
    with subprocess.Popen(command(target, "--workers", "2", n="20000"), stderr=subprocess.PIPE, text=True) as run:
        wait_for_chunks(run, target, 1)
        os.kill(drawing(run.pid), signal.SIGKILL)
        _, said = run.communicate(timeout=120)
    assert run.returncode == 2
    assert "worker processes has ended" in said and "--resume" in said and said.count("\n") == 1


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="children are found in /proc")
def test_worker_processes_end_with_the_one_that_started_them(tmp_path: Path) -> None:
    """Nobody tells them when it is killed, and what they write to is read no more."""
    with subprocess.Popen(command(tmp_path / "out", "--workers", "2", n="20000"), stderr=subprocess.PIPE, text=True) as run:
        wait_for_chunks(run, tmp_path / "out", 1)
        child = Path(f"/proc/{drawing(run.pid)}")
        run.kill()
        run.wait()
    until = time.monotonic() + 60
    while child.is_dir() and b"popen_loky" in (child / "cmdline").read_bytes():
        assert time.monotonic() < until
        time.sleep(0.1)


def drawing(parent: int) -> int:
    """A child of a process that draws chunks; others of its children keep count of what is shared."""
    tasks = Path(f"/proc/{parent}/task").iterdir()
    children = [child for task in tasks for child in (task / "children").read_text().split()]
    return next(int(one) for one in children if b"popen_loky" in Path(f"/proc/{one}/cmdline").read_bytes())

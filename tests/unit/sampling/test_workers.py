"""Results on their way from other processes: in order, no more of them than may be, and large ones through files."""

from __future__ import annotations

import os
import time
from itertools import pairwise
from pathlib import Path

import pytest
from joblib.externals.loky.backend.process import LokyProcess

from replicator.errors import WriteError
from replicator.sampling.workers import Parcel, end_processes, in_order, in_processes
from replicator.tables.dataset_writer import EncodedRows


def made(job: int) -> EncodedRows:
    """Make rows in another process; none of job 0."""
    return EncodedRows(job, bytes([job]) * (job * 100_000), {"process": os.getpid()})


def test_large_results_go_through_files_that_are_gone_afterwards(tmp_path: Path) -> None:
    """The same, in the same order, as through a pipe."""
    through_files = list(in_processes(made, range(5), 2, tmp_path))
    through_pipes = list(in_processes(made, range(5), 2))
    for found in (through_files, through_pipes):
        assert [(rows.n, bytes(rows.content)) for rows in found] == [(job, bytes([job]) * (job * 100_000)) for job in range(5)]
        assert os.getpid() not in {rows.about["process"] for rows in found}
    assert list(tmp_path.iterdir()) == []


def test_results_that_nobody_takes_leave_nothing(tmp_path: Path) -> None:
    results = iter(in_processes(made, range(1, 9), 2, tmp_path))
    assert next(results).n == 1
    results.close()  # type: ignore[attr-defined]
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_takes_no_files_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(WriteError, match="cannot be written"):
        Parcel.pack(made(1), tmp_path / "absent")


class Done:
    """A result that is there."""

    def __init__(self, value: int) -> None:
        self.value = value

    def result(self) -> int:
        return self.value


def test_the_second_job_is_asked_for_when_the_first_result_is_taken() -> None:
    """After that, as many are on their way as may be, and they come in order."""
    asked: list[int] = []
    taken: list[int] = []
    found: list[tuple[int, int]] = []

    def jobs() -> list[int]:
        return list(range(6))

    def submit(job: int) -> Done:
        asked.append(job)
        return Done(job)

    for result in in_order(submit, iter(jobs()), lambda: 3):
        taken.append(result)
        found.append((result, len(asked)))
    assert taken == jobs()
    assert found[0] == (0, 1)
    assert all(n_asked - n_taken <= 3 for n_taken, n_asked in found)
    assert all(a <= b for (_, a), (_, b) in pairwise(found))


def test_processes_that_a_pool_has_left_behind_are_ended() -> None:
    left = LokyProcess(target=time.sleep, args=(600,))
    left.start()
    end_processes({left})
    assert not left.is_alive()

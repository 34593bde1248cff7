"""What a sample will take, before it is made: rows, bytes, time and memory, measured on its first chunks."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from replicator.counting import counted, duration, size
from replicator.errors import SampleError
from replicator.log import peak_memory
from replicator.sampling.request import Request
from replicator.sampling.written import write_jobs
from replicator.tables.encoding import Format
from replicator.tables.writers import StudyWriter

N_MEASURED = 2  # chunks: the first one loads libraries, the second one is like all others


@dataclass(frozen=True)
class Expected:
    """What a sample is expected to take.

    Attributes
    ----------
    n_subjects : int
    rows : dict of str to int
        By dataset.
    n_bytes : int
        Of all files.
    seconds : float
        From the first chunk to the last file, on this machine as busy as it is now.
    memory : int
        Bytes at the peak, of all processes.
    workers : int
        Processes that draw chunks.
    """

    n_subjects: int
    rows: dict[str, int]
    n_bytes: int
    seconds: float
    memory: int
    workers: int

    @property
    def n_rows(self) -> int:
        """Rows of all datasets."""
        return sum(self.rows.values())

    def with_workers(self, workers: int) -> Expected:
        """Reckon the same with another number of processes."""
        before, after = (min(number, os.cpu_count() or 1) for number in (self.workers, workers))
        return replace(
            self, seconds=self.seconds * before / after, memory=self.one_process() * _processes(workers), workers=workers
        )

    def one_process(self) -> int:
        """Bytes of one process at its peak."""
        return self.memory // _processes(self.workers)

    def workers_within(self, max_rows: int | None, max_memory: int | None) -> int:
        """Return how many workers a sample may have under bounds on its rows and its memory.

        Raises
        ------
        SampleError
            If it has more rows, or takes more memory with one process.
        """
        if max_rows is not None and self.n_rows > max_rows:
            fitting = self.n_subjects * max_rows // self.n_rows
            each = -(-self.n_rows // self.n_subjects)
            remedy = (
                f"ask for about {fitting:,}, for fewer datasets, or allow more"
                if fitting
                else f"one subject alone has about {counted(each, 'row')}: allow at least so many, or ask for fewer datasets"
            )
            raise SampleError(
                f"{counted(self.n_subjects, 'subject')} {'is' if self.n_subjects == 1 else 'are'} expected to have "
                f"{counted(self.n_rows, 'row')}, and {counted(max_rows, 'row is', 'rows are')} allowed; {remedy}."
            )
        if max_memory is None:
            return self.workers
        one = self.one_process()
        if one > max_memory:
            raise SampleError(
                f"One process takes about {one / 1e6:,.0f} MB of memory, and {max_memory / 1e6:,.0f} MB are allowed; allow more, "
                "or ask for fewer datasets."
            )
        return self.workers if self.memory <= max_memory else max(max_memory // one - 1, 1)

    def to_text(self) -> str:
        """Say it line by line: datasets with their rows, then what all of them take."""
        wide = max(len(f"{rows:,}") for rows in self.rows.values())
        return "\n".join(
            [
                *(f"{name:<8}  {rows:>{wide},} rows" for name, rows in self.rows.items()),
                f"Expected of {counted(self.n_subjects, 'subject')}: {counted(self.n_rows, 'row')}, {size(self.n_bytes)}, "
                f"{duration(self.seconds)} and {size(self.memory)} of memory with "
                f"{counted(self.workers, 'worker')}.",
            ]
        )


def expect_sample(request: Request, format: Format) -> Expected:
    """Draw and write the first chunks of a sample in a temporary folder, in this process, and reckon what all of it takes.

    Raises
    ------
    SampleError
        If nobody meets the conditions.
    WriteError
        If the format cannot hold the data.
    """
    jobs = request.plan()
    measured, workers = jobs[:N_MEASURED], request.workers
    with TemporaryDirectory(prefix="replicator-") as folder:
        stops = [time.perf_counter()]
        sizes: list[int] = []
        rows: list[dict[str, int]] = []
        with StudyWriter(Path(folder) / "expected", format, request={}) as writer:
            for _ in write_jobs(request, measured, writer, map):
                stops.append(time.perf_counter())
                sizes.append(_size(Path(folder)))
                rows.append(dict(writer.rows))
        stops.append(time.perf_counter())
        at_the_end = _size(Path(folder)) - sizes[-1]
    later = request.n - measured[0].n
    of_later = later / measured[-1].n if later else 0.0
    began, ended = rows[0], rows[-1]
    shared = min(workers, os.cpu_count() or 1)
    first, each, closing = stops[1] - stops[0], stops[-2] - stops[-3], stops[-1] - stops[-2]
    return Expected(
        n_subjects=request.n,
        rows={name: began.get(name, 0) + round((ended[name] - began.get(name, 0)) * of_later) for name in ended},
        n_bytes=sizes[0] + round((sizes[-1] - sizes[0]) * of_later) + at_the_end,
        seconds=first + each * (len(jobs) - 1) / shared + closing * len(jobs) / len(measured),
        memory=peak_memory() * _processes(workers),
        workers=workers,
    )


def _size(folder: Path) -> int:
    """Bytes of all files in a folder and below."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _processes(workers: int) -> int:
    """Count the processes that take memory: with workers, the one that writes is another."""
    return 1 if workers == 1 else 1 + workers

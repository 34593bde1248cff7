"""Processes that draw chunks: deaf to interrupts, which the process that started them answers, and gone with it."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Set
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import accumulate, pairwise
from mmap import ACCESS_READ, mmap
from multiprocessing import active_children, resource_tracker
from multiprocessing.process import BaseProcess
from pathlib import Path
from secrets import token_hex
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Any, Protocol, Self, TypeVar

from replicator.errors import SampleError, WriteError

Job = TypeVar("Job")
Result = TypeVar("Result")
Result_co = TypeVar("Result_co", covariant=True)


class Crew(Protocol):
    """Does jobs with a function and yields the results in their order: ``map``, processes, or other machines.

    The second job is asked for when the first result is taken.
    """

    def __call__(self, function: Callable[[Job], Result], jobs: Iterable[Job], /) -> Iterable[Result]:
        """Do the jobs."""
        ...


CHUNKS_AHEAD = 2  # for each process: one that it draws, and one that waits to be drawn or to be taken
SECONDS_ALONE = 1.0  # that a process outlives the one that started it

_held: list[Callable[[Any], Any]] = []  # of a process that draws: what it draws with, sent once


class Promise(Protocol[Result_co]):
    """A result that another process is making."""

    def result(self) -> Result_co:
        """Wait for it."""
        ...


def in_order(submit: Callable[[Job], Promise[Result]], jobs: Iterable[Job], ahead: Callable[[], int]) -> Iterator[Result]:
    """Yield the result of each job, in order; no more than `ahead` are made before the first of them is taken.

    The very first result is taken before a second job is asked for, so that all others may hang on it.
    """
    waiting: deque[Promise[Result]] = deque()
    is_begun = False
    for job in jobs:
        waiting.append(submit(job))
        while len(waiting) >= (ahead() if is_begun else 1):
            is_begun = True
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


@dataclass(frozen=True)
class Parcel:
    """A result whose large values stand in a file.

    Attributes
    ----------
    pickled : bytes
        All the rest of it.
    path : Path
    sizes : tuple of int
        Bytes of the values, which stand one after the other.
    """

    pickled: bytes
    path: Path
    sizes: tuple[int, ...]

    @classmethod
    def pack(cls, result: Any, folder: Path) -> Self:
        """Put the large values of a result into a file of a folder.

        Raises
        ------
        WriteError
            If the disk is full.
        """
        buffers: list[pickle.PickleBuffer] = []
        pickled = pickle.dumps(result, protocol=5, buffer_callback=buffers.append)
        path = folder / f"{os.getpid()}-{token_hex(8)}.part"
        try:
            with path.open("xb") as file:
                file.writelines(buffers)
        except OSError as error:
            raise WriteError(f"{folder}: cannot be written ({error.strerror or error}); check rights and free space.") from error
        return cls(pickled, path, tuple(buffer.raw().nbytes for buffer in buffers))

    def unpack(self) -> Any:
        """Return the result, whose large values are read as they are looked at; the file goes with them."""
        ends = [0, *accumulate(self.sizes)]
        content = memoryview(b"")
        if ends[-1]:
            with self.path.open("rb") as file:
                content = memoryview(mmap(file.fileno(), 0, access=ACCESS_READ))
        if sys.platform != "win32":  # there, it goes with its folder
            self.path.unlink()
        return pickle.loads(self.pickled, buffers=[content[begin:end] for begin, end in pairwise(ends)])


def in_processes(
    function: Callable[[Job], Result], jobs: Iterable[Job], workers: int, spool: Path | None = None
) -> Iterator[Result]:
    """Yield the result of each job, in order, from so many processes, which end at once if the caller does not take them all.

    Parameters
    ----------
    function : callable
    jobs : iterable
    workers : int
    spool : Path, optional
        Folder through which large values of results are handed over, faster than through pipes.

    Raises
    ------
    SampleError
        If a process ends before its job is done.
    WriteError
        If there is no room in the folder.
    """
    if spool is None:
        yield from _in_pool(function, jobs, workers)
        return
    with (
        TemporaryDirectory(prefix="sent-", dir=spool, ignore_cleanup_errors=True) as folder,
        closing(_in_pool(partial(_packed, function, Path(folder)), jobs, workers)) as parcels,
    ):
        for parcel in parcels:
            yield parcel.unpack()


def _packed(function: Callable[[Any], Any], folder: Path, job: Any) -> Parcel:
    """Do a job, and put the large values of its result into a file."""
    return Parcel.pack(function(job), folder)


def _in_pool(function: Callable[[Job], Result], jobs: Iterable[Job], workers: int) -> Generator[Result]:
    """Yield the result of each job, as it comes through a pipe."""
    from joblib.externals.loky import BrokenProcessPool, ProcessPoolExecutor  # noqa: PLC0415  0.3 s that one process need not pay
    from joblib.externals.loky.backend import resource_tracker as of_workers  # noqa: PLC0415

    others = {*active_children()}
    for tracker in (resource_tracker, of_workers):
        tracker.ensure_running()  # started later, it would let interrupts through again
    pool = ProcessPoolExecutor(workers, initializer=_hold, initargs=(function, os.getpid()))

    def submit(job: Job) -> Promise[Result]:
        with _interrupts_held():
            promise: Promise[Result] = pool.submit(_draw, job)
        return promise

    is_done = False
    try:
        yield from in_order(submit, jobs, lambda: CHUNKS_AHEAD * workers)
        is_done = True
    except BrokenProcessPool as error:
        raise SampleError(
            f"One of {workers} worker processes has ended before its work was done, perhaps because memory ran out; use fewer "
            "--workers."
        ) from error
    finally:
        try:
            pool.shutdown(wait=True, kill_workers=not is_done)
        finally:
            end_processes({*active_children()} - others)


def end_processes(children: Set[BaseProcess]) -> None:
    """Kill those of our processes that a pool has left behind, as one does whose end is interrupted: Python would wait for them."""
    from joblib.externals.loky.backend.process import LokyProcess  # noqa: PLC0415  loaded with the pool
    from joblib.externals.loky.backend.utils import kill_process_tree  # noqa: PLC0415

    for child in children:
        if isinstance(child, LokyProcess):
            kill_process_tree(child)
            child.join()


def _hold(function: Callable[[Any], Any], parent: int) -> None:
    """Keep what this process draws with, which ends when the one that started it is killed."""
    _held[:] = [function]
    threading.Thread(target=_follow, args=(parent,), daemon=True).start()


def _follow(parent: int) -> None:
    """End this process, which may be writing into a pipe that nobody reads any more, once its parent is gone."""
    while os.getppid() == parent:
        time.sleep(SECONDS_ALONE)
    os._exit(1)


def _draw(job: Any) -> Any:
    return _held[0](job)


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Hold interrupts back: processes that are started meanwhile never see SIGINT, this one sees what came afterwards.

    A mask alone does not hold them: other threads, such as those of linear algebra, take a signal for the main one.
    """
    came: list[int] = []
    with _handled(lambda number, _: came.append(number)), _masked():
        yield
    for number in came[:1]:
        signal.raise_signal(number)


@contextmanager
def _handled(handler: Callable[[int, FrameType | None], Any]) -> Iterator[None]:
    """Let a function see interrupts, if this is the thread that sees them."""
    here = threading.current_thread() is threading.main_thread()
    before = {number: signal.signal(number, handler) for number in (signal.SIGINT, signal.SIGTERM) if here}
    try:
        yield
    finally:
        for number, handles in before.items():
            signal.signal(number, signal.SIG_DFL if handles is None else handles)


@contextmanager
def _masked() -> Iterator[None]:
    """Block SIGINT in this thread and in processes that it starts."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

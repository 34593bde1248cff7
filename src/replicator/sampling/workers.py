"""Processes that draw chunks: deaf to interrupts, which the process that started them answers, and gone with it."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from typing import Any, Protocol, TypeVar

from replicator.errors import SampleError

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


def in_processes(function: Callable[[Job], Result], jobs: Iterable[Job], workers: int) -> Iterator[Result]:
    """Yield the result of each job, in order, from so many processes, which end at once if the caller does not take them all.

    Raises
    ------
    SampleError
        If a process ends before its job is done.
    """
    from joblib.externals.loky import BrokenProcessPool, ProcessPoolExecutor  # noqa: PLC0415  0.3 s that one process need not pay
    from joblib.externals.loky.backend import resource_tracker as of_workers  # noqa: PLC0415

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
        pool.shutdown(wait=True, kill_workers=not is_done)


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
    """Hold SIGINT back: processes that are started meanwhile never see it, this one sees it afterwards."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

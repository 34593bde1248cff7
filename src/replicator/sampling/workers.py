"""Processes that draw chunks: deaf to interrupts, which the process that started them answers, and gone with it."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from typing import TypeVar

Job = TypeVar("Job")
Result = TypeVar("Result")


def in_processes(function: Callable[[Job], Result], jobs: Iterable[Job], workers: int) -> Iterator[Result]:
    """Yield the result of each job, in order, from so many processes, which end at once if the caller does not take them all."""
    from joblib import Parallel, delayed  # noqa: PLC0415  0.3 s that one process need not pay
    from joblib.externals.loky import get_reusable_executor  # noqa: PLC0415
    from joblib.externals.loky.backend import resource_tracker as of_workers  # noqa: PLC0415

    for tracker in (resource_tracker, of_workers):
        tracker.ensure_running()  # started later, it would let interrupts through again
    try:
        with _interrupts_held():
            results = Parallel(n_jobs=workers, return_as="generator")(delayed(function)(job) for job in jobs)
        yield from results
    except BaseException:
        get_reusable_executor().shutdown(wait=True, kill_workers=True)
        raise


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

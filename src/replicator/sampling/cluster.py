"""Many machines that draw chunks: a Dask cluster, which the user has started, at the address of its scheduler.

The model goes to each machine once; chunks come back in their order, and no more of them are made ahead than the machines can hold.
A machine that is lost has its chunks drawn again by another one. Needs ``replicator[dask]``, here and on every machine.
"""

from __future__ import annotations

import logging
import pickle
import re
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from typing import Any, TypeVar

from replicator._version import __version__
from replicator.errors import ConfigError, SampleError
from replicator.sampling.workers import CHUNKS_AHEAD, Promise, in_order

Job = TypeVar("Job")
Result = TypeVar("Result")

SECONDS_TO_CONNECT = 10
LARGEST_MODEL = "1 TiB"  # that Dask sends without a warning: it goes to each machine once, whatever its size

_one_at_a_time = threading.Lock()  # of a process that draws: limits on the threads of libraries hold for all its threads


def on_cluster(function: Callable[[Job], Result], jobs: Iterable[Job], scheduler: str) -> Iterator[Result]:
    """Yield the result of each job, in order, from the machines of a cluster.

    Parameters
    ----------
    function : callable
        Draws a job; it is sent to each machine once.
    jobs : iterable
    scheduler : str
        Address, such as ``tcp://10.0.0.1:8786``.

    Raises
    ------
    ConfigError
        If the address is none, Dask is not installed, or a machine runs another version of replicator.
    SampleError
        If the scheduler cannot be reached, has no machines, or is lost with its cluster.
    """
    if not re.fullmatch(r"\w+://[^/\s]+:\d+/?", scheduler):
        raise ConfigError(f"{scheduler!r} is no address of a scheduler; give one such as 'tcp://10.0.0.1:8786'.")
    try:
        from dask import config  # noqa: PLC0415  half a second, and an extra
        from distributed import Client, KilledWorker  # noqa: PLC0415
    except ImportError as error:
        raise ConfigError("A cluster needs Dask: install replicator[dask], here and on every machine of it.") from error
    with _quiet(), config.set({"distributed.admin.large-graph-warning-threshold": LARGEST_MODEL}):
        try:
            client: Any = Client(scheduler, timeout=SECONDS_TO_CONNECT, set_as_default=False)
        except (OSError, TimeoutError, ValueError) as error:
            raise SampleError(
                f"The scheduler {scheduler} cannot be reached; start one with 'dask scheduler', or check the address."
            ) from error
        try:
            if not client.nthreads():
                raise SampleError(
                    f"The cluster of {scheduler} has no workers; start some with 'dask worker {scheduler} --nthreads 1'."
                )
            held = client.submit(_hold, __version__, pickle.dumps(function), pure=False)  # again, if lost with its machine

            def submit(job: Job) -> Promise[Result]:
                promise: Promise[Result] = client.submit(_draw, __version__, held, job, pure=False)
                return promise

            yield from in_order(submit, jobs, lambda: CHUNKS_AHEAD * max(len(client.nthreads()), 1))
        except KilledWorker as error:
            raise SampleError(
                f"The workers of {scheduler} end again and again while they draw, perhaps because memory runs out; give them more."
            ) from error
        except (OSError, TimeoutError, CancelledError) as error:
            raise SampleError(f"The cluster of {scheduler} was lost while it drew; start it again.") from error
        finally:
            client.close(timeout=2)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Dask's own log from saying of lost machines what an error says."""
    loggers = [logging.getLogger(name) for name in ("distributed", "distributed.client")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _hold(version: str, function: bytes) -> Callable[[Any], Any]:
    """Unpack what draws, on a machine of the cluster; the others have it from there."""
    _check_version(version)
    unpacked: Callable[[Any], Any] = pickle.loads(function)
    return unpacked


def _draw(version: str, function: Callable[[Any], Any], job: Any) -> Any:
    """Draw a job, on a machine of the cluster."""
    _check_version(version)
    with _one_at_a_time:
        return function(job)


def _check_version(version: str) -> None:
    if version != __version__:
        raise ConfigError(
            f"A machine of the cluster runs replicator {__version__}, and not {version}; install the same everywhere."
        )

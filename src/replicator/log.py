"""Structured logs: a JSON object a line with what happened, how long it took, how much memory was used; silent unless asked."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from replicator.errors import WriteError
from replicator.locations import ObjectLocation, located
from replicator.targets import Output, check_replaceable

if sys.platform != "win32":
    import resource


class _Sink:
    """Where log lines go; nowhere until configured."""

    logger: Any = None
    file: Any = None
    path: str | Path | None = None


def configure(json_path: str | Path | None = None, quiet: bool = False) -> None:
    """Choose where log lines go.

    Parameters
    ----------
    json_path : path, optional
        File to which lines are added; without one nothing is logged.
    quiet : bool
        Log nothing at all, whatever `json_path` says.

    Raises
    ------
    WriteError
        If the file is no log, or cannot be opened for writing.
    """
    former, _Sink.logger, _Sink.file = _Sink.file, None, None
    _Sink.path = json_path
    if former is not None:
        with suppress(OSError):  # what a full disk has not taken cannot be flushed either
            former.close()
    if json_path is None or quiet:
        return
    place = located(json_path, WriteError)
    if isinstance(place, ObjectLocation):
        raise WriteError(f"{place}: a log is written on this machine only; name a file here.")
    if place.is_file():
        check_replaceable(place, Output.LOG)
    import structlog  # noqa: PLC0415

    try:
        _Sink.file = place.open("a", encoding="utf-8", buffering=1)
    except OSError as error:
        raise WriteError(f"{json_path}: log lines cannot be written ({error.strerror}); choose another file.") from error
    _Sink.logger = structlog.wrap_logger(
        structlog.WriteLogger(_Sink.file),
        processors=[
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(ensure_ascii=False, default=str),
        ],
    )


def log_event(event: str, **fields: object) -> None:
    """Write one log line, if anyone has asked for logs; one that cannot be written is told once, and does not stop the work."""
    if _Sink.logger is not None:
        try:
            _Sink.logger.info(event, **fields)
        except OSError as error:
            told = f"{_Sink.path}: log lines cannot be written ({error.strerror}); the work goes on without them."
            configure()
            print(f"replicator: {told}", file=sys.stderr)


def peak_memory() -> int:
    """Return the largest resident memory of this process so far, in bytes; 0 where the platform does not tell."""
    if sys.platform == "win32":
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


@contextmanager
def timed(event: str, **fields: object) -> Iterator[dict[str, object]]:
    """Log a step when it ends, with its seconds, CPU seconds (this process and its children) and the peak memory in bytes.

    Yields
    ------
    dict
        Further fields may be put into it while the step runs. A step that fails is logged with ``error``.
    """
    found: dict[str, object] = {}
    wall, cpu = time.perf_counter(), _cpu_seconds()
    try:
        yield found
    except BaseException as error:
        found["error"] = f"{type(error).__name__}: {error}"
        raise
    finally:
        measured = {"seconds": round(time.perf_counter() - wall, 4), "cpu_seconds": round(_cpu_seconds() - cpu, 4)}
        log_event(event, **{**fields, **found, **measured, "peak_bytes": peak_memory()})


def _cpu_seconds() -> float:
    if sys.platform == "win32":
        return time.process_time()
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime

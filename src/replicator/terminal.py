"""What the user of a terminal sees while work goes on, and how numbers are put into words for them."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING

from replicator.progress import Progress, silent

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress

SHOWN_AFTER_SECONDS = 1.0  # work that ends sooner shows no bar


class ProgressStyle(StrEnum):
    """How it is shown how far work is."""

    BAR = "bar"
    JSON = "json"


@contextmanager
def progress_shown(what: str, *, quiet: bool = False, style: ProgressStyle = ProgressStyle.BAR) -> Iterator[Progress]:
    """Show on standard error how far the block is: as a bar, if it runs for longer than a second, or as lines of JSON.

    Parameters
    ----------
    what : str
        Shown until the first step says what it is, for example ``"Reading"``.
    quiet : bool
        Show no bar, as also happens where standard error is no terminal.
    style : ProgressStyle
        Lines of JSON are shown wherever standard error leads, one for each step: ``step``, ``done`` of ``total``, ``seconds`` so
        far, ``seconds_left``, null as long as nothing is done, ``rows`` so far and ``rows_per_second``, null where none are made.

    Yields
    ------
    Progress
        Hand it to the work.
    """
    if style is ProgressStyle.JSON:
        yield _Lines()
        return
    if quiet or not sys.stderr.isatty():
        yield silent
        return
    bar = _Bar(what)
    try:
        yield bar
    finally:
        bar.close()


class _Lines:
    """Lines of JSON on standard error, for whoever drives the process."""

    def __init__(self) -> None:
        self._start = time.perf_counter()

    def __call__(self, step: str, done: int, total: int, /, rows: int | None = None) -> None:
        seconds = time.perf_counter() - self._start
        line = {
            "event": "progress",
            "step": step,
            "done": done,
            "total": total,
            "seconds": round(seconds, 1),
            "seconds_left": round(seconds * (total - done) / done, 1) if done else None,
            "rows": rows,
            "rows_per_second": None if rows is None else round(rows / seconds),
        }
        print(json.dumps(line), file=sys.stderr, flush=True)


class _Bar:
    """A bar that a timer brings up, so that a long first step is seen as well."""

    def __init__(self, what: str) -> None:
        self._step, self._done, self._total = what, 0, 0
        self._start = time.perf_counter()
        self._lock = threading.Lock()
        self._shown: RichProgress | None = None
        self._closed = False
        self._timer = threading.Timer(SHOWN_AFTER_SECONDS, self._show)
        self._timer.daemon = True
        self._timer.start()

    def __call__(self, step: str, done: int, total: int, /, rows: int | None = None) -> None:
        with self._lock:
            self._step, self._done, self._total = step or self._step, done, total
            if rows:
                self._step += f", {rows / (time.perf_counter() - self._start):,.0f} rows a second"
            self._update()

    def _show(self) -> None:
        from rich.console import Console  # noqa: PLC0415  0.1 s that most commands need not pay
        from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn  # noqa: PLC0415
        from rich.progress import Progress as RichProgress  # noqa: PLC0415

        with self._lock:
            if self._closed:
                return
            words = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%"))
            columns = (*words, TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn())
            self._shown = RichProgress(*columns, console=Console(stderr=True), transient=True)
            self._shown.add_task(self._step, total=None)
            self._shown.start()
            self._update()

    def _update(self) -> None:
        if self._shown is not None:
            task = self._shown.task_ids[0]
            self._shown.update(task, description=self._step, completed=self._done, total=self._total or None)

    def close(self) -> None:
        self._timer.cancel()
        with self._lock:
            self._closed = True
            if self._shown is not None:
                self._shown.stop()


class Stopwatch:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self._start = time.perf_counter()

    def __str__(self) -> str:
        return f"{time.perf_counter() - self._start:.1f} s"

"""Interrupts of a command: SIGINT and SIGTERM end it, even where something on the way swallows the first one."""

from __future__ import annotations

import signal
import sys
from threading import Event

TYPE_CHECKING = False

if TYPE_CHECKING:
    from types import FrameType

INTERVAL = 0.25  # seconds after which an interrupt of which nothing has come is raised again


def listen() -> Event:
    """Let SIGINT and SIGTERM raise KeyboardInterrupt in the main thread.

    A library that is loaded from within another's compiled code may lose it: the interrupt then counts as if the library were not
    there. So it is raised again until :func:`heard` is called, but not while an exception is handled: whoever cleans up after the
    interrupt is let finish. Signals that the process was told to ignore stay ignored.

    Returns
    -------
    threading.Event
        Set once an interrupt has come.
    """
    came = Event()
    last: list[int] = []

    def interrupt(signum: int, frame: FrameType | None) -> None:
        came.set()
        last[:] = [signum]
        _remind_later()
        raise KeyboardInterrupt

    def remind(signum: int, frame: FrameType | None) -> None:
        if last and sys.exc_info()[0] is None:
            signal.raise_signal(last[0])
        _remind_later()

    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, interrupt)  # what is half written is removed on the way out
    if hasattr(signal, "SIGALRM"):
        signal.signal(signal.SIGALRM, remind)
    return came


def heard() -> None:
    """Raise no interrupt again: the command ends of it."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, 0)


def _remind_later() -> None:
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, INTERVAL)

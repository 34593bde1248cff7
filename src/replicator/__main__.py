"""The process of the command line: able to end in one sentence from its first instant, before anything heavy is loaded."""

from __future__ import annotations

import atexit
import os
import signal
import sys
from importlib import import_module

from replicator.errors import INTERRUPTED, INTERRUPTION

TYPE_CHECKING = False

if TYPE_CHECKING:
    from types import FrameType
    from typing import NoReturn


def run() -> NoReturn:
    """Run the command of the process and end it with its exit code; an interrupt, by SIGINT or SIGTERM, is 130."""
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as it is in the background of a script
            signal.signal(number, _leave)
    code = import_module("replicator.cli").main()
    if code == INTERRUPTED:  # an interrupt within exec() of a text makes Python end by the signal, whoever caught it
        atexit._run_exitfuncs()  # processes and locks of ours are let go as at any other end
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # all is done and said; Python takes its own handlers away before it ends
    sys.exit(code)


def _leave(signum: int, frame: FrameType | None) -> NoReturn:
    """End at once, as long as nothing has been begun that would have to be undone."""
    os.write(2, f"{INTERRUPTION}\n".encode())
    os._exit(INTERRUPTED)


if __name__ == "__main__":
    run()

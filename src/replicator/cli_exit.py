"""How a command ends: its exit code, and one sentence on standard error for whatever went wrong."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Event
from typing import Any, cast

import typer

from replicator.cli_interrupts import heard
from replicator.errors import INTERRUPTED, INTERRUPTION, ReplicatorError, in_plain_words
from replicator.log import log_event

FINE, FINDINGS, CANNOT_RUN = 0, 1, 2


def guarded(run: Callable[[], Any], interrupted: Event) -> int:
    """Run something and turn what it raises into one sentence and an exit code; what fails after an interrupt fails of it."""
    try:
        try:
            code = _code(run, interrupted)
        finally:
            heard()
    except (KeyboardInterrupt, typer.Abort):
        heard()  # one may have come again just before the other call
        code = INTERRUPTED
    if code == INTERRUPTED:  # also what typer makes of a KeyboardInterrupt
        log_event("interrupted")
        typer.echo(INTERRUPTION, err=True)
    return code if isinstance(code, int) else FINE


def _code(run: Callable[[], Any], interrupted: Event) -> Any:
    """What something returns, or the exit code of its error, of which one sentence is said.

    Raises
    ------
    KeyboardInterrupt
        If it fails after an interrupt: a lock that is being waited for, for one, then cannot be let go.
    """
    usage_error = cast("type[typer.BadParameter]", typer.BadParameter.__bases__[0])  # of its family, typer names only this one
    try:
        with while_read():
            return run()
    except Exception as error:
        if interrupted.is_set() or isinstance(error, typer.Abort):
            raise KeyboardInterrupt from error
        if isinstance(error, usage_error):
            verb = error.ctx.command_path if error.ctx is not None else "replicator"
            return _refuse(f"{in_plain_words(error.format_message().rstrip('.'))}; see '{verb} --help'.")
        if os.environ.get("REPLICATOR_TRACEBACK") and not isinstance(error, MemoryError | OSError):
            raise
        return _refuse(_sentence(error))


def _sentence(error: Exception) -> str:
    """What went wrong, for the user."""
    if isinstance(error, ReplicatorError):
        return " ".join([str(error), *_notes(error)])
    if isinstance(error, MemoryError):
        return "Memory ran out; sample fewer subjects at a time, or use fewer --workers."
    if isinstance(error, OSError):
        remedy = "; make room, or write elsewhere" if error.errno in (errno.ENOSPC, errno.EDQUOT) else ""
        return f"{error.filename or 'The system'}: {error.strerror or error}{remedy}."
    return f"A fault of replicator's own, {type(error).__name__}: {error} (set REPLICATOR_TRACEBACK=1 to see where)."


@contextmanager
def while_read() -> Iterator[None]:
    """Stop when the reader of our output, such as head, has seen enough; that is no fault."""
    try:
        yield
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _notes(error: BaseException) -> Sequence[str]:
    """What was added to an error on its way out, such as how to go on."""
    return getattr(error, "__notes__", ())


@contextmanager
def telling_notes() -> Iterator[None]:
    """Say what was added to an interrupt on its way out, which is no more seen in the end."""
    try:
        yield
    except KeyboardInterrupt as stop:
        for note in _notes(stop):
            typer.echo(f"replicator: {note}", err=True)
        raise


def _refuse(sentence: str) -> int:
    said = " ".join(sentence.split())
    log_event("error", message=said)
    typer.echo(f"replicator: {said}", err=True)
    return CANNOT_RUN

"""Interrupts that something on the way swallows."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Iterator

import pytest

from replicator.cli_exit import guarded
from replicator.cli_interrupts import heard, listen
from replicator.errors import INTERRUPTED

pytestmark = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers here: an interrupt is raised once")


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Give back the handlers of the process."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)
    before = [signal.getsignal(number) for number in numbers]
    yield
    heard()
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


def _swallow(number: signal.Signals) -> None:
    with contextlib.suppress(KeyboardInterrupt):
        signal.raise_signal(number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_that_is_swallowed_comes_again(number: signal.Signals) -> None:
    """As a library that is loaded from within another's compiled code swallows it."""
    reached: list[str] = []

    def run() -> int:
        _swallow(number)
        time.sleep(30)
        reached.append("the end")
        return 0

    begun = time.monotonic()
    assert guarded(run, listen()) == INTERRUPTED
    assert not reached
    assert time.monotonic() - begun < 15


def test_what_is_swallowed_comes_again_where_the_other_signal_is_ignored() -> None:
    """A shell starts what runs in its background with SIGINT ignored; SIGTERM ends it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def run() -> int:
        _swallow(signal.SIGTERM)
        time.sleep(30)
        return 0

    begun = time.monotonic()
    assert guarded(run, listen()) == INTERRUPTED
    assert time.monotonic() - begun < 15


def test_who_cleans_up_after_an_interrupt_is_let_finish() -> None:
    """Cleaning takes several times as long as the interrupt waits."""
    done: list[str] = []

    def run() -> int:
        try:
            signal.raise_signal(signal.SIGINT)
        finally:
            time.sleep(1)
            done.append("cleaned")
        return 0

    assert guarded(run, listen()) == INTERRUPTED
    assert done == ["cleaned"]


def test_nothing_comes_again_once_a_command_has_ended() -> None:
    """A caller that goes on, such as a test, is not interrupted by what ended the command."""

    def run() -> int:
        _swallow(signal.SIGINT)
        return 0

    came = listen()
    assert guarded(run, came) == 0
    assert came.is_set()
    time.sleep(0.6)

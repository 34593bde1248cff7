"""The command line: exit codes, one sentence on standard error, arms and numbers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from threading import Event

import pytest

from replicator.cli import main
from replicator.cli_exit import guarded
from replicator.cli_values import number_of_subjects, parse_arms
from replicator.errors import INTERRUPTED, INTERRUPTION, ConfigError


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ("", "Missing command"),
        ("nosuch", "No such command"),
        ("fit", "Missing argument"),
        ("fit nowhere", "-o"),
        ("fit nowhere -o x.replica --k 0", "--k"),
        ("sample", "Missing argument"),
        ("sample m.replica", "-o"),
        ("sample m.replica -o out", "-n or --arm"),
        ("sample m.replica -o out -n 0", "'-n': it must be 1 or more;"),
        ("sample m.replica -o out -n 1.5", "'-n': it must be a whole number;"),
        ("cache prune --days x", "'--days': it must be a number;"),
        ("sample m.replica -o out -n -5", "'-n'"),
        ("sample m.replica -o out -n 1 --seed x", "--seed"),
        ("sample m.replica -o out -n 1 --seed -1", "--seed"),
        ("sample m.replica -o out -n 1 --format doc", "'-f': 'doc' is not one of"),
        ("sample m.replica -o out -n 1 --workers 0", "--workers"),
        ("sample m.replica -o out --arm A", "A=50,B=50"),
        ("sample m.replica -o out --arm A=0", "no subject"),
        ("sample m.replica -o out -n 3 --arm A=2", "-n asks for 3"),
        ("cache nosuch", "No such command"),
        ("profile nowhere --html missing/p.html", "there is no folder missing"),
        ("validate nowhere --json missing/v.json", "there is no folder missing"),
        ("inspect nowhere --json .", "a folder"),
    ],
)
def test_a_wrong_call_is_one_sentence_and_exit_2(
    arguments: str, word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every wrong call names what is wrong on one line of standard error and leaves nothing behind."""
    monkeypatch.chdir(tmp_path)
    assert main(arguments.split()) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("replicator: ")
    assert shown.err.count("\n") == 1
    assert word in shown.err
    assert list(tmp_path.iterdir()) == []


def test_arms_may_hold_commas_and_equal_signs() -> None:
    """A name ends at the last equal sign before a number that a comma or the end follows."""
    assert parse_arms(["A=50,B=50"]) == {"A": 50, "B": 50}
    assert parse_arms(["Drug, 5 mg = 3", "x=y=4"]) == {"Drug, 5 mg": 3, "x=y": 4}


@pytest.mark.parametrize("text", ["", "A", "A=", "=5", "A=-5", "A=1,B", "A=1.5", "A=1,A=2"])
def test_arms_of_another_form_are_refused(text: str) -> None:
    """What is not name=number, or names an arm twice, is refused."""
    with pytest.raises(ConfigError):
        parse_arms([text])


def test_the_number_of_subjects_follows_from_the_arms() -> None:
    """-n may be left out with --arm, and must agree with it."""
    assert number_of_subjects(None, {"A": 2, "B": 3}) == 5
    assert number_of_subjects(5, {"A": 2, "B": 3}) == 5
    assert number_of_subjects(7, None) == 7
    with pytest.raises(ConfigError):
        number_of_subjects(4, {"A": 2, "B": 3})
    with pytest.raises(ConfigError):
        number_of_subjects(None, None)


def test_help_is_quick_and_loads_no_heavy_library() -> None:
    """Help needs neither pandas nor numpy, and comes within half a CPU second."""
    code = (
        "import sys, time; from replicator.cli import main; main(['--help']);"
        "heavy = {'numpy', 'pandas', 'pyarrow', 'scipy', 'sklearn', 'pydantic', 'rich'} & set(sys.modules);"
        "assert not heavy, heavy; assert time.process_time() < 0.5, time.process_time()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "fit" in done.stdout


SIGNALS = [signal.SIGINT, signal.SIGTERM]


def started(*arguments: str, cache: Path, options: Sequence[str] = (), group: bool = False) -> subprocess.Popen[str]:
    """A process of the command line, with its standard error as a pipe; signals reach it, whatever this process ignores.

    A shell lets what it starts in the background ignore SIGINT, and a child inherits that.
    """
    environment = {**os.environ, "REPLICATOR_CACHE": str(cache)}
    command = [sys.executable, *options, "-m", "replicator", *arguments]
    before = {number: signal.signal(number, signal.SIG_DFL) for number in SIGNALS}
    try:
        pipes = {"stderr": subprocess.PIPE, "stdout": subprocess.DEVNULL}
        return subprocess.Popen(command, env=environment, **pipes, text=True, start_new_session=group)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@pytest.mark.parametrize("number", SIGNALS)
def test_an_interrupt_at_work_is_exit_130_and_one_sentence(pilot_folder: Path, tmp_path: Path, number: signal.Signals) -> None:
    """A signal during a fit leaves no model, no temporary file and no traceback; the log says when work has begun."""
    target, log = tmp_path / "out", tmp_path / "log.jsonl"
    target.mkdir()
    child = started("fit", str(pilot_folder), "-o", str(target / "m.replica"), "--log-json", str(log), cache=tmp_path / "cache")
    while not (log.exists() and '"event": "read"' in log.read_text(encoding="utf-8")):
        assert child.poll() is None
        time.sleep(0.02)
    child.send_signal(number)
    _, error = child.communicate(timeout=60)
    assert child.returncode == 130, error
    assert error == f"{INTERRUPTION}\n"
    assert list(target.iterdir()) == []


@pytest.mark.parametrize("number", SIGNALS)
def test_an_interrupt_while_libraries_are_loaded_is_the_same(tmp_path: Path, number: signal.Signals) -> None:
    """Python tells of each module that it has loaded; the first one that the command line needs is the sign."""
    child = started("cache", "list", cache=tmp_path / "cache", options=["-X", "importtime"])
    with child:
        assert child.stderr is not None
        for line in child.stderr:
            if "typer" in line:
                break
        child.send_signal(number)
        *_, last = child.stderr
    assert child.returncode == 130
    assert last == f"{INTERRUPTION}\n"


def test_an_interrupt_of_all_processes_is_one_sentence(tmp_path: Path) -> None:
    """Ctrl-C reaches the processes that draw chunks too; they leave the answer to the one that started them."""
    model = Path(__file__).parents[2] / "models" / "demo.replica"
    target = tmp_path / "out"
    target.mkdir()
    arguments = ("sample", str(model), "-n", "50000", "-o", str(target / "data"), "--workers", "2", "--format", "csv")
    child = started(*arguments, cache=tmp_path / "cache", group=True)
    while not any(target.iterdir()):  # the folder of a run that has begun to write
        assert child.poll() is None
        time.sleep(0.02)
    os.killpg(child.pid, signal.SIGINT)
    _, error = child.communicate(timeout=60)
    assert child.returncode == 130, error
    assert error == f"{INTERRUPTION}\n"
    assert list(target.iterdir()) == []


def test_what_fails_after_an_interrupt_fails_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    interrupted = Event()

    def fail() -> None:
        raise RuntimeError("release unlocked lock")

    assert guarded(fail, interrupted) == 2
    assert "release unlocked lock" in capsys.readouterr().err
    interrupted.set()
    assert guarded(fail, interrupted) == INTERRUPTED
    assert capsys.readouterr().err.strip() == INTERRUPTION

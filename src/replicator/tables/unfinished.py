"""Folders that are gone on with after an interruption: built apart from their target, with a journal of what is in them.

The journal is a JSON file that is replaced as a whole after each chunk. It holds the request, so that nobody goes on with another
one, and whatever the writer needs; bytes that came after it do not count.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from replicator.errors import WriteError
from replicator.locations import Location
from replicator.progress import Progress
from replicator.tables.target_folder import (
    built_place,
    checked_target,
    former_place,
    is_unchanged,
    make_parents,
    put_in_place,
    read_manifest,
    remove_built,
    target_place,
)

if sys.platform != "win32":
    import fcntl

_FORMAT = "replicator unfinished"


class Unfinished:
    """A folder that grows, with its journal.

    Parameters
    ----------
    place : Path
        Where the folder, the journal and a lock stand.
    target : Location
        Where the folder will stand.
    request : JSON
        What is asked for, by words that a user knows.
    keys : sequence of str
        What the writer notes, every time; a journal that lacks one of them is damaged.

    Attributes
    ----------
    noted : JSON
        What the journal says; empty if there is none, or it is not gone on with.
    is_of_another : bool
        Whether another run holds the folder.
    """

    def __init__(self, place: Path, target: Location, request: Mapping[str, Any], keys: Sequence[str]) -> None:
        self._place, self._target, self._request, self._keys = place, target, dict(request), keys
        self.noted: Mapping[str, Any] = {}
        self.is_of_another = False

    @property
    def folder(self) -> Path:
        """Where the files stand until they are whole."""
        return self._place / "data"

    @property
    def spool(self) -> Path:
        """Where files stand that the others are made of at the end; they outlive a kill while that is done."""
        return self._place / "spool"

    @property
    def is_begun(self) -> bool:
        """Whether there is something to go on with."""
        return self._journal.is_file() and self.folder.is_dir()

    def note(self, progress: Mapping[str, Any]) -> None:
        """Replace what the journal says, ``rows`` by dataset and what the writer needs, once the files are with the system."""
        new = self._place / "journal.new"
        new.write_text(json.dumps({"format": _FORMAT, "request": self._request, "progress": progress}), encoding="utf-8")
        new.replace(self._journal)
        self.noted = progress

    def resume(self) -> None:
        """Read the journal.

        Raises
        ------
        WriteError
            If it is damaged, or of another request.
        """
        try:
            found = json.loads(self._journal.read_bytes())
            former, noted = dict(found["request"]), {key: found["progress"][key] for key in self._keys}
        except (ValueError, LookupError, TypeError, RecursionError) as error:
            raise WriteError(
                f"{self._target}: the journal of the interrupted run, {self._journal}, is damaged; begin anew with --overwrite."
            ) from error
        other = [name for name in {**self._request, **former} if self._request.get(name) != former.get(name)]
        if other:
            said = ", ".join(f"{name} {former.get(name)!r:.60} and now {self._request.get(name)!r:.60}" for name in other)
            raise WriteError(
                f"{self._target}: the interrupted run was asked for something else ({said}); ask for the same to go on, or begin "
                "anew with --overwrite."
            )
        self.noted = noted

    def begin(self) -> None:
        """Remove what is left of a former run."""
        self._journal.unlink(missing_ok=True)
        for folder in (self.folder, self.spool):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other runs away.

        Raises
        ------
        WriteError
            If another run holds the folder.
        """
        with (self._place / "lock").open("a") as lock:
            if sys.platform != "win32":  # there, two runs into one target are not kept apart
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError as error:
                    self.is_of_another = True
                    raise WriteError(
                        f"{self._target}: another run is writing it now; wait for that one or choose another folder."
                    ) from error
            yield

    @property
    def _journal(self) -> Path:
        return self._place / "journal.json"


def find_finished(target: Location, request: Mapping[str, Any]) -> dict[str, int] | None:
    """Count the rows by dataset that a run of the same request has put into a folder; None if none has, or it is not whole.

    A run may be killed after its folder was in its place, and before it could say so.
    """
    target = target_place(target)
    manifest = read_manifest(target)
    rows = manifest.get("rows")
    if manifest.get("request") != request or not isinstance(rows, dict) or not is_unchanged(target):
        return None
    shutil.rmtree(_place(target), ignore_errors=True)
    return dict(rows)


def _place(target: Location) -> Path:
    """Return what stands on this machine until a target is whole."""
    return built_place(target, "unfinished")


@contextmanager
def unfinished_folder(
    target: Location,
    overwrite: bool,
    request: Mapping[str, Any],
    resume: bool,
    keys: Sequence[str],
    progress: Progress | None = None,
) -> Iterator[Unfinished]:
    """Give a folder to write into, which takes the place of `target` when the context is left without an error.

    After an error of any kind, Ctrl-C included, `target` is as it was, or an upload to it is marked as not whole. What is finished
    stays if anything was noted.

    Parameters
    ----------
    target, overwrite, progress
        As for :func:`~replicator.tables.target_folder.target_folder`.
    request : JSON
        What is asked for, by words that a user knows; a folder is gone on with for the same request alone.
    resume : bool
        Go on with the folder that an interrupted run has left; if there is none, begin.
    keys : sequence of str
        What the writer notes, ``rows`` among it.

    Raises
    ------
    WriteError
        As :func:`~replicator.tables.target_folder.target_folder`; if another run holds the folder; if one was left and neither
        `resume` nor `overwrite` is set; if it was left by another request, or its journal is damaged.
    """
    target = checked_target(target, overwrite, request if resume else None)
    place = _place(target)
    made = make_parents(place.parent)
    unfinished = Unfinished(place, target, request, keys)
    try:
        place.mkdir(exist_ok=True)
        with unfinished.held():
            if isinstance(target, Path) and former_place(unfinished.folder).is_dir() and not target.exists():
                former_place(unfinished.folder).rename(target)  # killed while the one took the place of the other
            if unfinished.is_begun and resume:
                unfinished.resume()
            elif unfinished.is_begun and not overwrite:
                raise WriteError(
                    f"{target}: an interrupted run has left what it had finished in {place}; go on with --resume, or begin anew "
                    "with --overwrite."
                )
            else:
                unfinished.begin()
            yield unfinished
            put_in_place(unfinished.folder, target, {"request": dict(request), "rows": unfinished.noted.get("rows", {})}, progress)
            shutil.rmtree(place)
    except BaseException as error:
        if unfinished.noted and unfinished.is_begun:
            error.add_note(f"What is finished stands in {place}; the same request with --resume goes on with it.")
        elif not unfinished.is_begun and not unfinished.is_of_another:
            remove_built(place, made)
        raise

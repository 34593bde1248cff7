"""Files that are written: whole or not at all, and never in the place of what Replicator has not written.

What a file is, is told by its content and not by its name: a model by its manifest, a page by its generator, a report by its
first key, or as Markdown by its first line, a log by its first line. A file takes the place of one of its own kind only; an empty
file has nothing to lose. A model may be an object in object storage, under the same rules; all else is written on this machine.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
import zipfile
from collections.abc import Iterable
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from replicator.arguments import check_path
from replicator.errors import WriteError
from replicator.locations import Location, ObjectLocation, located
from replicator.object_store import ObjectStore

MODEL_FORMAT = "replicator model"
GENERATOR = '<meta name="generator" content="Replicator">'
REPORT_KEY = "writtenBy"
MARKDOWN_MARK = "<!-- written by Replicator -->"

LONGEST_NAME = 200  # bytes, of the 255 that file systems take, with room for the ending
_HEAD = 1 << 16  # bytes that tell what a file is; a first log line with many arguments stays below
_MANIFEST = re.compile(rb'\A\{\s*"format": "' + MODEL_FORMAT.encode() + rb'"')
_REPORT = re.compile(rb'\A\{\s*"' + REPORT_KEY.encode() + rb'": "Replicator ')


@lru_cache(maxsize=1 << 10)  # a study is made anew for every variable that is derived
def names_a_file(name: str) -> bool:
    """Tell whether a file of any system can be called so: one step of a path, and not its folder or the one above.

    Examples
    --------
    >>> names_a_file("AE"), names_a_file("Größe (2)"), names_a_file("../VS"), names_a_file(".."), names_a_file("")
    (True, True, False, False, False)
    """
    return bool(name.strip(". ")) and name.isprintable() and not set("/\\") & set(name) and len(name.encode()) <= LONGEST_NAME


class Output(StrEnum):
    """Files that Replicator writes, by the word that messages have for them."""

    MODEL = "model file"
    PAGE = "report (HTML)"
    REPORT = "report (JSON)"
    MARKDOWN = "report (Markdown)"
    LOG = "log"


ENDINGS = {Output.PAGE: (".html", ".htm"), Output.REPORT: (".json",), Output.MARKDOWN: (".md", ".markdown")}
"""What the name of a report ends in, if it has an ending, so that it opens as what it is."""


def written_kind(path: Path) -> Output | None:
    """Tell which of its outputs a file is by what it holds; None if Replicator has not written it."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if head.startswith(b"PK"):
        return Output.MODEL if _is_model(path) else None
    if head.startswith(b"<!DOCTYPE html>") and GENERATOR.encode() in head:
        return Output.PAGE
    if _REPORT.match(head):
        return Output.REPORT
    if head.startswith(MARKDOWN_MARK.encode()):
        return Output.MARKDOWN
    try:
        first = json.loads(head.split(b"\n", 1)[0])
    except (ValueError, RecursionError):
        return None
    return Output.LOG if isinstance(first, dict) and {"event", "timestamp"} <= set(first) else None


def _is_model(file: Path | BinaryIO) -> bool:
    try:
        with zipfile.ZipFile(file) as archive, archive.open("manifest.json") as manifest:
            return _MANIFEST.match(manifest.read(_HEAD)) is not None
    except (KeyError, ValueError, EOFError, RuntimeError, NotImplementedError, zipfile.BadZipFile):
        return False


def check_replaceable(target: Path, kind: Output, reading: Iterable[str | Path] = ()) -> None:
    """Refuse a target that is there and is no former output of the same kind, or is being read.

    Parameters
    ----------
    target : Path
        A file to write, which may not be there yet.
    kind : Output
        What is to be written.
    reading : iterable of paths
        Files and folders that the same run reads; files within a folder are told by their kind.

    Raises
    ------
    WriteError
    """
    if target.is_dir():
        raise WriteError(f"{target}: a folder; name the file to write.")
    if not target.exists():
        return
    if not target.is_file():
        raise WriteError(f"{target}: a device and no file; name a file to write.")
    if any(
        isinstance(place := located(source, WriteError), Path) and place.exists() and place.samefile(target) for source in reading
    ):
        raise WriteError(f"{target}: the file is being read by the same command; choose another name for what is written.")
    try:
        known = kind if target.stat().st_size == 0 else written_kind(target)
    except OSError as error:
        raise WriteError(f"{target}: cannot be replaced ({error.strerror or error}); choose another name.") from error
    if known is not kind:
        found = f"a {known}" if known is not None else "something that Replicator has not written"
        raise WriteError(f"{target}: the file there is {found} and no {kind}, so it stays as it is; choose another name.")


def check_target(path: str | Path, kind: Output, *, overwrite: bool, reading: Iterable[str | Path] = ()) -> Location:
    """Refuse a target file before any work is done; :func:`check_replaceable` has the rule for files that are there.

    Parameters
    ----------
    path : path
        The file to write.
    kind : Output
        What is to be written.
    overwrite : bool
        Whether a former output of this kind may be replaced.
    reading : iterable of paths
        What the same run reads.

    Returns
    -------
    Location
        The file.

    Raises
    ------
    WriteError
        If the file is there and must stay, or has no folder, or the name ends like that of another kind of file.
    """
    target = check_path(path, f"a {kind} to write", WriteError)
    if isinstance(target, ObjectLocation):
        is_there = _check_object(target, kind, reading)
    else:
        check_replaceable(target, kind, reading)
        is_there = target.exists()
    if is_there and not overwrite:
        raise WriteError(f"{target}: the file is there already; choose another name, or ask to overwrite it (--overwrite).")
    ending, endings = Path(str(path)).suffix, ENDINGS.get(kind, ())
    if ending and endings and ending.lower() not in endings:
        raise WriteError(f"{target}: a {kind} is written, and a name in {ending} promises something else; end it in {endings[0]}.")
    if isinstance(target, Path) and not target.parent.is_dir():
        raise WriteError(f"{target}: there is no folder {target.parent}; make it first.")
    return target


def _check_object(target: ObjectLocation, kind: Output, reading: Iterable[str | Path]) -> bool:
    """Tell whether an object is there, which is a model; refuse all others, as :func:`check_replaceable` does."""
    if kind is not Output.MODEL:
        raise WriteError(f"{target}: a {kind} is written on this machine only; name a file here and copy it there.")
    if not target.key:
        raise WriteError(f"{target}: a bucket; name the object to write.")
    store = ObjectStore(WriteError)
    store.check_bucket(target)
    found = store.find(target)
    if found is None or found.is_prefix:  # objects under a prefix leave its name free
        return False
    if any(located(source, WriteError) == target for source in reading):
        raise WriteError(f"{target}: the object is being read by the same command; choose another name for what is written.")
    if found.size:
        with store.opened(target) as file:
            if not _is_model(file):
                raise WriteError(
                    f"{target}: the object there is something that Replicator has not written as a {kind}, so it stays as it is; "
                    "choose another name."
                )
    return True


def write_whole(path: Location, content: bytes) -> None:
    """Write a file or an object so that it is there whole or not at all, whatever happens.

    Raises
    ------
    WriteError
        If the folder does not exist or cannot be written to, or the disk is full; nothing is left behind.
    """
    if isinstance(path, ObjectLocation):
        ObjectStore(WriteError).put(path, content)
        return
    temporary: str | None = None
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
        temporary = None
    except OSError as error:
        raise WriteError(f"{path}: cannot be written ({error.strerror or error}); choose another place or make room.") from error
    finally:
        if temporary is not None and os.path.exists(temporary):
            os.unlink(temporary)

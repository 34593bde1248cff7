"""A folder that appears whole or not at all: built beside its target, then renamed; its manifest says what was written.

The manifest lists every file with its sha256. When a folder is overwritten, those files go that are still what was written; a
file that was changed since, or that no run has written, is somebody's own and stays, or stops the writing.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import Any

from replicator.counting import counted
from replicator.errors import WriteError
from replicator.tables.study_files import MANIFEST, FileKind, recognise

_FORMAT = "replicator datasets"


@contextmanager
def target_folder(target: Path, overwrite: bool) -> Iterator[Path]:
    """Give a new folder to write into, which takes the place of `target` when the context is left without an error.

    After an error of any kind, Ctrl-C included, `target` is as it was. With `overwrite`, files go that a former writing left and
    that are unchanged since. All others stay.

    Raises
    ------
    WriteError
        If `target` is a file, is not empty and `overwrite` is false, cannot be replaced as a whole (the folder of the process, or a
        mounted one), or holds datasets, or files of the new names, that no former writing has left.
    """
    target = checked_target(target, overwrite)
    made = make_parents(target.parent)
    built = target.parent / f".{target.name}.writing-{token_hex(4)}"
    try:
        built.mkdir()
        yield built
        put_in_place(built, target)
    except BaseException:
        remove_built(built, made)
        raise


def target_place(target: Path) -> Path:
    """Return where a folder is to stand, links followed."""
    target = Path(os.path.abspath(target))
    return target.resolve() if target.is_symlink() else target


def checked_target(target: Path, overwrite: bool) -> Path:
    """Return :func:`target_place`; refuse it as :func:`target_folder` does."""
    target = target_place(target)
    if target.exists() and not target.is_dir():
        raise WriteError(f"{target}: this is a file; name a folder that does not exist yet or is empty.")
    if target.is_dir() and (os.path.ismount(target) or target.samefile(Path.cwd())):
        raise WriteError(
            f"{target}: the folder that you are in, or a mounted one; it cannot be replaced as a whole, so name a folder in it."
        )
    if target.exists() and not overwrite:
        n_entries = sum(1 for _ in target.iterdir())
        if n_entries:
            raise WriteError(
                f"{target}: the folder is not empty ({counted(n_entries, 'entry')}); choose another one or ask to overwrite."
            )
    _kept(target, set())
    return target


def put_in_place(built: Path, target: Path, about: Mapping[str, Any] | None = None) -> None:
    """Give a folder that is finished its manifest, with what is to be known `about` it, and the place of `target`."""
    new = sorted(path.name for path in built.iterdir())
    manifest = {"format": _FORMAT, "files": {name: _digest(built / name) for name in new}, **(about or {})}
    (built / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    _swap(built, target, _kept(target, {*new, MANIFEST}))


def former_place(built: Path) -> Path:
    """Return where the former target stands for a moment, while `built` takes its place."""
    return built.with_name(f"{built.name}.former")


def remove_built(built: Path, made: Sequence[Path]) -> None:
    """Remove a folder that is not to be finished, and those above it that were made for it."""
    shutil.rmtree(built, ignore_errors=True)
    for folder in reversed(made):
        if not any(folder.iterdir()):
            folder.rmdir()


def make_parents(folder: Path) -> list[Path]:
    """Make a folder and those above it; returns the new ones, outermost first."""
    missing: list[Path] = []
    while not folder.exists():
        missing.insert(0, folder)
        folder = folder.parent
    for new in missing:
        new.mkdir(exist_ok=True)
    return missing


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_manifest(target: Path) -> dict[str, Any]:
    """Read the manifest that a former writing left in a folder; empty if there is none."""
    try:
        found = json.loads((target / MANIFEST).read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) and found.get("format") == _FORMAT else {}


def is_unchanged(target: Path) -> bool:
    """Whether all files that a former writing left in a folder are there as they were."""
    return set(read_manifest(target).get("files", ())) < _former(target)


def _former(target: Path) -> set[str]:
    """Names of the files that a former writing left in a folder and that nobody has changed since, with its manifest."""
    listed = read_manifest(target).get("files")
    if not isinstance(listed, dict):
        return set()
    paths = [(target / name, digest) for name, digest in listed.items() if Path(name).name == name]
    return {MANIFEST, *(path.name for path, digest in paths if path.is_file() and _digest(path) == digest)}


def _kept(target: Path, new: set[str]) -> list[str]:
    """Names of the entries of the old folder that stay; refuse datasets and files of new names that no former writing left."""
    if not target.exists():
        return []
    former = _former(target)
    kept = sorted(path.name for path in target.iterdir() if path.name not in former)
    own = [name for name in kept if name in new or _is_dataset(target / name)]
    if own:
        raise WriteError(
            f"{target}: files that no former run has written, or that were changed since: {len(own):,} "
            f"({', '.join(own[:5])}{', …' if len(own) > 5 else ''}); move what is yours away or choose another folder."
        )
    return kept


def _is_dataset(path: Path) -> bool:
    return path.is_file() and recognise(path) not in (None, FileKind.ZIP)


def _swap(built: Path, target: Path, kept: list[str]) -> None:
    """Put the new folder in the place of the old one, with what is kept of it; all or nothing."""
    if not target.exists():
        built.rename(target)
        return
    old = former_place(built)
    shutil.copymode(target, built)
    target.rename(old)
    try:
        for name in kept:
            (old / name).rename(built / name)
        built.rename(target)
    except BaseException:
        for name in kept:
            if (built / name).exists():
                (built / name).rename(old / name)
        old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)

"""A folder that appears whole or not at all: built beside its target, then renamed; its manifest says what was written.

The manifest lists every file with its sha256. When a folder is overwritten, those files go that are still what was written; a
file that was changed since, or that no run has written, is somebody's own and stays, or stops the writing. A prefix in object
storage is a target as well (:mod:`~replicator.tables.uploaded_folder`): what goes there is built in the user's cache.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import Any

from replicator.counting import counted
from replicator.errors import WriteError
from replicator.locations import Location, ObjectLocation
from replicator.progress import Progress
from replicator.tables.file_kinds import FileKind, recognise
from replicator.tables.manifests import (
    MANIFEST,
    file_digest,
    files_below,
    is_upload,
    manifest_bytes,
    parse_manifest,
    refuse_foreign,
)
from replicator.tables.uploaded_folder import check_prefix, is_prefix_unchanged, prefix_manifest, upload, work_place


@contextmanager
def target_folder(target: Location, overwrite: bool, progress: Progress | None = None) -> Iterator[Path]:
    """Give a new folder to write into, which takes the place of `target` when the context is left without an error.

    After an error of any kind, Ctrl-C included, `target` is as it was. With `overwrite`, files go that a former writing left and
    that are unchanged since. All others stay.

    Parameters
    ----------
    target : Location
    overwrite : bool
    progress : Progress, optional
        Told of every object that is sent, if the target lies in object storage.

    Raises
    ------
    WriteError
        If `target` is a file, is not empty and `overwrite` is false, cannot be replaced as a whole (the folder of the process, or a
        mounted one), or holds datasets, or files of the new names, that no former writing has left.
    """
    target = checked_target(target, overwrite)
    built = built_place(target, f"writing-{token_hex(4)}")
    made = make_parents(built.parent)
    try:
        built.mkdir()
        yield built
        put_in_place(built, target, progress=progress)
        shutil.rmtree(built, ignore_errors=True)  # it is still here where it was sent
    except BaseException:
        remove_built(built, made)
        raise


def target_place(target: Location) -> Location:
    """Return where a folder is to stand, links followed."""
    if isinstance(target, ObjectLocation):
        return target
    target = Path(os.path.abspath(target))
    return target.resolve() if target.is_symlink() else target


def built_place(target: Location, state: str) -> Path:
    """Return where a folder is built before it stands at its target: beside it, or in the user's cache."""
    if isinstance(target, ObjectLocation):
        beginning = work_place(target)
        return beginning.with_name(f"{beginning.name}.{state}")
    return target.parent / f".{target.name}.{state}"


def checked_target(target: Location, overwrite: bool, request: Mapping[str, Any] | None = None) -> Location:
    """Return :func:`target_place`; refuse it as :func:`target_folder` does, but for an upload of the same `request`."""
    target = target_place(target)
    if isinstance(target, ObjectLocation):
        check_prefix(target, overwrite, request)
        return target
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


def put_in_place(built: Path, target: Location, about: Mapping[str, Any] | None = None, progress: Progress | None = None) -> None:
    """Give a folder that is finished its manifest, with what is to be known `about` it, and the place of `target`."""
    if isinstance(target, ObjectLocation):
        upload(built, target, about or {}, progress)
        return
    manifest = manifest_bytes({name: file_digest(built / name) for name in files_below(built)}, about or {})
    new = {path.name for path in built.iterdir()}
    (built / MANIFEST).write_bytes(manifest)
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


def read_manifest(target: Location) -> dict[str, Any]:
    """Read the manifest that a former writing left in a folder; empty if there is none."""
    if isinstance(target, ObjectLocation):
        return prefix_manifest(target)
    try:
        found = parse_manifest((target / MANIFEST).read_bytes())
    except OSError:
        return {}
    return {} if is_upload(found) else found


def is_unchanged(target: Location) -> bool:
    """Whether all files that a former writing left in a folder are there as they were."""
    if isinstance(target, ObjectLocation):
        return is_prefix_unchanged(target)
    manifest = read_manifest(target)
    return bool(manifest) and set(manifest["files"]) == _unchanged(target, manifest)


def _unchanged(target: Path, manifest: Mapping[str, Any]) -> set[str]:
    """Those files of a manifest that nobody has changed since."""
    inside = {name: digest for name, digest in manifest["files"].items() if _is_inside(name)}
    return {name for name, digest in inside.items() if (target / name).is_file() and file_digest(target / name) == digest}


def _is_inside(name: str) -> bool:
    """Whether a manifest names a file of its folder, or of a folder in that."""
    steps = name.split("/")
    return len(steps) <= 2 and all(step not in ("", ".", "..") and Path(step).name == step for step in steps)


def _former(target: Path) -> set[str]:
    """Names of what a former writing left in a folder and nobody has changed since, with its manifest.

    A folder within counts if all of its files do.
    """
    manifest = read_manifest(target)
    if not manifest:
        return set()
    files = _unchanged(target, manifest)
    folders = {name.partition("/")[0] for name in files if "/" in name}
    whole = {name for name in folders if files >= {f"{name}/{file}" for file in files_below(target / name)}}
    return {MANIFEST, *whole, *(name for name in files if "/" not in name)}


def _kept(target: Path, new: set[str]) -> list[str]:
    """Names of the entries of the old folder that stay; refuse datasets and files of new names that no former writing left."""
    if not target.exists():
        return []
    former = _former(target)
    kept = sorted(path.name for path in target.iterdir() if path.name not in former)
    refuse_foreign(target, [name for name in kept if name in new or _is_dataset(target / name)])
    return kept


def _is_dataset(path: Path) -> bool:
    return recognise(path) not in (None, FileKind.ZIP)


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

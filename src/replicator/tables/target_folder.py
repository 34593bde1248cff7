"""A folder that appears whole or not at all: built beside its target, then renamed."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex

from replicator.errors import WriteError
from replicator.tables.study_files import FileKind, recognise

_MARK = b'SourceSystem="Replicator"'
_HREF = re.compile(rb'xlink:href="([^"/\\]+)"')


@contextmanager
def target_folder(target: Path, overwrite: bool) -> Iterator[Path]:
    """Give a new folder to write into, which takes the place of `target` when the context is left without an error.

    After an error of any kind, Ctrl-C included, `target` is as it was. With `overwrite`, files that a former writing left go:
    those of the same names, and those that its define.xml lists. All others stay.

    Raises
    ------
    WriteError
        If `target` is a file, is not empty and `overwrite` is false, cannot be replaced as a whole (the folder of the process, or a
        mounted one), or would come to hold datasets of two writings.
    """
    target = Path(os.path.abspath(target))
    if target.is_symlink():
        target = target.resolve()
    _check(target, overwrite)
    made = _make_parents(target.parent)
    built = target.parent / f".{target.name}.writing-{token_hex(4)}"
    try:
        built.mkdir()
        yield built
        _swap(built, target, _kept(target, built))
    except BaseException:
        shutil.rmtree(built, ignore_errors=True)
        for folder in reversed(made):
            if not any(folder.iterdir()):
                folder.rmdir()
        raise


def _check(target: Path, overwrite: bool) -> None:
    if target.exists() and not target.is_dir():
        raise WriteError(f"{target}: this is a file; name a folder that does not exist yet or is empty.")
    if target.is_dir() and (os.path.ismount(target) or target.samefile(Path.cwd())):
        raise WriteError(
            f"{target}: the folder that you are in, or a mounted one; it cannot be replaced as a whole, so name a folder in it."
        )
    if target.exists() and not overwrite:
        n_entries = sum(1 for _ in target.iterdir())
        if n_entries:
            raise WriteError(f"{target}: the folder is not empty ({n_entries} entries); choose another one or ask to overwrite.")


def _make_parents(folder: Path) -> list[Path]:
    """Make a folder and those above it; returns the new ones, outermost first."""
    missing: list[Path] = []
    while not folder.exists():
        missing.insert(0, folder)
        folder = folder.parent
    for new in missing:
        new.mkdir(exist_ok=True)
    return missing


def _kept(target: Path, built: Path) -> list[str]:
    """Names of the entries of the old folder that stay."""
    if not target.exists():
        return []
    former = {path.name for path in built.iterdir()}
    define = target / "define.xml"
    if define.is_file() and _MARK in (content := define.read_bytes())[:2000]:
        former |= {"define.xml", *(name.decode() for name in _HREF.findall(content))}
    kept = sorted(path.name for path in target.iterdir() if path.name not in former)
    mixed = [name for name in kept if (target / name).is_file() and recognise(target / name) not in (None, FileKind.ZIP)]
    if mixed:
        raise WriteError(
            f"{target}: {len(mixed)} datasets there are not from a former writing ({', '.join(mixed[:5])}) and would mix with "
            "the new ones; move them away or choose another folder."
        )
    return kept


def _swap(built: Path, target: Path, kept: list[str]) -> None:
    """Put the new folder in the place of the old one, with what is kept of it; all or nothing."""
    if not target.exists():
        built.rename(target)
        return
    old = built.with_name(built.name.replace(".writing-", ".former-"))
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

"""The zip around a model's parts: the same bytes for the same parts; read without trust.

Everything that foreign libraries raise on a bad file becomes :class:`~replicator.errors.ArtifactError` here.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import struct
import zipfile
import zlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from replicator.errors import ArtifactError

MANIFEST = "manifest.json"
MOST_MEMBERS = 20_000
MOST_BYTES = 1 << 30  # of all parts together
MOST_MANIFEST = 16 << 20
FREE_BYTES = 16 << 20  # what a file of any size may hold ...
MOST_RATIO = 200  # ... and how many times its own size more
LONGEST_NAME = 400
DATE = (1980, 1, 1, 0, 0, 0)
NAME = re.compile(r"(?!.*(?:^|/)\.{1,2}(?:/|$))[A-Za-z0-9_~.-]+(?:/[A-Za-z0-9_~.-]+)*\Z")

BROKEN = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    ValueError,
    KeyError,
    IndexError,
    OverflowError,
    RuntimeError,
    NotImplementedError,
    MemoryError,
)


def pack(manifest: Mapping[str, Any], parts: Mapping[str, bytes]) -> bytes:
    """Make the bytes of a container; `manifest` is completed with the size and sha256 of each part."""
    listed = {name: {"bytes": len(parts[name]), "sha256": hashlib.sha256(parts[name]).hexdigest()} for name in sorted(parts)}
    members = {MANIFEST: json_bytes({**manifest, "parts": listed}), **{name: parts[name] for name in sorted(parts)}}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            entry = zipfile.ZipInfo(name, DATE)
            entry.create_system, entry.external_attr = 3, 0o644 << 16
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED, compresslevel=6)
    return buffer.getvalue()


def unpack(source: Path | bytes, shown: str) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Read and check a container.

    Parameters
    ----------
    source : Path or bytes
        The file, or what it holds.
    shown : str
        How messages name it.

    Returns
    -------
    manifest : dict
    parts : dict of str to bytes
        Sizes and sha256 agree with the manifest.

    Raises
    ------
    ArtifactError
        If it is no such file, is damaged, holds names or sizes that it must not, or was changed after it was written.
    """
    try:
        total = len(source) if isinstance(source, bytes) else source.stat().st_size
        with zipfile.ZipFile(io.BytesIO(source) if isinstance(source, bytes) else source) as archive:
            members = _checked_members(archive, total, shown)
            manifest = parse_json(_content(archive, members[MANIFEST]), shown, MANIFEST)
            listed = _checked_manifest(manifest, members, shown)
            parts = {name: _content(archive, members[name]) for name in listed}
    except FileNotFoundError as error:
        raise ArtifactError(f"{shown}: there is no such file; check the path.") from error
    except zipfile.BadZipFile as error:
        raise ArtifactError(f"{shown}: not a model file, or damaged; get it again from where it was made.") from error
    except BROKEN as error:
        raise ArtifactError(f"{shown}: is damaged and cannot be read; get it again from where it was made.") from error
    for name, content in parts.items():
        if hashlib.sha256(content).hexdigest() != listed[name]["sha256"]:
            raise ArtifactError(f"{shown}: {name} was changed after the file was written; get it again from where it was made.")
    return manifest, parts


def _checked_members(archive: zipfile.ZipFile, total: int, shown: str) -> dict[str, zipfile.ZipInfo]:
    """Check number, names and declared sizes of all members before any is read."""
    entries = archive.infolist()
    if len(entries) > MOST_MEMBERS:
        raise ArtifactError(f"{shown}: {len(entries):,} members are more than a model file may hold ({MOST_MEMBERS:,}).")
    if len({entry.filename.casefold() for entry in entries}) != len(entries):
        raise ArtifactError(f"{shown}: two members of one name; this file was not made by this package.")
    for entry in entries:
        if len(entry.filename) > LONGEST_NAME or NAME.match(entry.filename) is None:
            raise ArtifactError(
                f"{shown}: member {entry.filename[:80]!r} has a name that model files do not hold; do not trust it."
            )
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or entry.flag_bits & 0x1:
            raise ArtifactError(f"{shown}: {entry.filename} is packed or locked in a way that model files are not.")
    members = {entry.filename: entry for entry in entries}
    if MANIFEST not in members:
        raise ArtifactError(f"{shown}: a zip without {MANIFEST}, so not a model file; give a file that was saved by this package.")
    declared = sum(entry.file_size for entry in entries)
    if declared > min(MOST_BYTES, FREE_BYTES + MOST_RATIO * total) or members[MANIFEST].file_size > MOST_MANIFEST:
        raise ArtifactError(
            f"{shown}: would unpack to {declared} bytes, far more than its {total} bytes can mean; do not trust it."
        )
    return members


def _checked_manifest(manifest: Any, members: Mapping[str, zipfile.ZipInfo], shown: str) -> dict[str, dict[str, Any]]:
    """Check that the manifest lists each other member with its size."""
    listed = manifest.get("parts") if isinstance(manifest, dict) else None
    if not isinstance(listed, dict) or set(listed) != set(members) - {MANIFEST}:
        raise ArtifactError(f"{shown}: the manifest does not list the file's parts; get it again from where it was made.")
    for name, entry in listed.items():
        size = entry.get("bytes") if isinstance(entry, dict) else None
        if type(size) is not int or size != members[name].file_size or not isinstance(entry.get("sha256"), str):
            raise ArtifactError(f"{shown}: {name} is not of the size that the manifest says; get it again from where it was made.")
    return listed


def _content(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    with archive.open(entry) as file:
        content = file.read(entry.file_size)
        if len(content) != entry.file_size or file.read(1):
            raise zipfile.BadZipFile(f"{entry.filename} is shorter or longer than it says")
    return content


def json_bytes(tree: Any) -> bytes:
    """Write JSON as the container holds it: UTF-8, one entry a line, no NaN."""
    return (_indented(tree, 0) + "\n").encode("utf-8", "surrogatepass")


def _indented(tree: Any, depth: int) -> str:
    """Write a tree as :mod:`json` does with an indent of 1; it writes the innermost lists and mappings itself, and so fast."""
    between = ",\n" + " " * (depth + 1)
    encode = _encoder(between).encode
    values = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list | tuple) else ()
    if not values:
        return encode(tree)
    if any(isinstance(value, dict | list | tuple) for value in values):
        parts = [_indented(value, depth + 1) for value in values]
        if isinstance(tree, dict):
            parts = [encode({key: 0})[1:-2] + part for key, part in zip(tree, parts, strict=True)]
        inner = between.join(parts)
    else:
        inner = encode(tree)[1:-1]
    opening, closing = "{}" if isinstance(tree, dict) else "[]"
    return opening + between[1:] + inner + between[1:-1] + closing


@cache
def _encoder(between: str) -> json.JSONEncoder:
    return json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(between, ": "))


def _refuse(text: str) -> Any:
    raise ValueError(f"{text} is no JSON")


def parse_json(content: bytes, shown: str, name: str) -> Any:
    """Read JSON; nesting too deep, numbers too long and anything that is no JSON give one sentence."""
    try:
        return json.loads(content.decode("utf-8", "surrogatepass"), parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise ArtifactError(f"{shown}: {name} cannot be read; get it again from where it was made.") from error

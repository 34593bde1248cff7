"""What a writing leaves beside its files to know them again: their digests, and whether they are all there.

While files go to object storage one by one, the manifest of an upload stands where that of the folder will stand in the end, so
nobody takes the part for the whole.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from replicator.errors import ReadError, WriteError
from replicator.locations import Location

MANIFEST = ".replicator"
"""Its name; no file of the study."""

MOST_BYTES = 16 << 20

_WHOLE, _UPLOAD = "replicator datasets", "replicator upload"


def files_below(folder: Path) -> list[str]:
    """List the files of a folder and of folders within, by their way from it with slashes."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def manifest_bytes(files: Mapping[str, str], about: Mapping[str, Any], *, is_upload: bool = False) -> bytes:
    """Make a manifest.

    Parameters
    ----------
    files : mapping of str to str
        sha256 by name; of a file in a folder within, by both names with a slash between them.
    about : JSON
        What else is to be known.
    is_upload : bool
        Whether the files are still on their way.
    """
    manifest = {"format": _UPLOAD if is_upload else _WHOLE, "files": dict(files), **about}
    return (json.dumps(manifest, indent=1) + "\n").encode()


def parse_manifest(content: bytes | None) -> dict[str, Any]:
    """Read a manifest; empty if it is none."""
    try:
        found = json.loads(content or b"")
    except (ValueError, RecursionError):
        return {}
    if not isinstance(found, dict) or found.get("format") not in (_WHOLE, _UPLOAD):
        return {}
    sent = found.get("sent", [])
    lists = isinstance(found.get("files"), dict) and isinstance(found.get("objects", {}), dict) and isinstance(sent, list)
    return found if lists and all(isinstance(name, str) for name in sent) else {}


def is_upload(manifest: Mapping[str, Any]) -> bool:
    """Whether a manifest says that not all files are there."""
    return manifest.get("format") == _UPLOAD


def refuse_upload(manifest: Mapping[str, Any], place: Location) -> None:
    """Refuse to read what is not all there.

    Raises
    ------
    ReadError
        If the manifest is that of an upload.
    """
    if is_upload(manifest):
        raise ReadError(
            f"{place}: an upload that is going on, or was interrupted, so files may be missing; wait for it, repeat the request "
            "with --resume, or write anew with --overwrite."
        )


def refuse_foreign(place: Location, names: Collection[str]) -> None:
    """Refuse to write where files lie that are not to be lost.

    Raises
    ------
    WriteError
        If there are any; `names` are those that no former writing left, or that were changed since.
    """
    if names:
        first = sorted(names)[:5]
        raise WriteError(
            f"{place}: files that no former run has written, or that were changed since: {len(names):,} "
            f"({', '.join(first)}{', …' if len(names) > 5 else ''}); move what is yours away or choose another folder."
        )


def file_digest(path: Path) -> str:
    """Return the sha256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

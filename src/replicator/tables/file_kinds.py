"""What a file is: told by its first bytes where they are a signature, else by its extension."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from replicator.errors import ReadError
from replicator.tables import signatures

MAX_MEMBERS = 2_000
MAX_BYTES = 20 * 2**30
"""Bounds of what a zip may hold when unpacked, and of what is fetched; a study of 10,000 subjects stays far below."""

_HEAD = 65_536


class FileKind(StrEnum):
    """What a file is."""

    XPT = "xpt"
    SAS7BDAT = "sas7bdat"
    PARQUET = "parquet"
    CSV = "csv"
    JSON = "json"
    DEFINE = "define"
    ZIP = "zip"


_BY_EXTENSION = {
    ".xpt": FileKind.XPT,
    ".sas7bdat": FileKind.SAS7BDAT,
    ".parquet": FileKind.PARQUET,
    ".csv": FileKind.CSV,
    ".tsv": FileKind.CSV,
    ".ndjson": FileKind.JSON,
    ".dsjc": FileKind.JSON,
    ".zip": FileKind.ZIP,
}


def parquet_parts(folder: Path) -> list[Path]:
    """Find the files that a folder such as ``lb.parquet`` holds one dataset in, in their order; none if it is no such folder."""
    if folder.suffix.lower() != ".parquet" or not folder.is_dir():
        return []
    try:
        files = [path for path in folder.iterdir() if path.suffix.lower() == ".parquet" and not path.name.startswith((".", "_"))]
    except OSError as error:
        raise ReadError(f"{folder}: the folder cannot be read ({error.strerror or error}); check its rights.") from error
    return sorted((path for path in files if path.is_file()), key=lambda path: (len(path.name), path.name))


def recognise(path: Path) -> FileKind | None:
    """Tell what a file is: by its first bytes where they are a signature, else by its extension; None if it is no study data.

    A folder of the files of one Parquet dataset is what they are; any other folder is no study data.
    """
    if path.is_dir():
        return FileKind.PARQUET if parquet_parts(path) else None
    extension = path.suffix.lower()
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD if extension in (".json", ".xml") else 64)
    except OSError as error:
        raise ReadError(f"{path}: the file cannot be read ({error.strerror or error}); check its rights.") from error
    if head.startswith((signatures.XPT_LIBRARY_5, signatures.XPT_LIBRARY_8)):
        return FileKind.XPT
    if head.startswith(signatures.PARQUET):
        return FileKind.PARQUET
    if head.startswith(signatures.SAS7BDAT):
        return FileKind.SAS7BDAT
    if extension == ".json":
        return FileKind.JSON if b'"datasetJSON' in head or not head.strip() else None
    if extension == ".xml":
        return FileKind.DEFINE if b"<ODM" in head or b":ODM" in head else None
    return _BY_EXTENSION.get(extension)

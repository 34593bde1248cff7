"""Copies of what lies in object storage, in a temporary folder for as long as it is read.

A prefix becomes a folder, an object a file of its name; what is no study data by its first bytes is left with these alone. Readers
work on the copies as on any other file, and their errors are told of where the object lies.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from types import MappingProxyType

from replicator.counting import counted
from replicator.errors import ReadError
from replicator.locations import Location, ObjectLocation
from replicator.log import timed
from replicator.object_store import ObjectStore, StoredObject
from replicator.progress import Progress, silent
from replicator.tables.file_kinds import MAX_BYTES, MAX_MEMBERS, FileKind, recognise
from replicator.tables.manifests import MANIFEST, MOST_BYTES, is_upload, parse_manifest, refuse_upload
from replicator.tables.stored_parts import stored_entries
from replicator.targets import names_a_file

Copies = Mapping[ObjectLocation, Path]

_held: ContextVar[Copies] = ContextVar("copies", default=MappingProxyType({}))


@contextmanager
def fetched(places: Sequence[Location], progress: Progress | None = None) -> Iterator[Copies]:
    """Keep copies of what lies in object storage as long as the context is open; contexts within share them.

    Parameters
    ----------
    places : sequence of Location
        Those of this machine are left alone.
    progress : Progress, optional
        Told of every object.

    Yields
    ------
    mapping of ObjectLocation to Path
        A folder for a prefix, a file for an object.

    Raises
    ------
    ReadError
        If there is nothing, access is denied, the server cannot be reached, there is more than :data:`MAX_BYTES` or
        :data:`MAX_MEMBERS`, or an upload to the place is not whole; errors of readers name the object and not its copy.
    """
    held = _held.get()
    new = [place for place in dict.fromkeys(places) if isinstance(place, ObjectLocation) and place not in held]
    if not new:
        yield held
        return
    with TemporaryDirectory(prefix="replicator-") as folder:
        store, copies = ObjectStore(ReadError), dict(held)
        with timed("fetch", places=[str(place) for place in new]) as found:
            for number, place in enumerate(new):
                copies[place] = Path(folder) / str(number) / place.name
                copies[place].parent.mkdir()
                _fetch(store, place, copies[place], progress or silent)
            found["bytes"] = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
        token = _held.set(copies)
        try:
            yield copies
        except ReadError as error:
            error.args = (_at_its_place(str(error), copies),)
            raise
        finally:
            _held.reset(token)


def _fetch(store: ObjectStore, place: ObjectLocation, copy: Path, progress: Progress) -> None:
    """Copy an object, or those under a prefix."""
    if not names_a_file(place.name):
        raise ReadError(f"{place}: the last step of this address has no name for a file; rename it.")
    found = store.find(place)
    if found is None:
        store.check_bucket(place)
        raise ReadError(f"{place}: there is no such object, and nothing under this prefix; check the address.")
    refuse_upload(_upload_of(store, place), place)
    if not found.is_prefix:
        progress(f"Fetching {place.name}", 0, 1)
        _fetch_file(store, found, copy, MAX_BYTES, _may_be_read)
        progress("", 1, 1)
        return
    before = store.read(place / MANIFEST, MOST_BYTES)
    refuse_upload(parse_manifest(before), place)
    entries = stored_entries(store, place)
    if len(entries) > MAX_MEMBERS:
        raise ReadError(f"{place}: {counted(len(entries), 'object')} are more than {MAX_MEMBERS:,}; give the prefix of one study.")
    copy.mkdir()
    left = MAX_BYTES
    for number, entry in enumerate(entries):
        progress(f"Fetching {entry.name}", number, len(entries))
        if not names_a_file(entry.name) or (copy / entry.name).exists():
            raise ReadError(f"{place}: the object {entry.name!r:.100} has no name for a file, or that of another; rename it.")
        if entry.found.is_prefix:
            (copy / entry.name).mkdir()
        for name, found in entry.objects().items():
            if found.location.name.startswith("."):
                (copy / name).touch()  # left out by its name, whatever it holds
            else:
                left -= _fetch_file(store, found, copy / name, left, _is_dataset)
    if store.read(place / MANIFEST, MOST_BYTES) != before:
        raise ReadError(f"{place}: was written to while it was read; try again.")
    progress("", len(entries), len(entries))


def _upload_of(store: ObjectStore, place: ObjectLocation) -> dict[str, object]:
    """Return the manifest of an upload that an object or a dataset in parts belongs to; empty if there is none to be seen."""
    above, way = place, ""
    for _ in range(2):  # a part lies two steps below the manifest
        if not above.key:
            break
        above, way = above.parent, f"{above.name}/{way}" if way else above.name
        try:
            manifest = parse_manifest(store.read(above / MANIFEST, MOST_BYTES))
        except ReadError:  # of a place where only this object may be read
            continue
        if is_upload(manifest) and any(name == way or name.startswith(f"{way}/") for name in manifest["files"]):
            return manifest
    return {}


def _may_be_read(beginning: Path) -> bool:
    """Tell whether an object that was named is worth fetching: data, an archive, or JSON, such as a profile that was kept."""
    return beginning.suffix.lower() == ".json" or recognise(beginning) is not None


def _is_dataset(beginning: Path) -> bool:
    """Tell whether an object under a prefix is study data; archives in a folder are not read."""
    return recognise(beginning) not in (None, FileKind.ZIP)


def _fetch_file(store: ObjectStore, entry: StoredObject, copy: Path, most: int, is_meant: Callable[[Path], bool]) -> int:
    """Copy one object if it `is_meant`; returns how many bytes it has then."""

    def wanted(beginning: Path) -> bool:
        if not is_meant(beginning):
            return False
        free = shutil.disk_usage(beginning.parent).free
        if entry.size > most:
            raise ReadError(
                f"{entry.location}: more than {MAX_BYTES / 2**30:.0f} GiB would be fetched; copy them yourself and give the folder."
            )
        if entry.size > free:
            raise ReadError(
                f"{entry.location}: {entry.size:,} bytes do not fit into the {free:,} that are free in {gettempdir()}; make "
                "room or set TMPDIR."
            )
        return True

    try:
        return entry.size if store.fetch(entry.location, copy, wanted) else 0
    except OSError as error:
        raise ReadError(
            f"{entry.location}: cannot be copied to {gettempdir()} ({error.strerror or error}); make room or set TMPDIR."
        ) from error


def _at_its_place(said: str, copies: Copies) -> str:
    """Name an object where a sentence names its copy."""
    for place, path in copies.items():
        files = (
            {file.name: place / file.relative_to(path).as_posix() for file in path.rglob("*")}
            if path.is_dir()
            else {path.name: place}
        )
        for name, location in files.items():
            if said.startswith(f"{name}:"):
                return f"{location}{said[len(name) :]}"
        said = said.replace(str(path), str(place))
    return said

"""Folders that go to object storage: built whole on this machine, then sent object by object under a manifest that says so.

The manifest of an upload stands first. It lists the digests of all files that are to come, and the ETags of those objects that
may be replaced: former ones, and what is already sent. Whoever reads the prefix is refused by it, and a run that goes on knows by
it what is left to do. When all objects are there, and former ones that are no more part of it are gone, the manifest of the whole
takes its place in one step.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from tempfile import TemporaryDirectory
from typing import Any

import platformdirs

from replicator.counting import counted
from replicator.errors import WriteError
from replicator.locations import ObjectLocation
from replicator.log import log_event, timed
from replicator.object_store import ObjectStore
from replicator.progress import Progress, silent
from replicator.tables.file_kinds import FileKind, recognise
from replicator.tables.manifests import (
    MANIFEST,
    MOST_BYTES,
    file_digest,
    files_below,
    is_upload,
    manifest_bytes,
    parse_manifest,
    refuse_foreign,
)
from replicator.tables.stored_parts import StoredEntry, stored_entries

_NOTED_AGAIN = 1.1  # times as many objects as were noted are sent when it is noted anew: the first eleven one by one


@dataclass(frozen=True)
class _Prefix:
    """What lies under a prefix.

    Attributes
    ----------
    manifest : JSON
        Of the whole, or of an upload; empty if there is none.
    entries : list of StoredEntry
    etags : dict of str to str
        By name, of objects that a former writing has left as they are; that of a part has both steps, with a slash between.
    same : dict of str to str
        sha256 by name, of those whose content is known to be what the manifest lists.
    """

    manifest: Mapping[str, Any]
    entries: Sequence[StoredEntry]
    etags: Mapping[str, str]
    same: Mapping[str, str]


def work_place(location: ObjectLocation) -> Path:
    """Return how the names of what is built on this machine for a prefix begin: in the user's cache, or ``REPLICATOR_CACHE``."""
    cache = os.environ.get("REPLICATOR_CACHE") or platformdirs.user_cache_dir("replicator")
    return Path(cache).absolute() / "uploads" / f"{location.name[:40]}-{hashlib.sha256(str(location).encode()).hexdigest()[:16]}"


def check_prefix(location: ObjectLocation, overwrite: bool, request: Mapping[str, Any] | None = None) -> None:
    """Refuse a prefix before any work is done.

    Parameters
    ----------
    location : ObjectLocation
    overwrite : bool
        Whether what a former writing has left may be replaced.
    request : JSON, optional
        An interrupted upload of the same request is gone on with.

    Raises
    ------
    WriteError
        If the bucket is not there or may not be seen, an object has the name of the prefix, objects lie under it that may not be
        replaced, or an upload to it is not whole.
    """
    store = ObjectStore(WriteError)
    store.check_bucket(location)
    found = store.find(location)
    if found is not None and not found.is_prefix:
        raise WriteError(f"{location}: this is an object; name a prefix under which nothing lies yet.")
    prefix = _prefix(store, location)
    if is_upload(prefix.manifest) and not overwrite and (request is None or prefix.manifest.get("request") != request):
        raise WriteError(
            f"{location}: an upload that is going on, or was interrupted; wait for it, repeat the request with --resume, or write "
            "anew with --overwrite."
        )
    if prefix.entries and not overwrite and not is_upload(prefix.manifest):
        raise WriteError(
            f"{location}: the prefix is not empty ({counted(len(prefix.entries), 'entry')}); choose another or ask to overwrite."
        )
    _refuse_kept(location, prefix, store, set())


def prefix_manifest(location: ObjectLocation) -> dict[str, Any]:
    """Read the manifest under a prefix; empty if there is none, or an upload is not whole."""
    manifest = parse_manifest(ObjectStore(WriteError).read(location / MANIFEST, MOST_BYTES))
    return {} if is_upload(manifest) else manifest


def is_prefix_unchanged(location: ObjectLocation) -> bool:
    """Whether all objects that a former writing left under a prefix are there as they were."""
    prefix = _prefix(ObjectStore(WriteError), location)
    return bool(prefix.manifest) and set(prefix.manifest["files"]) <= set(prefix.same)


def upload(built: Path, location: ObjectLocation, about: Mapping[str, Any], progress: Progress | None = None) -> None:
    """Send a folder that is finished.

    Parameters
    ----------
    built : Path
        Its files alone, without a manifest.
    location : ObjectLocation
        Passed :func:`check_prefix`.
    about : JSON
        What the manifest says besides.
    progress : Progress, optional
        Told of every object.

    Raises
    ------
    WriteError
        If it is not possible any more, or another run uploads to the same place; what has been sent stays, and is no whole.
    """
    tell, store, token = progress or silent, ObjectStore(WriteError), token_hex(8)
    files = {name: file_digest(built / name) for name in files_below(built)}
    with timed("upload", location=str(location), objects=len(files)) as found:
        prefix = _prefix(store, location)
        _refuse_kept(location, prefix, store, {MANIFEST, *(name.partition("/")[0] for name in files)})
        etags = dict(prefix.etags)
        sent = [name for name, digest in prefix.same.items() if files.get(name) == digest]
        found["resumed"] = n_noted = len(sent)

        def mark() -> None:
            said = {**about, "token": token, "objects": etags, "sent": sorted(sent)}
            store.put(location / MANIFEST, manifest_bytes(files, said, is_upload=True))

        def check_alone() -> None:
            if parse_manifest(store.read(location / MANIFEST, MOST_BYTES)).get("token") != token:
                raise WriteError(f"{location}: another run uploads to it now; wait for that one, then write anew with --overwrite.")

        mark()
        for number, name in enumerate(files):
            tell(f"Uploading {name}", number, len(files))
            if name not in sent:
                store.send(built / name, location / name)
                etags[name] = store.etag(location / name) or ""
                sent.append(name)
                if len(sent) >= _NOTED_AGAIN * n_noted:
                    check_alone()
                    mark()
                    n_noted = len(sent)
        for name in sorted(set(etags) - set(files)):
            store.remove(location / name)
            log_event("removed", location=str(location / name))
        check_alone()
        store.put(location / MANIFEST, manifest_bytes(files, {**about, "objects": {name: etags[name] for name in files}}))
        tell("", len(files), len(files))


def _prefix(store: ObjectStore, location: ObjectLocation) -> _Prefix:
    """Look at what lies under a prefix; an object whose ETag nobody has noted is read to know it."""
    entries = stored_entries(store, location)
    there = {name: one.location for entry in entries for name, one in entry.objects().items()}
    manifest = parse_manifest(store.read(there[MANIFEST], MOST_BYTES)) if MANIFEST in there else {}
    files, noted = manifest.get("files", {}), manifest.get("objects", {})
    listed = set(files) & set(manifest.get("sent", ())) if is_upload(manifest) else set(files)
    etags: dict[str, str] = {}
    same: dict[str, str] = {}
    for name in sorted({*files, *noted} & set(there)):
        etag = store.etag(there[name]) or ""
        known = bool(etag) and noted.get(name) == etag
        if name in listed if known else store.digest(there[name]) == files.get(name):
            same[name] = files[name]
        if known or name in same:
            etags[name] = etag
    return _Prefix(manifest, entries, etags, same)


def _refuse_kept(location: ObjectLocation, prefix: _Prefix, store: ObjectStore, new: set[str]) -> None:
    """Refuse datasets, and entries of new names, that no former writing has left."""
    ours = {*prefix.etags, *([MANIFEST] if prefix.manifest else [])}
    others = [entry for entry in prefix.entries if not _is_of(entry, ours)]
    refuse_foreign(location, [entry.name for entry in others if entry.name in new or _is_dataset(store, entry)])


def _is_of(entry: StoredEntry, names: set[str]) -> bool:
    """Whether an object is one of some, or all that lies under a prefix is."""
    if not entry.found.is_prefix:
        return entry.name in names
    objects = entry.objects()
    return bool(objects) and len(objects) == len(entry.parts) and names >= set(objects)


def _is_dataset(store: ObjectStore, entry: StoredEntry) -> bool:
    """Tell by the beginning of an object whether it is study data."""
    if entry.found.is_prefix:
        return entry.is_parted_dataset
    with TemporaryDirectory(prefix="replicator-") as folder:
        beginning = Path(folder) / f"object{entry.found.location.suffix}"
        store.fetch(entry.found.location, beginning, lambda _: False)
        return recognise(beginning) not in (None, FileKind.ZIP)

"""Whole fits in the cache: found by the bytes of the files alone, and handed on without being understood.

A second fit of the same files with the same settings reads no data and builds no model: it hashes the files, finds the model
file that the first fit made, and copies it. So this module needs none of the libraries that reading and learning need.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from replicator.log import timed
from replicator.study_model.artifact.container import json_bytes, parse_json
from replicator.study_model.cache.folder import CacheFolder
from replicator.study_model.cache.keys import cache_key
from replicator.tables.file_kinds import parquet_parts
from replicator.tables.study_files import study_files
from replicator.targets import Output, check_target, write_whole

Settings = Mapping[str, object]

_FILES, _MODEL_OF = "files", "model"  # stages of the cache
_JSON, _MODEL = "fit.json", "model.replica"


@dataclass(frozen=True)
class KeptFit:
    """A former fit, as far as it can be handed on without reading its model.

    Attributes
    ----------
    said : str
        What was learned, in one line.
    notes : tuple of str
        What was left out when reading and what could not be learned, one sentence each.
    packed : bytes
        The model file.
    """

    said: str
    notes: tuple[str, ...]
    packed: bytes

    def headline(self) -> str:
        """Say in one line what was learned."""
        return self.said

    def save(self, path: str | Path, overwrite: bool = False) -> int:
        """Write the model to one file, or to an object ``s3://bucket/key``; returns its bytes.

        Raises
        ------
        WriteError
            If the file is there and `overwrite` is not set or it is no model file, or if it cannot be written.
        """
        target = check_target(path, Output.MODEL, overwrite=overwrite)
        with timed("save model", path=str(target)):
            write_whole(target, self.packed)
        return len(self.packed)


def find_files(store: CacheFolder, source: str | Path | Sequence[str | Path], part: str) -> tuple[str, tuple[str, ...]] | None:
    """Return the fingerprint of what was read of a part of the subjects from these files, and its notes; None if they are new.

    Raises
    ------
    ReadError
        If the source does not exist or holds no dataset.
    """
    parts = store.read_parts(_FILES, _files_key(source, part))
    if parts is None:
        return None
    found = parse_json(parts[_JSON], "cache", _JSON)
    return str(found["fingerprint"]), tuple(found["notes"])


def keep_files(
    store: CacheFolder, source: str | Path | Sequence[str | Path], fingerprint: str, notes: Sequence[str], part: str
) -> None:
    """Remember what was read of a part of the subjects from files, so that :func:`find_files` finds it."""
    store.write_parts(_FILES, _files_key(source, part), {_JSON: json_bytes({"fingerprint": fingerprint, "notes": list(notes)})})


def find_fit(store: CacheFolder, fingerprint: str, settings: Settings, notes: Sequence[str] = ()) -> KeptFit | None:
    """Return the fit of the study of this fingerprint with these settings; `notes` of reading stand before its own."""
    parts = store.read_parts(_MODEL_OF, cache_key(_MODEL_OF, [fingerprint], settings))
    if parts is None:
        return None
    found = parse_json(parts[_JSON], "cache", _JSON)
    return KeptFit(str(found["said"]), (*notes, *found["notes"]), parts[_MODEL])


def keep_fit(store: CacheFolder, fingerprint: str, settings: Settings, fit: KeptFit) -> None:
    """Remember a fit, so that :func:`find_fit` finds it; its notes are those of the model alone."""
    said = json_bytes({"said": fit.said, "notes": list(fit.notes)})
    store.write_parts(_MODEL_OF, cache_key(_MODEL_OF, [fingerprint], settings), {_JSON: said, _MODEL: fit.packed})


def find_fit_of_files(store: CacheFolder, source: str | Path | Sequence[str | Path], settings: Settings) -> KeptFit | None:
    """Return the fit of these files with these settings, if there was one.

    Raises
    ------
    ReadError
        If the source does not exist or holds no dataset.
    """
    with timed("former fit", **settings) as found:
        known = find_files(store, source, str(settings.get("part", "")))
        former = None if known is None else find_fit(store, known[0], settings, known[1])
        found["cached"] = former is not None
    return former


def _files_key(source: str | Path | Sequence[str | Path], part: str) -> str:
    """Return the key of a part of what files hold: their names (which name datasets) and contents, wherever they lie."""
    with study_files(source) as files:
        paths = sorted([path for path, _ in files.datasets] + ([files.define] if files.define else []), key=lambda path: path.name)
        contents = [f"{path.name} {_digest(file)}" for path in paths for file in parquet_parts(path) or [path]]
        return cache_key(_FILES, contents, more=[*files.notes, part])


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

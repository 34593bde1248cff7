"""A cache of results by content: what was computed from the same data with the same settings and code is not computed again.

An entry is a container as a model file is, named by its stage and key. It appears whole or not at all, so that two
processes may use the cache at once; an entry that is damaged is removed and counts as a miss.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import platformdirs

from replicator.errors import ArtifactError, ConfigError, WriteError
from replicator.log import log_event
from replicator.study_model.artifact import pack_state, parse_state
from replicator.study_model.container import unpack
from replicator.study_model.registry import KINDS
from replicator.study_model.state import Registry
from replicator.targets import write_whole

FORMAT = "replicator cache entry"
SUFFIX = ".entry"
NAME = re.compile(r"(?P<stage>[A-Za-z0-9_-]{1,40})\.(?P<key>[0-9a-f]{64})\.entry\Z")
STALE_PARTS = 3600.0  # seconds after which an unfinished file of a dead process is swept

Value = TypeVar("Value")


@dataclass(frozen=True)
class CacheEntry:
    """One entry: its stage and key, when it was last used, and its size in bytes."""

    stage: str
    key: str
    used: datetime
    size: int
    path: Path


class Cache:
    """Results by stage and key, in a folder of the user.

    Parameters
    ----------
    folder : Path, optional
        Default: the environment variable ``REPLICATOR_CACHE``, else the platform's folder for caches.
    registry : mapping of str to type
        The classes that entries may hold.
    """

    def __init__(self, folder: Path | None = None, registry: Registry = KINDS) -> None:
        chosen = folder if folder is not None else os.environ.get("REPLICATOR_CACHE") or None
        self.folder = Path(chosen) if chosen is not None else Path(platformdirs.user_cache_dir("replicator"))
        self.registry = registry
        self.hits = 0
        self.misses = 0

    def _path(self, stage: str, key: str) -> Path:
        path = self.folder / f"{re.sub(r'[^A-Za-z0-9_-]', '_', stage)[:40]}.{key}{SUFFIX}"
        if NAME.match(path.name) is None:
            raise ConfigError(f"cache: {stage!r} with key {key[:80]!r} is no name of an entry; make keys with cache_key.")
        return path

    def get(self, stage: str, key: str) -> Any | None:
        """Return what was put under this stage and key, None if nothing was; an entry that is damaged is removed."""
        path, started = self._path(stage, key), time.perf_counter()
        try:
            content = path.read_bytes()
        except OSError:
            self.misses += 1
            log_event("cache miss", stage=stage, key=key)
            return None
        try:
            manifest, parts = unpack(content, str(path))
            if (manifest.get("format"), manifest.get("stage"), manifest.get("key")) != (FORMAT, stage, key):
                raise ArtifactError(f"{path}: is the entry of something else.")
            value = parse_state(parts, self.registry, str(path))
        except ArtifactError as error:
            with suppress(OSError):
                path.unlink()
            self.misses += 1
            log_event("cache entry damaged", stage=stage, key=key, reason=str(error))
            return None
        with suppress(OSError):
            os.utime(path)
        self.hits += 1
        log_event("cache hit", stage=stage, key=key, bytes=len(content), seconds=round(time.perf_counter() - started, 4))
        return value

    def put(self, stage: str, key: str, value: object) -> None:
        """Keep a result; a folder that cannot be written to, or a full disk, is logged and no error.

        Raises
        ------
        ArtifactError
            If the value holds something that cannot be kept.
        """
        path, started = self._path(stage, key), time.perf_counter()
        content = pack_state({"format": FORMAT, "stage": stage, "key": key}, value, self.registry, {})
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_whole(path, content)
        except (OSError, WriteError) as error:
            log_event("cache not written", stage=stage, key=key, reason=str(error))
            return
        log_event("cache put", stage=stage, key=key, bytes=len(content), seconds=round(time.perf_counter() - started, 4))

    def remembered(self, stage: str, key: str, compute: Callable[[], Value]) -> Value:
        """Return what is kept under this stage and key, else compute and keep it."""
        found = self.get(stage, key)
        if found is not None:
            value: Value = found
            return value
        value = compute()
        self.put(stage, key, value)
        return value

    def entries(self) -> list[CacheEntry]:
        """List all entries, the last used first."""
        found = []
        for path in self.folder.glob(f"*{SUFFIX}") if self.folder.is_dir() else ():
            match = NAME.match(path.name)
            with suppress(OSError):
                status = path.stat()
                if match is not None:
                    used = datetime.fromtimestamp(status.st_mtime, UTC).astimezone()
                    found.append(CacheEntry(match["stage"], match["key"], used, status.st_size, path))
        return sorted(found, key=lambda entry: (-entry.used.timestamp(), entry.path.name))

    def prune(self, max_age_days: float | None = None, max_bytes: int | None = None) -> int:
        """Remove entries that were not used for some days, then the longest unused until the rest fits; return how many."""
        self._sweep()
        entries = self.entries()
        now = time.time()
        gone = [entry for entry in entries if max_age_days is not None and now - entry.used.timestamp() > max_age_days * 86400]
        total = 0
        for entry in entries:
            if entry not in gone:
                total += entry.size
                if max_bytes is not None and total > max_bytes:
                    gone.append(entry)
        return self._remove(gone)

    def clear(self) -> int:
        """Remove all entries and return how many; other files in the folder stay."""
        self._sweep(0.0)
        return self._remove(self.entries())

    def _remove(self, entries: list[CacheEntry]) -> int:
        removed = 0
        for entry in entries:
            with suppress(OSError):
                entry.path.unlink()
                removed += 1
        log_event("cache removed", entries=removed, bytes=sum(entry.size for entry in entries))
        return removed

    def _sweep(self, older: float = STALE_PARTS) -> None:
        """Remove what processes that died while writing have left."""
        for path in self.folder.glob(f".*{SUFFIX}.*.part") if self.folder.is_dir() else ():
            with suppress(OSError):
                if time.time() - path.stat().st_mtime >= older:
                    path.unlink()

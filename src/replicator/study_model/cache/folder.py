"""The folder of the cache: entries that appear whole or not at all, and are checked when they are read.

An entry is a container as a model file is, named by its stage and key. Two processes may use the folder at once; an entry that
is damaged is removed and counts as a miss. Nothing here needs to know what an entry means, so that looking one up is cheap.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import platformdirs

from replicator.errors import ArtifactError, ConfigError, WriteError
from replicator.log import log_event
from replicator.study_model.artifact.container import pack, unpack
from replicator.targets import write_whole

FORMAT = "replicator cache entry"
SUFFIX = ".entry"
NAME = re.compile(r"(?P<stage>[A-Za-z0-9_-]{1,40})\.(?P<key>[0-9a-f]{64})\.entry\Z")
STALE_PARTS = 3600.0  # seconds after which an unfinished file of a dead process is swept


@dataclass(frozen=True)
class CacheEntry:
    """One entry: its stage and key, when it was last used, and its size in bytes."""

    stage: str
    key: str
    used: datetime
    size: int
    path: Path


class CacheFolder:
    """Entries by stage and key, in a folder of the user.

    Parameters
    ----------
    folder : Path, optional
        Default: the environment variable ``REPLICATOR_CACHE``, else the platform's folder for caches.
    """

    def __init__(self, folder: Path | None = None) -> None:
        chosen = folder if folder is not None else os.environ.get("REPLICATOR_CACHE") or None
        self.folder = Path(chosen) if chosen is not None else Path(platformdirs.user_cache_dir("replicator"))
        self.hits = 0
        self.misses = 0

    def _path(self, stage: str, key: str) -> Path:
        path = self.folder / f"{re.sub(r'[^A-Za-z0-9_-]', '_', stage)[:40]}.{key}{SUFFIX}"
        if NAME.match(path.name) is None:
            raise ConfigError(f"cache: {stage!r} with key {key[:80]!r} is no name of an entry; make keys with cache_key.")
        return path

    def read_parts(self, stage: str, key: str) -> dict[str, bytes] | None:
        """Return the parts of an entry, None if there is none; one that is damaged, or another's, is removed."""
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
        except ArtifactError as error:
            self.discard(stage, key, error)
            return None
        with suppress(OSError):
            os.utime(path)
        self.hits += 1
        log_event("cache hit", stage=stage, key=key, bytes=len(content), seconds=round(time.perf_counter() - started, 4))
        return parts

    def discard(self, stage: str, key: str, reason: ArtifactError) -> None:
        """Remove an entry that cannot be read, and count the look-up as a miss."""
        with suppress(OSError):
            self._path(stage, key).unlink()
        self.misses += 1
        log_event("cache entry damaged", stage=stage, key=key, reason=str(reason))

    def write_parts(self, stage: str, key: str, parts: Mapping[str, bytes]) -> None:
        """Keep the parts of an entry; a folder that cannot be written to, or a full disk, is logged and no error."""
        path, started = self._path(stage, key), time.perf_counter()
        content = pack({"format": FORMAT, "stage": stage, "key": key}, parts)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_whole(path, content)
        except (OSError, WriteError) as error:
            log_event("cache not written", stage=stage, key=key, reason=str(error))
            return
        log_event("cache put", stage=stage, key=key, bytes=len(content), seconds=round(time.perf_counter() - started, 4))

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

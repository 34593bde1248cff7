"""A cache of results by content: what was computed from the same data with the same settings and code is not computed again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from replicator.errors import ArtifactError
from replicator.study_model.artifact.model_file import parse_state, state_parts
from replicator.study_model.artifact.registry import KINDS
from replicator.study_model.artifact.state import Registry
from replicator.study_model.cache.folder import CacheEntry, CacheFolder

__all__ = ["Cache", "CacheEntry"]

Value = TypeVar("Value")


class Cache(CacheFolder):
    """Values by stage and key.

    Parameters
    ----------
    folder : Path, optional
        Default: the environment variable ``REPLICATOR_CACHE``, else the platform's folder for caches.
    registry : mapping of str to type
        The classes that entries may hold.
    """

    def __init__(self, folder: Path | None = None, registry: Registry = KINDS) -> None:
        super().__init__(folder)
        self.registry = registry

    def get(self, stage: str, key: str) -> Any | None:
        """Return what was put under this stage and key, None if nothing was; an entry that is damaged is removed."""
        parts = self.read_parts(stage, key)
        if parts is None:
            return None
        try:
            return parse_state(parts, self.registry, stage)
        except ArtifactError as error:
            self.hits -= 1
            self.discard(stage, key, error)
            return None

    def put(self, stage: str, key: str, value: object) -> None:
        """Keep a result; a folder that cannot be written to, or a full disk, is logged and no error.

        Raises
        ------
        ArtifactError
            If the value holds something that cannot be kept.
        """
        self.write_parts(stage, key, state_parts(value, self.registry))

    def remembered(self, stage: str, key: str, compute: Callable[[], Value]) -> Value:
        """Return what is kept under this stage and key, else compute and keep it."""
        found = self.get(stage, key)
        if found is not None:
            value: Value = found
            return value
        value = compute()
        self.put(stage, key, value)
        return value

"""Datasets in parts in object storage: what lies under a prefix such as ``lb.parquet/`` is one Parquet dataset, as in a folder."""

from __future__ import annotations

from dataclasses import dataclass

from replicator.locations import ObjectLocation
from replicator.object_store import ObjectStore, StoredObject

_SUFFIX = ".parquet"


@dataclass(frozen=True)
class StoredEntry:
    """An entry under a prefix, with the parts of a dataset that is in parts.

    Attributes
    ----------
    name : str
        The step after the prefix.
    found : StoredObject
        An object, or a prefix.
    parts : tuple of StoredObject
        What lies under an entry such as ``lb.parquet/``; empty for all others.
    """

    name: str
    found: StoredObject
    parts: tuple[StoredObject, ...] = ()

    @property
    def is_parted_dataset(self) -> bool:
        """Whether a part is a Parquet file, so that readers take the entry for a dataset."""
        return any(part.location.suffix.lower() == _SUFFIX and not part.is_prefix for part in self.parts)

    def objects(self) -> dict[str, StoredObject]:
        """List the objects by their way from the prefix: the entry itself, or its parts."""
        if not self.found.is_prefix:
            return {self.name: self.found}
        return {f"{self.name}/{part.location.name}": part for part in self.parts if not part.is_prefix}


def stored_entries(store: ObjectStore, location: ObjectLocation) -> list[StoredEntry]:
    """List what lies under a prefix, in order of names.

    A prefix such as ``lb.parquet/`` with nothing under it is left out: some servers keep it when its last part is removed.
    """
    entries: list[StoredEntry] = []
    for found in store.entries(location):
        is_parted = found.is_prefix and found.location.suffix.lower() == _SUFFIX
        parts = tuple(store.entries(found.location)) if is_parted else ()
        if parts or not is_parted:
            entries.append(StoredEntry(found.location.name, found, parts))
    return entries

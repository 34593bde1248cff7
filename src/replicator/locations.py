"""Where files lie: in a folder of this machine, or in object storage under an address ``s3://bucket/key``.

An address is a text; a :class:`~pathlib.Path` would swallow one of its slashes. It names a bucket and a key and nothing else:
credentials, region and endpoint come from the environment alone, and an address that holds a secret is refused without being
shown.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypeAlias

from replicator.errors import ReplicatorError

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")
_SWALLOWED = re.compile(r"s3:[/\\](?![/\\])", re.IGNORECASE)
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]\Z")
_SECRET = re.compile(r"[?&][^=&]*(?:key|secret|token|signature|credential)[^=&]*=", re.IGNORECASE)
_LONGEST_KEY = 1024  # bytes, of S3


@dataclass(frozen=True)
class ObjectLocation:
    """An object in object storage, or the objects under a prefix, as far as it is told by its address.

    Attributes
    ----------
    bucket : str
    key : str
        Steps with slashes between them; empty for the bucket itself.

    Examples
    --------
    >>> place = ObjectLocation("studies", "pilot")
    >>> str(place / "dm.csv"), (place / "dm.csv").name, place.path
    ('s3://studies/pilot/dm.csv', 'dm.csv', 'studies/pilot')
    """

    bucket: str
    key: str = ""

    def __str__(self) -> str:
        return f"s3://{self.path}"

    def __truediv__(self, name: str) -> ObjectLocation:
        return ObjectLocation(self.bucket, f"{self.key}/{name}" if self.key else name)

    @property
    def path(self) -> str:
        """Bucket and key, as libraries name an object."""
        return f"{self.bucket}/{self.key}" if self.key else self.bucket

    @property
    def name(self) -> str:
        """The last step of the key, or the bucket."""
        return PurePosixPath(self.path).name

    @property
    def suffix(self) -> str:
        """The ending of the name, with its dot."""
        return PurePosixPath(self.path).suffix

    @property
    def parent(self) -> ObjectLocation:
        """The prefix that the object lies under."""
        return ObjectLocation(self.bucket, self.key.rpartition("/")[0])


Location: TypeAlias = Path | ObjectLocation
"""A file or folder of this machine, or an object or prefix in object storage."""


def located(value: str | os.PathLike[str] | ObjectLocation, error: type[ReplicatorError]) -> Location:
    """Tell where something lies.

    Parameters
    ----------
    value : str, path or ObjectLocation
        A path of this machine, or an address ``s3://bucket/key``; what follows ``s3://`` is taken as it stands, nothing in it is
        encoded. A slash at its end does not count.
    error : type of ReplicatorError
        What is raised.

    Raises
    ------
    ReplicatorError
        If an address is of another kind, has no bucket, or holds credentials; those are never shown.

    Examples
    --------
    >>> from replicator.errors import ReadError
    >>> located("s3://studies/pilot/", ReadError)
    ObjectLocation(bucket='studies', key='pilot')
    >>> located("studies/pilot", ReadError).name
    'pilot'
    >>> located("https://studies/pilot", ReadError)
    Traceback (most recent call last):
        ...
    replicator.errors.ReadError: Addresses https://… are not understood; give a path of this machine or an address s3://bucket/key.
    """
    if isinstance(value, ObjectLocation):
        return value
    text = os.fspath(value)
    scheme = _SCHEME.match(text)
    if scheme is None:
        if not isinstance(value, str) and _SWALLOWED.match(text):
            raise error("A Path swallows a slash of an address s3://…; give the address as a text.")
        return Path(value)
    if scheme[1].lower() != "s3":
        raise error(f"Addresses {scheme[1]}://… are not understood; give a path of this machine or an address s3://bucket/key.")
    bucket, _, key = text[scheme.end() :].partition("/")
    if ":" in bucket or "@" in bucket or _SECRET.search(text):
        raise error("An address s3://… holds credentials; leave them out and set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.")
    if _BUCKET.match(bucket) is None:
        raise error(f"{text:.200}: this names no bucket; give an address s3://bucket/key.")
    key = key.removesuffix("/")
    if key and (not key.isprintable() or {"", ".", ".."} & set(key.split("/")) or len(key.encode()) > _LONGEST_KEY):
        raise error(f"{text:.200}: no key that can be worked with; leave out empty steps, dots and controls, and stay below 1 KiB.")
    return ObjectLocation(bucket, key)

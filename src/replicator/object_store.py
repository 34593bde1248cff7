"""Object storage (S3 and what speaks like it): what lies where, reading, writing and removing; every failure is one sentence.

Credentials, region and endpoint come from the environment alone: ``AWS_ACCESS_KEY_ID``, ``AWS_SECRET_ACCESS_KEY``,
``AWS_SESSION_TOKEN``, ``AWS_PROFILE`` and the machine's role by the library itself; ``AWS_REGION``, ``AWS_DEFAULT_REGION``,
``AWS_ENDPOINT_URL_S3``, ``AWS_ENDPOINT_URL`` and ``AWS_CA_BUNDLE`` here, since the library passes over some of them. An object
is there whole or not at all: it appears when its last byte is with the server.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import Any, BinaryIO, cast
from urllib.parse import urlsplit

from replicator.errors import ReplicatorError
from replicator.locations import ObjectLocation

_CONNECTING = 3.0  # seconds to wait for a connection, each time
_TRIES = 3
_HEAD = 1 << 16  # bytes that tell what an object is
_BLOCK = 8 << 20  # bytes in memory at a time

_ABOUT_RIGHTS = (
    r"ACCESS_DENIED|INVALID_ACCESS_KEY_ID|SIGNATURE_DOES_NOT_MATCH|UNRECOGNIZED_CLIENT|EXPIRED|TOKEN|CREDENTIAL|status 40[13]"
)
_ABOUT_NETWORK = r"NETWORK_CONNECTION|curlCode|REQUEST_TIMEOUT|SERVICE_UNAVAILABLE"
_ABOUT_REGION = r"status 301|PermanentRedirect|AuthorizationHeaderMalformed|IllegalLocationConstraint"


@dataclass(frozen=True)
class StoredObject:
    """An object that is there, or what lies under a prefix.

    Attributes
    ----------
    location : ObjectLocation
    size : int
        Bytes; 0 for a prefix.
    is_prefix : bool
        Whether there are objects under it, and none of this very key.
    """

    location: ObjectLocation
    size: int = 0
    is_prefix: bool = False


class ObjectStore:
    """What can be done with objects.

    Parameters
    ----------
    error : type of ReplicatorError
        What is raised for whatever goes wrong.

    Raises
    ------
    ReplicatorError
        If the environment names an endpoint that is no address.
    """

    def __init__(self, error: type[ReplicatorError]) -> None:
        self._error = error
        self._library = import_module("pyarrow.fs")
        self._at = endpoint(error)
        address = urlsplit(self._at)
        self._system = self._library.S3FileSystem(
            endpoint_override=address.netloc + address.path.rstrip("/") if self._at else None,
            scheme=address.scheme or None,
            region=os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or None,
            tls_ca_file_path=os.environ.get("AWS_CA_BUNDLE") or None,
            connect_timeout=_CONNECTING,
            retry_strategy=self._library.AwsStandardS3RetryStrategy(max_attempts=_TRIES),
            background_writes=False,  # they would keep a whole file in memory
            allow_delayed_open=True,  # what is small is one request
        )

    def check_bucket(self, location: ObjectLocation) -> None:
        """Refuse a bucket that is not there."""
        with self._border(location):
            if self._system.get_file_info(location.bucket).type == self._library.FileType.NotFound:
                raise self._error(self._no_bucket(location))

    def find(self, location: ObjectLocation) -> StoredObject | None:
        """Tell what is at a location: an object, a prefix with objects under it, or None."""
        with self._border(location):
            found = self._system.get_file_info(location.path)
        if found.type == self._library.FileType.NotFound:
            return None
        is_prefix = found.type == self._library.FileType.Directory
        return StoredObject(location, 0 if is_prefix else int(found.size), is_prefix)

    def entries(self, location: ObjectLocation) -> list[StoredObject]:
        """List what lies under a prefix, in order of names, without what lies deeper; empty if there is nothing."""
        with self._border(location):
            found = self._system.get_file_info(self._library.FileSelector(location.path, allow_not_found=True))
        directory = self._library.FileType.Directory
        listed = [
            StoredObject(location / one.base_name, 0 if one.type == directory else int(one.size), one.type == directory)
            for one in found
        ]
        return sorted(listed, key=lambda one: one.location.name)

    def etag(self, location: ObjectLocation) -> str | None:
        """Return what the server calls the content of an object, another one for every other content; None if it is not there."""
        with self._border(location):
            try:
                return _etag(self._system.open_input_stream(location.path))
            except FileNotFoundError:
                return None

    def read(self, location: ObjectLocation, most: int) -> bytes | None:
        """Return the content of an object, or its first `most` bytes; None if it is not there."""
        with self._border(location):
            try:
                with self._system.open_input_file(location.path) as file:
                    return cast("bytes", file.read(most))
            except FileNotFoundError:
                return None

    @contextmanager
    def opened(self, location: ObjectLocation) -> Iterator[BinaryIO]:
        """Open an object to read it anywhere."""
        with self._border(location), self._system.open_input_file(location.path) as file:
            yield file

    def fetch(self, location: ObjectLocation, path: Path, wanted: Callable[[Path], bool]) -> bool:
        """Copy an object into a file, as long as its beginning is `wanted`; tells whether it was.

        Parameters
        ----------
        location : ObjectLocation
        path : Path
            The file; what is not wanted is left with its beginning.
        wanted : callable
            Told the file when its first 64 KiB are there.
        """
        with path.open("wb") as copy:
            for number, block in enumerate(self._blocks(location)):
                copy.write(block)
                copy.flush()
                if not number and not wanted(path):
                    return False
        return True

    def digest(self, location: ObjectLocation) -> str:
        """Return the sha256 of what an object holds, by reading it."""
        digest = hashlib.sha256()
        for block in self._blocks(location):
            digest.update(block)
        return digest.hexdigest()

    def _blocks(self, location: ObjectLocation) -> Iterator[bytes]:
        """Read an object block by block, each by a request of its own; refuse one that was replaced in between."""
        with self._border(location), self._system.open_input_file(location.path) as file:
            etag, left, block = _etag(file), file.size(), file.read(_HEAD)
            left -= len(block)
            yield block
            while left and (block := file.read(min(_BLOCK, left))):
                left -= len(block)
                yield block
            if left or (file.tell() > _HEAD and self.etag(location) != etag):
                raise self._error(f"{location}: the object was replaced while it was read; try again.")

    def put(self, location: ObjectLocation, content: bytes) -> None:
        """Write an object, whole or not at all."""

        def write() -> None:
            with self._system.open_output_stream(location.path) as file:
                file.write(content)

        with self._border(location):
            _apart(write)

    def send(self, path: Path, location: ObjectLocation) -> None:
        """Write a file as an object, whole or not at all, in bounded memory."""

        def copy() -> None:
            self._library.copy_files(
                str(path),
                location.path,
                source_filesystem=self._library.LocalFileSystem(),
                destination_filesystem=self._system,
                chunk_size=_BLOCK,
                use_threads=False,
            )

        with self._border(location):
            _apart(copy)

    def remove(self, location: ObjectLocation) -> None:
        """Remove an object that may not be there."""
        with self._border(location):
            try:
                self._system.delete_file(location.path)
            except FileNotFoundError:
                return

    def _no_bucket(self, location: ObjectLocation) -> str:
        where = f" at {self._at}" if self._at else ""
        return (
            f"s3://{location.bucket}: there is no such bucket{where}; check its name, and AWS_REGION and AWS_ENDPOINT_URL in the "
            "environment."
        )

    @contextmanager
    def _border(self, location: ObjectLocation) -> Iterator[None]:
        """Turn what the library raises into one sentence."""
        try:
            yield
        except FileNotFoundError as error:
            raise self._error(f"{location}: there is no such object; check the address.") from error
        except OSError as error:
            raise self._error(self._sentence(location, str(error))) from error

    def _sentence(self, location: ObjectLocation, said: str) -> str:
        if "NO_SUCH_BUCKET" in said or "NoSuchBucket" in said:
            return self._no_bucket(location)
        if re.search(_ABOUT_REGION, said):
            return f"{location}: the bucket lies in another region than the one asked; set AWS_REGION to its region."
        if re.search(_ABOUT_NETWORK, said):
            detail = re.sub(r".*Details: ", "", said.split("\n")[0])[:120].rstrip(".")
            where = self._at or "object storage"
            return f"{location}: {where} cannot be reached ({detail}); check the network, AWS_ENDPOINT_URL and AWS_REGION."
        if re.search(_ABOUT_RIGHTS, said):
            return (
                f"{location}: access is denied; check the credentials in the environment (AWS_ACCESS_KEY_ID, "
                "AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN or AWS_PROFILE) and what they may do there."
            )
        detail = re.sub(r"\s*\(Request ID:.*", "", said.split("\n")[0])[:160].rstrip(".")
        return f"{location}: object storage refuses ({detail}); try again later."


def endpoint(error: type[ReplicatorError]) -> str:
    """Return the address of the server that the environment names; empty for that of the provider."""
    if os.environ.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() == "true":
        return ""
    for name in ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"):
        address = os.environ.get(name, "")
        if address:
            try:
                parts = urlsplit(address)
                is_server = parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
            except ValueError:
                is_server = False
            if not is_server:
                raise error(f"{name}: this is no address of a server without credentials; set one such as http://localhost:9000.")
            return address
    return ""


def _etag(file: Any) -> str:
    return cast("bytes", file.metadata().get("ETag", b"")).decode().strip('"')


def _apart(run: Callable[[], None]) -> None:
    """Run in a thread of its own, where no interrupt can close half an object as if it were whole; an interrupt does not wait."""
    failed: list[BaseException] = []

    def guarded() -> None:
        try:
            run()
        except BaseException as error:
            failed.append(error)

    thread = Thread(target=guarded, daemon=True)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]

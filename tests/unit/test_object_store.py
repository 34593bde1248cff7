"""Object storage against a real server: what is put is found again, and every failure is one sentence."""

from __future__ import annotations

import hashlib
import os
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from replicator.errors import ReadError, WriteError
from replicator.locations import ObjectLocation
from replicator.object_store import ObjectStore, StoredObject, endpoint

from ..object_server import SECRET, Bucket, object_environment, running_server

LARGE = 25 << 20  # three parts of an upload


def test_what_is_put_is_found(bucket: Bucket) -> None:
    """Another client sees the same objects; prefixes are told from objects."""
    store, place = ObjectStore(WriteError), ObjectLocation(bucket.name, "a b")
    store.put(place / "ü+%.csv", b"A\n1\n")
    store.put(place / "empty", b"")
    bucket.put("a b/deeper/x", b"x")
    assert bucket.content("a b/") == {"ü+%.csv": b"A\n1\n", "empty": b"", "deeper/x": b"x"}
    assert store.find(place) == StoredObject(place, 0, is_prefix=True)
    assert store.find(place / "ü+%.csv") == StoredObject(place / "ü+%.csv", 4)
    assert store.find(place / "nothing") is None
    assert [(one.location.name, one.size, one.is_prefix) for one in store.entries(place)] == [
        ("deeper", 0, True),
        ("empty", 0, False),
        ("ü+%.csv", 4, False),
    ]
    assert store.entries(place / "nothing") == []
    assert store.read(place / "ü+%.csv", 2) == b"A\n" and store.read(place / "nothing", 2) is None
    assert store.digest(place / "empty") == hashlib.sha256().hexdigest()
    store.remove(place / "empty")
    store.remove(place / "empty")
    assert "empty" not in bucket.content("a b/")


def test_a_large_file_goes_there_and_back(bucket: Bucket, tmp_path: Path) -> None:
    """In parts and blocks; its ETag is that of its content, and what is not wanted is not fetched whole."""
    content = np.random.default_rng(1).bytes(LARGE)
    (tmp_path / "large").write_bytes(content)
    store, place = ObjectStore(WriteError), ObjectLocation(bucket.name, "large")
    store.send(tmp_path / "large", place)
    assert bucket.get("large") == content
    assert store.digest(place) == hashlib.sha256(content).hexdigest()
    first = store.etag(place)
    assert store.fetch(place, tmp_path / "back", lambda path: path.stat().st_size == 1 << 16)
    assert (tmp_path / "back").read_bytes() == content
    assert not store.fetch(place, tmp_path / "beginning", lambda _: False)
    assert (tmp_path / "beginning").read_bytes() == content[: 1 << 16]
    bucket.put("large", b"other")
    assert first and store.etag(place) not in (None, first)
    assert store.etag(place / "nothing") is None


def test_an_object_that_is_replaced_while_it_is_read(bucket: Bucket, tmp_path: Path) -> None:
    """By one of the same size, between two requests: blocks of both are never taken for one object."""
    bucket.put("x", b"1" * (1 << 20))

    def replaced(beginning: Path) -> bool:
        bucket.put("x", b"2" * (1 << 20))
        return True

    with pytest.raises(ReadError, match="was replaced while it was read; try again"):
        ObjectStore(ReadError).fetch(ObjectLocation(bucket.name, "x"), tmp_path / "x", replaced)


def test_an_interrupt_never_leaves_half_an_object(bucket: Bucket, tmp_path: Path) -> None:
    """An interrupt within a large upload ends the program at once; the object is not there, or there whole."""
    (tmp_path / "large").write_bytes(np.random.default_rng(2).bytes(LARGE))
    code = (
        "import pathlib, sys, threading, _thread\n"
        "from replicator.errors import WriteError\n"
        "from replicator.locations import ObjectLocation\n"
        "from replicator.object_store import ObjectStore\n"
        "store = ObjectStore(WriteError)\n"
        "threading.Timer(float(sys.argv[3]), _thread.interrupt_main).start()\n"
        "store.send(pathlib.Path(sys.argv[1]), ObjectLocation(sys.argv[2], 'large'))\n"
    )
    for delay in ("0.02", "0.1", "0.3"):
        done = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / "large"), bucket.name, delay], capture_output=True, text=True
        )
        assert done.returncode == 0 or "KeyboardInterrupt" in done.stderr
        assert bucket.content() in ({}, {"large": (tmp_path / "large").read_bytes()})
        bucket.remove("large")


def test_no_such_bucket(bucket: Bucket, tmp_path: Path) -> None:
    place = ObjectLocation(f"{bucket.name}-not", "x")
    store = ObjectStore(WriteError)
    for work in (store.check_bucket, lambda place: store.put(place, b"x")):
        with pytest.raises(WriteError, match=rf"s3://{bucket.name}-not: there is no such bucket at http://127.*AWS_REGION"):
            work(place)
    store.check_bucket(ObjectLocation(bucket.name, "anything"))
    with pytest.raises(WriteError, match="there is no such object"):
        store.fetch(ObjectLocation(bucket.name, "x"), tmp_path / "x", lambda _: True)


def test_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    """A refused connection, and a host that does not exist: one sentence within seconds."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        for address in (f"http://127.0.0.1:{taken.getsockname()[1]}", "http://nowhere.invalid"):
            for name, value in object_environment(address).items():
                monkeypatch.setenv(name, value)
            begun = time.monotonic()
            with pytest.raises(ReadError, match=rf"s3://studies/x: {address} cannot be reached \(.*AWS_ENDPOINT_URL"):
                ObjectStore(ReadError).find(ObjectLocation("studies", "x"))
            assert time.monotonic() - begun < 20


def test_somebody_listens_and_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken: list[socket.socket] = []

        def take() -> None:
            while True:
                try:
                    taken.append(server.accept()[0])
                except OSError:
                    return

        threading.Thread(target=take, daemon=True).start()
        for name, value in object_environment(f"http://127.0.0.1:{server.getsockname()[1]}").items():
            monkeypatch.setenv(name, value)
        begun = time.monotonic()
        with pytest.raises(ReadError, match="cannot be reached"):
            ObjectStore(ReadError).find(ObjectLocation("studies", "x"))
        assert time.monotonic() - begun < 40
        server.shutdown(socket.SHUT_RDWR)
    for connection in taken:
        connection.close()


def test_access_that_is_denied(bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that checks who asks refuses; the sentence names the variables and no secret."""
    with running_server(tmp_path, **os.environ, INITIAL_NO_AUTH_ACTION_COUNT="0") as strict:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", strict)  # stands before AWS_ENDPOINT_URL
        store = ObjectStore(WriteError)
        place = ObjectLocation(bucket.name, "x")
        for work in (store.check_bucket, store.entries, lambda place: store.put(place, b"x"), store.find):
            with pytest.raises(WriteError, match="access is denied; check the credentials in the environment") as caught:
                work(place)
            assert SECRET not in str(caught.value)


ASKED = """
from replicator.errors import ReadError
from replicator.locations import ObjectLocation
from replicator.object_store import ObjectStore
assert ObjectStore(ReadError).find(ObjectLocation("studies", "x")) is None
"""


@pytest.mark.parametrize(
    ("variables", "key", "region", "token"),
    [
        ({}, "FILED", "us-east-1", None),
        ({"AWS_PROFILE": "work"}, "WORK", "eu-north-1", "worktoken"),
        ({"AWS_PROFILE": "work", "AWS_DEFAULT_REGION": "eu-west-1"}, "WORK", "eu-west-1", "worktoken"),
        (
            {
                "AWS_ACCESS_KEY_ID": "ENV",
                "AWS_SECRET_ACCESS_KEY": "x",
                "AWS_SESSION_TOKEN": "envtoken",
                "AWS_REGION": "ap-south-1",
                "AWS_DEFAULT_REGION": "eu-west-1",
            },
            "ENV",
            "ap-south-1",
            "envtoken",
        ),
    ],
)
def test_who_asks_comes_from_the_environment(
    tmp_path: Path, variables: dict[str, str], key: str, region: str, token: str | None
) -> None:
    """The server sees the key, region and token that the usual variables and files name, those of the environment first."""
    (tmp_path / "credentials").write_text(
        "[default]\naws_access_key_id = FILED\naws_secret_access_key = x\n"
        "[work]\naws_access_key_id = WORK\naws_secret_access_key = x\naws_session_token = worktoken\n"
    )
    (tmp_path / "config").write_text("[profile work]\nregion = eu-north-1\n")
    seen: list[tuple[str, str | None]] = []

    class Listening(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append((self.headers["Authorization"], self.headers["x-amz-security-token"]))
            self.send_response(404)
            self.end_headers()

        do_HEAD = do_GET

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Listening) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")} | {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
            "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
            "AWS_CONFIG_FILE": str(tmp_path / "config"),
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        subprocess.run([sys.executable, "-c", ASKED], env=environment | variables, check=True)
        server.shutdown()
    assert f"Credential={key}/" in seen[0][0] and f"/{region}/s3/" in seen[0][0]
    assert seen[0][1] == token


@pytest.mark.parametrize("address", ["127.0.0.1:9000", "ftp://host", "http://", "http://[1", "http://user:hush@host"])
def test_an_endpoint_that_is_no_address(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3", raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL", address)
    with pytest.raises(ReadError, match="AWS_ENDPOINT_URL: this is no address of a server") as caught:
        ObjectStore(ReadError)
    assert "hush" not in str(caught.value)
    monkeypatch.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
    assert endpoint(ReadError) == ""

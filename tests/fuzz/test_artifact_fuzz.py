"""Thousands of damaged and forged model files: each is refused in one sentence, or holds the model as it was saved."""

from __future__ import annotations

import io
import json
import os
import random
import time
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from replicator.config import FitConfig
from replicator.derivations.derivation import Derivation
from replicator.errors import ArtifactError
from replicator.profile.structure import Content, DatasetStructure, Dependency, Kind, Role, StudyStructure, VariableStructure
from replicator.study_model.artifact.container import MANIFEST, pack
from replicator.study_model.artifact.model_file import ArtifactContents, load_artifact, save_artifact
from replicator.study_model.artifact.registry import KINDS
from replicator.study_model.artifact.state import to_state

MUTATIONS = 1500
FORGERIES = 1500
SECONDS = 1.0
BYTES = 200_000_000


def valid(path: Path) -> bytes:
    """A file with nested classes, enumerations, mappings, and arrays inline and of their own."""
    variables = (
        VariableStructure("LBSTRESN", Role.RESULT, Content.DECIMAL, 3, 90, 2),
        VariableStructure("LBTESTCD", Role.TOPIC, Content.CATEGORY, 0, 12, 0),
    )
    dataset = DatasetStructure(
        "LB", Kind.FINDINGS, "LB", 100, 20, variables, ("USUBJID",), "", (Dependency(("LBTESTCD",), "LBTEST"),)
    )
    derivation = Derivation("LB", "LBDY", "study_day", ("LB.LBDTC",), {"share": 0.25, "by": ["A", "B"]}, 10, 9)
    structure = StudyStructure({"LB": dataset}, "DM", (derivation,), ("a note",))
    rng = np.random.default_rng(0)
    model = {"structure": structure, "small": rng.random(5), "large": rng.random((20, 20)), "codes": np.arange(90, dtype=np.int32)}
    save_artifact(path, ArtifactContents(model, "0" * 64, FitConfig(), {"rules": [1, 2.5, None]}, {"profile": "x"}))
    return path.read_bytes()


def state(contents: ArtifactContents[Any]) -> tuple[str, dict[str, bytes], Any]:
    tree, arrays = to_state(contents.model, KINDS)
    return (
        json.dumps(tree),
        {name: array.tobytes() for name, array in arrays.items()},
        (contents.config, contents.rules, contents.profile),
    )


def outcome(path: Path, content: bytes) -> ArtifactContents[Any] | None:
    """Load; None if refused in one sentence. Any other error, and any waste of time, fails the test."""
    path.write_bytes(content)
    started = time.process_time()
    try:
        found = load_artifact(path)
    except ArtifactError as error:
        assert "\n" not in str(error) and 20 < len(str(error)) < 600, str(error)
        found = None
    assert time.process_time() - started < SECONDS
    return found


def mutated(content: bytes, rng: random.Random) -> bytes:
    """Flip, overwrite, cut, insert, repeat or swap some bytes, often where the zip keeps its structure."""
    data = bytearray(content)
    for _ in range(rng.choice([1, 1, 1, 2, 5])):
        structure = [
            i for sign in (b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06") if (i := data.find(sign, rng.randrange(len(data) + 1))) >= 0
        ]
        at = (
            min(rng.choice(structure) + rng.randrange(50), len(data) - 1)
            if structure and rng.random() < 0.6
            else rng.randrange(len(data))
        )
        length = rng.choice([1, 1, 2, 4, 8, 100])
        action = rng.randrange(7)
        if action == 0:
            data[at] ^= 1 << rng.randrange(8)
        elif action == 1:
            data[at : at + length] = rng.randbytes(length)
        elif action == 2:
            data[at : at + length] = rng.choice([b"\xff", b"\x00"]) * length
        elif action == 3:
            del data[at : at + length]
        elif action == 4:
            data[at:at] = rng.randbytes(length)
        elif action == 5:
            data[at:at] = data[at : at + 200]
        else:
            del data[at:]
        if not data:
            return b""
    return bytes(data)


@pytest.mark.slow
def test_damaged_files(tmp_path: Path) -> None:
    """Whatever happens to its bytes, a file is refused or its model is the one that was saved."""
    content = valid(tmp_path / "valid.replica")
    wanted = state(load_artifact(tmp_path / "valid.replica"))
    rng = random.Random(20260101)
    refused = 0
    for _ in range(MUTATIONS):
        found = outcome(tmp_path / "x.replica", mutated(content, rng))
        refused += found is None
        assert found is None or state(found) == wanted
    assert refused > MUTATIONS // 2


PLAIN: list[Any] = [None, True, -1, 0, 2**70, 1e308, "", "x", "\ud800", [], {}, [[]]]
MARKED: list[Any] = [
    {"$kind": "dataset structure"},
    {"$float": "nan"},
    {"$array": "large"},
    {"$cells": [], "dtype": "<f8", "shape": [0]},
    {"$text": [], "codes": 0},
    {"$list": [1]},
    {"$dict": [["a", 1]]},
]


def forged(tree: Any, rng: random.Random) -> Any:
    """Change one random place of a JSON tree: another value, another key, a key too many or too few."""
    places: list[tuple[Any, Any]] = []

    def walk(node: Any) -> None:
        items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
        for key, item in items:
            places.append((node, key))
            walk(item)

    walk(tree)
    node, key = rng.choice(places)
    action = rng.randrange(4)
    if action == 0 and isinstance(node, dict):
        node[rng.choice(["$kind", "$array", "extra", "$", "name"])] = rng.choice(PLAIN + MARKED)
    elif action == 1:
        del node[key]
    elif action == 2:
        other, place = rng.choice(places)
        node[key] = json.loads(json.dumps(other[place]))
    else:
        node[key] = rng.choice(PLAIN + MARKED)
    return tree


@pytest.mark.slow
def test_forged_files(tmp_path: Path) -> None:
    """A file whose checksums are right is refused all the same, or holds values of the types that its classes declare."""
    valid(tmp_path / "valid.replica")
    with zipfile.ZipFile(tmp_path / "valid.replica") as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(parts.pop(MANIFEST))
    rng = random.Random(20260102)
    for _ in range(FORGERIES):
        changed = dict(parts)
        name = rng.choice(["model.json", "model.json", "model.json", "rules.json", "array", MANIFEST])
        if name == "array":
            name = rng.choice([part for part in parts if part.endswith(".npy")])
            changed[name] = mutated(parts[name], rng)
            content = pack(manifest, changed)
        elif name == MANIFEST:
            content = pack(forged(json.loads(json.dumps(manifest)), rng), parts)
        else:
            tree = forged(json.loads(parts[name]), rng)
            changed[name] = json.dumps(tree).encode()
            content = pack(manifest, changed)
        found = outcome(tmp_path / "x.replica", content)
        if found is not None:
            save_artifact(tmp_path / "again.replica", found)


def test_lies_about_sizes_cost_no_memory(tmp_path: Path) -> None:
    """Declared sizes of gigabytes, members that overlap, and arrays that claim more than they hold stay below 200 MB."""
    content = valid(tmp_path / "valid.replica")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(MANIFEST, b"[" * 3_000_000)
    attacks = [buffer.getvalue()]
    for offset in range(0, 40, 2):
        data = bytearray(content)
        at = data.find(b"PK\x01\x02")
        while at >= 0:
            data[at + 20 : at + 28] = (0xFFFFFF00 >> offset).to_bytes(4, "little") * 2
            at = data.find(b"PK\x01\x02", at + 4)
        attacks.append(bytes(data))
    tracemalloc.start()
    try:
        for attack in attacks:
            assert outcome(tmp_path / "x.replica", attack) is None
        assert tracemalloc.get_traced_memory()[1] < BYTES
    finally:
        tracemalloc.stop()
    assert sorted(os.listdir(tmp_path)) == ["valid.replica", "x.replica"]

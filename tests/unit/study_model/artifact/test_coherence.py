"""Model files that open and whose parts do not fit together: refused on reading or on sampling, in one sentence that names them."""

from __future__ import annotations

import io
import json
import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import replicator as rp
from replicator.cli import main
from replicator.errors import ArtifactError
from replicator.study_model.artifact.array_parts import array_bytes
from replicator.study_model.artifact.container import MANIFEST, json_bytes, pack
from replicator.study_model.artifact.model_file import ARRAYS, MODEL

from ....properties.blueprint import Blueprint
from ....properties.strategies import build_study

Change = Callable[[dict[str, Any]], object]


@pytest.fixture(scope="module")
def packed() -> bytes:
    return rp.fit(build_study(Blueprint(n=60)), cache=False).to_bytes()


def members(packed: bytes) -> tuple[dict[str, Any], dict[str, bytes]]:
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    return json.loads(parts.pop(MANIFEST)), parts


def forged(packed: bytes, path: Path, change: Change) -> Path:
    """The file with another model, signed again."""
    manifest, parts = members(packed)
    tree = json.loads(parts[MODEL])
    change(tree)
    path.write_bytes(pack(manifest, {**parts, MODEL: json_bytes(tree)}))
    return path


def refusal(path: Path) -> str:
    """What reading the file and sampling from it say."""
    with pytest.raises(ArtifactError) as caught:
        rp.load_model(path).sample(3)
    said = str(caught.value)
    assert said.count(path.name) == 1 and "\n" not in said and len(said) < 500, said
    return said


CHANGES: dict[str, tuple[Change, str]] = {
    "subjects below 0": (lambda tree: tree.update(n_subjects=-5), r"model\.n_subjects: a count below 0"),
    "no subjects": (lambda tree: tree.update(n_subjects=0), "learned from 0 subjects"),
    "no parts": (lambda tree: tree.update(parts={}), "0 parts and 12 agreements are of different datasets"),
    "one part less": (lambda tree: tree["parts"].pop("AE"), r"agreements are of different datasets \(AE\)"),
    "no layouts": (lambda tree: tree.update(layouts={}), "layouts and structures are of different datasets"),
    "layout of another": (
        lambda tree: tree["layouts"]["AE"].update(name="CM"),
        "structure of AE are of another dataset",
    ),
    "a path for a name": (
        lambda tree: tree["layouts"].update({"../../VS": tree["layouts"].pop("VS")}),
        r"names that no file can have \(\.\./\.\./VS\)",
    ),
    "variable renamed": (
        lambda tree: tree["layouts"]["VS"]["variables"][4].update(name="XX"),
        "layout and structure of VS differ in .*XX",
    ),
    "trait renamed": (
        lambda tree: tree["subjects"].update(numbers=["AGX"]),
        "no trait of subjects is called number AGX",
    ),
    "arm too many": (lambda tree: tree["subjects"]["arms"].append("Z"), r"lengths differ: \d arms"),
    "trait too few": (lambda tree: tree["subjects"]["joint"]["names"].pop(), "lengths differ: .* names"),
    "derivation of another": (lambda tree: tree["derivations"][0].update(dataset="ZZ"), r"datasets without a layout \(ZZ\)"),
    "share that is none": (lambda tree: tree["subjects"]["weekday"].update({"$cells": ["nan"] * 7}), "share or correlation"),
    "nested too deep": (lambda tree: tree.update(parts={"AE": nested(80)}), "nested deeper"),
}


def nested(depth: int) -> list[Any]:
    return [nested(depth - 1)] if depth else []


@pytest.mark.parametrize("name", CHANGES)
def test_what_does_not_belong_together_is_refused_on_reading(name: str, packed: bytes, tmp_path: Path) -> None:
    """Counts, names and lengths that contradict each other are named; the command line exits with 2."""
    change, words = CHANGES[name]
    path = forged(packed, tmp_path / "forged.replica", change)
    with pytest.raises(ArtifactError, match=words):
        rp.load_model(path)
    refusal(path)
    assert main(["inspect", str(path), "--quiet"]) == 2


def test_json_that_is_no_json_names_the_file_once(packed: bytes, tmp_path: Path) -> None:
    """A hundred thousand brackets are one sentence."""
    manifest, parts = members(packed)
    path = tmp_path / "deep.replica"
    path.write_bytes(pack(manifest, {**parts, MODEL: b"[" * 100_000 + b"]" * 100_000}))
    assert "model.json cannot be read" in refusal(path)


def test_arrays_of_another_shape_are_one_sentence(packed: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What only sampling shows is told as a fault of the file, with its reason, and exits with 2."""
    manifest, parts = members(packed)
    arrays = sorted(name for name in parts if name.startswith(ARRAYS))
    path, refused = tmp_path / "shapes.replica", 0
    for name in random.Random(5).sample(arrays, min(8, len(arrays))):
        path.write_bytes(pack(manifest, {**parts, name: array_bytes(np.full((2, 3, 2), np.nan))}))
        try:
            rp.load_model(path).sample(3)
        except ArtifactError as error:
            said = str(error)
            assert said.count(path.name) == 1 and "\n" not in said and not set("()") & set(said.partition(" (REPLICATOR")[0]), said
            refused += 1
            last = path.read_bytes()
    assert refused >= 6
    path.write_bytes(last)
    assert main(["sample", str(path), "-n", "3", "-o", str(tmp_path / "out"), "--quiet"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and said.count("shapes.replica") == 1 and "fault of replicator" not in said
    assert not (tmp_path / "out").exists()


def test_subjects_without_a_first_day_are_one_sentence(packed: bytes, tmp_path: Path) -> None:
    """An enrolment that is no number would make a study without a single date."""

    def dayless(tree: dict[str, Any]) -> None:
        joint = tree["subjects"]["joint"]
        trait = joint["traits"][joint["names"].index("enrolment")]
        for marginal in trait["marginals"]:
            marginal["value"]["$cells"] = ["nan"] * len(marginal["value"]["$cells"])

    assert "its parts do not fit together" in refusal(forged(packed, tmp_path / "dayless.replica", dayless))


def test_the_field_that_fails_is_named(packed: bytes, tmp_path: Path) -> None:
    """An array of another shape is told by its place in the model, and not in the words of the library that stumbled over it."""
    manifest, parts = members(packed)
    name = next(name for name in parts if name.startswith(f"{ARRAYS}subjects/joint/copula/loadings"))
    n = len(json.loads(parts[MODEL])["subjects"]["joint"]["names"])
    path = tmp_path / "copula.replica"
    path.write_bytes(pack(manifest, {**parts, name: array_bytes(np.zeros((n, 2, 3)))}))
    said = refusal(path)
    assert "subjects.joint.copula" in said and "broadcast" not in said and "Error" not in said


def test_a_model_in_memory_is_not_blamed_on_a_file(packed: bytes) -> None:
    """The model as it was saved is read and sampled; one that was fitted here names no file."""
    fitted = rp.FittedStudy.of_bytes(packed, "m.replica")
    assert fitted.origin == "m.replica" and fitted.sample(3)["DM"].n_rows == 3
    assert rp.fit(build_study(Blueprint(n=30)), cache=False).origin == ""

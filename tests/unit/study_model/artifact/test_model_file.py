"""The model file: written whole, the same bytes again, and read without trust."""

from __future__ import annotations

import hashlib
import io
import json
import os
import pickle
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from replicator.config import FitConfig
from replicator.derivations.derivation import Derivation
from replicator.errors import ArtifactError, WriteError
from replicator.study_model.artifact.array_parts import array_bytes, parse_array
from replicator.study_model.artifact.container import MANIFEST, pack
from replicator.study_model.artifact.model_file import PROTOCOL, ArtifactContents, load_artifact, save_artifact
from replicator.study_model.cache.fingerprint import study_fingerprint
from replicator.tables.dataset import Dataset, Numbers, Study, Text, Variable

KEPT = Path(__file__).resolve().parents[3] / "artifacts"


def small_study() -> Study:
    """A study that fills arrays of all kinds that files hold: some inline, some of their own."""
    columns = {"USUBJID": Text.of([f"S-{i}" for i in range(200)]), "AGE": Numbers(np.linspace(20, 80, 200))}
    variables = (Variable("USUBJID", "Subject", "char", 20), Variable("AGE", "Age", "num"))
    dm = Dataset("DM", variables, columns, "Demographics")
    return Study({"DM": dm, "AE": dm.take(np.arange(3))}, notes=("ü",))


def contents(**changes: Any) -> ArtifactContents[Study]:
    values: dict[str, Any] = {"model": small_study(), "source": "f" * 64, "config": FitConfig(k=6), "rules": {"a": [1, None]}}
    return ArtifactContents(**(values | changes))


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "m.replica"
    save_artifact(path, contents())
    return path


def rewritten(path: Path, change: Callable[[dict[str, bytes]], None], sign: bool = True) -> Path:
    """The same file with other parts; signed again, as someone with bad intent would."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    change(parts)
    manifest = json.loads(parts.pop(MANIFEST))
    if sign:
        path.write_bytes(pack(manifest, parts))
    else:
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in {MANIFEST: json.dumps(manifest).encode(), **parts}.items():
                archive.writestr(name, content)
    return path


def with_manifest(path: Path, **entries: Any) -> Path:
    def change(parts: dict[str, bytes]) -> None:
        parts[MANIFEST] = json.dumps(json.loads(parts[MANIFEST]) | entries).encode()

    return rewritten(path, change)


def test_what_is_saved_is_loaded(saved: Path) -> None:
    """Model, source, settings and rules come back equal."""
    back = load_artifact(saved, root=Study)
    assert study_fingerprint(back.model) == study_fingerprint(small_study())
    assert back.model.notes == ("ü",)
    assert (back.source, back.config, back.rules, back.profile) == ("f" * 64, FitConfig(k=6), {"a": [1, None]}, None)


def test_the_same_contents_give_the_same_bytes(saved: Path, tmp_path: Path) -> None:
    """Saved twice, or loaded and saved, the bytes are the same: no time, no order of hashes, no machine in them."""
    first = saved.read_bytes()
    save_artifact(tmp_path / "again.replica", contents())
    save_artifact(tmp_path / "loaded.replica", load_artifact(saved))
    assert (tmp_path / "again.replica").read_bytes() == (tmp_path / "loaded.replica").read_bytes() == first


def test_a_file_of_protocol_1_is_still_read() -> None:
    """The kept file of every protocol stays loadable; its contents are known."""
    back = load_artifact(KEPT / "protocol-1.replica")
    model = back.model
    assert isinstance(model, Study)
    assert model["DM"].text("USUBJID").strings().tolist() == ["S-1", "S-2", "S-3"]
    np.testing.assert_array_equal(model["DM"].numbers("AGE"), [30.5, np.nan, 99.0])
    np.testing.assert_array_equal(model["LB"].numbers("LBSTRESN"), np.arange(100) / 8)
    assert back.rules == {"derivations": 1} and back.profile is None and back.config == FitConfig()


def test_nothing_is_left_when_writing_fails(tmp_path: Path) -> None:
    """A folder that is not there gives one sentence; a model that cannot be kept leaves the old file as it was."""
    with pytest.raises(WriteError, match="cannot be written"):
        save_artifact(tmp_path / "missing" / "m.replica", contents())
    path = tmp_path / "m.replica"
    path.write_bytes(b"old")
    with pytest.raises(ArtifactError, match=r"model\.parameters\.x: a complex cannot be kept"):
        save_artifact(path, contents(model=Derivation("DM", "X", "r", (), {"x": 1j})))
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["m.replica"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_one_sentence(tmp_path: Path) -> None:
    """Permission denied is our error, and names the file."""
    tmp_path.chmod(0o500)
    with pytest.raises(WriteError, match=r"m\.replica: cannot be written \(Permission denied\)"):
        save_artifact(tmp_path / "m.replica", contents())


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "not a model file, or damaged"),
        (b"PK\x03\x04", "not a model file, or damaged"),
        (b"USUBJID,AGE\nS-1,3\n", "not a model file, or damaged"),
        (pickle.dumps({"a": 1}), "not a model file, or damaged"),
    ],
)
def test_foreign_files(tmp_path: Path, content: bytes, sentence: str) -> None:
    """Empty files, texts and pickles are no model files."""
    path = tmp_path / "x.replica"
    path.write_bytes(content)
    with pytest.raises(ArtifactError, match=sentence):
        load_artifact(path)


def test_missing_files_and_folders(tmp_path: Path) -> None:
    """The message says what is wrong with the path."""
    with pytest.raises(ArtifactError, match="there is no such file"):
        load_artifact(tmp_path / "none.replica")
    with pytest.raises(ArtifactError, match="a folder and not a model file"):
        load_artifact(tmp_path)


def test_foreign_zips(tmp_path: Path) -> None:
    """Another program's zip, an empty one, and one with a manifest of its own."""
    path = tmp_path / "x.replica"
    for members in ({}, {"word/document.xml": b"<x/>"}, {MANIFEST: b"{}"}, {MANIFEST: b"[]"}, {MANIFEST: b'{"parts": {}}'}):
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        with pytest.raises(ArtifactError):
            load_artifact(path)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_truncated_files(saved: Path, share: float) -> None:
    """A file cut anywhere is damaged."""
    content = saved.read_bytes()
    saved.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(ArtifactError, match="damaged"):
        load_artifact(saved)


def test_a_newer_protocol_asks_for_an_update(saved: Path) -> None:
    """The sentence names both versions."""
    with_manifest(saved, protocol=PROTOCOL + 1, version="9.1")
    with pytest.raises(ArtifactError, match=rf"written by version 9\.1 in protocol {PROTOCOL + 1}.*update the package"):
        load_artifact(saved)


@pytest.mark.parametrize(
    "entries",
    [
        {"protocol": 0},
        {"protocol": "1"},
        {"protocol": True},
        {"format": "x"},
        {"version": 3},
        {"source": None},
        {"config": 1},
        {"config": {"k": -3}},
    ],
)
def test_a_manifest_with_other_values_is_refused(saved: Path, entries: dict[str, Any]) -> None:
    """Every field of the manifest is checked."""
    with pytest.raises(ArtifactError):
        load_artifact(with_manifest(saved, **entries))


def test_a_changed_part_is_noticed(saved: Path) -> None:
    """A part that was changed without the manifest knowing is named."""

    def change(parts: dict[str, bytes]) -> None:
        parts["rules.json"] = parts["rules.json"].replace(b"1", b"2")

    with pytest.raises(ArtifactError, match=r"rules\.json was changed after the file was written"):
        load_artifact(rewritten(saved, change, sign=False))


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/etc/passwd", "a/../b.npy", "a\\b", "arrays//x.npy", "C:/x", "arrays/./x.npy", "ü.npy", "x" * 500]
)
def test_names_that_leave_the_folder_are_refused(saved: Path, name: str) -> None:
    """Nothing is ever unpacked to disk, and such names are refused all the same."""
    with pytest.raises(ArtifactError, match="has a name that model files do not hold"):
        load_artifact(rewritten(saved, lambda parts: parts.update({name: b"x"})))


def test_members_that_model_files_do_not_hold_are_refused(saved: Path) -> None:
    """A script among the parts is refused even if the manifest lists it."""
    with pytest.raises(ArtifactError, match=r"holds setup\.py, which model files do not"):
        load_artifact(rewritten(saved, lambda parts: parts.update({"setup.py": b"x"})))


def test_a_name_twice_is_refused(tmp_path: Path) -> None:
    """Two members of one name could show one reader this and another that."""
    path = tmp_path / "x.replica"
    with zipfile.ZipFile(path, "w") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr(MANIFEST, b"{}")
        archive.writestr(MANIFEST, b"{}")
    with pytest.raises(ArtifactError, match="two members of one name"):
        load_artifact(path)


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    """A small file that would unpack to 300 MB is refused at once."""
    path = tmp_path / "x.replica"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("arrays/x.npy", "w", force_zip64=True) as member:
            for _ in range(30):
                member.write(bytes(10_000_000))
        archive.writestr(MANIFEST, b"{}")
    started = time.process_time()
    with pytest.raises(ArtifactError, match="would unpack to 3000000"):
        load_artifact(path)
    assert time.process_time() - started < 0.5


def test_too_many_members_are_refused(tmp_path: Path) -> None:
    """Thousands of empty members cost memory before any is read."""
    path = tmp_path / "x.replica"
    with zipfile.ZipFile(path, "w") as archive:
        for i in range(20_001):
            archive.writestr(f"a{i}", b"")
    with pytest.raises(ArtifactError, match="20,001 members are more than a model file may hold"):
        load_artifact(path)


class _Trap:
    def __reduce__(self) -> tuple[Callable[[str], Any], tuple[str]]:
        return (os.mkdir, ("trap-was-sprung",))


def test_a_pickled_array_is_refused_and_not_run(saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An array of objects is a pickle; loading one would run what its sender likes."""
    monkeypatch.chdir(tmp_path)
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.array([_Trap()], dtype=object), version=(1, 0), allow_pickle=True)

    def change(parts: dict[str, bytes]) -> None:
        name = next(name for name in parts if name.endswith(".npy"))
        parts[name] = buffer.getvalue()

    with pytest.raises(ArtifactError, match="is no safe array"):
        load_artifact(rewritten(saved, change))
    assert not (tmp_path / "trap-was-sprung").exists()


def _header(text: str, body: bytes = b"") -> bytes:
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode() + body


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x93NUMPY\x02\x00",
        b"\x93NUMPY\x01\x00\x10",
        _header("{"),
        _header("__import__('os').system('x')"),
        _header("{'descr': '<f8', 'fortran_order': False, 'shape': (2,)}", bytes(8)),
        _header("{'descr': '<f8', 'fortran_order': False, 'shape': (1,)}", bytes(9)),
        _header("{'descr': '<f8', 'fortran_order': True, 'shape': (1,)}", bytes(8)),
        _header("{'descr': '<f8', 'fortran_order': False, 'shape': (-1,)}", bytes(8)),
        _header("{'descr': '<f8', 'fortran_order': False, 'shape': (10**9,10**9)}", bytes(8)),
        _header("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000, 1000000000)}", bytes(8)),
        _header("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", bytes(8)),
        _header("{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1,)}", bytes(8)),
        _header("{'descr': '|b1', 'fortran_order': False, 'shape': (1,)}", b"\x07"),
        _header("{'descr': '<U4', 'fortran_order': False, 'shape': (1,)}", bytes(16)),
        _header("[" * 900),
    ],
)
def test_unsafe_array_headers(content: bytes) -> None:
    """Objects, records, texts, other orders, and sizes that do not fit are refused; the header is never run."""
    with pytest.raises(ArtifactError, match="is no safe array"):
        parse_array(content, "m.replica", "x.npy")


def test_arrays_are_standard_files() -> None:
    """What we write, NumPy reads, and the other way round."""
    array = np.arange(12.0).reshape(3, 4)
    assert np.load(io.BytesIO(array_bytes(array)), allow_pickle=False).tolist() == array.tolist()
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    assert parse_array(buffer.getvalue(), "m", "x").tolist() == array.tolist()


@pytest.mark.parametrize(
    "tree", [b"{", b"NaN", b'{"$kind": "study"}', b"[" * 5000, b"\xff\xfe", b'{"a": ' + b"9" * 5000 + b"}", b""]
)
def test_a_signed_model_with_another_tree_is_refused(saved: Path, tree: bytes) -> None:
    """Even with right checksums, the tree is checked before anything is built from it."""
    with pytest.raises(ArtifactError):
        load_artifact(rewritten(saved, lambda parts: parts.update({"model.json": tree})), root=Study)


def test_another_root_is_refused(saved: Path) -> None:
    """A file that holds something else than was asked for is named as such."""
    with pytest.raises(ArtifactError, match="holds a Study and not a Derivation"):
        load_artifact(saved, root=Derivation)


def test_every_part_is_listed_with_its_checksum(saved: Path) -> None:
    """An auditor can check a file with nothing but a zip program and sha256."""
    with zipfile.ZipFile(saved) as archive:
        manifest = json.loads(archive.read(MANIFEST))
        assert manifest["protocol"] == PROTOCOL and manifest["config"]["k"] == 6
        for name, entry in manifest["parts"].items():
            content = archive.read(name)
            assert (len(content), hashlib.sha256(content).hexdigest()) == (entry["bytes"], entry["sha256"])
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}

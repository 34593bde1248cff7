"""The cache of results by content."""

from __future__ import annotations

import json
import multiprocessing
import os
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replicator.config import FitConfig
from replicator.derivations.derivation import Derivation
from replicator.errors import ArtifactError, ConfigError
from replicator.log import configure
from replicator.study_model.cache.fingerprint import dataset_fingerprint, study_fingerprint
from replicator.study_model.cache.keys import cache_key
from replicator.study_model.cache.results import Cache
from replicator.tables.dataset import CodelistTerm, Dataset, Numbers, Study, Text

KEY = cache_key("part LB", ["data"], FitConfig())
VALUE = Derivation("LB", "LBDY", "study_day", ("LB.LBDTC",), {"share": 0.5}, 10, 9)


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


def lab() -> Dataset:
    frame = pd.DataFrame({"USUBJID": ["S-1", "S-2", None], "LBSTRESN": [1.5, np.nan, 0.0], "LBSTRESC": ["1.5", "NA", ""]})
    return Dataset.from_frame("LB", frame, "Laboratory", {"LBSTRESN": "Result"})


def test_a_miss_then_a_hit(cache: Cache) -> None:
    """What was put comes back; what was not does not."""
    assert cache.get("part LB", KEY) is None
    cache.put("part LB", KEY, VALUE)
    assert cache.get("part LB", KEY) == VALUE
    assert cache.get("part VS", KEY) is None
    assert (cache.hits, cache.misses) == (1, 2)


def test_results_are_computed_once(cache: Cache) -> None:
    """The second time, nothing is computed."""
    calls = []

    def compute() -> Derivation:
        calls.append(1)
        return VALUE

    assert cache.remembered("fit", KEY, compute) == cache.remembered("fit", KEY, compute) == VALUE
    assert calls == [1]


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "foreign", "other entry"])
def test_damaged_entries_are_removed_and_never_trusted(cache: Cache, damage: str) -> None:
    """Whatever happened to the file, it is a miss; a new result takes its place."""
    cache.put("fit", KEY, VALUE)
    other = cache_key("fit", ["other data"])
    cache.put("fit", other, replace(VALUE, target="X"))
    path = next(entry.path for entry in cache.entries() if entry.key == KEY)
    content = bytearray(path.read_bytes())
    if damage == "flipped":
        content[len(content) // 3] ^= 0xFF
    damaged = {
        "cut": bytes(content[:-40]),
        "flipped": bytes(content),
        "empty": b"",
        "foreign": b"hello",
        "other entry": next(entry.path for entry in cache.entries() if entry.key == other).read_bytes(),
    }
    path.write_bytes(damaged[damage])
    assert cache.get("fit", KEY) is None
    assert not path.exists()
    cache.put("fit", KEY, VALUE)
    assert cache.get("fit", KEY) == VALUE


def test_keys_depend_on_all_that_a_result_depends_on() -> None:
    """Another stage, other data, another setting or anything more: another key; the same again: the same key."""
    keys = [
        cache_key("a", ["d"], FitConfig()),
        cache_key("b", ["d"], FitConfig()),
        cache_key("a", ["e"], FitConfig()),
        cache_key("a", ["d", "e"], FitConfig()),
        cache_key("a", ["d"], FitConfig(k=6)),
        cache_key("a", ["d"]),
        cache_key("a", ["d"], FitConfig(), {"more": 1}),
    ]
    assert len(set(keys)) == len(keys)
    assert cache_key("a", ["d"], FitConfig()) == keys[0]


@pytest.mark.parametrize("key", ["", "abc", "../" * 20, "G" * 64])
def test_a_key_that_is_none_is_refused(cache: Cache, key: str) -> None:
    """Names of files are never made from what a caller likes."""
    with pytest.raises(ConfigError, match="is no name of an entry"):
        cache.get("fit", key)


def test_what_cannot_be_kept_is_an_error_and_leaves_nothing(cache: Cache) -> None:
    """A result that holds an object of no known kind is a fault of ours and not of the disk."""
    with pytest.raises(ArtifactError, match="cannot be kept"):
        cache.put("fit", KEY, object())
    assert cache.entries() == []


def test_an_unwritable_folder_is_no_error(tmp_path: Path) -> None:
    """Without a place to write, everything is computed anew and the work goes on."""
    (tmp_path / "file").write_text("")
    cache = Cache(tmp_path / "file" / "cache")
    cache.put("fit", KEY, VALUE)
    assert cache.get("fit", KEY) is None and cache.entries() == [] and cache.clear() == 0


def test_the_environment_names_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """REPLICATOR_CACHE moves the cache elsewhere."""
    monkeypatch.setenv("REPLICATOR_CACHE", str(tmp_path / "here"))
    assert Cache().folder == tmp_path / "here"


def _aged(cache: Cache, days: dict[str, float]) -> dict[str, str]:
    """Entries that were last used so many days ago, by name."""
    keys = {name: cache_key(name, []) for name in days}
    for name, age in days.items():
        cache.put("fit", keys[name], VALUE)
        path = next(entry.path for entry in cache.entries() if entry.key == keys[name])
        os.utime(path, (time.time() - age * 86400,) * 2)
    return keys


def test_pruning_by_age_and_by_size(cache: Cache) -> None:
    """Old entries go first, then the longest unused until the rest fits."""
    keys = _aged(cache, {"new": 0, "week": 7, "month": 31, "year": 365})
    assert [entry.key for entry in cache.entries()] == [keys[name] for name in ("new", "week", "month", "year")]
    assert cache.prune(max_age_days=100) == 1
    size = cache.entries()[0].size
    assert cache.prune(max_age_days=100, max_bytes=2 * size + 100) == 1
    assert {entry.key for entry in cache.entries()} == {keys["new"], keys["week"]}


def test_use_keeps_an_entry_young(cache: Cache) -> None:
    """A hit counts as use."""
    keys = _aged(cache, {"old": 300})
    cache.get("fit", keys["old"])
    assert cache.prune(max_age_days=1) == 0


def test_clearing_leaves_foreign_files(cache: Cache) -> None:
    """Only entries, and what dead processes left of them, are removed."""
    _aged(cache, {"a": 0, "b": 1})
    (cache.folder / "notes.txt").write_text("mine")
    (cache.folder / f".fit.{KEY}.entry.x1.part").write_text("left over")
    assert cache.clear() == 2
    assert os.listdir(cache.folder) == ["notes.txt"]


def _hammer(folder: str, n: int) -> bool:
    cache = Cache(Path(folder))
    good = True
    for i in range(n):
        key = cache_key("shared", [str(i % 5)])
        cache.put("fit", key, VALUE)
        found = cache.get("fit", key)
        good &= found is None or found == VALUE
    return good


def test_two_processes_at_once(tmp_path: Path) -> None:
    """Two processes write and read the same entries; neither ever sees half of one."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(2) as pool:
        assert pool.starmap(_hammer, [(str(tmp_path), 60)] * 2) == [True, True]
    assert len(Cache(tmp_path).entries()) == 5
    assert not [name for name in os.listdir(tmp_path) if name.endswith(".part")]


def test_hits_and_misses_are_logged(cache: Cache, tmp_path: Path) -> None:
    """Each look-up is one line with stage, bytes and seconds."""
    configure(tmp_path / "log.jsonl")
    try:
        cache.get("fit", KEY)
        cache.put("fit", KEY, VALUE)
        cache.get("fit", KEY)
    finally:
        configure()
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["event"] for line in lines] == ["cache miss", "cache put", "cache hit"]
    assert lines[2]["bytes"] > 100 and lines[2]["seconds"] >= 0 and lines[2]["stage"] == "fit"


def test_fingerprints_see_values_and_metadata() -> None:
    """One cell, one label, one length, one name, one row: another fingerprint."""
    base = lab()
    variable = base.variable("LBSTRESN")
    others = [
        base.with_column(variable, Numbers(np.array([1.5, np.nan, 1e-300]))),
        base.with_column(replace(variable, label="Other"), base["LBSTRESN"]),
        base.with_column(replace(variable, length=8), base["LBSTRESN"]),
        base.take(np.array([1, 0, 2])),
        base.take(np.array([0, 1])),
        replace(base, name="VS"),
        replace(base, label=""),
        base.without("LBSTRESC"),
        base.with_column(base.variable("LBSTRESC"), Text.of(["1.5", "NA", "NA"])),
    ]
    prints = [dataset_fingerprint(dataset) for dataset in (base, *others)]
    assert len(set(prints)) == len(prints)


def test_fingerprints_do_not_see_how_data_were_read() -> None:
    """Order of files, of levels, unused levels, bits of NaN and the sign of zero make no difference."""
    base, other = lab(), replace(lab(), name="VS")
    text = base.text("LBSTRESC")
    turned = Text(
        np.where(text.codes >= 0, len(text.levels) - text.codes, -1).astype(np.int32),
        np.array(["unused", *text.levels[::-1]], object),
    )
    odd_nan = np.array([0x7FF8000000000001], np.uint64).view(np.float64)[0]
    same = base.with_column(base.variable("LBSTRESC"), turned).with_column(
        base.variable("LBSTRESN"), Numbers(np.array([1.5, odd_nan, -0.0]))
    )
    assert dataset_fingerprint(same) == dataset_fingerprint(base)
    first, second = Study({"LB": base, "VS": other}), Study({"VS": other, "LB": same}, notes=("read from elsewhere",))
    assert study_fingerprint(first) == study_fingerprint(second)
    assert study_fingerprint(first) != study_fingerprint(replace(first, codelists={"NY": (CodelistTerm("Y"),)}))


@given(
    st.lists(st.none() | st.text(min_size=1, max_size=3), max_size=30),
    st.lists(st.none() | st.text(min_size=1, max_size=3), max_size=30),
)
@settings(max_examples=100)
def test_equal_columns_and_only_they_share_a_fingerprint(left: list[str | None], right: list[str | None]) -> None:
    """The fingerprint of a text column says whether the texts are equal."""

    def fingerprint(values: list[str | None]) -> str:
        base = Dataset.from_frame("XX", pd.DataFrame({"A": np.zeros(len(values))}))
        return dataset_fingerprint(base.with_column(replace(base.variable("A"), type="char"), Text.of(values)))

    assert (fingerprint(left) == fingerprint(right)) == (left == right)

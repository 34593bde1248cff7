"""Every verb on a small study: what it prints, what it writes, how it exits."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import replicator as rp
from replicator.cli import main

from .conftest import small_study, write_tables


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small study, its model and a sample."""
    folder = tmp_path_factory.mktemp("verbs")
    write_tables(folder / "study", small_study(60))
    assert main(["fit", str(folder / "study"), "-o", str(folder / "m.replica"), "--quiet"]) == 0
    assert main(["sample", str(folder / "m.replica"), "-n", "40", "-o", str(folder / "out"), "--quiet"]) == 0
    return folder


def test_profile_is_shown_kept_and_compared(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The terminal shows it, JSON keeps it, HTML needs no network, and a kept one compares with data and with a model."""
    kept, page = place / "profile.json", place / "profile.html"
    assert main(["profile", str(place / "study"), "--json", str(kept), "--html", str(page)]) == 0
    shown = capsys.readouterr().out
    assert "TOY" in shown
    assert f"report: {kept}" in shown
    assert rp.StudyProfile.from_json(kept.read_text(encoding="utf-8")).n_subjects == 60
    assert page.read_text(encoding="utf-8").lstrip().lower().startswith("<!doctype html>")
    for other in (place / "out", place / "m.replica", kept):
        assert main(["profile", str(kept), "--compare", str(other)]) == 0
    assert capsys.readouterr().out


def test_validate_exits_with_1_for_findings(place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Data that break a rule are named, with rule, place and remedy, and the exit code is 1."""
    tables = small_study(30)
    tables["ae"][0]["AESTDTC"] = "2014-02-30"
    report = tmp_path / "report.json"
    assert main(["validate", str(write_tables(tmp_path / "study", tables)), "--json", str(report)]) == 1
    assert "AESTDTC" in capsys.readouterr().out
    findings = json.loads(report.read_text(encoding="utf-8"))["findings"]
    assert any(found["variable"] == "AESTDTC" and found["values"] == ["2014-02-30"] for found in findings)


def test_validate_against_a_model_shows_both_sides(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The source against its own model is as good as itself; a faulty sample is not."""
    assert main(["validate", str(place / "study"), "--against", str(place / "m.replica")]) == 0
    tables = small_study(30)
    for row in tables["vs"]:
        row["VSTESTCD"] = "TEMP"
    faulty = write_tables(place / "faulty", tables)
    assert main(["validate", str(faulty), "--against", str(place / "m.replica")]) == 1
    assert "VS.VSTESTCD" in capsys.readouterr().out


def test_inspect_says_what_the_model_holds(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In words, and as JSON with all texts."""
    held = place / "held.json"
    assert main(["inspect", str(place / "m.replica"), "--json", str(held)]) == 0
    shown = capsys.readouterr().out
    assert "60 subjects" in shown
    assert "fewer than 5 subjects" in shown
    assert {part["name"] for part in json.loads(held.read_text(encoding="utf-8"))["parts"]} >= {"subjects", "VS", "AE"}


def test_a_part_of_the_subjects_is_learned_from(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Halves know different subjects and all of them; each is found again in the cache, and a study at hand gives the same."""
    n_learned = []
    for part in ("1/2", "2/2"):
        said = []
        for again in ("a", "b"):
            out = place / f"half{part[0]}{again}.replica"
            assert main(["fit", str(place / "study"), "-o", str(out), "--part", part]) == 0
            said.append(capsys.readouterr().out.splitlines()[0])
        half = rp.load_model(out)
        n_learned.append(half.model.n_subjects)
        assert said[0] == said[1] == half.headline()
        assert f"{n_learned[-1]} subjects (part {part} of all)" in said[0]
        at_hand = rp.fit(rp.read_study(place / "study"), part=part, cache=False)
        assert at_hand.sample(5, seed=1)["VS"].to_frame().equals(half.sample(5, seed=1)["VS"].to_frame())
    assert sum(n_learned) == 60 and min(n_learned) > 15
    for wrong in ("3/2", "half"):
        assert main(["fit", str(place / "study"), "-o", str(place / "no.replica"), "--part", wrong]) == 2
        assert "write the first of ten as 1/10" in capsys.readouterr().err
    assert not (place / "no.replica").exists()


def test_the_cache_is_listed_and_emptied(place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A fit leaves entries; list names them, prune removes the old ones, clear all."""
    monkeypatch.setenv("REPLICATOR_CACHE", str(place / "own cache"))
    assert main(["fit", str(place / "study"), "-o", str(place / "again.replica"), "--quiet"]) == 0
    assert (place / "again.replica").read_bytes() == (place / "m.replica").read_bytes()
    for call, words in (
        (["cache", "list"], ("model", "part_VS", "5 entries")),
        (["cache", "prune", "--days", "1"], ("removed 0 entries",)),
        (["cache", "prune", "--megabytes", "0"], ("removed 5 entries",)),
        (["cache", "clear"], ("removed 0 entries",)),
    ):
        assert main(call) == 0
        shown = capsys.readouterr().out
        assert all(word in shown for word in words), (call, shown)


def test_without_the_cache_the_model_is_the_same(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """--no-cache neither reads nor writes, and gives the same bytes."""
    monkeypatch.setenv("REPLICATOR_CACHE", str(tmp_path / "none"))
    assert main(["fit", str(place / "study"), "-o", str(tmp_path / "m.replica"), "--no-cache", "--quiet"]) == 0
    assert (tmp_path / "m.replica").read_bytes() == (place / "m.replica").read_bytes()
    assert not (tmp_path / "none").exists()


def test_quiet_prints_nothing_and_logs_say_all(place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--quiet is silent; --log-json has the request, the steps with their times and memory, and cache hits."""
    log = tmp_path / "log.jsonl"
    call = ["fit", str(place / "study"), "-o", str(tmp_path / "m.replica"), "--quiet", "--log-json", str(log)]
    assert main(call) == 0
    assert main([*call, "--overwrite"]) == 0
    assert main([*call, "--overwrite", "--k", "0"]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    events = [line["event"] for line in lines]
    assert {"request", "cache hit", "former fit", "save model"} <= set(events)
    fit = next(line for line in lines if line["event"] == "former fit")
    assert {"seconds", "cpu_seconds", "peak_bytes"} <= set(fit) and fit["cached"]


def test_memory_and_disk_hold_the_same_sample(place: Path, tmp_path: Path) -> None:
    """What is written chunk by chunk is what the sampler gives at once, also over more than one chunk."""
    model = rp.load_model(place / "m.replica")
    written = model.write_sample(tmp_path / "out", 1200, seed=9)
    study = model.sample(1200, seed=9)
    assert written.n_rows == sum(dataset.n_rows for dataset in study.datasets.values())
    again = rp.read_study(tmp_path / "out")
    for name, dataset in study.datasets.items():
        assert again[name].to_frame().equals(dataset.to_frame()), name


def test_a_second_fit_loads_no_library_that_reads_or_learns(tmp_path: Path) -> None:
    """It copies the model file of the first fit, bytes and notes alike; another setting is another fit."""
    source = write_tables(tmp_path / "study", small_study(20))
    environment = {**os.environ, "REPLICATOR_CACHE": str(tmp_path / "cache")}
    code = (
        "import sys; from replicator.cli import main; assert main(sys.argv[1:]) == 0;"
        "print(sorted({'numpy', 'pandas', 'pyarrow', 'scipy', 'sklearn'} & set(sys.modules)))"
    )
    shown, made = [], []
    for k in ("5", "5", "4"):
        call = ["fit", str(source), "-o", str(tmp_path / f"{len(made)}.replica"), "--k", k]
        done = subprocess.run([sys.executable, "-c", code, *call], capture_output=True, text=True, env=environment)
        assert done.returncode == 0, done.stderr
        *lines, _, loaded = done.stdout.splitlines()
        shown.append((lines, loaded == "[]"))
        made.append((tmp_path / f"{len(made)}.replica").read_bytes())
    assert [light for _, light in shown] == [False, True, False]
    assert shown[0][0] == shown[1][0]
    assert made[0] == made[1] != made[2]

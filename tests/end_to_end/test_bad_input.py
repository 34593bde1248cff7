"""Bad input: one clear sentence, exit 2, nothing half written; good but odd input: it goes on and says what it cannot learn."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from replicator.cli import main

from .conftest import Tables, small_study, write_tables


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of a small study."""
    place = tmp_path_factory.mktemp("small")
    assert main(["fit", str(write_tables(place / "study", small_study(60))), "-o", str(place / "m.replica"), "--quiet"]) == 0
    return place / "m.replica"


def refused(arguments: list[str | Path], capsys: pytest.CaptureFixture[str]) -> str:
    """Run a command that must be refused; return its one sentence."""
    capsys.readouterr()
    assert main([str(argument) for argument in arguments]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.count("\n") == 1
    assert "Traceback" not in shown.err
    assert "fault of replicator" not in shown.err
    return shown.err


def without(tables: Tables, variable: str) -> Tables:
    return {name: [{key: row[key] for key in row if key != variable} for row in rows] for name, rows in tables.items()}


def bad_empty_folder(folder: Path) -> None:
    folder.mkdir()


def bad_no_subject(folder: Path) -> None:
    write_tables(folder, without(without(small_study(10), "USUBJID"), "SUBJID"))


def bad_zero_bytes(folder: Path) -> None:
    (write_tables(folder, small_study(10)) / "lb.xpt").write_bytes(b"")


def bad_page_named_xpt(folder: Path) -> None:
    (write_tables(folder, small_study(10)) / "lb.xpt").write_bytes(b"<!DOCTYPE html><html><body>404</body></html>")


def bad_page_named_csv(folder: Path) -> None:
    (write_tables(folder, small_study(10)) / "lb.csv").write_bytes(b"\n<!DOCTYPE html><html>\n<body>404, not found</body>\n</html>")


def bad_duplicate_columns(folder: Path) -> None:
    (write_tables(folder, small_study(10)) / "lb.csv").write_text("USUBJID,LBSEQ,LBSEQ\nTOY-00-0001,1,1\n")


def bad_two_files_one_dataset(folder: Path) -> None:
    write_tables(folder, small_study(10))
    (folder / "DM.tsv").write_text((folder / "dm.csv").read_text().replace(",", "\t"))


def bad_no_rows_at_all(folder: Path) -> None:
    folder.mkdir()
    (folder / "dm.csv").write_text("STUDYID,DOMAIN,USUBJID,ARM\n")


def bad_ragged_rows(folder: Path) -> None:
    (write_tables(folder, small_study(10)) / "lb.csv").write_text("USUBJID,LBSEQ\nTOY-00-0001,1,9,9\n")


def bad_zip_that_climbs(folder: Path) -> None:
    with zipfile.ZipFile(folder, "w") as archive:
        archive.writestr("../dm.csv", "USUBJID\nA\n")


BAD = {function.__name__: function for function in list(globals().values()) if getattr(function, "__name__", "").startswith("bad_")}


@pytest.mark.parametrize("name", sorted(BAD))
@pytest.mark.parametrize("verb", ["fit", "profile", "validate"])
def test_bad_studies_are_refused(verb: str, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever is wrong with a study, each verb says so in one sentence and writes nothing."""
    source = tmp_path / "study"
    BAD[name](source)
    out = tmp_path / "out"
    out.mkdir()
    option = {"fit": "-o", "profile": "--json", "validate": "--json"}[verb]
    refused([verb, source, option, out / "result"], capsys)
    assert list(out.iterdir()) == []


def few_rows(tables: Tables) -> Tables:
    return {**tables, "vs": tables["vs"][:1]}


def one_domain(tables: Tables) -> Tables:
    return {"vs": tables["vs"]}


def column_all_empty(tables: Tables) -> Tables:
    return {**tables, "ae": [{**row, "AEBODSYS": ""} for row in tables["ae"]]}


def column_all_different(tables: Tables) -> Tables:
    return {**tables, "ae": [{**row, "AEREFID": f"R{i:05d}"} for i, row in enumerate(tables["ae"])]}


def mixed_types(tables: Tables) -> Tables:
    return {
        **tables,
        "vs": [{**row, "VSORRES": "NOT DONE" if i % 7 == 0 else row["VSORRES"]} for i, row in enumerate(tables["vs"])],
    }


def non_ascii(tables: Tables) -> Tables:
    return {**tables, "ae": [{**row, "AETERM": "Übelkeit · 吐き気"} for row in tables["ae"]]}


@pytest.mark.parametrize("n", [1, 2, 20])
@pytest.mark.parametrize("change", [None, few_rows, one_domain, column_all_empty, column_all_different, mixed_types, non_ascii])
def test_odd_studies_go_all_the_way(
    n: int, change: Callable[[Tables], Tables] | None, write_study: Callable[[Tables], Path], tmp_path: Path
) -> None:
    """One subject or twenty, one domain alone, odd columns: fit, sample and validate run."""
    tables = small_study(n + 1)
    tables = {name: [row for row in rows if not row["USUBJID"].endswith(f"{n:04d}")] for name, rows in tables.items()}
    tables = {name: rows for name, rows in (change(tables) if change else tables).items() if rows}
    model, out = tmp_path / "m.replica", tmp_path / "out"
    assert main(["fit", str(write_study(tables)), "-o", str(model), "--quiet"]) == 0
    assert main(["sample", str(model), "-n", "30", "-o", str(out), "--quiet"]) == 0
    assert {path.stem for path in out.glob("*.csv")} == set(tables)
    assert main(["validate", str(out), "--against", str(model), "--quiet"]) == 0


def test_a_dataset_without_rows_is_kept(write_study: Callable[[Tables], Path], tmp_path: Path) -> None:
    """A dataset that has columns but no rows comes back with its columns and no rows."""
    source = write_study(small_study(20))
    (source / "ce.csv").write_text("STUDYID,DOMAIN,USUBJID,CETERM\n")
    model, out = tmp_path / "m.replica", tmp_path / "out"
    assert main(["fit", str(source), "-o", str(model), "--quiet"]) == 0
    assert main(["sample", str(model), "-n", "5", "-o", str(out), "--quiet"]) == 0
    assert (out / "ce.csv").read_text().split() == ["STUDYID,DOMAIN,USUBJID,CETERM"]


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (["--arm", "Dose X=5"], "Dose X"),
        (["-n", "5", "--where", "SEX=Q"], "--where"),
        (["-n", "5", "--where", "AGE>900"], "--where"),
        (["-n", "5", "--where", "NOSUCH=1"], "NOSUCH"),
        (["-n", "5", "--where", "SEX"], "'SEX'"),
        (["-n", "5", "--domains", "DM,ZZ"], "ZZ"),
        (["-n", "5", "--domains", ","], "--domains"),
    ],
)
def test_requests_that_cannot_be_met(
    options: list[str], word: str, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An unknown arm, variable or dataset and a condition that no subject meets are named, and nothing is written."""
    assert word in refused(["sample", model, "-o", tmp_path / "out", *options], capsys)
    assert list(tmp_path.iterdir()) == []


def test_targets_are_not_overwritten(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder that is not empty and a model file that is there need --overwrite; foreign files are never removed."""
    mine = tmp_path / "out" / "mine.txt"
    mine.parent.mkdir()
    mine.write_text("keep me")
    call = ["sample", str(model), "-n", "3", "-o", str(mine.parent), "--quiet"]
    assert "overwrite" in refused(list(call), capsys)
    assert [path.name for path in mine.parent.iterdir()] == ["mine.txt"]
    assert main([*call, "--overwrite"]) == 0
    assert main([*call, "--overwrite"]) == 0
    assert mine.read_text() == "keep me"
    source = write_tables(tmp_path / "study", small_study(20))
    assert "--overwrite" in refused(["fit", source, "-o", model], capsys)


def test_unwritable_targets(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A target below a file cannot be made: one sentence."""
    (tmp_path / "file").write_text("x")
    refused(["sample", model, "-n", "3", "-o", tmp_path / "file" / "out"], capsys)
    source = write_tables(tmp_path / "study", small_study(20))
    refused(["fit", source, "-o", tmp_path / "file" / "m.replica"], capsys)
    refused(["fit", source, "-o", tmp_path / "no" / "such" / "folder" / "m.replica"], capsys)
    refused(["profile", source, "--json", tmp_path / "file" / "p.json"], capsys)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_under_the_log_does_not_stop_the_work(write_study: Callable[[Tables], Path]) -> None:
    """Log lines that can no longer be written are given up; the command does its work."""
    assert main(["profile", str(write_study(small_study(20))), "--quiet", "--log-json", "/dev/full"]) == 0


@pytest.mark.parametrize("format", ["csv", "xpt", "parquet", "json"])
def test_a_full_disk_leaves_nothing_half_written(format: str, model: Path, tmp_path: Path) -> None:
    """Where the system takes no more bytes (here: a limit on the size of files), one sentence says so and what can be done."""
    program = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000));"
        "from replicator.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    call = [sys.executable, "-c", program, "sample", str(model), "-n", "3000", "--format", format, "-o", str(tmp_path / "out")]
    done = subprocess.run(call, capture_output=True, text=True)
    assert done.returncode == 2, done.stderr
    assert done.stderr.count("\n") == 1
    assert "cannot be written" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ([".out.unfinished"] if "--resume" in done.stderr else [])


@pytest.mark.parametrize("damage", ["missing", "empty", "text", "truncated", "foreign zip", "flipped"])
def test_model_files_that_cannot_be_read(damage: str, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A missing, damaged or foreign model file is one sentence for each verb that takes one."""
    bad, whole = tmp_path / "bad.replica", model.read_bytes()
    contents = {"empty": b"", "text": b"hello", "truncated": whole[: len(whole) // 2]}
    if damage in contents:
        bad.write_bytes(contents[damage])
    elif damage == "foreign zip":
        with zipfile.ZipFile(bad, "w") as archive:
            archive.writestr("hello.txt", "hello")
    elif damage == "flipped":
        middle = len(whole) // 2
        bad.write_bytes(whole[:middle] + bytes(byte ^ 0xFF for byte in whole[middle : middle + 64]) + whole[middle + 64 :])
    source = write_tables(tmp_path / "study", small_study(5))
    for call in (["inspect", bad], ["sample", bad, "-n", "3", "-o", tmp_path / "out"], ["validate", source, "--against", bad]):
        assert "bad.replica" in refused(list(call), capsys)
    assert not (tmp_path / "out").exists()


def test_a_reader_that_stops_listening_is_no_error(write_study: Callable[[Tables], Path]) -> None:
    """Output into a closed pipe ends quietly."""
    source = write_study(small_study(20))
    command = f"{sys.executable} -m replicator profile {source} | head -n 1"
    done = subprocess.run(["bash", "-c", f"set -o pipefail; {command}"], capture_output=True, text=True, env={**os.environ})
    assert "Traceback" not in done.stderr
    assert "fault" not in done.stderr

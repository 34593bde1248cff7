"""One dataset of a sample through a pipe: the bytes of the file, without a file."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import replicator as rp
from replicator.cli import main
from replicator.errors import SampleError, WriteError

MODEL = Path(__file__).parents[2] / "models" / "demo.replica"


def piped(*options: str) -> bytes:
    command = [sys.executable, "-m", "replicator", "sample", str(MODEL), "-o", "-", *options]
    return subprocess.run(command, check=True, capture_output=True).stdout


@pytest.mark.parametrize("domain", ["AE", "TV", "DM"])
def test_csv_is_that_of_the_file(tmp_path: Path, domain: str) -> None:
    """Three chunks of rows, a dataset that every sample shares, and conditions."""
    options = ("-n", "1100", "--seed", "5", "--where", "SEX=F")
    assert main(["sample", str(MODEL), "-o", str(tmp_path / "out"), *options, "-q"]) == 0
    assert piped("--domains", domain, *options) == (tmp_path / "out" / f"{domain.lower()}.csv").read_bytes()


def test_parquet_needs_no_way_back(tmp_path: Path) -> None:
    """What a pipe took holds the rows that the file holds."""
    assert main(["sample", str(MODEL), "-o", str(tmp_path / "out"), "-n", "700", "--format", "parquet", "-q"]) == 0
    table = pq.read_table(io.BytesIO(piped("--domains", "VS", "-n", "700", "--format", "parquet")))
    assert table.equals(pq.read_table(tmp_path / "out" / "vs.parquet"))


def test_a_reader_that_has_seen_enough_is_no_fault() -> None:
    """Such as head: the pipe breaks, and the exit code says that all is fine."""
    sample = f"{sys.executable} -m replicator sample {MODEL} -o - --domains VS -n 5000"
    done = subprocess.run(["bash", "-c", f"set -o pipefail; {sample} | head -n 2"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 2


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["-n", "5"], "Standard output takes one dataset"),
        (["-n", "5", "--domains", "DM,AE"], "Standard output takes one dataset"),
        (["-n", "5", "--domains", "DM", "--format", "xpt"], "'xpt' is no format for a pipe; choose one of csv, parquet"),
        (["-n", "5", "--domains", "ZZ"], "ZZ is not a dataset"),
    ],
)
def test_what_a_pipe_cannot_take(options: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sample", str(MODEL), "-o", "-", *options]) == 2
    said = capsys.readouterr()
    assert words in said.err
    assert said.out == ""


def test_in_python(tmp_path: Path) -> None:
    """A file that stays open, and the number of rows."""
    model, file = rp.load_model(MODEL), io.BytesIO()
    n_rows = model.stream_sample(file, "DM", 30, seed=2)
    assert n_rows == 30
    assert file.getvalue().count(b"\n") == 31
    with pytest.raises(WriteError, match="no format for a pipe"):
        model.stream_sample(file, "DM", 30, format="json")
    with pytest.raises(SampleError, match="is not a dataset"):
        model.stream_sample(file, "ZZ", 30)

"""What a sample is expected to take, against what it takes; and bounds on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from replicator.cli import main
from replicator.errors import SampleError
from replicator.fitted import FittedStudy, load_model
from replicator.sampling.expected import Expected
from replicator.tables.encoding import Format

PATH = Path(__file__).parents[3] / "models" / "demo.replica"
FORMATS: tuple[Format, ...] = ("csv", "xpt", "parquet", "json")


@pytest.fixture(scope="module")
def model() -> FittedStudy:
    return load_model(PATH)


def n_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


@pytest.mark.parametrize("format", FORMATS)
def test_rows_and_bytes_are_near(model: FittedStudy, tmp_path: Path, format: Format) -> None:
    """Within a tenth, of a sample whose last chunk is not full; the real sample is what it is held against."""
    expected = model.expect_sample(1700, seed=7, format=format)
    written = model.write_sample(tmp_path / "out", 1700, seed=7, format=format)
    assert expected.n_rows == pytest.approx(written.n_rows, rel=0.1)
    assert expected.n_bytes == pytest.approx(n_bytes(tmp_path / "out"), rel=0.1)


def test_a_sample_of_one_chunk_is_known(model: FittedStudy) -> None:
    """Its rows are counted and not reckoned; conditions and datasets count."""
    request = {"seed": 3, "where": "SEX=F", "domains": ["DM", "AE", "TV"]}
    expected, sample = model.expect_sample(120, **request), model.sample(120, **request)  # type: ignore[arg-type]
    assert expected.rows == {name: dataset.n_rows for name, dataset in sample.datasets.items()}
    assert expected.seconds > 0


def test_bounds() -> None:
    """More rows than allowed are refused with how many subjects fit; fewer workers are taken where memory asks for it."""
    expected = Expected(1000, {"DM": 1000, "AE": 3000}, 10**6, 10.0, 5 * 200 * 10**6, 4)
    assert expected.workers_within(None, None) == 4
    assert expected.workers_within(4000, 10**9) == 4
    assert expected.workers_within(4000, 10**9 - 1) == 3
    assert expected.workers_within(4000, 200 * 10**6) == 1
    with pytest.raises(SampleError, match=r"4,000 rows, and 3,999 rows are allowed; ask for about 999,"):
        expected.workers_within(3999, None)
    with pytest.raises(SampleError, match=r"3 rows are allowed; one subject alone has about 4 rows: allow at least so many, or"):
        expected.workers_within(3, None)
    with pytest.raises(SampleError, match="One process takes about 200 MB"):
        expected.workers_within(None, 10**8)


def test_fewer_workers_take_longer_and_less_memory() -> None:
    expected = Expected(1000, {"DM": 1000}, 10**6, 10.0, 300 * 10**6, 2)
    one = expected.with_workers(1)
    assert one.seconds >= expected.seconds
    assert (one.memory, one.workers) == (10**8, 1)


def test_a_dry_run_says_it_and_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sample", str(PATH), "-n", "20", "-o", str(tmp_path / "out"), "--dry-run", "--max-rows", "100000"]) == 0
    assert "Expected of 20 subjects" in capsys.readouterr().out
    assert main(["sample", str(PATH), "-n", "20", "-o", str(tmp_path / "out"), "--max-rows", "10", "-q"]) == 2
    assert "10 rows are allowed" in capsys.readouterr().err
    assert main(["sample", str(PATH), "-n", "20", "-o", str(tmp_path / "out"), "--max-memory", "x", "-q"]) == 2
    assert "'x' is no size" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []

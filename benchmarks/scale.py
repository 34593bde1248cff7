"""What sampling costs beside writing the bytes: CPU seconds of a sample against those of writing the same tables alone.

    .venv/bin/python benchmarks/scale.py [--model FILE] [--subjects 1000 10000] [--workers 2] [--json FILE]

Without a model, the CDISC pilot study is fitted first. A ratio is that of one run, for machines are noisy: CPU seconds of the whole
process that samples, by those of writing alone. Arrow writes CSV and Parquet, from tables in memory; for transport files, numpy
writes as many bytes. Unix only, as `main_job.py`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from main_job import Run, default_study, run

ASKED = {"csv": 8.0, "parquet": 10.0, "xpt": 4.0}


def written_by_arrow(tables: list[pa.Table], folder: Path, kind: str) -> None:
    """Write tables as Arrow does by itself."""
    for number, table in enumerate(tables):
        if kind == "csv":
            pa.csv.write_csv(table, folder / f"{number}.csv")
        else:
            pq.write_table(table, folder / f"{number}.parquet")


def written_by_numpy(sizes: list[int], folder: Path) -> None:
    """Write as many bytes."""
    for number, size in enumerate(sizes):
        np.zeros(size, np.uint8).tofile(folder / f"{number}.bytes")


def cpu_seconds(work: Callable[[], None], rounds: int = 3) -> float:
    """CPU seconds of this process, all threads: the least of some rounds."""
    taken = []
    for _ in range(rounds):
        begin = time.process_time()
        work()
        taken.append(time.process_time() - begin)
    return min(taken)


def alone(sample: Path, kind: str, scratch: Path) -> float:
    """CPU seconds of writing the tables of a sample, which is there as Parquet, without making them."""
    folder = scratch / "alone"
    folder.mkdir(exist_ok=True)
    if kind == "xpt":
        sizes = [path.stat().st_size for path in scratch.glob("xpt*/*.xpt")]
        return cpu_seconds(lambda: written_by_numpy(sizes, folder))
    tables = [pq.read_table(path) for path in sorted(sample.glob("*.parquet"))]
    return cpu_seconds(lambda: written_by_arrow(tables, folder, kind))


def compare(model: str, n: int, workers: int, scratch: Path, environment: dict[str, str]) -> list[dict[str, Any]]:
    """Sample in each format, and once more with workers; beside each, what the writing alone takes."""
    runs: dict[str, Run] = {}
    for kind in ("parquet", "csv", "xpt"):
        arguments = ["sample", model, "-n", str(n), "--format", kind, "-o", str(scratch / f"{kind}{n}")]
        runs[kind] = run(f"sample {n} as {kind}", arguments, environment)
    rows = []
    for kind, one in runs.items():
        least = alone(scratch / f"parquet{n}", kind, scratch)
        rows.append(
            {
                "what": one.what,
                "seconds": one.seconds,
                "cpu_seconds": one.cpu_seconds,
                "peak_megabytes": one.peak_megabytes,
                "writing_alone": round(least, 3),
                "ratio": round(one.cpu_seconds / least, 1),
                "asked": ASKED[kind],
            }
        )
    parallel = run(
        f"sample {n} with {workers} workers",
        ["sample", model, "-n", str(n), "--workers", str(workers), "-o", str(scratch / f"workers{n}")],
        environment,
    )
    gain = {
        "seconds": parallel.seconds,
        "cpu_seconds": parallel.cpu_seconds,
        "times_faster": round(runs["csv"].seconds / parallel.seconds, 2),
    }
    return [*rows, {"what": parallel.what, **gain}]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--model", type=Path, help="a model file; without it the pilot study is fitted")
    parser.add_argument("--subjects", type=int, nargs="+", default=[1000, 10_000])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        environment = {**os.environ, "REPLICATOR_CACHE": str(place / "cache")}
        model = str(options.model or place / "model.replica")
        if options.model is None:
            run("fit", ["fit", str(default_study()), "-o", model], environment)
        rows: list[dict[str, Any]] = []
        for n in options.subjects:
            chunk = place / str(n)
            chunk.mkdir()
            rows += compare(model, n, options.workers, chunk, environment)
    for row in rows:
        print("  ".join(f"{name} {value}" if name != "what" else f"{value:<32}" for name, value in row.items()))
    if options.json:
        machine = {"system": platform.platform(), "python": platform.python_version(), "cores": os.cpu_count()}
        options.json.write_text(json.dumps({"machine": machine, "runs": rows}, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

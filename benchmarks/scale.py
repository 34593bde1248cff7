"""What sampling costs beside writing the bytes: CPU seconds of a sample against those of writing the same tables alone.

    .venv/bin/python benchmarks/scale.py [--model FILE] [--subjects 1000 10000] [--workers 2] [--parallel 20000] [--json FILE]

Without a model, the CDISC pilot study is fitted first. A ratio is that of one run, for machines are noisy: CPU seconds of the whole
process that samples, by those of writing alone. Arrow writes CSV and Parquet, from tables in memory; for transport files, numpy
writes as many bytes. Modules are compiled before, as they are where a package is installed. What workers gain is told twice: by the
clock, which counts only where nothing else runs, and by CPU seconds, of which each of so many cores would have its share. A figure
that misses what is asked says so. Unix only, as `main_job.py`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from main_job import Run, default_study, run

ASKED = {"csv": 8.0, "parquet": 10.0, "xpt": 4.0}
GOAL = {"csv": 3.0, "parquet": 4.0, "xpt": 2.0}
ASKED_OF_WORKERS, GOAL_OF_WORKERS = 1.7, 1.9  # of two, times as fast as one


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


def compare(model: str, n: int, scratch: Path, environment: dict[str, str]) -> list[dict[str, Any]]:
    """Sample in each format; beside each, what the writing alone takes."""
    rows = []
    for kind in ("parquet", "csv", "xpt"):
        one = sampled(model, n, kind, scratch, environment)
        with ProcessPoolExecutor(1, get_context("spawn")) as apart:  # a child's peak begins with the memory of its parent
            least = apart.submit(alone, scratch / f"parquet{n}", kind, scratch).result()
        figures = {"writing_alone": round(least, 3), "ratio": round(one.cpu_seconds / least, 1)}
        rows.append({**shown(one), **figures, **judged(figures["ratio"], ASKED[kind], GOAL[kind], is_least=False)})
    return rows


def compare_workers(model: str, n: int, workers: int, scratch: Path, environment: dict[str, str]) -> list[dict[str, Any]]:
    """Sample as CSV with one process and with workers."""
    one = sampled(model, n, "csv", scratch, environment)
    many = sampled(model, n, "csv", scratch, environment, workers)
    figures = {
        "times_faster": round(one.seconds / many.seconds, 2),
        "times_faster_by_cpu": round(one.cpu_seconds / (many.cpu_seconds / workers), 2),
    }
    wanted = judged(figures["times_faster"], ASKED_OF_WORKERS, GOAL_OF_WORKERS, is_least=True) if workers == 2 else {}
    return [shown(one), {**shown(many), **figures, **wanted}]


def sampled(model: str, n: int, kind: str, scratch: Path, environment: dict[str, str], workers: int = 1) -> Run:
    """Sample once, into a folder that is called after what it holds."""
    what = f"sample {n} as {kind}" + (f" with {workers} workers" if workers > 1 else "")
    target = scratch / (f"{kind}{n}" + (f"by{workers}" if workers > 1 else ""))
    arguments = ["sample", model, "-n", str(n), "--format", kind, "--workers", str(workers), "-o", str(target), "--overwrite"]
    found = run(what, arguments, environment)
    if found.exit_code:
        sys.exit(f"{what}: the command ended with {found.exit_code}, so there is no figure.")
    return found


def shown(one: Run) -> dict[str, Any]:
    """Name the figures of a run."""
    figures = {"seconds": one.seconds, "cpu_seconds": one.cpu_seconds, "peak_megabytes": one.peak_megabytes}
    return {"what": one.what, **figures}


def judged(found: float, asked: float, goal: float, *, is_least: bool) -> dict[str, Any]:
    """Hold a figure against what is asked of it, at least or at most, and against the goal beyond."""
    keeps, reaches = (found >= asked, found >= goal) if is_least else (found <= asked, found <= goal)
    return {"asked": asked, "goal": goal, "verdict": "goal reached" if reaches else "kept" if keeps else "MISSED"}


def scratch_of(place: Path, n: int) -> Path:
    """Make a folder for the samples of so many subjects."""
    folder = place / str(n)
    folder.mkdir()
    return folder


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--model", type=Path, help="a model file; without it the pilot study is fitted")
    parser.add_argument("--subjects", type=int, nargs="+", default=[1000, 10_000])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--parallel", type=int, default=20_000, help="subjects to compare workers by; 0 for no comparison")
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        environment = {**os.environ, "REPLICATOR_CACHE": str(place / "cache"), "PYTHONPYCACHEPREFIX": str(place / "compiled")}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        model = str(options.model or place / "model.replica")
        if options.model is None:
            run("fit", ["fit", str(default_study()), "-o", model], environment)
        for kind in ASKED:
            sampled(model, 1, kind, place, environment)  # compiles what it imports
        rows: list[dict[str, Any]] = []
        for n in options.subjects:
            rows += compare(model, n, scratch_of(place, n), environment)
            shutil.rmtree(place / str(n))
        if options.parallel:
            rows += compare_workers(model, options.parallel, options.workers, scratch_of(place, options.parallel), environment)
    for row in rows:
        print("  ".join(f"{name} {value}" if name != "what" else f"{value:<34}" for name, value in row.items()))
    if options.json:
        machine = {"system": platform.platform(), "python": platform.python_version(), "cores": os.cpu_count()}
        options.json.write_text(json.dumps({"machine": machine, "runs": rows}, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

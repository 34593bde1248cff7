"""How seconds and memory grow with the number of subjects: samples, fits and validations of 1, 10 and 100 times as many.

    .venv/bin/python benchmarks/growth.py [--base 100] [--fit-to 1000] [--two-to 1000000] [--json FILE] [--plots FOLDER]

The CDISC pilot study is fitted once, whole, and once with two of its datasets (DM and AE). Samples of it are drawn as Parquet,
fitted and validated again: what takes ten times as long for ten times as many subjects grows in step. Unix only, as `main_job.py`.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
from main_job import Run, default_study, run, run_command

from replicator.reports.svg import dot, drawing, line, words

TWO = ("DM", "AE")
READ = "import sys; from replicator.tables.readers import read_study; read_study(sys.argv[1])"
STYLE = (
    "<style>.axis{font:11px sans-serif;fill:#555}circle{fill:#fff;stroke-width:2}.line{fill:none;stroke-width:2}"
    ".a{stroke:#1b6ca8}.b{stroke:#c2571a}.c{stroke:#3a7d44}.d{stroke:#777}.e{stroke:#7b4ba0}</style>"
)


@dataclass(frozen=True)
class Point:
    """What a job took of so many subjects."""

    job: str
    subjects: int
    rows: int
    run: Run


def n_rows(folder: Path) -> int:
    return sum(pq.read_metadata(path).num_rows for path in folder.glob("*.parquet"))


def measure(sizes: Sequence[int], fit_to: int, two: Sequence[int], place: Path) -> list[Point]:
    """Fit, sample, fit and validate the samples; what is not needed any more is removed."""
    environment = {**os.environ, "REPLICATOR_CACHE": str(place / "cache")}
    study, whole, small = default_study(), str(place / "whole.replica"), str(place / "small.replica")
    run("fit", ["fit", str(study), "-o", whole], environment)
    run("fit two", ["fit", *(str(study / f"{name.lower()}.parquet") for name in TWO), "-o", small], environment)
    points = []
    for n in sizes:
        folder = place / f"whole{n}"
        took = run(f"sample {n}", ["sample", whole, "-n", str(n), "-f", "parquet", "-o", str(folder)], environment)
        rows = n_rows(folder)
        points.append(Point("sample", n, rows, took))
        points.append(Point("read", n, rows, run_command(f"read {n}", [sys.executable, "-c", READ, str(folder)], environment)))
        jobs = {"validate": ["validate", str(folder), "--against", whole]}
        if n <= fit_to:
            jobs["fit"] = ["fit", str(folder), "-o", str(place / f"{n}.replica"), "--no-cache"]
        points += [Point(job, n, rows, run(f"{job} {n}", arguments, environment)) for job, arguments in jobs.items()]
    for n in two:
        folder = place / f"two{n}"
        took = run(f"sample {n}, two datasets", ["sample", small, "-n", str(n), "-f", "parquet", "-o", str(folder)], environment)
        points.append(Point("sample, two datasets", n, n_rows(folder), took))
    return points


def plot(points: Sequence[Point], figure: str, title: str) -> str:
    """Draw one figure of each job against rows, both on scales of powers of ten."""
    jobs = list(dict.fromkeys(point.job for point in points))
    xs = [math.log10(max(point.rows, 1)) for point in points]
    ys = [math.log10(max(getattr(point.run, figure), 0.01)) for point in points]
    low, high, down, up = math.floor(min(xs)), math.ceil(max(xs)), math.floor(min(ys)), math.ceil(max(ys))

    def place(x: float, y: float) -> tuple[float, float]:
        return 60 + (x - low) / (high - low) * 400, 250 - (y - down) / (up - down) * 190

    parts = [STYLE, words(60, 18, title)]
    parts += [words(place(x, down)[0], 270, f"{10**x:,}", anchor="middle") for x in range(low, high + 1)]
    parts += [words(52, place(low, y)[1] + 4, f"{10.0**y:,g}", anchor="end") for y in range(down, up + 1)]
    parts.append(words(260, 290, "rows", anchor="middle"))
    for job, css in zip(jobs, ("a", "b", "c", "d", "e"), strict=False):
        mine = [place(x, y) for x, y, point in zip(xs, ys, points, strict=True) if point.job == job]
        named = 20 + 100 * jobs.index(job)
        parts += [line(mine, f"line {css}"), *(dot(x, y, 3, css) for x, y in mine)]
        parts += [line([(named, 36), (named + 14, 36)], f"line {css}"), words(named + 18, 40, job)]
    return drawing(520, 300, title, parts).replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1) + "\n"


def growth(points: Sequence[Point], point: Point, figure: str) -> float | None:
    """Of a figure against the next smaller size of the same job; None for the smallest."""
    smaller = [other for other in points if other.job == point.job and other.subjects < point.subjects]
    if not smaller:
        return None
    before = max(smaller, key=lambda other: other.subjects)
    return round(float(getattr(point.run, figure)) / max(float(getattr(before.run, figure)), 0.01), 2)


def to_reading(points: Sequence[Point], point: Point) -> float | None:
    """CPU seconds of a job for each one that reading the same files takes; None where nothing is read."""
    reading = next((other for other in points if other.job == "read" and other.subjects == point.subjects), None)
    if reading is None or point.job not in ("validate", "fit"):
        return None
    return round(point.run.cpu_seconds / max(reading.run.cpu_seconds, 0.01), 2)


def as_json(points: Sequence[Point], point: Point) -> Mapping[str, object]:
    took = point.run
    return {
        "job": point.job,
        "subjects": point.subjects,
        "rows": point.rows,
        "seconds": took.seconds,
        "cpu_seconds": took.cpu_seconds,
        "cpu_growth": growth(points, point, "cpu_seconds"),
        "cpu_to_reading": to_reading(points, point),
        "peak_megabytes": took.peak_megabytes,
        "peak_growth": growth(points, point, "peak_megabytes"),
        "exit_code": took.exit_code,
    }


def shown(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.2f}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument(
        "--base", type=int, default=100, help="subjects of the smallest sample; the others have 10 and 100 times as many"
    )
    parser.add_argument("--fit-to", type=int, default=1000, help="samples of more subjects are not fitted")
    parser.add_argument("--two-to", type=int, default=1_000_000, help="subjects of the largest sample of two datasets")
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    parser.add_argument("--plots", type=Path, help="write two plots into this folder")
    options = parser.parse_args()
    two = [n for n in (1000, 100_000, 1_000_000) if n <= options.two_to]
    with tempfile.TemporaryDirectory() as scratch:
        points = measure([options.base * 10**power for power in range(3)], options.fit_to, two, Path(scratch))
    columns = f"{'seconds':>9} {'CPU s':>9} {'growth':>7} {'/ read':>7} {'peak MB':>9} {'growth':>7} {'exit':>5}"
    print(f"{'':<24} {'subjects':>10} {'rows':>12} {columns}")
    for point in points:
        took = point.run
        print(
            f"{point.job:<24} {point.subjects:>10,} {point.rows:>12,} {took.seconds:>9.1f} {took.cpu_seconds:>9.1f} "
            f"{shown(growth(points, point, 'cpu_seconds')):>7} {shown(to_reading(points, point)):>7} "
            f"{took.peak_megabytes:>9.0f} {shown(growth(points, point, 'peak_megabytes')):>7} {took.exit_code:>5}"
        )
    if options.json:
        machine = {"system": platform.platform(), "python": platform.python_version(), "cores": os.cpu_count()}
        found = {"machine": machine, "points": [as_json(points, point) for point in points]}
        options.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    if options.plots:
        for figure, title in (("cpu_seconds", "CPU seconds by rows"), ("peak_megabytes", "Peak memory (MB) by rows")):
            (options.plots / f"growth-{figure.replace('_', '-')}.svg").write_text(plot(points, figure, title), encoding="utf-8")
    return 2 if any(point.run.exit_code == 2 for point in points) else 0


if __name__ == "__main__":
    sys.exit(main())

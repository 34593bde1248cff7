"""How near a sample is to subjects that the model never saw, against the number of subjects that it was learned from.

    .venv/bin/python benchmarks/small_studies.py [--study FOLDER] [--subjects 10 20 40 80 153] [--draws 3] [--json FILE]
        [--measure "PROGRAM {train} {holdout} {sample} --json {json}" --figure NAME]

Each draw takes some subjects of a study at random, learns from them, samples as many as the whole study has, and measures
how far the sample is from the other subjects, relative to how far the subjects learned from are: below 1 the model is a
better picture of the study than its own source. The measure is a program of the caller's choice, which writes JSON with a figure of
that kind; without one it is the mean distance of columns (`column_ratio`).
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from main_job import default_study

import replicator as rp

MOST_CATEGORIES = 60  # of a column that is compared by its shares
FEWEST_ROWS = 8  # of a column in any of the studies compared
FLOOR = 0.005  # added to both distances, so that columns without a spread do not rule the mean


@dataclass(frozen=True)
class Point:
    """What was measured of one draw."""

    subjects: int
    draw: int
    ratio: float


def subject_rows(study: rp.Study, subjects: set[str]) -> rp.Study:
    """Keep the rows of some subjects; datasets about nobody stay whole."""
    kept = []
    for dataset in study.datasets.values():
        if "USUBJID" in dataset:
            mine = np.isin(dataset.text("USUBJID").strings().astype(str), list(subjects))
            dataset = dataset.take(np.flatnonzero(mine))
        kept.append(dataset)
    return study.with_datasets(kept)


def column_distance(a: pd.Series, b: pd.Series) -> float:
    """Distance of two columns, 0 to 1: Kolmogorov's of numbers, total variation of categories."""
    if pd.api.types.is_numeric_dtype(a) and pd.api.types.is_numeric_dtype(b):
        x, y = np.sort(a.dropna().to_numpy(float)), np.sort(b.dropna().to_numpy(float))
        if min(len(x), len(y)) < FEWEST_ROWS:
            return 1.0
        grid = np.concatenate([x, y])
        gap = np.searchsorted(x, grid, side="right") / len(x) - np.searchsorted(y, grid, side="right") / len(y)
        return float(np.abs(gap).max())
    codes, levels = pd.factorize(np.concatenate([a.astype(str), b.astype(str)]))
    shares = [np.bincount(part, minlength=len(levels)) / len(part) for part in (codes[: len(a)], codes[len(a) :])]
    return float(np.abs(shares[0] - shares[1]).sum() / 2)


def column_ratio(train: rp.Study, holdout: rp.Study, sample: rp.Study) -> float:
    """Geometric mean over datasets of how far the sample's columns are from the holdout's, relative to the train's."""
    ratios = []
    for name, dataset in holdout.datasets.items():
        if "USUBJID" not in dataset or not dataset.n_rows or name not in train or name not in sample:
            continue
        held, near, drawn = (study[name].to_frame() for study in (holdout, train, sample))
        distances = []
        for column in held.columns:
            text = not pd.api.types.is_numeric_dtype(held[column])
            if column.endswith("DTC") or (text and held[column].nunique() > MOST_CATEGORIES) or held[column].isna().all():
                continue
            lacking = column not in drawn or column not in near or not len(drawn)
            sides = (1.0, 1.0) if lacking else tuple(column_distance(held[column], one[column]) for one in (drawn, near))
            distances.append(sides)
        if distances:
            mean = np.array(distances).mean(axis=0) + FLOOR
            ratios.append(mean[0] / mean[1])
    return float(np.exp(np.mean(np.log(ratios)))) if ratios else float("nan")


def told_ratio(measure: str, figure: str, folders: dict[str, Path], place: Path) -> float:
    """Run the caller's program on the folders and read one figure from what it writes."""
    written = place / "measured.json"
    command = [part.format(**folders, json=written) for part in shlex.split(measure)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    found = json.loads(written.read_text(encoding="utf-8"))
    if figure not in found:
        sys.exit(f"The measure wrote {', '.join(found)} and no {figure!r}; name one of them with --figure.")
    return float(found[figure])


def measure_draw(study: rp.Study, subjects: list[str], n: int, draw: int, measure: str, figure: str) -> Point:
    """Learn from `n` subjects of a draw, sample as many as all, and measure."""
    rng = np.random.default_rng([n, draw])
    chosen = {subjects[i] for i in rng.permutation(len(subjects))[:n].tolist()}
    train, holdout = subject_rows(study, chosen), subject_rows(study, set(subjects) - chosen)
    sample = rp.fit(train, cache=False).sample(len(subjects), seed=7)
    if not measure:
        return Point(n, draw, column_ratio(train, holdout, sample))
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        folders = {"train": place / "train", "holdout": place / "holdout", "sample": place / "sample"}
        for one, folder in zip((train, holdout, sample), folders.values(), strict=True):
            rp.write_study(one, folder)
        return Point(n, draw, told_ratio(measure, figure, folders, place))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--study", type=Path, help="a study in any format that replicator reads; by default the pilot study")
    parser.add_argument("--subjects", type=int, nargs="+", default=[10, 20, 40, 80, 153])
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--measure", default="", help="a program with {train}, {holdout}, {sample} and {json} in its arguments")
    parser.add_argument(
        "--figure", default="ratio", help="what of the measure's JSON is the distance relative to that of the train"
    )
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    options = parser.parse_args()
    study = rp.read_study(options.study or default_study())
    subjects = sorted(set(study["DM"].text("USUBJID").strings().tolist()))
    points = []
    print(f"{'subjects':>8} {'draw':>5} {'ratio':>7}")
    for n in options.subjects:
        for draw in range(options.draws):
            point = measure_draw(study, subjects, n, draw, options.measure, options.figure)
            points.append(point)
            print(f"{n:>8} {draw:>5} {point.ratio:>7.3f}", flush=True)
    curve = {
        str(n): round(float(np.exp(np.mean([np.log(p.ratio) for p in points if p.subjects == n]))), 3) for n in options.subjects
    }
    print("geometric mean over draws:", ", ".join(f"{n}: {ratio}" for n, ratio in curve.items()))
    if options.json:
        figures = {"measure": options.measure and options.figure, "curve": curve, "points": [asdict(one) for one in points]}
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

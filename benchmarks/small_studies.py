"""How near a sample is to subjects that the model never saw, against the number of subjects that it was learned from.

    .venv/bin/python benchmarks/small_studies.py [--study FOLDER] [--subjects 10 20 40 80 153] [--draws 3] [--json FILE]
        [--measure "PROGRAM {train} {holdout} {sample} --json {json}" --figure NAME]

Each draw takes some subjects of a study at random, learns from them, and samples as many as the whole study has. Of the others, two
equal sets are drawn, as large for every number learned from: how far the sample is from one of them is told relative to how far
the other is, by all families of `replicator evaluate`. 1 means as near as real subjects are, however few were learned from. With
`--measure` a program of the caller's choice judges instead, which writes JSON with a figure of its own; it is handed the
subjects learned from and all others.
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from main_job import default_study

import replicator as rp
from replicator.evaluation.families import compare_studies
from replicator.evaluation.measures import overall


@dataclass(frozen=True)
class Point:
    """What was measured of one draw."""

    subjects: int
    draw: int
    ratio: float
    families: dict[str, float] = field(default_factory=dict)


def subject_rows(study: rp.Study, subjects: set[str]) -> rp.Study:
    """Keep the rows of some subjects; datasets about nobody stay whole."""
    kept = []
    for dataset in study.datasets.values():
        if "USUBJID" in dataset:
            mine = np.isin(dataset.text("USUBJID").strings().astype(str), list(subjects))
            dataset = dataset.take(np.flatnonzero(mine))
        kept.append(dataset)
    return study.with_datasets(kept)


def families_ratio(rest: list[str], study: rp.Study, sample: rp.Study, size: int) -> tuple[float, dict[str, float]]:
    """Distance of the sample from `size` subjects not learned from, relative to that of `size` others: over all, by family."""
    others, reference = (subject_rows(study, set(part)) for part in (rest[:size], rest[size : 2 * size]))
    families = compare_studies(others, sample, reference)
    return overall(families).ratio, {one.name: round(one.ratio, 3) for one in families if one.n_entries}


def told_ratio(measure: str, figure: str, folders: dict[str, Path], place: Path) -> float:
    """Run the caller's program on the folders and read one figure from what it writes."""
    written = place / "measured.json"
    command = [part.format(**folders, json=written) for part in shlex.split(measure)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    found = json.loads(written.read_text(encoding="utf-8"))
    if figure not in found:
        sys.exit(f"The measure wrote {', '.join(found)} and no {figure!r}; name one of them with --figure.")
    return float(found[figure])


def measure_draw(study: rp.Study, subjects: list[str], n: int, draw: int, size: int, measure: str, figure: str) -> Point:
    """Learn from `n` subjects of a draw, sample as many as all, and measure."""
    order = [subjects[i] for i in np.random.default_rng([n, draw]).permutation(len(subjects)).tolist()]
    train = subject_rows(study, set(order[:n]))
    sample = rp.fit(train, cache=False).sample(len(subjects), seed=7)
    if not measure:
        return Point(n, draw, *families_ratio(order[n:], study, sample, size))
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        folders = {"train": place / "train", "holdout": place / "holdout", "sample": place / "sample"}
        for one, folder in zip((train, subject_rows(study, set(order[n:])), sample), folders.values(), strict=True):
            rp.write_study(one, folder)
        return Point(n, draw, told_ratio(measure, figure, folders, place))


def curve(points: list[Point], family: str = "") -> dict[str, float]:
    """Geometric mean over the draws by number of subjects learned from, of one family or of all."""
    told: dict[int, list[float]] = {}
    for point in points:
        told.setdefault(point.subjects, []).append(point.families[family] if family else point.ratio)
    return {str(n): round(float(np.exp(np.mean(np.log(ratios)))), 3) for n, ratios in told.items()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--study", type=Path, help="a study in any format that replicator reads; by default the pilot study")
    parser.add_argument("--subjects", type=int, nargs="+", default=[10, 20, 40, 80, 153])
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--measure", default="", help="a program with {train}, {holdout}, {sample} and {json} in its arguments")
    parser.add_argument("--figure", default="ratio", help="what of the JSON of --measure is the ratio")
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    options = parser.parse_args()
    study = rp.read_study(options.study or default_study())
    subjects = sorted(set(study["DM"].text("USUBJID").strings().tolist()))
    size = (len(subjects) - max(options.subjects)) // 2
    points = []
    print(f"{'subjects':>8} {'draw':>5} {'ratio':>7}")
    for n in options.subjects:
        for draw in range(options.draws):
            point = measure_draw(study, subjects, n, draw, size, options.measure, options.figure)
            points.append(point)
            print(f"{n:>8} {draw:>5} {point.ratio:>7.3f}", flush=True)
    whole = curve(points)
    names = [name for name in points[0].families if all(name in point.families for point in points)]
    families = {name: curve(points, name) for name in names}
    print("geometric mean over draws:", ", ".join(f"{n}: {ratio}" for n, ratio in whole.items()))
    for name, ratios in families.items():
        print(f"  {name}:", ", ".join(str(ratio) for ratio in ratios.values()))
    if options.json:
        figures = {
            "measure": options.measure and options.figure,
            "curve": whole,
            "families": families,
            "points": [asdict(one) for one in points],
        }
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

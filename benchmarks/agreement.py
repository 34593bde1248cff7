"""Whether the product's own measure ranks samples as another measure does.

    .venv/bin/python benchmarks/agreement.py TRAIN HOLDOUT --figure NAME [--keep FOLDER] [--json FILE]
        --measure "PROGRAM {train} {holdout} {sample} --json {json}"

Eleven samples of different quality are made of TRAIN: what a model makes of it, and TRAIN itself spoilt in known ways. Each is
measured against HOLDOUT by the overall figure of `replicator evaluate`, and by a program of the caller's choice, which writes JSON
with the figure NAME (lower is better). Spearman's rank correlation of the two says whether they agree. What the other program
wrote is kept in FOLDER and not computed again.
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr
from worsened import (
    Worsen,
    arms_exchanged,
    bootstrapped,
    frames_of,
    noisy,
    recombined,
    shuffled,
    study_of,
    visits_dropped,
)

import replicator as rp
from replicator.evaluation.families import compare_studies
from replicator.evaluation.measures import overall

WAYS: dict[str, Worsen] = {
    "bootstrap of subjects": bootstrapped,
    "5 % of values shuffled": shuffled(0.05),
    "20 % of values shuffled": shuffled(0.2),
    "50 % of values shuffled": shuffled(0.5),
    "independent columns": shuffled(1.0),
    "datasets of different subjects": recombined,
    "noise of half a standard deviation": noisy(0.5),
    "noise of two standard deviations": noisy(2.0),
    "arms exchanged": arms_exchanged,
    "a third of the visits dropped": visits_dropped(1 / 3),
}


def samples_of(train: rp.Study, seed: int) -> dict[str, rp.Study]:
    """Make all samples."""
    model, n = rp.fit(train, cache=False), train["DM"].n_rows
    frames = frames_of(train)
    spoilt = {name: study_of(train, way(frames, np.random.default_rng([seed, i]))) for i, (name, way) in enumerate(WAYS.items())}
    return {"the model's sample": model.sample(n, seed=seed)} | spoilt


def told_by(program: str, figure: str, folders: dict[str, Path], written: Path) -> float:
    """Run another program, unless it has been, and read its figure."""
    if not written.is_file():
        command = [part.format(**folders, json=written) for part in shlex.split(program)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    found = json.loads(written.read_text(encoding="utf-8"))
    if figure not in found:
        sys.exit(f"The measure wrote {', '.join(found)} and no {figure!r}; name one of them with --figure.")
    return float(found[figure])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("train", type=Path)
    parser.add_argument("holdout", type=Path)
    parser.add_argument("--measure", required=True, help="a program with {train}, {holdout}, {sample} and {json} in its arguments")
    parser.add_argument("--figure", required=True, help="what of its JSON ranks samples, lower being better")
    parser.add_argument("--keep", type=Path, help="samples and what the program wrote are kept here")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    options = parser.parse_args()
    train, holdout = rp.read_study(options.train), rp.read_study(options.holdout)
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        place = options.keep or Path(scratch)
        for i, (name, sample) in enumerate(samples_of(train, options.seed).items()):
            folder = place / f"{i:02d}"
            if not folder.is_dir():
                rp.write_study(sample, folder)
            folders = {"train": options.train, "holdout": options.holdout, "sample": folder}
            other = told_by(options.measure, options.figure, folders, place / f"{i:02d}.json")
            own = overall(compare_studies(train, rp.read_study(folder), holdout, seed=options.seed))
            rows.append((name, own.ratio, own.interval.low, own.interval.high, other))
            print(f"{name:<36} {own.ratio:>6.3f} ({own.interval.low:.3f} to {own.interval.high:.3f}) {other:>7.3f}", flush=True)
    agreement = float(spearmanr([row[1] for row in rows], [row[4] for row in rows]).statistic)
    print(f"rank correlation over {len(rows)} samples: {agreement:.3f}")
    if options.json:
        keys = ("sample", "overall", "low", "high", "other")
        figures = {"rank_correlation": round(agreement, 4), "samples": [dict(zip(keys, row, strict=True)) for row in rows]}
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Times this and SDV's HMA synthesizer side by side, on the same datasets of the pilot study.

    .venv/bin/python benchmarks/against_sdv.py PYTHON [--study FOLDER] [--datasets DM AE …] [--subjects 306] [--json FILE]

PYTHON is the interpreter of an environment of its own: `python -m venv sdv; sdv/bin/pip install "sdv==1.36.3" pyarrow`.
SDV 1.36 takes schemas of any number of tables; later ones take five.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from main_job import default_study, run

import replicator as rp

DATASETS = ("DM", "AE", "CM", "DS", "EX", "LBCH", "LBHE", "LBUR", "MH", "SC", "SE", "SV", "VS")
HMA = Path(__file__).with_name("sdv_hma.py")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("python", help="the interpreter of an environment that has SDV")
    parser.add_argument("--study", type=Path, help="a study in any format that replicator reads; by default the pilot study")
    parser.add_argument("--datasets", nargs="+", default=DATASETS, help="datasets of subjects, DM among them")
    parser.add_argument("--subjects", type=int, default=306, help="how many both of them draw")
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        study = rp.read_study(options.study or default_study())
        rp.write_study(study.with_datasets([study[name] for name in options.datasets]), place / "study", format="parquet")
        environment = {**os.environ, "REPLICATOR_CACHE": str(place / "cache")}
        model, n = str(place / "model.replica"), str(options.subjects)
        ours = {
            "fit": run("fit", ["fit", str(place / "study"), "-o", model], environment),
            "sample": run("sample", ["sample", model, "-n", n, "--seed", "7", "-o", str(place / "out")], environment),
        }
        command = [options.python, str(HMA), str(place / "study"), n]
        theirs = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])
    figures = {verb: {"replicator": done.cpu_seconds, "sdv": round(theirs[verb]["cpu_seconds"], 2)} for verb, done in ours.items()}
    print(f"CPU seconds, {len(options.datasets)} datasets, {options.subjects} subjects drawn")
    for verb, both in figures.items():
        times = both["sdv"] / both["replicator"]
        print(f"{verb:8} replicator {both['replicator']:8.2f}   SDV HMA {both['sdv']:8.2f}   {times:.1f} times")
    if options.json:
        options.json.write_text(
            json.dumps({"subjects": options.subjects, "datasets": list(options.datasets), **figures}, indent=1) + "\n"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())

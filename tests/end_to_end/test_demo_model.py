"""The model that the repository carries is of the sample study that it carries, and this code reads it."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

import replicator as rp

ROOT = Path(__file__).resolve().parents[2]


on_x86 = pytest.mark.skipif(platform.machine() not in {"x86_64", "AMD64"}, reason="kernels of linear algebra are named for x86-64")


def run_with_kernels(kernels: str, *arguments: object) -> None:
    """Run replicator with the kernels of linear algebra that a processor of this name has."""
    command = [sys.executable, "-m", "replicator", *map(str, arguments), "--quiet"]
    subprocess.run(command, env=os.environ | {"OPENBLAS_CORETYPE": kernels}, check=True)


@on_x86
def test_the_committed_model_is_that_of_the_sample_study(tmp_path: Path) -> None:
    """The same source by content, the same state as a fit by this code has, and subjects can be drawn from it."""
    kept = rp.load_model(ROOT / "models" / "demo.replica")
    source = ROOT / "sample_data" / "rvt117-204" / "csv"
    run_with_kernels("Haswell", "fit", source, "-o", tmp_path / "again.replica", "--no-cache")
    fitted = rp.load_model(tmp_path / "again.replica")
    assert kept.fingerprint == fitted.fingerprint
    assert kept.model.layouts.keys() == fitted.model.layouts.keys()
    drawn, again = kept.sample(20, seed=7), fitted.sample(20, seed=7)
    assert drawn["DM"].to_frame().equals(again["DM"].to_frame())
    assert [d.n_rows for d in drawn.datasets.values()] == [d.n_rows for d in again.datasets.values()]


@on_x86
def test_samples_are_the_same_on_other_processors(tmp_path: Path) -> None:
    """Last bits of sums differ between kernels; no cell of a sample hangs on them."""
    written = []
    for kernels in ("Nehalem", "Haswell"):
        run_with_kernels(kernels, "sample", ROOT / "models" / "demo.replica", "-n", 300, "--seed", 7, "-o", tmp_path / kernels)
        written.append({file.name: file.read_bytes() for file in (tmp_path / kernels).iterdir()})
    assert written[0] == written[1]


@pytest.mark.parametrize("seed", [0, 1, 7])
def test_the_certificate_holds_for_many_subjects(seed: int) -> None:
    model = rp.load_model(ROOT / "models" / "demo.replica")
    certificate = rp.validate(model.sample(1000, seed=seed), against=model)
    assert certificate.holds, certificate.summary()


@pytest.mark.parametrize("domains", [("CO",), ("SUPPAE",), ("RELREC",), ("AE", "CO")])
def test_links_to_datasets_that_were_not_asked_for_are_no_faults(domains: tuple[str, ...]) -> None:
    """A sample of some datasets is held against its model by what is in it."""
    model = rp.load_model(ROOT / "models" / "demo.replica")
    certificate = rp.validate(model.sample(60, seed=7, domains=domains), against=model)
    assert certificate.holds, certificate.summary()

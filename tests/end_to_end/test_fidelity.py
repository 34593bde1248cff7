"""What is measured stays measured: the pilot study's figures do not worsen, and no law is lost."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def fidelity(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import fidelity

    return fidelity


def test_the_guard_sees_a_worse_figure_and_a_lost_law(fidelity: ModuleType) -> None:
    before = json.loads((BENCHMARKS / "fidelity.json").read_text(encoding="utf-8"))
    found = fidelity.Fidelity(**before | {"laws_lost": tuple(before["laws_lost"])})
    assert fidelity.worsened(found, before) == []
    worse = fidelity.Fidelity(**before | {"overall": before["overall"] + 0.051, "laws_lost": ("SRC-ORDER DM RFENDTC",)})
    said = fidelity.worsened(worse, before)
    assert len(said) == 2 and "worse by more than 0.05" in said[0] and "SRC-ORDER DM RFENDTC is lost" in said[1]


@pytest.mark.slow
def test_the_pilot_study_is_as_well_learned_as_before(pilot_folder: Path) -> None:
    command = [sys.executable, BENCHMARKS / "fidelity.py", "--study", pilot_folder, "--against", BENCHMARKS / "fidelity.json"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr

"""The certificate of a sample holds, whatever the study; and what does not hold is said."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import replicator as rp
from replicator.rules.certificate import LOST
from replicator.tables.dataset import Text

from ..conftest import packaged_study
from .conftest import Tables, small_study

ROOT = Path(__file__).resolve().parents[2]
SHARED = ("pbc", "diabetes-mock", "pk-sad", "pk-crossover", "msg-v2/xpt")
GROUPS = ("oncology", "eye", "vaccine", "metabolic", "neurology", "children", "general")


def breaches(certificates: ModuleType, name: str, source: Path | list[Path] | rp.Study) -> list[str]:
    """Rules that a sample of 300 subjects breaks though its source kept them, or breaks more often."""
    [judged] = certificates.judge(name, source, 300, [7])
    assert judged.rules
    return [str(one) for one in judged.breaches]


@pytest.mark.slow
@pytest.mark.parametrize("name", SHARED)
def test_the_certificate_of_a_shared_study_holds(name: str, shared_data: Path, certificates: ModuleType) -> None:
    """A long study, small ones, one without exposure, pharmacokinetics."""
    if not (shared_data / name).is_dir():
        pytest.skip(f"no folder {name} among the shared studies")
    assert breaches(certificates, name, shared_data / name) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", GROUPS)
def test_the_certificate_of_a_packaged_group_holds(name: str, certificates: ModuleType) -> None:
    """Several fields of medicine, some groups of two subjects; the benchmark knows no other groups."""
    packaged_study("pharmaversesdtm")
    assert set(certificates.GROUPS) == set(GROUPS)
    assert breaches(certificates, name, certificates.source_of(name)) == []


@pytest.mark.slow
def test_the_certificate_of_the_pilot_study_holds(pilot_folder: Path, certificates: ModuleType) -> None:
    """With 31 datasets."""
    assert breaches(certificates, "pilot", pilot_folder) == []


def few_subjects(source: Path, n: int, draw: int) -> rp.Study:
    """A study of `n` subjects of another, chosen by a draw."""
    whole = rp.read_study(source)
    subjects = whole["DM"].text("USUBJID").strings().tolist()
    chosen = set(np.random.default_rng(draw).choice(sorted(subjects), n, replace=False).tolist())
    kept = []
    for dataset in whole.datasets.values():
        if "USUBJID" in dataset:
            column = dataset.text("USUBJID")
            dataset = dataset.take(np.array([*(str(level) in chosen for level in column.levels), False])[column.codes])
        kept.append(dataset)
    return whole.with_datasets(kept)


@pytest.mark.slow
@pytest.mark.parametrize("draw", [1, 3])
def test_the_certificate_of_twenty_subjects_of_the_pilot_study_holds(
    draw: int, pilot_folder: Path, certificates: ModuleType
) -> None:
    """Fewer than k of them share most visits, routes and reasons to leave."""
    assert breaches(certificates, "pilot", few_subjects(pilot_folder, 20, draw)) == []


@pytest.mark.slow
def test_the_certificate_of_twenty_subjects_of_the_sample_study_holds(certificates: ModuleType) -> None:
    """Fewer than k of them have any one test that was not done."""
    assert breaches(certificates, certificates.OWN, few_subjects(certificates.source_of(certificates.OWN), 20, 2)) == []


@pytest.mark.slow
def test_the_certificate_of_the_sample_study_holds(certificates: ModuleType) -> None:
    """Our own study."""
    assert breaches(certificates, certificates.OWN, certificates.source_of(certificates.OWN)) == []


def test_a_rule_that_a_sample_breaks_is_said_with_its_numbers(certificates: ModuleType) -> None:
    """One subject of forty has a sex that the source does not know."""
    fitted = rp.load_model(ROOT / "models" / "demo.replica")
    sample = fitted.sample(40, seed=1)
    sexes = sample["DM"].text("SEX").strings().tolist()
    dm = replace(sample["DM"], columns={**sample["DM"].columns, "SEX": Text.of(["X", *sexes[1:]])})
    spoilt = sample.with_datasets([*(one for name, one in sample.datasets.items() if name != "DM"), dm])
    found = [str(certificates.Breach.of(one)) for one in fitted.certify(spoilt).of(*LOST)]
    assert "SRC-VALUES DM.SEX: passed by the source, failed by the sample, 1 of 40 (source 0 of 44)" in found


def test_the_benchmark_prints_and_writes_what_it_finds(
    write_study: Callable[[Tables], Path],
    tmp_path: Path,
    certificates: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Two seeds of a small study are two rows; the exit code says whether all certificates hold."""
    folder, out = write_study(small_study(24)), tmp_path / "found.json"
    monkeypatch.setattr("sys.argv", ["certificates.py", str(folder), "--subjects", "20", "--json", str(out)])
    code = certificates.main()
    found = json.loads(out.read_text(encoding="utf-8"))
    assert [(one["learned_from"], one["subjects"], one["seed"]) for one in found] == [(24, 20, 7), (24, 20, 11)]
    assert code == int(any(one["breaches"] for one in found))
    held = sum(not one["breaches"] for one in found)
    assert capsys.readouterr().out.splitlines()[-1] == f"{held} of 2 certificates hold"

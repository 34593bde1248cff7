"""The rules over real studies: all run, known faults are found, new subjects of the same study keep the learned rules."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from replicator.profile.find import find_structure
from replicator.rules import Severity, Status, Verdict, certificate, learn_rules, rules_of_standard, validate
from replicator.tables.dataset import Study
from replicator.tables.readers import read_study


@pytest.fixture(scope="module")
def pilot(pilot_folder: Path) -> Study:
    """The CDISC pilot study."""
    return read_study(pilot_folder)


def test_the_pilot_study(pilot: Study) -> None:
    """What is known to be wrong in the pilot study is found, and nothing is said of what is right."""
    report = validate(pilot)
    found = {(finding.code, finding.dataset, finding.variable): finding.n_failed for finding in report.findings}
    # death on 2013-08-02, and records on the day after it; four doses after RFXENDTC; criteria without AESER = Y
    assert found["AFTER-DEATH", "AE", "AEDTC"] == 1
    assert found["DOSE-AFTER", "EX", "EXSTDTC"] == 4
    assert found["SERIOUS-WHY", "AE", "AESER"] == 32
    for code in (
        "DAY-AGREES",
        "DAY-ZERO",
        "VISIT-SCHEDULE",
        "LINK-PARENT",
        "LINK-RELREC",
        "DATE-ISO",
        "DATE-POSSIBLE",
        "SEQ-UNIQUE",
    ):
        assert report.status(code) is Status.PASSED, code
    assert sum(finding.severity is Severity.ERROR for finding in report.findings) <= 10


def test_half_of_the_pilot_keeps_what_the_other_half_taught(pilot: Study) -> None:
    """Unseen subjects of the same study break at most 1 in 50 of the comparisons: the learned rules are not accidents."""
    structure = find_structure(pilot)
    subjects = pilot["DM"].text("USUBJID").strings()
    chosen = set(subjects[np.random.default_rng(5).permutation(len(subjects))[: len(subjects) // 2]].tolist())
    halves = []
    for wanted in (True, False):
        kept = []
        for dataset in pilot.datasets.values():
            if "USUBJID" in dataset:
                mask = np.array([(value in chosen) == wanted or value == "" for value in dataset.text("USUBJID").strings()])
                dataset = dataset.take(mask)
            kept.append(dataset)
        halves.append(pilot.with_datasets(kept))
    rules = (*rules_of_standard(), *learn_rules(halves[0], structure))
    source, sample = (validate(half, rules, structure) for half in halves)
    found = certificate(source.without_rows(), sample)
    assert len(found.of(Verdict.PASSED)) > 1000
    assert len(found.of(Verdict.BROKEN)) <= len(found.comparisons) / 50
    assert len(found.of(Verdict.MORE)) <= 2


@pytest.mark.parametrize("name", ["pbc", "diabetes-mock", "pk-sad", "pk-crossover"])
def test_studies_of_other_kinds(name: str, shared_data: Path) -> None:
    """Every study at hand is judged and teaches rules that it passes."""
    study = read_study(shared_data / name)
    structure = find_structure(study)
    rules = learn_rules(study, structure)
    report = validate(study, (*rules_of_standard(), *rules), structure)
    assert rules and not [outcome for outcome in report.outcomes if outcome.rule.startswith("SRC-") and outcome.n_failed]

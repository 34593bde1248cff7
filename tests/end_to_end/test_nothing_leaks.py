"""No value, text, extreme or combination that fewer than k subjects share is in a model file: looked for, one by one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import replicator as rp
from replicator.profile.structure import Kind
from replicator.tables.dataset import Study

from ..conftest import packaged_study
from .few_subjects import FewSubjects, ModelFile, leaked_numbers, leaked_pairs, leaked_texts

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
STUDIES = ("sample data", "pilot, first half", "pilot, second half", "pbc")
K, K_TERMS = 5, 3


def half(study: Study, which: int) -> Study:
    """Every second subject."""
    subjects = np.sort(study["DM"].text("USUBJID").strings().astype(str))[which::2]
    kept = []
    for dataset in study.datasets.values():
        rows = np.isin(dataset.text("USUBJID").strings().astype(str), subjects) if "USUBJID" in dataset else slice(None)
        kept.append(dataset.take(np.arange(dataset.n_rows)[rows]))
    return study.with_datasets(kept)


@pytest.fixture(scope="module", params=STUDIES)
def fitted(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[FewSubjects, ModelFile]:
    """What few subjects of a study share, and the file of its model."""
    if request.param == "sample data":
        [folder] = (ROOT / "sample_data").glob("*/xpt")
        study = rp.read_study(folder)
    elif request.param == "pbc":
        study = rp.read_study(request.getfixturevalue("shared_data") / "pbc")
    else:
        study = half(rp.read_study(packaged_study("cdiscpilotsdtm")), int("second" in request.param))
    path = tmp_path_factory.mktemp("leaks") / "model.replica"
    rp.fit(study, k=K, k_terms=K_TERMS, cache=False).save(path)
    return FewSubjects(study, K, K_TERMS), ModelFile(path)


def test_no_text_of_few_subjects(fitted: tuple[FewSubjects, ModelFile]) -> None:
    few, model = fitted
    assert sum(map(len, few.texts().values())) > 100  # there is something to find
    assert leaked_texts(few, model) == []


def test_no_number_or_extreme_of_few_subjects(fitted: tuple[FewSubjects, ModelFile]) -> None:
    few, model = fitted
    assert sum(map(len, few.numbers().values())) > 100
    assert leaked_numbers(few, model) == []


def test_no_pair_of_values_of_few_subjects(fitted: tuple[FewSubjects, ModelFile]) -> None:
    few, model = fitted
    assert leaked_pairs(few, model) == []


def test_what_is_planted_is_found(fitted: tuple[FewSubjects, ModelFile]) -> None:
    """A rare text among the levels of a part and in the profile, a rare number, and a rare pair in a block."""
    few, model = fitted
    name, text = next((part, one) for part, rare in few.texts().items() for one in rare if len(one) > 8 and one[:4].isalpha())
    part, x = next((part, next(iter(rare))) for part, rare in few.numbers().items() if rare)
    [subjects] = [one for one, facts in few.structure.datasets.items() if facts.kind is Kind.SUBJECTS]
    a, b = next(iter(few.pairs(subjects, "AGE", "SEX")))
    block = {
        "$kind": "block",
        "names": ["AGE", "SEX"],
        "values": [
            {"$text": [a], "codes": {"$cells": [0], "dtype": "<i4", "shape": [1]}},
            {"$text": [b.upper()], "codes": {"$cells": [0], "dtype": "<i4", "shape": [1]}},
        ],
    }
    planted = ModelFile.__new__(ModelFile)
    planted.arrays = model.arrays
    planted.trees = {
        "model.json": {"parts": {name: {"levels": {"$text": [text]}}}, "agreements": {subjects: block}},
        "rules.json": {},
        "profile.json": {"term": text},
    }
    assert {leak.what for leak in leaked_texts(few, planted)} == {text}
    assert {leak.what for leak in leaked_pairs(few, planted)} == {f"AGE={a} SEX={b}"}
    planted.trees["model.json"]["parts"] = {part: {"value": [x, 1.0]}}
    assert [leak.what for leak in leaked_numbers(few, planted)] == [f"{x:.9g}"]

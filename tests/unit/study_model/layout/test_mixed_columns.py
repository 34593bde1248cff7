"""Columns of numbers and texts are learned as both."""

from __future__ import annotations

import numpy as np
import pytest

from replicator.pipeline import fit
from replicator.profile.find import find_structure
from replicator.study_model.layout.mixed_columns import join_mixed_columns, split_mixed_columns
from replicator.tables.dataset import Dataset, Numbers, Study, Text, Variable

N = 200
RNG = np.random.default_rng(2)
WEIGHT = [f"{x:.1f}" for x in RNG.normal(70, 10, N)]
HEIGHT = [f"{x:.1f}" for x in 100 + np.array(WEIGHT, float) + RNG.normal(0, 3, N)]


def _study(**columns: list[str]) -> Study:
    ids = [f"S-{i:03d}" for i in range(N)]
    start = [f"2020-{i % 12 + 1:02d}-{i % 28 + 1:02d}" for i in range(N)]
    cells = {"STUDYID": ["S"] * N, "DOMAIN": ["DM"] * N, "USUBJID": ids, "RFSTDTC": start, **columns}
    text = {name: Text.of(values) for name, values in cells.items()}
    return Study({"DM": Dataset("DM", tuple(map(Variable, text)), text)})


def _split(study: Study, k: int = 5):  # type: ignore[no-untyped-def]
    subject = {"DM": np.arange(N, dtype=np.int32)}
    return split_mixed_columns(study.datasets, find_structure(study).datasets, subject, k)


def test_numbers_stay_numbers_beside_a_word_that_one_subject_has() -> None:
    """199 weights and one UNK: the sample has weights, and no UNK."""
    study = _study(WT=["UNK", *WEIGHT[1:]], HT=HEIGHT)
    sample = fit(study).sample(300, seed=3)["DM"]
    drawn = sample.numbers("WT")
    assert np.isfinite(drawn).all()
    assert drawn.mean() == pytest.approx(np.array(WEIGHT[1:], float).mean(), abs=4 * 10 / np.sqrt(N))
    assert np.corrcoef(drawn, sample.numbers("HT"))[0, 1] > 0.8
    assert all(len(text.partition(".")[2]) == 1 for text in sample.text("WT").strings().tolist())


def test_words_that_many_share_keep_their_share() -> None:
    """A fifth of the heights is ND: so it is in the sample, the others are heights, and a note gives the counts."""
    fitted = fit(_study(WT=WEIGHT, HT=["ND"] * 40 + HEIGHT[40:]))
    sample = fitted.sample(500, seed=3)["DM"]
    said = sample.text("HT").strings() == "ND"
    assert said.mean() == pytest.approx(0.2, abs=4 * np.sqrt(0.2 * 0.8 * (1 / 500 + 1 / N)))
    assert np.isfinite(sample.numbers("HT")[~said]).all()
    assert any("DM.HT: numbers in 160 cells and texts in 40" in note for note in fitted.notes)


def test_there_and_back() -> None:
    """Numbers with their zeros, texts and empty cells come back as they were; rare texts are empty."""
    column = ["ND"] * 30 + ["UNK"] + [""] * 9 + WEIGHT[40:]
    study = _study(WT=column)
    datasets, mixed, _ = _split(study)
    assert isinstance(datasets["DM"]["WT"], Numbers)
    variables = {variable.name: variable for variable in study["DM"].variables}
    back = join_mixed_columns(datasets["DM"], mixed, variables, np.random.default_rng(1))
    assert back.variables == study["DM"].variables
    assert back.text("WT").strings()[[*range(30), *range(31, N)]].tolist() == [*column[:30], *column[31:]]


def test_codes_and_identifiers_are_no_measures() -> None:
    """Grades that many share, numbers with leading zeros, and dates stay text."""
    grade = [str(i % 4) if i % 9 else "NE" for i in range(N)]
    code = [f"{i:05d}" if i % 7 else "NONE" for i in range(N)]
    datasets, mixed, notes = _split(_study(GRADE=grade, CODE=code))
    assert not mixed and not notes
    assert isinstance(datasets["DM"]["GRADE"], Text)


def test_rare_words_are_in_no_model() -> None:
    """What fewer than k subjects say is neither among the levels nor in a note."""
    _, mixed, notes = _split(_study(WT=["SECRET"] * 4 + ["ND"] * 6 + WEIGHT[10:]))
    assert "SECRET" not in repr(mixed) + " ".join(notes)
    assert "texts that fewer than 5 subjects share are not kept (4 cells)" in notes[0]

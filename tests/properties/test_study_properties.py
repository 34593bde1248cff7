"""What holds of any study that the blueprints describe."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from replicator.profile.find import find_structure
from replicator.sampling.request import Request
from replicator.study_model.fitting import fit_study_model
from replicator.tables.dataset import Study, Text

from .blueprint import Blueprint
from .strategies import blueprints, build_study


def sampled(study: Study, n: int = 12, seed: int = 1) -> Study:
    return Request(fit_study_model(study, find_structure(study)), n, seed).study()


def cells(study: Study) -> dict[tuple[str, str], list[str]]:
    return {(d.name, name): d.text(name).strings().tolist() for d in study.datasets.values() for name in d.names}


@settings(max_examples=8)
@given(blueprints(), st.integers(0, 1000))
def test_any_study_is_learned_and_drawn(blueprint: Blueprint, seed: int) -> None:
    """One to thirty subjects, one to three arms, any visits: as many new subjects as asked for, in the source's variables."""
    study = build_study(blueprint)
    sample = sampled(study, 15, seed)
    assert sample["DM"].n_rows == 15
    assert [(d.name, d.names) for d in sample.datasets.values()] == [(d.name, d.names) for d in study.datasets.values()]
    ids = set(sample["DM"].text("USUBJID").strings().tolist())
    assert len(ids) == 15 and not ids & set(study["DM"].text("USUBJID").strings().tolist())
    for dataset in sample.datasets.values():
        if "USUBJID" in dataset:
            assert set(dataset.text("USUBJID").strings().tolist()) <= ids


@settings(max_examples=4)
@given(st.integers(0, 1000), st.integers(0, 1000))
def test_one_seed_one_sample(seed: int, other: int) -> None:
    """Equal seeds give equal cells, different seeds different ones."""
    study = build_study(Blueprint(n=25, seed=seed))
    model = fit_study_model(study, find_structure(study))
    one, two, three = (cells(Request(model, 10, s).study()) for s in (other, other, other + 1))
    assert one == two and one != three


@settings(max_examples=4)
@given(st.integers(0, 1000))
def test_other_numbers_of_subjects_are_the_same_study(seed: int) -> None:
    """Subjects under other numbers (of as many digits, in the same order) behave the same way."""
    study = build_study(Blueprint(n=25, seed=seed))

    def renamed(column: Text) -> Text:
        return Text(
            column.codes, np.array([f"{one[:8]}{int(one[8:12]) + 500}{one[12:]}" for one in column.levels.tolist()], object)
        )

    other = study.with_datasets(
        d.with_column(d.variable("USUBJID"), renamed(d.text("USUBJID"))) if "USUBJID" in d else d for d in study.datasets.values()
    )
    a, b = cells(sampled(study)), cells(sampled(other))
    assert {key for key in a if a[key] != b[key]} <= {key for key in a if key[1] in ("USUBJID", "SUBJID", "RELID")}

"""A model is a function of what a study says: not of the order in which files have their rows or columns their levels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replicator.pipeline import fit
from replicator.tables.canonical import in_canonical_order
from replicator.tables.dataset import Column, Dataset, Study, Text
from replicator.tables.readers import read_study

from .blueprint import Blueprint
from .strategies import build_study

SAMPLE_STUDY = Path(__file__).parents[2] / "sample_data" / "rvt117-204" / "csv"


def shuffled_levels(column: Column, rng: np.random.Generator) -> Column:
    """The same cells with levels in another order and an unused one among them."""
    if not isinstance(column, Text):
        return column
    place = rng.permutation(len(column.levels) + 1).astype(np.int32)
    levels = np.empty(len(place), object)
    levels[place] = np.append(column.levels, ["used by nobody"])
    return Text(np.where(column.codes < 0, -1, place[column.codes]).astype(np.int32), levels)


def shuffled(study: Study, seed: int) -> Study:
    """The same study: rows about subjects and levels in another order."""
    rng = np.random.default_rng(seed)

    def other(dataset: Dataset) -> Dataset:
        columns = {name: shuffled_levels(dataset[name], rng) for name in dataset.names}
        dataset = replace(dataset, columns=columns)
        return dataset.take(rng.permutation(dataset.n_rows)) if "USUBJID" in dataset else dataset

    return study.with_datasets(other(dataset) for dataset in study.datasets.values())


def saved(study: Study, path: Path) -> bytes:
    """The model file."""
    fit(study, cache=False).save(path, overwrite=True)
    return path.read_bytes()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_order_of_rows_and_levels_makes_no_difference(tmp_path: Path, seed: int) -> None:
    """Equal model files, with fingerprint, rules and profile, for blueprints of any seed."""
    study = build_study(Blueprint(n=25, seed=seed))
    assert saved(study, tmp_path / "one.replica") == saved(shuffled(study, seed), tmp_path / "two.replica")


def test_order_makes_no_difference_to_a_study_of_every_kind_of_dataset(tmp_path: Path) -> None:
    """Findings, events, interventions, SUPP--, RELREC, comments, rows of a pool: equal model files."""
    study = read_study(SAMPLE_STUDY)
    assert saved(study, tmp_path / "one.replica") == saved(shuffled(study, 4), tmp_path / "two.replica")


@given(st.integers(0, 1000))
@settings(max_examples=20)
def test_canonical_order_keeps_every_cell(seed: int) -> None:
    """Rows are those of the source, each subject's in the order of --SEQ; a second time nothing moves."""
    study = build_study(Blueprint(n=10, seed=seed % 5))
    once = in_canonical_order(shuffled(study, seed), "USUBJID")
    for dataset in once.datasets.values():
        rows = zip(*(dataset.text(name).strings().tolist() for name in dataset.names), strict=True)
        source = study[dataset.name]
        assert sorted(rows) == sorted(zip(*(source.text(name).strings().tolist() for name in source.names), strict=True))
        twice = in_canonical_order(once, "USUBJID")[dataset.name]
        assert all((dataset.text(name).codes == twice.text(name).codes).all() for name in dataset.names)
    events = once["AE"]
    who, number = events.text("USUBJID").codes, events.numbers("AESEQ")
    assert ((np.diff(who) > 0) | ((np.diff(who) == 0) & (np.diff(number) > 0))).all()


def test_rows_about_nobody_keep_their_order() -> None:
    """The trial's arms are copied as they stand."""
    study = read_study(SAMPLE_STUDY)
    back = in_canonical_order(study.with_datasets(d.take(np.arange(d.n_rows)[::-1]) for d in study.datasets.values()), "USUBJID")
    assert back["TA"].text("ETCD").strings().tolist() == study["TA"].text("ETCD").strings().tolist()[::-1]

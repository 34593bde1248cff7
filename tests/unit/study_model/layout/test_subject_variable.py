"""A study whose subjects are named by another variable than USUBJID is learned and sampled like any other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from replicator.profile.find import find_structure
from replicator.sampling.request import Request
from replicator.study_model.fitting import fit_study_model
from replicator.study_model.layout.joining import join_supplements, split_supplements
from replicator.tables.dataset import Dataset, Study
from replicator.tables.readers import read_study

SAMPLE = Path(__file__).resolve().parents[4] / "sample_data" / "rvt117-204" / "csv"
NAMES = ("DM", "AE", "CM", "SUPPAE", "SUPPDM", "RELREC")


def small_study() -> Study:
    whole = read_study(SAMPLE)
    return whole.with_datasets(whole[name] for name in NAMES)


def renamed(study: Study, old: str, new: str) -> Study:
    def one(dataset: Dataset) -> Dataset:
        variables = tuple(replace(v, name=new) if v.name == old else v for v in dataset.variables)
        columns = {new if name == old else name: column for name, column in dataset.columns.items()}
        return Dataset(dataset.name, variables, columns, dataset.label)

    return study.with_datasets(one(dataset) for dataset in study.datasets.values())


def assert_equal_cells(left: Study, right: Study) -> None:
    assert list(left.datasets) == list(right.datasets)
    for name, dataset in left.datasets.items():
        assert dataset.names == right[name].names
        for variable in dataset.names:
            assert dataset.text(variable).strings().tolist() == right[name].text(variable).strings().tolist(), (name, variable)


def test_another_name_makes_no_difference() -> None:
    """SUBJID of DM stands beside it: what all datasets have names the subject. Samples differ in the name alone."""
    study = small_study()
    other = renamed(study, "USUBJID", "SUBJECT_ID")
    structure = find_structure(other)
    assert structure.subject_variable == "SUBJECT_ID"
    expected = Request(fit_study_model(study, find_structure(study)), 40, 3).study()
    found = Request(fit_study_model(other, structure), 40, 3).study()
    assert expected["SUPPAE"].n_rows and expected["SUPPDM"].n_rows and expected["RELREC"].n_rows
    assert_equal_cells(renamed(expected, "USUBJID", "SUBJECT_ID"), found)


def test_supplements_come_off_as_they_went_on() -> None:
    """Joined and split again, the rows of SUPPAE are those of the source, in the order of its parent's rows."""
    study = renamed(small_study(), "USUBJID", "SUBJECT_ID")
    joined, supplements, notes = join_supplements(study, find_structure(study))
    assert notes == ()
    own = tuple(item for item in supplements if item.dataset == "SUPPAE")
    parent, supplement = split_supplements(joined["AE"], own, study["SUPPAE"].take(np.empty(0, np.intp)), "SUBJECT_ID")
    assert parent.names == study["AE"].names

    def rows(dataset: Dataset) -> list[tuple[str, ...]]:
        return sorted(zip(*(dataset.text(name).strings().tolist() for name in dataset.names), strict=True))

    assert rows(supplement) == rows(study["SUPPAE"])

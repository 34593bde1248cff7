"""Terms of codelists that few subjects have are not in a model."""

from __future__ import annotations

from dataclasses import replace

from replicator.profile.find import find_structure
from replicator.study_model.kept_codelists import kept_codelists
from replicator.study_model.source import read_source
from replicator.tables.dataset import CodelistTerm, Dataset, Study

from .small_studies import make_study

K = 3


def _with_codelists(study: Study, of_variable: dict[str, str], **terms: str) -> Study:
    """A study of whose variables some have codelists."""
    datasets = [
        Dataset(one.name, tuple(replace(v, codelist=of_variable.get(v.name, "")) for v in one.variables), one.columns)
        for one in study.datasets.values()
    ]
    return replace(
        study.with_datasets(datasets), codelists={name: tuple(map(CodelistTerm, said.split())) for name, said in terms.items()}
    )


def test_terms_that_few_or_none_have_are_not_kept() -> None:
    """Three are asked by phone, two at home and nobody at work; terms of the standard, and those about nobody, stay.

    Of a list that no variable has those stay that three have anywhere.
    """
    ids = [f"S{i}" for i in range(6)]
    study = _with_codelists(
        make_study(
            DM={"USUBJID": ids, "SEX": ["F"] * 5 + ["M"], "PLACE": ["PHONE"] * 3 + ["HOME"] * 2 + [""]},
            TS={"TSPARMCD": ["AGEMAX"], "TSVAL": ["SEVENTY"]},
        ),
        {"SEX": "SEX", "PLACE": "PLACE", "TSVAL": "TS"},
        SEX="F M U",
        PLACE="PHONE HOME WORK",
        TS="SEVENTY EIGHTY",
        FREE="ANY HOME PHONE",
    )
    structure = find_structure(study)
    kept, notes = kept_codelists(study, read_source(study, structure, K), "USUBJID", K)
    assert {name: " ".join(term.value for term in terms) for name, terms in kept.items()} == {
        "SEX": "F M U",
        "PLACE": "PHONE",
        "TS": "SEVENTY EIGHTY",
        "FREE": "PHONE",
    }
    assert len(notes) == 1 and "4 of 11" in notes[0]


def test_a_study_whose_terms_all_have_is_as_it_was() -> None:
    study = _with_codelists(make_study(DM={"USUBJID": ["A", "B", "C"], "PLACE": ["HOME"] * 3}), {"PLACE": "PLACE"}, PLACE="HOME")
    kept, notes = kept_codelists(study, read_source(study, find_structure(study), K), "USUBJID", K)
    assert (kept, notes) == (study.codelists, ())

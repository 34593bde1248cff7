"""The battery that models of whole studies, and with them every registered part, pass."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import takewhile

import numpy as np
import pytest

from replicator.profile.find import find_structure
from replicator.sampling.request import Request
from replicator.sampling.sampler import draw_subjects
from replicator.standards.medicine_needs import load_medicine_needs
from replicator.study_model.artifact.registry import KINDS, PLAIN
from replicator.study_model.artifact.state import to_state
from replicator.study_model.columns.stand_in_codes import ORDINARY
from replicator.study_model.fitting import fit_study_model
from replicator.study_model.spine import Spine
from replicator.study_model.study_model import StudyModel
from replicator.tables.dataset import Dataset, Numbers, Study, Text, Variable

from ..properties.blueprint import Blueprint
from ..properties.strategies import UNIQUE_NUMBER, build_study
from ..unit.study_model.small_studies import (
    commented,
    deaths_told_twice,
    doses_again,
    doses_of_each_day,
    events_from_consent,
    final_results,
    weeks_completed,
    weights_by_sex,
)
from .array_models import MODELS
from .states import kinds_in, numbers_in, reloaded, state_bytes, texts_in

K, K_TERMS = 5, 3
CODED = ("TERM", "DECOD", "BODSYS", "TRT", "CLAS")  # terms and their classes, of k_terms subjects
METADATA = ("QNAM", "QLABEL", "QORIG")  # what a SUPP-- says of its variables
IDENTIFYING = ("STUDYID", "DOMAIN", "RDOMAIN", "USUBJID", "IDVAR", "ARM", "ARMCD")
STANDARD_TERMS = {"FATAL", "Y", "N"}.union(*ORDINARY.values())  # of codelists that every study shares


def _changed(study: Study, change: Callable[[Dataset], Dataset]) -> Study:
    """Change all datasets but the subjects' and those that are about nobody."""
    return study.with_datasets(d if d.name in ("DM", "TA") else change(d) for d in study.datasets.values())


def _cells(dataset: Dataset, text: Callable[[Text], Text], numbers: Callable[[Numbers], Numbers]) -> Dataset:
    """Change the cells of all columns but those that say what a row is about."""
    for name in dataset.names:
        column = dataset[name]
        if name not in (*IDENTIFYING, "VISITNUM", "IDVARVAL", "QNAM") and not name.endswith(("SEQ", "TESTCD")):
            dataset = dataset.with_column(dataset.variable(name), text(column) if isinstance(column, Text) else numbers(column))
    return dataset


def _missing(dataset: Dataset) -> Dataset:
    return _cells(dataset, lambda c: Text.constant("", len(c)), lambda c: Numbers(np.full(len(c), np.nan)))


def _constant(dataset: Dataset) -> Dataset:
    def first(column: Text) -> Text:
        return Text.constant(str(column.strings()[0]) if len(column) else "", len(column))

    return _cells(dataset, first, lambda c: Numbers(np.full(len(c), 2.0)))


def _scaled(dataset: Dataset, factor: float) -> Dataset:
    for name in dataset.names:
        column = dataset[name]
        if name.endswith(("STRESN", "DOSE")) and isinstance(column, Numbers):
            dataset = dataset.with_column(dataset.variable(name), Numbers(column.values * factor))
        if name.endswith("ORRES"):
            texts = [text if text.isalpha() or not text else f"{float(text) * factor:g}" for text in dataset.text(name).strings()]
            dataset = dataset.with_column(dataset.variable(name), Text.of(texts))
    return dataset


def _one_subject(dataset: Dataset) -> Dataset:
    who = dataset.text("USUBJID")
    return dataset.take(who.codes == (who.codes[0] if len(who) else -1))


def _numbers_and_texts(study: Study) -> Study:
    """Give the subjects a measurement that is text for every tenth of them."""
    subjects = study["DM"]
    measured = np.round(np.random.default_rng(5).normal(80.0, 12.0, subjects.n_rows), 1)
    told = np.where(np.arange(subjects.n_rows) % 10 == 0, "UNK", measured.astype(str)).astype(object)
    return study.with_datasets(
        d.with_column(Variable("WEIGHT"), Text.of(told)) if d.name == "DM" else d for d in study.datasets.values()
    )


STUDIES: Mapping[str, Callable[[], Study]] = {
    "ordinary": lambda: build_study(Blueprint()),
    "unique": lambda: build_study(Blueprint(n=90, unique=True)),
    "one subject": lambda: build_study(Blueprint(n=1)),
    "six subjects": lambda: build_study(Blueprint(n=6, unique=True)),
    "one arm": lambda: build_study(Blueprint(n=40, female=(0.5,), leave=(0.2,), shift=(0.0,), dose=(0.0,), rash=(1.0,))),
    "no rows": lambda: _changed(build_study(Blueprint()), lambda d: d.take(np.empty(0, np.intp))),
    "one row": lambda: _changed(build_study(Blueprint()), lambda d: d.take(np.arange(min(1, d.n_rows)))),
    "rows of one subject": lambda: _changed(build_study(Blueprint()), _one_subject),
    "all missing": lambda: _changed(build_study(Blueprint()), _missing),
    "constant": lambda: _changed(build_study(Blueprint()), _constant),
    "huge": lambda: _changed(build_study(Blueprint()), lambda d: _scaled(d, 1e12)),
    "tiny": lambda: _changed(build_study(Blueprint()), lambda d: _scaled(d, 1e-12)),
    "numbers and texts": lambda: _numbers_and_texts(build_study(Blueprint(n=90))),
    "weeks completed": weeks_completed,
    "deaths told twice": deaths_told_twice,
    "doses of each day": doses_of_each_day,
    "events from consent": events_from_consent,
    "final results": final_results,
    "weights by sex": weights_by_sex,
    "comments": commented,
    "doses again": doses_again,
    "rows backwards": lambda: _changed(build_study(Blueprint()), lambda d: d.take(np.arange(d.n_rows)[::-1])),
}


@dataclass(frozen=True, eq=False)
class Case:
    study: Study
    model: StudyModel


@functools.cache
def fitted(name: str) -> Case:
    """Fit a study once."""
    study = STUDIES[name]()
    return Case(study, fit_study_model(study, find_structure(study)))


def cells_of(study: Study) -> list[tuple[str, list[object], list[object]]]:
    """All cells, as comparable values: numbers by their bytes, texts decoded."""
    return [
        (d.name, list(d.names), [c.strings().tolist() if isinstance(c, Text) else c.values.tobytes() for c in d.columns.values()])
        for d in study.datasets.values()
    ]


@pytest.mark.parametrize("name", STUDIES)
def test_state_and_sample_survive_the_file(name: str) -> None:
    """State to JSON and back is exact, and what is loaded draws the same subjects; the source keeps its datasets and variables."""
    case = fitted(name)
    loaded = reloaded(case.model)
    assert state_bytes(loaded) == state_bytes(case.model)
    sample = Request(case.model, 40, 3).study()
    assert cells_of(Request(loaded, 40, 3).study()) == cells_of(sample)
    assert [(d.name, d.names) for d in sample.datasets.values()] == [(d.name, d.names) for d in case.study.datasets.values()]
    assert sample["DM"].n_rows == 40
    assert len(set(sample["DM"].text("USUBJID").strings())) == 40


@pytest.mark.parametrize("name", STUDIES)
def test_texts_of_a_sample_have_levels_once(name: str) -> None:
    """What counts by levels counts cells of a sample as it counts those of a file; a missing cell is no level."""
    sample = Request(fitted(name).model, 200, 5).study()
    texts = {(d.name, v): c.levels.tolist() for d in sample.datasets.values() for v, c in d.columns.items() if isinstance(c, Text)}
    assert {of: levels for of, levels in texts.items() if len(set(levels)) < len(levels) or "" in levels} == {}


@pytest.mark.parametrize("name", ["ordinary", "unique", "one subject"])
def test_fit_twice_is_fit_once(name: str) -> None:
    """A fit leaves its study as it was, and a second one gives the same bytes."""
    case = fitted(name)
    assert cells_of(case.study) == cells_of(STUDIES[name]())
    assert state_bytes(fit_study_model(case.study, find_structure(case.study))) == state_bytes(case.model)


def _spine(model: StudyModel, part: str) -> Spine:
    """Subjects, with all that is told of them before a part is drawn."""
    spine, head = draw_subjects(model, 5, 0, None)
    spine = model.story.begin(spine, head)
    for name in takewhile(lambda name: name != part, model.parts):
        rows = model.parts[name].sample(spine, np.random.default_rng(6))
        spine = model.story.add(spine, name, rows.columns, rows.subject)
    return spine


@pytest.mark.parametrize("part", list(fitted("unique").model.parts))
def test_every_part_draws_by_its_seed_alone(part: str) -> None:
    """Same spine and seed: same rows; all of them of subjects of the spine, all columns of one length, all inputs untouched."""
    model = fitted("unique").model
    spine = _spine(model, part)
    before = state_bytes(model.parts[part])
    first, second = (model.parts[part].sample(spine, np.random.default_rng(4)) for _ in range(2))
    np.testing.assert_array_equal(first.subject, second.subject)
    assert len(first.subject) == 0 or (first.subject.min() >= 0 and first.subject.max() < spine.n)
    assert set(first.columns) == set(second.columns)
    for column in first.columns:
        assert len(first.columns[column]) == len(first.subject)
        np.testing.assert_array_equal(first.columns[column].strings(), second.columns[column].strings())
    assert state_bytes(model.parts[part]) == before


@pytest.mark.parametrize("name", ["ordinary", "unique", "six subjects"])
def test_no_text_of_few_subjects_is_in_the_state(name: str) -> None:
    """Of the texts in cells of the source, the state holds only those that at least k subjects share (or terms of lists)."""
    case = fitted(name)
    owners: dict[str, set[str]] = {}
    coded: set[str] = set()
    for dataset in case.study.datasets.values():
        if "USUBJID" not in dataset:
            continue
        who = dataset.text("USUBJID").strings()
        for column in dataset.names:
            texts = [
                text.casefold() for text in dataset.text(column).strings().tolist()
            ]  # reported terms are coded ones in lower case
            coded.update(texts if column.endswith(CODED) else ())
            if column not in (*IDENTIFYING, *METADATA) or column == "USUBJID":
                for text, one in set(zip(texts, who.tolist(), strict=True)):
                    owners.setdefault(text, set()).add(one)
    names = {variable.name for dataset in case.study.datasets.values() for variable in dataset.variables} | set(case.study.datasets)
    rare = {text for text, who in owners.items() if text and len(who) < (K_TERMS if text in coded else K)}
    names |= {str(level) for level in case.study["DM"].text("ARM").levels}
    rare -= {text.casefold() for text in names | STANDARD_TERMS}
    tree, _ = to_state(case.model, KINDS)
    needs = {part for parts in load_medicine_needs().conditions.values() for part in parts}  # of the lists, whoever has them
    listed = {(path, text) for path, text in texts_in(tree) if path.endswith("/catalogue/needs") and text in needs}
    assert {(path, text) for path, text in texts_in(tree) if text.casefold() in rare} <= listed
    assert not any("UNIQUE" in text for _, text in texts_in(tree))


def test_no_number_of_one_subject_is_in_the_state() -> None:
    """The numbers that were planted, one each in a row of every numeric column, are not kept."""
    planted = UNIQUE_NUMBER + np.arange(40)
    numbers = numbers_in(fitted("unique").model)
    assert not np.isclose(numbers[:, None], planted, rtol=0, atol=1e-6).any()
    values = np.concatenate(
        [
            column.values
            for d in fitted("unique").study.datasets.values()
            for column in d.columns.values()
            if isinstance(column, Numbers)
        ]
    )
    assert np.isclose(values[:, None], planted, rtol=0, atol=1e-6).any(axis=1).sum() >= 5


def test_every_registered_kind_is_in_the_battery() -> None:
    """No class is registered that neither the array models nor these studies use, but for the plain values that caches hold."""
    seen = set().union(*(kinds_in(to_state(fitted(name).model, KINDS)[0]) for name in STUDIES))
    assert set(KINDS) - seen - set(MODELS) <= set(PLAIN)

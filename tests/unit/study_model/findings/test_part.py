"""The findings part on a real study, and the small things it is made of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from replicator.config import FitConfig
from replicator.profile.find import find_structure
from replicator.study_model.columns.written_numbers import count_places, write_numbers
from replicator.study_model.findings.levels import answers, outlying_codes, subject_weights
from replicator.study_model.findings.part import FindingsPart
from replicator.study_model.source import read_source
from replicator.study_model.spine import Fitted, Rows, Spine
from replicator.tables.dataset import Dataset, Numbers, Study, Text
from replicator.tables.reading_parquet import read_parquet


def test_numbers_are_written_as_the_source_writes_them() -> None:
    """Fixed decimals, shortest form, leading zeros, and nothing for a missing number."""
    text = write_numbers(
        np.array([4.0, 4.25, 98.6, np.nan]),
        np.array([1, -1, 1, 0]),
        np.array([True, False, True, False]),
        np.array([0, 0, 3, 0]),
    )
    assert text.strings().tolist() == ["4.0", "4.25", "098.6", ""]


def test_places_are_counted_by_series() -> None:
    """One series in tenths with zeros kept, one in whole numbers."""
    text = Text.of(["4.0", "3.9", "12", "15"])
    places, fixed = count_places(text, np.array([4.0, 3.9, 12, 15]), np.array([0, 0, 1, 1]), 2)
    assert places.tolist() == [1, 0]
    assert fixed.tolist() == [True, False]


def test_codes_for_no_answer_are_told_from_numbers() -> None:
    """96 beside 0, 1, 2 is a code; 96 on a scale up to 100 is a number; NA is no answer."""
    value = np.array([0.0, 1, 2, 96, 80, 90, 96, 100])
    series = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    assert outlying_codes(value, series, 2).tolist() == [False, False, False, True, False, False, False, False]
    text = Text.of(["Y", "NA", None])
    assert answers(text, text, np.full(3, np.nan)).tolist() == [True, False, False]


def test_every_subject_weighs_one() -> None:
    """Rows of a subject share its weight."""
    assert subject_weights(np.array([3, 3, 5])).tolist() == [0.5, 0.5, 1.0]


@pytest.fixture(scope="module")
def pilot(pilot_folder: Path) -> tuple[Study, Spine, dict[str, tuple[Dataset, Fitted, Rows]]]:
    """Vital signs and one instrument of the pilot, learned and drawn for its own subjects."""
    names = ("dm", "sv", "vs", "qsni")
    study = Study({name.upper(): read_parquet(pilot_folder / f"{name}.parquet", name.upper())[0] for name in names})
    structure = find_structure(study)
    source = read_source(study, structure)
    found = {}
    for name in ("VS", "QSNI"):
        fitted = FindingsPart.fit(source.datasets[name], structure.datasets[name], source.subject[name], source.spine, FitConfig())
        features = {f"{name}/{feature}": value for feature, value in fitted.features.items()}
        drawn = Spine(**{**source.spine.__dict__, "features": features})
        found[name] = (source.datasets[name], fitted, fitted.part.sample(drawn, np.random.default_rng(1)))
    return study, source.spine, found


def test_as_many_rows_of_each_test(pilot: tuple[Study, Spine, dict[str, tuple[Dataset, Fitted, Rows]]]) -> None:
    """Rows by test agree with the source within a tenth, rare ones aside."""
    for dataset, fitted, rows in pilot[2].values():
        topic = f"{dataset.domain}TESTCD"
        was, count = np.unique(dataset.text(topic).strings(), return_counts=True)
        drawn = dict(zip(*np.unique(rows.columns[topic].strings(), return_counts=True), strict=True))
        for test, n in zip(was.tolist(), count.tolist(), strict=True):
            if n > 500:
                assert drawn[test] == pytest.approx(n, rel=0.15), test
        assert fitted.features


def test_nothing_is_measured_twice(pilot: tuple[Study, Spine, dict[str, tuple[Dataset, Fitted, Rows]]]) -> None:
    """No subject, visit, test, position and time point comes twice."""
    for dataset, _, rows in pilot[2].values():
        keys = [name for name in ("VISITNUM", f"{dataset.domain}TESTCD", "VSPOS", "VSTPTNUM") if name in rows.columns]
        parts = [rows.subject.astype(str), *(rows.columns[key].strings().astype(str) for key in keys)]
        joined = np.array(["|".join(one) for one in zip(*parts, strict=True)])
        assert len(np.unique(joined)) == len(joined)


def test_visits_and_days_are_the_spines(pilot: tuple[Study, Spine, dict[str, tuple[Dataset, Fitted, Rows]]]) -> None:
    """Every row lies at a visit of its subject."""
    spine = pilot[1]
    there = {(int(s), float(v)) for s, v in zip(spine.visits.subject, spine.visits.number, strict=True)}
    for _, _, rows in pilot[2].values():
        visit = rows.columns["VISITNUM"]
        assert isinstance(visit, Numbers)
        assert {(int(s), float(v)) for s, v in zip(rows.subject, np.round(visit.values, 9), strict=True)} <= there


def test_own_features_give_the_subjects_means_back(
    pilot: tuple[Study, Spine, dict[str, tuple[Dataset, Fitted, Rows]]],
) -> None:
    """Mean weights of subjects agree with the source's, and hardly change within a subject, as in the source."""
    dataset, _, rows = pilot[2]["VS"]
    owner = dataset.text("USUBJID").compact().codes
    source, was_spread = read_columns(dataset.text("VSTESTCD"), owner, dataset.numbers("VSSTRESN"))
    column = rows.columns["VSSTRESN"]
    assert isinstance(column, Numbers)
    test = rows.columns["VSTESTCD"]
    assert isinstance(test, Text)
    drawn, spread = read_columns(test, rows.subject, column.values)
    assert np.nanmean(drawn) == pytest.approx(np.nanmean(source), rel=0.01)
    assert np.nanstd(drawn) == pytest.approx(np.nanstd(source), rel=0.05)
    assert np.nanmean(spread) == pytest.approx(np.nanmean(was_spread), rel=0.25)


def read_columns(test: Text, subject: np.ndarray, value: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each subject's weights, of those who have two or more."""
    mine = (test.strings() == "WEIGHT") & np.isfinite(value)
    n = int(subject.max()) + 1
    count = np.bincount(subject[mine], minlength=n)
    mean = np.bincount(subject[mine], weights=value[mine], minlength=n) / np.maximum(count, 1)
    square = np.bincount(subject[mine], weights=(value[mine] - mean[subject[mine]]) ** 2, minlength=n)
    several = count > 1
    return mean[several], np.sqrt(square[several] / (count[several] - 1))


def test_severity_is_there_where_the_symptom_is(
    pilot: tuple[Study, Spine, dict[str, tuple[Dataset, Fitted, Rows]]],
) -> None:
    """An item's frequency is asked only where its score is above 0."""
    rows = pilot[2]["QSNI"][2]
    code, visit, score = rows.columns["QSTESTCD"].strings(), rows.columns["VISITNUM"], rows.columns["QSSTRESN"]
    assert isinstance(visit, Numbers) and isinstance(score, Numbers)
    place = rows.subject * 1000.0 + visit.values
    asked = set(place[code == "NPITM03F"].tolist())
    positive = set(place[(code == "NPITM03S") & (score.values > 0)].tolist())
    assert len(asked & positive) >= 0.97 * len(asked)

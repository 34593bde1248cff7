"""Numbers that stand twice in a row in the source do so in the sample, and no others."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from replicator.config import FitConfig
from replicator.profile.find import find_structure
from replicator.study_model.findings.part import FindingsPart
from replicator.study_model.findings.repeats import Repeats
from replicator.study_model.source import read_source
from replicator.study_model.spine import Spine
from replicator.tables.dataset import Dataset, Numbers, Study, Text, Variable

N, VISITS, COPIED = 150, 8, 0.25


def _study() -> Study:
    """Two tests at eight visits: of COPY a quarter of the results are those of the visit before, of FRESH none."""
    rng = np.random.default_rng(5)
    shape = (2, N, VISITS)
    value = np.round(100 + 12 * rng.standard_normal((2, N, 1)) + 9 * rng.standard_normal(shape), 1)
    for visit in range(1, VISITS):
        again = rng.random(N) < COPIED
        value[0, again, visit] = value[0, again, visit - 1]
    size = value.size
    ids = [f"R-{i:03d}" for i in range(N)]
    text = {
        "STUDYID": ["S"] * size,
        "DOMAIN": ["LB"] * size,
        "USUBJID": np.tile(np.repeat(ids, VISITS), 2).tolist(),
        "LBTESTCD": np.repeat(["COPY", "FRESH"], N * VISITS).tolist(),
        "LBORRES": [f"{one:.1f}" for one in value.ravel()],
    }
    number = {"LBSTRESN": value.ravel(), "VISITNUM": np.tile(np.arange(1.0, VISITS + 1), 2 * N)}
    variables = tuple(map(Variable, text)) + tuple(Variable(name, type="num") for name in number)
    cells = {name: Text.of(v) for name, v in text.items()} | {name: Numbers(v) for name, v in number.items()}
    dm = {"STUDYID": Text.of(["S"] * N), "DOMAIN": Text.of(["DM"] * N), "USUBJID": Text.of(ids)}
    return Study({"DM": Dataset("DM", tuple(map(Variable, dm)), dm), "LB": Dataset("LB", variables, cells)})


@cache
def _learned() -> tuple[FindingsPart, dict[str, np.ndarray]]:
    """The part, and the results (N, VISITS) that it draws for the source's own subjects, by test."""
    study = _study()
    structure = find_structure(study)
    source = read_source(study, structure)
    fitted = FindingsPart.fit(source.datasets["LB"], structure.datasets["LB"], source.subject["LB"], source.spine, FitConfig())
    assert isinstance(fitted.part, FindingsPart)
    features = {f"LB/{feature}": value for feature, value in fitted.features.items()}
    spine = Spine(**{**source.spine.__dict__, "features": features})
    rows = fitted.part.sample(spine, np.random.default_rng(3))
    visit, value, test = rows.columns["VISITNUM"], rows.columns["LBSTRESN"], rows.columns["LBTESTCD"]
    assert isinstance(visit, Numbers)
    assert isinstance(value, Numbers)
    drawn = {}
    for one in ("COPY", "FRESH"):
        mine = test.strings() == one
        order = np.lexsort([visit.values[mine], rows.subject[mine]])
        drawn[one] = value.values[mine][order].reshape(N, VISITS)
    return fitted.part, drawn


def test_a_test_that_repeats_does_so_again() -> None:
    """As many results are those before as in the source; the other test has the few that chance makes."""
    _, drawn = _learned()
    values = _study()["LB"]["LBSTRESN"]
    assert isinstance(values, Numbers)
    planted = float((np.diff(values.values.reshape(2, N, VISITS)[0], axis=1) == 0).mean())
    share = {name: float((np.diff(value, axis=1) == 0).mean()) for name, value in drawn.items()}
    assert share["COPY"] == pytest.approx(planted, abs=0.04)
    assert share["FRESH"] < 0.03


def test_only_tests_that_repeat_are_learned() -> None:
    """The chance of a test without repeats is 0, and levels of subjects spread as they did."""
    part, drawn = _learned()
    asked = part.repeats.chance[part.repeats.test]
    assert asked[part.series_labels.index("COPY")] > 0
    assert asked[part.series_labels.index("FRESH")] == 0
    assert drawn["COPY"].mean(axis=1).std() == pytest.approx(12, abs=2.5)


def test_numbers_are_taken_over_within_a_subject_and_test_only() -> None:
    """With chance 1 near numbers become those before them, in a row too; far ones, other subjects and other tests do not."""
    repeats = Repeats(np.array([0, 0, 1]), np.array([1.0, 0.0]), np.array([1.0, 9.0]))
    occasion = np.array([0, 0, 1, 1, 2, 3, 4])
    series = np.array([0, 2, 1, 2, 0, 0, 0])
    number = np.array([10.0, 50.0, 10.5, 50.5, 11.0, 14.0, 14.5])
    run = np.array([0, 0, 0, 0, 1])
    out = repeats.hold(number, occasion, series, run, np.random.default_rng(0))
    assert out.tolist() == [10.0, 50.0, 10.0, 50.5, 10.0, 14.0, 14.5]


def test_what_is_missing_is_not_taken_over() -> None:
    """Rows without a number stay so, and stand between no two others."""
    repeats = Repeats(np.array([0]), np.array([1.0]), np.array([1.0]))
    number = np.array([10.0, np.nan, 10.4])
    out = repeats.hold(number, np.arange(3), np.zeros(3, np.intp), np.zeros(3, np.intp), np.random.default_rng(0))
    np.testing.assert_array_equal(out, [10.0, np.nan, 10.0])

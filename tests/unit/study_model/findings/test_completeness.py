"""A total is there where its items have results: all of them, or so many, and nothing is made of what merely is seldom done."""

from __future__ import annotations

import numpy as np
import pytest

from replicator.config import FitConfig
from replicator.profile.find import find_structure
from replicator.study_model.findings.completeness import Completeness
from replicator.study_model.findings.part import FindingsPart
from replicator.study_model.source import read_source
from replicator.study_model.spine import Spine

from ..small_studies import make_study

K, N, ITEMS = 5, 120, 4
SUBJECT, CATEGORY = np.arange(N), np.zeros(ITEMS + 1, np.intp)


def _items(share: float = 0.1) -> np.ndarray:
    """Which items are answered, one row a subject."""
    return np.random.default_rng(3).random((N, ITEMS)) >= share


def _with_total(answered: np.ndarray, total: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows, results and numbers: every item has a row, the total only where it is given."""
    obtained = np.column_stack([answered, total])
    score = np.random.default_rng(8).integers(0, 5, answered.shape).astype(float) * answered
    number = np.column_stack([score, score.sum(axis=1)])
    return np.column_stack([np.ones_like(answered), total]), obtained, np.where(obtained, number, np.nan)


def test_a_total_needs_all_items() -> None:
    """It hangs on all four, and stays where all have a result."""
    answered = _items()
    found = Completeness.fit(*_with_total(answered, answered.all(axis=1)), CATEGORY, SUBJECT, K)
    assert (found.series.tolist(), found.least.tolist()) == ([ITEMS], [ITEMS])
    np.testing.assert_array_equal(found.item, [[True] * ITEMS + [False]])
    assert found.ask(np.array([[True, False, False, False, False], [False] * 5])).tolist() == [
        [True, False, False, False, True],
        [False] * 5,
    ]
    occasion, series = np.repeat([0, 1], ITEMS + 1), np.tile(np.arange(ITEMS + 1), 2)
    kept = found.keep(occasion, series, (occasion == 0) | (series != 2), 2)
    assert np.flatnonzero(~kept).tolist() == [2 * ITEMS + 1]


def test_a_total_needs_three_of_four() -> None:
    """Which of them does not matter."""
    answered = _items(0.3)
    found = Completeness.fit(*_with_total(answered, answered.sum(axis=1) >= 3), CATEGORY, SUBJECT, K)
    assert (found.series.tolist(), found.least.tolist(), found.item.sum()) == ([ITEMS], [3], ITEMS)


@pytest.mark.parametrize("other", ["by chance", "once", "whole panel", "no total"])
def test_nothing_is_found_where_nothing_is(other: str) -> None:
    """A total that is missing by itself, or is given once without an item; a test with its panel; one that is no total."""
    answered = _items()
    total = answered.all(axis=1)
    if other == "by chance":
        total = np.random.default_rng(4).random(N) < 0.9
    if other == "once":
        total[np.flatnonzero(~total)[0]] = True
        total[np.flatnonzero(answered.all(axis=1))[0]] = False
    present, obtained, number = _with_total(answered, total)
    if other == "no total":
        number[:, -1] = np.where(total, np.random.default_rng(5).random(N), np.nan)
    if other == "whole panel":
        there = np.random.default_rng(5).random(N) < 0.7
        present = obtained = np.column_stack([np.ones(N, bool), *[there] * ITEMS])
    assert not len(Completeness.fit(present, obtained, number, CATEGORY, SUBJECT, K).series)


def test_two_totals_of_the_same_items_do_not_hang_on_each_other() -> None:
    """Both hang on the items alone."""
    answered = _items()
    table = [np.column_stack([one, one[:, -1]]) for one in _with_total(answered, answered.all(axis=1))]
    found = Completeness.fit(*table, np.zeros(ITEMS + 2, np.intp), SUBJECT, K)
    assert found.series.tolist() == [ITEMS, ITEMS + 1]
    assert not found.item[:, ITEMS:].any()


def test_a_sample_has_totals_where_the_source_does() -> None:
    """Items that are NOT DONE at some visits; the total is there if, and only if, all of them are done."""
    rng = np.random.default_rng(6)
    n_visits, n = 4, 60
    score = rng.integers(0, 5, (n * n_visits, 3))
    done = rng.random(score.shape) >= 0.06
    rows = [
        (f"S-{i // n_visits:03d}", 1 + i % n_visits, f"ITEM{j}" if j < 3 else "TOTAL", str(value), status)
        for i in range(len(score))
        for j, (value, status) in enumerate(
            [(v if d else "", "" if d else "NOT DONE") for v, d in zip(score[i], done[i], strict=True)]
            + ([(score[i].sum(), "")] if done[i].all() else [])
        )
    ]
    ids, visit, test, value, status = zip(*rows, strict=True)
    day = [f"2021-03-{7 * number - 6:02d}" for number in visit]
    study = make_study(
        DM={"USUBJID": [f"S-{i:03d}" for i in range(n)], "RFSTDTC": ["2021-03-01"] * n},
        QS={
            "USUBJID": list(ids),
            "QSTESTCD": list(test),
            "QSCAT": ["SCALE"] * len(ids),
            "QSORRES": list(value),
            "QSSTRESC": list(value),
            "QSSTRESN": [float(text) if text else np.nan for text in value],
            "QSSTAT": list(status),
            "VISITNUM": [float(number) for number in visit],
            "QSDTC": day,
        },
    )
    structure = find_structure(study)
    source = read_source(study, structure)
    part = FindingsPart.fit(
        source.datasets["QS"], structure.datasets["QS"], source.subject["QS"], source.spine, FitConfig(k=K)
    ).part
    spine = Spine(**{**source.spine.__dict__, "features": {}})
    drawn = part.sample(spine, np.random.default_rng(7))
    test_of, empty = drawn.columns["QSTESTCD"].strings(), drawn.columns["QSSTRESC"].missing
    occasion = drawn.subject * 10 + np.asarray(drawn.columns["VISITNUM"].values, np.int64)  # type: ignore[union-attr]
    lacking = np.isin(occasion, occasion[empty])
    with_total = np.isin(occasion, occasion[test_of == "TOTAL"])
    assert 20 < len(np.unique(occasion[lacking])) < len(np.unique(occasion)) / 2
    np.testing.assert_array_equal(with_total, ~lacking)

"""Results change before a death: who died, and how near its end an occasion is, tells them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np
import pytest

from replicator.config import FitConfig
from replicator.profile.find import find_structure
from replicator.study_model.findings.ending import before_death, endings, few_died
from replicator.study_model.findings.grid import Grid
from replicator.study_model.findings.part import FindingsPart
from replicator.study_model.source import read_source
from replicator.study_model.spine import Spine
from replicator.tables.dataset import Column, Dataset, Numbers, Study, Text, Variable

from ..spines import make_spine

N, VISITS, RISE = 240, 8, 12.0  # subjects, visits at most, and what the last visit before a death adds


def test_occasions_are_told_apart_by_what_is_left() -> None:
    """The first subject died after four occasions, of which the last three are told apart; the second left after two."""
    spine = make_spine(2)
    spine = Spine(**{**spine.__dict__, "marks": {"DM.DTHDTC": np.array([99.0, np.nan])}})
    assert endings(np.array([0, 0, 0, 0, 1, 1]), spine).tolist() == [3, 2, 1, 0, 3, 3]
    assert endings(np.empty(0, np.intp), spine).tolist() == []


def test_of_few_deaths_none_has_findings_on_its_day() -> None:
    """One of two subjects dies on day 20: what is on that day and after it goes; five of five dead are learned like all else."""
    spine = make_spine(2, {"DM.DTHDTC": np.array([20.0, np.nan])})
    grid = Grid(np.array([0, 0, 0, 1, 1]), np.zeros(5, np.intp), np.array([10.0, 20, 21, 10, 20]), np.full(5, np.nan))
    assert before_death(grid, spine).day.tolist() == [10, 10, 20]
    assert few_died(spine, 5)
    assert not few_died(make_spine(5, {"DM.DTHDTC": np.full(5, 20.0)}), 5)
    assert not few_died(make_spine(5), 5)


def _study() -> Study:
    """Four to eight monthly visits; every third subject dies after them, and a test rises at the last one of those who do."""
    rng = np.random.default_rng(1)
    visits, dies = rng.integers(4, VISITS + 1, N), np.arange(N) % 3 == 0
    ids = np.array([f"R-{i:03d}" for i in range(N)])
    owner = np.repeat(np.arange(N), visits)
    visit = np.arange(len(owner)) - np.repeat(np.cumsum(visits) - visits, visits)
    value = 100 + 8 * rng.standard_normal(N)[owner] + 4 * rng.standard_normal(len(owner))
    value += RISE * (dies[owner] & (visit == visits[owner] - 1))
    start = np.datetime64("2020-01-01") + rng.integers(0, 300, N)
    seen, size = start[owner] + 28 * visit, len(owner)
    end = (start + 28 * (visits - 1) + 10).astype(str)
    dm: dict[str, Column] = {
        "STUDYID": Text.of(["S"] * N),
        "DOMAIN": Text.of(["DM"] * N),
        "USUBJID": Text.of(ids),
        "RFSTDTC": Text.of(start.astype(str)),
        "RFENDTC": Text.of(end),
        "DTHDTC": Text.of(np.where(dies, end, "")),
    }
    lb: dict[str, Column] = {
        "STUDYID": Text.of(["S"] * size),
        "DOMAIN": Text.of(["LB"] * size),
        "USUBJID": Text.of(ids[owner]),
        "LBTESTCD": Text.of(["BILI"] * size),
        "LBSTRESN": Numbers(np.round(value, 1)),
        "VISITNUM": Numbers((visit + 1).astype(np.float64)),
        "LBDTC": Text.of(seen.astype(str)),
    }
    of = {
        name: Dataset(
            name,
            tuple(Variable(one, type="num" if isinstance(cells, Numbers) else "char") for one, cells in columns.items()),
            columns,
        )
        for name, columns in (("DM", dm), ("LB", lb))
    }
    return Study(of)


@cache
def _risen() -> tuple[dict[bool, float], dict[bool, float]]:
    """How far the last value lies above the subject's others on average, of those who die and of the others: source and drawn."""
    study = _study()
    structure = find_structure(study)
    source = read_source(study, structure)
    fitted = FindingsPart.fit(source.datasets["LB"], structure.datasets["LB"], source.subject["LB"], source.spine, FitConfig())
    spine = Spine(**{**source.spine.__dict__, "features": {f"LB/{name}": value for name, value in fitted.features.items()}})
    rows = fitted.part.sample(spine, np.random.default_rng(2))
    died = np.isfinite(source.spine.marks["DM.DTHDTC"])
    found = []
    both: list[tuple[np.ndarray, Mapping[str, Column]]] = [
        (source.subject["LB"], source.datasets["LB"].columns),
        (rows.subject, rows.columns),
    ]
    for subject, columns in both:
        value, visit = columns["LBSTRESN"], columns["VISITNUM"]
        assert isinstance(value, Numbers)
        assert isinstance(visit, Numbers)
        order = np.lexsort([visit.values, subject])
        who, number = subject[order], value.values[order]
        last = np.append(who[1:] != who[:-1], True)
        before = np.bincount(who[~last], number[~last], len(died)) / np.maximum(np.bincount(who[~last], minlength=len(died)), 1)
        rise = number[last] - before[who[last]]
        found.append({dead: float(rise[died[who[last]] == dead].mean()) for dead in (False, True)})
    return found[0], found[1]


@pytest.mark.parametrize("dead", [False, True])
def test_what_precedes_a_death_comes_back(dead: bool) -> None:
    """The last value of those who die lies 12 above their others, that of the survivors where the others are."""
    source, drawn = _risen()
    assert source[dead] == pytest.approx(RISE * dead, abs=1.5)
    assert drawn[dead] == pytest.approx(RISE * dead, abs=1.5)  # 2.5 standard errors of a mean over eighty subjects

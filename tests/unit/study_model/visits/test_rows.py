"""Rows of the schedule dataset: one a visit of the spine."""

from __future__ import annotations

import numpy as np

from replicator.config import FitConfig
from replicator.profile.find import find_structure
from replicator.study_model.source import read_source
from replicator.study_model.visits.rows import ScheduleRows
from replicator.tables.dataset import Numbers
from replicator.tables.dates import parse_dates

from ....properties.blueprint import Blueprint
from ....properties.strategies import build_study


def test_a_row_a_visit_with_its_own_dates() -> None:
    """Every visit of a spine has a row of its number, start and end; its attributes are those of the number."""
    study = build_study(Blueprint(n=80))
    structure = find_structure(study)
    source = read_source(study, structure)
    fitted = ScheduleRows.fit(source.datasets["SV"], structure.datasets["SV"], source.subject["SV"], source.spine, FitConfig())
    rows = fitted.part.sample(source.spine, np.random.default_rng(1))
    visits = source.spine.visits
    np.testing.assert_array_equal(rows.subject, visits.subject)
    number = rows.columns["VISITNUM"]
    assert isinstance(number, Numbers)
    np.testing.assert_array_equal(number.values, visits.number)
    for name, day in (("SVSTDTC", visits.day), ("SVENDTC", visits.end)):
        np.testing.assert_array_equal(parse_dates(rows.columns[name]).day, day)  # type: ignore[arg-type]
    planned = visits.number % 1 == 0
    names = {n: set(rows.columns["VISIT"].strings()[(visits.number == n)].tolist()) for n in np.unique(visits.number[planned])}
    assert all(len(found) == 1 for found in names.values())

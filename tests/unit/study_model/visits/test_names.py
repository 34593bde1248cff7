"""What follows from VISITNUM."""

from __future__ import annotations

import numpy as np
import pandas as pd

from replicator.study_model.visits.names import VisitNames, named_visits
from replicator.tables.dataset import Dataset

N = 8


def _table(name: str = "VS") -> Dataset:
    frame = pd.DataFrame(
        {
            "VISITNUM": [1.0] * N + [2.0] * N + [2.1],
            "VISIT": ["SCREENING"] * N + ["WEEK 2"] * N + ["UNSCHEDULED 2.1"],
            "VISITDY": [-7.0] * N + [14.0] * N + [np.nan],
        }
    )
    return Dataset.from_frame(name, frame)


WHO = np.concatenate([np.arange(N), np.arange(N), [0]]).astype(np.int32)


def test_names_and_days_of_shared_visits() -> None:
    """Visits of k subjects are listed; others are named by the prefix and their number, without a day."""
    names = VisitNames.fit({"VS": _table()}, {"VS": WHO}, 5)
    assert names.number.tolist() == [1.0, 2.0]
    assert names.prefix == "UNSCHEDULED"
    text, day = names.columns(np.array([2.0, 1.0, 7.3, np.nan]))
    assert text.strings().tolist() == ["WEEK 2", "SCREENING", "UNSCHEDULED 7.3", ""]
    np.testing.assert_array_equal(day.values, [14.0, -7.0, np.nan, np.nan])


def test_a_planned_day_between_its_neighbours() -> None:
    """Where every visit of a dataset has a planned day, one that is not in the list has one between; elsewhere it has none."""
    table = _table()
    names = VisitNames.fit({"VS": table, "LB": _table("LB").take(np.arange(2 * N))}, {"VS": WHO, "LB": WHO[:-1]}, 5)
    assert names.planned == ("LB",)
    rows = Dataset.from_frame("LB", pd.DataFrame({"VISITNUM": [1.0, 1.5, 2.1, np.nan]}))
    days = [names.fill(Dataset(name, rows.variables, rows.columns), ("VISITDY",)).numbers("VISITDY") for name in ("LB", "VS")]
    np.testing.assert_array_equal(days, [[-7.0, 4.0, 14.0, np.nan], [-7.0, np.nan, np.nan, np.nan]])


def test_only_variables_that_follow_are_filled() -> None:
    """VISIT follows, VISITDY does not where it was filled by the actual day."""
    table = _table()
    names = VisitNames.fit({"VS": table}, {"VS": WHO}, 5)
    assert names.agree(table) == ("VISIT", "VISITDY")
    own = table.to_frame()
    own["VISITDY"] = np.arange(len(own), dtype=float)
    assert names.agree(Dataset.from_frame("VS", own)) == ("VISIT",)
    filled = names.fill(table.take(np.array([0, 9])), ("VISIT",))
    assert filled.text("VISIT").strings().tolist() == ["SCREENING", "WEEK 2"]


def test_trial_visits_are_known_to_everybody() -> None:
    """A visit that the trial design names is kept though nobody had it."""
    tv = Dataset.from_frame("TV", pd.DataFrame({"VISITNUM": [9.0], "VISIT": ["FOLLOW-UP"], "VISITDY": [200.0]}))
    assert VisitNames.fit({"TV": tv}, {}, 5).name.strings().tolist() == ["FOLLOW-UP"]


def test_no_visits_at_all() -> None:
    """Datasets without visits, or without rows."""
    names = VisitNames.fit({"VS": _table().take(np.empty(0, int))}, {"VS": np.empty(0, np.int32)}, 5)
    assert len(names.number) == 0
    assert names.columns(np.array([1.0]))[0].strings().tolist() == ["UNSCHEDULED 1"]
    assert names.agree(_table()) == ()


def test_a_plan_knows_visits_with_a_planned_day_and_those_of_reference_datasets() -> None:
    """Visit 2.1 has no planned day; the reference dataset lists one that nobody had."""
    plan = Dataset.from_frame("TV", pd.DataFrame({"VISITNUM": [1.0, 9.0], "VISIT": ["SCREENING", "WEEK 9"]}))
    assert named_visits({"VS": _table(), "TV": plan}, {"VS": WHO}).tolist() == [1.0, 2.0, 9.0]
    assert named_visits({}, {}).tolist() == []

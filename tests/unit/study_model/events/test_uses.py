"""Stand-ins that go with how they were given: routes stay as frequent as they are, and nobody has oxygen in milligrams."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from replicator.config import FitConfig
from replicator.profile.find import dataset_structure
from replicator.profile.structure import Kind
from replicator.standards.medicine_use import load_medicine_use
from replicator.study_model.events.part import EventsPart
from replicator.study_model.events.uses import Uses
from replicator.study_model.spine import Spine, Visits
from replicator.tables.dataset import Dataset, Numbers, Text

N = 400


def _spine(n: int) -> Spine:
    anchor = np.full(n, 18000.0)
    nothing = Visits(np.empty(0, np.int32), np.empty(0), np.empty(0), np.empty(0))
    return Spine(n, np.zeros(n, np.int32), ("",), anchor, {"FIRST": anchor, "LAST": anchor + 60}, nothing, {}, {})


def _frame() -> pd.DataFrame:
    """Everybody has a medicine of their own; every twentieth by another way than the mouth, in what it comes in by that way."""
    way = np.array([("INTRAMUSCULAR", 0.5, "mL"), ("NASAL", 1.0, "PUFF"), ("TRANSDERMAL", 10.0, "mg")], object)
    rows = []
    for i in range(N):
        route, dose, unit = way[i // 20 % 3] if i % 20 == 0 else ("ORAL", (10.0, 20.0, 40.0)[i % 3], "mg")
        rows.append((f"S{i}", f"OWN{i:03d}Q", route, dose, unit, "QD" if i % 4 else "TID"))
        if i % 2:
            rows.append((f"S{i}", "ASPIRIN", "ORAL" if i % 50 == 1 else "", 81.0, "mg", "QD"))
    return pd.DataFrame(rows, columns=["USUBJID", "CMTRT", "CMROUTE", "CMDOSE", "CMDOSU", "CMDOSFRQ"])


@pytest.fixture(scope="module")
def drawn() -> pd.DataFrame:
    frame = _frame()
    dataset = Dataset.from_frame("CM", frame)
    subject = frame["USUBJID"].str[1:].astype(int).to_numpy(np.int32)
    structure = dataset_structure(dataset, Kind.INTERVENTIONS, "CM", "USUBJID")
    spine = _spine(N)
    fitted = EventsPart.fit(dataset, structure, subject, spine, FitConfig())
    assert isinstance(fitted.part, EventsPart) and isinstance(fitted.part.uses, Uses)
    features = {f"CM/{name}": x for name, x in fitted.features.items()}
    told = Spine(**{**vars(spine), "features": features})
    rows = fitted.part.sample(told, np.random.default_rng(3))
    cells = {}
    for name, column in rows.columns.items():
        assert isinstance(column, (Text, Numbers))
        cells[name] = column.strings() if isinstance(column, Text) else column.values
    return pd.DataFrame(cells).assign(who=rows.subject)


def test_rare_routes_are_as_frequent_as_in_the_source(drawn: pd.DataFrame) -> None:
    """Six or seven of 400 subjects by each: three standard errors of the difference of two such shares."""
    source = _frame()["CMROUTE"].value_counts()
    for route in ("INTRAMUSCULAR", "NASAL", "TRANSDERMAL"):
        assert (drawn["CMROUTE"] == route).sum() == pytest.approx(source[route], abs=3 * np.sqrt(2 * source[route]))
        assert (drawn["CMROUTE"] == route).any()


def test_every_stand_in_is_given_as_it_is_used(drawn: pd.DataFrame) -> None:
    """Route, unit and dose of each are ones of its own use, or are not there."""
    use = load_medicine_use()
    others = drawn[(drawn["CMTRT"] != "ASPIRIN") & (drawn["CMROUTE"] != "ORAL")]
    assert len(others) > 10
    for name, route, dose, unit in others[["CMTRT", "CMROUTE", "CMDOSE", "CMDOSU"]].itertuples(index=False):
        assert use.suits(name, route), (name, route)
        listed = use.uses(route, name)
        assert not unit or not listed or any(of == unit and usual / 2 <= dose <= usual * 2 for usual, of in listed), (
            name,
            dose,
            unit,
        )
        assert unit in ("mg", "mL", "PUFF", "")


def test_what_is_taken_once_a_day_is_not_taken_three_times(drawn: pd.DataFrame) -> None:
    """A quarter has something three times a day, of which there are enough medicines in the pool."""
    use = load_medicine_use()
    thrice = drawn[drawn["CMDOSFRQ"] == "TID"]
    assert len(thrice) > 50
    assert np.mean([use.often(name) not in (1, 2) for name in thrice["CMTRT"]]) > 0.97


def test_the_sources_own_medicines_stay_as_they_are(drawn: pd.DataFrame) -> None:
    own = drawn[drawn["CMTRT"] == "ASPIRIN"]
    assert len(own) > 100
    assert set(own["CMDOSE"]) == {81.0}
    assert set(own["CMROUTE"]) <= {"", "ORAL"}

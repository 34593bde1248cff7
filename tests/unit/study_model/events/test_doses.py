"""Doses that somebody would take."""

from __future__ import annotations

import numpy as np
import pandas as pd

from replicator.profile.find import dataset_structure
from replicator.profile.structure import Kind
from replicator.standards.medicine_use import load_medicine_use
from replicator.study_model.events.doses import Doses
from replicator.study_model.events.medicines import Medicines
from replicator.tables.dataset import Column, Dataset, Numbers, Text

NAMES = ["DIGOXIN"] * 6 + ["METHOTREXATE"] * 6 + ["RISPERIDONE", "NOBODYKNOWSIT", "LORATADINE", "LORATADINE"]
DOSES = [0.25] * 6 + [900.0] * 6 + [60.0, 60.0, 10.0, 1.0]


def _fitted(names: list[str], doses: list[float], k: int = 5) -> tuple[Doses, np.ndarray]:
    frame = pd.DataFrame({"USUBJID": [f"S{i}" for i in range(len(names))], "CMTRT": names, "CMDECOD": "UNCODED"})
    frame["CMDOSE"], frame["CMDOSU"], frame["CMROUTE"] = doses, "mg", "ORAL"
    dataset = Dataset.from_frame("CM", frame)
    kinds = np.unique(names, return_inverse=True)[1].astype(np.int64)
    structure = dataset_structure(dataset, Kind.INTERVENTIONS, "CM", "USUBJID")
    model = Doses.fit(
        Medicines(dataset, structure, kinds, np.ones(kinds.max() + 1, bool), np.arange(len(names), dtype=np.int32), k)
    )
    assert model is not None
    return model, kinds


def _columns(names: list[str], doses: list[float], units: list[str], routes: list[str]) -> dict[str, Column]:
    texts = {"CMTRT": names, "CMDECOD": ["UNCODED"] * len(names), "CMDOSU": units, "CMROUTE": routes}
    return {**{name: Text.of(values) for name, values in texts.items()}, "CMDOSE": Numbers(np.array(doses))}


def _applied(columns: dict[str, Column], kinds: list[int], model: Doses, occurrence: list[int] | None = None) -> list[float]:
    rows = np.arange(len(kinds)) if occurrence is None else np.array(occurrence)
    out = model.apply(columns, rows, np.array(kinds, np.int64), np.random.default_rng(1))["CMDOSE"]
    assert isinstance(out, Numbers)
    return out.values.tolist()


def test_a_dose_that_nobody_takes_becomes_a_usual_one() -> None:
    """Digoxin of 100 mg; of the usual doses the one that the source has. What is usual, unlisted or missing stays."""
    model, _ = _fitted(NAMES, DOSES)
    names = ["DIGOXIN", "RISPERIDONE", "NOBODYKNOWSIT", "LORATADINE", "DIGOXIN"]
    drawn = _applied(_columns(names, [100.0, 60.0, 60.0, 20.0, np.nan], ["mg"] * 5, ["ORAL"] * 5), [99] * 5, model)
    assert drawn[0] == 0.25
    assert drawn[1] in load_medicine_use().doses("RISPERIDONE")
    assert drawn[2:4] == [60.0, 20.0]
    assert np.isnan(drawn[4])


def test_where_only_a_listed_dose_will_do_one_near_it_will_not() -> None:
    """Loratadine of 20 mg is near the 10 that are usual; what no list has keeps its dose, as do micrograms of what is usual."""
    model, _ = _fitted(NAMES, DOSES)
    names = ["LORATADINE", "NOBODYKNOWSIT", "DIGOXIN"]
    columns = _columns(names, [20.0, 60.0, 250.0], ["mg", "mg", "ug"], ["ORAL"] * 3)
    out = model.apply(columns, np.arange(3), np.full(3, 99, np.int64), np.random.default_rng(1), listed=True)["CMDOSE"]
    assert isinstance(out, Numbers) and out.values.tolist() == [10.0, 60.0, 250.0]


def test_a_dose_of_the_source_stays_however_unusual() -> None:
    """Six subjects take 900 mg of methotrexate; the same dose of another medicine does not stay."""
    model, kinds = _fitted(NAMES, DOSES)
    own = int(kinds[NAMES.index("METHOTREXATE")])
    drawn = _applied(_columns(["METHOTREXATE", "LORATADINE"], [900.0, 900.0], ["mg"] * 2, ["ORAL"] * 2), [own, 99], model)
    assert drawn == [900.0, 10.0]


def test_where_no_dose_of_the_study_in_its_unit_is_usual_a_medicine_has_its_milligrams() -> None:
    """Loratadine of 2 ug: its 10 mg are 10,000 ug, and nobody of the study has more than 900. Digoxin of 0.25 mg stays."""
    model, _ = _fitted(NAMES, DOSES)
    columns = _columns(["LORATADINE", "DIGOXIN"], [2.0, 0.25], ["ug", "mg"], ["ORAL"] * 2)
    out = model.apply(columns, np.arange(2), np.full(2, 99, np.int64), np.random.default_rng(1))
    dose, unit = out["CMDOSE"], out["CMDOSU"]
    assert isinstance(dose, Numbers) and dose.values.tolist() == [10.0, 0.25]
    assert unit.strings().tolist() == ["mg", "mg"]


def test_units_routes_and_rows_of_one_occurrence() -> None:
    """Micrograms are converted; tablets and creams are left alone; the rows of an occurrence get one dose."""
    model, _ = _fitted(NAMES, DOSES)
    names = ["LEVOTHYROXINE", "ASPIRIN", "DIGOXIN"]
    drawn = _applied(_columns(names, [5.0, 2.0, 40.0], ["ug", "TABLET", "mg"], ["ORAL", "ORAL", "TOPICAL"]), [99] * 3, model)
    assert drawn[0] in (50.0, 75.0, 100.0)
    assert drawn[1:] == [2.0, 40.0]
    twice = _applied(_columns(["RISPERIDONE"] * 6, [60.0] * 6, ["mg"] * 6, ["ORAL"] * 6), [99] * 6, model, [0, 0, 0, 1, 1, 1])
    assert len(set(twice[:3])) == len(set(twice[3:])) == 1


def test_no_doses_in_numbers_no_model() -> None:
    """A dataset without units has no doses to judge."""
    dataset = Dataset.from_frame("CM", pd.DataFrame({"USUBJID": ["A", "B"], "CMTRT": ["X", "Y"], "CMDOSE": [1.0, 2.0]}))
    structure = dataset_structure(dataset, Kind.INTERVENTIONS, "CM", "USUBJID")
    assert (
        Doses.fit(Medicines(dataset, structure, np.zeros(2, np.int64), np.ones(1, bool), np.arange(2, dtype=np.int32), 5)) is None
    )

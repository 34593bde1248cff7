"""Routes and presentations that somebody would take."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from replicator.profile.find import dataset_structure
from replicator.profile.structure import Kind
from replicator.standards.medicine_use import load_medicine_use
from replicator.study_model.events.medicines import Medicines
from replicator.study_model.events.routes import Routes
from replicator.tables.dataset import Dataset, Numbers, Text

SOURCE = [
    *[("ASPIRIN", "ORAL", "TABLET", 1.0)] * 20,
    *[("LORATADINE", "ORAL", "mg", 10.0)] * 6,
    *[("LATANOPROST", "OPHTHALMIC", "gtt", 2.0)] * 6,
    *[("CYANOCOBALAMIN", "INTRAMUSCULAR", "ug", 1000.0)] * 6,
    *[("NAPROXEN", "INTRAVENOUS", "mg", 500.0)] * 6,
    ("LORATADINE", "NASAL", "SPRAY", 2.0),
]
ELSE = 99  # a kind of term that the source does not have


def _frame(rows: list[tuple[str, str, str, float]]) -> Dataset:
    frame = pd.DataFrame(rows, columns=["CMTRT", "CMROUTE", "CMDOSU", "CMDOSE"])
    frame.insert(0, "USUBJID", [f"S{i}" for i in range(len(rows))])
    return Dataset.from_frame("CM", frame)


def _fitted(source: list[tuple[str, str, str, float]] = SOURCE, k: int = 5) -> tuple[Routes, dict[str, int]]:
    dataset = _frame(source)
    names, kinds = np.unique([row[0] for row in source], return_inverse=True)
    structure = dataset_structure(dataset, Kind.INTERVENTIONS, "CM", "USUBJID")
    subject = np.arange(len(source), dtype=np.int32)
    model = Routes.fit(Medicines(dataset, structure, kinds.astype(np.int64), np.ones(len(names), bool), subject, k))
    assert model is not None
    return model, {str(name): i for i, name in enumerate(names)}


def _applied(
    rows: list[tuple[str, str, str, float]], kinds: list[int], model: Routes, occurrence: list[int] | None = None
) -> list[tuple[str, str, float]]:
    columns = {name: _frame(rows)[name] for name in ("CMTRT", "CMROUTE", "CMDOSU", "CMDOSE")}
    place = np.arange(len(rows)) if occurrence is None else np.array(occurrence)
    out = model.apply(columns, place, np.array(kinds, np.int64), np.random.default_rng(1))
    route, unit, dose = out["CMROUTE"], out["CMDOSU"], out["CMDOSE"]
    assert isinstance(route, Text) and isinstance(unit, Text) and isinstance(dose, Numbers)
    return list(zip(route.strings().tolist(), unit.strings().tolist(), dose.values.tolist(), strict=True))


def test_a_route_by_which_a_medicine_is_not_given_becomes_one_that_suits() -> None:
    """Loratadine into a muscle is swallowed; eye drops go to the eye; what suits, is unknown or tells nothing stays."""
    model, _ = _fitted()
    rows = [
        ("LORATADINE", "INTRAMUSCULAR", "mg", 10.0),
        ("LATANOPROST", "ORAL", "gtt", 1.0),
        ("LORATADINE", "ORAL", "mg", 10.0),
        ("NOBODYKNOWSIT", "INTRAMUSCULAR", "mg", 3.0),
        ("LORATADINE", "", "mg", 10.0),
    ]
    assert _applied(rows, [ELSE] * 5, model) == [
        ("ORAL", "mg", 10.0),
        ("OPHTHALMIC", "gtt", 1.0),
        ("ORAL", "mg", 10.0),
        ("INTRAMUSCULAR", "mg", 3.0),
        ("", "mg", 10.0),
    ]


def test_a_route_of_the_source_stays_however_unusual() -> None:
    """Six subjects have naproxen in a vein; the same route of another medicine does not stay, nor one of a single subject."""
    model, kinds = _fitted()
    rows = [("NAPROXEN", "INTRAVENOUS", "mg", 500.0), ("LORATADINE", "INTRAVENOUS", "mg", 10.0), ("LORATADINE", "NASAL", "mg", 1.0)]
    drawn = _applied(rows, [kinds["NAPROXEN"], kinds["LORATADINE"], kinds["LORATADINE"]], model)
    assert [route for route, _, _ in drawn] == ["INTRAVENOUS", "ORAL", "ORAL"]
    assert "NASAL" not in model.common


def test_a_medicine_that_no_list_knows_is_given_as_in_the_source() -> None:
    """Six subjects swallow it: it is not injected. Of a rare one nothing is known."""
    model, kinds = _fitted([*SOURCE, *[("NOBODYKNOWSIT", "ORAL", "mg", 5.0)] * 6])
    rows = [("NOBODYKNOWSIT", "INTRAMUSCULAR", "mg", 5.0)] * 2
    drawn = _applied(rows, [kinds["NOBODYKNOWSIT"], ELSE], model)
    assert [route for route, _, _ in drawn] == ["ORAL", "INTRAMUSCULAR"]


def test_no_tablet_is_injected() -> None:
    """A tablet of vitamin B12 into a muscle becomes what the source gives into a muscle, with its dose."""
    model, kinds = _fitted()
    rows = [("CYANOCOBALAMIN", "INTRAMUSCULAR", "TABLET", 1.0), ("ASPIRIN", "INTRAMUSCULAR", "TABLET", 1.0)]
    assert _applied(rows, [kinds["CYANOCOBALAMIN"], ELSE], model) == [("INTRAMUSCULAR", "ug", 1000.0), ("ORAL", "TABLET", 1.0)]


def test_no_route_comes_up_that_the_source_does_not_share() -> None:
    """Too few of the source use a nasal spray to say so: the route stays, since the right one might be somebody's alone."""
    model, _ = _fitted()
    [(route, _, _)] = _applied([("XYLOMETAZOLINE", "ORAL", "mg", 1.0)], [ELSE], model)
    assert route == "ORAL"


def test_rows_of_one_occurrence_are_changed_alike() -> None:
    """Methotrexate by the eye: swallowed or injected, but the same way in all rows of an occurrence."""
    model, _ = _fitted()
    rows = [("METHOTREXATE", "OPHTHALMIC", "mg", 10.0)] * 60
    drawn = _applied(rows, [ELSE] * 20, model, np.repeat(np.arange(20), 3).tolist())
    routes = np.array([route for route, _, _ in drawn]).reshape(20, 3)
    assert (routes == routes[:, :1]).all()
    assert set(routes.ravel()) <= set(model.common)
    assert all(load_medicine_use().suits("METHOTREXATE", route) for route in routes.ravel())


@pytest.mark.parametrize("k", [5, 50])
def test_nothing_of_fewer_than_k_subjects_is_kept(k: int) -> None:
    """With k beyond the number of subjects the model holds no route, no unit and no dose."""
    model, _ = _fitted(k=k)
    assert bool(model.common) is (k == 5)
    assert bool(model.kept_kind.size) is (k == 5)
    assert bool(model.presentations[0].level) is (k == 5)


def test_no_routes_no_model() -> None:
    dataset = Dataset.from_frame("CM", pd.DataFrame({"USUBJID": ["A", "B"], "CMTRT": ["X", "Y"]}))
    structure = dataset_structure(dataset, Kind.INTERVENTIONS, "CM", "USUBJID")
    assert (
        Routes.fit(Medicines(dataset, structure, np.zeros(2, np.int64), np.ones(1, bool), np.arange(2, dtype=np.int32), 5)) is None
    )

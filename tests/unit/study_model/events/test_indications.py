"""Indications go with their medicines."""

from __future__ import annotations

import numpy as np
import pandas as pd

from replicator.profile.find import dataset_structure
from replicator.profile.structure import Kind
from replicator.study_model.events.indications import Indications
from replicator.study_model.events.medicines import Medicines
from replicator.tables.dataset import Dataset, Text

SOURCE = [("METFORMIN", "DIABETES"), ("PARACETAMOL", "HEADACHE"), ("PARACETAMOL", "REFLUX"), ("ASPIRIN", "PROPHYLAXIS")]
EACH = 6


def _fitted(pairs: list[tuple[str, str]]) -> Indications | None:
    """Six subjects have each pair; kinds are numbered by medicine in their order."""
    rows = [pair for pair in pairs for _ in range(EACH)]
    subject = np.arange(len(rows), dtype=np.int32)
    names, why = ([row[i] for row in rows] for i in range(2))
    frame = pd.DataFrame({"USUBJID": [f"S{i}" for i in subject.tolist()], "CMTRT": names, "CMINDC": why})
    head = Dataset.from_frame("CM", frame)
    kinds = list(dict.fromkeys(names))
    kind_of = np.array([kinds.index(name) for name in names], np.int64)
    structure = dataset_structure(head, Kind.INTERVENTIONS, "CM", "USUBJID")
    return Indications.fit(Medicines(head, structure, kind_of, np.ones(len(kinds), bool), subject, 5))


def _applied(rows: list[tuple[str, str, int]]) -> list[str]:
    fitted = _fitted(SOURCE)
    assert fitted is not None
    columns = {"CMTRT": Text.of([row[0] for row in rows]), "CMINDC": Text.of([row[1] for row in rows])}
    return [str(text) for text in fitted.apply(columns, np.array([row[2] for row in rows], np.int64))["CMINDC"].strings().tolist()]


def test_an_indication_of_another_need_gives_way() -> None:
    """To one of the source for the same need where there is one, else to the need by the lists; of names of no list it stays."""
    drawn = [
        ("SERTRALINE", "HEADACHE", 9),
        ("GLIBENCLAMIDE", "HEADACHE", 9),
        ("SERTRALINE", "PROPHYLAXIS", 9),
        ("VERBATIM_1", "REFLUX", 9),
    ]
    assert _applied(drawn) == ["DEPRESSION", "DIABETES", "DEPRESSION", "REFLUX"]


def test_what_enough_subjects_have_stays_whatever_it_is() -> None:
    """Six subjects took paracetamol for a reflux and aspirin for prophylaxis; nobody took metformin for that."""
    drawn = [("PARACETAMOL", "REFLUX", 1), ("ASPIRIN", "PROPHYLAXIS", 2), ("METFORMIN", "PROPHYLAXIS", 0), ("METFORMIN", "", 0)]
    assert _applied(drawn) == ["REFLUX", "PROPHYLAXIS", "DIABETES", ""]


def test_indications_that_tell_of_no_need_are_left_alone() -> None:
    assert _fitted([("METFORMIN", "REASON 1"), ("PARACETAMOL", "REASON 2")]) is None

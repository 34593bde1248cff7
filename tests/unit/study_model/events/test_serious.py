"""Rare serious events are those that somebody may die of, where there are such."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from replicator.profile.structure import Content, DatasetStructure, Kind, Role, VariableStructure
from replicator.study_model.events.serious import Seriousness
from replicator.tables.dataset import Dataset, Text

N = 5000


def test_rare_serious_events_are_the_grave_ones_first() -> None:
    """Planted: one event in 100 is made serious, one in 50 is grave: all the serious ones are grave; one in 1000: all grave are."""
    no = Text.of(["N"] * N)
    model = Seriousness("AESER", ("AESHOSP",), True, 0.01)
    for every in (50, 1000):
        grave = np.arange(N) % every == 0
        out = model.apply({"AESER": no, "AESHOSP": no}, np.arange(N), grave, np.random.default_rng(4))
        serious = out["AESER"]
        assert isinstance(serious, Text)
        yes = serious.strings() == "Y"
        assert 30 <= yes.sum() <= 75  # 50 expected, and three and a half standard deviations
        assert (grave[yes].all() and every == 50) or yes[grave].all()


def test_what_is_serious_already_is_not_made_so_again() -> None:
    """Planted: every tenth event is fatal, and grave. None of these is said to have been in hospital, and as many others are."""
    fatal = np.arange(N) % 10 == 0
    said = Text.of(np.where(fatal, "Y", "N").tolist())
    model = Seriousness("AESER", ("AESHOSP", "AESDTH"), True, 0.01)
    columns = {"AESER": said, "AESHOSP": Text.of(["N"] * N), "AESDTH": said}
    hospital = model.apply(columns, np.arange(N), fatal, np.random.default_rng(5))["AESHOSP"]
    assert isinstance(hospital, Text)
    yes = hospital.strings() == "Y"
    assert 30 <= yes.sum() <= 75 and not yes[fatal].any()


@pytest.mark.parametrize(("criterion", "given"), [("AESHOSP", "AESHOSP"), ("AESLIFE", "AESLIFE"), ("AESDTH", "AESHOSP")])
def test_rare_serious_events_have_a_criterion_of_the_source(criterion: str, given: str) -> None:
    """A criterion that nobody of the source met is a constant, which a sample keeps; nobody else dies of rare events."""
    columns = {name: ["N"] * 40 for name in ("AESER", "AESHOSP", "AESLIFE", "AESDTH")}
    columns["AESER"][7] = columns[criterion][7] = "Y"
    head = Dataset.from_frame("AE", pd.DataFrame(columns))
    variables = tuple(VariableStructure(name, Role.QUALIFIER, Content.CATEGORY, 0, 0, 0) for name in head.names)
    structure = DatasetStructure("AE", Kind.EVENTS, "AE", head.n_rows, 20, variables)
    model = Seriousness.fit(head, structure, np.repeat(np.arange(20), 2).astype(np.int32), np.zeros(40, bool), 5)
    assert model.rare == pytest.approx(2.5 / 40) and sorted(model.criteria) == ["AESDTH", "AESHOSP", "AESLIFE"]
    no = Text.of(["N"] * N)
    out = model.apply({name: no for name in columns}, np.arange(N), np.ones(N, bool), np.random.default_rng(6))
    assert {name for name in model.criteria if (out[name].strings() == "Y").any()} == {given}

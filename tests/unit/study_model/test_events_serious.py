"""Rare serious events are those that somebody may die of, where there are such."""

from __future__ import annotations

import numpy as np

from replicator.study_model.events_serious import Seriousness
from replicator.tables.dataset import Text

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

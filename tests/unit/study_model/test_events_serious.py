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

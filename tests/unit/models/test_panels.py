"""Presence of panels: what was never done at a kind of occasion stays undone there."""

from __future__ import annotations

import numpy as np

from replicator.models.panels import Presence
from replicator.models.persistence import Occasions


def test_a_unit_never_done_at_a_kind_is_not_done_on_its_special_occasions() -> None:
    """The last of four visits always is special, and only the second unit is done there; the first is done at the others."""
    n, visits = 60, 4
    subject, cell = np.repeat(np.arange(n), visits), np.tile(np.arange(visits), n)
    special = cell == visits - 1
    present = np.stack([~special, np.ones(n * visits, bool)], axis=1)
    occasions = Occasions(subject, cell.astype(np.float64) * 7)
    arm = np.zeros(n * visits, np.intp)
    model = Presence.fit(present, np.ones_like(present), arm, cell, special, occasions, (1, visits), k=5)
    drawn = model.sample(arm, cell, special, occasions, np.random.default_rng(0))
    plain_end = model.sample(arm, cell, np.zeros_like(special), occasions, np.random.default_rng(0))
    assert not drawn[special, 0].any()
    assert not plain_end[special, 0].any()
    assert drawn[~special, 0].all()

"""Which end of the participation qualifiers depend on: the one that tells most of any of them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from replicator.study_model.events.ending import Ending
from replicator.study_model.events.facts import Facts
from replicator.study_model.spine import Spine, Told, Visits
from replicator.tables.dataset import Dataset, Text

N, EACH = 120, 4
STATES = ["ADVERSE EVENT"] * 40 + ["COMPLETED"] * 75 + ["DEATH"] * 5
OWNER = np.repeat(np.arange(N), EACH).astype(np.int32)
FATAL = (OWNER >= 115) & (np.arange(N * EACH) % EACH == 0)
NAMES = ("SEV", "OUT", "SDTH", "REL", "PATT", "CONTRT")


def _chosen(severe: float, seed: int, set_aside: bool) -> tuple[str, ...]:
    """States that tell: events of who left for one are severe so often, others in a fifth; and a death is told by its event."""
    rng = np.random.default_rng(seed)
    left = OWNER < 40
    frame = pd.DataFrame({name: rng.choice(["A", "B", "C", "D"], N * EACH) for name in NAMES[3:]})
    frame["SEV"] = np.where(rng.random(N * EACH) < np.where(left, severe, 0.2), "SEVERE", "MILD")
    frame["OUT"], frame["SDTH"] = np.where(FATAL, "FATAL", "RESOLVED"), np.where(FATAL, "Y", "N")
    told = Told(np.arange(N, dtype=np.int32), {"DSDECOD": Text.of(STATES)}, np.full(N, np.nan), states=True)
    nothing = Visits(np.empty(0, np.int32), np.empty(0), np.empty(0), np.empty(0))
    spine = Spine(N, np.zeros(N, np.int32), ("",), np.zeros(N), {}, nothing, {}, {}, told={"DS": told})
    facts, holds = Facts.fit(spine, 5)
    aside = FATAL if set_aside else np.zeros(len(FATAL), bool)
    start = np.tile(np.arange(EACH, dtype=np.float64), N)
    return Ending.fit(Dataset.from_frame("AE", frame), NAMES, OWNER, start, facts, holds, aside, spine).facts.level


def test_a_state_counts_for_what_it_tells() -> None:
    """Severity goes with leaving for an event; that nothing else does is no reason against it."""
    assert [_chosen(0.5, seed, True) for seed in range(5)] == [("ADVERSE EVENT",)] * 5


def test_a_state_that_tells_nothing_is_none() -> None:
    """Nothing but fatal events goes with any state, and these are learned apart."""
    assert [_chosen(0.2, seed, True) for seed in range(5)] == [()] * 5


def test_a_death_tells_of_fatal_events() -> None:
    """Where fatal events are learned with the others, the death is what tells most of them."""
    assert _chosen(0.2, 0, False) == ("DEATH",)

"""On which visit of the course a mark lies, or on none."""

from __future__ import annotations

import numpy as np

from replicator.study_model.marks.on_visits import visit_of

N, LEFT = 40, 4


def test_a_mark_of_the_plan_is_on_no_visit() -> None:
    """The end of a study lies 182 days from the start in everybody, also in four who came no more: it is not that of a visit."""
    start = np.arange(N, dtype=float)
    visit = np.where(np.arange(N) < N - LEFT, start + 182, np.nan)
    known = {"ANCHOR": start, "DM.RFENDTC": start + 182}
    assert visit_of("DM.RFENDTC", known, ["ANCHOR"], {"26": visit}, 5) == ""


def test_a_mark_of_who_came_is_on_the_visit() -> None:
    """Those who came no more have another day, or everybody came: the visit tells it."""
    start = np.arange(N, dtype=float)
    end = np.where(np.arange(N) < N - LEFT, start + 182, start + 60 + np.arange(N))
    visit = np.where(np.arange(N) < N - LEFT, start + 182, np.nan)
    assert visit_of("DM.RFENDTC", {"ANCHOR": start, "DM.RFENDTC": end}, ["ANCHOR"], {"26": visit}, 5) == "26"
    whole = start + 182
    assert visit_of("DM.RFENDTC", {"ANCHOR": start, "DM.RFENDTC": whole}, ["ANCHOR"], {"26": whole}, 5) == "26"

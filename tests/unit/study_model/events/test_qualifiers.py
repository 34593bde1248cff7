"""Qualifiers of occurrences: rare terms of the standard, which are nobody's words."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from replicator.study_model.events.qualifiers import Qualifiers
from replicator.study_model.subjects.demography_tuples import tuple_codes
from replicator.tables.dataset import Dataset, Text

N = 200


def _drawn(rare: list[str], column: str = "AEOUT", k: int = 5, final: int = 0, left: int = 0) -> tuple[Qualifiers, pd.DataFrame]:
    """All recover but for some, one subject each, and these alone are serious; some have `left`; 4000 draws, some `final`."""
    frame = pd.DataFrame({"USUBJID": [f"S{i}" for i in range(N)], column: "RECOVERED/RESOLVED", "AESER": "N"})
    frame.loc[: len(rare) - 1, column] = rare
    frame.loc[: len(rare) - 1, "AESER"] = "Y"
    subject, nothing = np.arange(N, dtype=np.int32), np.zeros(N, np.int64)
    model, _ = Qualifiers.fit(
        Dataset.from_frame("AE", frame), [column, "AESER"], [np.zeros(N, np.int64)], (nothing, np.arange(N) >= N - left), subject, k
    )
    phase = np.zeros(4000, np.int64), np.arange(4000) < final
    cells = model.sample([np.zeros(4000, np.int64)], phase, np.random.default_rng(1), 4000, np.arange(4000))
    texts = {name: cell.strings() for name, cell in cells.items() if isinstance(cell, Text)}
    return model, pd.DataFrame(texts)


def test_rare_outcomes_stay_and_are_serious() -> None:
    """Three outcomes of three subjects each: all come again, equally often, whatever each was, and with what they decide."""
    rare = ["FATAL"] * 3 + ["NOT RECOVERED/NOT RESOLVED"] * 4 + ["RECOVERING/RESOLVING"] * 3
    model, drawn = _drawn(rare)
    assert set(drawn["AEOUT"]) == {*rare, "RECOVERED/RESOLVED"}
    assert (drawn["AESER"] == "Y").eq(drawn["AEOUT"] != "RECOVERED/RESOLVED").all()
    counts = drawn.loc[drawn["AESER"] == "Y", "AEOUT"].value_counts()
    expected = counts.sum() / 3
    assert (np.abs(counts - expected) < 4 * np.sqrt(expected)).all()
    assert model.rare[0].terms == tuple(sorted(set(rare)))


def test_too_few_are_not_kept() -> None:
    """Four subjects with two rare outcomes, of k = 5; and five with words that are no terms of the standard."""
    few, drawn = _drawn(["FATAL"] * 2 + ["RECOVERING/RESOLVING"] * 2)
    assert few.rare[0].terms == () and set(drawn["AEOUT"]) == {"RECOVERED/RESOLVED"}
    words, drawn = _drawn(["SO SO", "MIDDLING", "GRAND", "FAIR", "POOR"])
    assert words.rare[0].terms == () and set(drawn["AEOUT"]) == {"RECOVERED/RESOLVED"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["SO SO"], "1 of its values is shared by fewer than 5 subjects and not kept; lower k to keep it."),
        (["SO SO", "FAIR"], "2 of its values are shared by fewer than 5 subjects and not kept; lower k to keep them."),
    ],
)
def test_what_is_not_kept_is_told_in_its_number(words: list[str], said: str) -> None:
    """Of one column, and of a tuple of them."""
    texts = words + ["RECOVERED/RESOLVED"] * (N - len(words))
    dataset = Dataset.from_frame("AE", pd.DataFrame({"USUBJID": [f"S{i}" for i in range(N)], "AEOUT": texts}))
    subject, nothing = np.arange(N, dtype=np.int32), np.zeros(N, np.int64)
    _, notes = Qualifiers.fit(dataset, ["AEOUT"], [nothing], (nothing, nothing > 0), subject, 5)
    *_, of_tuples = tuple_codes(dataset, ("AEOUT",), subject, 5, "AE")
    assert (*notes, *of_tuples) == (f"AE.AEOUT: {said}",) * 2


def test_a_treatment_ends_for_the_last_event_of_who_left_alone() -> None:
    """Three actions of three subjects each: the drug is withdrawn for final events, and for no other."""
    _, drawn = _drawn(["DOSE REDUCED"] * 3 + ["DRUG INTERRUPTED"] * 3 + ["DRUG WITHDRAWN"] * 3, "AEACN", final=1000)
    actions = drawn.loc[drawn["AESER"] == "Y", "AEACN"]
    assert set(actions.loc[:999]) == {"DRUG WITHDRAWN"}
    assert set(actions.loc[1000:]) == {"DOSE REDUCED", "DRUG INTERRUPTED"}


def test_a_treatment_ends_for_as_many_of_who_left_as_there_are_such_actions() -> None:
    """Planted: 9 of 200 events have one of three rare actions, of which one ends it; 10 left: 3 of 10 and 6 of 190 (4 s)."""
    rare = ["DOSE REDUCED"] * 3 + ["DRUG INTERRUPTED"] * 3 + ["DRUG WITHDRAWN"] * 3
    model, drawn = _drawn(rare, "AEACN", final=200, left=10)
    assert model.rare[0].final == pytest.approx(0.3)
    withdrawn, other = drawn["AEACN"] == "DRUG WITHDRAWN", drawn["AEACN"].isin(rare[:6])
    assert withdrawn[:200].mean() == pytest.approx(0.3, abs=4 * np.sqrt(0.3 * 0.7 / 200))
    assert other[200:].mean() == pytest.approx(6 / 190, abs=4 * np.sqrt(6 / 190 / 3800))
    assert not withdrawn[200:].any() and not other[:200].any()
    assert ((withdrawn | other) == (drawn["AESER"] == "Y")).all()


def test_of_few_who_left_nothing_is_learned() -> None:
    """Four left, of k = 5."""
    model, _ = _drawn(["DOSE REDUCED"] * 3 + ["DRUG WITHDRAWN"] * 3, "AEACN", left=4)
    assert np.isnan(model.rare[0].final)

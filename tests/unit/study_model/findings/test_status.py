"""Rows without a result that say why."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from replicator.profile.find import find_structure
from replicator.sampling.request import Request
from replicator.study_model.findings.status import NotDone, few_not_done
from replicator.study_model.fitting import fit_study_model
from replicator.tables.dataset import Dataset, Study, Text

from ..small_studies import make_study

N = 20
WITHOUT = np.repeat(np.arange(N) % 2 == 0, 2)


def _fit(status: list[str], k: int = 5) -> NotDone | None:
    """Two rows of each of twenty subjects; every second subject has no result."""
    ids = [f"S{i:02}" for i in range(N)]
    frame = {
        "STUDYID": "ST",
        "DOMAIN": "LB",
        "USUBJID": np.repeat(ids, 2),
        "LBTESTCD": ["K", "NA1"] * N,
        "LBORRES": np.where(WITHOUT, "", "4.1"),
        "LBSTAT": status,
    }
    dm = Dataset.from_frame("DM", pd.DataFrame({"STUDYID": "ST", "DOMAIN": "DM", "USUBJID": ids}))
    study = Study({"DM": dm, "LB": Dataset.from_frame("LB", pd.DataFrame(frame))})
    return NotDone.fit(study["LB"], find_structure(study).datasets["LB"], WITHOUT, np.repeat(np.arange(N), 2), k)


def test_the_share_of_all_tests_is_kept() -> None:
    """Of twenty rows without a result eighteen say NOT DONE: so do nine in ten of a sample that has none, and no others."""
    status = ["NOT DONE" if without and i % 10 else "" for i, without in enumerate(WITHOUT.tolist())]
    found = _fit(status)
    assert found is not None and found.share == 0.9
    without = np.arange(4000) % 2 == 0
    column = found.hold({"LBSTAT": Text.constant("", 4000)}, without, np.random.default_rng(1))["LBSTAT"]
    assert abs((~column.missing)[without].mean() - found.share) < 0.03
    assert column.missing[~without].all()


def test_what_is_there_is_not_added_to() -> None:
    """A sample with more rows that are NOT DONE than the source's share keeps them as they are."""
    found = _fit(["NOT DONE" if without and i % 4 < 2 else "" for i, without in enumerate(WITHOUT.tolist())])
    assert found is not None
    assert found.hold({"LBSTAT": Text.constant("NOT DONE", 100)}, np.ones(100, bool), np.random.default_rng(1)) == {}


@pytest.mark.parametrize("k", [5, 20])
def test_few_of_those_without_a_result_or_another_word_tell_nothing(k: int) -> None:
    """Four subjects of ten are fewer than five and not most; a status beside a result is none of a missing one."""
    four = ["NOT DONE" if without and i < 16 else "" for i, without in enumerate(WITHOUT.tolist())]
    assert _fit(four, k) is None
    assert _fit(["NOT DONE"] * 2 * N, k) is None
    assert _fit(["REFUSED" if without else "" for without in WITHOUT.tolist()], k) is None


def test_a_share_of_few_is_not_kept() -> None:
    """Nine subjects of ten say NOT DONE, and are fewer than twenty."""
    nine = ["NOT DONE" if without and i < 36 else "" for i, without in enumerate(WITHOUT.tolist())]
    assert _fit(nine, 20) is None


@pytest.mark.parametrize(("people", "unlearned"), [(3, 3), (5, 0)])
def test_what_few_say_is_not_done_is_not_measured(people: int, unlearned: int) -> None:
    """Three subjects without a result who say so leave no row, and a note; five are enough."""
    ids = [f"S{i:02}" for i in range(N)]
    said = [i < people for i in range(N)]
    source = make_study(
        DM={"USUBJID": ids, "RFSTDTC": ["2021-03-01"] * N},
        LB={
            "USUBJID": ids * 2,
            "LBTESTCD": ["K"] * N + ["GLUC"] * N,
            "LBORRES": ["" if one else f"{4 + i / 10}" for i, one in enumerate(said)] + [f"{5 + i / 10}" for i in range(N)],
            "LBSTAT": ["NOT DONE" if one else "" for one in said] + [""] * N,
            "LBDTC": ["2021-03-02"] * 2 * N,
        },
    )
    structure = find_structure(source)
    found = few_not_done(source["LB"], structure.datasets["LB"], np.arange(2 * N, dtype=np.int32) % N, 5)
    assert found.sum() == unlearned
    model = fit_study_model(source, structure)
    drawn = Request(model, 200, seed=1).study()["LB"].to_frame()
    assert drawn["LBORRES"].isna().any() == (unlearned == 0)
    assert any("say that there is no result" in note for note in model.notes) == (unlearned > 0)


def test_a_test_of_which_nothing_is_known_to_say_has_no_rows() -> None:
    """Every subject answers in words of its own: rows without a result would not say why."""
    ids = [f"S{i:02}" for i in range(N)]
    source = make_study(
        DM={"USUBJID": ids, "RFSTDTC": ["2021-03-01"] * N},
        LB={
            "USUBJID": ids * 2,
            "LBTESTCD": ["CULTURE"] * N + ["GLUC"] * N,
            "LBORRES": [f"isolate {chr(65 + i)}" for i in range(N)] + [f"{5 + i / 10}" for i in range(N)],
            "LBDTC": ["2021-03-02"] * 2 * N,
        },
    )
    model = fit_study_model(source, find_structure(source))
    drawn = Request(model, 200, seed=1).study()["LB"].to_frame()
    assert set(drawn["LBTESTCD"]) == {"GLUC"} and drawn["LBORRES"].notna().all()
    assert any("are not kept, 20 results" in note for note in model.notes)

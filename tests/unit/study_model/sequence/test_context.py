"""Sequences that hang on others: elements that begin with a dose, and are those of the planned arm."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from replicator.config import FitConfig
from replicator.profile.find import find_structure
from replicator.sampling.request import Request
from replicator.study_model.fitting import fit_study_model
from replicator.study_model.sequence.context import TURNS, Antecedents, told_days
from replicator.study_model.spine import Told
from replicator.tables.dataset import Study, Text

from ..small_studies import make_study
from ..spines import make_spine

N = 160


def _iso(day: int) -> str:
    return str(np.datetime64("2020-01-01") + np.timedelta64(day, "D"))


def _study() -> Study:
    """Subjects with 1 to 3 doses; each dose opens the next element of the arm; a tenth of arm B take the doses of arm A."""
    rng = np.random.default_rng(4)
    dm: list[tuple[object, ...]] = []
    ex: list[tuple[object, ...]] = []
    se: list[tuple[object, ...]] = []
    for i in range(N):
        who, start = f"ST-{i:04d}", int(rng.integers(0, 300))
        planned = "AB"[i % 2]
        actual = "A" if planned == "B" and rng.random() < 0.2 else planned
        begins = start + np.concatenate([[0], np.cumsum(rng.integers(10, 60, int(rng.integers(0, 3))))])
        end = int(begins[-1] + rng.integers(5, 40))
        dm.append((who, who[3:], _iso(start), _iso(end), planned, actual, f"Arm {planned}", f"Arm {actual}"))
        se.append((who, 1, "SCRN", _iso(start - int(rng.integers(3, 15))), _iso(start)))
        for j, day in enumerate(begins.tolist()):
            stop = int(begins[j + 1]) - 1 if j + 1 < len(begins) else end
            ex.append((who, j + 1, f"DRUG {actual}", 10 * (j + 1), "mg", _iso(day), _iso(stop)))
            se.append((who, j + 2, f"{planned}{j + 1}", _iso(day), _iso(stop if j + 1 == len(begins) else stop + 1)))
    columns = {
        "DM": (dm, ["USUBJID", "SUBJID", "RFSTDTC", "RFENDTC", "ARMCD", "ACTARMCD", "ARM", "ACTARM"]),
        "EX": (ex, ["USUBJID", "EXSEQ", "EXTRT", "EXDOSE", "EXDOSU", "EXSTDTC", "EXENDTC"]),
        "SE": (se, ["USUBJID", "SESEQ", "ETCD", "SESTDTC", "SEENDTC"]),
    }
    return make_study(**{name: pd.DataFrame(rows, columns=names).to_dict("list") for name, (rows, names) in columns.items()})


@pytest.fixture(scope="module")
def frames() -> dict[str, pd.DataFrame]:
    """A sample of the study."""
    study = _study()
    sample = Request(fit_study_model(study, find_structure(study)), 300, seed=5).study()
    return {name: dataset.to_frame() for name, dataset in sample.datasets.items()}


def test_each_dose_opens_an_element(frames: dict[str, pd.DataFrame]) -> None:
    """As many elements after screening as doses, the i-th on the day of the i-th dose; 0.03 for what the back-off leaves open."""
    doses, elements = frames["EX"], frames["SE"][frames["SE"]["ETCD"] != "SCRN"]
    a, b = (frame.groupby("USUBJID")[day].agg(tuple) for frame, day in ((doses, "EXSTDTC"), (elements, "SESTDTC")))
    assert (a == b.reindex(a.index)).mean() > 0.97


def test_elements_are_those_of_the_planned_arm_and_doses_of_the_actual_one(frames: dict[str, pd.DataFrame]) -> None:
    """Subjects who took the other arm's doses keep the elements of their own."""
    dm = frames["DM"].set_index("USUBJID")
    elements = frames["SE"][frames["SE"]["ETCD"] != "SCRN"]
    assert (elements["ETCD"].str[0].to_numpy() == dm["ARMCD"][elements["USUBJID"]].to_numpy()).mean() > 0.99
    assert (frames["EX"]["EXTRT"].str[-1].to_numpy() == dm["ACTARMCD"][frames["EX"]["USUBJID"]].to_numpy()).all()
    assert 0.02 < (dm["ARMCD"] != dm["ACTARMCD"]).mean() < 0.2


def test_elements_come_in_their_order(frames: dict[str, pd.DataFrame]) -> None:
    """The second element of an arm never stands before the first."""
    order = frames["SE"].assign(place=frames["SE"]["ETCD"].str[-1].replace("N", "0").astype(int)).groupby("USUBJID")["place"]
    assert order.agg(lambda place: place.is_monotonic_increasing).mean() > 0.99


def test_days_and_traits_of_earlier_sequences() -> None:
    """Rows of subject 1 are ranked by day; a level that two subjects have is none for k = 3."""
    day = np.array([18010.0, 18005.0, 18001.0])
    told = Told(np.array([1, 1, 0], np.int32), {"EXTRT": Text.of(["X", "Y", "X"])}, np.full(3, np.nan), dates={"EXSTDTC": day})
    arms = Told(np.arange(6, dtype=np.int32), {"ARMCD": Text.of(["A", "A", "A", "B", "B", "B"])}, np.full(6, np.nan))
    spine = make_spine(6)
    spine = type(spine)(**{**vars(spine), "told": {"DM": arms, "EX": told}})
    days = told_days(spine, np.array([0, 1, 2], np.int32))
    np.testing.assert_array_equal(days["EX.EXSTDTC 1"], [18001.0, 18005.0, np.nan])
    np.testing.assert_array_equal(days["EX.EXSTDTC last"], [18001.0, 18010.0, np.nan])
    np.testing.assert_array_equal(days["EX.EXSTDTC 3"], [np.nan, np.nan, np.nan])
    found = Antecedents.find(spine, FitConfig(k=3).k)
    assert (found.dataset, found.variable, found.levels) == (("DM",), ("ARMCD",), (("A", "B"),))
    np.testing.assert_array_equal(found.codes(spine)[0], [0, 0, 0, 1, 1, 1])


def test_turns_of_what_rows_say() -> None:
    """Three rows at one dose, one at another, one at the first again are three turns; ends are those of each turn's last row."""
    start = np.array([18000.0, 18010.0, 18020.0, 18030.0, 18040.0, 18003.0])
    told = Told(
        np.array([0, 0, 0, 0, 0, 1], np.int32),
        {},
        np.full(6, np.nan),
        dates={"EXSTDTC": start, "EXENDTC": start + 9},
        says=np.array([1, 1, 1, 2, 1, 2]),
    )
    spine = make_spine(2)
    spine = type(spine)(**{**vars(spine), "told": {"EX": told}})
    days = told_days(spine, np.array([0, 1], np.int32))
    for name, expected in {
        "EX.EXSTDTC turn 1": [18000.0, 18003.0],
        "EX.EXENDTC turn 1": [18029.0, 18012.0],
        "EX.EXSTDTC turn 2": [18030.0, np.nan],
        "EX.EXENDTC turn 3": [18049.0, np.nan],
        "EX.EXSTDTC turn 4": [np.nan, np.nan],
    }.items():
        np.testing.assert_array_equal(days[name], expected, err_msg=name)
    np.testing.assert_array_equal(Antecedents(("EX",), (TURNS,), ((),)).codes(spine)[0], [3, 1])

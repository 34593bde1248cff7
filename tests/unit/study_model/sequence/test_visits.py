"""Which visit a row of a sequence names, and that its rows keep apart, in a study of twenty."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest

from replicator.profile.find import find_structure
from replicator.sampling.request import Request
from replicator.study_model.fitting import fit_study_model
from replicator.study_model.study_model import StudyModel
from replicator.tables.dataset import Study

from ..small_studies import make_study

N = 20
DAYS = (-7, 0, 14, 28, 42, 56, 84, 112)  # visits 1 to 8
ENDS = (3, 4, 5, 6, 7, 8)  # the visits at which three or four subjects each leave


def _iso(day: float) -> str:
    return str(np.datetime64("2021-03-01") + int(day))


def _study() -> Study:
    """A dose to visit 3, and of who stays longer another from the day after to the visit of leaving; one end is not written."""
    rng = np.random.default_rng(8)
    rows: dict[str, list[dict[str, object]]] = {name: [] for name in ("DM", "SV", "EX", "DS")}
    for i in range(N):
        who, start, end = f"ST-{i:03d}", int(rng.integers(0, 300)), ENDS[i % len(ENDS)]
        visit = [start + due + int(rng.integers(-2, 3)) * (due > 0) for due in DAYS[:end]]
        names = {"USUBJID": who, "RFSTDTC": _iso(start), "RFXENDTC": _iso(visit[-1]), "RFENDTC": _iso(visit[-1])}
        rows["DM"].append({**names, "ARMCD": "A", "ARM": "A"})
        rows["SV"] += [{"USUBJID": who, "VISITNUM": k + 1, "SVSTDTC": _iso(day)} for k, day in enumerate(visit)]
        doses = [(start, visit[2], 2)] + ([(visit[2] + 1, visit[-1], 3)] if end > 3 else [])
        for first, last, number in doses:
            written = "" if i == 11 and number == 3 else _iso(last)
            dose = {"EXTRT": "X", "EXDOSE": 10 * (number - 1), "VISITNUM": number, "EXSTDTC": _iso(first), "EXENDTC": written}
            rows["EX"].append({"USUBJID": who, **dose})
        for term, category in (("ADVERSE EVENT", "DISPOSITION EVENT"), ("FINAL VISIT", "OTHER EVENT")):
            ended = {"DSDECOD": term, "DSCAT": category, "VISITNUM": end, "DSSTDTC": _iso(visit[-1])}
            rows["DS"].append({"USUBJID": who, **ended})
    frames = {name: {**pd.DataFrame(table).to_dict("list")} for name, table in rows.items()}
    for name in ("EX", "DS"):
        frames[name] = {"USUBJID": frames[name]["USUBJID"], f"{name}SEQ": _counted(frames[name]["USUBJID"]), **frames[name]}
    return make_study(**frames)


def _counted(who: list[str]) -> list[float]:
    return (pd.Series(who).groupby(who).cumcount() + 1.0).tolist()


@cache
def _model() -> StudyModel:
    study = _study()
    return fit_study_model(study, find_structure(study))


@cache
def _sample(seed: int) -> dict[str, pd.DataFrame]:
    sample = Request(_model(), 300, seed=seed).study()
    return {name: sample[name].to_frame() for name in ("SV", "EX", "DS")}


def _days(column: pd.Series) -> pd.Series:
    return pd.to_datetime(column.replace("", None))


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(("name", "days"), [("EX", 1), ("DS", 0)])
def test_a_row_names_a_visit_near_its_date(name: str, days: int, seed: int) -> None:
    """Nobody's end is further from the visit that it names than in the source, though fewer than k subjects end at each."""
    tables = _sample(seed)
    schedule = tables["SV"][["USUBJID", "VISITNUM", "SVSTDTC"]]
    rows = tables[name].merge(schedule, how="left", on=["USUBJID", "VISITNUM"])
    assert rows["SVSTDTC"].notna().all()
    assert ((_days(rows[f"{name}STDTC"]) - _days(rows["SVSTDTC"])).dt.days.abs() <= days).all()


def test_ends_are_at_all_visits_and_doses_at_their_own() -> None:
    """Each of the visits at which few ended ends some of a sample; a dose begins at visits 2 and 3 alone."""
    tables = _sample(1)
    assert set(tables["DS"]["VISITNUM"]) >= set(ENDS) & set(_model().schedule.numbers.tolist())
    assert set(tables["EX"]["VISITNUM"]) == {2.0, 3.0}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_doses_do_not_overlap(seed: int) -> None:
    """A dose ends before the next begins, and not after the participation."""
    doses = _sample(seed)["EX"].sort_values(["USUBJID", "EXSEQ"])
    begins = _days(doses["EXSTDTC"]).groupby(doses["USUBJID"]).shift(-1)
    assert not (_days(doses["EXENDTC"]) >= begins).any()

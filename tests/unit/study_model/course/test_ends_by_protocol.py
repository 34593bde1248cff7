"""The end of who completes is set by the protocol, whenever the last visit was; everybody's participation ends once."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd

from replicator.profile.find import find_structure
from replicator.sampling.request import Request
from replicator.study_model.fitting import fit_study_model
from replicator.study_model.marks.marks import Marks
from replicator.study_model.study_model import StudyModel
from replicator.tables.dataset import Study

from ..small_studies import make_study
from ..spines import make_spine

N, END = 80, 85  # days from the first dose
DAYS = (-14, 0, 14, 28, 56, 84)
REASONS = ("ADVERSE EVENT", "LOST TO FOLLOW-UP", "ADVERSE EVENT", "WITHDRAWAL BY SUBJECT")  # the second and last of too few


def _iso(day: float) -> str:
    return str(np.datetime64("2021-03-01") + int(day))


def _study() -> Study:
    """Visits up to three days off their plan but not after the end; a fifth leaves some days after the last visit they came to."""
    rng = np.random.default_rng(8)
    rows: dict[str, list[dict[str, object]]] = {name: [] for name in ("DM", "SV", "EX", "DS")}
    for i in range(N):
        who, start, stays = f"ST-{i:03d}", int(rng.integers(0, 300)), i % 5 > 0
        end = start + (END if stays else int(rng.integers(3, 80)))
        visit = [min(start + due + int(rng.integers(-3, 4)) * (due > 0), end) for due in DAYS if start + due <= end]
        rows["DM"].append({"USUBJID": who, "RFSTDTC": _iso(start), "RFENDTC": _iso(end), "ARMCD": "A", "ARM": "A"})
        rows["SV"] += [{"USUBJID": who, "VISITNUM": k + 1, "SVSTDTC": _iso(day)} for k, day in enumerate(visit)]
        rows["EX"].append({"USUBJID": who, "EXTRT": "X", "EXSEQ": 1.0, "EXSTDTC": _iso(start), "EXENDTC": _iso(end)})
        term = "COMPLETED" if stays else REASONS[i // 5 % 4]
        rows["DS"].append({"USUBJID": who, "DSSEQ": 1.0, "DSTERM": term, "DSDECOD": term, "DSSTDTC": _iso(end)})
    return make_study(**{name: pd.DataFrame(table).to_dict("list") for name, table in rows.items()})


@cache
def _sample() -> dict[str, pd.DataFrame]:
    study = _study()
    model: StudyModel = fit_study_model(study, find_structure(study))
    tables = {name: one.to_frame() for name, one in Request(model, 600, 7).study().datasets.items()}
    start = tables["DM"].set_index("USUBJID")["RFSTDTC"]
    for name, variable in (("DM", "RFENDTC"), ("EX", "EXENDTC"), ("DS", "DSSTDTC")):
        day = pd.to_datetime(tables[name][variable]) - pd.to_datetime(tables[name]["USUBJID"].map(start))
        tables[name]["day"] = day.dt.days
    return tables


def test_who_completes_ends_on_the_day_of_the_protocol() -> None:
    """All dates of the end lie 85 days from the start, and those of leavers scatter before."""
    tables = _sample()
    stays = tables["DS"].set_index("USUBJID")["DSDECOD"] == "COMPLETED"
    for name in ("DM", "EX", "DS"):
        end = tables[name].set_index("USUBJID")["day"]
        assert (end[stays] == END).mean() > 0.98, name
        assert end[~stays].nunique() > 20 and (end[~stays] < END).mean() > 0.9, name


def test_everybody_ends_once() -> None:
    """One disposition a subject, though half of the leavers' reasons are not kept; as many complete as in the source."""
    frame = _sample()["DS"]
    assert frame["USUBJID"].is_unique and len(frame) == 600
    assert abs((frame["DSDECOD"] == "COMPLETED").mean() - 0.8) < 0.05


def test_a_mark_is_counted_from_the_start_by_those_who_finish_and_from_the_last_visit_by_others() -> None:
    """The bases differ, the traits give the source's days back, and where all end by one rule there is one base."""
    rng = np.random.default_rng(9)
    n = 60
    anchor, finished = 18000.0 + np.arange(n), np.arange(n) % 4 > 0
    visit = anchor + np.where(finished, 84 - rng.integers(0, 3, n), rng.integers(3, 70, n))
    end = np.where(finished, anchor + END, visit + rng.integers(1, 6, n))
    spine = make_spine(n, {"LASTVISIT": visit, "DM.RFENDTC": end})
    model, values, _ = Marks.fit(spine, 5, ("LASTVISIT",), finished=finished)
    [mark] = [mark for mark in model.marks if mark.name == "DM.RFENDTC"]
    assert (mark.base, mark.base_finished) == ("LASTVISIT", "ANCHOR")
    assert set(values["days DM.RFENDTC"][finished].tolist()) == {float(END)}
    built = model.build(anchor, values, {"LASTVISIT": visit}, finished=finished)
    np.testing.assert_array_equal(built["DM.RFENDTC"], end)
    spine = make_spine(n, {"LASTVISIT": visit, "DM.RFENDTC": visit + 1 + np.arange(n) % 2})
    model, _, _ = Marks.fit(spine, 5, ("LASTVISIT",), finished=finished)
    [mark] = [mark for mark in model.marks if mark.name == "DM.RFENDTC"]
    assert (mark.base, mark.base_finished) == ("LASTVISIT", "")


def test_a_day_of_the_plan_wins_over_chance_agreement_with_a_visit() -> None:
    """A third of the last visits are on the day of the end: that day is the plan's all the same."""
    n = 60
    anchor = 18000.0 + np.arange(n)
    visit, end = anchor + END - np.arange(n) % 3, anchor + END
    model, values, _ = Marks.fit(make_spine(n, {"LASTVISIT": visit, "DM.RFENDTC": end}), 5, ("LASTVISIT",))
    [mark] = [mark for mark in model.marks if mark.name == "DM.RFENDTC"]
    assert (mark.base, mark.references) == ("ANCHOR", ())
    assert set(values["days DM.RFENDTC"].tolist()) == {float(END)}

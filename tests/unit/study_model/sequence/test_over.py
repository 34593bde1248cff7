"""No row begins after the mark that is the last end of all rows: who took the last dose gets no further one."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest

from replicator.profile.find import find_structure
from replicator.sampling.request import Request
from replicator.study_model.fitting import fit_study_model
from replicator.study_model.sequence.dates import SequenceDates
from replicator.study_model.sequence.part import SequencePart
from replicator.study_model.sequence.pins import Pin, begun, over
from replicator.study_model.study_model import StudyModel
from replicator.tables.dataset import Study

from ..small_studies import make_study
from ..spines import make_spine

N = 60
DAYS = (-7, 0, 14, 28, 42, 56, 84)  # visits 1 to 7


def _iso(day: float) -> str:
    return str(np.datetime64("2021-03-01") + int(day))


def _study() -> Study:
    """A dose to visit 3, and another from the day after to the last dose, up to twenty days before the end, of who stays longer.

    Seven of the latter have their last dose at visit 3, so that a further one is told by the end of the participation alone.
    """
    rng = np.random.default_rng(5)
    rows: dict[str, list[dict[str, object]]] = {name: [] for name in ("DM", "SV", "EX")}
    for i in range(N):
        who, start, end = f"ST-{i:03d}", int(rng.integers(0, 300)), 3 + i % 5
        visit = [start + due + int(rng.integers(-2, 3)) * (due > 0) for due in DAYS[:end]]
        last = visit[-1] - int(rng.integers(1, 21)) * int(i % 3 > 0)
        if end == 3:
            last = max(last, start + int(rng.integers(2, 9)))
        else:
            last = visit[2] if i % 8 == 1 else max(last, visit[2] + int(rng.integers(1, 5)))
        names = {"USUBJID": who, "RFSTDTC": _iso(start), "RFXENDTC": _iso(last), "RFENDTC": _iso(visit[-1])}
        rows["DM"].append({**names, "ARMCD": "A", "ARM": "A"})
        rows["SV"] += [{"USUBJID": who, "VISITNUM": k + 1, "SVSTDTC": _iso(day)} for k, day in enumerate(visit)]
        doses = [(start, visit[2], 2), (visit[2] + 1, last, 3)] if end > 3 else [(start, last, 2)]
        for first, until, number in doses:
            dose = {"EXTRT": "X", "EXDOSE": 10 * (number - 1), "VISITNUM": number, "EXSTDTC": _iso(first), "EXENDTC": _iso(until)}
            rows["EX"].append({"USUBJID": who, "EXSEQ": float(number - 1), **dose})
    return make_study(**{name: pd.DataFrame(table).to_dict("list") for name, table in rows.items()})


@cache
def _model() -> StudyModel:
    study = _study()
    return fit_study_model(study, find_structure(study))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_doses_follow_each_other_up_to_the_last(seed: int) -> None:
    """As in the source, each begins on the day after the one before ended, and the last ends with the treatment."""
    sample = Request(_model(), 300, seed=seed).study()
    doses = sample["EX"].to_frame().sort_values(["USUBJID", "EXSEQ"])
    first, last = (pd.to_datetime(doses[name]) for name in ("EXSTDTC", "EXENDTC"))
    days = (first.groupby(doses["USUBJID"]).shift(-1) - last).dt.days.dropna()
    assert len(days) > 100
    assert (days == 1).all()
    ends = sample["DM"].to_frame().set_index("USUBJID")["RFXENDTC"]
    assert (doses.groupby("USUBJID")["EXENDTC"].max() == ends.reindex(doses["USUBJID"].unique()).sort_index()).all()


def test_the_mark_is_found() -> None:
    """The end of treatment ends all doses; that of participation does not."""
    part = _model().parts["EX"]
    assert isinstance(part, SequencePart)
    assert part.dates.over == ("DM.RFXENDTC",)


def test_a_row_that_is_not_the_first_is_out_of_time_two_days_after_the_mark() -> None:
    """A subject's rows from the mark on: on the day after it is in time, later is not; without a mark all are, as is the first."""
    spine = make_spine(3, {"DM.RFXENDTC": np.array([18010.0, np.nan, 18010.0])})
    dates = SequenceDates(("EXSTDTC",), (), (), (), True, False, True, "", False, (), over=("DM.RFXENDTC",))
    subject = np.array([0, 0, 0, 1, 1, 2], np.int32)
    day = np.array([18001.0, 18011.0, 18012.0, 18001.0, 18099.0, 18020.0])
    found = dates.in_time({"EXSTDTC": day}, subject, spine)
    np.testing.assert_array_equal(found, [True, True, False, True, True, True])


@pytest.mark.parametrize(("second", "found"), [(0.0, ("DM.RFSTDTC",)), (-1.0, ())])
def test_the_mark_that_ends_the_first_row_is_found(second: float, found: tuple[str, ...]) -> None:
    """Nobody's second element begins before the screening has ended with the first dose; if one does, the mark bounds nothing."""
    spine = make_spine(10, {"DM.RFSTDTC": 18020.0 + np.arange(10)})
    subject = np.repeat(np.arange(10, dtype=np.int32), 2)
    start = np.stack([spine.anchor - 5, spine.marks["DM.RFSTDTC"] + np.arange(10) % 3], axis=1).ravel()
    start[1] += second
    pins = (Pin("SEENDTC", "DM.RFSTDTC", False), Pin("SESTDTC", "FIRST", False))
    assert begun(start, pins, np.arange(20) % 2 == 1, subject, spine) == found


def test_no_later_row_begins_before_the_mark_that_ends_the_first() -> None:
    """Of two visits before the first dose, on which rows fall that follow no mark, neither begins a second element."""
    study = _elements()
    sample = Request(fit_study_model(study, find_structure(study)), 500, seed=1).study()
    elements = sample["SE"].to_frame()
    dose = sample["DM"].to_frame().set_index("USUBJID")["RFSTDTC"]
    later = elements[elements["ETCD"] != "SCRN"]
    assert (later["SESTDTC"].to_numpy() >= dose[later["USUBJID"]].to_numpy()).all()


def _elements() -> Study:
    """A screening of two visits, treatment from the first dose at the third, and from the fourth on another element."""
    rng = np.random.default_rng(6)
    rows: dict[str, list[dict[str, object]]] = {name: [] for name in ("DM", "SV", "SE")}
    for i in range(N):
        who, start = f"ST-{i:03d}", int(rng.integers(0, 300))
        visit = [start - 9 - int(rng.integers(0, 6)), start - 2, start, start + 14 + int(rng.integers(-2, 3)), start + 40]
        day = [visit[0], start if i % 9 else visit[3], visit[3] if i % 9 else visit[4], visit[4]]
        rows["DM"].append({"USUBJID": who, "RFSTDTC": _iso(day[1]), "RFENDTC": _iso(visit[4]), "ARMCD": "A", "ARM": "A"})
        rows["SV"] += [{"USUBJID": who, "VISITNUM": k + 1, "SVSTDTC": _iso(one)} for k, one in enumerate(visit)]
        rows["SE"] += [
            {"USUBJID": who, "ETCD": code, "SESTDTC": _iso(first), "SEENDTC": _iso(last)}
            for code, first, last in zip(("SCRN", "TRT", "FUP"), day[:-1], day[1:], strict=True)
        ]
    return make_study(**{name: pd.DataFrame(table).to_dict("list") for name, table in rows.items()})


def test_no_row_begins_after_the_mark_where_none_ever_did() -> None:
    """A dose begins on the day of the last dose at the latest, where a follow-up may begin on the day after it."""
    spine = make_spine(8, {"DM.RFXENDTC": np.full(8, 18010.0)})
    subject = np.repeat(np.arange(8, dtype=np.int32), 2)
    pins = (Pin("EXENDTC", "DM.RFXENDTC", True),)
    for begin, ended in ((18010.0, ("DM.RFXENDTC",)), (18011.0, ())):
        start = np.tile([18000.0, begin], 8)
        assert over(start, "EXSTDTC", pins, subject, spine) == ("DM.RFXENDTC",)
        assert over(start, "EXSTDTC", pins, subject, spine, 0) == ended
    dates = SequenceDates(("EXSTDTC",), (), (), (), True, False, True, "", False, (), over=("DM.RFXENDTC",), ended=("DM.RFXENDTC",))
    assert dates.in_time({"EXSTDTC": np.tile([18000.0, 18011.0], 8)}, subject, spine).tolist() == [True, False] * 8


def test_who_leaves_when_an_element_would_begin_has_none_of_it() -> None:
    """Nobody's second treatment lasts no day: those whose participation ends where it would begin go without."""
    study = _short_treatments()
    model = fit_study_model(study, find_structure(study))
    part = model.parts["SE"]
    assert isinstance(part, SequencePart)
    names = dict(zip(part.state.names, part.state.values, strict=True))["ETCD"].strings()[:-1]
    assert dict(zip(names, part.dates.lasting.tolist(), strict=True)) == {"SCRN": True, "TRT1": True, "TRT2": True, "FUP": False}
    sample = Request(model, 500, seed=1).study()
    elements = sample["SE"].to_frame()
    lasts = elements["SEENDTC"].to_numpy() > elements["SESTDTC"].to_numpy()
    assert lasts[elements["ETCD"] == "TRT2"].all()
    share = elements.groupby("USUBJID")["ETCD"].agg(lambda codes: "TRT2" in set(codes)).mean()
    assert 0.7 < share < 1.0


def _short_treatments() -> Study:
    """A fortnight of treatment and then another, to the end, which for a sixth comes before it; a follow-up of a day or none."""
    rng = np.random.default_rng(7)
    rows: dict[str, list[dict[str, object]]] = {name: [] for name in ("DM", "SV", "SE")}
    for i in range(N):
        who, start = f"ST-{i:03d}", int(rng.integers(0, 300))
        end = start + (int(rng.integers(5, 15)) if i % 6 == 0 else int(rng.integers(16, 70)))
        change = min(end, start + 14)
        elements = [("SCRN", start - 7, start), ("TRT1", start, change), ("TRT2", change, end), ("FUP", end, end + i % 2)]
        rows["DM"].append({"USUBJID": who, "RFSTDTC": _iso(start), "RFENDTC": _iso(end), "ARMCD": "A", "ARM": "A"})
        visits = [start - 7, start, change, *range(change + 14, end, 14)]
        rows["SV"] += [{"USUBJID": who, "VISITNUM": k + 1, "SVSTDTC": _iso(one)} for k, one in enumerate(visits)]
        rows["SE"] += [
            {"USUBJID": who, "ETCD": code, "SESTDTC": _iso(first), "SEENDTC": _iso(last)}
            for code, first, last in elements
            if last > first or code == "FUP"
        ]
    return make_study(**{name: pd.DataFrame(table).to_dict("list") for name, table in rows.items()})

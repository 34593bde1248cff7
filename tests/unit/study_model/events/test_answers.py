"""First findings that tell of subjects, and events that hang on them: what is told, and relations planted and not."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicator.profile.find import dataset_structure, find_structure
from replicator.profile.structure import Kind
from replicator.sampling.request import Request
from replicator.study_model.events.answers import Answers
from replicator.study_model.events.part import EventsPart
from replicator.study_model.fitting import fit_study_model
from replicator.study_model.spine import Told
from replicator.study_model.study_model import StudyModel
from replicator.tables.dataset import Dataset, Study

N = 240
RAISED = 6.5  # glucose, one standard deviation above its mean
CONDITIONS = (
    *("HYPERTENSION", "DIABETES MELLITUS", "MIGRAINE", "ASTHMA", "GOUT", "CATARACT", "ECZEMA", "HERNIA", "DEAFNESS", "OBESITY"),
    *("INSOMNIA", "ANAEMIA"),
)


def _learned(name: str, frame: pd.DataFrame, k: int = 5) -> tuple[Answers | None, Told | None]:
    """What a findings dataset whose subjects are the numbers of `who` tells."""
    subject = frame["who"].to_numpy(np.int32)
    dataset = Dataset.from_frame(name, frame.assign(USUBJID=[f"S{i}" for i in subject]).drop(columns="who"))
    answers = Answers.fit(dataset.columns, dataset_structure(dataset, Kind.FINDINGS, name, "USUBJID"), subject, k)
    return answers, None if answers is None else answers.tell(dataset.columns, subject)


def _said(told: Told) -> dict[str, list[int]]:
    """Subjects of each level."""
    (column,) = told.columns.values()
    levels = column.strings().tolist()
    return {str(level): sorted(told.subject[np.array(levels) == level].tolist()) for level in sorted(set(levels))}


def test_an_item_tells_its_first_answer() -> None:
    """Rows of one subject are not in the order of their dates; the empty first result is no answer."""
    rows = [(0, "2020-01-09", "Y"), (0, "2020-01-02", "N"), (1, "2020-01-02", "Y"), (2, "2020-01-01", ""), (2, "2020-01-03", "Y")]
    frame = pd.DataFrame(rows, columns=["who", "QSDTC", "QSORRES"]).assign(QSTESTCD="ITEM")
    told = _learned("QS", frame)[1]
    assert told is not None
    assert _said(told) == {"ITEM: N": [0], "ITEM: Y": [1, 2]}


def test_a_measurement_tells_whether_it_is_low_or_high() -> None:
    """Of 1 to 100 the 16 lowest end at 16; the mean of 14 + 1 to 14 + 5 is 17, and that of the five from above 84."""
    frame = pd.DataFrame({"who": range(100), "LBTESTCD": "GLUC", "LBSTRESN": np.arange(1.0, 101.0)})
    answers, told = _learned("LB", frame)
    assert answers is not None
    assert told is not None
    assert (answers.low.tolist(), answers.high.tolist()) == ([17.0], [84.0])
    assert _said(told) == {"GLUC: HIGH": list(range(84, 100)), "GLUC: LOW": list(range(16))}


def test_a_test_of_few_is_not_kept() -> None:
    """Neither the test that four subjects have nor a bound of theirs, with k = 5."""
    frame = pd.DataFrame({"who": range(4), "LBTESTCD": "GLUC", "LBSTRESN": [1.0, 2.0, 3.0, 4.0]})
    answers = _learned("LB", frame)[0]
    assert answers is not None
    assert answers.tests == ()
    assert not len(answers.low) + len(answers.high)


def test_words_among_which_a_few_numbers_stand_tell_no_bound() -> None:
    """Nine words of ten results are answers of many kinds: of such a test nothing is low, as fewer than k numbers have a bound."""
    frame = pd.DataFrame({"who": range(40), "LBTESTCD": "COLOUR", "LBSTRESC": [f"SHADE {i % 9}" for i in range(40)]})
    frame["LBSTRESN"] = np.where(np.arange(40) < 4, np.arange(40.0), np.nan)
    answers, told = _learned("LB", frame)
    assert answers is not None
    assert told is not None
    assert np.isnan([answers.low, answers.high]).all()
    assert not len(told.subject)


@given(st.lists(st.integers(-50, 50), min_size=12, max_size=60), st.integers(2, 5))
def test_a_bound_is_no_single_result_of_fewer_than_k(values: list[int], k: int) -> None:
    """Bounds are means of k results, so between the lowest and the highest, and no more subjects than the tails hold are beyond."""
    frame = pd.DataFrame({"who": range(len(values)), "LBTESTCD": "GLUC", "LBSTRESN": np.array(values, np.float64)})
    answers, told = _learned("LB", frame, k)
    assert answers is not None
    assert told is not None
    assert ((answers.low >= min(values)) & (answers.low <= max(values))).all()
    if answers.tests:
        assert (_below(values, answers.low[0]) + _below([-x for x in values], -answers.high[0])) == len(told.subject)


def _below(values: list[int], bound: float) -> int:
    return sum(x < bound for x in values)


def test_events_are_no_answers() -> None:
    """Only datasets of findings have a test with a result."""
    dataset = Dataset.from_frame("MH", pd.DataFrame({"USUBJID": ["S0"], "MHTERM": ["ASTHMA"]}))
    structure = dataset_structure(dataset, Kind.EVENTS, "MH", "USUBJID")
    assert Answers.fit(dataset.columns, structure, np.zeros(1, np.int32), 5) is None


def _day(offset: int) -> str:
    return (date(2020, 1, 1) + timedelta(days=int(offset))).isoformat()


def _study(planted: bool) -> Study:
    """A study whose history has, if planted, hypertension with an item, and diabetes with raised glucose (0.9 to 0.03)."""
    rng = np.random.default_rng(8)
    ids = [f"S-{i:03d}" for i in range(N)]
    begin = [i % 60 for i in range(N)]
    item, glucose = rng.random(N) < 0.25, rng.normal(5.5, 1.0, N).round(2)
    has = rng.random((N, len(CONDITIONS))) < 0.3
    if planted:
        for c, cause in enumerate((item, glucose > RAISED)):
            has[:, c] = rng.random(N) < np.where(cause, 0.9, 0.03)
    dm: dict[str, object] = {
        "USUBJID": ids,
        "RFSTDTC": [_day(d) for d in begin],
        "RFENDTC": [_day(d + 90) for d in begin],
        "SEX": rng.choice(["F", "M"], N),
        "ARM": ["A"] * N,
    }
    visits: dict[str, object] = {"VISITNUM": [1.0] * N, "VISIT": ["SCREENING"] * N}
    at = [_day(d) for d in begin]
    lb: dict[str, object] = {
        "USUBJID": ids,
        "LBTESTCD": ["GLUC"] * N,
        "LBTEST": ["Glucose"] * N,
        "LBORRES": [f"{x:.2f}" for x in glucose],
    }
    lb |= {"LBSTRESC": lb["LBORRES"], "LBSTRESN": glucose, **visits, "LBDTC": at}
    qs: dict[str, object] = {
        "USUBJID": ids,
        "QSTESTCD": ["ITEM09"] * N,
        "QSTEST": ["Item 9"] * N,
        "QSORRES": np.where(item, "PRESENT", "ABSENT"),
    }
    qs |= {"QSSTRESC": qs["QSORRES"], **visits, "QSDTC": at}
    mh: list[dict[str, object]] = [
        {"USUBJID": ids[i], "MHTERM": CONDITIONS[c], "MHSTDTC": str(2019 - int(rng.integers(0, 9)))}
        for i, c in zip(*np.nonzero(has), strict=True)
    ]
    frames = {"DM": pd.DataFrame(dm), "LB": pd.DataFrame(lb), "QS": pd.DataFrame(qs), "MH": pd.DataFrame(mh)}
    return Study({name: Dataset.from_frame(name, frame.assign(DOMAIN=name)) for name, frame in frames.items()})


def _fitted(planted: bool) -> StudyModel:
    study = _study(planted)
    return fit_study_model(study, find_structure(study))


def _frame(study: Study, name: str) -> pd.DataFrame:
    columns = study[name].columns
    return pd.DataFrame({one: columns[one].strings() for one in columns})


def _phi(study: Study, term: str) -> float:
    """Correlation of a term of the history with the finding that calls for it, over the subjects."""
    mh, lb, qs = (_frame(study, name) for name in ("MH", "LB", "QS"))
    having = mh.USUBJID[mh.MHTERM.eq(term)]
    calls = qs.USUBJID[qs.QSORRES.eq("PRESENT")] if term == CONDITIONS[0] else lb.USUBJID[pd.to_numeric(lb.LBSTRESN) > RAISED]
    people = np.unique(qs.USUBJID)
    return float(np.corrcoef(np.isin(people, having), np.isin(people, calls))[0, 1])


@pytest.mark.parametrize("term", CONDITIONS[:2])
def test_planted_relations_come_back(term: str) -> None:
    """At least seven tenths of the source's correlation: what few back is drawn in, and the bound is near RAISED, not it."""
    source = _phi(_study(planted=True), term)
    assert source > 0.8
    assert 0.7 * source < _phi(Request(_fitted(planted=True), 500, seed=4).study(), term) < 1.1 * source


def test_where_nothing_is_related_nothing_is_found() -> None:
    """No term of the history hangs on a finding."""
    part = _fitted(planted=False).parts["MH"]
    assert isinstance(part, EventsPart)
    assert not {"LB", "QS"} & set(part.facts.dataset)

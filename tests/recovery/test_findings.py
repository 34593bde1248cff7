"""Planted truth in a findings dataset: it must come back from a sample."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from replicator.config import FitConfig
from replicator.profile.find import dataset_structure
from replicator.profile.structure import Kind
from replicator.study_model.findings.part import FindingsPart
from replicator.study_model.spine import Fitted, Rows, Spine, Visits
from replicator.tables.dataset import Dataset, Numbers, Text, Variable
from replicator.tables.dates import format_dates

SUBJECTS, VISITS = 300, 5


def spine(n: int = SUBJECTS) -> Spine:
    """Two arms, five visits four weeks apart."""
    subject = np.repeat(np.arange(n), VISITS).astype(np.int32)
    number = np.tile(np.arange(1.0, VISITS + 1), n)
    anchor = 16000.0 + np.arange(n) % 200
    day = anchor[subject] + 28 * (number - 1)
    marks = {"FIRST": anchor, "LAST": anchor + 28.0 * (VISITS - 1)}
    arm = (np.arange(n) % 2).astype(np.int32)
    return Spine(n, arm, ("A", "B"), anchor, marks, Visits(subject, number, day, day), {"SEX": arm}, {})


def dataset(source: Spine) -> Dataset:
    """Tests with a correlation, an arm effect, a total absence of correlation, an answer, and what follows from it."""
    rng = np.random.default_rng(11)
    who, visit = source.visits.subject.astype(np.intp), source.visits.number
    n = len(who)
    level = rng.standard_normal((source.n, 2)) @ np.linalg.cholesky(np.array([[1, 0.8], [0.8, 1]])).T
    shock = rng.standard_normal((n, 2)) @ np.linalg.cholesky(np.array([[1, 0.7], [0.7, 1]])).T
    systolic = np.round(130 + 12 * level[who, 0] + 6 * shock[:, 0] - 5 * source.arm[who] * (visit > 1))
    diastolic = np.round(80 + 8 * level[who, 1] + 4 * shock[:, 1])
    temperature = np.round(36.6 + 0.3 * rng.standard_normal(n), 1)
    symptom = rng.standard_normal(source.n)[who] + 0.7 * rng.standard_normal(n) > 0.8
    severity = np.clip(np.round(2 + 0.8 * rng.standard_normal(n)), 1, 3)
    done = rng.random(n) < 0.95
    frames = {
        "SYSBP": (np.ones(n, bool), [f"{v:.0f}" if d else "" for v, d in zip(systolic, done, strict=True)]),
        "DIABP": (np.ones(n, bool), [f"{v:.0f}" for v in diastolic]),
        "TEMP": (visit != 3, [f"{v:.1f}" for v in temperature]),
        "COUGH": (np.ones(n, bool), ["Y" if s else "N" for s in symptom]),
        "COUGHSEV": (symptom, [f"{v:.0f}" for v in severity]),
    }
    rows = np.concatenate([np.flatnonzero(there) for there, _ in frames.values()])
    test = [name for name, (there, _) in frames.items() for _ in range(int(there.sum()))]
    result = [texts[i] for there, texts in frames.values() for i in np.flatnonzero(there)]
    number = np.array([float(r) if r not in ("", "Y", "N") else np.nan for r in result])
    date = format_dates(source.visits.day[rows], np.full(len(rows), np.nan), np.full(len(rows), 4, np.int8))
    columns = {
        "USUBJID": Text.of([f"S{who[i]:04d}" for i in rows]),
        "VSTESTCD": Text.of(test),
        "VSORRES": Text.of(result),
        "VSSTRESC": Text.of(result),
        "VSSTRESN": Numbers(number),
        "VSSTAT": Text.of(["NOT DONE" if r == "" else "" for r in result]),
        "VISITNUM": Numbers(visit[rows]),
        "VISIT": Text.of([f"WEEK {4 * (visit[i] - 1):.0f}" for i in rows]),
        "VSDTC": date,
    }
    variables = tuple(Variable(name, type="num" if isinstance(c, Numbers) else "char") for name, c in columns.items())
    return Dataset("VS", variables, columns)


@pytest.fixture(scope="module")
def learned() -> tuple[Spine, Dataset, Fitted, Rows]:
    """The part, and a sample for the source's own subjects with their own features."""
    source = spine()
    table = dataset(source)
    subject = np.array([int(text[1:]) for text in table.text("USUBJID").strings()], np.int32)
    structure = dataset_structure(table, Kind.FINDINGS, "VS", "USUBJID")
    fitted = FindingsPart.fit(table, structure, subject, source, FitConfig())
    features = {f"VS/{name}": value for name, value in fitted.features.items()}
    drawn = Spine(**{**source.__dict__, "features": features})
    return source, table, fitted, fitted.part.sample(drawn, np.random.default_rng(12))


def wide(rows: Rows, test: str) -> np.ndarray:
    """Values by subject and visit, NaN where there is none."""
    code = rows.columns["VSTESTCD"].strings() == test
    column, visit = rows.columns["VSSTRESN"], rows.columns["VISITNUM"]
    assert isinstance(column, Numbers) and isinstance(visit, Numbers)
    out = np.full((SUBJECTS, VISITS), np.nan)
    out[rows.subject[code], visit.values[code].astype(int) - 1] = column.values[code]
    return out


def test_nothing_is_left_unlearned(learned: tuple[Spine, Dataset, Fitted, Rows]) -> None:
    """A clean dataset gives no notes."""
    assert learned[2].notes == ()


def test_tests_are_done_at_their_visits(learned: tuple[Spine, Dataset, Fitted, Rows]) -> None:
    """Temperature is not taken at visit 3; nothing is doubled; the number of rows is the source's."""
    _, table, _, rows = learned
    assert np.isnan(wide(rows, "TEMP")[:, 2]).all()
    assert np.isfinite(wide(rows, "DIABP")).all()
    visit = rows.columns["VISITNUM"]
    assert isinstance(visit, Numbers)
    keys = list(zip(rows.subject.tolist(), rows.columns["VSTESTCD"].strings(), visit.values.tolist(), strict=True))
    assert len(set(keys)) == len(keys)
    assert len(keys) == pytest.approx(table.n_rows, rel=0.02)


def test_correlations_between_and_within_subjects_come_back(learned: tuple[Spine, Dataset, Fitted, Rows]) -> None:
    """0.8 between levels and 0.7 between residuals of the same visit."""
    rows = learned[3]
    systolic, diastolic = wide(rows, "SYSBP"), wide(rows, "DIABP")
    means = np.nanmean(systolic, axis=1), np.nanmean(diastolic, axis=1)
    assert np.corrcoef(*means)[0, 1] == pytest.approx(0.79, abs=0.07)
    rest = (systolic - means[0][:, None]).ravel(), (diastolic - means[1][:, None]).ravel()
    both = np.isfinite(rest[0]) & np.isfinite(rest[1])
    assert np.corrcoef(rest[0][both], rest[1][both])[0, 1] == pytest.approx(0.7, abs=0.08)


def test_effect_of_the_arm_comes_back(learned: tuple[Spine, Dataset, Fitted, Rows]) -> None:
    """Minus five from the second visit on, in the second arm, against the subject's own first visit."""
    source, table, _, rows = learned
    found = []
    who = np.array([int(text[1:]) for text in table.text("USUBJID").strings()], np.int32)
    for one in (Rows(who, table.columns), rows):
        systolic = wide(one, "SYSBP")
        change = np.nanmean(systolic[:, 1:], axis=1) - systolic[:, 0]
        found.append(np.nanmean(change[source.arm == 1]) - np.nanmean(change[source.arm == 0]))
    assert found[1] == pytest.approx(found[0], abs=1.2)
    assert found[0] == pytest.approx(-5, abs=1.5)


def test_no_correlation_stays_none(learned: tuple[Spine, Dataset, Fitted, Rows]) -> None:
    """Temperatures of a subject are as unlike as those of two."""
    temperature = wide(learned[3], "TEMP")[:, [0, 1, 3, 4]]
    correlation = np.corrcoef(temperature.T)
    assert abs((correlation.sum() - 4) / 12) < 0.08


def test_nothing_is_invented_where_subjects_are_shuffled() -> None:
    """Results dealt anew among the subjects of a visit: those of one subject are as unlike as those of two."""
    source = spine()
    table = dataset(source)
    rng = np.random.default_rng(21)
    code, visit = table.text("VSTESTCD").codes, table.numbers("VISITNUM")
    rows = np.lexsort((rng.random(table.n_rows), visit, code))
    dealt = np.empty(table.n_rows, np.intp)
    dealt[np.lexsort((visit, code))] = rows
    for name in ("VSORRES", "VSSTRESC", "VSSTRESN", "VSSTAT"):
        table = table.with_column(table.variable(name), table[name].take(dealt))
    subject = np.array([int(text[1:]) for text in table.text("USUBJID").strings()], np.int32)
    fitted = FindingsPart.fit(table, dataset_structure(table, Kind.FINDINGS, "VS", "USUBJID"), subject, source, FitConfig())
    features = {f"VS/{name}": value for name, value in fitted.features.items()}
    drawn = Spine(**{**source.__dict__, "features": {name: rng.permutation(value) for name, value in features.items()}})
    rows_drawn = fitted.part.sample(drawn, np.random.default_rng(22))
    for test in ("SYSBP", "DIABP", "TEMP"):
        values = wide(rows_drawn, test)
        values = values[:, ~np.isnan(values).all(axis=0)]
        both = pd.DataFrame(values).corr().to_numpy()
        off = both[~np.eye(len(both), dtype=bool)]
        assert abs(off.mean()) < 0.06, test  # four standard errors of the mean over 300 subjects and 6 pairs of visits or more
    cough = rows_drawn.columns["VSTESTCD"].strings() == "COUGH"
    result, number = rows_drawn.columns["VSORRES"], rows_drawn.columns["VISITNUM"]
    assert isinstance(result, Text) and isinstance(number, Numbers)
    yes = np.zeros((SUBJECTS, VISITS))
    yes[rows_drawn.subject[cough], number.values[cough].astype(int) - 1] = result.strings()[cough] == "Y"
    answers = np.corrcoef(yes.T)
    assert abs(answers[~np.eye(VISITS, dtype=bool)].mean()) < 0.06


def test_not_done_has_its_rate_and_its_status(learned: tuple[Spine, Dataset, Fitted, Rows]) -> None:
    """Five in a hundred results are missing, and exactly those have a status."""
    rows = learned[3]
    missing = rows.columns["VSORRES"].missing
    assert (missing == ~rows.columns["VSSTAT"].missing).all()
    systolic = rows.columns["VSTESTCD"].strings() == "SYSBP"
    assert missing[systolic].mean() == pytest.approx(0.05, abs=0.02)


def test_severity_follows_from_the_answer(learned: tuple[Spine, Dataset, Fitted, Rows]) -> None:
    """COUGHSEV is there where COUGH is Y and nowhere else; the answer is a subject's trait at its rate."""
    rows = learned[3]
    code, result = rows.columns["VSTESTCD"].strings(), rows.columns["VSORRES"].strings()
    visit = rows.columns["VISITNUM"]
    assert isinstance(visit, Numbers)
    place = rows.subject.astype(np.int64) * 10 + visit.values.astype(np.int64)
    assert set(place[(code == "COUGH") & (result == "Y")].tolist()) == set(place[code == "COUGHSEV"].tolist())
    cough = np.zeros((SUBJECTS, VISITS))
    yes = (code == "COUGH") & (result == "Y")
    cough[rows.subject[yes], visit.values[yes].astype(int) - 1] = 1
    source = np.zeros((SUBJECTS, VISITS))
    table = learned[1]
    was = (table.text("VSTESTCD").strings() == "COUGH") & (table.text("VSORRES").strings() == "Y")
    who = np.array([int(text[1:]) for text in table.text("USUBJID").strings()])
    source[who[was], table.numbers("VISITNUM")[was].astype(int) - 1] = 1
    assert cough.mean() == pytest.approx(source.mean(), abs=0.04)
    assert cough.mean(axis=1).std() == pytest.approx(source.mean(axis=1).std(), rel=0.15)


def test_dates_lie_on_the_visits_and_inside_the_study(learned: tuple[Spine, Dataset, Fitted, Rows]) -> None:
    """Every date is its visit's."""
    source, _, _, rows = learned
    visit = rows.columns["VISITNUM"]
    assert isinstance(visit, Numbers)
    expected = source.anchor[rows.subject] + 28 * (visit.values - 1)
    assert (rows.columns["VSDTC"].strings() == np.datetime_as_string(expected.astype("datetime64[D]"))).all()


def test_names_of_visits_follow_their_numbers(learned: tuple[Spine, Dataset, Fitted, Rows]) -> None:
    """VISIT belongs to VISITNUM in every row."""
    rows = learned[3]
    visit = rows.columns["VISITNUM"]
    assert isinstance(visit, Numbers)
    assert rows.columns["VISIT"].strings().tolist() == [f"WEEK {4 * (v - 1):.0f}" for v in visit.values]


def test_same_stream_same_rows(learned: tuple[Spine, Dataset, Fitted, Rows]) -> None:
    """Sampling is a function of the part, the spine and the stream."""
    part, source = learned[2].part, learned[0]
    a, b = (part.sample(source, np.random.default_rng(3)) for _ in range(2))
    assert a.columns["VSORRES"].strings().tolist() == b.columns["VSORRES"].strings().tolist()
    assert a.subject.tolist() == b.subject.tolist()


def test_fewer_than_k_subjects_teach_nothing() -> None:
    """Three subjects at k = 5: columns without rows, and a note that says why."""
    source = spine(3)
    table = dataset(source)
    subject = np.array([int(text[1:]) for text in table.text("USUBJID").strings()], np.int32)
    structure = dataset_structure(table, Kind.FINDINGS, "VS", "USUBJID")
    fitted = FindingsPart.fit(table, structure, subject, source, FitConfig())
    assert "lower k" in fitted.notes[0]
    assert len(fitted.part.sample(source, np.random.default_rng(0)).subject) == 0
    some = FindingsPart.fit(table, structure, subject, source, FitConfig(k=1))
    assert len(some.part.sample(source, np.random.default_rng(0)).subject) > 0

"""Events and interventions in small and odd studies."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from replicator.config import FitConfig
from replicator.profile.find import dataset_structure
from replicator.profile.structure import Kind
from replicator.study_model.events.ids import RecordIds
from replicator.study_model.events.names import Style
from replicator.study_model.events.part import EventsPart
from replicator.study_model.spine import Fitted, Rows, Spine, Visits
from replicator.tables.dataset import Dataset, Text
from replicator.tables.dates import parse_dates


def _spine(n: int, death: dict[int, float] | None = None) -> Spine:
    anchor = np.full(n, 18000.0)
    day = np.stack([anchor - 7, anchor, anchor + 14, anchor + 28], axis=1).ravel()
    visits = Visits(np.repeat(np.arange(n), 4).astype(np.int32), np.tile([1.0, 2.0, 3.0, 4.0], n), day, day)
    died = np.full(n, np.nan)
    for who, offset in (death or {}).items():
        died[who] = 18000.0 + offset
    marks = {"DM.RFSTDTC": anchor, "DM.DTHDTC": died, "FIRST": anchor - 7, "LAST": anchor + 28}
    return Spine(n, np.zeros(n, np.int32), ("",), anchor, marks, visits, {}, {})


def _iso(offset: float) -> str:
    return str(np.datetime64("1970-01-01") + np.timedelta64(int(18000 + offset), "D"))


def _fit(rows: list[dict[str, object]], spine: Spine, kind: Kind = Kind.EVENTS, name: str = "AE") -> tuple[Fitted, Rows]:
    frame = pd.DataFrame(rows)
    subject = frame.pop("who").to_numpy(np.int32) if rows else np.empty(0, np.int32)
    frame.insert(0, "USUBJID", [f"S{i}" for i in subject])
    dataset = Dataset.from_frame(name, frame)
    fitted = EventsPart.fit(dataset, dataset_structure(dataset, kind, name, "USUBJID"), subject, spine, FitConfig())
    drawn = replace(spine, features={f"{name}/{feature}": x for feature, x in fitted.features.items()})
    return fitted, fitted.part.sample(drawn, np.random.default_rng(3))


@pytest.mark.parametrize("n", [1, 3, 20])
def test_few_subjects_are_learned(n: int) -> None:
    """One subject with one event, three, twenty: as many rows as before, and no text of the source where nobody shares it."""
    rows = [{"who": i, "AETERM": f"ONLY {chr(65 + i)} MINE", "AESTDTC": _iso(i), "AESEV": "MILD"} for i in range(n)]
    _, drawn = _fit(rows, _spine(n))
    assert len(drawn.subject) == n
    assert not any("MINE" in str(text) for text in drawn.columns["AETERM"].strings())


def test_one_term_only() -> None:
    """Everybody has the same event: everybody has it again."""
    fitted, drawn = _fit([{"who": i, "AETERM": "HEADACHE", "AESTDTC": _iso(3)} for i in range(12)], _spine(12))
    assert drawn.columns["AETERM"].strings().tolist() == ["HEADACHE"] * 12
    assert fitted.features["terms"].tolist() == [1.0] * 12


def test_empty_columns_and_dates_stay_empty() -> None:
    rows = [{"who": i, "AETERM": "HEADACHE", "AESTDTC": None, "AEENDTC": None, "AEREL": None} for i in range(12)]
    _, drawn = _fit(rows, _spine(12))
    assert drawn.columns["AESTDTC"].missing.all()
    assert drawn.columns["AEENDTC"].missing.all()


def test_without_features_nobody_has_anything() -> None:
    fitted, _ = _fit([{"who": i % 6, "AETERM": "HEADACHE", "AESTDTC": _iso(3)} for i in range(12)], _spine(12))
    drawn = fitted.part.sample(_spine(5), np.random.default_rng(0))
    assert len(drawn.subject) == 0
    assert len(drawn.columns["AETERM"]) == 0


def test_partial_dates_keep_their_precision() -> None:
    """History known by year in half of the cases, by month in a quarter, by day in a quarter (0.1), all before the study."""
    texts = ["2003", "2005", "2011-04", "2016-02-29"]
    rows = [{"who": i, "MHTERM": t, "MHSTDTC": texts[(i + j) % 4]} for i in range(60) for j, t in enumerate(("ASTHMA", "GOUT"))]
    _, drawn = _fit(rows, _spine(60), name="MH")
    length = np.array([len(str(text)) for text in drawn.columns["MHSTDTC"].strings()])
    assert (length == 4).mean() == pytest.approx(0.5, abs=0.1)
    assert (length == 7).mean() == pytest.approx(0.25, abs=0.1)
    assert (parse_dates(drawn.columns["MHSTDTC"]).day < 18000 - 7).all()


def test_a_medication_is_reported_at_every_visit() -> None:
    """Rows at each attended visit, VISIT after VISITNUM, attributes constant within the medication."""
    names = {1: "SCREENING", 2: "BASELINE", 3: "WEEK 2", 4: "WEEK 4"}
    rows = [
        {
            "who": i,
            "CMSPID": str(j + 1),
            "CMTRT": t,
            "CMDOSE": 10.0 * (j + 1),
            "CMSTDTC": "2015",
            "VISITNUM": float(v),
            "VISIT": names[v],
            "CMDTC": _iso((-7, 0, 14, 28)[v - 1]),
        }
        for i in range(30)
        for j, t in enumerate(("ASPIRIN", "METFORMIN"))
        if (i + j) % 3
        for v in names
    ]
    _, drawn = _fit(rows, _spine(30), Kind.INTERVENTIONS, "CM")
    frame = pd.DataFrame({name: column.strings() for name, column in drawn.columns.items()}).assign(who=drawn.subject)
    assert len(frame) == len(rows)
    assert (frame["VISITNUM"].astype(int).map(names) == frame["VISIT"]).all()
    assert (frame.groupby(["who", "CMSPID"]).size() == 4).all()
    assert (frame.groupby(["who", "CMSPID"])[["CMTRT", "CMDOSE"]].nunique() == 1).all(axis=None)
    day = parse_dates(drawn.columns["CMDTC"]).day - 18000
    assert day.tolist() == [(-7, 0, 14, 28)[int(v) - 1] for v in frame["VISITNUM"]]


def test_what_is_told_again_is_told_otherwise() -> None:
    """Planted: a fifth of the events are told again a visit later, always with another severity, as a rule MODERATE after MILD."""
    rng = np.random.default_rng(5)
    rows: list[dict[str, object]] = []
    for i in range(200):
        told = {"who": i, "AETERM": "RASH", "AESPID": "E1", "AESTDTC": _iso(-3), "AEREL": "NONE"}
        severity = rng.choice(["MILD", "MODERATE", "SEVERE"], 2, replace=False, p=[0.6, 0.35, 0.05])
        rows.append(told | {"AESEV": severity[0], "AEDTC": _iso(0)})
        if i % 5 == 0:
            rows.append(told | {"AESEV": severity[1], "AEDTC": _iso(14)})
    _, drawn = _fit(rows, _spine(200))
    frame = pd.DataFrame({name: column.strings() for name, column in drawn.columns.items()}).assign(who=drawn.subject)
    times = frame.groupby("who").size()
    assert len(times) == 200 and (times == 2).mean() == pytest.approx(0.2, abs=0.07)
    assert not frame.duplicated(["who", "AESEV"]).any()


def test_a_death_makes_the_last_event_fatal() -> None:
    """Fatal outcomes go with the date of death, one a subject, and with nothing else."""
    death = {0: 20.0, 1: 25.0, 2: 27.0, 3: 21.0}
    rows = [
        {
            "who": i,
            "AETERM": "HEADACHE",
            "AESTDTC": _iso(5),
            "AEOUT": "FATAL" if i in death else "RECOVERED/RESOLVED",
            "AESDTH": "Y" if i in death else "N",
        }
        for i in range(40)
    ]
    _, drawn = _fit(rows, _spine(40, death))
    fatal = drawn.columns["AEOUT"].strings() == "FATAL"
    assert fatal.any()
    assert set(drawn.subject[fatal].tolist()) <= set(death)
    assert ((drawn.columns["AESDTH"].strings() == "Y") == fatal).all()


def test_record_ids_count_within_the_subject() -> None:
    """E01, E02 ... in order of start; the pattern is learned, the numbers are the subject's own."""
    owner = np.repeat(np.arange(10), 3).astype(np.int32)
    start = np.tile([3.0, 1.0, 2.0], 10)
    column = Text.of([f"E{1 + int(rank):02d}" for rank in np.tile([2, 0, 1], 10)])
    ids = RecordIds.fit("AESPID", column, owner, start, 5)
    drawn = ids.sample(
        np.ones(6, bool), np.array([0, 0, 0, 1, 1, 1]), np.array([9.0, 5.0, 7.0, 1.0, 2.0, 3.0]), np.random.default_rng(0)
    )
    assert drawn.strings().tolist() == ["E03", "E01", "E02", "E01", "E02", "E03"]


def test_styles_of_terms_and_codes() -> None:
    """Case is kept; numbered codes get numbers that the source does not have."""
    assert Style.of(["HEADACHE", "NAUSEA"]).write("Back pain") == "BACK PAIN"
    assert Style.of(["Headache", "Back pain"]).write("RUNNY NOSE") == "Runny nose"
    style = Style.of(["HLT_0617", "HLT_0148", "HLT_0415"])
    fresh = style.numbering(["HLT_0617", "HLT_0148", "HLT_0415"], np.random.default_rng(0))
    assert style.numbered
    assert len(set(fresh)) == len(fresh) >= 20
    assert all(code.startswith("HLT_") and len(code) == 8 for code in fresh)
    assert not {"HLT_0617", "HLT_0148", "HLT_0415"} & set(fresh)


def test_a_fatal_event_begins_as_long_before_the_death_as_in_the_source() -> None:
    """Three days in all who died; of one that nobody's source shows, a few days and not the months since some other event."""
    death = {i: 60.0 for i in range(12)}
    rows = [
        {"who": i, "AETERM": "HEADACHE", "AESTDTC": _iso(57 if i in death else 5), "AEOUT": "FATAL" if i in death else "RECOVERED"}
        for i in range(40)
    ]
    for few in (False, True):
        shown = {0: 60.0} if few else death
        some = [row for row in rows if row["AEOUT"] != "FATAL" or row["who"] in shown]
        _, drawn = _fit(some, _spine(40, shown))
        fatal = drawn.columns["AEOUT"].strings() == "FATAL"
        lasted = 18060 - parse_dates(drawn.columns["AESTDTC"]).day[fatal]
        assert fatal.any() and (lasted >= 0).all()
        assert set(lasted.tolist()) == {3.0} if not few else (lasted <= 40).all()


def test_a_date_that_some_occurrences_have_stands_where_the_word_beside_it_does() -> None:
    """What goes on says so and until when that is known, a date of the subject's own; what is over says neither."""
    spine = _spine(40)
    closing = 18000 + 40 + np.arange(40.0)
    spine = replace(spine, marks={**spine.marks, "DM.RFPENDTC": closing})
    rows: list[dict[str, object]] = []
    for i in range(40):
        rows.append({"who": i, "AETERM": "HEADACHE", "AESTDTC": _iso(3), "AEENDTC": _iso(5), "AEENRTPT": None, "AEENTPT": None})
        goes_on = {"AEENDTC": None, "AEENRTPT": "ONGOING", "AEENTPT": _iso(closing[i] - 18000)}
        rows.append({"who": i, "AETERM": "RASH", "AESTDTC": _iso(4)} | goes_on)
    _, drawn = _fit(rows, spine)
    until, goes = drawn.columns["AEENTPT"], ~drawn.columns["AEENRTPT"].missing
    assert isinstance(until, Text)
    assert (~until.missing).tolist() == goes.tolist()
    assert 20 <= goes.sum() <= 60
    assert parse_dates(until).day[goes].tolist() == closing[drawn.subject[goes]].tolist()


def test_terms_that_begin_alike_are_told_by_it() -> None:
    """Planted: in one class 30 reactions of a site, 9 in 10 of them related, and 30 other terms, 1 in 10; each of four subjects."""
    rng = np.random.default_rng(5)
    rows: list[dict[str, object]] = []
    for who in range(120):
        for site, number in ((True, who % 30), (False, (who + who // 30) % 30)):
            term = f"{'SITE' if site else 'ALL'}{'' if site else chr(65 + number)} SIGN{chr(65 + number)}"
            related = "RELATED" if rng.random() < (0.9 if site else 0.1) else "NOT RELATED"
            rows.append({"who": who, "AETERM": term, "AEDECOD": term, "AEBODSYS": "GENERAL", "AESTDTC": _iso(3), "AEREL": related})
    _, drawn = _fit(rows, _spine(120))
    site = np.array([str(text).startswith("SITE") for text in drawn.columns["AEDECOD"].strings()])
    related = drawn.columns["AEREL"].strings() == "RELATED"
    assert related[site].mean() > 0.8  # 0.9 planted, with a standard error of 0.04 in source and sample
    assert related[~site].mean() < 0.2

"""Relations between rows."""

from __future__ import annotations

import numpy as np
import pandas as pd

from replicator.config import FitConfig
from replicator.study_model.links.relations import LinksModel
from replicator.study_model.source import read_source
from replicator.tables.dataset import Dataset, Study, Text

from ....properties.blueprint import Blueprint
from ....properties.strategies import build_study
from ..small_studies import structured


def _fitted(study: Study, k: int = 5) -> tuple[LinksModel, tuple[str, ...], Study]:
    study, structure = structured(study)
    return *LinksModel.fit(read_source(study, structure), structure, FitConfig(k=k)), study


def test_links_of_the_source_are_drawn_on_the_source() -> None:
    """Headaches are linked to one drug each: every link names two rows of one subject that are there, nearly as often as before."""
    model, notes, study = _fitted(build_study(Blueprint(n=150)))
    assert notes == () and len(model.links) == 1
    ids = Text.of(sorted(set(study["DM"].text("USUBJID").strings().tolist())))
    place = {one: i for i, one in enumerate(ids.strings().tolist())}
    subject = {n: np.array([place[one] for one in study[n].text("USUBJID").strings()], np.int32) for n in ("AE", "CM")}
    drawn = model.sample({"AE": study["AE"], "CM": study["CM"]}, subject, "USUBJID", ids, np.random.default_rng(1))[0][
        "RELREC"
    ].to_frame()
    assert abs(len(drawn) - study["RELREC"].n_rows) <= 0.4 * study["RELREC"].n_rows
    assert (drawn.groupby(["USUBJID", "RELID"])["RDOMAIN"].agg(tuple) == ("AE", "CM")).all()
    ae, cm = (study[n].to_frame().set_index(["USUBJID", f"{n}SEQ"]) for n in ("AE", "CM"))
    for domain, table in (("AE", ae), ("CM", cm)):
        rows = drawn[drawn["RDOMAIN"] == domain]
        assert all((who, float(seq)) in table.index for who, seq in zip(rows["USUBJID"], rows["IDVARVAL"], strict=True))
    rows = drawn[drawn["RDOMAIN"] == "AE"]
    found = [ae.loc[(who, float(seq)), "AEDECOD"] for who, seq in zip(rows["USUBJID"], rows["IDVARVAL"], strict=True)]
    assert np.mean([one == "HEADACHE" for one in found]) > 0.9


def test_links_of_few_subjects_are_named_and_left_out() -> None:
    """With k above the number of linked subjects nothing is learned, and one sentence says of how many rows."""
    model, notes, study = _fitted(build_study(Blueprint(n=30)), k=1000)
    assert model.links == ()
    assert len(notes) == 1 and f"not learned, {study['RELREC'].n_rows} of {study['RELREC'].n_rows};" in notes[0]


def _said_study(n: int) -> Study:
    """Every subject has two events and a medicine for the second, three days after it began, linked; and a vitamin long before."""
    who = [f"S{i:03d}" for i in range(n)]
    terms = ["RASH", "COUGH", "NAUSEA", "PAIN", "FEVER", "GOUT"]
    events, drugs, links = [], [], []
    for i, one in enumerate(who):
        first, second = terms[i % 6], terms[(i + 1 + i // 6 % 5) % 6]
        events += [(one, 1.0, first, "2024-03-01"), (one, 2.0, second, f"2024-05-{1 + i % 20:02d}")]
        drugs += [
            (one, 1.0, "VITAMIN", "HEALTH", "2024-01-01"),
            (one, 2.0, f"DRUG {terms.index(second)}", second, f"2024-05-{4 + i % 20:02d}"),
        ]
        links += [("AE", one, "AESEQ", "2", "R1"), ("CM", one, "CMSEQ", "2", "R1")]
    frames = {
        "DM": pd.DataFrame({"USUBJID": who, "RFSTDTC": "2024-02-01", "ARM": "A"}),
        "AE": pd.DataFrame(events, columns=["USUBJID", "AESEQ", "AETERM", "AESTDTC"]),
        "CM": pd.DataFrame(drugs, columns=["USUBJID", "CMSEQ", "CMTRT", "CMINDC", "CMSTDTC"]),
        "RELREC": pd.DataFrame(links, columns=["RDOMAIN", "USUBJID", "IDVAR", "IDVARVAL", "RELID"]),
    }
    return Study(
        {name: Dataset.from_frame(name, frame if name == "RELREC" else frame.assign(DOMAIN=name)) for name, frame in frames.items()}
    )


def test_a_medicine_is_linked_to_the_event_that_it_was_given_for() -> None:
    """Planted: linked rows say the same and lie three days apart; on other subjects, the partner is again the one that fits."""
    model, _, _ = _fitted(_said_study(90))
    (link,) = model.links
    assert {link.lead.dataset, link.follow.dataset} == {"AE", "CM"}
    assert link.partners.said == (("AETERM", "CMINDC"),)
    assert set(link.partners.dates) == {"AESTDTC", "CMSTDTC"}
    other = _said_study(60)
    ids = Text.of([f"S{i:03d}" for i in range(60)])
    subject = {name: np.repeat(np.arange(60), 2).astype(np.int32) for name in ("AE", "CM")}
    drawn = model.sample(dict(other.datasets), subject, "USUBJID", ids, np.random.default_rng(2))[0]["RELREC"].to_frame()
    assert len(drawn) >= 100
    assert (drawn["IDVARVAL"].astype(float) == 2).all()


def test_a_number_of_related_rows_that_few_have_is_not_told() -> None:
    """Of seven subjects four link two events and three one: neither is of five, so one is told; five who link two are told."""
    for n, n_two, told in ((7, 4, [1]), (7, 5, [2])):
        study = _said_study(n)
        two = [f"S{i:03d}" for i in range(n_two)]
        more = pd.DataFrame({"RDOMAIN": "AE", "USUBJID": two, "IDVAR": "AESEQ", "IDVARVAL": "1", "RELID": "R1"})
        linked = Dataset.from_frame("RELREC", pd.concat([study["RELREC"].to_frame(), more]))
        model, _, _ = _fitted(Study({**study.datasets, "RELREC": linked}))
        counts = {end.dataset: end.count.levels[0].targets.tolist() for link in model.links for end in (link.lead, link.follow)}
        assert counts == {"AE": told, "CM": [1]}


def test_rows_that_suit_nobody_are_not_linked() -> None:
    """The same study without the medicines that were given for an event: no link is left."""
    model, _, _ = _fitted(_said_study(90))
    other = _said_study(60)
    ids = Text.of([f"S{i:03d}" for i in range(60)])
    drugs = other["CM"].take(np.arange(0, 120, 2))
    subject = {"AE": np.repeat(np.arange(60), 2).astype(np.int32), "CM": np.arange(60, dtype=np.int32)}
    drawn = model.sample({"AE": other["AE"], "CM": drugs}, subject, "USUBJID", ids, np.random.default_rng(2))[0]["RELREC"]
    assert drawn.n_rows == 0


def test_dates_are_near_and_say_nothing_else() -> None:
    """Medicines of the source end with their events, those of a sample a day later: they are linked all the same.

    Of every fourth subject the medicine does not name the event, so that the ends tell more of the source's links than the names.
    """

    def ending(n: int, later: int) -> Study:
        study = _said_study(n)
        ends = {"AE": ("AEENDTC", 0), "CM": ("CMENDTC", later)}
        frames = {name: study[name].to_frame() for name in study}
        unnamed = (frames["CM"]["CMSEQ"] == 2) & (np.arange(2 * n) // 2 % 4 == 0)
        frames["CM"]["CMINDC"] = frames["CM"]["CMINDC"].where(~unnamed, "SYMPTOM")
        for name, (variable, days) in ends.items():
            day = pd.to_datetime(frames[name][f"{name}STDTC"]) + pd.to_timedelta(9 - 3 * (name == "CM") + days, unit="D")
            frames[name][variable] = day.dt.strftime("%Y-%m-%d")
        return Study({name: Dataset.from_frame(name, frame) for name, frame in frames.items()})

    model, _, _ = _fitted(ending(90, 0))
    assert model.links[0].partners.said == (("AETERM", "CMINDC"),)
    other = ending(60, 1)
    ids = Text.of([f"S{i:03d}" for i in range(60)])
    subject = {name: np.repeat(np.arange(60), 2).astype(np.int32) for name in ("AE", "CM")}
    relations, moved = model.sample(dict(other.datasets), subject, "USUBJID", ids, np.random.default_rng(2))
    drawn = relations["RELREC"].to_frame()
    assert len(drawn) >= 100
    rows = drawn.loc[drawn["RDOMAIN"] == "CM", "USUBJID"].str[1:].astype(int) * 2 + 1
    assert set(moved) == {"CM"} and len(rows) > 40
    ends, events, before = (table.to_frame() for table in (moved["CM"], other["AE"], other["CM"]))
    assert ends["CMENDTC"].iloc[rows].tolist() == events["AEENDTC"].iloc[rows].tolist()
    kept = np.setdiff1d(np.arange(120), rows)
    assert ends["CMENDTC"].iloc[kept].tolist() == before["CMENDTC"].iloc[kept].tolist()


def test_a_medicine_for_something_else_is_no_partner() -> None:
    """Every event with a medicine has one for what it is, on its day: one for a mood that begins on the same day is not linked."""
    terms = {"HEADACHE": ("PARACETAMOL", "HEADACHE"), "BACK PAIN": ("IBUPROFEN", "PAIN"), "COUGH": ("CODEINE", "COUGH")}

    def study(n: int, drug: str, indication: str) -> Study:
        """Three events a subject, of which one is treated; every second subject has the other drug on the day of another event."""
        rows = [(f"S{i:03d}", list(terms)[(i + j) % 3], f"2024-0{j + 2}-{1 + i % 25:02d}", j) for i in range(n) for j in range(3)]
        events = [(who, j + 1.0, term, day) for who, term, day, j in rows]
        given = [(who, 1.0, *terms[term], day) for who, term, day, j in rows if j == 2]
        given += [(who, 2.0, drug, indication, day) for i, (who, _, day, j) in enumerate(rows) if j == 0 and i // 3 % 2]
        links = [
            row for i in range(n) for row in (("AE", f"S{i:03d}", "AESEQ", "3", "R1"), ("CM", f"S{i:03d}", "CMSEQ", "1", "R1"))
        ]
        frames = {
            "DM": pd.DataFrame({"USUBJID": [f"S{i:03d}" for i in range(n)], "RFSTDTC": "2024-02-01", "ARM": "A"}),
            "AE": pd.DataFrame(events, columns=["USUBJID", "AESEQ", "AETERM", "AESTDTC"]),
            "CM": pd.DataFrame(sorted(given), columns=["USUBJID", "CMSEQ", "CMTRT", "CMINDC", "CMSTDTC"]),
            "RELREC": pd.DataFrame(links, columns=["RDOMAIN", "USUBJID", "IDVAR", "IDVARVAL", "RELID"]),
        }
        made = {
            name: Dataset.from_frame(name, frame if name == "RELREC" else frame.assign(DOMAIN=name))
            for name, frame in frames.items()
        }
        return Study(made)

    model, _, _ = _fitted(study(60, "SERTRALINE", "DEPRESSION"))
    other = study(60, "AMLODIPINE", "HYPERTENSION")
    ids = Text.of([f"S{i:03d}" for i in range(60)])
    subject = {name: np.array([int(one[1:]) for one in other[name].text("USUBJID").strings()], np.int32) for name in ("AE", "CM")}
    drawn = model.sample(dict(other.datasets), subject, "USUBJID", ids, np.random.default_rng(2))[0]["RELREC"].to_frame()
    assert set(drawn.loc[drawn["RDOMAIN"] == "CM", "IDVARVAL"].astype(float)) == {1.0}
    assert (drawn["RDOMAIN"] == "AE").sum() > 45

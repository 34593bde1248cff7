"""What followed exactly in the source follows in a sample, whatever the draws were."""

from __future__ import annotations

import numpy as np
import pytest

from replicator.profile.find import dataset_structure
from replicator.profile.structure import Kind
from replicator.study_model.agreement.following import Following
from replicator.study_model.agreement.pairs import SEPARATOR, Combinations, KnownPairs, combinations_of
from replicator.study_model.agreement.rows import Agreement
from replicator.tables.dataset import Column, Dataset, Numbers, Text, Variable

K = 5


def _dataset(name: str, **columns: list[str] | list[float]) -> Dataset:
    made: dict[str, Column] = {
        key: Text.of(np.array(cells, object)) if isinstance(cells[0], str) else Numbers(np.array(cells, float))
        for key, cells in columns.items()
    }
    variables = tuple(Variable(key, type="char" if isinstance(column, Text) else "num") for key, column in made.items())
    return Dataset(name, variables, made)


def _events(n: int = 120) -> tuple[Dataset, np.ndarray]:
    """Three terms with their codes; the third always is severe, the others never are, and what is severe is serious."""
    rng = np.random.default_rng(3)
    which = np.arange(n) % 3
    severity = np.array(["MILD", "MODERATE", "SEVERE"], object)[np.where(which == 2, 2, rng.integers(0, 2, n))]
    subject = (np.arange(n) // 4).astype(np.int32)
    return (
        _dataset(
            "AE",
            USUBJID=[f"S{i:03d}" for i in subject.tolist()],
            AETERM=[("HEADACHE", "NAUSEA", "RASH")[i] for i in which.tolist()],
            AEDECOD=[("Headache", "Nausea", "Rash")[i] for i in which.tolist()],
            AESEV=severity.tolist(),
            AESER=np.where(severity == "SEVERE", "Y", "N").tolist(),
        ),
        subject,
    )


def _fitted(source: Dataset, subject: np.ndarray, kind: Kind) -> Agreement:
    return Agreement.fit(source, dataset_structure(source, kind, source.name[:2], "USUBJID", ""), subject, K)


def test_a_broken_code_is_set_right_by_its_term() -> None:
    source, subject = _events()
    sample = source.with_column(source.variable("AEDECOD"), source["AEDECOD"].take(np.roll(np.arange(source.n_rows), 1)))
    held = _fitted(source, subject, Kind.EVENTS).hold(sample, np.random.default_rng(0))
    assert (held.text("AEDECOD").strings() == source.text("AEDECOD").strings()).all()
    assert (held.text("AETERM").strings() == source.text("AETERM").strings()).all()


def test_where_two_variables_disagree_about_a_third_the_lesser_is_drawn_anew() -> None:
    source, subject = _events()
    severity = np.where(np.arange(source.n_rows) % 7 == 0, "SEVERE", source.text("AESEV").strings())
    sample = source.with_column(source.variable("AESEV"), Text.of(severity.astype(object)))
    held = _fitted(source, subject, Kind.EVENTS).hold(sample, np.random.default_rng(0))
    serious, severe = held.text("AESER").strings() == "Y", held.text("AESEV").strings() == "SEVERE"
    assert (serious == severe).all()
    assert not serious[held.text("AEDECOD").strings() == "Headache"].any()


def test_what_no_row_of_the_sample_has_comes_from_the_source() -> None:
    """Rashes are severe; where no row of the sample was drawn severe, they are made so from what the source knew."""
    source, subject = _events()
    sample = _dataset(
        "AE",
        USUBJID=["N1", "N1", "N2"],
        AETERM=["RASH", "HEADACHE", "RASH"],
        AEDECOD=["Rash", "Headache", "Rash"],
        AESEV=["MILD", "MILD", "MODERATE"],
        AESER=["N", "N", "N"],
    )
    held = _fitted(source, subject, Kind.EVENTS).hold(sample, np.random.default_rng(1))
    assert held.text("AESER").strings().tolist() == ["Y", "N", "Y"]
    assert held.text("AESEV").strings().tolist() == ["SEVERE", "MILD", "SEVERE"]


def test_a_source_agrees_with_itself() -> None:
    source, subject = _events()
    held = _fitted(source, subject, Kind.EVENTS).hold(source, np.random.default_rng(0))
    assert all((held.text(name).strings() == source.text(name).strings()).all() for name in source.names)


def test_rows_of_a_term_that_nobody_knows_agree_among_themselves() -> None:
    source, subject = _events()
    term = np.where(np.arange(source.n_rows) % 9 == 0, "STAND-IN", source.text("AETERM").strings()).astype(object)
    sample = source.with_column(source.variable("AETERM"), Text.of(term))
    held = _fitted(source, subject, Kind.EVENTS).hold(sample, np.random.default_rng(0))
    assert len(set(held.text("AEDECOD").strings()[held.text("AETERM").strings() == "STAND-IN"].tolist())) <= 1


def test_nothing_that_fewer_than_k_subjects_share_is_kept() -> None:
    source, subject = _events()
    term = source.text("AETERM").strings()
    term[:8:3] = "ONCE ONLY"
    source = source.with_column(source.variable("AETERM"), Text.of(term))
    agreement = _fitted(source, subject, Kind.EVENTS)
    assert agreement.following
    assert not any("ONCE ONLY" in key for one in agreement.following for key in one.keys)


@pytest.mark.parametrize("without_dose", [False, True])
@pytest.mark.parametrize("without_unit", [0, 30])
def test_doses_lack_their_unit_no_more_often_than_in_the_source(without_unit: int, without_dose: bool) -> None:
    """The dose goes with a unit that is not kept where the source has rows without; else the unit of most stands for it."""
    n = 600
    subject = (np.arange(n) // 3).astype(np.int32)
    unit = np.where(np.arange(n) < without_unit, "", np.where(np.arange(n) % 9 == 0, "mL", "mg"))
    unit[n - 12 :] = "RARE"
    source = _dataset(
        "CM",
        USUBJID=[f"S{i:03d}" for i in subject.tolist()],
        CMTRT=[f"DRUG {i % 5}" for i in range(n)],
        CMDOSE=[np.nan if without_dose and i % 50 == 49 else float(10 + i % 4) for i in range(n)],
        CMDOSU=unit.tolist(),
    )
    sample = source.with_column(source.variable("CMDOSU"), Text.of(np.where(np.arange(n) % 5 < 4, "", "mL").astype(object)))
    held = _fitted(source, subject, Kind.INTERVENTIONS).hold(sample, np.random.default_rng(1))
    bare = ~held["CMDOSE"].missing & held["CMDOSU"].missing
    assert bare.sum() / (~held["CMDOSE"].missing).sum() == pytest.approx(without_unit / n, abs=0.03)
    assert without_unit or not bare.any()
    assert held["CMDOSE"].missing.any() == without_dose
    assert set(held.text("CMDOSU").strings()) == {
        "mL",
        *([""] if without_dose or without_unit else []),
        *([] if without_dose else ["mg"]),
    }


def test_visits_that_few_have_get_one_value_in_all_chunks() -> None:
    """Unplanned visits share no number; their epoch is the one that most of them have in the source, whatever a chunk drew."""
    number = [1.0, 2.0, 2.0 + 0.01] * 40
    number[2::3] = [2.0 + 0.01 * (i + 1) for i in range(40)]
    epoch = ["SCREENING", "TREATMENT", "TREATMENT"] * 40
    epoch[2] = "FOLLOW-UP"
    source = _dataset("VS", USUBJID=[f"S{i // 3:03d}" for i in range(120)], VISITNUM=number, EPOCH=epoch)
    model = _fitted(source, (np.arange(120) // 3).astype(np.int32), Kind.FINDINGS)
    for drawn in ("FOLLOW-UP", "TREATMENT"):
        chunk = _dataset("VS", USUBJID=["A"] * 3, VISITNUM=[1.0, 2.05, 2.05], EPOCH=["SCREENING", drawn, drawn])
        assert model.hold(chunk, np.random.default_rng(1)).text("EPOCH").strings().tolist() == ["SCREENING", *["TREATMENT"] * 2]


def test_a_visit_lies_in_an_epoch_that_it_has_in_the_source() -> None:
    """Visit 2 lies in one of two epochs; one that lies in a third, or in none, comes to the epoch that it mostly has."""
    visits = np.tile([1.0, 2.0, 3.0], 30)
    epochs = np.array(["SCREENING", "TREATMENT", "FOLLOW-UP"], object)[np.tile([0, 1, 2], 30)]
    epochs[1::15] = "FOLLOW-UP"
    epochs[2] = "SCREENING"  # one subject's: visit 3 is left alone
    subject = np.repeat(np.arange(30), 3).astype(np.int32)
    source = _dataset("SV", USUBJID=[f"S{i:03d}" for i in subject.tolist()], VISITNUM=visits.tolist(), EPOCH=epochs.tolist())
    drawn = _dataset(
        "SV", VISITNUM=[2.0, 2.0, 2.0, 2.0, 1.0, 3.0, 9.0], EPOCH=["", "SCREENING", "FOLLOW-UP", "TREATMENT", "", "", "X"]
    )
    held = KnownPairs.fit(source, "VISITNUM", "EPOCH", subject, K).hold(drawn).text("EPOCH").strings().tolist()
    assert held == ["TREATMENT", "TREATMENT", "FOLLOW-UP", "TREATMENT", "SCREENING", "", "X"]
    both = _fitted(source, subject, Kind.SCHEDULE).hold(drawn, np.random.default_rng(0)).text("EPOCH").strings()[:5]
    assert both.tolist() == held[:5]


def test_a_rare_term_has_one_epoch_whatever_else_is_drawn() -> None:
    """A death, which one subject had, lies in the epoch of the other rare endings, though its row is the only one of a sample."""
    terms = [f"END {i // 2}" if i < 8 else "COMPLETED" for i in range(40)] + ["CONSENT"] * 40
    epochs = ["FOLLOW-UP" if i < 8 else "TREATMENT" for i in range(40)] + ["SCREENING"] * 40
    subject = np.tile(np.arange(40), 2).astype(np.int32)
    source = _dataset("DS", USUBJID=[f"S{i:03d}" for i in subject.tolist()], DSTERM=terms, DSDECOD=terms, EPOCH=epochs)
    sample = _dataset("DS", DSTERM=["END 1", "COMPLETED"], DSDECOD=["END 1", "COMPLETED"], EPOCH=["TREATMENT", "FOLLOW-UP"])
    held = _fitted(source, subject, Kind.EVENTS).hold(sample, np.random.default_rng(0))
    assert held.text("EPOCH").strings().tolist() == ["FOLLOW-UP", "TREATMENT"]


def test_combinations_are_the_cells_side_by_side() -> None:
    """Against the cells joined row by row, codes in the order of the levels; coded anew only where a column has changed."""
    rng = np.random.default_rng(5)
    text = Text(rng.integers(-1, 3, 200).astype(np.int32), np.array(["b", "c", "a"], object))
    number = Numbers(rng.choice([np.nan, 1.0, 2.5, 2.5 + 1e-12], 200))
    dataset = _of(A=text, B=number, C=Text.constant("", 200))
    for names in ((), ("A",), ("B",), ("B", "A"), ("A", "C", "B")):
        codes, texts = combinations_of(dataset, names)
        cells = [dataset[one].rounded.strings() if one == "B" else dataset[one].strings() for one in names]  # type: ignore[union-attr]
        joined = [SEPARATOR.join(row) for row in zip(*cells, strict=True)] if names else [""] * 200
        assert [texts[code] for code in codes.tolist()] == joined
        assert sorted(set(codes.tolist())) == list(range(len(texts))) and len(set(texts)) == len(texts)
    known = Combinations()
    before, _ = known.of(dataset, ("A", "B"))
    assert known.of(dataset, ("A", "B"))[0] is before
    changed = dataset.with_column(Variable("B", type="num"), Numbers(np.ones(200)))
    assert known.of(changed, ("A", "B"))[1] == combinations_of(changed, ("A", "B"))[1]


def _of(**columns: Column) -> Dataset:
    return Dataset(
        "XX", tuple(Variable(name, type="char" if isinstance(one, Text) else "num") for name, one in columns.items()), columns
    )


def test_what_goes_with_a_term_that_is_not_kept_tells_what_follows_from_it() -> None:
    """Of 100 the unit is mg, of 75 ug: a medicine that is settled on 75 and ug is given so, whatever dose was drawn for it."""
    doses, units = Numbers(np.array([75.0])), Text.of(np.array(["ug"], object))
    kept = (Numbers(np.array([100.0])), Text.of(np.array(["mg"], object)))
    of_dose = Following(("CMDOSE",), "CMDOSU", ("100", "75"), Text.of(np.array(["mg", "ug"], object)), gives_way=True, exact=True)
    told = [
        Following(("CMTRT",), name, ("ASPIRIN",), value, exact=True, others=("DOCUSATE",), of_others=other)
        for name, value, other in zip(("CMDOSE", "CMDOSU"), kept, (doses, units), strict=True)
    ]
    drawn = _dataset("CM", CMTRT=["DOCUSATE"] * 4, CMDOSE=[100.0, 100.0, 75.0, 100.0], CMDOSU=["mg"] * 4)
    held = Agreement((*told, of_dose)).hold(drawn, np.random.default_rng(0))
    assert held.numbers("CMDOSE").tolist() == [75.0] * 4
    assert held.text("CMDOSU").strings().tolist() == ["ug"] * 4


def test_what_follows_from_a_value_that_is_one_for_a_term_not_kept_follows_from_that() -> None:
    """Docusate is drawn with 100 mg and with 75 ug: it gets the dose that most of its rows have, and the unit of that dose."""
    aspirin = (Numbers(np.array([100.0])), Text.of(np.array(["mg"], object)))
    of_dose = Following(("CMDOSE",), "CMDOSU", ("100", "75"), Text.of(np.array(["mg", "ug"], object)), gives_way=True, exact=True)
    of_term = [
        Following(("CMTRT",), name, ("ASPIRIN",), value, exact=True)
        for name, value in zip(("CMDOSE", "CMDOSU"), aspirin, strict=True)
    ]
    drawn = _dataset("CM", CMTRT=["DOCUSATE"] * 5, CMDOSE=[100.0, 100.0, 75.0, 75.0, 100.0], CMDOSU=["ug", "mg", "ug", "ug", "ug"])
    held = Agreement((*of_term, of_dose)).hold(drawn, np.random.default_rng(0))
    assert held.numbers("CMDOSE").tolist() == [100.0] * 5
    assert held.text("CMDOSU").strings().tolist() == ["mg"] * 5


def test_a_term_that_follows_from_what_it_is_for_comes_with_the_words_that_report_it() -> None:
    """A reason has one medicine in the source; of two that nobody knows for one reason the first stays, in both of its columns."""
    which = np.arange(60) % 3
    source = _dataset(
        "CM",
        USUBJID=[f"S{i // 2:03d}" for i in range(60)],
        CMTRT=[(("Aspirin", "Ibuprofen", "Metformin"), ("ASA", "IBUPROFEN", "METFORMIN"))[i // 3 % 2][i % 3] for i in range(60)],
        CMDECOD=[("ACETYLSALICYLIC ACID", "IBUPROFEN", "METFORMIN")[i] for i in which.tolist()],
        CMINDC=[("PROPHYLAXIS", "PAIN", "DIABETES")[i] for i in which.tolist()],
    )
    agreement = _fitted(source, (np.arange(60) // 2).astype(np.int32), Kind.INTERVENTIONS)
    unknown = {"CMTRT": ["IVABRADINE", "GLYCERYL TRINITRATE"], "CMDECOD": ["IVABRADINE", "GLYCERYL TRINITRATE"]}
    rows = _dataset("CM", USUBJID=["S1", "S2"], **unknown, CMINDC=["ANGINA", "ANGINA"])
    settled = agreement.settled_by(rows, [True] * len(agreement.following), np.random.default_rng(0))
    held = settled.hold(rows.take(np.array([1])), np.random.default_rng(0))
    assert held.text("CMDECOD").strings().tolist() == held.text("CMTRT").strings().tolist() == ["IVABRADINE"]

"""Totals of instruments."""

from __future__ import annotations

import numpy as np
import pytest

from replicator.derivations.derive import derive, derive_all
from replicator.profile.find import find_structure
from replicator.rules.learning import learn_rules
from replicator.tables.dataset import Dataset, Numbers, Study, Text

from .small_studies import days, find_in, make_study, subjects

N = 60
IDS = subjects(N)
DM = {"USUBJID": IDS, "RFSTDTC": days("2020-03-01", range(N))}


def instrument(tests: dict[str, np.ndarray], collected: bool = False) -> Study:
    """One occasion a subject and visit; `tests` are (2 N,) results, NaN where an item was not asked."""
    names, values = zip(*tests.items(), strict=True)
    rows = [(i, test) for test in range(len(names)) for i in range(2 * N) if values[test][i] == values[test][i]]
    result = [float(values[test][i]) for i, test in rows]
    qs = {
        "USUBJID": [IDS[i // 2] for i, _ in rows],
        "QSTESTCD": [names[test] for _, test in rows],
        "QSCAT": ["SCALE"] * len(rows),
        "VISITNUM": [float(i % 2 + 1) for i, _ in rows],
        "QSSTRESN": result,
    }
    if collected:
        qs["QSORRES"] = [str(int(value)) for value in result]
    return make_study(DM=DM, QS=qs)


def items(n: int, low: int = 0, high: int = 4, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {f"I{i:02d}": rng.integers(low, high + 1, 2 * N).astype(float) for i in range(n)}


def test_a_sum_of_all_items_and_of_some() -> None:
    """The total of all items is found, and the subscale of the first three."""
    scale = items(7)
    tests = {**scale, "SUB": sum(list(scale.values())[:3]), "TOT": sum(scale.values())}
    totals = find_in(instrument(tests))["QS", "QSSTRESN total"].parameters["totals"]
    by_name = {entry["test"]: entry["items"] for entry in totals}  # type: ignore[attr-defined]
    assert by_name["SUB"] == ["I00", "I01", "I02"]
    assert set(by_name["TOT"]) in ({*scale}, {"SUB", "I03", "I04", "I05", "I06"})


def test_a_total_that_stands_in_two_categories_is_one() -> None:
    """Some subjects filled the form in under another name; one more did so alone, which no one can learn from."""
    scale = items(5)
    study = instrument({**scale, "TOT": sum(scale.values())})
    frame = study["QS"].to_frame()
    own = frame["USUBJID"].map({one: "SCALE" if i % 2 else "SCALE BY PHONE" for i, one in enumerate(IDS[1:])})
    frame["QSCAT"] = own.fillna("SCALE OF THE FIRST")
    study = study.with_datasets([study["DM"], Dataset.from_frame("QS", frame)])
    totals = find_in(study)["QS", "QSSTRESN total"].parameters["totals"]
    assert [entry["test"] for entry in totals] == ["TOT"]  # type: ignore[attr-defined]
    assert [rule.detail for rule in learn_rules(study, find_structure(study)) if rule.code == "SRC-TOTAL"] == [
        "TOT = I00 + ... + I04"
    ]


def test_products_of_severity_and_frequency_and_their_sum() -> None:
    """Scores are products of pairs, asked only of those who have the symptom; the total adds the scores that are there."""
    rng = np.random.default_rng(1)
    tests: dict[str, np.ndarray] = {}
    scores = []
    for symptom in range(4):
        present = rng.random(2 * N) < 0.5
        frequency = np.where(present, rng.integers(1, 5, 2 * N), np.nan)
        severity = np.where(present, rng.integers(1, 4, 2 * N), np.nan)
        tests |= {f"S{symptom}F": frequency, f"S{symptom}V": severity, f"S{symptom}X": frequency * severity}
        scores.append(frequency * severity)
    tests["TOTAL"] = np.nansum(scores, axis=0)
    derivation = find_in(instrument(tests))["QS", "QSSTRESN total"]
    found = {entry["test"]: (entry["operation"], sorted(entry["items"])) for entry in derivation.parameters["totals"]}  # type: ignore[attr-defined]
    assert {name: found[name] for name in found if name != "TOTAL"} == {
        f"S{s}X": ("product", [f"S{s}F", f"S{s}V"]) for s in range(4)
    }
    assert found["TOTAL"] == ("sum", [f"S{s}X" for s in range(4)])


def test_laboratory_tests_do_not_add_up_by_chance() -> None:
    """Unrelated results give no totals, and items that are mostly 0 give no products."""
    rng = np.random.default_rng(2)
    rare = {f"R{i}": (rng.random(2 * N) < 0.04).astype(float) for i in range(8)}
    lab = {f"L{i}": np.round(rng.normal(10, 2, 2 * N), 1) for i in range(8)}
    assert ("QS", "QSSTRESN total") not in find_in(instrument({**rare, **lab}))


def test_totals_follow_their_items_through_all_result_columns() -> None:
    """After sampling, ORRES of the items gives STRESN of the items, that gives the total, and that its STRESC and ORRES."""
    scale = items(5)
    study = instrument({**scale, "TOT": sum(scale.values())}, collected=True)
    frame = study["QS"].to_frame()
    study = make_study(
        DM=DM, QS={**{n: frame[n].tolist() for n in frame if n not in ("STUDYID", "DOMAIN")}, "QSSTRESC": frame["QSORRES"].tolist()}
    )
    found = find_in(study)
    assert {name for _, name in found} >= {"QSSTRESN", "QSSTRESN total", "QSORRES total", "QSSTRESC"}
    qs = study["QS"]
    text = qs.text("QSORRES")
    changed = text.strings()
    item, total = qs.text("QSTESTCD").strings() == "I00", qs.text("QSTESTCD").strings() == "TOT"
    changed[item] = "9"
    changed[total] = "0"
    sampled = study.with_datasets([study["DM"], qs.with_column(qs.variable("QSORRES"), Text.of(changed))])
    done = derive_all(found.values(), sampled)["QS"]
    numbers = done.numbers("QSSTRESN")
    np.testing.assert_array_equal(numbers[item], 9.0)
    np.testing.assert_array_equal(numbers[total], sum(list(scale.values())[1:]) + 9)
    assert done.text("QSORRES").strings()[total].tolist() == [str(int(v)) for v in numbers[total]]
    assert done.text("QSSTRESC").strings()[total].tolist() == [str(int(v)) for v in numbers[total]]


def test_an_absent_item_makes_a_total_unknown_if_the_source_says_so() -> None:
    """Where totals of incomplete forms are missing in the source, they are not computed."""
    scale = items(5)
    for values in scale.values():
        values[::7] = np.nan
    study = instrument({**scale, "TOT": sum(scale.values())})
    derivation = find_in(study)["QS", "QSSTRESN total"]
    assert [entry["absent"] for entry in derivation.parameters["totals"]] == ["unknown"]  # type: ignore[attr-defined]
    assert isinstance(derive(derivation, study), Numbers)


def test_scores_of_symptoms_that_nobody_asked_about_are_zero_and_count() -> None:
    """Frequency and severity are asked of those who have the symptom, the score is 0 for others: the total holds on every form."""
    rng = np.random.default_rng(3)
    tests: dict[str, np.ndarray] = {}
    scores = []
    for symptom in range(5):
        present = rng.random(2 * N) < 0.3
        frequency = np.where(present, rng.integers(1, 5, 2 * N), np.nan)
        severity = np.where(present, rng.integers(1, 4, 2 * N), np.nan)
        score = np.nan_to_num(frequency * severity)
        pair = {} if symptom == 4 else {f"S{symptom}F": frequency, f"S{symptom}V": severity}
        tests |= {**pair, f"S{symptom}X": score}
        scores.append(score)
    tests["TOTAL"] = np.sum(scores, axis=0)
    study = instrument(tests)
    derivation = find_in(study)["QS", "QSSTRESN total"]
    entries = {entry["test"]: entry for entry in derivation.parameters["totals"]}  # type: ignore[attr-defined]
    assert entries["S0X"]["absent"] == "nothing"
    assert sorted(entries["TOTAL"]["items"]) == [f"S{s}X" for s in range(5)]
    qs = study["QS"]
    total = qs.text("QSTESTCD").strings() == "TOTAL"
    drawn = np.where(total, 99.0, qs.numbers("QSSTRESN"))
    done = derive(derivation, study.with_datasets([study["DM"], qs.with_column(qs.variable("QSSTRESN"), Numbers(drawn))]))
    assert isinstance(done, Numbers)
    np.testing.assert_array_equal(done.values, qs.numbers("QSSTRESN"))


def test_totals_of_incomplete_forms_are_prorated_as_in_the_source() -> None:
    """Where an item of at most 12 of 35 is absent, the others are worth 23: their sum is scaled up to 35."""
    rng = np.random.default_rng(4)
    most = [12.0, 8.0, 5.0, 10.0]
    scale = {f"I{i}": rng.integers(0, int(top) + 1, 2 * N).astype(float) for i, top in enumerate(most)}
    absent = np.zeros(2 * N, bool)
    absent[30::4] = True
    complete = np.sum(list(scale.values()), axis=0)
    scale["I0"] = np.where(absent, np.nan, scale["I0"])
    prorated = np.round(np.nansum(list(scale.values()), axis=0) * 35 / 23, 6)
    study = instrument({**scale, "TOT": np.where(absent, prorated, complete)})
    derivation = find_in(study)["QS", "QSSTRESN total"]
    (entry,) = derivation.parameters["totals"]  # type: ignore[misc]
    assert entry["absent"] == "prorated by shares"
    assert entry["shares"] == [pytest.approx(12 / 35), None, None, None]
    assert derivation.n_agree == derivation.n_tested == 2 * N

"""Rules learned from a source pass there, find what is planted, and show nothing that fewer than k subjects share."""

from __future__ import annotations

import json

import numpy as np
import pytest

from replicator.profile.find import find_structure
from replicator.rules import Rule, Status, learn_rules, validate
from replicator.rules.checks.learned import shape_of
from replicator.tables.dataset import Numbers, Study, Text

from .built import built_dataset

N = 60


@pytest.fixture(scope="module")
def source() -> Study:
    """60 subjects in two arms: a fixed dose by arm, a pulse at two visits, exposure that starts on day 1."""
    rng = np.random.default_rng(11)
    subjects = [f"ST-{i:03d}" for i in range(N)]
    arm = ["HIGH" if i % 2 else "LOW" for i in range(N)]
    start = [str(np.datetime64("2020-01-01") + i) for i in range(N)]
    end = [str(np.datetime64("2020-03-01") + i) for i in range(N)]
    pulse = np.round(rng.normal(70, 8, 2 * N))
    vs_subjects, visit = subjects * 2, [1.0] * N + [2.0] * N
    return Study(
        {
            "DM": built_dataset(
                "DM",
                STUDYID=["ST"] * N,
                DOMAIN=["DM"] * N,
                USUBJID=subjects,
                RFSTDTC=start,
                RFENDTC=end,
                ARMCD=arm,
                SEX=["F" if i % 3 else "M" for i in range(N)],
                RACE=["WHITE"] * (N - 1) + ["ASIAN"],
            ),
            "EX": built_dataset(
                "EX",
                STUDYID=["ST"] * N,
                DOMAIN=["EX"] * N,
                USUBJID=subjects,
                EXSEQ=np.ones(N),
                EXTRT=["DRUG"] * N,
                EXDOSE=np.array([80.0 if a == "HIGH" else 40.0 for a in arm]),
                EXDOSU=["mg"] * N,
                EXSTDTC=start,
                EXENDTC=end,
            ),
            "VS": built_dataset(
                "VS",
                STUDYID=["ST"] * 2 * N,
                DOMAIN=["VS"] * 2 * N,
                USUBJID=vs_subjects,
                VSSEQ=np.array(visit),
                VSTESTCD=["PULSE"] * 2 * N,
                VSTEST=["Pulse Rate"] * 2 * N,
                VSSTRESN=pulse,
                VSSTRESU=["beats/min"] * 2 * N,
                VSPOS=["SITTING"] * N + ["STANDING"] * N,
                VISITNUM=np.array(visit),
                VISIT=["BASELINE"] * N + ["WEEK 1"] * N,
                VSDTC=[*start, *(str(np.datetime64(day) + 7) for day in start)],
            ),
        }
    )


@pytest.fixture(scope="module")
def rules(source: Study) -> tuple[Rule, ...]:
    """What is learned of it."""
    return learn_rules(source, find_structure(source), k=5)


def _changed(study: Study, name: str, variable: str, row: int, value: str) -> Study:
    dataset = study[name]
    cells = dataset.text(variable).strings()
    cells[row] = value
    number = isinstance(dataset[variable], Numbers)
    column = Numbers(np.array([float(cell or "nan") for cell in cells])) if number else Text.of(cells)
    return study.with_datasets({**study.datasets, name: dataset.with_column(dataset.variable(variable), column)}.values())


def test_the_source_passes_what_it_taught(source: Study, rules: tuple[Rule, ...]) -> None:
    """Every learned rule applies to its source and passes, and survives JSON."""
    report = validate(source, rules)
    assert len(rules) > 30
    assert report.counts() == {Status.PASSED: len(rules), Status.FAILED: 0, Status.NOT_APPLICABLE: 0}
    assert tuple(Rule.from_dict(json.loads(json.dumps(rule.to_dict()))) for rule in rules) == rules


@pytest.mark.parametrize(
    ("dataset", "variable", "row", "value", "rule"),
    [
        ("DM", "SEX", 3, "X", "SRC-VALUES DM.SEX"),
        ("DM", "RFENDTC", 3, "2020-03", "SRC-SHAPE DM.RFENDTC"),
        ("DM", "SEX", 3, "", "SRC-FILLED DM.SEX"),
        ("VS", "VISITNUM", N, "1", "SRC-KEY VS"),
        ("VS", "VSSTRESN", 9, "700", "SRC-RANGE VS.VSSTRESN"),
        ("VS", "VSSTRESN", 9, "-7", "SRC-RANGE VS.VSSTRESN"),
        ("VS", "VISIT", 9, "WEEK 1", "SRC-FOLLOWS VS.VISIT from VISITNUM"),
        ("EX", "EXDOSE", 1, "40", "SRC-ARM-DOSE EX ARMCD > EXTRT EXDOSE EXDOSU"),
        ("EX", "EXSTDTC", 5, "2020-01-05", "SRC-ORDER EX DM.RFSTDTC <= EXSTDTC"),
        ("VS", "VSDTC", 5, "2019-12-31", "SRC-ORDER VS DM.RFSTDTC <= VSDTC"),
    ],
)
def test_learned_rules_find_what_is_planted(
    source: Study, rules: tuple[Rule, ...], dataset: str, variable: str, row: int, value: str, rule: str
) -> None:
    """One changed cell fails the rule about it, in that row."""
    assert rule in {known.id for known in rules}
    report = validate(_changed(source, dataset, variable, row, value), rules, find_structure(source))
    assert [finding.rows for finding in report.of(rule)] == [(row,)]


def test_a_dataset_that_an_arm_never_has(source: Study) -> None:
    """Where no subject of an arm has rows, a sample's subjects of that arm have none either."""
    low = np.flatnonzero(source["EX"].numbers("EXDOSE") == 40)
    only_low = source.with_datasets({**source.datasets, "EX": source["EX"].take(low)}.values())
    structure = find_structure(only_low)
    rules = learn_rules(only_low, structure)
    rule = next(rule for rule in rules if rule.id == "SRC-PRESENT EX")
    assert (rule.parameters["all"], rule.parameters["none"]) == (["LOW"], ["HIGH"])
    report = validate(source, rules, structure)
    assert report.of("SRC-PRESENT EX")[0].n_failed == N // 2


def test_rare_values_teach_nothing(source: Study, rules: tuple[Rule, ...]) -> None:
    """A value that one subject has is in no rule, and no list is learned that would betray it by its absence."""
    text = json.dumps([rule.to_dict() for rule in rules])
    assert "ASIAN" not in text
    assert "SRC-VALUES DM.RACE" not in {rule.id for rule in rules}


def test_no_identifier_and_no_extreme_is_shown(source: Study, rules: tuple[Rule, ...]) -> None:
    """No USUBJID and no date of a subject is in a rule; the bounds of a range are not the source's extremes."""
    text = json.dumps([rule.to_dict() for rule in rules])
    assert not any(level in text for level in source["DM"].text("USUBJID").levels)
    assert not any(level in text for level in source["DM"].text("RFSTDTC").levels)
    bounds = next(rule for rule in rules if rule.id == "SRC-RANGE VS.VSSTRESN").parameters["bounds"]
    low, high = bounds["PULSE | beats/min"]  # type: ignore[index]
    values = source["VS"].numbers("VSSTRESN")
    assert low < values.min() and high > values.max()


def test_a_range_needs_subjects_at_both_ends() -> None:
    """Nine subjects of nine ages have no range, whose ends would tell the middle one; ten have one, and so have five of one age.

    Its ends are made of the means of five: 3 and 8 of 1 to 10, widened by the step that holds all and rounded outwards.
    """

    def bounds(ages: list[float]) -> list[object]:
        study = Study({"DM": built_dataset("DM", USUBJID=[f"ST-{i:03d}" for i in range(len(ages))], AGE=np.array(ages))})
        rules = learn_rules(study, find_structure(study), k=5)
        return [rule.parameters["bounds"] for rule in rules if rule.id == "SRC-RANGE DM.AGE"]

    assert bounds([1, 2, 3, 4, 7]) == []
    assert bounds([1, 2, 3, 4, 5, 6, 7, 8, 9]) == []
    assert bounds([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]) == [{"": [0.0, 88.0]}]
    assert bounds([4, 4, 4, 4, 4]) != []


def test_few_subjects_teach_little(source: Study) -> None:
    """Of fewer subjects than k nothing is learned; one dataset alone is enough to learn from."""
    few = source.with_datasets(dataset.take(np.arange(4)) for dataset in source.datasets.values())
    assert learn_rules(few, find_structure(few), k=5) == ()
    alone = Study({"VS": source["VS"]})
    rules = learn_rules(alone, find_structure(alone))
    assert rules and {rule.dataset for rule in rules} == {"VS"}


@pytest.mark.parametrize(
    ("text", "shape"),
    [("01-701-1015", "9-9-9"), ("E07", "A9"), ("2014-01-02T11:45", "9-9-9A9:9"), ("2003---15", "9---9"), ("", "")],
)
def test_shapes(text: str, shape: str) -> None:
    """Runs of digits and of letters become one mark each."""
    assert shape_of(text) == shape


def test_an_indicator_of_the_range_follows_from_nothing_else() -> None:
    """All results of the source are normal; the words for others are the standard's, and no test has the one word alone."""
    subjects = [f"ST-{i:03d}" for i in range(N)]
    study = Study(
        {
            "DM": built_dataset("DM", STUDYID=["ST"] * N, DOMAIN=["DM"] * N, USUBJID=subjects),
            "LB": built_dataset(
                "LB",
                STUDYID=["ST"] * N,
                DOMAIN=["LB"] * N,
                USUBJID=subjects,
                LBTESTCD=["ALT" if i % 2 else "AST" for i in range(N)],
                LBSTRESN=np.full(N, 20.0) + np.arange(N) % 4,
                LBSTNRLO=np.full(N, 10.0),
                LBSTNRHI=np.full(N, 40.0),
                LBNRIND=["NORMAL"] * N,
            ),
        }
    )
    rules = [rule for rule in learn_rules(study, find_structure(study)) if rule.variable == "LBNRIND"]
    assert {rule.code: rule.parameters.get("values") for rule in rules} == {
        "SRC-FILLED": None,
        "SRC-VALUES": ["HIGH", "LOW", "NORMAL"],
    }

"""Rules about totals: learned where a source's tests add up, and broken by a total that does not."""

from __future__ import annotations

import numpy as np
import pytest

from replicator.profile.find import find_structure
from replicator.rules import Rule, Status, learn_rules, validate
from replicator.tables.dataset import Dataset, Numbers, Study, Text, Variable

N = 40
TESTS = ("I01F", "I01V", "I01S", "I02", "I03", "TOT")


def _study(broken: int = 0) -> Study:
    """40 subjects of two visits: I01S is frequency times severity, TOT the sum of three scores but for the first `broken` forms."""
    rng = np.random.default_rng(5)
    frequency, severity, second, third = (rng.integers(1, top, 2 * N).astype(float) for top in (5, 4, 6, 8))
    total = frequency * severity + second + third
    total[:broken] += 1
    columns = dict(zip(TESTS, (frequency, severity, frequency * severity, second, third, total), strict=True))
    subjects = [f"S-{i // 2:03d}" for i in range(2 * N)]
    texts = {
        "STUDYID": ["S"] * (2 * N * len(TESTS)),
        "DOMAIN": ["QS"] * (2 * N * len(TESTS)),
        "USUBJID": subjects * len(TESTS),
        "QSTESTCD": [test for test in TESTS for _ in range(2 * N)],
        "QSCAT": ["SCALE"] * (2 * N * len(TESTS)),
    }
    numbers = {"VISITNUM": np.tile([1.0, 2.0], N * len(TESTS)), "QSSTRESN": np.concatenate(list(columns.values()))}
    variables = tuple(Variable(name) for name in texts) + tuple(Variable(name, type="num") for name in numbers)
    cells = {name: Text.of(values) for name, values in texts.items()} | {name: Numbers(v) for name, v in numbers.items()}
    ids = sorted(set(subjects))
    dm = {"STUDYID": Text.of(["S"] * N), "DOMAIN": Text.of(["DM"] * N), "USUBJID": Text.of(ids)}
    return Study({"DM": Dataset("DM", tuple(map(Variable, dm)), dm), "QS": Dataset("QS", variables, cells)})


@pytest.fixture(scope="module")
def rules() -> tuple[Rule, ...]:
    source = _study()
    return tuple(rule for rule in learn_rules(source, find_structure(source)) if rule.code == "SRC-TOTAL")


def test_products_and_sums_are_learned(rules: tuple[Rule, ...]) -> None:
    """One rule a total, named after it and its items."""
    found = {rule.parameters["test"]: (rule.parameters["operation"], rule.parameters["items"]) for rule in rules}
    assert found == {"I01S": ("product", ["I01V", "I01F"]), "TOT": ("sum", ["I01S", "I02", "I03"])}


def test_a_total_that_is_not_the_sum_of_its_items_is_found(rules: tuple[Rule, ...]) -> None:
    """Seven of 80 totals are 1 too high; the product holds."""
    study = _study(broken=7)
    outcomes = {outcome.rule: outcome for outcome in validate(study, rules, find_structure(study)).outcomes}
    total = next(rule for rule in rules if rule.parameters["test"] == "TOT")
    product = next(rule for rule in rules if rule.parameters["test"] == "I01S")
    assert (outcomes[total.id].n_failed, outcomes[total.id].n_tested) == (7, 2 * N)
    assert outcomes[product.id].status is Status.PASSED


def test_incomplete_forms_are_not_judged(rules: tuple[Rule, ...]) -> None:
    """Without one of its items a total is not tested."""
    study = _study()
    qs = study["QS"]
    there = qs.text("QSTESTCD").strings() != "I03"
    few = study.with_datasets([study["DM"], qs.take(np.flatnonzero(there))])
    total = next(rule for rule in rules if rule.parameters["test"] == "TOT")
    (outcome,) = validate(few, (total,), find_structure(few)).outcomes
    assert outcome.status is not Status.FAILED
    assert outcome.n_tested == 0

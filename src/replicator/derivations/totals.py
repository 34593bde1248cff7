"""Totals of instruments: a test whose result is the sum or the product of results of other tests at the same occasion."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from replicator.derivations.derivation import Derivation
from replicator.derivations.rule import DatasetFacts, Outcome, Source, decimals_of
from replicator.derivations.workspace import Codes, Workspace, distinct_subjects
from replicator.tables.dataset import Numbers

OCCASION = ("VISITNUM", "DTC", "TPTNUM", "TPT", "POS", "SPEC", "LOC", "EVAL", "EVALID")
LEAST_AGREEMENT = 0.95  # of all occasions, and of those where the total is not at its commonest value
LARGEST = 1e9  # scores are smaller; products of larger numbers lose digits
LEAST_OCCASIONS = 10
NEAR = 1e-5  # prorated scores are recorded with so many decimals at least
MOST_TESTS = 120  # of one category; more are laboratory panels and not instruments


@dataclass(frozen=True, eq=False)
class Occasions:
    """Results of a dataset by occasion and test.

    Attributes
    ----------
    row : (n_occasions, n_tests) int64
        The row of the dataset, -1 where the test was not done.
    value : (n_occasions, n_tests) float64
        Its result, NaN where there is none.
    """

    row: Codes
    value: NDArray[np.float64]


def results_by_occasion(
    workspace: Workspace, dataset: str, by: Sequence[str], tests: Sequence[str], topic: str, result: str
) -> Occasions:
    """Arrange the results of some tests by occasion: the subject and the variables `by`; of repeated rows the first counts."""
    group = workspace.groups(dataset, by)
    column = workspace.text(f"{dataset}.{topic}")
    place = {test: number for number, test in enumerate(tests)}
    test = np.array([place.get(str(level), -1) for level in column.levels] + [-1])[column.codes]
    rows = np.flatnonzero((group >= 0) & (test >= 0))
    row = np.full((int(group.max(initial=-1)) + 1, len(tests)), -1, np.int64)
    row[group[rows][::-1], test[rows][::-1]] = rows[::-1]
    row = row[(row >= 0).any(axis=1)]
    value = np.append(workspace.numbers(f"{dataset}.{result}"), np.nan)[row]
    return Occasions(row, value)


def combined(
    value: NDArray[np.float64], places: Sequence[int], operation: str, absent: str, shares: Sequence[float | None] = ()
) -> NDArray[np.float64]:
    """Add or multiply items.

    Parameters
    ----------
    value : (n_occasions, n_tests) float64
        Results, NaN where there is none.
    places : sequence of int
        Columns of the items.
    operation : str
        ``sum`` or ``product``.
    absent : str
        What an occasion without some of the items has: ``unknown`` no result; ``nothing`` the sum of the others (a product of
        nothing is 0); ``prorated`` the mean of the others for each that is absent; ``prorated by shares`` the sum of the others
        over what they are worth of the total. Without any item a sum is not known.
    shares : sequence of float or None
        What each item is worth, for the last of these; without those that are None a total is not known.

    Returns
    -------
    (n_occasions,) float64
        NaN where it is not known.
    """
    items = value[:, list(places)]
    there = np.isfinite(items)
    if operation == "product":
        product = np.asarray(items.prod(axis=1), dtype=np.float64)
        return np.where(there.any(axis=1), product, 0.0) if absent == "nothing" else product
    total = np.nansum(items, axis=1)
    if absent == "unknown":
        return np.where(there.all(axis=1), total, np.nan)
    if absent.startswith("prorated"):
        worth = np.full(len(places), 1 / len(places)) if absent == "prorated" else np.array(shares, np.float64)
        total = total / (1 - np.where(there, 0.0, worth).sum(axis=1).clip(max=1 - 1e-9))
    return np.where(there.any(axis=1), total, np.nan)


def _holds(target: NDArray[np.float64], computed: NDArray[np.float64]) -> bool:
    """Tell whether a total is computed right, also away from its commonest value: items that are mostly 0 agree by chance."""
    both = np.isfinite(target) & np.isfinite(computed)
    if both.sum() < LEAST_OCCASIONS:
        return False
    same = np.abs(target[both] - computed[both]) < NEAR
    values, counts = np.unique(target[both], return_counts=True)
    away = (target[both] != values[counts.argmax()]) | (computed[both] != values[counts.argmax()])
    return bool(away.sum() >= LEAST_OCCASIONS and min(same.mean(), same[away].mean()) >= LEAST_AGREEMENT)


def _sum_of_items(value: NDArray[np.float64], target: int, pool: Sequence[int]) -> list[int] | None:
    """Find the items of `pool` that add up to a test: all of them, else those with weight 1 in a least-squares fit."""
    if any(_holds(value[:, target], combined(value, pool, "sum", absent)) for absent in ("unknown", "nothing")):
        return list(pool)
    filled = np.nan_to_num(value[:, list(pool)])
    rows = np.isfinite(value[:, target])
    if rows.sum() < 2 * len(pool):
        return None
    design, wanted = filled[rows], value[rows, target]
    gram = design.T @ design + 1e-8 * np.eye(len(pool))
    weights = np.linalg.solve(gram, design.T @ wanted)
    items = [place for place, weight in zip(pool, weights.tolist(), strict=True) if weight > 0.5]
    if not 2 <= len(items) < len(pool):
        return None
    found = any(_holds(value[:, target], combined(value, items, "sum", absent)) for absent in ("unknown", "nothing"))
    return items if found else None


def _where_absent(
    value: NDArray[np.float64], target: int, items: Sequence[int], operation: str, shares: Sequence[float | None]
) -> str:
    """Find what the source does at occasions without some of the items: ``unknown`` where no rule is clear."""
    mine = value[:, target]
    complete = np.isfinite(value[:, list(items)]).all(axis=1)
    choices = ("nothing",) if operation == "product" else ("nothing", "prorated", "prorated by shares")
    for absent in choices:
        computed = combined(value, items, operation, absent, shares)
        both = ~complete & np.isfinite(mine) & np.isfinite(computed)
        if both.sum() >= LEAST_OCCASIONS and (np.abs(mine - computed)[both] < NEAR).mean() >= LEAST_AGREEMENT:
            return absent
    return "unknown"


def _product_of_pair(value: NDArray[np.float64], target: int, pool: Sequence[int]) -> list[int] | None:
    """Find two tests whose product is a third, as severity times frequency."""
    mine = value[:, target]
    for i, left in enumerate(pool):
        for right in pool[i + 1 :]:
            if _holds(mine, value[:, left] * value[:, right]):
                return [left, right]
    return None


def propose_totals(source: Source) -> Iterable[Derivation]:
    """Propose, for each findings dataset, the tests that are sums or products of tests of the same category.

    A test that stands in several categories is a total once: of that where it is found first.
    """
    workspace = source.workspace
    for facts in source.of_kind("findings"):
        topic, result = facts.named("TESTCD"), facts.named("STRESN")
        if not topic or not result:
            continue
        by = [name for name in (facts.named(suffix) or suffix for suffix in OCCASION) if name in workspace.study[facts.name]]
        found: list[dict[str, object]] = []
        for tests in _families(source, facts, topic):
            occasions = results_by_occasion(workspace, facts.name, by, tests, topic, result)
            subject = np.append(workspace.subject(facts.name), -1)[occasions.row.max(axis=1)]
            known = {entry["test"] for entry in found}
            found += (entry for entry in _totals_of(occasions.value, tests, subject, source.k) if entry["test"] not in known)
        if found:
            targets = [facts.named("STRESN"), facts.named("ORRES")]
            inputs = (f"{facts.name}.{result}", *(f"{facts.name}.{name}" for name in (topic, *by)))
            for target in (name for name in targets if name):
                written = found if target == result else _written_as_number(source, facts, target, found)
                if written:
                    yield Derivation(facts.name, target, "total", inputs, {"totals": written, "by": by, "topic": topic})


def _written_as_number(source: Source, facts: DatasetFacts, target: str, found: list[dict[str, object]]) -> list[dict[str, object]]:
    """Keep the totals whose collected result is the same number as their standard one."""
    workspace = source.workspace
    tests = workspace.text(f"{facts.name}.{facts.named('TESTCD')}")
    number = workspace.numbers(f"{facts.name}.{facts.named('STRESN')}")
    same = workspace.numbers(f"{facts.name}.{target}") == number
    kept = []
    for entry in found:
        rows = np.append(tests.levels == entry["test"], False)[tests.codes].astype(bool) & np.isfinite(number)
        if rows.any() and same[rows].mean() >= LEAST_AGREEMENT:
            kept.append(entry)
    return kept


def _families(source: Source, facts: DatasetFacts, topic: str) -> list[list[str]]:
    """List the tests of each category that k subjects have there."""
    workspace = source.workspace
    column = workspace.text(f"{facts.name}.{topic}")
    category = facts.named("CAT")
    codes, n = workspace.codes(f"{facts.name}.{category}") if category else (np.zeros(len(column), np.int64), 1)
    subject = np.where(workspace.missing(f"{facts.name}.{facts.named('STRESN')}"), -1, workspace.subject(facts.name))
    test, n_tests = column.codes.astype(np.int64), len(column.levels)
    cell = np.where((codes >= 0) & (test >= 0), codes * n_tests + test, -1)
    shared = distinct_subjects(cell, subject, n * n_tests).reshape(n, n_tests) >= source.k
    families = []
    for own in shared:
        tests = [str(column.levels[place]) for place in np.flatnonzero(own).tolist()]
        if 3 <= len(tests) <= MOST_TESTS:
            families.append(tests)
    return families


def _absent_shares(value: NDArray[np.float64], target: int, items: Sequence[int], subject: Codes, k: int) -> NDArray[np.float64]:
    """Share of a total that the source holds each item to be worth where it alone is absent: (n_items,).

    NaN for items that k subjects do not lack, or whose share is not the same everywhere.
    """
    mine, parts = value[:, target], value[:, list(items)]
    absent = np.isnan(parts)
    reached = np.nansum(parts, axis=1)
    out = np.full(len(items), np.nan)
    for place in range(len(items)):
        rows = absent[:, place] & (absent.sum(axis=1) == 1) & np.isfinite(mine) & (mine != 0) & (subject >= 0)
        if len(np.unique(subject[rows])) >= k:
            share = 1 - np.median(reached[rows] / mine[rows])
            right = np.abs(mine[rows] * (1 - share) - reached[rows]) < NEAR
            out[place] = round(float(share), 9) if 0 < share < 1 and right.mean() >= LEAST_AGREEMENT else np.nan
    return out


def _totals_of(value: NDArray[np.float64], tests: list[str], subject: Codes, k: int) -> list[dict[str, object]]:
    """Find products first and then sums, the widest range last, so that each total follows its items."""
    value = np.where(np.abs(value) < LARGEST, value, np.nan)
    spread = np.array([np.ptp(column[np.isfinite(column)]) if np.isfinite(column).any() else 0.0 for column in value.T])
    found: list[dict[str, object]] = []

    def keep(target: int, operation: str, items: Sequence[int]) -> None:
        learned = _absent_shares(value, target, items, subject, k).tolist()
        shares = [share if np.isfinite(share) else None for share in learned]
        absent = _where_absent(value, target, items, operation, shares)
        entry: dict[str, object] = {
            "test": tests[target],
            "operation": operation,
            "items": [tests[item] for item in items],
            "absent": absent,
        }
        if absent == "prorated by shares":
            entry["shares"] = shares
        if absent.startswith("prorated"):
            entry["decimals"] = decimals_of(value[:, target])
        found.append(entry)

    products: set[int] = set()
    order = [int(place) for place in np.argsort(spread, kind="stable") if spread[place] > 0]
    for target in order:
        smaller = [place for place in order if spread[place] < spread[target]]
        pair = _product_of_pair(value, target, [place for place in smaller if _alike(tests, place, target)])
        if pair:
            products.add(target)
            keep(target, "product", pair)
    sums: set[int] = set()
    for target in (place for place in order if place not in products):
        below = [place for place in sorted(order) if place != target and spread[place] <= spread[target] and place not in sums]
        pools = [
            [place for place in below if place in products],
            [place for place in below if place not in products],
            below,
        ]
        items = next((items for pool in pools if len(pool) > 1 and (items := _sum_of_items(value, target, pool))), None)
        if items:
            sums.add(target)
            keep(target, "sum", items)
    return found


def _alike(tests: Sequence[str], left: int, right: int) -> bool:
    """Tell whether two codes differ only in their last character (NPITM01F, NPITM01S)."""
    return tests[left][:-1] == tests[right][:-1]


def compute_totals(workspace: Workspace, derivation: Derivation) -> Outcome:
    """Compute the totals in their order, each from items that may themselves be totals; all other rows are not known."""
    parameters, dataset = derivation.parameters, derivation.dataset
    totals, by = parameters["totals"], parameters["by"]
    assert isinstance(totals, (list, tuple)) and isinstance(by, (list, tuple))
    tests = list(dict.fromkeys(str(test) for entry in totals for test in (*entry["items"], entry["test"])))
    topic, result = str(parameters["topic"]), derivation.inputs[0].partition(".")[2]
    occasions = results_by_occasion(workspace, dataset, [str(name) for name in by], tests, topic, result)
    value = occasions.value.copy()
    out = np.full(workspace.study[dataset].n_rows, np.nan)
    for entry in totals:
        target = tests.index(entry["test"])
        items = [tests.index(item) for item in entry["items"]]
        total = combined(value, items, entry["operation"], entry["absent"], entry.get("shares", ()))
        if entry.get("decimals") is not None:
            total = np.round(total, int(entry["decimals"]))
        rows = occasions.row[:, target]
        known = (rows >= 0) & np.isfinite(total)
        value[known, target] = total[known]
        out[rows[known]] = total[known]
    return Outcome(Numbers(out), np.isfinite(out))

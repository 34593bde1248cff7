"""Checks of codes against the built-in codelists, of units, and of pairs of variables that say the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import numpy as np

from replicator.profile.structure import Kind
from replicator.rules.grouping import Ints, majority
from replicator.rules.rule import Rule
from replicator.rules.tally import Tally
from replicator.rules.tested import Tested, tested, tested_combinations, tested_levels
from replicator.rules.view import StudyView
from replicator.standards.codelists import codelists, is_unit, plausible_results
from replicator.tables.dataset import Text
from replicator.tables.joined import concatenate_texts


def in_codelist(view: StudyView, rule: Rule) -> Iterator[Tested]:
    """A coded value is a term of the built-in codelist named by the parameter ``codelist``."""
    codelist = next(known for known in codelists() if known.name == rule.parameters["codelist"])
    terms = set(codelist.terms)
    for name in view.names:
        prefix = view.facts(name).prefix
        for variable in view.dataset(name).names:
            if codelist.fits(variable, prefix) and isinstance(view.dataset(name)[variable], Text):
                column = view.text(name, variable)
                foreign = np.array([str(level) not in terms for level in column.levels] + [False])
                bound = ~column.missing
                for condition, value in codelist.only_where:
                    if condition in view.dataset(name):
                        bound &= view.equals(name, condition, value)
                yield tested(name, variable, bound, foreign[column.codes])


def unit_known(view: StudyView, rule: Rule) -> Iterator[Tested]:
    """A unit is put together from known units."""
    for name in view.names:
        for suffix in ("ORRESU", "STRESU", "DOSU"):
            if variable := view.named(name, suffix):
                column = view.text(name, variable)
                yield tested_levels(name, variable, column, (not is_unit(str(level)) for level in column.levels))


def _bounds(view: StudyView, name: str, unit: str) -> tuple[Ints, list[dict[str, tuple[float, float]]]]:
    test = view.text(name, view.named(name, "TESTCD"))
    tables = [dict(plausible_results(str(level))) for level in test.levels]
    return test.codes.astype(np.int64), tables


def unit_fits_test(view: StudyView, rule: Rule) -> Iterator[Tested]:
    """A common test has a unit that it can have; urine and other specimens than blood are left alone."""
    for name in view.of_kind(Kind.FINDINGS):
        if not view.named(name, "TESTCD"):
            continue
        comparable = _blood_or_body(view, name)
        for suffix in ("ORRESU", "STRESU"):
            if variable := view.named(name, suffix):
                codes, tables = _bounds(view, name, variable)
                unit = view.text(name, variable)
                allowed = np.array(
                    [[str(u) in table for u in unit.levels] + [True] for table in tables] + [[True] * (len(unit.levels) + 1)]
                )
                listed = np.array([bool(table) for table in tables] + [False])[codes]
                yield tested(name, variable, listed & comparable & (unit.codes >= 0), ~allowed[codes, unit.codes])


def result_plausible(view: StudyView, rule: Rule) -> Iterator[Tested]:
    """A numeric result of a common test lies in bounds that a living person can have."""
    for name in view.of_kind(Kind.FINDINGS):
        result, unit = view.named(name, "STRESN"), view.named(name, "STRESU")
        if not result or not unit or not view.named(name, "TESTCD"):
            continue
        codes, tables = _bounds(view, name, unit)
        units = view.text(name, unit)
        wide = (-np.inf, np.inf)
        grid = np.array(
            [[table.get(str(u), wide) for u in units.levels] + [wide] for table in tables] + [[wide] * (len(units.levels) + 1)]
        )
        bounds = grid[codes, units.codes]
        values = view.dataset(name).numbers(result)
        applies = ~np.isnan(values) & np.isfinite(bounds[:, 0]) & _blood_or_body(view, name)
        yield tested(name, result, applies, (values < bounds[:, 0]) | (values > bounds[:, 1]))


def _blood_or_body(view: StudyView, name: str) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    fine = np.ones(view.dataset(name).n_rows, bool)
    if specimen := view.named(name, "SPEC"):
        fine &= ~view.filled(name, specimen) | view.equals(
            name, specimen, "BLOOD", "SERUM", "PLASMA", "SERUM OR PLASMA", "VENOUS BLOOD"
        )
    if category := view.named(name, "CAT"):
        fine &= ~view.equals(name, category, "URINALYSIS", "URINE", "URINE CHEMISTRY")
    return fine


def one_to_one(view: StudyView, rule: Rule) -> Iterator[Tested]:
    """Two variables say the same: the parameters ``code`` and ``name`` (``--`` for the domain's letters) go together one to one.

    Rows that do not follow the study's usual pair fail. A name that begins with ``UNSCH`` may have many codes.
    """
    code_pattern, name_pattern = cast(str, rule.parameters["code"]), cast(str, rule.parameters["name"])
    pairs: dict[str, tuple[str, str]] = {}
    for dataset in view.names:
        prefix = view.facts(dataset).prefix
        code, name = code_pattern.replace("--", prefix), name_pattern.replace("--", prefix)
        if code in view.dataset(dataset) and name in view.dataset(dataset):
            pairs[dataset] = (code, name)
    by_domain = "--" in code_pattern or bool(rule.parameters.get("within"))
    groups = [[name] for name in pairs] if by_domain else [list(pairs)] if pairs else []
    for group in groups:
        yield from _usual_pairs(view, {name: pairs[name] for name in group})


def _usual_pairs(view: StudyView, pairs: dict[str, tuple[str, str]]) -> Iterator[Tested]:
    """Judge the pairs that rows of these datasets have by how many rows of all of them have each."""
    columns = {dataset: (view.levels(dataset, code), view.text(dataset, name)) for dataset, (code, name) in pairs.items()}
    tallies = {dataset: Tally.of([column.held for column in both]) for dataset, both in columns.items()}
    code, name = (
        concatenate_texts([columns[dataset][side].take(tallies[dataset].rows) for dataset in pairs]).compact() for side in (0, 1)
    )
    both = (code.codes >= 0) & (name.codes >= 0)
    at = np.flatnonzero(both)
    pair = Tally.of([code.codes[at], name.codes[at]])  # which several datasets may have
    a, b = (side.codes[at][pair.rows].astype(np.int64) for side in (code, name))
    loose = np.array([str(level).upper().startswith("UNSCH") for level in name.levels] + [False])[b]
    counts = np.bincount(pair.number, np.concatenate([tally.counts for tally in tallies.values()])[at])[pair.found]
    odd = (majority(a, b, counts) != b) | ((majority(b, a, counts) != a) & ~loose)
    wrong = np.zeros(len(both), bool)
    wrong[at[pair.rows_of(odd)]] = True
    start = 0
    for dataset, (_, variable) in pairs.items():
        stop = start + len(tallies[dataset].rows)
        yield tested_combinations(dataset, variable, tallies[dataset], both[start:stop], wrong[start:stop])
        start = stop

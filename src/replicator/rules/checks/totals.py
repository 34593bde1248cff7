"""Checks of the arithmetic between the tests of an occasion."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

import numpy as np

from replicator.rules.rule import Rule
from replicator.rules.tested import Tested
from replicator.rules.view import StudyView

NEAR = 1e-5  # floating-point noise of a sum


def adds_up(view: StudyView, rule: Rule) -> Iterator[Tested]:
    """The test is the sum or the product of its items, wherever an occasion has a result for each of them, and once.

    An occasion is a subject and the variables in the parameter ``by``.
    """
    name, result = rule.dataset, rule.variable
    by, items = cast(Sequence[str], rule.parameters["by"]), cast(Sequence[str], rule.parameters["items"])
    topic = view.named(name, "TESTCD") if name in view.names else ""
    if not topic or any(variable not in view.dataset(name) for variable in (result, *by)):
        return
    column = view.text(name, topic)
    place = {str(level): code for code, level in enumerate(column.levels)}
    codes = [place.get(str(test), -2) for test in (rule.parameters["test"], *items)]
    occasion = view.group(name, by)
    value = view.dataset(name).numbers(result)
    table = np.full((len(items) + 1, int(occasion.max(initial=-1)) + 1), np.nan)
    once = np.ones(table.shape[1], bool)
    for number, code in enumerate(codes):
        rows = np.flatnonzero((column.held == code) & (view.subject(name) >= 0))
        once &= np.bincount(occasion[rows], minlength=table.shape[1]) <= 1
        table[number, occasion[rows]] = value[rows]
    expected = table[1:].sum(axis=0) if rule.parameters["operation"] == "sum" else table[1:].prod(axis=0)
    whole = once & np.isfinite(table[0]) & np.isfinite(expected)
    rows = np.flatnonzero(column.held == codes[0])
    rows = rows[whole[occasion[rows]]]
    with np.errstate(invalid="ignore"):
        yield Tested(name, result, len(rows), rows[(np.abs(table[0] - expected) > NEAR)[occasion[rows]]])

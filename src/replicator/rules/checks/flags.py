"""Checks of flags that choose one record of a subject's test, in the records themselves or in their SUPP--."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import numpy as np

from replicator.profile.structure import Kind
from replicator.rules.checks.links import parent_rows
from replicator.rules.grouping import Ints, Mask, repeats
from replicator.rules.rule import Rule
from replicator.rules.tested import Tested, tested
from replicator.rules.view import StudyView


def qualifiers_of(view: StudyView, name: str) -> tuple[str, ...]:
    """Names of the SUPP-- datasets of a dataset that can be read."""
    wanted = {"QNAM", "QVAL", "IDVAR", "IDVARVAL"}
    found = [one for one in view.of_kind(Kind.QUALIFIERS) if view.facts(one).parent == name]
    return tuple(one for one in found if wanted <= set(view.dataset(one).names))


def flagged_rows(view: StudyView, name: str, parent: str, flag: str) -> tuple[Mask, Ints]:
    """Rows of a dataset, or of the SUPP-- of `parent`, with a flag, and the row of the parent that each is about: (n_rows,)."""
    if name == parent:
        marked = view.equals(name, flag, "Y")
        return marked, np.arange(len(marked))
    return view.equals(name, "QNAM", flag) & view.equals(name, "QVAL", "Y"), parent_rows(view, name, parent)


def flagged_once(view: StudyView, rule: Rule) -> Iterator[Tested]:
    """A subject has the flag ``flag`` on at most one record for each test; that of a SUPP-- is about a record of its ``parent``."""
    name, flag, parent = rule.dataset, cast(str, rule.parameters["flag"]), cast(str, rule.parameters["parent"])
    if name not in view.names or parent not in view.names or not (topic := view.named(parent, "TESTCD")):
        return
    if flag not in view.dataset(name) if name == parent else name not in qualifiers_of(view, parent):
        return
    marked, about = flagged_rows(view, name, parent, flag)
    applies = marked & (about >= 0) & (view.subject(name) >= 0)
    rows = np.flatnonzero(applies)
    again = np.zeros(len(applies), bool)
    again[rows] = repeats(view.group(parent, (topic,))[about[rows]])
    yield tested(name, flag if name == parent else "QVAL", applies, again)

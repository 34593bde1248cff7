"""Checks of rows that point at other rows: SUPP--, CO and RELREC."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from replicator.heavy import pandas as pd
from replicator.profile.structure import Kind
from replicator.rules.grouping import Ints, Mask, sizes
from replicator.rules.rule import Rule
from replicator.rules.tested import Tested, tested
from replicator.rules.view import StudyView
from replicator.tables.dataset import Text, number_text


def plain_levels(column: Text) -> list[str]:
    """Levels with numbers in one form, so that ``1``, ``1.0`` and ``01.00`` meet."""
    numbers = pd.to_numeric(pd.Series(column.levels, dtype=object), errors="coerce").to_numpy(np.float64)
    return [
        str(x).strip() if number != number else number_text(float(number)) for x, number in zip(column.levels, numbers, strict=True)
    ]


def _lead_somewhere(view: StudyView, name: str, targets: list[str], pointing: Mask) -> Mask:
    """Mark the rows among `pointing` that meet a row of one of `targets` by subject, IDVAR and IDVARVAL."""
    dataset = view.dataset(name)
    subject = view.subject(name)
    found = np.zeros(dataset.n_rows, bool)
    empty = ~view.filled(name, "IDVAR") if "IDVAR" in dataset else np.ones(dataset.n_rows, bool)
    for target in targets:
        has_subject = np.zeros(view.n_subjects + 1, bool)
        has_subject[view.subject(target)[view.subject(target) >= 0]] = True
        found |= pointing & empty & has_subject[subject]
    if "IDVAR" not in dataset or "IDVARVAL" not in dataset:
        return found
    variable, value = view.text(name, "IDVAR"), view.text(name, "IDVARVAL")
    plain = plain_levels(value)
    for position, level in enumerate(variable.levels):
        rows = np.flatnonzero(pointing & (variable.codes == position) & (value.codes >= 0))
        for target in targets:
            if len(rows) and str(level) in view.dataset(target):
                other = view.text(target, str(level))
                index = pd.Index(pd.unique(pd.Series(plain + plain_levels(other), dtype=object)), dtype=object)
                here = index.get_indexer(pd.Index(plain, dtype=object))
                there = np.append(index.get_indexer(pd.Index(plain_levels(other), dtype=object)), -1)
                width = len(index) + 1
                targets_at = (view.subject(target) + 1) * width + there[other.codes] + 1
                # a link between whole datasets has neither subject nor value; a row of a pool has no subject
                sought = (subject[rows] + 1) * width + here[value.codes[rows]] + 1
                found[rows] |= np.isin(sought, targets_at)
    return found


def parent_rows(view: StudyView, name: str, parent: str) -> Ints:
    """Find the row of `parent` at which each row of SUPP-- points: (n_rows,), -1 where it points at none."""
    found = np.full(view.dataset(name).n_rows, -1, np.int64)
    if not {"IDVAR", "IDVARVAL"} <= set(view.dataset(name).names):
        return found
    variable, value = view.text(name, "IDVAR"), view.text(name, "IDVARVAL")
    plain = plain_levels(value)
    for position, level in enumerate(variable.levels):
        rows = np.flatnonzero((variable.codes == position) & (value.codes >= 0) & (view.subject(name) >= 0))
        if len(rows) and str(level) in view.dataset(parent):
            other = view.text(parent, str(level))
            there = plain_levels(other)
            index = pd.Index(pd.unique(pd.Series(plain + there, dtype=object)), dtype=object)
            at = np.append(index.get_indexer(pd.Index(there, dtype=object)), -1)[other.codes]
            keys = pd.Index((view.subject(parent) + 1) * (len(index) + 1) + at + 1)
            first = np.flatnonzero(~keys.duplicated())
            sought = (
                (view.subject(name)[rows] + 1) * (len(index) + 1)
                + index.get_indexer(pd.Index(plain, dtype=object))[value.codes[rows]]
                + 1
            )
            place = keys[first].get_indexer(pd.Index(sought))
            found[rows] = np.where(place >= 0, first[place], -1)
    return found


def _targets(view: StudyView, domain: str, parent: str = "") -> list[str]:
    if parent and parent in view.names:
        return [parent]
    named = [name for name in view.names if view.dataset(name).domain == domain and "RDOMAIN" not in view.dataset(name)]
    return named or ([domain] if domain in view.names else [])


def _is_left_out(view: StudyView, domain: str) -> bool:
    """Whether the study is a part of one that has a domain, and was made without it (``--domains``)."""
    known = view.structure.datasets.items()
    return not _targets(view, domain) and any(domain in (name, one.prefix) and name not in view.names for name, one in known)


def qualifier_has_parent(view: StudyView, rule: Rule) -> Iterator[Tested]:
    """A row of SUPP-- or CO points at a row of its parent."""
    for name in view.names:
        dataset = view.dataset(name)
        if "RDOMAIN" not in dataset or "RELID" in dataset:
            continue
        domain = view.text(name, "RDOMAIN")
        fine, applies = np.zeros(dataset.n_rows, bool), np.zeros(dataset.n_rows, bool)
        for position, level in enumerate(domain.levels):
            pointing = domain.codes == position
            if _is_left_out(view, str(level)):
                continue
            applies |= pointing
            fine |= _lead_somewhere(view, name, _targets(view, str(level), view.facts(name).parent), pointing)
        yield tested(name, "IDVARVAL" if "IDVARVAL" in dataset else "RDOMAIN", applies, ~fine)


def qualifier_once(view: StudyView, rule: Rule) -> Iterator[Tested]:
    """A parent's row has each QNAM once."""
    for name in view.of_kind(Kind.QUALIFIERS):
        if "QNAM" in view.dataset(name):
            again = view.repeated(name, ("RDOMAIN", "POOLID", "IDVAR", "IDVARVAL", "QNAM"))
            yield tested(name, "QNAM", np.ones(len(again), bool), again)


def relation_leads(view: StudyView, rule: Rule) -> Iterator[Tested]:
    """A row of RELREC points at a row of its domain; a relation of datasets names a variable of both."""
    for name in view.names:
        dataset = view.dataset(name)
        if not {"RDOMAIN", "RELID", "IDVAR"} <= set(dataset.names):
            continue
        domain, variable = view.text(name, "RDOMAIN"), view.text(name, "IDVAR")
        whole = ~view.filled(name, "IDVARVAL") if "IDVARVAL" in dataset else np.ones(dataset.n_rows, bool)
        fine, applies = np.zeros(dataset.n_rows, bool), np.zeros(dataset.n_rows, bool)
        for position, level in enumerate(domain.levels):
            pointing = domain.codes == position
            if _is_left_out(view, str(level)):
                continue
            applies |= pointing
            targets = _targets(view, str(level))
            has = [any(str(x) in view.dataset(target) for target in targets) for x in variable.levels]
            fine |= pointing & whole & np.array([*has, False])[variable.codes]
            fine |= _lead_somewhere(view, name, targets, pointing & ~whole)
        yield tested(name, "IDVARVAL" if "IDVARVAL" in dataset else "IDVAR", applies, ~fine)


def relation_has_two(view: StudyView, rule: Rule) -> Iterator[Tested]:
    """A relation has at least two rows."""
    for name in view.names:
        dataset = view.dataset(name)
        if {"RDOMAIN", "RELID"} <= set(dataset.names):
            group: Ints = view.group(name, ("RELID",))
            yield tested(name, "RELID", view.filled(name, "RELID"), sizes(group) < 2)

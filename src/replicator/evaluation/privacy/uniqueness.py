"""Uniqueness: combinations of known facts, and numbers, that one subject of the source alone has, and whether they are made."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from replicator.evaluation.columns import compared_columns
from replicator.evaluation.distances import Ints, count_matrix
from replicator.evaluation.measures import Figure
from replicator.evaluation.privacy.alone import Held, alone_figure
from replicator.evaluation.privacy.groups import Groups
from replicator.evaluation.stack import Origin, Stack
from replicator.profile.structure import Kind, Role
from replicator.rules.grouping import codes_of, combine
from replicator.tables.dataset import Numbers

MOST_KNOWN = 8  # facts that an attacker may combine
COMBINED = (2, 3)  # how many of them at a time, and all
FIRST = ("AGE", "SEX", "RACE", "ETHNIC", "COUNTRY", "SITEID", "REGION", "BRTHDTC", "INVID")  # what is known of a neighbour
NOT_KNOWN = ("ARM", "ARMCD", "ACTARM", "ACTARMCD", "ARMNRS", "ACTARMUD")  # what a neighbour does not know
COMBINATIONS, VALUES = "unique combinations", "numbers of one subject"
COMBINATIONS_QUESTION = "Of the combinations of known facts that one subject alone has, which share does the sample have?"
VALUES_QUESTION = "Of the numbers that one subject of the source alone has, which share does the sample have?"


@dataclass(frozen=True, eq=False)
class KnownFact:
    """A variable that an outsider may know of a subject.

    Attributes
    ----------
    name : str
    codes : (n_subjects,) int64
        Equal for subjects who share the value, -1 for those without.
    """

    name: str
    codes: Ints


def known_facts(stack: Stack) -> tuple[KnownFact, ...]:
    """Choose what an outsider may know: what the subjects dataset says of a person, without arms, dates and identifiers.

    Without such a dataset they are taken from the variables that never vary within a subject.
    """
    view = stack.view
    subjects = view.subjects_dataset
    found: list[tuple[str, str]] = []
    for name in view.names:
        facts = view.facts(name)
        if facts.kind in (Kind.REFERENCE, Kind.LINKS, Kind.QUALIFIERS) or (subjects and name != subjects):
            continue
        constant = set(view.dataset(name).names) if name == subjects else set(facts.subject_constant)
        found += [
            (name, one.name)
            for one in facts.variables
            if one.name in constant and one.name not in NOT_KNOWN and (one.role is Role.QUALIFIER or one.name in FIRST)
        ]
    of_source = stack.subjects(Origin.SOURCE)
    facts_found = []
    for name, variable in found:
        codes = _of_subjects(stack, name, variable)
        n_levels = len(np.unique(codes[of_source][codes[of_source] >= 0]))
        if n_levels > 1:
            facts_found.append(KnownFact(variable if name == subjects else f"{name}.{variable}", codes))
    rank = {name: i for i, name in enumerate(FIRST)}
    facts_found.sort(key=lambda one: rank.get(one.name.rsplit(".")[-1], len(FIRST)))
    return tuple(facts_found[:MOST_KNOWN])


def _of_subjects(stack: Stack, name: str, variable: str) -> Ints:
    """The first value of each subject: (n_subjects,) int64, -1 without one."""
    codes, subject = codes_of(stack.view.dataset(name)[variable]), stack.view.subject(name)
    found = np.full(len(stack.origin), -1, np.int64)
    rows = np.flatnonzero((subject >= 0) & (codes >= 0))[::-1]
    found[subject[rows]] = codes[rows]
    return found


def combination_figure(stack: Stack, groups: Groups) -> Figure:
    """Combinations of two, of three and of all known facts that one subject alone has."""
    facts = known_facts(stack)
    sets = [chosen for n in COMBINED for chosen in combinations(facts, n)]
    if len(facts) == 1 or len(facts) > max(COMBINED):
        sets.append(facts)
    n, kinds = len(stack.origin), []
    for chosen in sets:
        codes = combine([one.codes for one in chosen])
        codes[np.any([one.codes < 0 for one in chosen], axis=0)] = -1
        counts = count_matrix(np.arange(n), codes, n, int(codes.max(initial=-1)) + 1)
        kinds.append(Held(" with ".join(one.name for one in chosen), counts))
    return alone_figure(COMBINATIONS, COMBINATIONS_QUESTION, kinds, groups)


def value_figure(stack: Stack, groups: Groups) -> Figure:
    """Numbers that one subject alone has."""
    kinds = []
    for column in compared_columns(stack):
        if column.ordered or isinstance(stack.view.dataset(column.dataset)[column.variable], Numbers):
            codes = codes_of(Numbers(stack.view.dataset(column.dataset).numbers(column.variable)))
            counts = count_matrix(column.subject, codes, len(stack.origin), int(codes.max(initial=-1)) + 1)
            kinds.append(Held(f"{column.dataset}.{column.variable}", counts))
    return alone_figure(VALUES, VALUES_QUESTION, kinds, groups)

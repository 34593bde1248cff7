"""Exact dependencies within a dataset: which variables follow from which, in every row and not by chance.

A dependency that holds because its determinant hardly repeats says nothing. So each one is weighed on the distinct pairs of
determinant and subject: had the dependent nothing to do with the determinant, the pairs of a group of m would all show the value v
of the first with probability p_v^(m-1), where p_v is the frequency of v; the product over the groups must fall below one in a
million. For two determinants p_v is the frequency within a group of either one alone, so that the second must add something. What
the standard says (--TESTCD gives --TEST) needs no such weight. Missing counts as a value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from replicator.profile.coding import Codes, combine, first_rows, n_groups
from replicator.profile.structure import Content, Dependency, Role, VariableStructure
from replicator.tables.dataset import Column, Dataset, Numbers

LOG_CHANCE = float(np.log(1e-6))
_PROBE_ROWS = 2_000  # rows on which most candidates already fail
_SINGLE = (Role.TOPIC, Role.SYNONYM, Role.GROUPING, Role.VISIT, Role.EPOCH, Role.TIMEPOINT, Role.QUALIFIER, Role.RESULT)
_PAIRED = ("ORRESU", "STRESU", "SPEC", "LOC", "POS", "METHOD", "DOSU")
_NO_DEPENDENT = (Role.IDENTIFIER, Role.SUBJECT, Role.SEQUENCE, Role.RECORD_ID, Role.DATE, Role.STUDY_DAY)
_BOTH_WAYS = frozenset(
    {
        ("TESTCD", "TEST"),
        ("QNAM", "QLABEL"),
        ("PARMCD", "PARM"),
        ("PARAMCD", "PARAM"),
        ("VISITNUM", "VISIT"),
        ("AVISITN", "AVISIT"),
        ("TPTNUM", "TPT"),
        ("ARMCD", "ARM"),
        ("ACTARMCD", "ACTARM"),
        ("ETCD", "ELEMENT"),
        ("LLTCD", "LLT"),
        ("PTCD", "DECOD"),
        ("HLTCD", "HLT"),
        ("HLGTCD", "HLGT"),
        ("BDSYCD", "BODSYS"),
        ("SOCCD", "SOC"),
    }
)
_STANDARD = frozenset(
    {
        ("VISITNUM", "VISITDY"),
        ("LLT", "DECOD"),
        ("DECOD", "BODSYS"),
        ("DECOD", "SOC"),
        ("HLT", "HLGT"),
        ("SCAT", "CAT"),
        ("TPTNUM", "ELTM"),
    }
)


def find_dependencies(
    variables: Sequence[VariableStructure], codes: Mapping[str, Codes], subject: Codes, prefix: str
) -> tuple[Dependency, ...]:
    """Find the exact dependencies: of one determinant first, of two where one does not do.

    Parameters
    ----------
    variables : sequence of VariableStructure
        Of the dataset, in order.
    codes : mapping of str to (n_rows,) int64
        See :func:`replicator.profile.coding.codes_of`.
    subject : (n_rows,) int64
        Codes of the subject; of the row where the dataset has no subjects.
    prefix : str
        The dataset's letters.

    Returns
    -------
    tuple of Dependency
        By dependent in the order of the variables, then by determinants. The subject never is a determinant:
        see :func:`find_subject_constant`.
    """
    varied = [variable for variable in variables if variable.content not in (Content.EMPTY, Content.CONSTANT)]
    n_rows = len(subject)
    if n_rows < 2:
        return ()
    unit = subject if len(np.unique(subject)) > 1 else np.arange(n_rows, dtype=np.int64)
    whole = np.zeros(n_rows, np.int64)
    dependents = [variable.name for variable in varied if variable.role not in _NO_DEPENDENT]
    found: dict[str, list[Dependency]] = {name: [] for name in dependents}
    for name in (variable.name for variable in varied if variable.role in _SINGLE and _repeats(variable)):
        group = combine([codes[name]], n_rows)
        follow = _following(group, [other for other in dependents if other != name], codes)
        told = [other for other in follow if _told_by_standard(name, other, prefix)]
        weighed = _beyond_chance(group, [whole], [other for other in follow if other not in told], codes, unit)
        for dependent in (*told, *weighed):
            found[dependent].append(Dependency((name,), dependent))
    for pair in combinations([variable.name for variable in varied if _pairs(variable, prefix)], 2):
        open_ones = [name for name in dependents if name not in pair and not found[name]]
        alone = [combine([codes[name]], n_rows) for name in pair]
        group = combine(alone, n_rows)
        for dependent in _beyond_chance(group, alone, _following(group, open_ones, codes), codes, unit):
            found[dependent].append(Dependency(pair, dependent))
    return tuple(dependency for name in dependents for dependency in found[name])


def find_subject_constant(variables: Sequence[VariableStructure], codes: Mapping[str, Codes], subject: Codes) -> tuple[str, ...]:
    """Find the variables that do not vary within a subject, though they vary between subjects and subjects have several rows."""
    n_rows = len(subject)
    group = combine([subject], n_rows)
    if n_groups(group) < 2:
        return ()
    names = [
        variable.name
        for variable in variables
        if variable.content not in (Content.EMPTY, Content.CONSTANT) and variable.role not in (Role.SUBJECT, Role.SEQUENCE)
    ]
    rows = np.arange(n_rows, dtype=np.int64)
    return tuple(_beyond_chance(group, [np.zeros(n_rows, np.int64)], _following(group, names, codes), codes, rows))


def find_duplicates(dataset: Dataset, variables: Sequence[VariableStructure]) -> tuple[tuple[str, str], ...]:
    """Find variables whose cells equal those of an earlier variable in every row: pairs of the copy and its original."""
    n_rows = dataset.n_rows
    varied = [variable for variable in variables if variable.content not in (Content.EMPTY, Content.CONSTANT)]
    pairs: list[tuple[str, str]] = []
    copies: set[str] = set()
    for original, copy in combinations(varied, 2):
        alike = (original.n_missing, original.n_levels) == (copy.n_missing, copy.n_levels)
        if n_rows < 2 or not alike or {original.name, copy.name} & copies:
            continue
        if _equal(dataset[original.name], dataset[copy.name]):
            pairs.append((copy.name, original.name))
            copies.add(copy.name)
    return tuple(pairs)


def _equal(left: Column, right: Column) -> bool:
    if isinstance(left, Numbers) and isinstance(right, Numbers):
        return bool(np.array_equal(left.values, right.values, equal_nan=True))
    probe = np.arange(min(len(left), _PROBE_ROWS))
    return bool((left.take(probe).strings() == right.take(probe).strings()).all() and (left.strings() == right.strings()).all())


def _repeats(variable: VariableStructure) -> bool:
    """Tell whether a variable may determine others: its cells come again, and are names rather than measurements."""
    return variable.content is Content.CATEGORY or (
        variable.role in (Role.TOPIC, Role.SYNONYM, Role.VISIT, Role.EPOCH, Role.TIMEPOINT)
        and variable.content is not Content.UNIQUE
    )


def _pairs(variable: VariableStructure, prefix: str) -> bool:
    """Tell whether a variable may be one of two determinants."""
    structural = variable.role in (Role.TOPIC, Role.GROUPING, Role.VISIT, Role.TIMEPOINT) and variable.content is not Content.UNIQUE
    qualifying = variable.name.removeprefix(prefix) in _PAIRED and variable.content is Content.CATEGORY
    result = variable.name == prefix + "ORRES" and variable.content is not Content.UNIQUE
    return structural or qualifying or result


def _told_by_standard(determinant: str, dependent: str, prefix: str) -> bool:
    """Tell whether the standard gives the dependent with the determinant, as a code its decode."""
    short, long = determinant.removeprefix(prefix), dependent.removeprefix(prefix)
    return (short, long) in _STANDARD or (long, short) in _BOTH_WAYS or (short, long) in _BOTH_WAYS


def _following(group: Codes, names: Sequence[str], codes: Mapping[str, Codes]) -> list[str]:
    """Return the variables that are constant within every group."""
    first = first_rows(group)
    probe = slice(0, _PROBE_ROWS)
    probable = [name for name in names if np.array_equal(codes[name][first[group[probe]]], codes[name][probe])]
    expand = first[group] if probable else first
    return [name for name in probable if np.array_equal(codes[name][expand], codes[name])]


def _beyond_chance(
    group: Codes, parents: Sequence[Codes], names: Sequence[str], codes: Mapping[str, Codes], unit: Codes
) -> list[str]:
    """Return the variables whose constancy within the groups chance does not explain, given any of the coarser `parents`."""
    if not names:
        return []
    pairs = first_rows(combine([group, unit], len(group)))
    members = np.bincount(group[pairs], minlength=n_groups(group))
    heads = first_rows(group)
    kept = []
    for name in names:
        chances = [_log_chance(parent, codes[name], pairs, heads, members) for parent in parents]
        if max(chances) < LOG_CHANCE:
            kept.append(name)
    return kept


def _log_chance(
    parent: Codes, values: Codes, pairs: NDArray[np.intp], heads: NDArray[np.intp], members: NDArray[np.int64]
) -> float:
    """Sum (m - 1) log p_v over the groups; `heads` holds the first row of each, `members` its m."""
    cell = combine([parent, values], len(values))
    within = np.bincount(cell[pairs], minlength=n_groups(cell))[cell[heads]]
    total = np.bincount(parent[pairs], minlength=n_groups(parent))[parent[heads]]
    return float(((members - 1) * np.log(within / total)).sum())

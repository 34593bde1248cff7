"""Natural keys: the smallest set of variables that tells the rows of a dataset apart, and what else does so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from replicator.profile.coding import Codes, combine, n_groups
from replicator.profile.structure import Content, Kind, Role, VariableStructure
from replicator.standards.variables import domain_standard, variable_standard

# Qualifiers that tell rows apart, likeliest first, as the standard's keys name them (SDTMIG 3.4, 3.2.1.1)
_TELLING = (
    "SPEC",
    "LOC",
    "LAT",
    "DIR",
    "PORTOT",
    "METHOD",
    "POS",
    "ANTREG",
    "LEAD",
    "EVAL",
    "EVALID",
    "REPNUM",
    "DOSE",
    "DOSU",
    "ROUTE",
    "SEV",
    "TOXGR",
)
_TELLING_OF_RELATIONS = ("RDOMAIN", "IDVAR", "IDVARVAL", "QNAM", "RELID")
_BY_KIND = {
    Kind.SCHEDULE: (Role.SUBJECT, Role.VISIT, Role.DATE, Role.EPOCH),
    Kind.STATES: (Role.SUBJECT, Role.EPOCH, Role.DATE),
    Kind.FINDINGS: (Role.SUBJECT, Role.TOPIC, Role.GROUPING, Role.VISIT, Role.TIMEPOINT, Role.QUALIFIER, Role.DATE, Role.EPOCH),
}
_DEFAULT = (Role.SUBJECT, Role.TOPIC, Role.DATE, Role.VISIT, Role.TIMEPOINT, Role.GROUPING, Role.QUALIFIER, Role.EPOCH)
_LAST = (Role.RECORD_ID, Role.SYNONYM, Role.SEQUENCE)
LEAST_BY_CHANCE = 10.0  # pairs of reports that would share a qualifier by chance, where none does, to say that it tells them apart


def find_keys(
    kind: Kind, domain: str, prefix: str, variables: Sequence[VariableStructure], codes: Mapping[str, Codes], n_rows: int
) -> tuple[str, ...]:
    """Find the natural key.

    Variables are taken in the order in which the standard's keys name them; one that tells no more rows apart is passed over; then
    those that are not needed are left out again, the last first. The subject always stays, and so does what says to which record a
    supplemental qualifier belongs, however few there are.

    Parameters
    ----------
    kind, domain, prefix : Kind, str, str
        Of the dataset.
    variables : sequence of VariableStructure
        Of the dataset, in order.
    codes : mapping of str to (n_rows,) int64
        See :func:`replicator.profile.coding.codes_of`.
    n_rows : int
        Number of rows.

    Returns
    -------
    tuple of str
        ``()`` if no set of variables tells all rows apart.
    """
    if n_rows == 0:
        return ()
    fixed = [variable.name for variable in variables if variable.role is Role.SUBJECT]
    if kind is Kind.QUALIFIERS:
        fixed += [name for name in _TELLING_OF_RELATIONS if name in codes]
    chosen = fixed.copy()
    group = combine([codes[name] for name in chosen], n_rows)
    for name in _in_order(kind, domain, prefix, variables):
        if n_groups(group) == n_rows:
            break
        finer = combine([group, codes[name]], n_rows)
        if n_groups(finer) > n_groups(group):
            chosen.append(name)
            group = finer
    if n_groups(group) < n_rows:
        return ()
    for name in reversed(chosen.copy()):
        rest = [other for other in chosen if other != name]
        if name not in fixed and rest and n_groups(combine([codes[other] for other in rest], n_rows)) == n_rows:
            chosen = rest
    return tuple(chosen)


def find_other_keys(
    kind: Kind,
    prefix: str,
    variables: Sequence[VariableStructure],
    codes: Mapping[str, Codes],
    n_rows: int,
    keys: tuple[str, ...],
) -> tuple[tuple[str, ...], ...]:
    """Find the qualifiers that tell apart the rows that report the same term of a subject with the same start, such as a severity.

    Parameters
    ----------
    kind, prefix, variables, codes, n_rows
        As of :func:`find_keys`.
    keys : tuple of str
        The natural key.

    Returns
    -------
    tuple of tuple of str
        Keys beside the natural one: subject, topic, start and a qualifier each. None but for events and interventions.

    Notes
    -----
    With *m* pairs of such rows, and a qualifier that has each of its levels in shares *p* of them, :math:`m \\sum p^2` pairs would
    share it by chance. Where that is :data:`LEAST_BY_CHANCE` or more and none does, it is no accident (Poisson, p < 5e-5).
    """
    named = {variable.name: variable for variable in variables}
    topic = [name for name in named if named[name].role is Role.TOPIC]
    told = [*(name for name in named if named[name].role is Role.SUBJECT), *topic, f"{prefix}STDTC"]
    if kind not in (Kind.EVENTS, Kind.INTERVENTIONS) or not topic or told[-1] not in named:
        return ()
    group = combine([codes[name] for name in told], n_rows)
    size = np.bincount(group, minlength=1)
    reports = size[group] > 1
    pairs = float((size * (size - 1.0)).sum()) / 2
    found = []
    for name, variable in named.items():
        if variable.role is not Role.QUALIFIER or variable.content is not Content.CATEGORY:
            continue
        share = np.bincount(codes[name][reports], minlength=1) / max(int(reports.sum()), 1)
        if pairs * float((share**2).sum()) < LEAST_BY_CHANCE:
            continue
        if n_groups(combine([group, codes[name]], n_rows)) == n_rows and not set(keys) <= {*told, name}:
            found.append((*told, name))
    return tuple(found)


def _in_order(kind: Kind, domain: str, prefix: str, variables: Sequence[VariableStructure]) -> list[str]:
    standard = domain_standard(domain)
    known = standard.keys if standard is not None else ()
    by_name = {variable.name: variable for variable in variables if variable.content not in (Content.EMPTY, Content.CONSTANT)}
    if kind is Kind.SUBJECTS:
        roles: tuple[Role, ...] = (Role.SUBJECT,)
    else:
        roles = (*_BY_KIND.get(kind, _DEFAULT), *_LAST)
    ranked = [name for name in known if name in by_name]
    if kind in (Kind.QUALIFIERS, Kind.LINKS):
        ranked += [name for name in by_name if by_name[name].role is Role.SUBJECT]
        ranked += [name for name in _TELLING_OF_RELATIONS if name in by_name]
    for role in roles:
        here = [name for name in by_name if by_name[name].role is role and not _measured(role, by_name[name])]
        if role is Role.QUALIFIER and kind is not Kind.REFERENCE:
            here = [prefix + suffix for suffix in _TELLING if prefix + suffix in here] + [
                name for name in here if variable_standard(name, prefix) is None and by_name[name].content is Content.CATEGORY
            ]
        ranked += [name for name in sorted(here, key=lambda name: _rank(name, prefix)) if name not in ranked]
    return ranked


def _measured(role: Role, variable: VariableStructure) -> bool:
    return role is Role.QUALIFIER and variable.content is Content.DECIMAL


def _rank(name: str, prefix: str) -> int:
    """Put start before end and collection, and numbers of visits and time points before their names."""
    suffix = name.removeprefix(prefix)
    order = ("VISITNUM", "VISIT", "STDTC", "DTC", "ENDTC", "TPTNUM", "TPT", "TPTREF", "RFTDTC", *_TELLING)
    return order.index(suffix) if suffix in order else len(order)

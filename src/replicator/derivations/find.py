"""Finding derivations: candidates of all rules, each tested on the source before it is believed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from replicator.derivations.derivation import Derivation
from replicator.derivations.derive import as_type, follows, order_derivations
from replicator.derivations.rule import DatasetFacts, Rule, Source
from replicator.derivations.rules import RULES
from replicator.derivations.workspace import Workspace
from replicator.distinct import distinct_values
from replicator.tables.dataset import Column, Numbers, Study, Text

GOOD_ENOUGH = 0.9995  # no further variant of the rule is tried
CLEARLY_BETTER = 0.005  # a later candidate must beat an earlier one by so much


@dataclass(frozen=True)
class _Tested:
    derivation: Derivation
    agreement: float


def find_derivations(study: Study, datasets: Mapping[str, DatasetFacts], subjects: str, k: int = 5) -> tuple[Derivation, ...]:
    """Find the variables of a study that follow from others.

    Parameters
    ----------
    study : Study
        SUPP-- variables joined to their parents as columns.
    datasets : mapping of str to DatasetFacts
        Structure of each dataset, by name.
    subjects : str
        Name of the dataset with one row a subject.
    k : int
        Fewest subjects that must share a value that is kept as a parameter (a unit factor, a word, a condition).

    Returns
    -------
    tuple of Derivation
        At most one for a variable (two where totals of an instrument complete it), inputs before targets, with the counts of
        their test. ``parameters`` also holds ``type``, ``elsewhere`` (what stands where the rule says nothing: ``keep`` or
        ``missing``) and, if it does not hold everywhere, ``exceptions`` with the shares of tested rows that the source left
        ``missing``, filled although the rule says missing (``added``), or gave another value (``other``); 0 for what fewer than k
        subjects have.
    """
    if subjects not in study or subjects not in datasets:
        return ()
    roles = datasets[subjects].with_role("subject")
    variable = roles[0] if roles else "USUBJID"
    if variable not in study[subjects]:
        return ()
    source = Source(Workspace(study, subjects, variable), datasets, subjects, k)
    shared: dict[str, object] = {}
    if subjects != "DM":
        shared["subjects"] = subjects
    if variable != "USUBJID":
        shared["subject_variable"] = variable
    ranked = _ranked(source, shared)
    accepted: list[Derivation] = []
    for slot in ranked.values():
        for tested in slot:
            if not _makes_circle(tested.derivation, accepted):
                accepted.append(tested.derivation)
                break
    return order_derivations(accepted)


def _ranked(source: Source, shared: Mapping[str, object]) -> dict[tuple[str, str, bool], list[_Tested]]:
    """Test all candidates; by target, those that hold, best first; totals have a slot of their own."""
    slots: dict[tuple[str, str, bool], list[_Tested]] = defaultdict(list)
    for name, rule in RULES.items():
        best: dict[tuple[str, str], _Tested] = {}
        for candidate in rule.propose(source):
            if candidate.rule != name:
                continue
            key = (candidate.dataset, candidate.target)
            if key in best and best[key].agreement >= GOOD_ENOUGH:
                continue
            tested = _test(source.workspace, rule, candidate, source.k)
            if tested is not None and (key not in best or tested.agreement > best[key].agreement + CLEARLY_BETTER):
                best[key] = tested
        for (dataset, target), tested in best.items():
            parameters = {**shared, **tested.derivation.parameters}
            derivation = replace(tested.derivation, parameters=parameters)
            slots[dataset, target, name == "total"].append(_Tested(derivation, tested.agreement))
    for slot in slots.values():
        slot.sort(key=lambda tested: -round(tested.agreement / CLEARLY_BETTER))
    return slots


def _test(workspace: Workspace, rule: Rule, candidate: Derivation, k: int) -> _Tested | None:
    """Compute a candidate on the source and count; None if it does not hold. Exceptions of fewer than `k` subjects are not told."""
    dataset = workspace.study[candidate.dataset]
    actual = dataset[candidate.target]
    outcome = rule.compute(workspace, candidate)
    computed = as_type(outcome, isinstance(actual, Text))
    blank, empty = actual.missing, computed.missing
    tested = outcome.known & ~(blank & empty) if rule.counted == "either" else outcome.known.copy()
    if rule.counted == "either":
        tested |= ~blank
    n_tested, n_present = int(tested.sum()), int((~blank).sum())
    few = n_tested < rule.least_tested
    defined = rule.by_definition is not None and rule.by_definition(candidate)
    if (few and not defined) or not n_present or (outcome.known & ~blank).sum() < rule.coverage * n_present:
        return None
    same = equal(actual, computed) & outcome.known
    agree = int((same & tested).sum())
    if agree < (1.0 if few else rule.least) * n_tested or not (same & tested & ~blank).any():
        return None
    kinds = {
        "missing": tested & blank & ~empty,
        "added": tested & ~blank & (empty | ~outcome.known),
        "other": tested & ~same & ~blank & ~empty & outcome.known,
    }
    who = workspace.subject(candidate.dataset)
    shared = {name: rows for name, rows in kinds.items() if len(distinct_values(who[rows])) >= k}
    exceptions = {name: float(shared[name].sum() / n_tested) if name in shared else 0.0 for name in kinds}
    parameters: dict[str, object] = {
        **candidate.parameters,
        "type": "char" if isinstance(actual, Text) else "num",
        "elsewhere": "keep" if bool((~outcome.known & ~blank).any()) or not blank.any() else "missing",
    }
    if agree < n_tested:
        parameters["exceptions"] = exceptions
    return _Tested(replace(candidate, parameters=parameters, n_tested=n_tested, n_agree=agree), agree / n_tested)


def equal(left: Column, right: Column) -> NDArray[np.bool_]:
    """Compare two columns of one type cell by cell (n_rows,); missing equals missing, numbers may differ by floating noise."""
    if isinstance(left, Numbers) and isinstance(right, Numbers):
        a, b = left.values, right.values
        near = np.abs(a - b) <= 1e-8 * np.maximum(1.0, np.abs(b))
        return near | (np.isnan(a) & np.isnan(b))
    assert isinstance(left, Text) and isinstance(right, Text)
    if left.levels is right.levels:
        return np.asarray(left.codes == right.codes, dtype=bool)
    lookup = np.array([left.place.get(level, -2) for level in right.levels.tolist()] + [-1], dtype=np.int64)
    return np.asarray(left.codes == lookup[right.codes], dtype=bool)


def _makes_circle(new: Derivation, accepted: list[Derivation]) -> bool:
    """Tell whether a derivation and those that were accepted before could no longer be put in order."""
    reached: list[Derivation] = [new]
    seen: set[int] = set()
    while reached:
        current = reached.pop()
        for other in accepted:
            if follows(other, current) and id(other) not in seen:
                if follows(new, other):
                    return True
                seen.add(id(other))
                reached.append(other)
    return False

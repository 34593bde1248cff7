"""Learn what goes together: dependencies, combinations of codes, exposure by arm, and which arms have a dataset at all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from replicator.distinct import distinct_values
from replicator.profile.structure import Kind, Role
from replicator.rules.checks.learned import combination
from replicator.rules.checks.results import says_of_range
from replicator.rules.grouping import Floats, Ints, combine, subjects_per_group
from replicator.rules.rule import Origin, Rule, Severity
from replicator.rules.view import StudyView

MOST_KEYS = 2000  # entries of a table in one rule
ALWAYS = 30  # subjects of an arm that must all have a row before "all" is believed: 3 / 30 bounds the true share of those without
SURPRISING = float(np.log(100))  # expected number (Poisson) of which chance leaves out all in one of a hundred cases


def learn_relations(view: StudyView, name: str, k: int) -> Iterator[Rule]:
    """Yield candidates for the rules between the variables of one dataset, and between it and the arms."""
    facts = view.facts(name)
    for variable, keys in [("", facts.keys), *((other[-1], other) for other in facts.other_keys)]:
        if not keys:
            continue
        yield _rule(
            "SRC-KEY",
            "known_key",
            name,
            variable,
            f"rows share {', '.join(keys)}, which tells all rows of the source apart",
            "Remove the repeated row, or tell the rows apart.",
            keys=list(keys),
        )
    yield from _dependencies(view, name, k)
    yield from _combinations(view, name, k)
    if name != view.subjects_dataset:
        yield from _presence(view, name, k)


def _rule(
    code: str, kind: str, name: str, variable: str, message: str, remedy: str, detail: str = "", **parameters: object
) -> Rule:
    return Rule(code, kind, message, remedy, Severity.ERROR, Origin.SOURCE, name, variable, detail, parameters)


def _dependencies(view: StudyView, name: str, k: int) -> Iterator[Rule]:
    facts = view.facts(name)
    identity = set(facts.with_role(Role.SUBJECT, Role.SEQUENCE, Role.RECORD_ID, Role.RESULT, Role.DATE))
    for dependency in facts.dependencies:
        involved = (*dependency.determinants, dependency.dependent)
        if (
            dependency.dependent in says_of_range(view, name)
            or identity & set(involved)
            or not all(variable in view.dataset(name) for variable in involved)
        ):
            continue
        group, texts = combination(view, name, dependency.determinants)
        support = subjects_per_group(group, view.subject(name), len(texts))
        value = view.levels(name, dependency.dependent)
        strings = np.append(value.levels, np.array([""], object))
        _, first = distinct_values(group, return_index=True)
        known = {texts[at]: str(strings[value.codes[first[at]]]) for at in np.flatnonzero(support >= k).tolist()}
        if (support > 0).any() and len(known) <= MOST_KEYS:
            yield _rule(
                "SRC-FOLLOWS",
                "follows_from",
                name,
                dependency.dependent,
                f"the value does not follow from {' and '.join(dependency.determinants)} as in the source",
                f"Correct it, or {' or '.join(dependency.determinants)}.",
                f"from {' '.join(dependency.determinants)}",
                determinants=list(dependency.determinants),
                values=known,
            )


def _combinations(view: StudyView, name: str, k: int) -> Iterator[Rule]:
    dataset, facts, home = view.dataset(name), view.facts(name), view.subjects_dataset
    arm = next((x for x in ("ACTARMCD", "ACTARM", "ARMCD", "ARM") if home and x in view.dataset(home)), "")
    pairs: list[tuple[str, list[str], list[str], str]] = []
    if test := view.named(name, "TESTCD"):
        for suffixes in (("ORRESU",), ("STRESU",), ("TPT", "TPTNUM"), ("CAT", "SCAT"), ("POS",), ("SPEC",), ("METHOD",)):
            then = [variable for suffix in suffixes if (variable := view.named(name, suffix))]
            if then:
                pairs.append(("SRC-TEST", [test], then, "the test does not have this in the source"))
        if "VISITNUM" in dataset:
            pairs.append(("SRC-PLAN", ["VISITNUM"], [test], "the source does not measure this test at this visit"))
    if "VISITNUM" in dataset and "EPOCH" in dataset:
        pairs.append(("SRC-EPOCH", ["VISITNUM"], ["EPOCH"], "the visit is not in this epoch in the source"))
    if arm and home != name and facts.kind is Kind.INTERVENTIONS and dataset.domain == "EX":
        dose = [v for suffix in ("TRT", "DOSE", "DOSU") if (v := view.named(name, suffix))]
        pairs.append(("SRC-ARM", [f"{home}.{arm}"], dose[:1], "the arm does not get this treatment in the source"))
        pairs.append(("SRC-ARM-DOSE", [f"{home}.{arm}"], dose, "the arm does not get this dose in the source"))
    if arm and home != name and facts.kind is Kind.STATES and "ETCD" in dataset:
        pairs.append(("SRC-ARM", [f"{home}.{arm}"], ["ETCD"], "the arm does not have this element in the source"))
    for code, given, then, message in pairs:
        if then:
            yield from _combination_rule(view, name, code, given, then, message, k)


def _combination_rule(
    view: StudyView, name: str, code: str, given: Sequence[str], then: Sequence[str], message: str, k: int
) -> Iterator[Rule]:
    """Keep the keys all of whose combinations are shared by k subjects; the others are left alone.

    A value that a key never has is believed to be none of it if chance would hardly leave it out (:func:`_expected`).
    """
    key, key_texts = combination(view, name, given)
    value, value_texts = combination(view, name, then)
    if len(value_texts) < 2 or len(key_texts) > MOST_KEYS:
        return
    pairs = combine([key, value])
    _, first = distinct_values(pairs, return_index=True)
    support = subjects_per_group(pairs, view.subject(name), len(first))
    rare = np.zeros(len(key_texts), bool)
    rare[key[first[support < k]]] = True
    fine = np.zeros((len(key_texts), len(value_texts)), bool)
    fine[key[first], value[first]] = True
    known = subjects_per_group(value, view.subject(name), len(value_texts)) >= k
    people = subjects_per_group(key, view.subject(name), len(key_texts))
    shared = np.zeros(fine.shape)
    shared[key[first], value[first]] = support
    fine |= known & (_expected(shared, people, k) < SURPRISING)
    kept = [at for at, text in enumerate(key_texts) if text and not rare[at]]
    allowed = {key_texts[at]: [value_texts[one] for one in np.flatnonzero(fine[at]).tolist()] for at in kept}
    if allowed and any(len(values) < len(value_texts) for values in allowed.values()):
        shown = " > ".join(" ".join(variable.rpartition(".")[2] for variable in side) for side in (given, then))
        yield _rule(
            code,
            "known_combination",
            name,
            "",
            message,
            f"Correct {' or '.join(variable.rpartition('.')[2] for variable in then)}.",
            shown,
            given=list(given),
            then=list(then),
            allowed={text: sorted(values) for text, values in sorted(allowed.items())},
        )


def _expected(shared: Floats, people: Ints, k: int) -> Floats:
    """Subjects of each key who would have each value if it were as usual there as at the other key where it is most usual.

    Parameters
    ----------
    shared : (n_keys, n_values) float64
        Subjects who have a value at a key.
    people : (n_keys,) int64
        Subjects of each key.
    k : int
        Fewest subjects of a key that is compared with.
    """
    usual = np.where(people >= k, 1 / np.maximum(people, 1), 0.0)[:, None] * shared
    return np.asarray(people[:, None] * usual.max(axis=0, initial=0.0), np.float64)


def _presence(view: StudyView, name: str, k: int) -> Iterator[Rule]:
    home = view.subjects_dataset
    arm = next((x for x in ("ACTARMCD", "ACTARM", "ARMCD", "ARM") if home and x in view.dataset(home)), "")
    if not arm or not (view.subject(name) >= 0).any():
        return
    has = np.zeros(view.n_subjects + 1, bool)
    has[view.subject(name)[view.subject(name) >= 0]] = True
    column = view.levels(home, arm)
    group: Ints = column.codes.astype(np.int64)
    rows = np.flatnonzero((group >= 0) & (view.subject(home) >= 0))
    n = np.bincount(group[rows], minlength=len(column.levels))
    with_rows = np.bincount(group[rows], weights=has[view.subject(home)[rows]], minlength=len(column.levels))
    always = [str(column.levels[at]) for at in np.flatnonzero((n >= max(ALWAYS, k)) & (with_rows == n))]
    never = [str(column.levels[at]) for at in np.flatnonzero((n >= max(k, 2)) & (with_rows == 0))]
    if always or never:
        yield _rule(
            "SRC-PRESENT",
            "present_by_arm",
            name,
            "",
            "a subject of the arm has rows in the dataset, or lacks them, against the source",
            "Correct the arm, or add or remove the rows.",
            arm=arm,
            all=sorted(always),
            none=sorted(never),
        )

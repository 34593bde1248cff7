"""First and last dates: of a subject over other datasets, of a subject's visit over its findings, and of the next row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from replicator.derivations.derivation import Derivation
from replicator.derivations.rule import DatasetFacts, Outcome, Source, text_of
from replicator.derivations.workspace import Workspace, distinct_subjects, split_name
from replicator.distinct import distinct_values
from replicator.tables.dataset import Text
from replicator.tables.dates import Precision

ROOTS = ("RFSTDTC",)  # the subject's own day zero is drawn; all other dates may follow from it
ORDER_OF_TRUST = ("interventions", "schedule", "events", "findings", "states")  # elements are often made from the subject's dates
DEFINED = {"first": "RFXSTDTC", "last": "RFXENDTC"}  # by the implementation guide: the first and last exposure
EXPOSURE = ("EX", "EC")
HISTORY = ("MH", "CM", "SU", "PR", "FH")  # reach back before the study, so their dates do not bound participation


def _cut(workspace: Workspace, name: str) -> bool:
    """Tell whether a date variable is kept without times of day."""
    precision = workspace.dates(name).precision
    return bool((precision <= Precision.DAY).all())


def _date_variables(source: Source, facts: DatasetFacts) -> list[str]:
    found = [facts.named(suffix) for suffix in ("STDTC", "ENDTC", "DTC")]
    return [f"{facts.name}.{name}" for name in found if name and not source.workspace.missing(f"{facts.name}.{name}").all()]


def propose_subject_dates(source: Source) -> Iterable[Derivation]:
    """Propose dates of the subject (RFXSTDTC, RFXENDTC, RFENDTC, RFPENDTC, DTHDTC ...) as first or last dates elsewhere."""
    workspace, subjects = source.workspace, source.subjects
    targets = [
        name
        for name in workspace.study[subjects].names
        if name.endswith("DTC") and name not in (*ROOTS, "BRTHDTC") and not workspace.missing(f"{subjects}.{name}").all()
    ]
    others = [facts for facts in source.about_subjects() if facts.kind != "subjects"]
    pools: list[tuple[list[str], dict[str, object]]] = []
    for facts in sorted(others, key=lambda facts: ORDER_OF_TRUST.index(facts.kind) if facts.kind in ORDER_OF_TRUST else -1):
        dates = _date_variables(source, facts)
        pools += [([date], {}) for date in dates]
        if facts.kind == "interventions" and len(dates) > 1:
            pools.append((dates, {}))
        pools += [([date], where) for where in _conditions(source, facts) for date in dates]
    participation = [date for facts in others if facts.prefix not in HISTORY for date in _date_variables(source, facts)]
    if len(participation) > 1:
        pools.append((participation, {}))
    for target in targets:
        cut = _cut(workspace, f"{subjects}.{target}")
        for rule in ("first", "last"):
            for dates, where in pools:
                for given in ("", *(name for name in ROOTS if workspace.has(f"{subjects}.{name}"))):
                    parameters = {**where, "whole_days": cut} | ({"given": f"{subjects}.{given}"} if given else {})
                    yield Derivation(subjects, target, rule, tuple(dates), parameters)


def is_defined(derivation: Derivation) -> bool:
    """Tell whether the standard says that a date of the subject is this one of its exposure."""
    datasets = {split_name(name)[0][:2] for name in derivation.inputs}
    return derivation.target == DEFINED.get(derivation.rule) and datasets <= set(EXPOSURE)


def _conditions(source: Source, facts: DatasetFacts) -> list[dict[str, object]]:
    """List conditions such as --DECOD = level that k subjects meet (consent, death, the disposition event)."""
    found: list[dict[str, object]] = []
    if facts.kind != "events":
        return found
    for variable in (facts.named("CAT"), facts.named("DECOD"), facts.named("OUT")):
        if variable:
            column = source.workspace.text(f"{facts.name}.{variable}")
            shared = distinct_subjects(column.codes.astype(np.int64), source.workspace.subject(facts.name), len(column.levels))
            kept = np.argsort(-shared, kind="stable")[:12]
            found += [{"where": variable, "equals": str(column.levels[i])} for i in kept.tolist() if shared[i] >= source.k]
    return found


def propose_visit_dates(source: Source) -> Iterable[Derivation]:
    """Propose the dates of a visit (SVSTDTC, SVENDTC) as the first or last date of the findings at that visit."""
    findings = [facts for facts in source.of_kind("findings") if "VISITNUM" in source.workspace.study[facts.name]]
    dates = [f"{facts.name}.{facts.named('DTC')}" for facts in findings if facts.named("DTC")]
    pools: list[Sequence[str]] = [dates] if len(dates) > 1 else []
    pools += [(date,) for date in dates]
    for schedule in source.of_kind("schedule"):
        if "VISITNUM" not in source.workspace.study[schedule.name]:
            continue
        for suffix, rules in (("STDTC", ("first_at_visit",)), ("ENDTC", ("last_at_visit", "first_at_visit"))):
            target = schedule.named(suffix)
            if target:
                cut = _cut(source.workspace, f"{schedule.name}.{target}")
                for rule in rules:
                    for pool in pools:
                        yield Derivation(schedule.name, target, rule, tuple(pool), {"by": ["VISITNUM"], "whole_days": cut})


def _extreme(workspace: Workspace, derivation: Derivation, last: bool) -> Outcome:
    """Pick the earliest or latest of the pooled dates for each row of the target's dataset."""
    parameters = derivation.parameters
    by = parameters.get("by", [])
    variables = tuple(str(name) for name in by) if isinstance(by, (list, tuple)) else ()
    whole = bool(parameters.get("whole_days"))
    key = (derivation.dataset, variables, derivation.inputs, parameters.get("where"), parameters.get("equals"), last, whole)

    def pick() -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.object_]]:
        picked, texts = _picked(workspace, derivation, variables, last)
        found = _from_codes(picked, [str(text)[:10] if whole else str(text) for text in texts.tolist()])
        return picked, found.codes, found.levels

    picked, codes, levels = workspace.memory.get(key, pick)
    given = parameters.get("given")
    if given is None:
        return Outcome(Text(codes, levels), picked >= 0)
    without = workspace.missing(str(given))
    return Outcome(Text(np.where(without, -1, codes).astype(np.int32), levels), (picked >= 0) | without)


def _picked(
    workspace: Workspace, derivation: Derivation, variables: tuple[str, ...], last: bool
) -> tuple[NDArray[np.int64], NDArray[np.object_]]:
    """Return codes (n_rows,) of the picked dates, -1 for none, and the texts that they number."""
    values = [distinct_values(np.round(workspace.numbers(f"{derivation.dataset}.{name}"), 9)) for name in variables]
    values = [numbers[~np.isnan(numbers)] for numbers in values]
    size = workspace.n_subjects * int(np.prod([len(numbers) for numbers in values], initial=1))
    best, code = np.full(size, -np.inf), np.full(size + 1, -1, np.int64)
    levels: list[NDArray[np.object_]] = []
    offset = 0
    for name in derivation.inputs:
        dataset, _ = split_name(name)
        text, moment = workspace.text(name), workspace.moments(name)
        place = _places(workspace, dataset, variables, values)
        use = ~np.isnan(moment) & (place >= 0)
        where = derivation.parameters.get("where")
        if where is not None:
            condition = workspace.text(f"{dataset}.{where}")
            use &= np.append(condition.levels == derivation.parameters["equals"], False).take(condition.codes).astype(bool)
        rows = np.flatnonzero(use)
        at, score = place[rows], moment[rows] if last else -moment[rows]
        top = best.copy()
        np.maximum.at(top, at, score)
        chosen = np.flatnonzero((score == top[at]) & (score > best[at]))  # of equal ones the last that is assigned to a place stays
        best[at[chosen]] = score[chosen]
        code[at[chosen]] = text.codes[rows[chosen]] + offset
        levels.append(text.levels)
        offset += len(text.levels)
    own = _places(workspace, derivation.dataset, variables, values)
    return code[own], np.concatenate(levels)


def _places(
    workspace: Workspace, dataset: str, variables: Sequence[str], values: Sequence[NDArray[np.float64]]
) -> NDArray[np.int64]:
    """Number rows (n_rows,) by subject and by the place of numbers such as VISITNUM among `values`; -1 where one is unknown."""
    place = workspace.subject(dataset).copy()
    for name, known in zip(variables, values, strict=True):
        if not len(known):
            return np.full(len(place), -1, np.int64)
        own = np.round(workspace.numbers(f"{dataset}.{name}"), 9)
        at = np.minimum(np.searchsorted(known, own), len(known) - 1)
        place = np.where((place >= 0) & (known[at] == own), place * len(known) + at, -1)
    return place


def _from_codes(codes: NDArray[np.int64], texts: Sequence[str]) -> Text:
    """Make a text column of codes into texts that may repeat."""
    used, inverse = distinct_values(codes, return_inverse=True)
    return text_of([texts[code] if code >= 0 else "" for code in used.tolist()], inverse)


def compute_first(workspace: Workspace, derivation: Derivation) -> Outcome:
    """Compute the earliest date; dates not known to the day do not count."""
    return _extreme(workspace, derivation, last=False)


def compute_last(workspace: Workspace, derivation: Derivation) -> Outcome:
    """Compute the latest date; dates not known to the day do not count."""
    return _extreme(workspace, derivation, last=True)


def propose_next(source: Source) -> Iterable[Derivation]:
    """Propose the end of an element (SEENDTC) as the start of the subject's next one."""
    for facts in source.of_kind("states"):
        start, end = facts.named("STDTC"), facts.named("ENDTC")
        if start and end:
            yield Derivation(facts.name, end, "next_of", (f"{facts.name}.{start}",))


def compute_next(workspace: Workspace, derivation: Derivation) -> Outcome:
    """Take the date of the subject's next row in order of that date; the last row of a subject is not known."""
    name = derivation.inputs[0]
    text, moment, subject = workspace.text(name), workspace.moments(name), workspace.subject(derivation.dataset)
    order = np.lexsort((np.arange(len(moment)), moment, subject))
    same = (subject[order][1:] == subject[order][:-1]) & (subject[order][1:] >= 0) & ~np.isnan(moment[order][1:])
    codes = np.full(len(moment), -1, np.int32)
    codes[order[:-1][same]] = text.codes[order[1:][same]]
    return Outcome(Text(codes, text.levels), codes >= 0)

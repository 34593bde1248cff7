"""Rules of time: study day, epoch, age, duration, treatment-emergent flag."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from replicator.derivations.derivation import Derivation
from replicator.derivations.rule import Outcome, Source, words
from replicator.derivations.workspace import Workspace, split_name
from replicator.distinct import distinct_values
from replicator.tables.dataset import Numbers, Text
from replicator.tables.dates import Precision, study_day

SHARE_FOR_A_WORD = 0.5  # a state of time gets the word that at least half of its rows carry


def propose_study_days(source: Source) -> Iterable[Derivation]:
    """Propose --DY, --STDY and --ENDY from the dates of the dataset and a reference date of the subject."""
    references = source.reference_dates("RFSTDTC", "RFXSTDTC", "RFICDTC")
    for facts in (*source.about_subjects(), *source.of_kind("links")):
        names = source.workspace.study[facts.name].names
        if source.workspace.subject_variable not in names:
            continue
        for target in (name for name in names if name.endswith("DY") and name != "VISITDY"):
            stem = target[:-2]
            likely = [stem + "DTC", stem + "STDTC", stem.removesuffix("ST") + "DTC", stem.removesuffix("EN") + "DTC"]
            for date in dict.fromkeys(name for name in likely if name in names and name != target):
                for convention in ("no day 0", "day 0 left out", "day 0 between", "day 0 first"):
                    for reference in references:
                        inputs = (f"{facts.name}.{date}", reference)
                        yield Derivation(facts.name, target, "study_day", inputs, {"convention": convention})


def compute_study_days(workspace: Workspace, derivation: Derivation) -> Outcome:
    """Compute study days: the reference is day 1 and there is no day 0, or one of three ways that break this rule.

    Where day 0 is left out, days before the reference are counted as if it were there, and the last two before it are both -1.
    """
    date, reference = derivation.inputs
    day = workspace.dates(date).full_day
    anchor = workspace.of_subject(derivation.dataset, workspace.dates(reference).full_day)
    convention = derivation.parameters["convention"]
    if convention == "no day 0":
        values = study_day(day, anchor)
    else:
        values = np.floor(day) - np.floor(anchor) + (0.0 if convention == "day 0 first" else 1.0)
        values = np.where((values == 0) & (convention == "day 0 left out"), -1.0, values)
    return Outcome(Numbers(values), ~np.isnan(values))


def _epoch_from_elements(workspace: Workspace, dataset: str, date: str, start: str, end: str, word: str) -> Outcome:
    """Take the word of the last element that begins on or before the row's moment and does not end before it."""
    elements = split_name(start)[0]
    begin, finish = workspace.dates(start).full_day, workspace.dates(end).full_day
    owner = workspace.subject(elements)
    use = (owner >= 0) & ~np.isnan(begin)
    order = np.flatnonzero(use)[np.lexsort((begin[use], owner[use]))]
    day, subject = workspace.dates(date).full_day, workspace.subject(dataset)
    span = 1e7
    key = owner[order] * span + begin[order]
    at = np.searchsorted(key, subject * span + np.where(np.isnan(day), 0.0, day), side="right") - 1
    found = (at >= 0) & ~np.isnan(day) & (subject >= 0)
    row = order[np.maximum(at, 0)] if len(order) else np.zeros(len(day), np.int64)
    if not len(order):
        return Outcome(Text.constant("", len(day)), np.zeros(len(day), bool))
    found &= (owner[row] == subject) & ~(day > finish[row])
    text = workspace.text(word)
    return Outcome(Text(np.where(found, text.codes[row], -1).astype(np.int32), text.levels), found)


def _trial_state(workspace: Workspace, dataset: str, date: str, first: str, last: str) -> NDArray[np.int64]:
    """Number the part of the trial of each row: 0 before treatment, 1 during, 2 after, -1 unknown."""
    day = workspace.dates(date).full_day
    begin = workspace.of_subject(dataset, workspace.dates(first).full_day)
    finish = workspace.of_subject(dataset, workspace.dates(last).full_day)
    state = np.where(day < begin, 0, np.where(day > finish, 2, 1))
    return np.where(np.isnan(day) | np.isnan(begin), -1, state)


def propose_epochs(source: Source) -> Iterable[Derivation]:
    """Propose EPOCH from the subject's elements (SE), else from the dates of treatment with the words of the source."""
    workspace = source.workspace
    for facts in source.about_subjects():
        names = workspace.study[facts.name].names
        if "EPOCH" not in names or facts.kind == "states":
            continue
        dates = [name for name in (facts.named("STDTC"), facts.named("DTC")) if name]
        for elements in source.of_kind("states"):
            start, end = elements.named("STDTC"), elements.named("ENDTC")
            if start and end and "EPOCH" in workspace.study[elements.name]:
                for date in dates:
                    inputs = (f"{facts.name}.{date}", *(f"{elements.name}.{name}" for name in (start, end, "EPOCH")))
                    yield Derivation(facts.name, "EPOCH", "epoch", inputs)
        for first in source.reference_dates("RFXSTDTC", "RFSTDTC"):
            for last in source.reference_dates("RFXENDTC", "RFENDTC"):
                for date in dates:
                    inputs = (f"{facts.name}.{date}", first, last)
                    state = _trial_state(workspace, facts.name, *inputs)
                    found = {number: common_word(workspace, facts.name, "EPOCH", state == number, source.k) for number in range(3)}
                    yield Derivation(facts.name, "EPOCH", "epoch", inputs, {"words": [found[number] for number in range(3)]})


def common_word(workspace: Workspace, dataset: str, variable: str, rows: NDArray[np.bool_], k: int) -> str:
    """Return the value that at least half of `rows` carry and k subjects share, else ``""``."""
    column = workspace.text(f"{dataset}.{variable}")
    codes = column.codes[rows]
    if not (codes >= 0).any():
        return ""
    counts = np.bincount(codes[codes >= 0], minlength=len(column.levels))
    best = int(counts.argmax())
    shared = len(distinct_values(workspace.subject(dataset)[rows & (column.codes == best)])) >= k
    return str(column.levels[best]) if shared and counts[best] >= SHARE_FOR_A_WORD * len(codes) else ""


def compute_epochs(workspace: Workspace, derivation: Derivation) -> Outcome:
    """Compute EPOCH, by elements (four inputs) or by dates of treatment (three)."""
    if len(derivation.inputs) == 4:
        date, start, end, word = derivation.inputs
        return _epoch_from_elements(workspace, derivation.dataset, date, start, end, word)
    date, first, last = derivation.inputs
    return by_state(_trial_state(workspace, derivation.dataset, date, first, last), derivation.parameters["words"])


def by_state(state: NDArray[np.int64], table: object) -> Outcome:
    """Write the word of each row's state; rows of state -1, or whose state has no word, are not known."""
    listed = [str(word) for word in table] if isinstance(table, (list, tuple)) else []
    levels = sorted(set(listed) - {""})
    place = np.array([levels.index(word) if word else -1 for word in listed] + [-1], dtype=np.int32)
    codes = place[state]
    return Outcome(Text(codes, np.array(levels, dtype=object)), codes >= 0)


def propose_ages(source: Source) -> Iterable[Derivation]:
    """Propose AGE in whole years from the date of birth to a reference date."""
    birth = f"{source.subjects}.BRTHDTC"
    if not source.workspace.has(birth, f"{source.subjects}.AGE"):
        return
    for reference in source.reference_dates("RFSTDTC", "RFICDTC", "DMDTC", "RFXSTDTC"):
        for unit in ("years", "calendar years"):
            yield Derivation(source.subjects, "AGE", "age", (birth, reference), {"unit": unit})


def compute_ages(workspace: Workspace, derivation: Derivation) -> Outcome:
    """Compute completed years, or the difference of calendar years where only the year of birth is kept."""
    birth, reference = (workspace.dates(name) for name in derivation.inputs)
    known = (birth.precision >= Precision.YEAR) & reference.full
    born = np.where(known, birth.day, 0).astype("datetime64[D]")
    then = np.where(known, reference.day, 0).astype("datetime64[D]")
    years = then.astype("datetime64[Y]").astype(np.int64) - born.astype("datetime64[Y]").astype(np.int64)
    if derivation.parameters["unit"] == "years":
        months = then.astype("datetime64[M]").astype(np.int64) - born.astype("datetime64[M]").astype(np.int64)
        before = (then - then.astype("datetime64[M]")) < (born - born.astype("datetime64[M]"))
        years = (months - before) // 12
        known = known & birth.full
    return Outcome(Numbers(np.where(known, years, np.nan).astype(np.float64)), known)


def propose_durations(source: Source) -> Iterable[Derivation]:
    """Propose --DUR as ISO 8601 days or as a number of days between start and end."""
    for facts in source.about_subjects():
        start, end, target = facts.named("STDTC"), facts.named("ENDTC"), facts.named("DUR")
        if start and end and target:
            for added in (1, 0):
                for style in ("P%dD", "%d"):
                    inputs = (f"{facts.name}.{start}", f"{facts.name}.{end}")
                    yield Derivation(facts.name, target, "duration", inputs, {"added": added, "style": style})


def compute_durations(workspace: Workspace, derivation: Derivation) -> Outcome:
    """Compute end minus start in days, with or without the day of the start itself."""
    start, end = (workspace.dates(name).full_day for name in derivation.inputs)
    added = derivation.parameters["added"]
    days = end - start + (added if isinstance(added, int) else 0)
    known = ~np.isnan(days)
    unique, inverse = distinct_values(np.where(known, days, 0).astype(np.int64), return_inverse=True)
    levels = np.array([str(derivation.parameters["style"]) % day for day in unique.tolist()], dtype=object)
    return Outcome(Text(np.where(known, inverse, -1).astype(np.int32), levels), known)


def propose_treatment_emergence(source: Source) -> Iterable[Derivation]:
    """Propose --TRTEM: an event that begins on or after first treatment, and up to some days after the last if so found."""
    workspace = source.workspace
    for facts in source.of_kind("events", "findings"):
        date = facts.named("STDTC") or facts.named("DTC")
        names = workspace.study[facts.name].names
        for target in (name for name in names if name.endswith("TRTEM") or name in ("TRTEMFL", "TRTEM")):
            levels = [str(level) for level in workspace.text(f"{facts.name}.{target}").compact().levels]
            if not date or not levels or not set(levels) <= {"Y", "N"}:
                continue
            words_ = {"yes": "Y", "no": "N" if "N" in levels else ""}
            for first in source.reference_dates("RFXSTDTC", "RFSTDTC"):
                start = f"{facts.name}.{date}"
                yield Derivation(facts.name, target, "treatment_emergent", (start, first), words_)
                for last in source.reference_dates("RFXENDTC", "RFENDTC"):
                    for window in (0, 1, 7, 14, 28, 30):
                        parameters = {**words_, "days_after": window}
                        yield Derivation(facts.name, target, "treatment_emergent", (start, first, last), parameters)


def compute_treatment_emergence(workspace: Workspace, derivation: Derivation) -> Outcome:
    """Compare starts with the dates of treatment; a partial start counts with the last day that it can mean."""
    dates = workspace.dates(derivation.inputs[0])
    day = _last_possible_day(dates.day, dates.precision)
    first = workspace.of_subject(derivation.dataset, workspace.dates(derivation.inputs[1]).full_day)
    yes = day >= first
    if len(derivation.inputs) > 2:
        last = workspace.of_subject(derivation.dataset, workspace.dates(derivation.inputs[2]).full_day)
        after = derivation.parameters["days_after"]
        yes &= ~(dates.day > last + (after if isinstance(after, int) else 0))
    known = ~np.isnan(day) & ~np.isnan(first)
    column = words(yes & known, str(derivation.parameters["yes"]), str(derivation.parameters["no"]))
    return Outcome(Text(np.where(known, column.codes, -1).astype(np.int32), column.levels), known)


def _last_possible_day(day: NDArray[np.float64], precision: NDArray[np.int8]) -> NDArray[np.float64]:
    """Return the last day (n,) that each date can mean: of a month or year, its end."""
    stamps = np.where(np.isnan(day), 0, day).astype("datetime64[D]")
    month_end = (stamps.astype("datetime64[M]") + 1).astype("datetime64[D]").astype(np.int64) - 1
    year_end = (stamps.astype("datetime64[Y]") + 1).astype("datetime64[D]").astype(np.int64) - 1
    late = np.where(precision == Precision.MONTH, month_end, np.where(precision == Precision.YEAR, year_end, day))
    return np.where(np.isnan(day), np.nan, late)

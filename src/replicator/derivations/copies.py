"""Rules of repetition: a column that copies another, a part of an identifier, a flag that says whether something is there."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from replicator.derivations.derivation import Derivation
from replicator.derivations.extremes import ROOTS
from replicator.derivations.rule import Outcome, Source, text_of, words
from replicator.derivations.workspace import Workspace, split_name
from replicator.distinct import distinct_values
from replicator.tables.dataset import Numbers, Text

IDENTIFIERS = ("STUDYID", "DOMAIN", "USUBJID", "VISITNUM", "VISIT", "VISITDY", "EPOCH")
RESULTS = ("ORRES", "STRESC", "STRESN")
FATAL = "FATAL"  # the term of the standard's codelist OUT
NO_SECONDS = ":00"  # what a moment known to the minute has more where it is written to the second
TO_THE_MINUTE = len("2001-01-05T10:05")
PARTS = ("SUBJID", "SITEID", "INVID")
NEEDED_LEVELS = 2


def propose_copies(source: Source) -> Iterable[Derivation]:
    """Propose columns that equal an earlier column of their dataset, or a variable of the subject, in every row."""
    workspace = source.workspace
    for facts in source.about_subjects():
        dataset = workspace.study[facts.name]
        skipped = {*IDENTIFIERS, *PARTS, workspace.subject_variable, *(facts.named(suffix) for suffix in RESULTS)}
        names = [name for name in dataset.names if name not in skipped and not name.endswith("SEQ")]
        prints = {name: _fingerprint(workspace, f"{facts.name}.{name}") for name in names}
        for i, target in enumerate(names):
            if prints[target] is None or target in ROOTS:
                continue
            for origin in [*(name for name in names if name in ROOTS), *names[:i]]:
                if origin != target and prints[origin] == prints[target]:
                    yield Derivation(facts.name, target, "copy_of", (f"{facts.name}.{origin}",))
        if facts.kind != "subjects":
            for target in names:
                for origin in _of_subject(source, facts.name, target):
                    yield Derivation(facts.name, target, "copy_of", (origin,))
                    if target.endswith("DTC") and _with_seconds(workspace, f"{facts.name}.{target}"):
                        yield Derivation(facts.name, target, "copy_of", (origin,), {"append": NO_SECONDS})


def _fingerprint(workspace: Workspace, name: str) -> bytes | None:
    """Return a digest that equal columns share, whatever the order of their levels; None for columns of fewer than two values."""
    dataset, variable = split_name(name)
    column = workspace.study[dataset][variable]
    if isinstance(column, Numbers):
        values = column.values[~np.isnan(column.values)]
        if len(values) == 0 or values.min() == values.max():
            return None
        return blake2b((np.where(np.isnan(column.values), np.nan, column.values) + 0.0).tobytes(), person=b"numbers").digest()
    compact = column.compact()
    if len(compact.levels) < NEEDED_LEVELS:
        return None
    levels = "\x1f".join(compact.levels.tolist()).encode("utf-8", "surrogatepass")
    return blake2b(compact.codes.tobytes(), key=blake2b(levels).digest(), person=b"texts").digest()


def _of_subject(source: Source, dataset: str, target: str) -> list[str]:
    """List variables of the subject that a column might copy: roots and dates for dates, the same name for the rest."""
    subjects = source.subjects
    if target.endswith("DTC"):
        wanted: tuple[str, ...] = (
            ("RFSTDTC", "RFICDTC", "DMDTC", "DTHDTC") if source.workspace.dates(f"{dataset}.{target}").full.any() else ()
        )
    else:
        wanted = (target,)
    return [f"{subjects}.{name}" for name in wanted if source.workspace.has(f"{subjects}.{name}")]


def _with_seconds(workspace: Workspace, name: str) -> bool:
    """Tell whether all moments of a variable are written to the second, which is 0."""
    levels = workspace.text(name).compact().levels
    return len(levels) > 0 and all(str(level)[TO_THE_MINUTE:] == NO_SECONDS for level in levels)


def compute_copies(workspace: Workspace, derivation: Derivation) -> Outcome:
    """Copy a column of the same dataset, or spread a variable of the subject over the subject's rows.

    The parameter ``append`` stands behind moments that are known to the minute.
    """
    dataset, variable = split_name(derivation.inputs[0])
    column = workspace.study[dataset][variable]
    append = derivation.parameters.get("append")
    if isinstance(append, str) and isinstance(column, Text):
        longer = [f"{level}{append}" if len(str(level)) == TO_THE_MINUTE else str(level) for level in column.levels]
        column = text_of(longer, column.codes)
    if dataset == derivation.dataset:
        return Outcome(column, np.ones(len(column), bool))
    subject = workspace.subject(derivation.dataset)
    known = subject >= 0
    if isinstance(column, Numbers):
        return Outcome(Numbers(np.append(column.values, np.nan)[subject]), known)
    return Outcome(Text(np.append(column.codes, np.int32(-1))[subject].astype(np.int32), column.levels), known)


def propose_parts(source: Source) -> Iterable[Derivation]:
    """Propose SUBJID, SITEID and the like as a part of the subject's identifier, by separator or by position."""
    workspace, subjects = source.workspace, source.subjects
    whole = f"{subjects}.{workspace.subject_variable}"
    identifiers = workspace.text(whole).strings()
    widths = {len(text) for text in identifiers.tolist()}
    for target in PARTS:
        name = f"{subjects}.{target}"
        if not workspace.has(name) or target == workspace.subject_variable:
            continue
        values = workspace.text(name).strings()
        if not len(values) or not values[0]:
            continue
        for separator in ("-", "/", ".", "_", " "):
            pieces = str(identifiers[0]).split(separator)
            for place in range(len(pieces)) if len(pieces) > 1 else ():
                if pieces[place] == values[0]:
                    yield Derivation(subjects, target, "part_of", (whole,), {"separator": separator, "part": place})
            for place in range(1, len(pieces)) if len(pieces) > 1 else ():
                if separator.join(pieces[place:]) == values[0]:
                    yield Derivation(subjects, target, "part_of", (whole,), {"separator": separator, "from_part": place})
        length = len(values[0])
        start = str(identifiers[0]).find(str(values[0]))
        while start >= 0 and len(widths) == 1:
            yield Derivation(subjects, target, "part_of", (whole,), {"start": start, "length": length})
            start = str(identifiers[0]).find(str(values[0]), start + 1)


def _part(text: str, separator: object, part: object, from_part: object, start: object, length: object) -> str:
    if isinstance(separator, str):
        pieces = text.split(separator)
        if isinstance(part, int):
            return pieces[part] if part < len(pieces) else ""
        return separator.join(pieces[from_part:]) if isinstance(from_part, int) else ""
    return text[start : start + length] if isinstance(start, int) and isinstance(length, int) else ""


def compute_parts(workspace: Workspace, derivation: Derivation) -> Outcome:
    """Cut the part out of each distinct identifier."""
    column = workspace.text(derivation.inputs[0])
    get = derivation.parameters.get
    parts = [
        _part(str(level), get("separator"), get("part"), get("from_part"), get("start"), get("length")) for level in column.levels
    ]
    made = text_of(parts, column.codes)
    return Outcome(made, made.codes >= 0)


def propose_flags(source: Source) -> Iterable[Derivation]:
    """Propose flags: another variable is present (DTHFL), has a certain value (AESDTH), or any of some flags is Y (AESER)."""
    workspace = source.workspace
    for facts in source.about_subjects():
        names = workspace.study[facts.name].names
        levels = {name: _few_levels(workspace, f"{facts.name}.{name}") for name in names}
        for target in names:
            kinds = levels[target]
            status = target in [facts.named(suffix) for suffix in ("STAT", "ENRTPT", "ENRF") if facts.named(suffix)]
            if not kinds or not (
                set(kinds) <= {"Y", "N"} or (status and len(kinds) == 1 and _is_shared(source, facts.name, target))
            ):
                continue
            yes, no = (kinds[0], "") if status else ("Y", "N" if "N" in kinds else "")
            base = {"yes": yes, "no": no}
            for origin in _presence(facts.name, target, names):
                yield Derivation(facts.name, target, "flag_of", (origin,), {**base, "test": "present"})
                if no == "":
                    yield Derivation(facts.name, target, "flag_of", (origin,), {**base, "test": "missing"})
            outcome = facts.named("OUT")
            if outcome and target == facts.named("SDTH"):
                for value in (FATAL, FATAL.capitalize()):
                    yield Derivation(
                        facts.name, target, "flag_of", (f"{facts.name}.{outcome}",), {**base, "test": "equals", "value": value}
                    )
            if target == facts.named("SER"):
                criteria = tuple(f"{facts.name}.{name}" for name in names if _is_seriousness(name, facts.prefix) and levels[name])
                if criteria:
                    yield Derivation(facts.name, target, "flag_of", criteria, {**base, "test": "any"})


def _is_shared(source: Source, dataset: str, variable: str) -> bool:
    """Tell whether k subjects have a value in this variable, or the value is the standard's own."""
    filled = ~source.workspace.missing(f"{dataset}.{variable}")
    values = source.workspace.text(f"{dataset}.{variable}").compact().levels
    own = all(value in ("NOT DONE", "ONGOING") for value in values.tolist())
    return own or len(distinct_values(source.workspace.subject(dataset)[filled])) >= source.k


def _is_seriousness(name: str, prefix: str) -> bool:
    return name in {f"{prefix}S{stem}" for stem in ("CAN", "CONG", "DISAB", "DTH", "HOSP", "LIFE", "OD", "MIE", "INTV")}


def _few_levels(workspace: Workspace, name: str) -> list[str]:
    """Return the values of a text column of one or two values, else nothing."""
    dataset, variable = split_name(name)
    column = workspace.study[dataset][variable]
    if not isinstance(column, Text):
        return []
    used = distinct_values(column.codes[column.codes >= 0])
    return [str(column.levels[code]) for code in used] if 1 <= len(used) <= NEEDED_LEVELS else []


def _presence(dataset: str, target: str, names: tuple[str, ...]) -> list[str]:
    """List the dates or results whose presence a flag may tell of."""
    stem = target[:-2] if target.endswith("FL") else target
    likely = [stem + "DTC"] + ([target[:-6] + "ENDTC"] if target.endswith("ENRTPT") else [])
    likely += [target[:-4] + "ENDTC"] if target.endswith("ENRF") else []
    likely += [target[:-4] + suffix for suffix in RESULTS] if target.endswith("STAT") else []
    return [f"{dataset}.{name}" for name in likely if name in names and name != target]


def _tested(workspace: Workspace, derivation: Derivation) -> NDArray[np.bool_]:
    name, test = derivation.inputs[0], derivation.parameters["test"]
    if test == "present":
        return ~workspace.missing(name)
    if test == "missing":
        return workspace.missing(name)
    wanted = str(derivation.parameters.get("value", "Y"))
    hits = []
    for origin in derivation.inputs:
        column = workspace.text(origin)
        hits.append(np.append(column.levels == wanted, False).take(column.codes).astype(bool))
    return np.asarray(np.stack(hits).any(axis=0), dtype=bool)


def compute_flags(workspace: Workspace, derivation: Derivation) -> Outcome:
    """Write the flag's words by the presence, absence or value of other variables."""
    yes = _tested(workspace, derivation)
    return Outcome(words(yes, str(derivation.parameters["yes"]), str(derivation.parameters["no"])), np.ones(len(yes), bool))

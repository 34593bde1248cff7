"""Rules of results: text and number of a result, indicator against the normal range, ratio to its limits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from replicator.derivations.conversions import bounds_of, converted_bounds
from replicator.derivations.derivation import Derivation
from replicator.derivations.rule import DatasetFacts, Outcome, Source, decimals_of, round_half_up, text_of
from replicator.derivations.timing import by_state, common_word
from replicator.derivations.workspace import Workspace, distinct_subjects
from replicator.distinct import distinct_values
from replicator.tables.dataset import Numbers, Text


def propose_result_texts(source: Source) -> Iterable[Derivation]:
    """Propose --STRESC from --STRESN where there is a number (shortest, or at the decimals of the test), else from --ORRES.

    Where results beyond a limit (``<0.2``) are converted in the source, they are so too.
    """
    workspace = source.workspace
    for facts in source.of_kind("findings"):
        number, target, origin = facts.named("STRESN"), facts.named("STRESC"), facts.named("ORRES")
        if not target:
            continue
        fallback = [[f"{facts.name}.{origin}"], []] if origin else [[]]
        if origin:
            yield Derivation(facts.name, target, "text_of_number", (f"{facts.name}.{origin}",), {"style": "as collected"})
        if number and not workspace.missing(f"{facts.name}.{number}").all():
            bounds, units = bounds_of(source, facts, origin, target)
            table, topic = _text_decimals(source, facts, number, target), f"{facts.name}.{facts.named('TESTCD')}"
            for rest in fallback:
                more = bounds if rest else {}
                after = (*rest, *units) if rest else ()
                inputs = (f"{facts.name}.{number}", *after)
                yield Derivation(facts.name, target, "text_of_number", inputs, {"style": "shortest", **more})
                for style in ("fixed", "rounded") if table else ():
                    parameters = {"style": style, "decimals": table, **more}
                    yield Derivation(facts.name, target, "text_of_number", (inputs[0], topic, *after), parameters)


def _text_decimals(source: Source, facts: DatasetFacts, number: str, target: str) -> dict[str, int]:
    """Return the most decimals of the texts of each test that k subjects have."""
    workspace, topic = source.workspace, facts.named("TESTCD")
    if not topic:
        return {}
    texts, tests = workspace.text(f"{facts.name}.{target}"), workspace.text(f"{facts.name}.{topic}")
    length = np.array([len(str(level).partition(".")[2]) for level in texts.levels] + [0])
    use = ~workspace.missing(f"{facts.name}.{number}") & (texts.codes >= 0) & (tests.codes >= 0)
    most = np.zeros(len(tests.levels) + 1, np.int64)
    np.maximum.at(most, tests.codes[use], length[texts.codes[use]])
    subject = np.where(use, workspace.subject(facts.name), -1)
    shared = distinct_subjects(tests.codes.astype(np.int64), subject, len(tests.levels))
    return {str(level): int(most[i]) for i, level in enumerate(tests.levels) if shared[i] >= source.k}


def compute_result_texts(workspace: Workspace, derivation: Derivation) -> Outcome:
    """Write numbers as texts in one of three styles, and copy the collected result where there is no number."""
    style = derivation.parameters["style"]
    if style == "as collected":
        column = workspace.text(derivation.inputs[0])
        return Outcome(column, ~column.missing)
    values = workspace.numbers(derivation.inputs[0])
    known = np.isfinite(values)
    used = 1
    if style == "shortest":
        column = Numbers(values).text()
    else:
        used = 2
        table = derivation.parameters["decimals"]
        assert isinstance(table, dict)
        tests = workspace.text(derivation.inputs[1])
        places = np.array([int(table.get(str(level), -1)) for level in tests.levels] + [-1]).take(tests.codes)
        known &= places >= 0
        column = _written(np.where(known, values, np.nan), np.maximum(places, 0), fixed=style == "fixed")
    if len(derivation.inputs) > used:
        collected = workspace.text(derivation.inputs[used])
        bounds = derivation.parameters.get("bounds")
        if isinstance(bounds, Mapping):
            collected = converted_bounds(workspace, derivation.dataset, bounds, collected)
        blank = ~np.isfinite(values) & (collected.codes >= 0)
        levels = np.concatenate([column.levels, collected.levels])
        codes = np.where(blank, collected.codes + len(column.levels), column.codes).astype(np.int32)
        return Outcome(text_of(map(str, levels), codes), known | blank)
    return Outcome(column, known)


def _written(values: NDArray[np.float64], decimals: NDArray[np.int64], fixed: bool) -> Text:
    """Write numbers at given decimals, with or without the zeros at the end."""
    distinct, which = distinct_values(values, return_inverse=True)
    places, place = distinct_values(decimals, return_inverse=True)
    width = max(len(places), 1)
    pairs, inverse = distinct_values(which * width + place, return_inverse=True)
    digits_of_each = places[pairs % width]
    rounded = round_half_up(distinct[pairs // width], digits_of_each) + 0.0  # a zero has no sign
    listed = zip(rounded.tolist(), digits_of_each.tolist(), strict=True)
    texts = ["" if value != value else f"{value:.{digits}f}" for value, digits in listed]
    if not fixed:
        texts = [text.rstrip("0").rstrip(".") if "." in text else text for text in texts]
    return text_of(texts, inverse)


def propose_result_numbers(source: Source) -> Iterable[Derivation]:
    """Propose --STRESN as the number that --STRESC spells."""
    for facts in source.of_kind("findings"):
        target, origin = facts.named("STRESN"), facts.named("STRESC")
        if target and origin:
            yield Derivation(facts.name, target, "number_of_text", (f"{facts.name}.{origin}",))


def compute_result_numbers(workspace: Workspace, derivation: Derivation) -> Outcome:
    """Read numbers from texts; texts that spell none are not known."""
    values = workspace.numbers(derivation.inputs[0])
    return Outcome(Numbers(values), np.isfinite(values))


def _range_state(workspace: Workspace, inputs: Sequence[str], bounds_are_normal: bool) -> NDArray[np.int64]:
    """Number each result: 0 below its range, 1 inside, 2 above, -1 without result or range."""
    value, low, high = (workspace.numbers(name) for name in inputs)
    below = value < low if bounds_are_normal else value <= low
    above = value > high if bounds_are_normal else value >= high
    state = np.where(below, 0, np.where(above, 2, 1))
    return np.where(np.isnan(value) | (np.isnan(low) & np.isnan(high)), -1, state)


def propose_indicators(source: Source) -> Iterable[Derivation]:
    """Propose --NRIND by the result and its range, in standard or original units, with the source's words."""
    workspace = source.workspace
    for facts in source.of_kind("findings"):
        target = facts.named("NRIND")
        if not target:
            continue
        for trio in (("STRESN", "STNRLO", "STNRHI"), ("ORRES", "ORNRLO", "ORNRHI")):
            inputs = tuple(f"{facts.name}.{facts.named(suffix)}" for suffix in trio)
            if not workspace.has(*inputs):
                continue
            for closed in (True, False):
                state = _range_state(workspace, inputs, closed)
                table = [common_word(workspace, facts.name, target, state == number, source.k) for number in range(3)]
                yield Derivation(facts.name, target, "indicator", inputs, {"words": table, "bounds_are_normal": closed})


def compute_indicators(workspace: Workspace, derivation: Derivation) -> Outcome:
    """Write the word for below, inside or above the range."""
    state = _range_state(workspace, derivation.inputs, bool(derivation.parameters["bounds_are_normal"]))
    return by_state(state, derivation.parameters["words"])


def propose_ratios(source: Source) -> Iterable[Derivation]:
    """Propose further numeric variables of a finding as its result divided by a limit of its range, rounded as in the source."""
    workspace = source.workspace
    for facts in source.of_kind("findings"):
        pairs = [(facts.named(top), facts.named(bottom)) for top, bottom in _RATIOS]
        pairs = [pair for pair in pairs if all(pair)]
        standard = {facts.named(suffix) for pair in _RATIOS for suffix in pair} | {
            facts.named("STRESC"),
            facts.named("SEQ"),
            facts.named("DY"),
        }
        for target in workspace.study[facts.name].names if pairs else ():
            if target in standard or target.startswith("VISIT"):
                continue
            values = workspace.numbers(f"{facts.name}.{target}")
            if (
                np.isfinite(values).sum() * 2 < (~workspace.missing(f"{facts.name}.{target}")).sum()
                or not np.isfinite(values).any()
            ):
                continue
            decimals, column = decimals_of(values), workspace.study[facts.name][target]
            padded = isinstance(column, Text) and any(str(level).endswith("0") and "." in str(level) for level in column.levels)
            for top, bottom in pairs:
                inputs = (f"{facts.name}.{top}", f"{facts.name}.{bottom}")
                yield Derivation(facts.name, target, "ratio", inputs, {"decimals": decimals, "zeros_kept": padded})


_RATIOS = (("STRESN", "STNRHI"), ("STRESN", "STNRLO"), ("ORRES", "ORNRHI"), ("ORRES", "ORNRLO"))


def compute_ratios(workspace: Workspace, derivation: Derivation) -> Outcome:
    """Divide result by limit and round; not known where one is missing or the limit is 0."""
    top, bottom = (workspace.numbers(name) for name in derivation.inputs)
    value = top / np.where(bottom == 0, np.nan, bottom)
    decimals = derivation.parameters["decimals"]
    known = np.isfinite(value)
    if not isinstance(decimals, int):
        return Outcome(Numbers(value), known)
    if derivation.parameters["zeros_kept"]:
        return Outcome(_written(value, np.full(len(value), decimals), fixed=True), known)
    return Outcome(Numbers(round_half_up(value, decimals)), known)

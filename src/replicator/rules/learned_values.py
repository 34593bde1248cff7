"""Learn what the cells of one variable keep to: values, shapes, ranges, and whether they are ever missing."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from replicator.distinct import distinct_values
from replicator.profile.structure import Content, Kind, Role, VariableStructure
from replicator.rules.checks.learned import combination, shape_of
from replicator.rules.checks.results import says_of_range
from replicator.rules.grouping import Floats, Ints, subjects_per_group
from replicator.rules.rule import Origin, Rule
from replicator.rules.view import StudyView
from replicator.special import ndtri
from replicator.tables.dataset import Text

MOST_VALUES = 200  # longer lists are no codelists
MOST_SHAPES = 20
WIDENINGS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)  # steps by which a range is widened, in widths between its supported ends
FARTHEST = 4.0  # standard deviations of a normal within which hardly any of a sample's values are missed
_CODED = (Content.CATEGORY, Content.CONSTANT)
_NO_CODES = (Role.IDENTIFIER, Role.SUBJECT, Role.SEQUENCE, Role.RECORD_ID, Role.DATE, Role.STUDY_DAY, Role.RESULT)
_NO_RANGE = (Role.SEQUENCE, Role.RECORD_ID, Role.STUDY_DAY, Role.VISIT, Role.SUBJECT, Role.TIMEPOINT, Role.EPOCH, Role.SYNONYM)


def learn_values(view: StudyView, name: str, k: int) -> Iterator[Rule]:
    """Yield candidates for the rules of each variable of one dataset."""
    subject = view.subject(name)
    for variable in view.facts(name).variables:
        if variable.name not in view.dataset(name):
            continue
        yield from _missing(view, name, variable)
        if variable.content is Content.EMPTY:
            continue
        column = view.levels(name, variable.name)
        support = subjects_per_group(column.codes.astype(np.int64), subject, len(column.levels))
        is_text = isinstance(view.dataset(name)[variable.name], Text)
        if variable.content in _CODED and variable.role not in _NO_CODES and (is_text or variable.role is Role.VISIT):
            more = _epochs(view, k) if variable.role is Role.EPOCH else _indicators(view, name, variable.name)
            yield from _codes(name, variable, column, support, k, more)
        shaped = variable.role in (Role.RECORD_ID, Role.DATE, Role.TIMEPOINT)
        # the subject's form is judged once; that the other datasets name the same subjects is a rule of the standard
        if is_text and (shaped or (variable.role is Role.SUBJECT and name == (view.subjects_dataset or name))):
            yield from _shapes(name, variable, column, subject, k)
        if not is_text and variable.role not in _NO_RANGE:
            yield from _range(view, name, variable, k)


def _rule(code: str, kind: str, name: str, variable: str, message: str, remedy: str, **parameters: object) -> Rule:
    return Rule(code, kind, message, remedy, origin=Origin.SOURCE, dataset=name, variable=variable, parameters=parameters)


def _missing(view: StudyView, name: str, variable: VariableStructure) -> Iterator[Rule]:
    missing = view.dataset(name)[variable.name].missing
    if missing.all():
        yield _rule(
            "SRC-EMPTY", "always_empty", name, variable.name, "there is a value where the source has none", "Remove the value."
        )
    elif not missing.any():
        yield _rule("SRC-FILLED", "always_filled", name, variable.name, "a value is missing; the source misses none", "Fill it.")


def _epochs(view: StudyView, k: int) -> frozenset[str]:
    """Epochs that `k` subjects share in some dataset, or that a dataset about nobody names.

    An epoch follows from a date: in which of its epochs the rows of one dataset happen to lie is no list of that dataset.
    """
    found: set[str] = set()
    for name in view.names:
        facts = view.facts(name)
        for variable in facts.with_role(Role.EPOCH):
            column = view.levels(name, variable)
            support = subjects_per_group(column.codes.astype(np.int64), view.subject(name), len(column.levels))
            known = support >= k if facts.kind is not Kind.REFERENCE else support >= 0
            found.update(str(level) for level in column.levels[known])
    return frozenset(found)


def _indicators(view: StudyView, name: str, variable: str) -> frozenset[str]:
    """The standard's words for a result and its range, of a variable that follows from these: nobody need have had each."""
    return frozenset(("LOW", "NORMAL", "HIGH")) if variable in says_of_range(view, name) else frozenset()


def _codes(name: str, variable: VariableStructure, column: Text, support: Ints, k: int, more: frozenset[str]) -> Iterator[Rule]:
    used = support > 0
    if 0 < used.sum() <= MOST_VALUES and (support[used] >= k).all() and np.bincount(column.codes + 1)[1:].sum():
        yield _rule(
            "SRC-VALUES",
            "known_values",
            name,
            variable.name,
            "the value is none that the source has",
            "Use a value of the source.",
            values=sorted({*(str(level) for level in column.levels[used]), *more}),
        )


def _shapes(name: str, variable: VariableStructure, column: Text, subject: Ints, k: int) -> Iterator[Rule]:
    shapes = Text.of(shape_of(str(level)) for level in column.levels)
    of_row = np.append(shapes.codes, np.int32(-1))[column.codes].astype(np.int64)
    support = subjects_per_group(of_row, subject, len(shapes.levels))
    used = support > 0
    if 0 < used.sum() <= MOST_SHAPES and (support[used] >= k).all():
        yield _rule(
            "SRC-SHAPE",
            "text_shape",
            name,
            variable.name,
            "the text does not have the form that the source's have",
            "Write it in the form of the source (9 stands for digits, A for letters).",
            shapes=sorted(str(shape) for shape in shapes.levels[used]),
        )


def _range(view: StudyView, name: str, variable: VariableStructure, k: int) -> Iterator[Rule]:
    by: list[str] = []
    if view.facts(name).kind is Kind.FINDINGS and (test := view.named(name, "TESTCD")):
        original = variable.name in (view.named(name, x) for x in ("ORRES", "ORNRLO", "ORNRHI"))
        unit = view.named(name, "ORRESU" if original else "STRESU")
        by = [test, *([unit] if unit else [])]
    values, subject = view.dataset(name).numbers(variable.name), view.subject(name)
    group, texts = combination(view, name, by) if by else (np.zeros(len(values), np.int64), [""])
    usable = np.isfinite(values) & (subject >= 0)
    bounds = {
        texts[at]: list(bound)
        for at in distinct_values(group[usable]).tolist()
        if (bound := _bounds(values[usable & (group == at)], subject[usable & (group == at)], k)) is not None
    }
    if bounds:
        yield _rule(
            "SRC-RANGE",
            "value_range",
            name,
            variable.name,
            "the number lies far outside the source's",
            "Check the number and its unit.",
            by=by,
            bounds=bounds,
        )


def _bounds(values: Floats, subject: Ints, k: int) -> tuple[float, float] | None:
    """Return a rounded range that k subjects support and that holds all values, or None.

    The supported ends are the means of the k lowest of the subjects' minima and of the k highest of their maxima. Fewer than 2 k
    subjects would be in both, unless all are the same, and there is no range. With w the distance of the ends
    and e w the farthest that a value lies beyond them, both ends are widened by the first of the steps in `WIDENINGS` that is at
    least 2 e + 0.25, times w, and rounded outwards to two digits: new subjects have room, and all that the range tells of the most
    extreme one is which of eight coarse steps it is in. Of few subjects the ends are near the middle: the step is no smaller than
    what it takes to come to `FARTHEST` standard deviations of a normal whose k-th lowest is there. A range of values that are not
    negative stays so.
    """
    subjects, inverse = distinct_values(subject, return_inverse=True)
    if len(subjects) < k:
        return None
    low, high = np.full(len(subjects), np.inf), np.full(len(subjects), -np.inf)
    np.minimum.at(low, inverse, values)
    np.maximum.at(high, inverse, values)
    supported_low, supported_high = float(np.sort(low)[:k].mean()), float(np.sort(high)[-k:].mean())
    if len(subjects) < 2 * k and low.min() != high.max():
        return None
    width = supported_high - supported_low or max(abs(supported_high), 1.0)
    beyond = max(supported_low - float(values.min()), float(values.max()) - supported_high, 0.0) / width
    inside = float(ndtri(1 - (k - 0.5) / len(subjects))) if supported_high > supported_low else FARTHEST
    least = max(2 * beyond + WIDENINGS[0], (FARTHEST / inside - 1) / 2)
    step = next((step for step in WIDENINGS if step >= least), None)
    if step is None:
        return None
    lower, upper = _outwards(supported_low - step * width, -1), _outwards(supported_high + step * width, 1)
    return (max(lower, 0.0) if (values >= 0).all() else lower), upper


def _outwards(value: float, direction: int) -> float:
    """Round to two significant digits, away from the inside of the range."""
    if value == 0:
        return 0.0
    unit = 10.0 ** (np.floor(np.log10(abs(value))) - 1)
    steps = np.ceil(value / unit) if direction > 0 else np.floor(value / unit)
    return float(np.round(steps * unit, 12))

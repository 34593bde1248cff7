"""Checks whose parameters were learned from a source; each is about the one dataset and variable that its rule names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import cast

import numpy as np

from replicator.distinct import distinct_values
from replicator.rules.grouping import Floats, Ints, Mask, combine, majority
from replicator.rules.rule import Rule
from replicator.rules.tally import Tally
from replicator.rules.tested import Tested, tested, tested_combinations, tested_levels
from replicator.rules.view import StudyView, certainly_after
from replicator.standards.withheld import WITHHELD
from replicator.tables.dataset import Text
from replicator.tables.dates import Dates

SEPARATOR = " | "  # between the parts of a combination, in the parameters of a rule
_DIGITS, _LETTERS = re.compile(r"[0-9]+"), re.compile(r"[^\W\d_]+")


@lru_cache(maxsize=1 << 16)  # datasets share subjects and dates
def shape_of(text: str) -> str:
    """Write a text's shape: runs of digits become ``9``, runs of letters ``A``, all else stays.

    Examples
    --------
    >>> shape_of("01-701-1015"), shape_of("2014-01-02T11:45")
    ('9-9-9', '9-9-9A9:9')
    """
    return _DIGITS.sub("9", _LETTERS.sub("A", text))


def combination(view: StudyView, name: str, variables: Sequence[str]) -> tuple[Ints, list[str]]:
    """Return (n_rows,) codes of the combinations of `variables`, and their texts; a variable ``DM.ARM`` is looked up by subject.

    Missing cells take part as ``""``.
    """
    return combined([_lookup(view, name, variable) for variable in variables])


def combined(columns: Sequence[Text]) -> tuple[Ints, list[str]]:
    """Return (n_rows,) codes of the combinations of columns, from 0 in the order in which they come, and their texts."""
    codes = combine([column.held for column in columns])
    _, first = distinct_values(codes, return_index=True)
    parts = [np.append(column.levels, np.array([""], object))[column.held[first]] for column in columns]
    return codes, [SEPARATOR.join(str(part) for part in row) for row in zip(*parts, strict=True)]


def _lookup(view: StudyView, name: str, variable: str) -> Text:
    home, _, inner = variable.rpartition(".")
    if not home:
        return view.levels(name, variable)
    source, row = view.of_subject(inner)
    column = view.levels(source, inner)
    return Text(np.append(np.append(column.codes, np.int32(-1))[row], np.int32(-1))[view.subject(name)], column.levels)


def _there(view: StudyView, name: str, variables: Sequence[str]) -> bool:
    for variable in variables:
        home, _, inner = variable.rpartition(".")
        where = view.subjects_dataset if home else name
        if not where or where not in view.names or inner not in view.dataset(where):
            return False
    return name in view.names


def known_values(view: StudyView, rule: Rule) -> Iterator[Tested]:
    """Every value is one of the parameter ``values``."""
    name, variable = rule.dataset, rule.variable
    if _there(view, name, (variable,)):
        column, known = view.levels(name, variable), set(cast(list[str], rule.parameters["values"]))
        yield tested_levels(name, variable, column, (str(level) not in known for level in column.levels))


def always_filled(view: StudyView, rule: Rule) -> Iterator[Tested]:
    """No cell is missing."""
    if _there(view, rule.dataset, (rule.variable,)):
        missing = view.dataset(rule.dataset)[rule.variable].missing
        yield tested(rule.dataset, rule.variable, np.ones(len(missing), bool), missing)


def always_empty(view: StudyView, rule: Rule) -> Iterator[Tested]:
    """Every cell is missing."""
    if _there(view, rule.dataset, (rule.variable,)):
        missing = view.dataset(rule.dataset)[rule.variable].missing
        yield tested(rule.dataset, rule.variable, np.ones(len(missing), bool), ~missing)


def text_shape(view: StudyView, rule: Rule) -> Iterator[Tested]:
    """Every text has one of the shapes in the parameter ``shapes``."""
    name, variable = rule.dataset, rule.variable
    if _there(view, name, (variable,)):
        column, known = view.levels(name, variable), set(cast(list[str], rule.parameters["shapes"]))
        yield tested_levels(name, variable, column, (shape_of(str(level)) not in known for level in column.levels))


def value_range(view: StudyView, rule: Rule) -> Iterator[Tested]:
    """A number lies in the bounds of its group: ``by`` names the grouping variables, ``bounds`` gives low and high by group."""
    by = cast(list[str], rule.parameters["by"])
    name, variable = rule.dataset, rule.variable
    if not _there(view, name, (variable, *by)):
        return
    bounds = cast(Mapping[str, Sequence[float]], rule.parameters["bounds"])
    values = view.dataset(name).numbers(variable)
    if by:
        group, texts = combination(view, name, by)
    else:
        group, texts = np.zeros(len(values), np.int64), [""]
    low: Floats = np.array([bounds.get(text, (-np.inf, np.inf))[0] for text in texts] or [-np.inf])
    high: Floats = np.array([bounds.get(text, (-np.inf, np.inf))[1] for text in texts] or [np.inf])
    listed = np.array([text in bounds for text in texts] or [False])
    yield tested(name, variable, ~np.isnan(values) & listed[group], (values < low[group]) | (values > high[group]))


def follows_from(view: StudyView, rule: Rule) -> Iterator[Tested]:
    """Where the variables ``determinants`` are equal, the dependent is equal too, and as the source had it where ``values`` knows.

    Rows that differ from their group's usual value fail. Rows without any determinant are tested where the source knows what goes
    with none, and those with a text that stands for withheld ones not at all. Needs the whole study.
    """
    determinants = cast(list[str], rule.parameters["determinants"])
    name, variable = rule.dataset, rule.variable
    if not _there(view, name, (*determinants, variable)):
        return
    given, dependent = [_lookup(view, name, determinant) for determinant in determinants], view.levels(name, variable)
    rows = Tally.of([column.held for column in (*given, dependent)])
    group, texts = combined([column.take(rows.rows) for column in given])
    value = dependent.take(rows.rows)
    wrong: Mask = majority(group, value.codes.astype(np.int64), rows.counts) != value.codes
    known = cast(Mapping[str, str], rule.parameters.get("values", {}))
    if known:
        position = {str(level): code for code, level in enumerate(value.levels)} | {"": -1}
        expected = np.array([position.get(known[text], -2) if text in known else -3 for text in texts], np.int64)[group]
        wrong = np.where(expected == -3, wrong, expected != value.codes)
    nothing = SEPARATOR.join([""] * len(determinants))
    says = [(text != nothing or text in known) and WITHHELD not in text.split(SEPARATOR) for text in texts]
    yield tested_combinations(name, variable, rows, np.array(says, bool)[group], wrong)


def known_combination(view: StudyView, rule: Rule) -> Iterator[Tested]:
    """Where the variables ``given`` are one of the keys of ``allowed``, the variables ``then`` are one of its values."""
    given, then = cast(list[str], rule.parameters["given"]), cast(list[str], rule.parameters["then"])
    name = rule.dataset
    if not _there(view, name, (*given, *then)):
        return
    allowed = cast(Mapping[str, Sequence[str]], rule.parameters["allowed"])
    left, right = ([_lookup(view, name, variable) for variable in side] for side in (given, then))
    rows = Tally.of([column.held for column in (*left, *right)])
    (key, key_texts), (value, value_texts) = (combined([column.take(rows.rows) for column in side]) for side in (left, right))
    listed = np.array([text in allowed for text in key_texts], bool)[key]
    wrong = [value_texts[v] not in allowed.get(key_texts[k], ()) for k, v in zip(key.tolist(), value.tolist(), strict=True)]
    shown = next((variable for variable in then if "." not in variable), then[0])
    yield tested_combinations(name, shown, rows, listed, np.array(wrong, bool))


def dates_of(view: StudyView, name: str, variable: str) -> Dates:
    """Return dates of a dataset's rows: its own variable, or with a dot one of the subjects dataset."""
    home, _, inner = variable.rpartition(".")
    return view.mark_of_rows(name, inner) if home else view.dates(name, variable)


def date_order(view: StudyView, rule: Rule) -> Iterator[Tested]:
    """The date ``first`` does not certainly lie after the date ``second``."""
    first, second = cast(str, rule.parameters["first"]), cast(str, rule.parameters["second"])
    name = rule.dataset
    if _there(view, name, (first, second)):
        a, b = dates_of(view, name, first), dates_of(view, name, second)
        shown = second if "." not in second else first
        yield tested(name, shown, ~np.isnan(a.day) & ~np.isnan(b.day), certainly_after(a, b))


def present_by_arm(view: StudyView, rule: Rule) -> Iterator[Tested]:
    """Subjects of the arms in ``all`` have a row in the dataset; subjects of the arms in ``none`` have none.

    What is shown is the subject's row in the dataset of subjects.
    """
    arm_variable, home = cast(str, rule.parameters["arm"]), view.subjects_dataset
    if not home or rule.dataset not in view.names or arm_variable not in view.dataset(home):
        return
    has = np.zeros(view.n_subjects + 1, bool)
    has[view.subject(rule.dataset)[view.subject(rule.dataset) >= 0]] = True
    present = has[view.subject(home)]
    arm = view.levels(home, arm_variable)
    always, never = (
        np.array([str(level) in cast(list[str], rule.parameters[key]) for level in arm.levels] + [False])[arm.codes]
        for key in ("all", "none")
    )
    yield tested(home, arm_variable, (always | never) & (view.subject(home) >= 0), (always & ~present) | (never & present))

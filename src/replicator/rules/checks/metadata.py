"""Checks of names, labels, lengths and required variables."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import cast

import numpy as np

from replicator.profile.structure import Kind
from replicator.rules.rule import Rule
from replicator.rules.tested import Tested, tested, tested_levels, tested_names
from replicator.rules.view import StudyView
from replicator.tables.dataset import Text

_REQUIRED: dict[Kind, tuple[str, ...]] = {
    Kind.SUBJECTS: ("STUDYID", "DOMAIN", "USUBJID", "SUBJID", "SITEID", "SEX", "ARMCD", "ARM", "COUNTRY"),
    Kind.FINDINGS: ("STUDYID", "DOMAIN", "USUBJID", "--SEQ", "--TESTCD", "--TEST"),
    Kind.EVENTS: ("STUDYID", "DOMAIN", "USUBJID", "--SEQ", "--TERM"),
    Kind.INTERVENTIONS: ("STUDYID", "DOMAIN", "USUBJID", "--SEQ", "--TRT"),
    Kind.SCHEDULE: ("STUDYID", "DOMAIN", "USUBJID", "VISITNUM"),
    Kind.STATES: ("STUDYID", "DOMAIN", "USUBJID", "ETCD"),
    Kind.QUALIFIERS: ("STUDYID", "RDOMAIN", "USUBJID", "QNAM", "QLABEL", "QVAL"),
}
_NAME = re.compile(r"[A-Z_][A-Z0-9_]{0,7}")
_STRAY = re.compile(r"\A\s|\s\Z|[\x00-\x1f\x7f]")


def _required(view: StudyView, name: str) -> tuple[str, ...]:
    prefix = view.facts(name).prefix
    of_sdtm = "DOMAIN" in view.dataset(name) or "RDOMAIN" in view.dataset(name)
    wanted = _REQUIRED.get(view.facts(name).kind, ()) if of_sdtm else ()
    return tuple(variable.replace("--", prefix) for variable in wanted)


def required_present(view: StudyView, rule: Rule) -> Iterator[Tested]:
    """Variables that the standard requires are in the dataset."""
    for name in view.names:
        if wanted := _required(view, name):
            yield tested_names(name, len(wanted), [variable for variable in wanted if variable not in view.dataset(name)])


def required_filled(view: StudyView, rule: Rule) -> Iterator[Tested]:
    """Variables that the standard requires have a value in every row.

    A row of a pool may lack its subject, and a subject without an arm has the reason in ARMNRS instead (SDTMIG 3.4, 5.2).
    """
    for name in view.names:
        dataset = view.dataset(name)
        for variable in _required(view, name):
            if variable in dataset:
                missing = dataset[variable].missing
                instead = {"USUBJID": "POOLID", "ARMCD": "ARMNRS", "ARM": "ARMNRS"}.get(variable, "")
                if instead in dataset:
                    missing = missing & dataset[instead].missing
                yield tested(name, variable, np.ones(dataset.n_rows, bool), missing)


def variable_names(view: StudyView, rule: Rule) -> Iterator[Tested]:
    """Names are upper case, at most 8 characters, and begin with a letter."""
    for name in view.names:
        names = view.dataset(name).names
        yield tested_names(name, len(names), [variable for variable in names if not _NAME.fullmatch(variable)])


def variable_labels(view: StudyView, rule: Rule) -> Iterator[Tested]:
    """Labels have at most 40 characters; only datasets that have labels are tested."""
    for name in view.names:
        labelled = [variable for variable in view.dataset(name).variables if variable.label]
        if labelled:
            yield tested_names(name, len(labelled), [variable.name for variable in labelled if len(variable.label) > 40])


def text_length(view: StudyView, rule: Rule) -> Iterator[Tested]:
    """Text has at most ``limit`` bytes."""
    limit = cast(int, rule.parameters["limit"])
    for name in view.names:
        for variable in view.dataset(name).names:
            column = view.dataset(name)[variable]
            if isinstance(column, Text):
                yield tested_levels(name, variable, column, (_is_longer(str(level), limit) for level in column.levels))


def _is_longer(text: str, limit: int) -> bool:
    return len(text) > limit or (not text.isascii() and len(text.encode()) > limit)


def outer_blanks(view: StudyView, rule: Rule) -> Iterator[Tested]:
    """Text neither begins nor ends with a blank, and has no control characters."""
    for name in view.names:
        for variable in view.dataset(name).names:
            column = view.dataset(name)[variable]
            if isinstance(column, Text):
                yield tested_levels(name, variable, column, (_has_stray(str(level)) for level in column.levels))


def _has_stray(text: str) -> bool:
    plain = text.isprintable() and text[0] != " " != text[-1]  # as nearly all are, and quickly told
    return not plain and _STRAY.search(text) is not None


def code_length(view: StudyView, rule: Rule) -> Iterator[Tested]:
    """Codes and their names keep to the ``limits`` of the standard in characters; those in ``names`` can name a variable too."""
    limits, names = cast(Mapping[str, int], rule.parameters["limits"]), cast(list[str], rule.parameters["names"])
    for name in view.names:
        for pattern, limit in limits.items():
            variable = pattern.replace("--", view.facts(name).prefix)
            if variable in view.dataset(name) and isinstance(view.dataset(name)[variable], Text):
                column = view.text(name, variable)
                wrong = [
                    len(str(level)) > limit or (pattern in names and not _NAME.fullmatch(str(level))) for level in column.levels
                ]
                yield tested_levels(name, variable, column, wrong)

"""Checks of identity: keys, sequence numbers, subjects, duplicates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

import numpy as np

from replicator.profile.structure import Kind, Role
from replicator.rules.grouping import repeated, repeats
from replicator.rules.rule import Rule
from replicator.rules.tested import Tested, tested, tested_levels
from replicator.rules.view import OBSERVATIONS, StudyView


def natural_key(view: StudyView, rule: Rule) -> Iterator[Tested]:
    """No two rows share the natural key of their dataset, as the structure has it."""
    for name in view.names:
        yield from _unique(view, name, view.facts(name).keys)


def known_key(view: StudyView, rule: Rule) -> Iterator[Tested]:
    """No two rows of the rule's dataset share the key in the parameter ``keys``."""
    if rule.dataset in view.names:
        yield from _unique(view, rule.dataset, cast(Sequence[str], rule.parameters["keys"]))


def _unique(view: StudyView, name: str, keys: Sequence[str]) -> Iterator[Tested]:
    if keys and all(key in view.dataset(name) for key in keys):
        rows = np.flatnonzero(view.repeated(name, keys, by_subject=False))
        parts = [view.dataset(name)[key].take(rows).strings() for key in keys]
        shown = tuple(" | ".join(str(part) for part in row) for row in zip(*parts, strict=True))
        yield Tested(name, "", view.dataset(name).n_rows, rows, shown)


def one_row_a_subject(view: StudyView, rule: Rule) -> Iterator[Tested]:
    """The subjects dataset has one row for each subject."""
    name = view.subjects_dataset
    if name and (variable := view.subject_variable(name)):
        subject = view.subject(name)
        yield tested(name, variable, subject >= 0, repeats(subject))


def subject_known(view: StudyView, rule: Rule) -> Iterator[Tested]:
    """Every subject of a dataset is in the subjects dataset."""
    home = view.subjects_dataset
    if not home:
        return
    known = np.append(np.bincount(view.subject(home)[view.subject(home) >= 0], minlength=view.n_subjects) > 0, True)
    for name in view.names:
        variable = view.subject_variable(name)
        if name != home and variable:
            subject = view.subject(name)
            yield tested(name, variable, subject >= 0, ~known[subject])


def sequence_unique(view: StudyView, rule: Rule) -> Iterator[Tested]:
    """--SEQ is unique within a subject, over all datasets that a domain is split into."""
    by_domain: dict[str, list[str]] = {}
    for name in view.names:
        if view.facts(name).kind is not Kind.QUALIFIERS and view.named(name, "SEQ") and view.subject_variable(name):
            by_domain.setdefault(view.dataset(name).domain, []).append(name)
    for names in by_domain.values():
        subject = np.concatenate([view.subject(name) for name in names])
        sequence = np.concatenate([view.dataset(name).numbers(view.named(name, "SEQ")) for name in names])
        parts = 1 if bool((np.isnan(sequence) | (sequence == np.floor(sequence))).all()) else 1000
        again = repeated([subject, np.nan_to_num(sequence * parts, nan=-1, posinf=-1, neginf=-1).astype(np.int64)])
        start = 0
        for name in names:
            stop = start + view.dataset(name).n_rows
            here = ~np.isnan(sequence[start:stop]) & (subject[start:stop] >= 0)
            yield tested(name, view.named(name, "SEQ"), here, again[start:stop])
            start = stop


def sequence_number(view: StudyView, rule: Rule) -> Iterator[Tested]:
    """--SEQ is a whole number above 0 in every row."""
    for name in view.names:
        if variable := view.named(name, "SEQ"):
            sequence = view.dataset(name).numbers(variable)
            fine = (sequence > 0) & (sequence == np.floor(sequence))
            yield tested(name, variable, np.ones(len(sequence), bool), ~fine)


def duplicate_rows(view: StudyView, rule: Rule) -> Iterator[Tested]:
    """No two rows agree in everything but --SEQ and the sponsor's record identifiers."""
    for name in view.of_kind(*OBSERVATIONS, Kind.SCHEDULE, Kind.STATES, Kind.QUALIFIERS):
        marked = set(view.facts(name).with_role(Role.SEQUENCE, Role.RECORD_ID)) if name in view.of_kind(*OBSERVATIONS) else set()
        variables = [variable for variable in view.dataset(name).names if variable not in marked]
        if variables:
            again = view.repeated(name, variables, by_subject=False)
            yield tested(name, "", np.ones(len(again), bool), again)


def duplicate_measurement(view: StudyView, rule: Rule) -> Iterator[Tested]:
    """No test has two different results for the same subject, time and circumstances."""
    apart = (Role.SEQUENCE, Role.RECORD_ID, Role.RESULT, Role.FLAG, Role.STUDY_DAY, Role.EPOCH)
    consequence = ("NRIND", "STNRLO", "STNRHI", "ORNRLO", "ORNRHI", "STNRC", "STAT", "REASND", "TOXGR", "CLSIG", "ORRESU", "STRESU")
    for name in view.of_kind(Kind.FINDINGS):
        result, date = view.named(name, "STRESC") or view.named(name, "ORRES"), view.named(name, "DTC")
        if not result or not date or not view.named(name, "TESTCD"):
            continue
        left_out = {*view.facts(name).with_role(*apart), *(view.named(name, suffix) for suffix in consequence)}
        variables = [variable for variable in view.dataset(name).names if variable not in left_out]
        applies = view.filled(name, result) & view.filled(name, date) & (view.subject(name) >= 0)
        yield tested(name, result, applies, view.repeated(name, variables, rows=applies))


def constant(view: StudyView, rule: Rule) -> Iterator[Tested]:
    """A variable that names the study or the domain has one value in a dataset; the study's in all datasets."""
    variable = rule.variable
    names = [name for name in view.names if variable in view.dataset(name)]
    texts = {name: view.text(name, variable) for name in names}
    counts: dict[str, int] = {}
    for column in texts.values():
        for level, count in zip(
            column.levels, np.bincount(column.codes[column.codes >= 0], minlength=len(column.levels)), strict=True
        ):
            counts[str(level)] = counts.get(str(level), 0) + int(count)
    usual = max(counts, key=lambda level: counts[level], default="")
    for name, column in texts.items():
        if rule.parameters.get("within") == "dataset":
            count = np.bincount(column.codes[column.codes >= 0], minlength=len(column.levels))
            usual = str(column.levels[int(np.argmax(count))]) if len(count) else ""
        yield tested_levels(name, variable, column, [str(level) != usual for level in column.levels])

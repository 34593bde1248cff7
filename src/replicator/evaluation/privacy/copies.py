"""Copies: identifiers and texts that one subject of the source has and that the sample has too."""

from __future__ import annotations

import re

import numpy as np

from replicator.evaluation.distances import count_matrix
from replicator.evaluation.measures import Direction, Figure, Interval
from replicator.evaluation.privacy.alone import Held, alone_figure
from replicator.evaluation.privacy.groups import Groups
from replicator.evaluation.stack import Origin, Stack
from replicator.profile.structure import Kind, Role
from replicator.tables.dataset import Text
from replicator.tables.dates import Precision, parse_dates

TEXTS, IDENTIFIERS = "copied texts", "copied identifiers"
TEXTS_QUESTION = "Of the texts in words that one subject of the source alone has, which share is in the sample?"
IDENTIFIERS_QUESTION = "How many of the source's subject identifiers are in the sample?"

_NO_WORDS = (Role.IDENTIFIER, Role.SUBJECT, Role.SEQUENCE, Role.DATE, Role.RECORD_ID)


def identifier_figure(stack: Stack) -> Figure:
    """Identifiers of the source's subjects that the sample has; none may be."""
    source, sample = (
        {str(one)[2:] for one in stack.view.subject_ids[stack.subjects(origin)]} for origin in (Origin.SOURCE, Origin.SAMPLE)
    )
    n = float(len(source & sample))
    return Figure(IDENTIFIERS, IDENTIFIERS_QUESTION, n, 0.0, Interval(n, n), 0.0, float(len(source)), Direction.LOWER, len(sample))


def text_figure(stack: Stack, groups: Groups) -> Figure:
    """Texts in words (with two letters in a row, and no dates) that one subject alone has."""
    kinds = [held for name in stack.view.names for held in _words(stack, name)]
    return alone_figure(TEXTS, TEXTS_QUESTION, kinds, groups)


def _words(stack: Stack, name: str) -> list[Held]:
    """Who has which text, for each variable in words of a dataset."""
    view, found = stack.view, []
    if view.facts(name).kind is Kind.REFERENCE or not view.subject_variable(name):
        return []
    for one in view.facts(name).variables:
        column = view.dataset(name).columns.get(one.name)
        if one.role in _NO_WORDS or not isinstance(column, Text) or not len(column.levels):
            continue
        in_words = np.array([bool(re.search(r"[^\W\d_]{2}", str(level))) for level in column.levels], bool)
        every = Text(np.arange(len(column.levels), dtype=np.int32), column.levels)
        in_words &= parse_dates(every).precision < Precision.YEAR
        if in_words.any():
            codes = np.where(np.append(in_words, False)[column.codes], column.codes, -1).astype(np.int64)
            counts = count_matrix(view.subject(name), codes, len(stack.origin), len(column.levels))
            found.append(Held(f"{name}.{one.name}", counts))
    return found

"""Distributions of variables and tests, source and sample over the same bins or categories."""

from __future__ import annotations

import numpy as np

from replicator.evaluation.columns import ComparedColumn
from replicator.evaluation.distances import Floats, Ints
from replicator.evaluation.pictures.bins import bin_codes, merge_bins, merged_edges, round_edges, shared_range, subject_bins
from replicator.evaluation.pictures.shapes import Distribution, VariablePicture
from replicator.evaluation.sharing import FEWEST_SHARED, most_shared
from replicator.evaluation.stack import Origin, Stack
from replicator.profile.protected import count_subjects
from replicator.profile.structure import Role
from replicator.rules.grouping import Mask
from replicator.tables.dataset import Text

MOST_BINS = 30
MOST_LEVELS = 12
OTHERS = "others"


def variable_pictures(stack: Stack, name: str, columns: tuple[ComparedColumn, ...]) -> tuple[VariablePicture, ...]:
    """Draw the variables of a dataset that have a distribution and whose values five subjects of the source share.

    Results of several tests have no common unit; :func:`~replicator.evaluation.pictures.courses.test_pictures` has them by test.
    """
    found = []
    roles = {one.name: one.role for one in stack.view.facts(name).variables}
    tests = stack.view.named(name, "TESTCD")
    mixed = bool(tests) and len(stack.view.text(name, tests).levels) > 1
    for column in (one for one in columns if one.dataset == name):
        if mixed and roles.get(column.variable) is Role.RESULT:
            continue
        rows = np.arange(len(column.subject))
        if column.ordered and not _names(stack, name, column.variable, roles.get(column.variable)):
            drawn = number_distribution(stack, name, stack.view.dataset(name).numbers(column.variable), rows)
        else:
            drawn = text_distribution(stack, name, stack.view.text(name, column.variable), rows)
        if drawn is not None:
            label = next((one.label for one in stack.view.dataset(name).variables if one.name == column.variable), "")
            found.append(VariablePicture(column.variable, label, drawn))
    return tuple(found)


def _names(stack: Stack, name: str, variable: str, role: Role | None) -> bool:
    """Whether the numbers of a variable name something: those of visits, and those that stand as text and are no results."""
    return role is Role.VISIT or (isinstance(stack.view.dataset(name)[variable], Text) and role is not Role.RESULT)


def number_distribution(stack: Stack, name: str, values: Floats, rows: Ints) -> Distribution | None:
    """Draw numbers of some rows of a dataset; None where fewer than five subjects of the source have one.

    Parameters
    ----------
    values : (n_rows,) float64
        Of the whole dataset.
    rows : (n_chosen,) int64
        Positions of the rows.
    """
    rows = rows[np.isfinite(values[rows])]
    subject, of_source, of_sample = _sides(stack, name, rows)
    span = shared_range(values[rows[of_source]], subject[of_source])
    if span is None:
        return None
    edges = round_edges(*span, MOST_BINS)
    codes = bin_codes(values[rows], edges)
    group = merge_bins(subject_bins(subject[of_source], codes[of_source], len(stack.origin), len(edges) - 1))
    if group is None:
        return None
    return Distribution(merged_edges(edges, group), (), *_both(group[codes], of_source, of_sample, int(group[-1]) + 1))


def text_distribution(stack: Stack, name: str, text: Text, rows: Ints) -> Distribution | None:
    """Draw categories of some rows of a dataset; those of fewer than five subjects of the source are one.

    If fewer than five of the source have any of these, they are one with the rarest of the others: what is left of a whole would
    tell how many they are.

    Parameters
    ----------
    text : Text
        Of the whole dataset.
    rows : (n_chosen,) int64
        Positions of the rows.
    """
    rows = rows[text.codes[rows] >= 0]
    subject, of_source, of_sample = _sides(stack, name, rows)
    codes = text.codes[rows].astype(np.int64)
    behind = count_subjects(codes[of_source], subject[of_source], len(text.levels))
    kept = most_shared(behind, FEWEST_SHARED, MOST_LEVELS)
    if not len(kept):
        return None
    place_of = np.full(len(text.levels), len(kept), np.int64)
    place_of[kept] = np.arange(len(kept))
    place = place_of[codes]
    levels = [str(text.levels[code]) for code in kept.tolist()]
    other = place == len(kept)
    if 0 < len(np.unique(subject[of_source & other])) < FEWEST_SHARED:
        rarest = int(behind[kept].argmin())
        place[other] = rarest
        levels[rarest] += f" or {OTHERS}"
    elif other[of_source | of_sample].any():
        levels.append(OTHERS)
    return Distribution((), tuple(levels), *_both(place, of_source, of_sample, len(levels)))


def _sides(stack: Stack, name: str, rows: Ints) -> tuple[Ints, Mask, Mask]:
    """Subject of each of some rows, and which are of the source and of the sample."""
    subject = stack.view.subject(name)[rows]
    origin = np.append(stack.origin, -1)[subject]
    return subject, np.asarray(origin == Origin.SOURCE), np.asarray(origin == Origin.SAMPLE)


def _both(codes: Ints, of_source: Mask, of_sample: Mask, n: int) -> tuple[tuple[float, ...], tuple[float, ...], int, int]:
    source, sample = (np.bincount(codes[rows], minlength=n) for rows in (of_source, of_sample))
    return _shares(source), _shares(sample), int(source.sum()), int(sample.sum())


def _shares(counts: Ints) -> tuple[float, ...]:
    return tuple(float(share) for share in counts / max(int(counts.sum()), 1))

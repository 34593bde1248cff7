"""Distributions of variables and tests, source and sample over the same bins or categories."""

from __future__ import annotations

import numpy as np

from replicator.evaluation.columns import ComparedColumn
from replicator.evaluation.distances import Floats, Ints
from replicator.evaluation.pictures.bins import bin_codes, merge_bins, merged_edges, round_edges, shared_range, subject_bins
from replicator.evaluation.pictures.shapes import Distribution, VariablePicture
from replicator.evaluation.sharing import FEWEST_SHARED, shared_rows
from replicator.evaluation.stack import Origin, Stack
from replicator.rules.grouping import Mask
from replicator.tables.dataset import Text

MOST_BINS = 30
MOST_LEVELS = 12
OTHERS = "others"


def variable_pictures(stack: Stack, name: str, columns: tuple[ComparedColumn, ...]) -> tuple[VariablePicture, ...]:
    """Draw the variables of a dataset that have a distribution and whose values five subjects of the source share."""
    found = []
    for column in (one for one in columns if one.dataset == name):
        rows = np.ones(len(column.subject), bool)
        if column.ordered:
            drawn = number_distribution(stack, name, stack.view.dataset(name).numbers(column.variable), rows)
        else:
            drawn = text_distribution(stack, name, stack.view.text(name, column.variable), rows)
        if drawn is not None:
            label = next((one.label for one in stack.view.dataset(name).variables if one.name == column.variable), "")
            found.append(VariablePicture(column.variable, label, drawn))
    return tuple(found)


def number_distribution(stack: Stack, name: str, values: Floats, rows: Mask) -> Distribution | None:
    """Draw numbers of some rows of a dataset; None where fewer than five subjects of the source have one."""
    subject = stack.view.subject(name)
    known = rows & np.isfinite(values) & (subject >= 0)
    of_source, of_sample = known & stack.rows(name, Origin.SOURCE), known & stack.rows(name, Origin.SAMPLE)
    span = shared_range(values[of_source], subject[of_source])
    if span is None:
        return None
    edges = round_edges(*span, MOST_BINS)
    codes = bin_codes(values, edges)
    group = merge_bins(subject_bins(subject[of_source], codes[of_source], len(stack.origin), len(edges) - 1))
    if group is None:
        return None
    merged = np.append(group, -1)[codes]
    n = int(group[-1]) + 1
    return Distribution(merged_edges(edges, group), (), *_both(merged, of_source, of_sample, n))


def text_distribution(stack: Stack, name: str, text: Text, rows: Mask) -> Distribution | None:
    """Draw categories of some rows of a dataset; those of fewer than five subjects of the source are one."""
    known = rows & (text.codes >= 0) & (stack.view.subject(name) >= 0)
    codes = np.where(known, text.codes, -1).astype(np.int64)
    kept, place, frequent = shared_rows(stack, name, codes, len(text.levels), FEWEST_SHARED, MOST_LEVELS)
    if not len(kept):
        return None
    of_source, of_sample = known & stack.rows(name, Origin.SOURCE), known & stack.rows(name, Origin.SAMPLE)
    others = bool((known & ~frequent & (of_source | of_sample)).any())
    levels = tuple(str(text.levels[code]) for code in kept.tolist()) + ((OTHERS,) if others else ())
    return Distribution((), levels, *_both(np.where(frequent, place, len(kept)), of_source, of_sample, len(levels)))


def _both(codes: Ints, of_source: Mask, of_sample: Mask, n: int) -> tuple[tuple[float, ...], tuple[float, ...], int, int]:
    source, sample = (np.bincount(codes[rows], minlength=n) for rows in (of_source, of_sample))
    return _shares(source), _shares(sample), int(source.sum()), int(sample.sum())


def _shares(counts: Ints) -> tuple[float, ...]:
    return tuple(float(share) for share in counts / max(int(counts.sum()), 1))

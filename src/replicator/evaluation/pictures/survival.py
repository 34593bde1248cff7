"""Kaplan-Meier curves of staying in the study, source and sample, overall and by arm."""

from __future__ import annotations

import numpy as np

from replicator.evaluation.distances import Floats, Ints, count_matrix
from replicator.evaluation.endpoints.survival import LifeTable, kaplan_meier
from replicator.evaluation.pictures.bins import bin_codes, merge_bins, round_edges, shared_range, subject_bins
from replicator.evaluation.pictures.shapes import Curve
from replicator.evaluation.retention import Leaving
from replicator.evaluation.sharing import FEWEST_SHARED, shared_arms
from replicator.evaluation.stack import Origin, Stack
from replicator.evaluation.timeline import Timeline
from replicator.rules.grouping import Mask

MOST_STEPS = 120
DISCONTINUATION, LEAVING = "discontinuation", "the end of participation, whatever its reason"


def retention_curves(stack: Stack, timeline: Timeline) -> tuple[tuple[Curve, ...], str]:
    """Draw the share of subjects that has not left, and say what leaving means; points of the source have five subjects between
    them and five still there."""
    leaving = Leaving.of(stack, timeline)
    end, event = leaving.day, leaving.event
    sides = [(stack.origin == origin) & np.isfinite(end) for origin in (Origin.SOURCE, Origin.SAMPLE)]
    drawn = []
    for arm, members in (("", np.ones(len(end), bool)), *shared_arms(stack)):
        source, sample = (side & members for side in sides)
        span = shared_range(end[source], np.flatnonzero(source))
        if span is None or not sample.any():
            continue
        if not arm and span[0] == span[1]:  # all leave on one day, as in a study of a single dose: there is no curve
            break
        edges = round_edges(min(span[0], 0.0), span[1], MOST_STEPS)
        codes = bin_codes(end, edges)
        n_bins = len(edges) - 1
        group = merge_bins(subject_bins(np.flatnonzero(source), codes[source], len(end), n_bins))
        if group is None:
            continue
        who = np.arange(len(end))
        exits = count_matrix(who, codes, len(end), n_bins)
        events = count_matrix(who, np.where(event, codes, -1), len(end), n_bins)
        both = np.array([source, sample], np.float64)
        left = np.asarray(both @ exits)
        at_risk = np.cumsum(left[:, ::-1], axis=1)[:, ::-1]
        staying = kaplan_meier(LifeTable(edges[1:], np.asarray(both @ events), at_risk))
        filled = np.unique(codes[source])
        last = filled[np.append(np.diff(group[filled]) > 0, True)]  # the last exits of each merged bin
        last = last[at_risk[0][last] >= FEWEST_SHARED]
        if not len(last):
            continue
        begin = edges[np.searchsorted(group, group[last])]
        at = np.clip(np.searchsorted(edges, begin) - 1, 0, n_bins - 1)
        days = tuple(np.column_stack([begin, edges[last + 1]]).ravel().tolist())
        begins = begin > edges[0]
        shares = [_points(one, begins, at, last) for one in staying.share]
        ends = [np.where(np.isfinite(end), end, staying.share) for end in staying.interval()]
        bands = [np.column_stack([_points(end[side], begins, at, last) for end in ends]) for side in (0, 1)]
        if days[0] > edges[0]:  # nobody has left before
            days = (float(edges[0]), *days)
            shares, bands = ([np.concatenate([np.ones((1, *one.shape[1:])), one]) for one in both] for both in (shares, bands))
        drawn.append(
            Curve(
                arm,
                days,
                tuple(shares[0].tolist()),
                tuple(shares[1].tolist()),
                int(source.sum()),
                int(sample.sum()),
                tuple((low, high) for low, high in bands[0].tolist()),
                tuple((low, high) for low, high in bands[1].tolist()),
            )
        )
    return tuple(drawn), DISCONTINUATION if leaving.by_disposition else LEAVING


def _points(values: Floats, begins: Mask, at: Ints, last: Ints) -> Floats:
    """Values at the beginning and the end of each stretch of days; 1 at the very beginning."""
    return np.asarray(np.column_stack([np.where(begins, values[at], 1.0), values[last]]).ravel())

"""Kaplan-Meier curves of staying in the study, source and sample, overall and by arm."""

from __future__ import annotations

import numpy as np

from replicator.evaluation.distances import count_matrix
from replicator.evaluation.pictures.bins import bin_codes, merge_bins, round_edges, shared_range, subject_bins
from replicator.evaluation.pictures.shapes import Curve
from replicator.evaluation.retention import completers, survival
from replicator.evaluation.sharing import FEWEST_SHARED, shared_arms
from replicator.evaluation.stack import Origin, Stack
from replicator.evaluation.timeline import Timeline

MOST_STEPS = 120
DISCONTINUATION, LEAVING = "discontinuation", "the end of participation, whatever its reason"


def retention_curves(stack: Stack, timeline: Timeline) -> tuple[tuple[Curve, ...], str]:
    """Draw the share of subjects that has not left, and say what leaving means; points of the source have five subjects between
    them and five still there."""
    end = timeline.end_of_participation()
    completed = completers(stack)
    event = np.ones(len(end), bool) if completed is None else ~completed
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
        staying, at_risk = survival(np.array([source, sample]), events, exits)
        filled = np.unique(codes[source])
        last = filled[np.append(np.diff(group[filled]) > 0, True)]  # the last exits of each merged bin
        last = last[at_risk[0][last] >= FEWEST_SHARED]
        if not len(last):
            continue
        begin = edges[np.searchsorted(group, group[last])]
        at = np.clip(np.searchsorted(edges, begin) - 1, 0, n_bins - 1)
        days = tuple(np.column_stack([begin, edges[last + 1]]).ravel().tolist())
        first, second = (
            tuple(np.column_stack([np.where(begin > edges[0], one[at], 1.0), one[last]]).ravel().tolist()) for one in staying
        )
        drawn.append(Curve(arm, days, first, second, int(source.sum()), int(sample.sum())))
    return tuple(drawn), LEAVING if completed is None else DISCONTINUATION

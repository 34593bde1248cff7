"""Events and treatments as lanes: which terms begin when."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from replicator.evaluation.distances import Floats, Ints
from replicator.evaluation.occurrences import TERMS, frequent_terms
from replicator.evaluation.pictures.bins import bin_codes, merge_bins, merged_edges, round_edges, shared_range, subject_bins
from replicator.evaluation.pictures.shapes import Lane
from replicator.evaluation.stack import Origin, Stack
from replicator.evaluation.timeline import Timeline

MOST_LANES = 20
MOST_BINS = 24


def lanes(stack: Stack, timeline: Timeline, name: str) -> tuple[Lane, ...]:
    """Draw the most frequent terms of an events or interventions dataset; none without dates."""
    terms = frequent_terms(stack, name, TERMS, 0.0, MOST_LANES)
    start, subject = timeline.start(name), stack.view.subject(name)
    of_source = stack.rows(name, Origin.SOURCE) & np.isfinite(start)
    span = shared_range(start[of_source], subject[of_source])
    if terms is None or span is None:
        return ()
    edges = round_edges(*span, MOST_BINS)
    codes = bin_codes(start, edges)
    having = terms.rows.sign().tocsr()
    source, sample = stack.origin == Origin.SOURCE, stack.origin == Origin.SAMPLE
    shares = [np.asarray(side.astype(np.float64) @ having) / max(int(side.sum()), 1) for side in (source, sample)]
    found = []
    for i, term in enumerate(terms.names):
        rows = (terms.term == i) & (codes >= 0)
        bins = subject_bins(subject[rows], codes[rows], len(stack.origin), len(edges) - 1)
        group = merge_bins(bins[np.flatnonzero(source)])
        if group is not None:
            first, second = (_beginning(bins[np.flatnonzero(side)], group, int(side.sum())) for side in (source, sample))
            label = term.removeprefix(f"{name} ")
            found.append(Lane(label, merged_edges(edges, group), first, second, float(shares[0][i]), float(shares[1][i])))
    return tuple(found)


def _beginning(bins: sparse.csr_matrix, group: Ints, n_subjects: int) -> tuple[float, ...]:
    """Share of subjects with an onset in each merged bin."""
    n_groups = int(group[-1]) + 1
    into = sparse.csr_matrix((np.ones(len(group)), (np.arange(len(group)), group)), shape=(len(group), n_groups))
    found: Floats = np.asarray((bins @ into).sign().sum(axis=0), np.float64).ravel() / max(n_subjects, 1)
    return tuple(found.tolist())

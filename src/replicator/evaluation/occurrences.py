"""What happens to subjects and what they take: how many, which; when, how long; how severe, given what it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from replicator.evaluation.distances import Floats, Ints, compare_counts, count_matrix
from replicator.evaluation.group_distances import Both, compare_distributions, compare_means, compare_shares
from replicator.evaluation.measures import Distances, Family, summarise
from replicator.evaluation.results import source_positions
from replicator.evaluation.sharing import enough_subjects, shared_rows
from replicator.evaluation.splits import Splits
from replicator.evaluation.stack import Origin, Stack
from replicator.evaluation.timeline import Timeline
from replicator.profile.structure import Kind
from replicator.rules.grouping import Mask, codes_of
from replicator.tables.dataset import Text

TERMS = ("DECOD", "TERM", "TRT")
CLASSES = ("BODSYS", "SOC", "CLAS", "CAT")
QUALIFIERS = ("SEV", "TOXGR", "SER", "OUT", "REL", "ACN", "DOSE", "DOSU", "ROUTE", "DOSFRQ", "INDC", "PRESP", "OCCUR", "CONTRT")
MOST_TERMS = 150
MOST_LEVELS = 30
MOST_COUNTED = 255  # rows of one subject; more count as this many
SHARE = 0.02  # of the source's subjects, for a term to be looked at
SHARE_BY_ARM = 0.10
BINS = 20  # of positions among the source's days


@dataclass(frozen=True, eq=False)
class Terms:
    """Frequent terms of an events or interventions dataset.

    Attributes
    ----------
    dataset : str
    names : tuple of str
        Most frequent first.
    term : (n_rows,) int64
        Position in `names`, -1 for all others.
    rows : (n_subjects, n_terms) sparse matrix
        How many rows of it a subject has.
    """

    dataset: str
    names: tuple[str, ...]
    term: Ints
    rows: sparse.csr_matrix


def occurrence_datasets(stack: Stack) -> tuple[str, ...]:
    """Names of events and interventions datasets; disposition is looked at with retention."""
    view = stack.view
    return tuple(name for name in view.of_kind(Kind.EVENTS, Kind.INTERVENTIONS) if view.dataset(name).domain != "DS")


def frequent_terms(stack: Stack, name: str, suffixes: tuple[str, ...], share: float, most: int = MOST_TERMS) -> Terms | None:
    """Find the terms that at least `share` of the source's subjects have, by the first of `suffixes` that the source fills."""
    view, of_source = stack.view, stack.rows(name, Origin.SOURCE)
    for suffix in suffixes:
        variable = view.named(name, suffix)
        if variable and (view.filled(name, variable) & of_source).any():
            text = view.text(name, variable)
            kept, place, _ = shared_rows(
                stack, name, text.codes.astype(np.int64), len(text.levels), enough_subjects(stack, share), most
            )
            rows = count_matrix(view.subject(name), place, len(stack.origin), len(kept))
            return Terms(name, tuple(f"{name} {text.levels[code]}" for code in kept.tolist()), place, rows)
    return None


def occurrence_families(stack: Stack, splits: Splits, timeline: Timeline) -> tuple[Family, ...]:
    """Compare events and interventions.

    Returns
    -------
    tuple of Family
        ``events``: rows per subject, distinct and repeated terms, share of subjects with each frequent term and class;
        ``event days``: onset, duration and ongoing, overall and by term; ``event qualifiers``: severity and the like by
        term.
    """
    parts = [_dataset(stack, splits, timeline, name) for name in occurrence_datasets(stack)]
    counts, days, qualifiers = (Distances.join([one for part in parts for one in part[i]], len(splits)) for i in range(3))
    return (
        summarise("events", "Do as many subjects have as many events and treatments, of the same kinds?", counts),
        summarise("event days", "Do events and treatments begin when they should and last as long?", days),
        summarise(
            "event qualifiers", "Is each event as severe, as serious, as related and as treated as it should be?", qualifiers
        ),
    )


def _dataset(stack: Stack, splits: Splits, timeline: Timeline, name: str) -> tuple[list[Distances], ...]:
    terms = frequent_terms(stack, name, TERMS, SHARE)
    classes = frequent_terms(stack, name, CLASSES, SHARE)
    counts = [_rows_per_subject(stack, splits, name)]
    for kind in (terms, classes):
        if kind is not None and kind.names:
            counts.append(_shares(splits, kind.names, kind.rows.sign().tocsr()))
    if terms is not None and terms.names:
        counts.append(_recurrence(splits, terms))
    return counts, _days(stack, splits, timeline, name, terms), _qualifiers(stack, splits, name, terms)


def _rows_per_subject(stack: Stack, splits: Splits, name: str) -> Distances:
    """Distributions of rows, of distinct terms and of repeats of a term, over all subjects."""
    view, n = stack.view, len(stack.origin)
    subject = view.subject(name)
    known = subject >= 0
    rows = np.bincount(subject[known], minlength=n)
    numbers = {f"{name} rows of a subject": rows}
    variable = next((found for suffix in TERMS if (found := view.named(name, suffix))), "")
    if variable:
        codes = codes_of(view.dataset(name)[variable])
        pairs = np.unique(subject[known] * (int(codes.max(initial=-1)) + 2) + codes[known] + 1)
        distinct = np.bincount(pairs // (int(codes.max(initial=-1)) + 2), minlength=n)
        numbers |= {f"{name} distinct terms of a subject": distinct, f"{name} repeated terms of a subject": rows - distinct}
    parts = []
    for label, number in numbers.items():
        counts = count_matrix(np.arange(n), np.minimum(number, MOST_COUNTED), n, MOST_COUNTED + 1)
        sample, floor = compare_counts(splits, counts, ordered=True)
        parts.append(Distances((label,), sample[:, None], floor[:, None]))
    return Distances.join(parts, len(splits))


def incidence_in_arm(stack: Stack, splits: Splits, members: Mask, where: str) -> list[Distances]:
    """Compare how the incidence in an arm differs from that in all: of terms and classes that a tenth of the subjects have.

    Parameters
    ----------
    members : (n_subjects,) bool
        Subjects of the arm.
    where : str
        What is added to each name.
    """
    parts = []
    for name in occurrence_datasets(stack):
        for suffixes in (TERMS, CLASSES):
            terms = frequent_terms(stack, name, suffixes, SHARE_BY_ARM)
            if terms is not None and terms.names:
                parts.append(_shares(splits, terms.names, terms.rows.sign().tocsr(), members, where))
    return parts


def _shares(
    splits: Splits, names: tuple[str, ...], having: sparse.csr_matrix, members: Mask | None = None, where: str = ""
) -> Distances:
    return Distances(tuple(f"{name}, subjects with it{where}" for name in names), *compare_shares(splits, having, members))


def _recurrence(splits: Splits, terms: Terms) -> Distances:
    """Share of those with a term who have it more than once."""
    having = terms.rows.sign().tocsr()
    again = (terms.rows > 1).astype(np.float64).tocsr()
    return Distances(tuple(f"{name}, more than once" for name in terms.names), *compare_means(splits, again, having))


def _days(stack: Stack, splits: Splits, timeline: Timeline, name: str, terms: Terms | None) -> list[Distances]:
    """Onset, duration and whether it has ended; over the whole dataset, and by term."""
    start, end = timeline.start(name), timeline.end(name)
    whole = np.zeros(len(start), np.int64)
    groups: list[tuple[tuple[str, ...], Ints]] = [((name,), whole)]
    if terms is not None and terms.names:
        groups.append((terms.names, terms.term))
    parts = []
    for names, group in groups:
        for what, values in (("onset day", start), ("duration", end - start)):
            if np.isfinite(values).any():
                both = _compare_numbers(stack, splits, name, group, values, len(names))
                parts.append(Distances(tuple(f"{one} {what}" for one in names), *both))
        if _any_end(stack, name):
            has_end = np.isfinite(end).astype(np.int64)
            both = compare_distributions(splits, stack.view.subject(name), group, has_end, len(names), 2, ordered=False)
            parts.append(Distances(tuple(f"{one} ended" for one in names), *both))
    return parts


def _any_end(stack: Stack, name: str) -> bool:
    view, of_source = stack.view, stack.rows(name, Origin.SOURCE)
    return any((view.filled(name, end) & of_source).any() for suffix in ("ENDTC", "ENDY") if (end := view.named(name, suffix)))


def _compare_numbers(stack: Stack, splits: Splits, name: str, group: Ints, values: Floats, n_groups: int) -> Both:
    rows = np.flatnonzero((group >= 0) & np.isfinite(values))
    position = source_positions(group[rows], values[rows], stack.rows(name, Origin.SOURCE)[rows], n_groups)
    bins = np.where(np.isfinite(position), np.minimum(np.nan_to_num(position) * BINS, BINS - 1), -1).astype(np.int64)
    return compare_distributions(splits, stack.view.subject(name)[rows], group[rows], bins, n_groups, BINS, ordered=True)


def _qualifiers(stack: Stack, splits: Splits, name: str, terms: Terms | None) -> list[Distances]:
    """Distribution of each qualifier among the rows of each term, and over the whole dataset."""
    view = stack.view
    parts = []
    for variable in (found for suffix in QUALIFIERS if (found := view.named(name, suffix))):
        codes, n_codes = _levels(stack, name, view.text(name, variable))
        if n_codes < 2:
            continue
        groups: list[tuple[tuple[str, ...], Ints]] = [((f"{name} all",), np.zeros(len(codes), np.int64))]
        if terms is not None and terms.names:
            groups.append((terms.names, terms.term))
        for names, group in groups:
            both = compare_distributions(splits, view.subject(name), group, codes, len(names), n_codes, ordered=False)
            parts.append(Distances(tuple(f"{one}, {variable}" for one in names), *both))
    return parts


def _levels(stack: Stack, name: str, text: Text) -> tuple[Ints, int]:
    """Codes of the frequent levels; all others are one level, and so are missing cells."""
    kept, place, rows = shared_rows(
        stack, name, text.codes.astype(np.int64), len(text.levels), enough_subjects(stack, 0.0), MOST_LEVELS
    )
    other: Mask = ~rows & (text.codes >= 0)
    codes = np.where(rows, place, np.where(other, len(kept), len(kept) + 1))
    seen = np.unique(codes[stack.rows(name, Origin.SOURCE)])
    return codes, len(kept) + 2 if len(seen) > 1 else 0

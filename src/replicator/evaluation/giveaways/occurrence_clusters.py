"""Events and treatments: whether they cluster in a subject, begin on visit days, and hold together in their qualifiers."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from replicator.evaluation.giveaways.giveaway import Asked, Scale
from replicator.evaluation.giveaways.group_statistics import association
from replicator.evaluation.giveaways.statistics import (
    dispersion_of_counts,
    distance_of_rows,
    share_of_rows,
    unseen_in_reference,
)
from replicator.evaluation.giveaways.visit_calendar import VisitDays, on_visit_day, subject_days
from replicator.evaluation.occurrences import TERMS, occurrence_datasets
from replicator.evaluation.stack import Origin, Stack
from replicator.profile.structure import Kind
from replicator.rules.grouping import codes_of, combine, repeats, sizes

TOPIC = "events"
AGREEING = ("SEV", "TOXGR", "SER", "ACN", "OUT")  # of which each two may agree; the relation is asked about by arm
QUALIFIERS = ("SEV", "TOXGR", "SER", "ACN", "OUT", "REL")


def occurrence_giveaways(stack: Stack, days: VisitDays | None) -> list[Asked]:
    """Ask how the rows of events and interventions lie together."""
    found: list[Asked] = []
    for name in occurrence_datasets(stack):
        found += _clusters(stack, name, days)
        if stack.view.facts(name).kind is Kind.EVENTS:
            found += _qualifiers(stack, name)
    return found


def _clusters(stack: Stack, name: str, days: VisitDays | None) -> list[Asked]:
    view, n = stack.view, len(stack.origin)
    subject, of_source = view.subject(name), stack.origin == Origin.SOURCE
    known = subject >= 0
    counts = np.bincount(subject[known], minlength=n).astype(np.float64)[:, None]
    all_rows = np.zeros(len(subject), np.int64)
    start = next((one for suffix in ("STDTC", "DTC") if (one := view.named(name, suffix))), "")
    day = view.dates(name, start).full_day if start else np.full(len(subject), np.nan)
    dated = known & np.isfinite(day)
    together = np.zeros(len(subject), bool)
    together[dated] = sizes(combine([subject_days(subject[dated], day[dated])])) > 1 if dated.any() else False
    term = next((one for suffix in TERMS if (one := view.named(name, suffix))), "")
    again = repeats(view.group(name, (term,))) if term else np.zeros(len(subject), bool)
    has_days = days is not None and days.dated
    undated = f"{name} has no dates."
    return [
        Asked(
            TOPIC,
            f"{name} rows by subject",
            "Do some subjects have many and most few, as real ones? Variance over mean of the number.",
            dispersion_of_counts(counts, of_source, (name,)) if counts[of_source].any() else None,
            f"{name} has no rows.",
            Scale.RATIO,
        ),
        Asked(
            TOPIC,
            f"{name} begun on one day",
            "Do several begin on the same day of a subject?",
            share_of_rows(stack, subject, dated, together, all_rows, (name,)),
            undated,
        ),
        Asked(
            TOPIC,
            f"{name} terms repeated",
            "Does a subject have the same term again as often as a real one?",
            share_of_rows(stack, subject, known, again, all_rows, (name,)) if term else None,
            f"{name} has no terms.",
        ),
        Asked(
            TOPIC,
            f"{name} begun on a visit day",
            "Do they begin on days of visits, on which they were told, more or less often?",
            share_of_rows(stack, subject, dated, on_visit_day(days, subject, day), all_rows, (name,))
            if days and has_days
            else None,
            undated if has_days else "The study has no dates of visits.",
        ),
    ]


def _qualifiers(stack: Stack, name: str) -> list[Asked]:
    view, subject = stack.view, stack.view.subject(name)
    of_source = stack.rows(name, Origin.SOURCE)
    found = [v for suffix in QUALIFIERS if (v := view.named(name, suffix)) and (view.filled(name, v) & of_source).any()]
    together = combine([codes_of(view.dataset(name)[v]) for v in found]) if len(found) > 1 else np.zeros(0, np.int64)
    n_codes = int(together.max(initial=-1)) + 1
    listed = ", ".join(found)
    few = f"{name} has no two of severity, seriousness, action, outcome and relation."
    related = view.named(name, "REL")
    arm = np.append(stack.arm[0], -1)[subject]
    all_rows = np.zeros(len(subject), np.int64)
    agreeing = combinations([v for suffix in AGREEING if (v := view.named(name, suffix)) in found], 2)
    return [
        *(
            Asked(
                TOPIC,
                f"{name} {one} with {two}",
                "Do the two agree as in real subjects? Cramér's V.",
                association(stack, name, *(codes_of(view.dataset(name)[v]) for v in (one, two))),
                f"Too few subjects of the source have {one} and {two}.",
                Scale.CORRELATION,
            )
            for one, two in agreeing
        ),
        Asked(
            TOPIC,
            f"{name} qualifiers together",
            f"Do {listed} agree as they should? Distance of their joint distribution from the source." if listed else few,
            distance_of_rows(stack, subject, together, n_codes, all_rows, (name,)) if len(found) > 1 else None,
            few,
        ),
        Asked(
            TOPIC,
            f"{name} qualifiers never seen together",
            f"How many rows have values of {listed} that real subjects do not have together?" if listed else few,
            unseen_in_reference(stack, name, together, n_codes) if len(found) > 1 else None,
            few,
            Scale.RARE,
        ),
        Asked(
            TOPIC,
            f"{name} relation to treatment by arm",
            "Does the relation follow from the arm more or less than it should? Cramér's V.",
            association(stack, name, codes_of(view.dataset(name)[related]), arm) if related else None,
            f"{name} has no relation to treatment.",
            Scale.CORRELATION,
        ),
    ]

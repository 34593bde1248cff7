"""Whether what happens to a subject is explained elsewhere: reasons of leaving, indications of medicines, deaths."""

from __future__ import annotations

import numpy as np

from replicator.evaluation.distances import Floats
from replicator.evaluation.giveaways.giveaway import Asked, Scale
from replicator.evaluation.giveaways.group_statistics import association
from replicator.evaluation.giveaways.statistics import Statistic, share_of_rows
from replicator.evaluation.stack import Origin, Stack
from replicator.profile.structure import Kind
from replicator.rules.grouping import Ints, Mask, codes_of

ADVERSE, DEATH, WITHDRAWN, FATAL, YES = "ADVERSE EVENT", "DEATH", "DRUG WITHDRAWN", "FATAL", "Y"
_REASON_TERMS = ("DECOD", "TERM")
_EVENT_TERMS = ("TERM", "DECOD", "MODIFY", "LLT")


def explanation_giveaways(stack: Stack) -> list[Asked]:
    """Ask whether reasons, indications and deaths have what explains them."""
    return [*_leaving(stack), *_medicines(stack), *_deaths(stack)]


def _leaving(stack: Stack) -> list[Asked]:
    left, withdrawn = _left_for(stack, ADVERSE), _events(stack, "ACN", WITHDRAWN)
    lacks = "Nobody of the source left for an adverse event, or no event has an action taken."
    both = left is not None and withdrawn is not None
    anybody = np.zeros(len(stack.origin), bool)
    left, withdrawn = (anybody if one is None else one for one in (left, withdrawn))
    any_event = _with_rows(stack, Kind.EVENTS)
    return [
        Asked(
            "leaving",
            "left for an event that stopped treatment",
            "Has who leaves for an adverse event one for which the treatment was withdrawn?",
            _share(stack, left, withdrawn) if both else None,
            lacks,
        ),
        Asked(
            "leaving",
            "left after an event stopped treatment",
            "Does who has an event for which the treatment was withdrawn leave for it?",
            _share(stack, withdrawn, left) if both else None,
            lacks,
        ),
        Asked(
            "leaving",
            "left for an event and has events",
            "Has who leaves for an adverse event any event at all?",
            _share(stack, left, any_event) if any_event.any() else None,
            "Nobody of the source left for an adverse event, or the study has no events.",
        ),
    ]


def _share(stack: Stack, asked: Mask, held: Mask) -> Statistic | None:
    """Share of some subjects that hold."""
    everybody = np.arange(len(stack.origin))
    return share_of_rows(stack, everybody, asked, held, np.zeros(len(everybody), np.int64), ("subjects",))


def _left_for(stack: Stack, reason: str) -> Mask | None:
    """Mask of subjects whose disposition is a reason; None in a study without disposition."""
    view = stack.view
    found = None
    for name in view.names:
        if view.dataset(name).domain == "DS":
            variable = next((one for suffix in _REASON_TERMS if (one := view.named(name, suffix))), "")
            if variable:
                found = _subjects(stack, name, view.equals(name, variable, reason), found)
    return found


def _events(stack: Stack, suffix: str, *values: str) -> Mask | None:
    """Mask of subjects with an event of a qualifier; None where no event of the source has the qualifier."""
    view = stack.view
    found = None
    for name in view.of_kind(Kind.EVENTS):
        variable = view.named(name, suffix)
        if variable and (view.filled(name, variable) & stack.rows(name, Origin.SOURCE)).any():
            found = _subjects(stack, name, view.equals(name, variable, *values), found)
    return found


def _with_rows(stack: Stack, kind: Kind) -> Mask:
    found = np.zeros(len(stack.origin), bool)
    for name in stack.view.of_kind(kind):
        if stack.view.dataset(name).domain != "DS":
            found = _subjects(stack, name, np.ones(stack.view.dataset(name).n_rows, bool), found)
    return found


def _subjects(stack: Stack, name: str, rows: Mask, earlier: Mask | None) -> Mask:
    found = np.zeros(len(stack.origin), bool) if earlier is None else earlier.copy()
    subject = stack.view.subject(name)[rows]
    found[subject[subject >= 0]] = True
    return found


def _medicines(stack: Stack) -> list[Asked]:
    view = stack.view
    found = []
    had = _had(stack)
    for name in view.of_kind(Kind.INTERVENTIONS):
        variable = view.named(name, "INDC")
        if not variable or not (view.filled(name, variable) & stack.rows(name, Origin.SOURCE)).any():
            continue
        subject, text = view.subject(name), view.text(name, variable)
        levels = _normal(text.levels)
        is_term = np.array([*(level in had for level in levels), False])
        asked = (subject >= 0) & is_term[text.codes]
        held = _is_had(subject, levels, text.codes.astype(np.int64), had)
        found.append(
            Asked(
                "medicines",
                f"{name} indications that the subject has",
                "Does the indication of a medicine stand among the events and the history of the subject?",
                share_of_rows(stack, subject, asked, held, np.zeros(len(subject), np.int64), (name,)),
                f"No indication of {name} is a term of the source's events or history.",
            )
        )
        medicine = view.named(name, "TRT")
        both = [codes_of(view.dataset(name)[v]) + 1 for v in (medicine, variable) if v]  # blank is an answer too
        found.append(
            Asked(
                "medicines",
                f"{name} indications that go with the medicine",
                "Is a medicine taken for what it is for, or for nothing that is said? Cramér's V.",
                association(stack, name, *both) if medicine else None,
                f"{name} has no names of medicines.",
                Scale.CORRELATION,
            )
        )
    if not found:
        found.append(
            Asked(
                "medicines",
                "indications that the subject has",
                "Has a medicine what it is for?",
                None,
                "No medicine has an indication.",
            )
        )
    return found


def _normal(levels: np.ndarray[tuple[int], np.dtype[np.object_]]) -> list[str]:
    return [" ".join(str(level).upper().split()) for level in levels]


def _had(stack: Stack) -> dict[str, Ints]:
    """Subjects who have each term of events and history, in capitals: sorted positions."""
    view = stack.view
    names, texts, who = [], [], []
    for name in view.of_kind(Kind.EVENTS):
        if view.dataset(name).domain == "DS":
            continue
        for variable in (one for suffix in _EVENT_TERMS if (one := view.named(name, suffix))):
            column = view.text(name, variable)
            rows = (column.codes >= 0) & (view.subject(name) >= 0)
            names += _normal(column.levels)
            texts.append(column.codes[rows].astype(np.int64) + len(names) - len(column.levels))
            who.append(view.subject(name)[rows])
    if not texts:
        return {}
    term, subject = np.concatenate(texts), np.concatenate(who)
    unique = {text: i for i, text in enumerate(dict.fromkeys(names))}
    term = np.array([unique[text] for text in names], np.int64)[term]
    order = np.lexsort((subject, term))
    start = np.searchsorted(term[order], np.arange(len(unique) + 1))
    return {text: np.unique(subject[order][start[i] : start[i + 1]]) for text, i in unique.items()}


def _is_had(subject: Ints, levels: list[str], codes: Ints, had: dict[str, Ints]) -> Mask:
    """Mask of rows whose subject has the term of the row."""
    width = int(subject.max(initial=0)) + 2
    pairs = [had[level] + i * width for i, level in enumerate(levels) if level in had]
    known = np.concatenate([*pairs, np.empty(0, np.int64)])
    return np.isin(codes * width + subject, known) & (codes >= 0)


def _deaths(stack: Stack) -> list[Asked]:
    dead, day = _dead(stack)
    fatal, disposed = _events(stack, "OUT", FATAL), _left_for(stack, DEATH)
    serious = _events(stack, "SDTH", YES)
    traced = fatal if serious is None else serious if fatal is None else fatal | serious
    lacks = "Too few deaths in the source."
    return [
        Asked(
            "deaths",
            "deaths with a fatal event",
            "Has who died an event that was fatal?",
            None if traced is None else _share(stack, dead, traced),
            lacks if traced is not None else "No event has an outcome.",
        ),
        Asked(
            "deaths",
            "deaths in the disposition",
            "Does the disposition of who died say so?",
            None if disposed is None else _share(stack, dead, disposed),
            lacks if disposed is not None else "The study has no disposition.",
        ),
        Asked(
            "deaths",
            "deaths after which nothing begins",
            "Does nothing begin after a death?",
            _share(stack, dead & np.isfinite(day), ~(_last_day(stack) > day)),
            lacks,
        ),
    ]


def _dead(stack: Stack) -> tuple[Mask, Floats]:
    """Who died, by demography, disposition or an event; and when (n_subjects,), NaN where it is not known."""
    view = stack.view
    day = view.mark("DTHDTC").full_day
    dead = view.mark("DTHDTC").precision > 0
    name, row = view.of_subject("DTHFL")
    if name:
        dead = dead | np.append(view.equals(name, "DTHFL", YES), False)[row]
    for found in (_left_for(stack, DEATH), _events(stack, "OUT", FATAL), _events(stack, "SDTH", YES)):
        dead = dead if found is None else dead | found
    return dead, day


def _last_day(stack: Stack) -> Floats:
    """Last day on which anything of a subject was seen or began: (n_subjects,); NaN where nothing has a date."""
    view = stack.view
    last = np.full(len(stack.origin), -np.inf)
    for name in view.of_kind(Kind.FINDINGS, Kind.SCHEDULE, Kind.EVENTS, Kind.INTERVENTIONS):
        if view.dataset(name).domain == "DS":
            continue
        for variable in (one for suffix in ("STDTC", "DTC") if (one := view.named(name, suffix))):
            day, subject = view.dates(name, variable).full_day, view.subject(name)
            known = np.isfinite(day) & (subject >= 0)
            np.maximum.at(last, subject[known], day[known])
    return np.where(np.isfinite(last), last, np.nan)

"""When subjects come: days of the week, holidays, distance from the plan, and how far sites differ in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import poisson

from replicator.evaluation.distances import Floats, Ints
from replicator.evaluation.giveaways.giveaway import Asked, Scale
from replicator.evaluation.giveaways.group_statistics import between_groups
from replicator.evaluation.giveaways.statistics import (
    Statistic,
    by_subject,
    distance_of_rows,
    share_of_rows,
    share_of_sums,
)
from replicator.evaluation.stack import Origin, Stack
from replicator.evaluation.timeline import Timeline
from replicator.evaluation.visit_cells import planned_times
from replicator.profile.structure import Kind
from replicator.rules.grouping import Mask, codes_of, combine, medians

TOPIC = "visits"
WEEK = 7
THURSDAY = 3  # 1970-01-01, counted from Monday
WEEKEND = (5, 6)
QUIET = 0.5  # share of an even day's visits under which a day of the week is avoided
NEIGHBOURS = 3  # weeks before and after, whose same days tell how many visits a day would have
BY_CHANCE = 0.01  # probability that a calendar without holidays shows one
FEW_VISITS = 0.5  # share of what its neighbours tell, under which a day is one that visits avoid
_DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, eq=False)
class VisitDays:
    """Days on which subjects were at a visit, each once.

    Attributes
    ----------
    subject, visit : (n,) int64
        Position of the subject, and of the planned visit in `names`.
    day : (n,) float64
        Days since 1970-01-01, or from the subject's reference day where the study has no dates.
    from_plan : (n,) float64
        Days from the planned day, or from the source's median day of the visit; NaN of visits that have neither.
    names : list of str
        Of the visits.
    dated : bool
        Whether `day` is a date.
    """

    subject: Ints
    visit: Ints
    day: Floats
    from_plan: Floats
    names: list[str]
    dated: bool

    @property
    def weekday(self) -> Ints:
        """(n,) day of the week, from Monday 0; -1 without dates."""
        return (self.day.astype(np.int64) + THURSDAY) % WEEK if self.dated else np.full(len(self.day), -1, np.int64)

    def times_subject(self) -> Ints:
        """One integer for each subject and day, sorted, for looking days up."""
        return np.unique(subject_days(self.subject, self.day))


def subject_days(subject: Ints, day: Floats) -> Ints:
    """One integer for each subject and day (n,); -1 where either is not known."""
    known = (subject >= 0) & np.isfinite(day)
    return np.where(known, (subject << 24) + np.nan_to_num(day).astype(np.int64) + (1 << 23), -1)


def visit_days(stack: Stack, timeline: Timeline) -> VisitDays | None:
    """Find the days of visits: those of the schedule, else of the findings; None in a study without days."""
    view = stack.view
    for kind in (Kind.SCHEDULE, Kind.FINDINGS):
        parts = [part for name in view.of_kind(kind) if (part := _of_dataset(stack, timeline, name)) is not None]
        if parts:
            return max(parts, key=lambda part: len(part.subject))
    return None


def _of_dataset(stack: Stack, timeline: Timeline, name: str) -> VisitDays | None:
    view = stack.view
    subject, relative = view.subject(name), timeline.start(name)
    of_source = stack.rows(name, Origin.SOURCE)
    date = next(
        (
            found
            for suffix in ("STDTC", "DTC")
            if (variable := view.named(name, suffix)) and (found := view.dates(name, variable).full_day)[of_source].size
        ),
        np.full(len(subject), np.nan),
    )
    dated = bool(np.isfinite(date[of_source]).any())
    day = date if dated else relative
    visit, names = planned_times(stack, timeline, name, points=False)
    rows = np.flatnonzero((subject >= 0) & np.isfinite(day))
    if not of_source[rows].any():
        return None
    _, first = np.unique(combine([subject_days(subject[rows], day[rows]), visit[rows]]), return_index=True)
    rows = rows[first]
    return VisitDays(subject[rows], visit[rows], day[rows], _from_plan(stack, timeline, name, rows, visit[rows]), names, dated)


def _from_plan(stack: Stack, timeline: Timeline, name: str, rows: Ints, visit: Ints) -> Floats:
    """Days from the planned day of the visit, where one visit has one plan; else from its median day in the source."""
    relative = timeline.start(name)[rows]
    of_source = stack.rows(name, Origin.SOURCE)[rows] & np.isfinite(relative)
    n_visits = int(visit.max(initial=-1)) + 1
    middle = np.full(n_visits, np.nan)
    group = visit[of_source]
    middle[group] = medians(relative[of_source], group)
    if "VISITDY" in stack.view.dataset(name):
        told = stack.view.dataset(name).numbers("VISITDY")[rows]
        planned = np.where(told > 0, told - 1, told)
        return np.asarray(np.where(np.isfinite(planned), relative - planned, np.nan))
    return np.asarray(relative - middle[visit]) if n_visits > 1 else np.full(len(rows), np.nan)


def visit_giveaways(stack: Stack, days: VisitDays | None) -> list[Asked]:
    """Ask how regular visits are, and which days they avoid."""
    lacks = "The study has no days of visits."
    undated = lacks if days is None else "The study has no dates of visits."
    one = days if days is not None and days.dated else None
    return [
        Asked(
            TOPIC,
            "visits on quiet days of the week",
            "Are there visits on weekends, or on days of the week that real visits avoid?",
            None if one is None else _weekend(stack, one),
            undated,
        ),
        Asked(
            TOPIC,
            "days of the week",
            "Does each visit fall on the days of the week as it should? Distance from the source.",
            None if one is None else _weekdays(stack, one),
            undated,
        ),
        Asked(
            TOPIC,
            "visits on holidays",
            "Are there visits on days of the year that real visits avoid?",
            None if one is None else _holidays(stack, one),
            undated if one is None else "No day of the year has far fewer visits of the source than its neighbours.",
            Scale.RARE,
        ),
        *_regularity(stack, days, lacks),
    ]


def _weekend(stack: Stack, days: VisitDays) -> Statistic | None:
    of_source = stack.origin[days.subject] == Origin.SOURCE
    rows = np.bincount(days.weekday[of_source], minlength=WEEK)
    quiet = rows < QUIET * rows.sum() / WEEK
    if not quiet.any():
        quiet[list(WEEKEND)] = True
    name = " and ".join(_DAY_NAMES[i] for i in np.flatnonzero(quiet).tolist())
    everything = np.zeros(len(days.subject), np.int64)
    return share_of_rows(stack, days.subject, everything == 0, quiet[days.weekday], everything, (name,))


def _weekdays(stack: Stack, days: VisitDays) -> Statistic | None:
    return distance_of_rows(stack, days.subject, days.weekday, WEEK, days.visit, days.names)


def _holidays(stack: Stack, days: VisitDays) -> Statistic | None:
    """Share of visits on days of the year that the source avoids, Poisson's law telling which; None where there are none."""
    of_source = stack.origin[days.subject] == Origin.SOURCE
    date = days.day.astype(np.int64)
    first = int(date.min())
    shift = NEIGHBOURS * WEEK
    counts = np.bincount(date[of_source] - first + shift, minlength=int(date.max()) - first + 1 + 2 * shift)
    around = [np.roll(counts, step * WEEK) for step in range(-NEIGHBOURS, NEIGHBOURS + 1) if step]
    expected = np.median(np.array(around), axis=0)
    calendar = (np.arange(len(counts)) + first - shift).astype("datetime64[D]")
    of_year = _day_of_year(calendar)
    n_found = np.bincount(of_year, counts, minlength=366)
    n_expected = np.bincount(of_year, expected, minlength=366)
    rare = poisson.cdf(n_found, n_expected) < BY_CHANCE / 366
    avoided = rare & (n_found < FEW_VISITS * n_expected)
    if not avoided.any():
        return None
    everything = np.zeros(len(date), np.int64)
    held = avoided[_day_of_year(date.astype("datetime64[D]"))]
    return share_of_rows(stack, days.subject, everything == 0, held, everything, ("holidays",))


def _day_of_year(calendar: np.ndarray[tuple[int], np.dtype[np.datetime64]]) -> Ints:
    """Number each date by month and day, 0 to 365, the same in every year."""
    month = calendar.astype("datetime64[M]")
    day = (calendar - month.astype("datetime64[D]")).astype(np.int64)
    starts = np.array([0, 31, 60, 91, 121, 152, 182, 213, 244, 274, 305, 335])
    return np.asarray(starts[month.astype(np.int64) % 12] + day, np.int64)


def _regularity(stack: Stack, days: VisitDays | None, lacks: str) -> list[Asked]:
    on_plan = whole_weeks = spread = None
    if days is not None:
        known = np.isfinite(days.from_plan)
        varies = np.bincount(days.visit[known], (days.from_plan[known] != 0), minlength=len(days.names)) > 0
        used = known & varies[days.visit]
        on_plan = share_of_rows(stack, days.subject, used, days.from_plan == 0, days.visit, days.names)
        spread = share_of_sums(
            stack,
            by_subject(stack, days.subject, np.abs(np.nan_to_num(days.from_plan)), np.where(used, days.visit, -1), len(days.names)),
            by_subject(stack, days.subject, np.ones(len(used)), np.where(used, days.visit, -1), len(days.names)),
            days.names,
        )
        order = np.lexsort((days.day, days.subject))
        gap = np.diff(days.day[order], prepend=np.nan)
        same = np.append(False, np.diff(days.subject[order]) == 0) & (gap > 0)
        one = np.zeros(len(order), np.int64)
        whole_weeks = share_of_rows(stack, days.subject[order], same, gap % WEEK == 0, one, ("all",))
    unplanned = lacks if days is None else "No visit of the source varies around a planned day."
    return [
        Asked(TOPIC, "visits on the planned day", "Do visits keep to the plan more exactly than real ones?", on_plan, unplanned),
        Asked(
            TOPIC,
            "days from the plan",
            "How many days do visits lie from the planned day, on average?",
            spread,
            unplanned,
            Scale.RATIO,
        ),
        Asked(
            TOPIC, "gaps of whole weeks", "Are there whole weeks between visits as often as there should be?", whole_weeks, lacks
        ),
    ]


def site_giveaways(stack: Stack, days: VisitDays | None, values: Floats, names: tuple[str, ...]) -> list[Asked]:
    """Ask whether sites differ as they should.

    Parameters
    ----------
    values : (n_subjects, n_features) float64
        Features of subjects, NaN where there is none.
    names : tuple of str
        Of the features.
    """
    site = site_of_subjects(stack)
    lacks = "The study tells no two sites apart."
    of_source = stack.origin == Origin.SOURCE
    spread = means = None
    if site is not None:
        if days is not None and np.isfinite(days.from_plan).any():
            known = np.isfinite(days.from_plan)
            n = np.bincount(days.subject[known], minlength=len(site))
            total = np.bincount(days.subject[known], np.abs(days.from_plan[known]), minlength=len(site))
            spread = between_groups(
                np.where(n > 0, total / np.maximum(n, 1), np.nan)[:, None], site, ("days from the plan",), of_source
            )
        means = between_groups(values, site, names, of_source)
    return [
        Asked(
            "sites",
            "sites apart in keeping to the plan",
            "Which share of the variance of the distance from the plan lies between sites?",
            spread,
            lacks if site is None else "The study has no planned days.",
            Scale.CORRELATION,
        ),
        Asked(
            "sites",
            "sites apart in everything",
            "Which share of the variance between subjects lies between sites, on average over what is told of subjects?",
            means,
            lacks,
            Scale.CORRELATION,
        ),
    ]


def site_of_subjects(stack: Stack) -> Ints | None:
    """Code of each subject's site (n_subjects,), -1 without one; None where the source tells no two sites apart."""
    for variable in ("SITEID", "INVID", "COUNTRY"):
        name, row = stack.view.of_subject(variable)
        if name:
            site = np.append(codes_of(stack.view.dataset(name)[variable]), -1)[row]
            if len(np.unique(site[(stack.origin == Origin.SOURCE) & (site >= 0)])) > 1:
                return np.asarray(site, np.int64)
    return None


def on_visit_day(days: VisitDays, subject: Ints, day: Floats) -> Mask:
    """Mask of rows that lie on a day on which the subject was at a visit."""
    wanted, known = subject_days(subject, day), days.times_subject()
    if not len(known):
        return np.zeros(len(wanted), bool)
    at = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    return np.asarray((wanted >= 0) & (known[at] == wanted))

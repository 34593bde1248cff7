"""Orders of dates that the source kept without exception: within a row, and between a row and the dates of its subject.

Parts draw dates given marks and visits. What no row of the source did, such as a record after the end of participation, is set
right here in the few rows of a sample that do. What the standard says of dates is believed however few rows of the source have
them, if none speaks against it; and so is that nothing of a dataset comes after a death.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import permutations
from typing import ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from replicator.derivations.derive import chosen
from replicator.profile.date_bounds import is_bound
from replicator.standards.date_orders import SUBJECT_DATES, record_orders
from replicator.study_model.marks.names import is_death
from replicator.study_model.spine import Spine
from replicator.study_model.visits.days import visit_day
from replicator.tables.dataset import Column, Dataset, Study, Text
from replicator.tables.dates import MINUTES, Dates, format_dates, parse_dates

Flags = NDArray[np.bool_]
Owners = NDArray[np.int32]
Parsed: TypeAlias = dict[tuple[str, str, str], Dates]
"""Dates by their dataset, their variable, and the dataset whose rows they are spread over."""

TURNS = 2  # times that all orders are gone through; where two disagree, the other date gives way the second time
ROOT = "RFSTDTC"  # the subject's day zero, which gives way last
ON_VISITS = 0.9  # share of a date's days that are those of visits, from which it is no date between them
STRICT = 1.0  # days apart of an order that at least k subjects keep by exactly so much, and none by less


@dataclass(frozen=True)
class DateOrder:
    """One order.

    Attributes
    ----------
    dataset : str
        Whose rows keep it.
    first, second : str
        Date variables of the dataset, or of the subjects' dataset with its name before (``DM.RFSTDTC``).
    apart : float
        Days by which the second is later at least: 0 or 1.
    moves : tuple of str
        Those of the two that may give way, the first one first.
    """

    kind: ClassVar[str] = "date order"

    dataset: str
    first: str
    second: str
    apart: float
    moves: tuple[str, ...]


@dataclass(frozen=True)
class DateOrders:
    """All orders of a study, those of the subjects' own dates first.

    Attributes
    ----------
    subjects : str
        The subjects' dataset.
    orders : tuple of DateOrder
    derived : tuple of DateOrder
        Orders of the standard between the subject's own dates of which one at least follows from other datasets; that one moves.
    """

    kind: ClassVar[str] = "date orders"

    subjects: str
    orders: tuple[DateOrder, ...] = ()
    derived: tuple[DateOrder, ...] = ()

    @classmethod
    def fit(
        cls,
        datasets: Mapping[str, Dataset],
        subject: Mapping[str, Owners],
        subjects: str,
        derived: Mapping[tuple[str, str], Collection[str]],
        k: int,
        at_visits: Collection[str] = (),
    ) -> DateOrders:
        """Learn from datasets whose rows belong to `subject`.

        The variables in `derived` follow from others and are not moved; it names those that one is the first or last date of, or
        a copy, so that their order needs no keeping. The datasets `at_visits`, whose dates are the days of their visits, come
        last: where two datasets disagree, what lies between visits gives way.
        """
        head = subjects if subjects in datasets and len(np.unique(subject[subjects])) == len(subject[subjects]) else ""
        marks = _marks(datasets[head], subject[head], max(int(who.max(initial=-1)) for who in subject.values()) + 1) if head else {}
        orders, settled = [], []
        for name in sorted(subject, key=lambda name: (name != head, name in at_visits)):
            own = {variable: parse_dates(datasets[name].text(variable)) for variable in _date_variables(datasets[name])}
            theirs = {f"{head}.{variable}": dates.take(subject[name]) for variable, dates in marks.items() if name != head}
            fixed = {variable for variable in own if (name, variable) in derived}
            both = {**own, **theirs}
            standard = _standard_pairs(datasets[name].domain, head, name == head)
            for first, second in _pairs(own, theirs):
                follows = _follows(name, first, second, derived) or _follows(name, second, first, derived)
                if follows and (not {first, second} <= set(own) or _same(both[first], both[second])):
                    continue
                movable = [variable for variable in (second, first) if variable in own and variable not in fixed]
                told = [variable for variable in (second, first) if variable in fixed]
                by_standard = (first, second) in standard and not surely_after(both[first], both[second]).any()
                by_standard |= movable != [] and _ends_with_death(second, both[first], both[second])
                if by_standard and name == head and told:
                    settled.append(DateOrder(name, first, second, 0.0, tuple(told)))
                apart = _apart(both[first], both[second], subject[name], k) if movable else None
                if apart is not None:
                    orders.append(DateOrder(name, first, second, apart, tuple(movable)))
                elif by_standard and not (name == head and told):
                    steady_last = tuple(sorted(movable or told, key=lambda variable: variable == ROOT))
                    orders.append(DateOrder(name, first, second, 0.0, steady_last))
        return cls(head, tuple(orders), tuple(settled))

    def settle(self, study: Study, before: Study, subject: Mapping[str, Owners]) -> Study:
        """Take back dates of the subject that were derived from rows which contradict its other dates.

        Parameters
        ----------
        study : Study
            A sample after its derivations.
        before : Study
            The same before them: the dates that were drawn with the subject.
        subject : mapping of str to (n_rows,) int32
            Position of each row's subject in the subjects' dataset.
        """
        if not self.derived or self.subjects not in before:
            return study
        parsed: Parsed = {}
        for order in self.derived:
            sides = _sides(order, study, subject, parsed)
            if sides is None or not (wrong := surely_after(*sides)).any():
                continue
            head = study[order.dataset]
            for variable in order.moves:
                head = head.with_column(
                    head.variable(variable), chosen(wrong, before[order.dataset].text(variable), head.text(variable))
                )
                parsed.pop((order.dataset, variable, order.dataset), None)
            study = replace(study, datasets={**study.datasets, order.dataset: head})
        return replace(self, orders=self.derived).hold(study, subject)[0]

    def other_way(self, derived: Collection[tuple[str, str]]) -> DateOrders:
        """Orders of two dates of a row that are both `derived` (dataset and variable), of which the other one gives way first.

        A derivation puts back what it tells; where it says nothing, the date that was moved stays.
        """
        both = [one for one in self.orders if len(one.moves) > 1 and {(one.dataset, name) for name in one.moves} <= set(derived)]
        return replace(self, orders=tuple(replace(one, moves=one.moves[::-1]) for one in both))

    def hold(
        self, study: Study, subject: Mapping[str, Owners], follows: Mapping[str, Collection[str]] | None = None
    ) -> tuple[Study, DateOrders]:
        """Move the dates that break an order to the nearest day, or minute, that keeps it.

        Parameters
        ----------
        study : Study
            Rows of a sample, drawn and derived.
        subject : mapping of str to (n_rows,) int32
            Position of each row's subject in the subjects' dataset.
        follows : mapping of str to collection of str, optional
            What each derived variable follows from, all as ``DATASET.VARIABLE``.

        Returns
        -------
        study : Study
        waiting : DateOrders
            Orders of dates that follow from some that were moved: to be held when these have been derived again. Else two
            datasets would give way to each other, by dates of the subject that neither has any longer.
        """
        parsed: Parsed = {}
        stale: set[str] = set()
        waiting: dict[DateOrder, None] = {}
        for turn in range(TURNS):
            before = study
            for order in self.orders:
                if not stale.isdisjoint(_places(order)):
                    waiting[order] = None
                    continue
                sides = _sides(order, study, subject, parsed)
                if sides is None:
                    continue
                wrong = surely_after(*sides, order.apart)
                if order.apart:
                    wrong &= sides[0].full & sides[1].full
                if wrong.any():
                    moves = order.moves[min(turn, len(order.moves) - 1)]
                    dataset, later = study[order.dataset], moves == order.second
                    apart = order.apart if later else -order.apart
                    column = move_dates(dataset.text(moves), sides[later], sides[not later], wrong, apart)
                    changed = dataset.with_column(dataset.variable(moves), column)
                    study = replace(study, datasets={**study.datasets, order.dataset: changed})
                    parsed.pop((order.dataset, moves, order.dataset))
                    stale |= _followers(f"{order.dataset}.{moves}", follows or {})
            if study is before:
                break
        return study, replace(self, orders=tuple(waiting))


def is_at_visits(dataset: Dataset, subject: Owners, spine: Spine) -> bool:
    """Whether some date of the rows (n_rows,) of a dataset is nearly always the day of the visit that they name."""
    if "VISITNUM" not in dataset:
        return False
    visit = visit_day(spine, subject, np.round(dataset.numbers("VISITNUM"), 9))
    for name in _date_variables(dataset):
        day = parse_dates(dataset.text(name)).full_day
        both = np.isfinite(day) & np.isfinite(visit)
        if both.any() and float((day == np.floor(visit))[both].mean()) >= ON_VISITS:
            return True
    return False


def _places(order: DateOrder) -> list[str]:
    """Both dates of an order, as ``DATASET.VARIABLE``."""
    return [name if "." in name else f"{order.dataset}.{name}" for name in (order.first, order.second)]


def _followers(date: str, follows: Mapping[str, Collection[str]]) -> set[str]:
    """All that follows from a date, and from what follows from it; not the date itself."""
    found: set[str] = set()
    new = {date}
    while new:
        new = {one for one, inputs in follows.items() if not new.isdisjoint(inputs)} - found - {date}
        found |= new
    return found


def _sides(order: DateOrder, study: Study, subject: Mapping[str, Owners], parsed: Parsed) -> tuple[Dates, Dates] | None:
    """The two dates of each row of the order's dataset, None if one is not there; parsed once for neighbouring orders of one."""
    sides = []
    if any(of_rows != order.dataset for *_, of_rows in parsed):
        parsed.clear()
    for variable in (order.first, order.second):
        home, _, inner = variable.rpartition(".")
        place = (home or order.dataset, inner, order.dataset)
        if order.dataset not in subject or place[0] not in study or inner not in study[place[0]]:
            return None
        if place not in parsed:
            dates = parse_dates(study[place[0]].text(inner))
            parsed[place] = dates.take(subject[order.dataset]) if home else dates
        sides.append(parsed[place])
    return sides[0], sides[1]


def _date_variables(dataset: Dataset) -> list[str]:
    return [
        name
        for name in dataset.names
        if name.endswith("DTC") and isinstance(dataset[name], Text) and not dataset[name].missing.all()
    ]


def _marks(head: Dataset, owner: Owners, n: int) -> dict[str, Dates]:
    """Dates of the subjects by position: (n,) each."""
    row = np.full(n, -1, np.intp)
    row[owner] = np.arange(len(owner))
    return {name: parse_dates(head.text(name)).padded().take(row) for name in _date_variables(head)}


def _pairs(own: Collection[str], theirs: Collection[str]) -> Iterator[tuple[str, str]]:
    """Orders with the subject's dates first, then those within a row."""
    for mark in theirs:
        for name in own:
            yield mark, name
            yield name, mark
    yield from permutations(own, 2)


def _standard_pairs(domain: str, head: str, of_subjects: bool) -> set[tuple[str, str]]:
    """Orders that the standard gives for a dataset, its subject's dates with the name of the subjects' dataset before them."""
    if of_subjects:
        return set(SUBJECT_DATES)
    return {
        (a if a.startswith(domain) else f"{head}.{a}", b if b.startswith(domain) else f"{head}.{b}")
        for a, b in record_orders(domain)
    }


def _ends_with_death(last: str, dates: Dates, deaths: Dates) -> bool:
    """Whether a date is that of a death, which rows of the dead have dates before and none has one after."""
    known = np.isfinite(dates.day) & np.isfinite(deaths.day)
    return is_death(last) and bool(known.any()) and not surely_after(dates, deaths).any()


def surely_after(first: Dates, second: Dates, apart: float = 0.0) -> Flags:
    """Rows (n_rows,) whose first date certainly lies after the second, or less than `apart` days before it."""
    return np.asarray(first.first_minute + apart * MINUTES > second.last_minute, bool)


def _follows(dataset: str, one: str, other: str, derived: Mapping[tuple[str, str], Collection[str]]) -> bool:
    """Whether a date follows from another one of its row, or as a date of the subject from the dataset's rows."""
    home, _, inner = one.rpartition(".")
    inputs = derived.get((home or dataset, inner), ())
    return "." not in other and any(name.startswith(f"{dataset}.") if home else name == f"{dataset}.{other}" for name in inputs)


def _same(first: Dates, second: Dates) -> bool:
    """Whether two dates can be the same in all rows that have both."""
    return not (surely_after(first, second) | surely_after(second, first)).any()


def _apart(first: Dates, second: Dates, subject: Owners, k: int) -> float | None:
    """Days by which `second` lies after `first` at least, 0 or 1; None if it is no bound.

    It is one if no row breaks it and :func:`is_bound` says so of the subjects' narrowest gaps; by a day where at least k subjects
    keep just that and none less.
    """
    both = np.isfinite(first.day) & np.isfinite(second.day)
    if surely_after(first, second)[both].any():
        return None
    rows = np.flatnonzero(first.full & second.full)
    who, inverse = np.unique(subject[rows], return_inverse=True)
    if len(who) < max(k, 2):
        return None
    gap = np.full(len(who), np.inf)
    np.minimum.at(gap, inverse, second.day[rows] - first.day[rows])
    for days in (0.0, STRICT):
        if gap.min() >= days and (gap == days).sum() >= k:
            return days
    return 0.0 if is_bound(gap, k) else None


def move_dates(column: Text, own: Dates, bound: Dates, wrong: Flags, apart: float = 0.0) -> Column:
    """The column with its `wrong` dates on the day of the bound, and at its time if both have one."""
    minute = np.where(np.isfinite(own.minute) & np.isfinite(bound.minute) & (apart == 0), bound.minute, own.minute)
    return chosen(wrong, format_dates(np.where(wrong, bound.day + apart, np.nan), minute, own.precision), column)

"""Orders of dates that the source kept without exception: within a row, and between a row and the dates of its subject.

Parts draw dates given marks and visits. What no row of the source did, such as a record after the end of participation, is set
right here in the few rows of a sample that do.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import permutations
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.derivations.derive import chosen
from replicator.profile.date_bounds import is_bound
from replicator.tables.dataset import Column, Dataset, Study, Text
from replicator.tables.dates import Dates, Precision, format_dates, parse_dates

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Owners = NDArray[np.int32]

MINUTES = 1440.0  # of a day
TURNS = 2  # times that all orders are gone through; where two disagree, the other date gives way the second time
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
    """

    kind: ClassVar[str] = "date orders"

    subjects: str
    orders: tuple[DateOrder, ...] = ()

    @classmethod
    def fit(
        cls,
        datasets: Mapping[str, Dataset],
        subject: Mapping[str, Owners],
        subjects: str,
        derived: Collection[tuple[str, str]],
        k: int,
    ) -> DateOrders:
        """Learn from datasets whose rows belong to `subject`; the variables in `derived` follow from others and are not moved."""
        head = subjects if subjects in datasets and len(np.unique(subject[subjects])) == len(subject[subjects]) else ""
        marks = _marks(datasets[head], subject[head], max(int(who.max(initial=-1)) for who in subject.values()) + 1) if head else {}
        orders = []
        for name in sorted(subject, key=lambda name: name != head):
            own = {variable: parse_dates(datasets[name].text(variable)) for variable in _date_variables(datasets[name])}
            theirs = {f"{head}.{variable}": dates.take(subject[name]) for variable, dates in marks.items() if name != head}
            fixed = {variable for variable in own if (name, variable) in derived}
            for first, second in _pairs(own, theirs):
                movable = [variable for variable in (second, first) if variable in own and variable not in fixed]
                apart = _apart({**own, **theirs}[first], {**own, **theirs}[second], subject[name], k) if movable else None
                if apart is not None:
                    orders.append(DateOrder(name, first, second, apart, tuple(movable)))
        return cls(head, tuple(orders))

    def hold(self, study: Study, subject: Mapping[str, Owners]) -> Study:
        """Move the dates that break an order to the nearest day, or minute, that keeps it.

        Parameters
        ----------
        study : Study
            Rows of a sample, drawn and derived.
        subject : mapping of str to (n_rows,) int32
            Position of each row's subject in the subjects' dataset.
        """
        parsed: dict[tuple[str, str], Dates] = {}
        for turn in range(TURNS):
            for order in self.orders:
                sides = _sides(order, study, subject, parsed)
                if sides is None:
                    continue
                wrong = _earliest(sides[0]) + order.apart * MINUTES > _latest(sides[1])
                if order.apart:
                    wrong &= sides[0].full & sides[1].full
                if wrong.any():
                    moves = order.moves[min(turn, len(order.moves) - 1)]
                    dataset, later = study[order.dataset], moves == order.second
                    apart = order.apart if later else -order.apart
                    column = _moved(dataset.text(moves), sides[later], sides[not later], apart, wrong)
                    changed = dataset.with_column(dataset.variable(moves), column)
                    study = replace(study, datasets={**study.datasets, order.dataset: changed})
                    parsed.pop((order.dataset, moves))
        return study


def _sides(
    order: DateOrder, study: Study, subject: Mapping[str, Owners], parsed: dict[tuple[str, str], Dates]
) -> tuple[Dates, Dates] | None:
    """The two dates of each row of the order's dataset, None if one is not there; parsed once."""
    sides = []
    for variable in (order.first, order.second):
        home, _, inner = variable.rpartition(".")
        place = (home or order.dataset, inner)
        if order.dataset not in subject or place[0] not in study or inner not in study[place[0]]:
            return None
        if place not in parsed:
            parsed[place] = parse_dates(study[place[0]].text(inner))
        sides.append(parsed[place].take(subject[order.dataset]) if home else parsed[place])
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
    out = {}
    for name in _date_variables(head):
        dates = parse_dates(head.text(name))
        padded = Dates(np.append(dates.day, np.nan), np.append(dates.minute, np.nan), np.append(dates.precision, np.int8(0)))
        out[name] = padded.take(row)
    return out


def _pairs(own: Collection[str], theirs: Collection[str]) -> Iterator[tuple[str, str]]:
    """Orders with the subject's dates first, then those within a row."""
    for mark in theirs:
        for name in own:
            yield mark, name
            yield name, mark
    yield from permutations(own, 2)


def _earliest(dates: Dates) -> Floats:
    """First minute since 1970-01-01 that each date can mean, NaN without: (n,)."""
    return np.asarray(dates.day * MINUTES + np.nan_to_num(dates.minute), np.float64)


def _latest(dates: Dates) -> Floats:
    """Last minute since 1970-01-01 that each date can mean, NaN without: (n,)."""
    known = np.nan_to_num(dates.day).astype(np.int64).astype("datetime64[D]")
    last = dates.day.copy()
    for precision, unit in ((Precision.YEAR, "datetime64[Y]"), (Precision.MONTH, "datetime64[M]")):
        rows = dates.precision == precision
        last[rows] = ((known[rows].astype(unit) + 1).astype("datetime64[D]").astype(np.int64) - 1).astype(np.float64)
    return np.asarray(last * MINUTES + np.where(np.isnan(dates.minute), MINUTES - 1, dates.minute), np.float64)


def _apart(first: Dates, second: Dates, subject: Owners, k: int) -> float | None:
    """Days by which `second` lies after `first` at least, 0 or 1; None if it is no bound.

    It is one if no row breaks it and :func:`is_bound` says so of the subjects' narrowest gaps; by a day where at least k subjects
    keep just that and none less.
    """
    both = np.isfinite(first.day) & np.isfinite(second.day)
    if (_earliest(first) > _latest(second))[both].any():
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


def _moved(column: Text, own: Dates, bound: Dates, apart: float, wrong: Flags) -> Column:
    """The column with its `wrong` dates on the day of the bound, and at its time if both have one."""
    minute = np.where(np.isfinite(own.minute) & np.isfinite(bound.minute) & (apart == 0), bound.minute, own.minute)
    return chosen(wrong, format_dates(np.where(wrong, bound.day + apart, np.nan), minute, own.precision), column)

"""Datasets whose rows follow each other on a subject's way through the study: exposure, elements, disposition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.config import FitConfig
from replicator.models.backoff import BackoffTable
from replicator.profile.structure import Content, DatasetStructure, Role
from replicator.study_model.attributes import Attributes, Block, fit_block, prepare_column
from replicator.study_model.dated import DateFormat, DateGiven
from replicator.study_model.record_ids import RecordIds
from replicator.study_model.spine import Fitted, Rows, Spine
from replicator.tables.dataset import Column, Dataset, Numbers, Text
from replicator.tables.dates import parse_dates

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MOST_ROWS = 60  # a chain is not followed longer than this
BINS = 12
FINE = 3  # fine bins in a coarse one


@dataclass(frozen=True, eq=False)
class Horizon:
    """Which mark tells how far a subject came, in bins.

    Attributes
    ----------
    mark : str
    edges : (n_edges,) float64
        Days from the anchor.
    """

    kind: ClassVar[str] = "horizon"

    mark: str
    edges: Floats

    def codes(self, spine: Spine) -> tuple[Ints, Ints, Ints]:
        """Coarse and fine bin of each subject (-1 without the mark), and whether the mark is the subject's last day."""
        mark = spine.marks[self.mark]
        known = np.isfinite(mark)
        bins = np.where(known, np.digitize(np.where(known, mark - spine.anchor, 0.0), self.edges), -1)
        last = np.where(known, (mark == spine.marks["LAST"]).astype(np.int64), -1)
        return np.where(bins < 0, -1, bins // FINE), bins, last


@dataclass(frozen=True, eq=False)
class SequencePart:
    """A Markov chain over row tuples with dates that hang on marks, visits and neighbours.

    Attributes
    ----------
    state : Block
        The tuple of a row; its table is that of a row without context.
    n_states : int
        Number of tuples; one more means the end.
    group : (n_arms,) int64
        Arms that share their tuples are of one group; nothing is learned from one group for another.
    chain : BackoffTable
        Next tuple given the group, the one before (0 at the start, else 1 + tuple), the horizon's coarse bin, whether it is
        the last day, the fine bin, and the arm.
    horizon : Horizon
    others : Attributes
        Further columns given the tuple and the arm.
    dates : tuple of str
        Date variables, the one that orders the rows first.
    days : tuple of DateGiven or None
        One a date variable.
    formats : tuple of DateFormat
        One a date variable.
    visit_date : str
        Date variable on or before which the visit of VISITNUM was; ``""`` if VISITNUM is part of the tuple or not there.
    visit_names : tuple of str
        The visit variables, VISITNUM first; ``()`` if the dataset has none or they are part of the tuple.
    visit_values : tuple of Column
        Their cells by visit, VISITNUM first.
    in_order : bool
        Whether first dates never go back from a row to the next.
    once : (n_sets, n_states) bool
        Sets of tuples of which a subject has one at most.
    apart : bool
        Whether a row never begins before the one before it has ended.
    until : str
        Mark after which no row begins; ``""`` if none.
    ids : RecordIds
    most : int
        Most rows a subject.
    """

    kind: ClassVar[str] = "sequence part"

    state: Block
    n_states: int
    group: Ints
    chain: BackoffTable
    horizon: Horizon
    others: Attributes
    dates: tuple[str, ...]
    days: tuple[DateGiven | None, ...]
    formats: tuple[DateFormat, ...]
    visit_date: str
    visit_names: tuple[str, ...]
    visit_values: tuple[Column, ...]
    in_order: bool
    once: NDArray[np.bool_]
    apart: bool
    until: str
    ids: RecordIds
    most: int

    @classmethod
    def fit(
        cls, dataset: Dataset, structure: DatasetStructure, subject: NDArray[np.int32], spine: Spine, config: FitConfig
    ) -> Fitted:
        """Learn a dataset; see :class:`~replicator.study_model.spine.Part`."""
        k = config.k
        dates = _order_dates(structure.with_role(Role.DATE))
        day = {name: parse_dates(dataset.text(name)).full_day for name in dates}
        start = day[dates[0]] if dates else np.full(dataset.n_rows, np.nan)
        sequence = structure.with_role(Role.SEQUENCE)
        rank = dataset.numbers(sequence[0]) if sequence else np.where(np.isnan(start), np.inf, start)
        order = np.lexsort((np.arange(dataset.n_rows), rank, subject))
        dataset, subject = dataset.take(order), subject[order]
        day = {name: value[order] for name, value in day.items()}
        start = start[order]
        visits = structure.with_role(Role.VISIT)
        skip = {*structure.with_role(Role.SUBJECT, Role.SEQUENCE, Role.STUDY_DAY, Role.IDENTIFIER, Role.RECORD_ID), *dates}
        state, code, late, notes = _fit_state(dataset, structure, skip, subject, spine.arm, k)
        visit_date, agreement = _visit_date(dataset, subject, day, spine) if "VISITNUM" in late else ("", 0.0)
        by_date = agreement >= 0.8
        if "VISITNUM" in late:
            skip |= set(visits) if by_date else set()
            state, code, late, notes = _fit_state(dataset, structure, skip, subject, spine.arm, k)
        visit_names, visit_values = _visit_table(dataset, visits, subject, k) if by_date else ((), ())
        others, more = Attributes.fit(dataset, late, [code, spine.arm[subject]], subject, k)
        notes += more
        horizon = _fit_horizon(code, subject, spine, k)
        n_states = int(code.max(initial=-1)) + 1
        group = _arm_groups(code, subject, spine)
        chain, most = _fit_chain(code, subject, spine, horizon, group, n_states, k)
        apart = _apart(subject, start, day[dates[1]]) if len(dates) > 1 else False
        context = _Context(subject, code, dataset, state, spine)
        days, formats = [], []
        for i, name in enumerate(dates):
            candidates = context.candidates(start, first=i == 0)
            given = context.given()
            days.append(DateGiven.fit(day[name], candidates, given, subject, k))
            text = dataset.text(name)
            formats.append(DateFormat.fit(text, parse_dates(text), given, subject, k))
        ids = RecordIds.fit(dataset, structure.with_role(Role.RECORD_ID), subject)
        until = _until(start, subject, spine)
        part = cls(
            state,
            n_states,
            group,
            chain,
            horizon,
            others,
            dates,
            tuple(days),
            tuple(formats),
            visit_date if by_date else "",
            visit_names,
            visit_values,
            _in_order(subject, start),
            _once(state, code, subject, n_states, k),
            apart,
            until,
            ids,
            most,
        )
        return Fitted(part, {}, tuple(notes))

    def sample(self, spine: Spine, rng: np.random.Generator) -> Rows:
        """Draw the rows of all subjects."""
        subject, code = self._sample_chain(spine, rng)
        given = _given(subject, code)
        place = _Neighbours(subject)
        number = self._tuple_visit(code)
        days: dict[str, Floats] = {}
        for i, name in enumerate(self.dates):
            model = self.days[i]
            if model is None:
                days[name] = np.full(len(subject), np.nan)
                continue
            base = {"ANCHOR": spine.anchor[subject]} | {m: d[subject] for m, d in spine.marks.items()}
            base["VISIT"] = visit_day(spine, subject, number)
            if i == 0:
                days[name] = self._starts(model, base, place, given, rng)
            else:
                start = days[self.dates[0]]
                base |= {"START": start, "NEXT START": place.next(start)}
                days[name] = model.sample(base, given, rng, len(subject))
        days = self._tidy(days, place)
        keep = np.ones(len(subject), bool)
        if self.until and self.dates:
            first = days[self.dates[0]]
            limit = spine.marks[self.until][subject]
            keep = ~(first > limit) | (place.rank == 0)
        subject, code = subject[keep], code[keep]
        days = {name: value[keep] for name, value in days.items()}
        given = _given(subject, code)
        columns: dict[str, Column] = {
            name: column.take(code) for name, column in zip(self.state.names, self.state.values, strict=True)
        }
        columns |= self.others.sample([code, spine.arm[subject]], rng, len(subject))
        for i, name in enumerate(self.dates):
            columns[name] = self.formats[i].sample(days[name], given, rng)
        if self.visit_date:
            columns |= self._visits_on(spine, subject, days[self.visit_date])
        columns |= self.ids.sample(subject, rng)
        return Rows(subject, columns)

    def _sample_chain(self, spine: Spine, rng: np.random.Generator) -> tuple[NDArray[np.int32], Ints]:
        conditions = _chain_conditions(spine, self.horizon, self.group)
        alive = np.arange(spine.n)
        before = np.zeros(spine.n, np.int64)
        subjects, codes = [], []
        for _ in range(self.most):
            group, *rest = (codes[alive] for codes in conditions)
            new = self.chain.sample([group, before[alive], *rest], rng).astype(np.int64)
            goes_on = (new >= 0) & (new < self.n_states)
            alive, new = alive[goes_on], new[goes_on]
            if not len(alive):
                break
            subjects.append(alive)
            codes.append(new)
            before[alive] = new + 1
        if not subjects:
            return np.empty(0, np.int32), np.empty(0, np.int64)
        subject, code = np.concatenate(subjects), np.concatenate(codes)
        order = np.argsort(subject, kind="stable")
        subject, code = subject[order], code[order]
        keep = np.ones(len(subject), bool)
        for states in self.once:
            mine = np.flatnonzero(states[code] & keep)
            again = np.zeros(len(mine), bool)
            again[1:] = subject[mine][1:] == subject[mine][:-1]
            keep[mine[again]] = False
        return subject[keep].astype(np.int32), code[keep]

    def _starts(
        self, model: DateGiven, base: Mapping[str, Floats], place: _Neighbours, given: list[Ints], rng: np.random.Generator
    ) -> Floats:
        """Draw first dates rank by rank, since a row may hang on the one before."""
        start = np.full(place.n, np.nan)
        for rank in range(place.most):
            now = place.rank == rank
            rows = np.flatnonzero(now)
            candidates = {name: value[rows] for name, value in base.items()}
            candidates["BEFORE"] = start[rows - 1] if rank else np.full(len(rows), np.nan)
            start[rows] = model.sample(candidates, [g[rows] for g in given], rng, len(rows))
        return start

    def _tuple_visit(self, code: Ints) -> Floats:
        if "VISITNUM" not in self.state.names:
            return np.full(len(code), np.nan)
        column = self.state.values[self.state.names.index("VISITNUM")]
        return column.values[code] if isinstance(column, Numbers) else np.full(len(code), np.nan)

    def _tidy(self, days: dict[str, Floats], place: _Neighbours) -> dict[str, Floats]:
        """Keep rows in order; an end is never before its start, nor, where the source kept rows apart, after the next start."""
        if not self.dates:
            return days
        first = place.running_max(days[self.dates[0]]) if self.in_order else days[self.dates[0]]
        days[self.dates[0]] = first
        for name in self.dates[1:]:
            if name.endswith("ENDTC"):
                end = np.maximum(days[name], first)
                if self.apart:
                    follower = place.next(first)
                    end = np.where(end >= follower, np.maximum(follower - 1, first), end)
                days[name] = np.where(np.isnan(days[name]), np.nan, end)
        return days

    def _visits_on(self, spine: Spine, subject: NDArray[np.int32], day: Floats) -> dict[str, Column]:
        number = visit_on(spine, subject, day)
        table = self.visit_values[0]
        assert isinstance(table, Numbers)
        at = np.searchsorted(table.values, np.where(np.isnan(number), np.inf, number)).clip(max=max(len(table) - 1, 0))
        known = np.isfinite(number) & (len(table) > 0)
        exact = known & (table.values[at] == number) if len(table) else known
        out: dict[str, Column] = {self.visit_names[0]: Numbers(np.where(known, number, np.nan))}
        for name, column in zip(self.visit_names[1:], self.visit_values[1:], strict=True):
            if isinstance(column, Text):
                out[name] = Text(np.where(exact, column.codes[at], -1).astype(np.int32), column.levels)
            else:
                out[name] = Numbers(np.where(exact, column.values[at], np.nan))
        return out


class _Neighbours:
    """Rows of each subject in order: rank, the row before and the row after."""

    def __init__(self, subject: NDArray[np.int32]) -> None:
        self.n = len(subject)
        new = np.ones(self.n, bool)
        new[1:] = subject[1:] != subject[:-1]
        self.first = new
        begin = np.maximum.accumulate(np.where(new, np.arange(self.n), 0)) if self.n else np.empty(0, np.intp)
        self.rank = np.arange(self.n) - begin
        self.most = int(self.rank.max(initial=-1)) + 1
        self.last = np.append(new[1:], True) if self.n else np.empty(0, bool)

    def next(self, value: Floats) -> Floats:
        """Value of the subject's next row, NaN at the last."""
        return np.where(self.last, np.nan, np.append(value[1:], np.nan)) if self.n else value

    def running_max(self, value: Floats) -> Floats:
        """Cumulated maximum within the subject; NaN stays NaN."""
        out = value.copy()
        for rank in range(1, self.most):
            rows = np.flatnonzero(self.rank == rank)
            out[rows] = np.fmax(out[rows], out[rows - 1]) + 0 * value[rows]
        return out


class _Context:
    """What the dates of the source's rows may hang on."""

    def __init__(self, subject: NDArray[np.int32], code: Ints, dataset: Dataset, state: Block, spine: Spine) -> None:
        self.subject, self.code, self.spine = subject, code, spine
        self.place = _Neighbours(subject)
        number = np.round(dataset.numbers("VISITNUM"), 9) if "VISITNUM" in state.names else np.full(len(subject), np.nan)
        self.visit = visit_day(spine, subject, number)

    def candidates(self, start: Floats, first: bool) -> dict[str, Floats]:
        """Reference days by name; for the first date the start of the row before, for others the own and the next start."""
        out = {"ANCHOR": self.spine.anchor[self.subject]} | {m: d[self.subject] for m, d in self.spine.marks.items()}
        out["VISIT"] = self.visit
        if first:
            before = np.append(np.nan, start[:-1]) if len(start) else start
            return out | {"BEFORE": np.where(self.place.first, np.nan, before)}
        return out | {"START": start, "NEXT START": self.place.next(start)}

    def given(self) -> list[Ints]:
        """Conditions of a date: the tuple, the rank, and whether no other row follows."""
        return _given(self.subject, self.code)


def _given(subject: NDArray[np.int32], code: Ints) -> list[Ints]:
    place = _Neighbours(subject)
    return [code, np.minimum(place.rank, 5), place.last.astype(np.int64)]


def visit_day(spine: Spine, subject: NDArray[np.int32], number: Floats) -> Floats:
    """Day of a subject's visit of that number: (n_rows,), NaN where the subject did not have it."""
    visits = spine.visits
    out = np.full(len(subject), np.nan)
    if not len(visits.number) or not np.isfinite(number).any():
        return out
    numbers = np.unique(visits.number)
    key = visits.subject.astype(np.int64) * (len(numbers) + 1) + np.searchsorted(numbers, visits.number)
    order = np.argsort(key, kind="stable")
    at = np.searchsorted(numbers, np.where(np.isfinite(number), number, np.inf))
    known = at < len(numbers)
    known[known] = numbers[at[known]] == number[known]
    wanted = subject.astype(np.int64) * (len(numbers) + 1) + at
    found = np.searchsorted(key[order], wanted).clip(max=len(key) - 1)
    hit = known & (key[order][found] == wanted)
    out[hit] = visits.day[order][found[hit]]
    return out


def visit_on(spine: Spine, subject: NDArray[np.int32], day: Floats) -> Floats:
    """VISITNUM of the subject's last visit on or before a day: (n_rows,), NaN where there is none."""
    visits = spine.visits
    out = np.full(len(subject), np.nan)
    if not len(visits.number):
        return out
    low = float(np.floor(visits.day.min())) - 1
    span = float(np.ceil(max(visits.day.max(), np.nanmax(day, initial=low)))) - low + 2
    key = visits.subject * span + (visits.day - low)
    order = np.lexsort((visits.number, key))
    known = np.isfinite(day) & (day >= low)
    wanted = subject * span + np.where(known, day - low, 0.0)
    at = np.searchsorted(key[order], wanted, side="right") - 1
    hit = known & (at >= 0) & (visits.subject[order][at.clip(min=0)] == subject)
    out[hit] = visits.number[order][at[hit]]
    return out


def _fit_state(
    dataset: Dataset, structure: DatasetStructure, skip: set[str], subject: NDArray[np.int32], arm: NDArray[np.int32], k: int
) -> tuple[Block, Ints, list[str], list[str]]:
    """Join the leading columns to the tuple of a row; the columns that are left come last."""
    own = [v for v in structure.variables if v.name not in skip]
    varying = [v.name for v in own if v.content not in (Content.EMPTY, Content.CONSTANT)]
    late = [v.name for v in own if v.content in (Content.EMPTY, Content.CONSTANT)]
    rank = {Role.TOPIC: 0, Role.SYNONYM: 1, Role.GROUPING: 2, Role.VISIT: 3, Role.EPOCH: 4}
    varying.sort(key=lambda name: rank.get(structure.variable(name).role, 2))
    notes: list[str] = []
    prepared = []
    for name in varying:
        made, note = prepare_column(dataset, name, subject, k)
        notes += note
        if made is None:
            late.append(name)
        else:
            prepared.append(made)
    state, code, used = fit_block(prepared, [], subject, k, arm)
    return state, code, [*(name for name, _, _ in prepared[used:]), *late], notes


def _order_dates(names: tuple[str, ...]) -> tuple[str, ...]:
    """Start first, then end, then the rest."""
    return tuple(sorted(names, key=lambda name: (not name.endswith("STDTC"), not name.endswith("ENDTC"), names.index(name))))


def _visit_date(dataset: Dataset, subject: NDArray[np.int32], days: Mapping[str, Floats], spine: Spine) -> tuple[str, float]:
    """The date variable on whose day the visit of VISITNUM usually was, and how often the last visit up to it is that one."""
    number = np.round(dataset.numbers("VISITNUM"), 9)
    best: tuple[float, float, str] = (-1.0, 0.0, "")
    planned = visit_day(spine, subject, number)
    for name, day in days.items():
        both = np.isfinite(number) & np.isfinite(day)
        if both.any():
            agreement = float((visit_on(spine, subject, day) == number)[both].mean())
            best = max(best, (float((planned == day)[both].mean()), agreement, name))
    return best[2], best[1]


def _visit_table(
    dataset: Dataset, names: tuple[str, ...], subject: NDArray[np.int32], k: int
) -> tuple[tuple[str, ...], tuple[Column, ...]]:
    """Visit variables by VISITNUM, the most frequent value of each; visits that fewer than k subjects have are left out."""
    number = np.round(dataset.numbers("VISITNUM"), 9)
    values, inverse = np.unique(number[np.isfinite(number)], return_inverse=True)
    rows = np.flatnonzero(np.isfinite(number))
    kept = [i for i in range(len(values)) if len(np.unique(subject[rows[inverse == i]])) >= k]
    others = tuple(name for name in names if name != "VISITNUM")
    columns: list[Column] = [Numbers(values[kept])]
    for name in others:
        column = dataset[name]
        first = np.array([rows[inverse == i][0] for i in kept], np.intp)
        kept_cells = column.take(first)
        columns.append(kept_cells.compact() if isinstance(kept_cells, Text) else kept_cells)
    return ("VISITNUM", *others), tuple(columns)


def _fit_horizon(code: Ints, subject: NDArray[np.int32], spine: Spine, k: int) -> Horizon:
    """Choose the mark that tells most about which tuples a subject has."""
    best: tuple[float, Horizon] = (-np.inf, Horizon("LAST", np.empty(0)))
    present = np.zeros((spine.n, int(code.max(initial=0)) + 1))
    present[subject, code] = 1.0
    for name, mark in spine.marks.items():
        known = np.isfinite(mark)
        if name == "FIRST" or (name != "LAST" and known.mean() < 0.5):
            continue
        x = (mark - spine.anchor)[known]
        bins = min(BINS, max(1, int(known.sum()) // (3 * k)))
        edges = np.unique(np.quantile(x, np.arange(1, bins) / bins))
        edges = edges[edges > x.min()]
        horizon = Horizon(name, edges)
        cell = horizon.codes(spine)[1] + 1
        n = np.bincount(cell, minlength=len(edges) + 2)
        mean = np.stack([np.bincount(cell, column, minlength=len(n)) / np.maximum(n, 1) for column in present.T], axis=1)
        explained = float((n[:, None] * (mean - present.mean(axis=0)) ** 2).sum())
        if explained > best[0] * 1.02 + 1e-9:
            best = (explained, horizon)
    return best[1]


def _chain_conditions(spine: Spine, horizon: Horizon, group: Ints) -> list[Ints]:
    coarse, fine, last = horizon.codes(spine)
    return [group[spine.arm], coarse, last, fine, spine.arm.astype(np.int64)]


def _arm_groups(code: Ints, subject: NDArray[np.int32], spine: Spine) -> Ints:
    """Group arms whose subjects have much the same tuples: (n_arms,) group of each arm.

    Two arms are of one group if less than a fifth of the rows of either are of tuples that the other never has.
    """
    n_arms = len(spine.arms)
    counts = np.zeros((n_arms, int(code.max(initial=-1)) + 2))
    np.add.at(counts, (spine.arm[subject].astype(np.intp), code.astype(np.intp)), 1.0)
    nobody = np.setdiff1d(np.arange(spine.n), subject)
    np.add.at(counts[:, -1], spine.arm[nobody].astype(np.intp), 1.0)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1.0)
    group = np.full(n_arms, -1, np.int64)
    for arm in np.argsort(-counts.sum(axis=1), kind="stable"):
        for other in range(group.max(initial=-1) + 1):
            head = int(np.flatnonzero(group == other)[counts[group == other].sum(axis=1).argmax()])
            apart = max(share[arm][counts[head] == 0].sum(), share[head][counts[arm] == 0].sum())
            if apart < 0.2:
                group[arm] = other
                break
        else:
            group[arm] = group.max() + 1
    return group


def _fit_chain(
    code: Ints, subject: NDArray[np.int32], spine: Spine, horizon: Horizon, group: Ints, n_states: int, k: int
) -> tuple[BackoffTable, int]:
    place = _Neighbours(subject)
    before = np.where(place.first, 0, np.append(0, code[:-1] + 1)) if len(code) else np.empty(0, np.int64)
    nobody = np.setdiff1d(np.arange(spine.n), subject)
    ends = np.flatnonzero(place.last)
    who = np.concatenate([subject, subject[ends], nobody])
    previous = np.concatenate([before, code[ends] + 1, np.zeros(len(nobody), np.int64)])
    target = np.concatenate([code, np.full(len(ends) + len(nobody), n_states)])
    first, *rest = (codes[who] for codes in _chain_conditions(spine, horizon, group))
    table = BackoffTable.fit(target, [first, previous, *rest], who, k=k, closed=True, design_depth=2)
    counts = np.sort(np.bincount(subject, minlength=spine.n))[::-1]
    most = int(counts[min(k, len(counts)) - 1]) if len(counts) else 0
    return table, max(1, min(MOST_ROWS, most))


def _in_order(subject: NDArray[np.int32], start: Floats) -> bool:
    follower = _Neighbours(subject).next(start)
    both = np.isfinite(start) & np.isfinite(follower)
    return not both.any() or float((follower >= start)[both].mean()) >= 0.98


def _once(state: Block, code: Ints, subject: NDArray[np.int32], n_states: int, k: int) -> NDArray[np.bool_]:
    """Sets of tuples that share a value of which (nearly) no subject has two rows: (n_sets, n_states)."""
    sets: list[NDArray[np.bool_]] = []
    for column in state.values:
        text = column.strings()[:n_states]
        for value in sorted(set(text.tolist())):
            members = text == value
            rows = subject[members[code]]
            counts = np.unique(rows, return_counts=True)[1]
            if len(counts) >= max(k, 10) and (counts > 1).mean() < 0.01 and not any((members == other).all() for other in sets):
                sets.append(members)
    return np.array(sets, bool).reshape(len(sets), n_states)


def _apart(subject: NDArray[np.int32], start: Floats, end: Floats) -> bool:
    follower = _Neighbours(subject).next(start)
    both = np.isfinite(end) & np.isfinite(follower)
    return bool(both.any()) and float((end < follower)[both].mean()) >= 0.98


def _until(start: Floats, subject: NDArray[np.int32], spine: Spine) -> str:
    """The earliest mark after which no row begins."""
    found: list[tuple[float, str]] = []
    for name, mark in spine.marks.items():
        limit = mark[subject]
        both = np.isfinite(start) & np.isfinite(limit)
        if both.sum() >= 10 and np.isfinite(mark).mean() > 0.3 and float((start > limit)[both].mean()) == 0.0:
            found.append((float(np.median((limit - start)[both])), name))
    return min(found)[1] if found else ""

"""Endpoints of an evaluation: tables of source beside sample, courses of changes, and the forest of differences between arms."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from replicator.evaluation.endpoints.endpoint import Endpoint, EndpointKind, Estimate
from replicator.evaluation.endpoints.endpoints import Endpoints
from replicator.evaluation.measures import NORMAL_95
from replicator.reports.svg import area, dot, drawing, fitted, line, number, words

MOST_ROWS = 40  # of one table
MOST_SERIES = 12  # courses that are drawn
MOST_DIFFERENCES = 40  # of the forest
FARTHEST = 8.0  # standard errors, where the forest ends
_SHARES = (EndpointKind.INCIDENCE, EndpointKind.STAYING, EndpointKind.SHIFT)
_COURSES = (EndpointKind.CHANGE, EndpointKind.RESULT)


@dataclass(frozen=True)
class EndpointTable:
    """Endpoints of one kind: a row for each thing that is looked at, a column for each arm and each comparison of two.

    Attributes
    ----------
    kind : str
    columns : tuple of str
    rows : tuple of tuple of str
        The name, then for each column the source's and the sample's estimate.
    n_more : int
        Rows that are left out.
    """

    kind: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    n_more: int


@dataclass(frozen=True)
class Course:
    """Mean changes of one test in one arm over the planned times; entries of one arm, in order."""

    arm: str
    entries: tuple[Endpoint, ...]


@dataclass(frozen=True)
class ChangeSeries:
    """Mean changes, or results, of one test in all arms."""

    name: str
    kind: str
    times: tuple[str, ...]
    courses: tuple[Course, ...]


def endpoint_tables(endpoints: Endpoints, most: int = MOST_ROWS) -> list[EndpointTable]:
    """Lay the endpoints out as tables; those whose difference is most certain in the source come first."""
    return [_table(kind.value, endpoints.of(kind), most) for kind in EndpointKind if endpoints.of(kind)]


def _table(kind: str, entries: tuple[Endpoint, ...], most: int) -> EndpointTable:
    columns = sorted({(bool(one.against), one.arm, one.against) for one in entries})
    cells: dict[tuple[str, str], dict[tuple[bool, str, str], Endpoint]] = {}
    for one in entries:
        cells.setdefault((one.name, one.time), {})[bool(one.against), one.arm, one.against] = one
    order = sorted(cells, key=lambda row: _least_p(cells[row].values()))
    rows = []
    for name, time in order[:most]:
        row = [f"{name} at {time}" if time else name]
        for column in columns:
            found = cells[name, time].get(column)
            row += [_said(found, found.source), _said(found, found.sample)] if found is not None else ["", ""]
        rows.append(tuple(row))
    titles = tuple(_title(kind, arm, against) for _, arm, against in columns)
    return EndpointTable(kind, titles, tuple(rows), max(len(order) - most, 0))


def _title(kind: str, arm: str, against: str) -> str:
    over = "over" if kind == EndpointKind.HAZARD else "less"
    return f"{arm} {over} {against}" if against else arm or "all"


def _least_p(entries: Iterable[Endpoint]) -> float:
    known = [one.source.p for one in entries if math.isfinite(one.source.p)]
    return min(known, default=1.0)


def _said(endpoint: Endpoint, estimate: Estimate) -> str:
    if not math.isfinite(estimate.value):
        return "–"
    share = endpoint.kind in _SHARES
    value, low, high = (
        (f"{one:.1%}" if share else number(one)) if math.isfinite(one) else "–"
        for one in (estimate.value, estimate.interval.low, estimate.interval.high)
    )
    p = f", p\N{NO-BREAK SPACE}{_probability(estimate.p)}" if math.isfinite(estimate.p) else ""
    return f"{value} ({low} to {high}){p}"


def _probability(p: float) -> str:
    return "<\N{NO-BREAK SPACE}0.001" if p < 0.001 else f"{p:.3f}"


def change_series(endpoints: Endpoints) -> list[ChangeSeries]:
    """Courses of tests at two times or more; those whose difference between arms is most certain in the source come first."""
    by_name: dict[tuple[str, str], list[Endpoint]] = {}
    for one in endpoints.of(*_COURSES):
        by_name.setdefault((one.kind.value, one.name), []).append(one)
    order = sorted(by_name, key=lambda name: _least_p(by_name[name]))
    found = []
    for kind, name in order:
        single = [one for one in by_name[kind, name] if not one.against]
        arms = sorted({one.arm for one in single})
        courses = tuple(Course(arm, tuple(one for one in single if one.arm == arm)) for arm in arms)
        if any(len(course.entries) > 1 for course in courses):
            found.append(ChangeSeries(name, kind, tuple(dict.fromkeys(one.time for one in single)), courses))
    return found


def change_chart(series: ChangeSeries, course: Course, width: int = 200, height: int = 120) -> str:
    """Draw mean changes of one arm over planned times with their 95 % intervals; all arms of a test on one scale and one axis."""
    everything = [one for each in series.courses for one in each.entries]
    times = series.times
    ends = [
        end
        for one in everything
        for end in (*_ends(one.source), *_ends(one.sample), 0.0 if series.kind == EndpointKind.CHANGE else one.source.value)
    ]
    known = [end for end in ends if math.isfinite(end)]
    low, high = min(known), max(known)
    floor, left = height - 15, 36
    step = (width - left - 8) / max(len(times) - 1, 1)

    def place(at: int, value: float, aside: float = 0.0) -> tuple[float, float]:
        return left + 4 + at * step + aside, 4 + (floor - 8) * (1 - (value - low) / (high - low or 1.0))

    parts = [words(0, 10, number(high)), words(0, floor - 2, number(low) if high > low else "")]
    if low < 0 < high:
        parts += [line([place(0, 0.0), place(len(times) - 1, 0.0)], "line faintline")]
    for css, aside in (("src", -1.5), ("smp", 1.5)):
        shown = [(times.index(one.time), one, one.source if css == "src" else one.sample) for one in course.entries]
        shown = [(at, one, side) for at, one, side in shown if math.isfinite(side.value)]
        shown.sort(key=lambda row: row[0])
        banded = [(at, side) for at, _, side in shown if math.isfinite(side.interval.low)]
        if css == "src" and len(banded) > 1:
            upper = [place(at, side.interval.high) for at, side in banded]
            parts.append(area([*upper, *(place(at, side.interval.low) for at, side in reversed(banded))], "band src"))
        parts.append(line([place(at, side.value, aside) for at, _, side in shown], f"line {css}"))
        for at, one, side in shown:
            if css == "smp" and math.isfinite(side.interval.low):
                parts.append(line([place(at, side.interval.low, aside), place(at, side.interval.high, aside)], "line smp"))
            tip = (
                f"{one.time}: source {_said(one, one.source)}, n {one.source.n}; sample {_said(one, one.sample)}, n {one.sample.n}"
            )
            parts.append(dot(*place(at, side.value, aside), 2.0, css, tip))
    half = (width - left) / 2 - 4
    parts.append(words(left, height - 3, fitted(times[0], half)))
    if len(times) > 1:
        parts.append(words(width, height - 3, fitted(times[-1], half), anchor="end"))
    return drawing(width, height, f"{series.kind} of {series.name}, {course.arm or 'all'}", parts)


def _ends(estimate: Estimate) -> tuple[float, float]:
    return (
        (estimate.interval.low, estimate.interval.high)
        if math.isfinite(estimate.interval.low)
        else (estimate.value, estimate.value)
    )


def significant_differences(endpoints: Endpoints) -> list[Endpoint]:
    """Differences between arms that are significant in the source, most certain first."""
    return sorted((one for one in endpoints.entries if one.sign_kept is not None), key=lambda one: one.source.p)


def forest_chart(differences: Sequence[Endpoint], width: int = 370) -> str:
    """Draw differences between arms with their 95 % intervals, in standard errors of the source's: source above, sample below."""
    row, margin = 44, 8  # each difference has its name above it, so that it also fits a phone
    scale = (width - 2 * margin) / (2 * FARTHEST)
    height = row * len(differences) + 18

    def x(value: float) -> float:
        return margin + (min(max(value, -FARTHEST), FARTHEST) + FARTHEST) * scale

    parts = [line([(x(0), row * i + 24), (x(0), row * i + 42)], "line faintline") for i in range(len(differences))]
    parts += [words(x(at), height - 3, f"{at:+g}" if at else "0", anchor="middle") for at in (-6, -3, 0, 3, 6)]
    for i, one in enumerate(differences):
        y = row * i
        parts.append(words(0, y + 10, fitted(one.name + (f" at {one.time}" if one.time else ""), width)))
        parts.append(words(0, y + 21, fitted(one.between(), width, 9), "axis tiny"))
        ratio = one.kind is EndpointKind.HAZARD
        error = _error(one.source, ratio)
        for css, side, at in (("src", one.source, y + 29), ("smp", one.sample, y + 36)):
            value, low, high = (_scaled(end, error, ratio) for end in (side.value, side.interval.low, side.interval.high))
            if not math.isfinite(value):
                continue
            if math.isfinite(low):
                parts.append(line([(x(low), at), (x(high), at)], f"line {css}"))
            parts.append(
                dot(x(value), at, 2.6, css, f"{one.label()}, {'source' if css == 'src' else 'sample'}: {_said(one, side)}")
            )
    return drawing(width, height, f"{len(differences)} differences between arms", parts)


def _error(estimate: Estimate, ratio: bool) -> float:
    low, high = ((math.log(end) if ratio else end) for end in (estimate.interval.low, estimate.interval.high))
    return (high - low) / (2 * NORMAL_95) or 1.0


def _scaled(value: float, error: float, ratio: bool) -> float:
    return (math.log(value) if ratio and value > 0 else value) / error

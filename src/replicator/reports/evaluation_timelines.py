"""Time lines of subjects: visits, treatments, events and results over the days of the study."""

from __future__ import annotations

from collections.abc import Callable

from replicator.evaluation.pictures.shapes import Series, Stretch, SubjectPicture, Track
from replicator.reports.svg import box, dot, drawing, fitted, line, number, words

_LEFT, _ROW, _MOST_ROWS = 92, 9, 9  # rows of one track, in which what lies at the same time stands below each other
_PLOT = 34  # height of one line of results
_END = 54  # width that the name of the first or the last day may take


def timeline_chart(subject: SubjectPicture, first: float, last: float, css: str = "smp", width: int = 430) -> str:
    """Draw one subject, or what is typical of some; what lies outside `first` to `last` is drawn at the edge.

    Day 0 is named where there is room beside the first and the last day.
    """
    scale = (width - _LEFT - 6) / (last - first or 1.0)

    def x(day: float) -> float:
        return _LEFT + (min(max(day, first), last) - first) * scale

    parts: list[str] = []
    y = 4.0
    for track in subject.tracks:
        rows = _packed(track, first, last, scale)
        parts.append(words(_LEFT - 6, y + 8, fitted(track.name, _LEFT - 8), anchor="end"))
        for stretch, at in rows:
            parts.append(_mark(stretch, x(stretch.start), x(stretch.end), y + at * _ROW, css))
        y += (max((at for _, at in rows), default=0) + 1) * _ROW + 5
    for series in subject.series:
        parts.append(words(_LEFT - 6, y + _PLOT / 2 - 3, fitted(series.name, _LEFT - 8, 9), "axis tiny", "end"))
        parts.append(words(_LEFT - 6, y + _PLOT / 2 + 8, f"{number(series.low)} to {number(series.high)}", "axis tiny", "end"))
        parts += _plotted(series, x, y, css)
        y += _PLOT + 5
    parts.append(line([(x(first), y), (x(last), y)], "line faintline"))
    parts += [words(_LEFT, y + 12, f"day {first:.0f}"), words(width, y + 12, f"day {last:.0f}", anchor="end")]
    if first < 0 < last:
        parts.append(line([(x(0), 0), (x(0), y)], "line faintline"))
        if min(x(0) - x(first), x(last) - x(0)) > _END:
            parts.append(words(x(0), y + 12, "0", anchor="middle"))
    return drawing(width, y + 16, subject.title, parts)


def _packed(track: Track, first: float, last: float, scale: float) -> list[tuple[Stretch, int]]:
    """Place stretches in rows so that they do not cover each other; the last row takes what finds no room."""
    free = [-1e9] * _MOST_ROWS
    placed = []
    for stretch in sorted(track.stretches, key=lambda one: (one.start, one.end)):
        start, end = (min(max(day, first), last) * scale for day in (stretch.start, stretch.end))
        row = next((i for i, taken in enumerate(free) if taken <= start), _MOST_ROWS - 1)
        free[row] = max(end, start + 5) + 1
        placed.append((stretch, row))
    return placed


def _mark(stretch: Stretch, start: float, end: float, y: float, css: str) -> str:
    days = f"day {stretch.start:.0f}" + (f" to {stretch.end:.0f}" if stretch.end > stretch.start else "")
    tip = f"{stretch.label}, {days}".lstrip(", ")
    shade = f"level{stretch.level}" if stretch.level else css
    if end - start < 3:
        return dot(start, y + 4.5, 3, shade, tip)
    return box(start, y + 1.5, end - start, 6, shade, tip)


def _plotted(series: Series, x: Callable[[float], float], y: float, css: str) -> list[str]:
    span = series.high - series.low or 1.0

    def height(value: float) -> float:
        return y + 3 + (_PLOT - 6) * (1 - (min(max(value, series.low), series.high) - series.low) / span)

    points = [(x(day), height(value)) for day, value in zip(series.days, series.values, strict=True)]
    dots = [
        dot(*point, 1.8, css, f"{series.name} {value:.4g}, day {day:.0f}")
        for point, day, value in zip(points, series.days, series.values, strict=True)
    ]
    return [line(points, f"line {css}"), *dots]

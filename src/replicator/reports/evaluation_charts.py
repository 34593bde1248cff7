"""Charts of an evaluation: ratios with their intervals, figures in their range, distributions, courses and curves.

The source is a filled shape, the sample a line over it, so that both are told apart without colours.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from replicator.evaluation.measures import Family, Figure
from replicator.evaluation.pictures.shapes import ArmCourse, Band, Curve, Distribution, TestPicture
from replicator.evaluation.verdict import FINDING_RATIO
from replicator.reports.svg import area, box, breadth, dot, drawing, fitted, line, number, runs, words

MOST_LABEL = 180.0  # pixels of the name of a category
LEAST_RATIO, MOST_RATIO = 0.5, 4.0  # what the axis of ratios shows


def ratio_chart(family: Family, width: int = 190, height: int = 20) -> str:
    """Draw a ratio as a dot with its interval on a logarithmic axis; the stroke is 1, the field behind it is fine."""
    if not math.isfinite(family.ratio):
        return ""

    def x(ratio: float) -> float:
        inside = min(max(ratio, LEAST_RATIO), MOST_RATIO)
        return 4 + (width - 8) * math.log(inside / LEAST_RATIO) / math.log(MOST_RATIO / LEAST_RATIO)

    low, high = (end if math.isfinite(end) else family.ratio for end in (family.interval.low, family.interval.high))
    middle = height / 2
    parts = [
        box(x(LEAST_RATIO), 1, x(FINDING_RATIO) - x(LEAST_RATIO), height - 2, "faint"),
        line([(x(1.0), 0), (x(1.0), height)], "line axisline"),
        line([(x(low), middle), (x(high), middle)], "line smp"),
        dot(x(family.ratio), middle, 4, "smp"),
    ]
    return drawing(width, height, f"{family.name}: {family.ratio:.2f}, {low:.2f} to {high:.2f}", parts, "chart mini")


def figure_chart(figure: Figure, width: int = 190, height: int = 20) -> str:
    """Draw a figure as a dot with its interval within its range; the stroke is the target."""
    if not math.isfinite(figure.value):
        return ""
    ends = [figure.value, figure.target, figure.interval.low, figure.interval.high]
    known = [end for end in ends if math.isfinite(end)]
    lowest = figure.lowest if math.isfinite(figure.lowest) else min(known)
    highest = figure.highest if math.isfinite(figure.highest) else max(known)
    span = highest - lowest or 1.0

    def x(value: float) -> float:
        return 4 + (width - 8) * (min(max(value, lowest), highest) - lowest) / span

    low, high = (end if math.isfinite(end) else figure.value for end in (figure.interval.low, figure.interval.high))
    middle = height / 2
    target = [line([(x(figure.target), 0), (x(figure.target), height)], "line axisline")] if math.isfinite(figure.target) else []
    parts = [
        box(4, middle - 1, width - 8, 2, "faint"),
        *target,
        line([(x(low), middle), (x(high), middle)], "line smp"),
        dot(x(figure.value), middle, 4, "smp"),
    ]
    return drawing(width, height, f"{figure.name}: {figure.value:.3g}, target {figure.target:.3g}", parts, "chart mini")


def distribution_chart(drawn: Distribution, width: int = 320, height: int = 92) -> str:
    """Draw a distribution: numbers as density over the axis, categories as pairs of bars."""
    return _numbers(drawn, width, height) if drawn.edges else _categories(drawn, width)


def _numbers(drawn: Distribution, width: int, height: int) -> str:
    low, high = drawn.edges[0], drawn.edges[-1]
    widths = [max(b - a, 1e-300) for a, b in zip(drawn.edges, drawn.edges[1:], strict=False)]
    heights = [[share / w for share, w in zip(side, widths, strict=True)] for side in (drawn.source, drawn.sample)]
    top = max((max(side, default=0.0) for side in heights), default=0.0) or 1.0
    floor = height - 16

    def x(value: float) -> float:
        return 2 + (width - 4) * (value - low) / (high - low or 1.0)

    def steps(side: list[float]) -> list[tuple[float, float]]:
        corners = [(x(low), float(floor))]
        for i, value in enumerate(side):
            y = floor - (floor - 4) * value / top
            corners += [(x(drawn.edges[i]), y), (x(drawn.edges[i + 1]), y)]
        return [*corners, (x(high), float(floor))]

    tips = (
        box(
            x(drawn.edges[i]),
            0,
            x(drawn.edges[i + 1]) - x(drawn.edges[i]),
            floor,
            "tip",
            f"{_between(drawn.edges, i)}: source {drawn.source[i]:.1%}, sample {drawn.sample[i]:.1%}",
        )
        for i in range(len(widths))
    )
    parts = [
        area(steps(heights[0]), "area src"),
        line(steps(heights[1]), "line smp"),
        words(0, height - 3, number(low, 5)),
        words(width, height - 3, number(high, 5), anchor="end"),
        *tips,
    ]
    return drawing(width, height, f"distribution from {low:g} to {high:g}", parts)


def _between(edges: tuple[float, ...], i: int) -> str:
    if i == 0:
        return f"below {number(edges[1], 5)}" if len(edges) > 2 else "all"
    return f"{number(edges[i], 5)} and above" if i == len(edges) - 2 else f"{number(edges[i], 5)} to {number(edges[i + 1], 5)}"


def _categories(drawn: Distribution, width: int) -> str:
    row, left = 19, min(max(map(breadth, drawn.levels), default=0.0), MOST_LABEL) + 6
    top = max((*drawn.source, *drawn.sample), default=0.0) or 1.0
    scale = (width - left - 70) / top
    parts = []
    for i, level in enumerate(drawn.levels):
        y = i * row
        source, sample = drawn.source[i], drawn.sample[i]
        tip = f"{level}: source {source:.1%}, sample {sample:.1%}"
        parts += [
            words(left - 5, y + 13, fitted(level, left - 5), anchor="end"),
            box(left, y + 2, source * scale, 7, "src", tip),
            box(left, y + 10, sample * scale, 6, "smp", tip),
            words(left + max(source, sample) * scale + 4, y + 13, f"{source:.0%} | {sample:.0%}"),
        ]
    return drawing(width, max(row * len(drawn.levels), 1), f"shares of {len(drawn.levels)} values", parts)


def course_chart(test: TestPicture, course: ArmCourse, width: int = 158, height: int = 96) -> str:
    """Draw means over planned times with a standard deviation on each side, source and sample, one arm; all arms on one scale."""
    ends = [end for one in test.courses for band in (one.source, one.sample) for end in _reach(band)]
    if not ends:
        return ""
    edges = test.distribution.edges if test.distribution is not None else ()
    low, high = max(min(ends), min(edges, default=-math.inf)), min(max(ends), max(edges, default=math.inf))
    floor, left = height - 15, 30
    step = (width - left - 4) / max(len(test.times) - 1, 1)

    def place(i: int, value: float) -> tuple[float, float]:
        inside = min(max(value, low), high)
        return left + i * step, 4 + (floor - 8) * (1 - (inside - low) / (high - low or 1.0))

    parts = [words(0, 10, number(high)), words(0, floor - 2, number(low) if high > low else "")]
    for band, css in ((course.source, "src"), (course.sample, "smp")):
        for run in runs(band.mean):
            points = [(i, band.mean[i] or 0.0, band.sd[i] or 0.0) for i in run]
            upper, lower = [place(i, m + s) for i, m, s in points], [place(i, m - s) for i, m, s in points]
            parts += [area([*upper, *reversed(lower)], f"band {css}"), line([place(i, m) for i, m, _ in points], f"line {css}")]
    for i, (real, made) in enumerate(zip(course.source.mean, course.sample.mean, strict=True)):
        if made is not None:
            of_source = "" if real is None else f"source {real:.4g} ({course.source.n[i]} subjects), "
            tip = f"{test.times[i]}: {of_source}sample {made:.4g} ({course.sample.n[i]})"
            parts.append(dot(*place(i, made), 1.8, "smp", tip))
    half = width / 2 - 3
    parts.append(words(0, height - 3, fitted(test.times[0], half)))
    parts.append(words(width, height - 3, fitted(test.times[-1], half), anchor="end"))
    return drawing(width, height, f"{test.test} over time, {course.arm or 'all'}", parts)


def _reach(band: Band) -> Iterable[float]:
    for mean, sd in zip(band.mean, band.sd, strict=True):
        if mean is not None:
            yield mean - (sd or 0.0)
            yield mean + (sd or 0.0)


def _steps(days: Sequence[float], shares: Sequence[float]) -> list[tuple[float, float]]:
    """Points of a curve that stays where it is until the next day."""
    corners = [(day, share) for day, share in zip(days[1:], shares[:-1], strict=True)]
    ends = list(zip(days[1:], shares[1:], strict=True))
    return [(days[0], shares[0]), *(point for both in zip(corners, ends, strict=True) for point in both)]


def curve_chart(curve: Curve, last: float, width: int = 300, height: int = 150) -> str:
    """Draw the share that has not left, from 0 to 1, over days up to `last`: source and sample, with 95 % intervals."""
    first, floor, left = min(curve.days[0], 0.0), height - 16, 34

    def place(day: float, share: float) -> tuple[float, float]:
        inside = min(max(day, first), last)
        return left + (width - left - 4) * (inside - first) / (last - first or 1.0), 4 + (floor - 6) * (1 - share)

    parts = [words(left - 4, 12, "100%", anchor="end"), words(left - 4, floor, "0", anchor="end")]
    parts.append(line([place(first, 0), place(last, 0)], "line faintline"))
    for side, band, css in ((curve.source, curve.source_band, "src"), (curve.sample, curve.sample_band, "smp")):
        lower, upper = ([place(*point) for point in _steps(curve.days, ends)] for ends in zip(*band, strict=True))
        parts.append(area([*upper, *reversed(lower)], f"band {css}"))
        parts.append(line([place(*point) for point in _steps(curve.days, side)], f"line thick {css}"))
    for i, day in enumerate(curve.days):
        tip = f"day {day:.0f}: source {curve.source[i]:.1%}, sample {curve.sample[i]:.1%}"
        parts.append(dot(*place(day, curve.sample[i]), 3, "tip", tip))
    parts += [words(left, height - 3, f"day {first:.0f}"), words(width, height - 3, f"day {last:.0f}", anchor="end")]
    return drawing(width, height, f"share staying, {curve.arm or 'all'}", parts)

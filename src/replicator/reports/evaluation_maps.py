"""Maps of an evaluation: what goes together, what is missing, who is measured, and lanes of events."""

from __future__ import annotations

from collections.abc import Sequence

from replicator.evaluation.pictures.shapes import Lane, Map, Row
from replicator.reports.svg import box, breadth, drawing, fitted, upright, words

_LABEL, _TINY = 130, 9  # pixels of the name of a row or column, and of its letters
WIDTH = 370  # of a chart, so that a phone shows it as it is; wider pages have several beside each other


def correlation_chart(drawn: Map, *, sample: bool, cell: int = 16) -> str:
    """Draw one side of a correlation map: warm for positive, cold for negative, grey where it cannot be told."""
    matrix = drawn.sample if sample else drawn.source
    parts, top = _columns(drawn.columns, cell)
    width, height = _LABEL + cell * len(drawn.columns), top + cell * len(drawn.rows) + 4
    for i, row in enumerate(matrix):
        y = top + i * cell
        parts.append(words(_LABEL - 5, y + cell - 5, fitted(drawn.rows[i], _LABEL - 5, _TINY), "axis tiny", "end"))
        for j, value in enumerate(row):
            tip = f"{drawn.rows[i]} with {drawn.columns[j]}: {'cannot be told' if value is None else f'{value:+.2f}'}"
            css = "unknown" if value is None else "warm" if value > 0 else "cold"
            strength = 1.0 if value is None else abs(value)
            parts.append(box(_LABEL + j * cell, y, cell - 1, cell - 1, css, tip, min(strength, 0.99)))
    return drawing(width, height, "correlations, " + ("sample" if sample else "source"), parts)


def share_chart(drawn: Map, first: int = 0, last: int | None = None, cell: int = 10, row: int = 13) -> str:
    """Draw shares of the columns from `first` to before `last`, all by default.

    Each cell has the source on the left and the sample on the right, the fuller the larger the share.
    """
    columns = range(len(drawn.columns))[first:last]
    wide = cell * 2 + 2
    said = 90 if len(drawn.columns) == 1 else 0
    parts, top = ([], 0) if said else _columns(drawn.columns[first:last], wide)
    width, height = _LABEL + wide * len(columns) + said, top + row * len(drawn.rows) + 4
    for i, (real, made) in enumerate(zip(drawn.source, drawn.sample, strict=True)):
        y = top + i * row
        parts.append(words(_LABEL - 5, y + row - 3, fitted(drawn.rows[i], _LABEL - 5, _TINY), "axis tiny", "end"))
        for place, j in enumerate(columns):
            tip = f"{drawn.rows[i]}, {drawn.columns[j]}: source {_said(real, j)}, sample {_said(made, j)}"
            for at, side, css in ((0, real, "srcfill"), (1, made, "smpfill")):
                value = side[j]
                x = _LABEL + place * wide + at * cell
                shade = "unknown" if value is None else css
                parts.append(box(x, y, cell - 0.5, row - 1, shade, tip, 0.99 if value is None else 0.06 + 0.93 * value))
        if said:
            parts.append(words(_LABEL + wide + 4, y + row - 3, f"{_brief(real[0])} | {_brief(made[0])}", "axis tiny"))
    return drawing(width, height, "shares in source and sample", parts)


def _columns(names: Sequence[str], wide: int) -> tuple[list[str], int]:
    """Write names of columns upright; returned with the height that they take."""
    height = int(min(max((breadth(name, _TINY) for name in names), default=0.0) + 6, _LABEL))
    return [
        upright(_LABEL + i * wide + wide / 2 + 3, height - 4, fitted(name, height - 6, _TINY), "axis tiny")
        for i, name in enumerate(names)
    ], height


def _brief(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"


def _said(row: Row, at: int) -> str:
    value = row[at]
    return "of fewer than five subjects" if value is None else f"{value:.1%}"


def lanes_chart(lanes: Sequence[Lane], first: float, last: float, width: int = WIDTH, row: int = 34) -> str:
    """Draw lanes over the days from `first` to `last`, one for each term, whose name stands above it.

    The source is above the sample, darker where more subjects have it beginning a day.
    """
    scale = width / (last - first or 1.0)
    parts = []
    for i, lane in enumerate(lanes):
        y = i * row
        widths = [max(b - a, 1e-300) for a, b in zip(lane.edges, lane.edges[1:], strict=False)]
        densest = max(share / w for side in (lane.source, lane.sample) for share, w in zip(side, widths, strict=True)) or 1.0
        parts.append(words(0, y + 10, fitted(lane.term, width - 90)))
        for side, css, at in ((lane.source, "srcfill", 14.0), (lane.sample, "smpfill", 23.0)):
            for j, share in enumerate(side):
                x = (lane.edges[j] - first) * scale
                tip = (
                    f"{lane.term}, day {lane.edges[j]:.0f} to {lane.edges[j + 1]:.0f}: "
                    f"source {lane.source[j]:.1%}, sample {lane.sample[j]:.1%} of the subjects"
                )
                parts.append(box(x, y + at, widths[j] * scale - 0.3, 8, css, tip, min(share / widths[j] / densest, 0.99)))
        parts.append(words(width, y + 10, f"{lane.having_source:.0%} | {lane.having_sample:.0%}", "axis", "end"))
    y = len(lanes) * row + 11
    parts += [words(0, y, f"day {first:.0f}"), words(width, y, f"day {last:.0f}", anchor="end")]
    return drawing(width, len(lanes) * row + 14, "lanes of terms over days", parts)

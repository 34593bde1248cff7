"""Maps of an evaluation: what goes together, what is missing, who is measured, and lanes of events."""

from __future__ import annotations

from replicator.evaluation.pictures.shapes import Lane, Map, Row
from replicator.reports.svg import box, drawing, short, words

_LABEL = 150  # pixels of a row's name


def correlation_chart(drawn: Map, *, sample: bool, cell: int = 12) -> str:
    """Draw one side of a correlation map: warm for positive, cold for negative, grey where it cannot be told."""
    matrix = drawn.sample if sample else drawn.source
    width, height = _LABEL + cell * len(drawn.columns), cell * len(drawn.rows) + 4
    parts = []
    for i, row in enumerate(matrix):
        parts.append(words(_LABEL - 5, i * cell + cell - 2, short(drawn.rows[i], 26), "axis tiny", "end"))
        for j, value in enumerate(row):
            tip = f"{drawn.rows[i]} with {drawn.columns[j]}: {'cannot be told' if value is None else f'{value:+.2f}'}"
            css = "unknown" if value is None else "warm" if value > 0 else "cold"
            strength = 1.0 if value is None else abs(value)
            parts.append(box(_LABEL + j * cell, i * cell, cell - 1, cell - 1, css, tip, min(strength, 0.99)))
    return drawing(width, height, "correlations, " + ("sample" if sample else "source"), parts)


def share_chart(drawn: Map, cell: int = 13) -> str:
    """Draw shares: each cell has the source on the left and the sample on the right, the fuller the larger the share."""
    wide = cell * 2 + 2
    said = 90 if len(drawn.columns) == 1 else 0
    width, height = _LABEL + wide * len(drawn.columns) + said, cell * len(drawn.rows) + 4
    parts = []
    for i, (real, made) in enumerate(zip(drawn.source, drawn.sample, strict=True)):
        parts.append(words(_LABEL - 5, i * cell + cell - 3, short(drawn.rows[i], 26), "axis tiny", "end"))
        for j in range(len(drawn.columns)):
            tip = f"{drawn.rows[i]}, {drawn.columns[j]}: source {_said(real, j)}, sample {_said(made, j)}"
            for at, row, css in ((0, real, "srcfill"), (1, made, "smpfill")):
                value = row[j]
                x = _LABEL + j * wide + at * cell
                shade = "unknown" if value is None else css
                parts.append(box(x, i * cell, cell - 0.5, cell - 1, shade, tip, 0.99 if value is None else 0.06 + 0.93 * value))
        if said:
            parts.append(words(_LABEL + wide + 4, i * cell + cell - 3, f"{_brief(real[0])} | {_brief(made[0])}", "axis tiny"))
    return drawing(width, height, "shares in source and sample", parts)


def _brief(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"


def _said(row: Row, at: int) -> str:
    value = row[at]
    return "of fewer than five subjects" if value is None else f"{value:.1%}"


def lanes_chart(lanes: tuple[Lane, ...], width: int = 620, row: int = 24) -> str:
    """Draw lanes: one for each term, the source above and the sample below, darker where more subjects have it beginning a day."""
    left, right = 206, 86
    first, last = min(lane.edges[0] for lane in lanes), max(lane.edges[-1] for lane in lanes)
    scale = (width - left - right) / (last - first or 1.0)
    parts = []
    for i, lane in enumerate(lanes):
        y = i * row
        widths = [max(b - a, 1e-300) for a, b in zip(lane.edges, lane.edges[1:], strict=False)]
        densest = max(share / w for side in (lane.source, lane.sample) for share, w in zip(side, widths, strict=True)) or 1.0
        parts.append(words(left - 6, y + 14, short(lane.term, 29), "axis", "end"))
        for side, css, at in ((lane.source, "srcfill", 2.0), (lane.sample, "smpfill", 11.0)):
            for j, share in enumerate(side):
                x = left + (lane.edges[j] - first) * scale
                tip = (
                    f"{lane.term}, day {lane.edges[j]:.0f} to {lane.edges[j + 1]:.0f}: "
                    f"source {lane.source[j]:.1%}, sample {lane.sample[j]:.1%} of the subjects"
                )
                parts.append(box(x, y + at, widths[j] * scale - 0.3, 8, css, tip, min(share / widths[j] / densest, 0.99)))
        shares = f"{lane.having_source:.0%} | {lane.having_sample:.0%}"
        parts.append(words(width, y + 14, shares, "axis", "end"))
    y = len(lanes) * row + 11
    parts += [words(left, y, f"day {first:.0f}"), words(width - right, y, f"day {last:.0f}", anchor="end")]
    parts.append(words(width, y, "source | sample", anchor="end"))
    return drawing(width, len(lanes) * row + 14, "lanes of terms over days", parts)

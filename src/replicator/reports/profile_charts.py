"""Small charts as inline SVG: spread of numbers, shares of values, course over visits. They take the colours of their page."""

from __future__ import annotations

from html import escape

from replicator.profile.study_profile import Course, Levels, Quantiles

_COLORS = 8  # arms that get a colour of their own; the page's style defines --arm0 to --arm7


def spread_chart(quantiles: Quantiles, width: int = 160, height: int = 18) -> str:
    """Draw low to high as a line, 5 to 95 % as a bar, 25 to 75 % as a thicker one, the median as a stroke."""
    span = quantiles.high - quantiles.low
    middle = height / 2

    def x(value: float) -> float:
        return 2 + (width - 4) * ((value - quantiles.low) / span if span > 0 else 0.5)

    def bar(left: float, right: float, thick: float, css: str) -> str:
        return (
            f'<rect class="{css}" x="{x(left):.1f}" y="{middle - thick / 2:.1f}" '
            f'width="{max(x(right) - x(left), 1):.1f}" height="{thick:.1f}"/>'
        )

    words = escape(f"low {quantiles.low:g}, median {quantiles.p50:g}, high {quantiles.high:g}")
    return (
        f'<svg class="spread" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" aria-label="{words}">'
        f"<title>{words}</title>"
        f"{bar(quantiles.low, quantiles.high, 1, 'faint')}{bar(quantiles.p05, quantiles.p95, 5, 'light')}"
        f"{bar(quantiles.p25, quantiles.p75, 11, 'fill')}{bar(quantiles.p50, quantiles.p50, 15, 'mark')}</svg>"
    )


def share_bar(share: float, width: int = 90) -> str:
    """Draw a share of 1 as a bar."""
    filled = max(0.0, min(1.0, share)) * width
    return (
        f'<svg class="share" viewBox="0 0 {width} 10" width="{width}" height="10" role="img" aria-label="{share:.0%}">'
        f'<rect class="faint" x="0" y="1" width="{width}" height="8"/>'
        f'<rect class="fill" x="0" y="1" width="{filled:.1f}" height="8"/></svg>'
    )


def level_shares(levels: Levels, most: int = 6) -> list[tuple[str, int, float]]:
    """Return the most frequent values with rows and share, and what is left under ``others``."""
    total = sum(level.n_rows for level in levels.shared) + levels.n_other_rows
    shown = [(level.value, level.n_rows, level.n_rows / total) for level in levels.shared[:most]] if total else []
    rest = total - sum(rows for _, rows, _ in shown)
    n_rest = len(levels.shared) - len(shown) + levels.n_other_levels
    return [*shown, *([(f"{n_rest:,} other{'' if n_rest == 1 else 's'}", rest, rest / total)] if rest else [])]


def course_chart(course: Course, width: int = 320, height: int = 110) -> str:
    """Draw the means over visits, one line an arm; the visits stand at equal distances, their names in the tips."""
    known = [value for row in course.mean for value in row if value is not None]
    low, high = min(known), max(known)
    span = high - low or 1.0
    step = (width - 44) / max(len(course.visits) - 1, 1)

    def y(value: float) -> float:
        return 6 + (height - 22) * (1 - (value - low) / span)

    parts = [
        f'<text class="axis" x="0" y="{y(high) + 4:.1f}">{high:.3g}</text>',
        f'<text class="axis" x="0" y="{y(low) + 4:.1f}">{low:.3g}</text>' if high > low else "",
        f'<text class="axis" x="38" y="{height - 2}">{escape(_short(course.visits[0]))}</text>',
        f'<text class="axis" text-anchor="end" x="{width - 2}" y="{height - 2}">{escape(_short(course.visits[-1]))}</text>',
    ]
    for i, (arm, means, counts) in enumerate(zip(course.arms, course.mean, course.n_subjects, strict=True)):
        points = [(38 + j * step, y(mean), mean, j) for j, mean in enumerate(means) if mean is not None]
        css = f"arm{i % _COLORS}"
        line = " ".join(f"{px:.1f},{py:.1f}" for px, py, _, _ in points)
        parts.append(f'<polyline class="line {css}" points="{line}"/>')
        parts += [
            f'<circle class="dot {css}" cx="{px:.1f}" cy="{py:.1f}" r="2.2"><title>'
            f"{escape(arm)}, {escape(course.visits[j])}: {mean:.4g} ({counts[j]} subjects)</title></circle>"
            for px, py, mean, j in points
        ]
    return (
        f'<svg class="course" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
        f'aria-label="means over visits by arm">{"".join(parts)}</svg>'
    )


def _short(text: str) -> str:
    return text if len(text) <= 18 else text[:17] + "…"

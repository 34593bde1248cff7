"""Pieces of inline SVG; every text is escaped, numbers are written to a tenth of a pixel."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

_CAPITAL, _SMALL, _NARROW = 0.72, 0.62, 0.35  # widths of letters, as shares of their size
_THIN = " .,:;|'()[]/ijlt"


def drawing(width: float, height: float, label: str, parts: Iterable[str], css: str = "chart") -> str:
    """Put parts together as one drawing that grows no wider than its place; `label` is read aloud instead of it."""
    return (
        f'<svg class="{css}" viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}" role="img" '
        f'aria-label="{escape(label)}">{"".join(parts)}</svg>'
    )


def words(x: float, y: float, text: str, css: str = "axis", anchor: str = "") -> str:
    """Write a line of text; `anchor` is ``middle`` or ``end``, or ``""`` to begin at `x`."""
    at = f' text-anchor="{anchor}"' if anchor else ""
    return f'<text class="{css}" x="{x:.1f}" y="{y:.1f}"{at}>{escape(text)}</text>'


def upright(x: float, y: float, text: str, css: str = "axis") -> str:
    """Write a text that runs upwards from a point."""
    return f'<text class="{css}" transform="translate({x:.1f} {y:.1f}) rotate(-90)">{escape(text)}</text>'


def box(x: float, y: float, width: float, height: float, css: str, tip: str = "", opacity: float = 1.0) -> str:
    """Draw a rectangle with a tip."""
    faded = f' fill-opacity="{opacity:.2f}"' if opacity < 1.0 else ""
    said = f"<title>{escape(tip)}</title></rect>" if tip else "</rect>"
    return (
        f'<rect class="{css}" x="{x:.1f}" y="{y:.1f}" width="{max(width, 0.0):.1f}" height="{max(height, 0.0):.1f}"{faded}>{said}'
    )


def line(points: Iterable[tuple[float, float]], css: str) -> str:
    """Draw a line through points."""
    return f'<polyline class="{css}" points="{_points(points)}"/>'


def area(points: Iterable[tuple[float, float]], css: str) -> str:
    """Draw a filled area with points as its corners."""
    return f'<polygon class="{css}" points="{_points(points)}"/>'


def dot(x: float, y: float, radius: float, css: str, tip: str = "") -> str:
    """Draw a dot with a tip."""
    said = f"<title>{escape(tip)}</title></circle>" if tip else "</circle>"
    return f'<circle class="{css}" cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}">{said}'


def number(value: float, digits: int = 3) -> str:
    """Write a number with so many digits, and without an exponent where it is neither large nor small.

    Examples
    --------
    >>> number(4431.7), number(0.02345), number(2.5e-7)
    ('4430', '0.0234', '2.5e-07')
    """
    short = f"{value:.{digits}g}"
    return f"{float(short):.0f}" if "e+" in short and abs(value) < 1e7 else short


def runs(row: Sequence[float | None]) -> list[list[int]]:
    """Positions of values that stand next to each other, in runs between gaps.

    Examples
    --------
    >>> runs([1.0, 2.0, None, 3.0])
    [[0, 1], [3]]
    """
    found: list[list[int]] = []
    for i, value in enumerate(row):
        if value is None:
            continue
        if found and found[-1][-1] == i - 1:
            found[-1].append(i)
        else:
            found.append([i])
    return found


def fitted(text: str, width: float, size: float = 10.0) -> str:
    """Cut a text that is wider than its place, as the widest of the usual fonts without serifs would set it.

    Parameters
    ----------
    text : str
    width, size : float
        Pixels of the place, and of the letters.

    Examples
    --------
    >>> fitted("Placebo", 60), fitted("SUPINE SYSTOLIC BLOOD PRESSURE", 60)
    ('Placebo', 'SUPINE …')
    """
    if breadth(text, size) <= width:
        return text
    fitting = next((i for i in range(len(text), 0, -1) if breadth(text[:i], size) + size * _SMALL <= width), 0)
    return text[:fitting] + "…"


def breadth(text: str, size: float = 10.0) -> float:
    """Pixels that a text takes at most, in letters of `size` pixels."""
    return size * sum(_CAPITAL if letter.isupper() else _NARROW if letter in _THIN else _SMALL for letter in text)


def _points(points: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)

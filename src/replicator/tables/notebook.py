"""Tables and notes as the fragments of HTML that notebooks show; the notebook's own style sets their looks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape

_NUMBER = re.compile(r"[+-]?[\d,.]+(?:e[+-]?\d+)?%?")


def html_table(titles: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Write a table as HTML; every cell is escaped, text stands to the left and numbers to the right.

    Examples
    --------
    >>> html_table(["name"], [["<b>"]]).partition("<tbody>")[2]
    '<tr><td style="text-align:left">&lt;b&gt;</td></tr></tbody></table>'
    """
    head = "".join(f'<th style="text-align:left">{escape(title)}</th>' for title in titles)
    body = "".join("<tr>" + "".join(map(_cell, row)) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def html_notes(notes: Sequence[str], title: str) -> str:
    """Write notes as a list that unfolds at a click; nothing if there are none."""
    if not notes:
        return ""
    items = "".join(f"<li>{escape(note)}</li>" for note in notes)
    return f"<details><summary>{escape(title)} ({len(notes):,})</summary><ul>{items}</ul></details>"


def _cell(text: str) -> str:
    side = "right" if _NUMBER.fullmatch(text) else "left"
    return f'<td style="text-align:{side}">{escape(text)}</td>'

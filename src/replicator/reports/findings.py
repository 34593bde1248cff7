"""Findings and certificates rendered for a terminal and as a page of HTML that needs no network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from replicator.rules.certificate import COMPARISON_TITLES, Certificate, Verdict
from replicator.rules.report import FINDING_TITLES, Status, ValidationReport, html_table

SHOWN_FINDINGS = 60  # on a terminal; HTML and JSON have them all
_NOTED = (Verdict.BROKEN, Verdict.MORE, Verdict.LESS, Verdict.SAME_RATE)
_STYLE = """body{font:14px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:76rem;color:#1c2430}
table{border-collapse:collapse;width:100%;margin:.6rem 0 1.6rem}
th,td{border-bottom:1px solid #d8dde4;padding:.25rem .5rem;text-align:left;vertical-align:top}
th{background:#f2f4f7}
h1{font-size:1.4rem}
h2{font-size:1.1rem}"""


def render_findings_text(report: ValidationReport, width: int = 120) -> str:
    """Render a report for a terminal.

    Parameters
    ----------
    report : ValidationReport
        Of one run.
    width : int
        Characters of the terminal.
    """
    lines = [report.summary()]
    if report.findings:
        rows = [(f.cells()[0], f.cells()[1], f.cells()[2], f.cells()[3], f.cells()[6], f.cells()[5]) for f in report.findings]
        titles = ("severity", "rule", "where", "failed", "what is wrong", "for example")
        lines += ["", *_aligned(titles, rows[:SHOWN_FINDINGS], width)]
        if len(rows) > SHOWN_FINDINGS:
            lines.append(f"… and {len(rows) - SHOWN_FINDINGS:,} more findings; --json and --html show them all")
    return "\n".join(lines)


def render_findings_html(report: ValidationReport, title: str = "") -> str:
    """Render a report as a whole page of HTML."""
    idle = [(outcome.rule, outcome.reason) for outcome in report.outcomes if outcome.status is Status.NOT_APPLICABLE]
    passed = [rule.id for rule in report.rules if report.status(rule.id) is Status.PASSED]
    return _page(
        title or f"Findings: {report.study or 'study without a name'}",
        f"<p>{escape(report.summary())}</p>",
        "<h2>Findings</h2>" + html_table(FINDING_TITLES, (finding.cells() for finding in report.findings)),
        f"<h2>Passed ({len(passed):,})</h2><p>{escape(', '.join(passed))}</p>",
        f"<h2>Not applicable ({len(idle):,})</h2>" + html_table(("rule", "why"), idle),
    )


def render_certificate_text(certificate: Certificate, width: int = 120) -> str:
    """Render a certificate for a terminal: what is broken, then what fails on both sides.

    Parameters
    ----------
    certificate : Certificate
        Of a source and a sample.
    width : int
        Characters of the terminal.
    """
    lines = [certificate.summary()]
    rows = [comparison.cells() for verdict in _NOTED for comparison in certificate.of(verdict)]
    if rows:
        lines += ["", *_aligned(COMPARISON_TITLES, rows[:SHOWN_FINDINGS], width)]
        if len(rows) > SHOWN_FINDINGS:
            lines.append(f"… and {len(rows) - SHOWN_FINDINGS:,} more; --json and --html show them all")
    return "\n".join(lines)


def render_certificate_html(certificate: Certificate, title: str = "Certificate") -> str:
    """Render a certificate as a whole page of HTML."""
    parts = []
    for verdict in Verdict:
        found = certificate.of(verdict)
        if found:
            table = html_table(COMPARISON_TITLES, (comparison.cells() for comparison in found))
            parts.append(f"<h2>{escape(verdict.value.capitalize())} ({len(found):,})</h2>{table}")
    return _page(title, f"<p>{escape(certificate.summary())}</p>", *parts)


def _page(title: str, *parts: str) -> str:
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title><style>{_STYLE}</style></head>'
        f"<body><h1>{escape(title)}</h1>{''.join(parts)}</body></html>\n"
    )


def _aligned(titles: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> Iterable[str]:
    """Write rows in columns as wide as their cells, cut off at the terminal's width."""
    widths = [min(max(len(row[at]) for row in [titles, *rows]), 48) for at in range(len(titles))]
    for row in [titles, *rows]:
        line = "  ".join(_cut(cell, wide).ljust(wide) for cell, wide in zip(row, widths, strict=True)).rstrip()
        yield _cut(line, width)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: max(width - 1, 1)] + "…"

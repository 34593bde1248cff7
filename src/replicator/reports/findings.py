"""Findings and certificates rendered for a terminal and as a page of HTML that needs no network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from replicator.reports.pages import render_page
from replicator.rules.certificate import COMPARISON_TITLES, LOST, NOTED, Certificate, Verdict
from replicator.rules.report import Status, ValidationReport

SHOWN_FINDINGS = 60  # on a terminal; HTML and JSON have them all


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
    idle = [outcome for outcome in report.outcomes if outcome.status is Status.NOT_APPLICABLE]
    passed = [rule.id for rule in report.rules if report.status(rule.id) is Status.PASSED]
    title = title or f"Findings: {report.study or 'study without a name'}"
    return render_page("findings", title, report=report, idle=idle, passed=passed)


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
    rows = [comparison.cells() for verdict in NOTED for comparison in certificate.of(verdict)]
    if rows:
        lines += ["", *_aligned(COMPARISON_TITLES, rows[:SHOWN_FINDINGS], width)]
        if len(rows) > SHOWN_FINDINGS:
            lines.append(f"… and {len(rows) - SHOWN_FINDINGS:,} more; --json and --html show them all")
    return "\n".join(lines)


def render_certificate_html(certificate: Certificate, title: str = "Certificate") -> str:
    """Render a certificate as a whole page of HTML: what is broken first, what both pass last and folded."""
    order = (*NOTED, Verdict.NOT_TESTED, Verdict.PASSED)
    return render_page("certificate", title, certificate=certificate, order=order, telling=LOST)


def _aligned(titles: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> Iterable[str]:
    """Write rows in columns as wide as their cells, cut off at the terminal's width."""
    widths = [min(max(len(row[at]) for row in [titles, *rows]), 48) for at in range(len(titles))]
    for row in [titles, *rows]:
        line = "  ".join(_cut(cell, wide).ljust(wide) for cell, wide in zip(row, widths, strict=True)).rstrip()
        yield _cut(line, width)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: max(width - 1, 1)] + "…"

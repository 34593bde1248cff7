"""One way in to all reports: what a verb gives, as text for a terminal, as a page of HTML, or as JSON."""

from __future__ import annotations

from typing import TypeAlias

from replicator._version import __version__
from replicator.profile.differences import ProfileComparison
from replicator.profile.study_profile import StudyProfile
from replicator.reports.findings import (
    render_certificate_html,
    render_certificate_text,
    render_findings_html,
    render_findings_text,
)
from replicator.reports.model import ModelDescription, render_model_html, render_model_text
from replicator.reports.profile_html import render_comparison_html, render_profile_html
from replicator.reports.profile_terminal import render_comparison_text, render_profile_text
from replicator.rules.certificate import Certificate
from replicator.rules.report import ValidationReport
from replicator.targets import REPORT_KEY

Report: TypeAlias = StudyProfile | ProfileComparison | ValidationReport | Certificate | ModelDescription


def render_text(report: Report, width: int = 120, color: bool = False) -> str:
    """Render a report for a terminal.

    Parameters
    ----------
    report : Report
    width : int
        Characters of the terminal.
    color : bool
        Whether the terminal shows colours; profiles use them.
    """
    match report:
        case StudyProfile():
            return render_profile_text(report, width, color)
        case ProfileComparison():
            return render_comparison_text(report, width, color)
        case ValidationReport():
            return render_findings_text(report, width)
        case Certificate():
            return render_certificate_text(report, width)
        case ModelDescription():
            return render_model_text(report, width)


def render_html(report: Report) -> str:
    """Render a report as one page of HTML that needs no network."""
    match report:
        case StudyProfile():
            return render_profile_html(report)
        case ProfileComparison():
            return render_comparison_html(report)
        case ValidationReport():
            return render_findings_html(report)
        case Certificate():
            return render_certificate_html(report)
        case ModelDescription():
            return render_model_html(report)


def render_json(report: Report) -> str:
    """Render a report as JSON that says what wrote it."""
    return signed_json(report.to_json())


def signed_json(text: str) -> str:
    """Let the first key of a JSON object say what wrote it, so that a later report may take its place."""
    return f'{{"{REPORT_KEY}": "Replicator {__version__}",' + text.removeprefix("{") + "\n"

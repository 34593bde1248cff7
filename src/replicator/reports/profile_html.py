"""Profiles and comparisons of profiles as one page of HTML each."""

from __future__ import annotations

from replicator.profile.differences import Change, ProfileComparison
from replicator.profile.study_profile import StudyProfile
from replicator.reports.pages import render_page

_HEADINGS = {
    Change.DATASET: "Datasets on one side only",
    Change.KIND: "What a row is, and its key",
    Change.VARIABLE: "Variables on one side only",
    Change.TYPE: "Roles, contents and decimals",
    Change.RULE: "What follows from what",
    Change.TEST: "Tests and units",
    Change.VISIT: "Visits",
    Change.ARM: "Arms",
    Change.CODE: "Values on one side only",
    Change.COUNT: "Numbers of subjects and rows",
    Change.MISSING: "Missing cells and partial dates",
    Change.INCIDENCE: "Incidence of events and treatments",
    Change.DISTRIBUTION: "Distributions",
    Change.LABEL: "Labels",
}


def render_profile_html(profile: StudyProfile, title: str = "") -> str:
    """Render a profile as a page.

    Parameters
    ----------
    profile : StudyProfile
        The profile.
    title : str
        Of the page; the study's name if empty.
    """
    return render_page("profile", title or f"Profile of {profile.study or 'a study'}", profile=profile)


def render_comparison_html(comparison: ProfileComparison, title: str = "") -> str:
    """Render a comparison of two profiles as a page."""
    return render_page(
        "comparison", title or f"{comparison.before} and {comparison.after}", comparison=comparison, headings=_HEADINGS
    )

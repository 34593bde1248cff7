"""Profiles and comparisons of profiles as one page of HTML each: no network, light and dark, readable on a phone and on paper."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from replicator.profile.differences import Change, ProfileComparison
from replicator.profile.study_profile import StudyProfile
from replicator.reports.profile_charts import course_chart, level_shares, share_bar, spread_chart

if TYPE_CHECKING:
    from jinja2 import Environment

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


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415  only reports need it
    from markupsafe import Markup  # noqa: PLC0415

    environment = Environment(
        loader=PackageLoader("replicator.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name, chart in (("spread", spread_chart), ("bar", share_bar), ("course", course_chart)):
        environment.filters[name] = lambda value, draw=chart: Markup(draw(value))
    environment.filters["shares"] = level_shares
    environment.filters["things"] = lambda listed, name: f"{len(listed):,} {name}{'' if len(listed) == 1 else 's'}"
    environment.filters["heading"] = _HEADINGS.__getitem__
    environment.filters["count"] = lambda value: f"{value:,}"
    environment.filters["plain"] = lambda value: "" if value is None else f"{value:.5g}"
    environment.filters["percent"] = _percent
    return environment


def _percent(share: float) -> str:
    """Write a share so that 0 % and 100 % are said of none and all only."""
    if 0 < share < 0.001:
        return "< 0.1 %"
    if 0.999 < share < 1:
        return "> 99.9 %"
    return f"{share:.1%}".replace(".0%", "%").replace("%", " %")


def render_profile_html(profile: StudyProfile, title: str = "") -> str:
    """Render a profile as a page.

    Parameters
    ----------
    profile : StudyProfile
        The profile.
    title : str
        Of the page; the study's name if empty.
    """
    template = _environment().get_template("profile.html.j2")
    return template.render(profile=profile, title=title or f"Profile of {profile.study or 'a study'}")


def render_comparison_html(comparison: ProfileComparison, title: str = "") -> str:
    """Render a comparison of two profiles as a page."""
    template = _environment().get_template("comparison.html.j2")
    return template.render(comparison=comparison, title=title or f"{comparison.before} and {comparison.after}")

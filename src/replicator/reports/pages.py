"""Pages of HTML from templates: no network, light and dark, readable on a phone and on paper; what all reports share."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from replicator.counting import counted
from replicator.reports.profile_charts import course_chart, level_shares, share_bar, spread_chart

if TYPE_CHECKING:
    from jinja2 import Environment


def render_page(template: str, title: str, **values: object) -> str:
    """Render a template of this package as a page; every value is escaped.

    Parameters
    ----------
    template : str
        Name of the template without its ending.
    title : str
        Of the page.
    **values
        What the template shows.
    """
    return _environment().get_template(f"{template}.html.j2").render(title=title, **values)


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
    environment.filters["things"] = lambda listed, noun: counted(len(listed), noun)
    environment.filters["counted"] = counted
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

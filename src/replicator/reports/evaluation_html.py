"""An evaluation as one page of HTML, and single plots of it as fragments for notebooks."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from replicator.evaluation.evaluation import Evaluation
from replicator.evaluation.sharing import FEWEST_SHARED
from replicator.evaluation.verdict import FAMILY_RULE, FINDING_RATIO, Grade
from replicator.reports.evaluation_charts import (
    LEAST_RATIO,
    MOST_RATIO,
    course_chart,
    curve_chart,
    distribution_chart,
    figure_chart,
    ratio_chart,
)
from replicator.reports.evaluation_endpoints import (
    MOST_DIFFERENCES,
    MOST_SERIES,
    change_chart,
    change_series,
    endpoint_tables,
    forest_chart,
    significant_differences,
)
from replicator.reports.evaluation_maps import correlation_chart, lanes_chart, share_chart
from replicator.reports.evaluation_timelines import timeline_chart
from replicator.reports.pages import render_page
from replicator.rules.certificate import LOST, NOTED, Verdict

if TYPE_CHECKING:
    from markupsafe import Markup

MOST_TESTS = 48  # of one dataset, drawn on the page
MOST_OPEN = 9  # cards of tests, or of variables, that are seen before anything is opened
_VERDICTS = (*NOTED, Verdict.NOT_TESTED, Verdict.PASSED)
_TILES = {
    Grade.FINE: ("measure fine", "measures fine"),
    Grade.NOTICEABLE: ("noticeable", "noticeable"),
    Grade.FINDING: ("finding", "findings"),
}


def render_evaluation_html(evaluation: Evaluation, title: str = "") -> str:
    """Render an evaluation as a page that needs no network.

    Parameters
    ----------
    evaluation : Evaluation
    title : str
        Of the page; the study's name if empty.
    """
    conclusion = evaluation.conclusion
    differences = significant_differences(evaluation.endpoints)
    told = [math.isfinite(figure.value) for figure in evaluation.figures]
    return render_page(
        "evaluation",
        title or f"A sample of {evaluation.study or 'a study'}, held against real subjects",
        e=evaluation,
        p=evaluation.pictures,
        conclusion=conclusion,
        grades={one.name: one.grade.value for one in conclusion.judgements},
        single={one.name: one.single for one in conclusion.judgements if one.single},
        tiles=[(names[n != 1], n) for grade, names in _TILES.items() for n in [len(conclusion.of(grade))]],
        figures=[figure for figure, known in zip(evaluation.figures, told, strict=True) if known],
        untold=[figure for figure, known in zip(evaluation.figures, told, strict=True) if not known],
        tables=endpoint_tables(evaluation.endpoints),
        series=change_series(evaluation.endpoints)[:MOST_SERIES],
        differences=differences[:MOST_DIFFERENCES],
        n_differences=len(differences),
        verdicts=_VERDICTS,
        telling=LOST,
        k=FEWEST_SHARED,
        most_tests=MOST_TESTS,
        most_open=MOST_OPEN,
        finding_ratio=FINDING_RATIO,
        family_rule=FAMILY_RULE,
        least_ratio=LEAST_RATIO,
        most_ratio=MOST_RATIO,
        chart=Charts(),
    )


def render_plot(kind: str, title: str, **values: object) -> str:
    """Render one plot as a fragment that carries its own style.

    Parameters
    ----------
    kind : str
        Name of a macro of the template of charts.
    title : str
        What stands above it.
    **values
        What the macro takes.
    """
    return render_page("plot", title, kind=kind, chart=Charts(), values=values)


class Charts:
    """The charts as templates call them; what they return is markup."""

    def __getattr__(self, name: str) -> Callable[..., Markup]:
        """Return the chart of a name."""
        from markupsafe import Markup  # noqa: PLC0415  only reports need it

        draw: Callable[..., str] = _CHARTS[name]
        return lambda *values, **options: Markup(draw(*values, **options))


def told(value: float) -> str:
    """Write a number with three digits; a dash where it cannot be told."""
    return f"{value:.3g}" if math.isfinite(value) else "–"


_CHARTS: dict[str, Callable[..., Any]] = {
    "ratio": ratio_chart,
    "figure": figure_chart,
    "distribution": distribution_chart,
    "course": course_chart,
    "curve": curve_chart,
    "change": change_chart,
    "forest": forest_chart,
    "correlations": correlation_chart,
    "shares": share_chart,
    "lanes": lanes_chart,
    "timeline": timeline_chart,
    "number": told,
}

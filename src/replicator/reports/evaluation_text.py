"""An evaluation for a terminal, and as Markdown."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Sequence

from replicator.counting import counted
from replicator.evaluation.evaluation import Evaluation
from replicator.evaluation.giveaways.giveaway import Giveaway
from replicator.evaluation.measures import Interval, Offender
from replicator.evaluation.verdict import FAMILY_RULE, Grade
from replicator.reports.evaluation_endpoints import endpoint_tables
from replicator.reports.evaluation_html import told
from replicator.rules.certificate import LOST
from replicator.targets import MARKDOWN_MARK

_FAMILY = ("family", "compared", "ratio", "95 % interval", "verdict", "differs most")
_FIGURE = ("figure", "value", "95 % interval", "target", "verdict", "differs most")
_ENDPOINT = ("results", "compared", "inside", "expected", "significant differences", "of the same sign", "expected")
_GIVEAWAY = ("giveaway", "source", "held out", "sample", "expected of real subjects", "verdict", "differs most")
_LAW = ("rule", "where", "source fails", "sample fails")
MOST_LINES = 15  # of a table of endpoints in Markdown


def render_evaluation_text(evaluation: Evaluation, width: int = 120) -> str:
    """Render an evaluation for a terminal `width` characters wide."""
    lines = textwrap.wrap(evaluation.other_studies, width)
    lines += textwrap.wrap(f"{evaluation.conclusion.summary()} {evaluation.lacking}", width)
    lines += textwrap.wrap(_measured_by(evaluation), width)
    for titles, table, rule in _tables(evaluation):
        lines += ["", *_aligned(titles, table, width), *textwrap.wrap(rule, width)]
    if evaluation.endpoints.agreements:
        lines += ["", *_aligned(_ENDPOINT, _agreements(evaluation), width)]
    shown = _giveaways(evaluation, evaluation.giveaways.shown)
    lines += ["", *textwrap.wrap(evaluation.giveaways.summary(), width), *(_aligned(_GIVEAWAY, shown, width) if shown else [])]
    for sentence in (evaluation.laws.summary(), *evaluation.privacy.verdict[:1]):
        lines += ["", *textwrap.wrap(sentence, width)]
    for note in evaluation.notes:
        lines += textwrap.wrap(note, width, initial_indent="- ", subsequent_indent="  ")
    return "\n".join(lines)


def render_evaluation_markdown(evaluation: Evaluation) -> str:
    """Render an evaluation as Markdown, with the worst entries of each family and figure."""
    title = f"# A sample of {_escaped(evaluation.study) or 'a study'}, held against real subjects"
    parts = [f"{MARKDOWN_MARK}\n{title}", *([f"**{_escaped(evaluation.other_studies)}**"] if evaluation.other_studies else [])]
    parts += [_escaped(f"{evaluation.conclusion.summary()} {evaluation.lacking}".rstrip()), _escaped(_measured_by(evaluation))]
    for titles, cells, rule in _tables(evaluation):
        parts += [_table(titles, cells), *([_escaped(rule)] if rule else [])]
    worst = [(one.name, one.offenders) for one in evaluation.families] + [
        (one.name, one.offenders) for one in evaluation.judged_figures
    ]
    for name, offenders in (one for one in worst if one[1]):
        rows = [(one.name, told(one.sample), told(one.floor), "yes" if one.certain else "") for one in offenders]
        listed = _table(("what", "sample", "real subjects", "beyond chance"), rows)
        parts.append(f"### {_escaped(name)}: what differs most\n\n{listed}")
    if evaluation.endpoints.entries:
        reference = f"{_escaped(evaluation.endpoints.reference)} ".lstrip()
        parts.append(f"## Results of the study\n\n{reference}Leaving means {_escaped(evaluation.endpoints.leaving)}.")
        parts.append(_table(_ENDPOINT, _agreements(evaluation)))
        for one in endpoint_tables(evaluation.endpoints, MOST_LINES):
            headings = ["", *(f"{column}: {side}" for column in one.columns for side in ("source", "sample"))]
            parts.append(f"### {one.kind}\n\n{_table([_escaped(title) for title in headings], one.rows)}")
    parts.append(f"## Giveaways of made data\n\n{_escaped(evaluation.giveaways.summary())}")
    if evaluation.giveaways.told:
        quiet = (one for one in evaluation.giveaways.told if not one.shows)
        parts.append(_table(_GIVEAWAY, _giveaways(evaluation, (*evaluation.giveaways.shown, *quiet))))
    parts.append(f"## Laws\n\n{_escaped(evaluation.laws.summary())}")
    lost = evaluation.laws.sample.of(*LOST)
    if lost:
        parts.append(_table(_LAW, [one.cells()[2:6] for one in lost]))
    attacks = [
        f"**{_escaped(one.figure.name)}**: {_escaped(one.knows)} {_escaped(one.bounds)}" for one in evaluation.privacy.attacks
    ]
    parts.append("## Privacy\n\n" + _escaped(" ".join(evaluation.privacy.verdict[:1])))
    parts += ["\n".join(f"- {attack}" for attack in attacks)] if attacks else []
    if evaluation.notes:
        parts.append("## Notes\n\n" + "\n".join(f"- {_escaped(note)}" for note in evaluation.notes))
    return "\n\n".join(parts) + "\n"


def _measured_by(evaluation: Evaluation) -> str:
    total = evaluation.overall
    said = f"Overall {total.ratio:.2f} times as far ({_span(total.interval)}). " if total.n_families else ""
    sides = f"{said}{counted(evaluation.n_source, 'subject')} of the source, {evaluation.n_sample:,} sampled"
    if evaluation.n_holdout:
        return f"{sides}, {evaluation.n_holdout:,} held out, who are the measure."
    return f"{sides}; nobody was held out, so the source was halved, which flatters the sample."


def _tables(evaluation: Evaluation) -> list[tuple[tuple[str, ...], list[tuple[str, ...]], str]]:
    """Titles, rows, and the rule of the verdicts, of families and of figures."""
    judged = {one.name: one for one in evaluation.conclusion.judgements}
    grades = {name: one.grade for name, one in judged.items()}
    families: list[tuple[str, ...]] = [
        (
            one.name,
            f"{one.n_entries:,}",
            f"{one.ratio:.2f}",
            _span(one.interval),
            f"{grades[one.name].value} {judged[one.name].single}".rstrip(),
            _worst(one.offenders),
        )
        for one in evaluation.families
        if one.n_entries
    ]
    figures: list[tuple[str, ...]] = [
        (
            one.name,
            told(one.value),
            _span(one.interval),
            told(one.target),
            grades[one.name].value,
            _worst(one.offenders) or ("" if grades[one.name] is Grade.FINE else one.note),
        )
        for one in (*evaluation.judged_figures, *evaluation.privacy.figures)
    ]
    return [one for one in ((_FAMILY, families, FAMILY_RULE), (_FIGURE, figures, "")) if one[1]]


def _agreements(evaluation: Evaluation) -> list[tuple[str, ...]]:
    return [
        (
            one.kind.value,
            f"{one.n:,}",
            _share(one.inside),
            _share(one.expected_inside),
            f"{one.n_signs:,}",
            _share(one.signs_kept),
            _share(one.expected_signs),
        )
        for one in evaluation.endpoints.agreements
    ]


def _share(value: float) -> str:
    return f"{value:.1%}" if math.isfinite(value) else "–"


def _giveaways(evaluation: Evaluation, listed: Iterable[Giveaway]) -> list[tuple[str, ...]]:
    grades = {one.name: one.grade.value for one in evaluation.conclusion.judgements}
    return [
        (
            one.figure.name,
            told(one.source),
            told(one.holdout),
            told(one.figure.value),
            _span(one.expected),
            grades[one.figure.name],
            _worst(one.figure.offenders),
        )
        for one in listed
    ]


def _span(interval: Interval) -> str:
    return f"{told(interval.low)} to {told(interval.high)}" if math.isfinite(interval.low) else "–"


def _worst(offenders: tuple[Offender, ...]) -> str:
    return offenders[0].name if offenders else ""


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    body = ("| " + " | ".join(_escaped(cell) for cell in row) + " |" for row in rows)
    return "\n".join([f"| {' | '.join(titles)} |", "|" + " --- |" * len(titles), *body])


def _escaped(text: str) -> str:
    return "".join(f"\\{sign}" if sign in "|<>*_`[]#" else sign for sign in text)


def _aligned(titles: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> Iterable[str]:
    widths = [max(len(row[at]) for row in (titles, *rows)) for at in range(len(titles))]
    for row in (titles, *rows):
        line = "  ".join(cell.ljust(wide) for cell, wide in zip(row, widths, strict=True)).rstrip()
        yield line if len(line) <= width else line[: width - 1] + "…"

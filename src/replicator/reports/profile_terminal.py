"""Profiles and comparisons of profiles on a terminal."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence

from replicator.counting import counted
from replicator.profile.differences import ProfileComparison
from replicator.profile.structure import Role
from replicator.profile.study_profile import DatasetProfile, Quantiles, StudyProfile, VariableProfile
from replicator.reports.profile_charts import level_shares

_MOST_TESTS = 12  # a dataset; HTML and JSON hold them all
_MOST_TERMS = 8
_MOST_ASSOCIATIONS = 15
_MOST_DIFFERENCES = 60
_MOST_NOTES = 20


def render_profile_text(profile: StudyProfile, width: int = 120, color: bool = False) -> str:
    """Render a profile for a terminal.

    Parameters
    ----------
    profile : StudyProfile
        The profile.
    width : int
        Characters of the terminal.
    color : bool
        Write colours as ANSI codes.
    """
    page = _Page(width, color)
    page.heading(
        f"{profile.study or 'Study'}: {counted(profile.n_subjects, 'subject')}, "
        f"{counted(len(profile.datasets), 'dataset')}, {counted(profile.n_rows, 'row')}"
    )
    page.line(f"Nothing below belongs to fewer than {profile.k} subjects; what would, or would tell them, is withheld.")
    if len(profile.arms.shared) > 1:
        page.line("Arms: " + ", ".join(f"{arm.value} {arm.n_subjects:,}" for arm in profile.arms.shared))
    _render_datasets(page, profile)
    if profile.visits:
        _render_visits(page, profile)
    for dataset in profile.datasets:
        if dataset.name == profile.subjects:
            _render_subjects(page, dataset)
        _render_results(page, dataset, profile.k)
    page.table(
        "Strongest relations between subjects",
        ("one", "other", ">Spearman", ">subjects"),
        ((a.left, a.right, f"{a.value:+.2f}", f"{a.n:,}") for a in profile.associations[:_MOST_ASSOCIATIONS]),
    )
    page.table(
        "Variables that follow from others",
        ("variable", "rule", "from", ">holds"),
        ((d.target, d.rule, ", ".join(d.inputs), _holds(d.n_agree, d.n_tested)) for d in profile.derivations),
    )
    _render_notes(page, profile.notes)
    return page.text()


def _render_datasets(page: _Page, profile: StudyProfile) -> None:
    page.table(
        "Datasets",
        ("dataset", "what a row is", ">rows", ">subjects", ">a subject", ">variables", "key"),
        (
            (
                d.name,
                d.kind.value,
                f"{d.n_rows:,}",
                f"{d.n_subjects:,}",
                _range(d.rows_per_subject),
                str(len(d.variables)),
                d.told_apart(),
            )
            for d in profile.datasets
        ),
    )


def _render_visits(page: _Page, profile: StudyProfile) -> None:
    page.table(
        "Visits"
        + (f" (and {profile.n_rare_visits:,} that fewer than {profile.k} subjects attended)" if profile.n_rare_visits else ""),
        (">number", "visit", ">planned day", ">subjects", ">days from reference start", "measured"),
        (
            (
                _plain(v.number),
                v.name,
                _plain(v.planned_day),
                f"{v.n_subjects:,}",
                _range(v.day),
                " ".join(f"{name} {share:.0%}" for name, share in v.measured.items()),
            )
            for v in profile.visits
        ),
    )


def _render_subjects(page: _Page, dataset: DatasetProfile) -> None:
    described = [v for v in dataset.variables if v.role in (Role.QUALIFIER, Role.FLAG, Role.DATE) and v.n_levels]
    page.table(
        f"{dataset.name}: the subjects (dates in days from the reference start)",
        ("variable", "label", ">missing", "values"),
        ((v.name, v.label, f"{v.n_missing:,}" if v.n_missing else "", _values(v)) for v in described),
    )


def _values(variable: VariableProfile) -> str:
    if variable.quantiles is not None:
        return f"{_range(variable.quantiles)}, median {variable.quantiles.p50:.4g}"
    shares = level_shares(variable.levels, 5) if variable.levels is not None else []
    return ", ".join(f"{value} {share:.0%}" for value, _, share in shares)


def _render_results(page: _Page, dataset: DatasetProfile, k: int) -> None:
    if dataset.tests:
        shown = sorted(dataset.tests, key=lambda test: -test.n_rows)[:_MOST_TESTS]
        page.table(
            f"{dataset.name}: {counted(len(dataset.tests), 'test')}" + _rest(len(dataset.tests), _MOST_TESTS),
            ("test", "name", "unit", ">results", ">subjects", ">mean", ">sd", ">low to high"),
            (
                (
                    t.code,
                    t.name,
                    t.unit,
                    f"{t.n_rows:,}",
                    f"{t.n_subjects:,}",
                    "" if t.quantiles is None else f"{t.quantiles.mean:.4g}",
                    "" if t.quantiles is None else f"{t.quantiles.sd:.3g}",
                    _range(t.quantiles) or ", ".join(level.value for level in (t.levels.shared if t.levels else ())[:4]),
                )
                for t in shown
            ),
        )
    if dataset.occurrences is not None and dataset.occurrences.terms:
        terms = dataset.occurrences.terms
        arms, rarer = list(terms[0].by_arm), dataset.occurrences.n_other_terms
        page.table(
            f"{dataset.name}: {counted(len(terms), 'term')} of {k} or more subjects"
            + _rest(len(terms), _MOST_TERMS)
            + (f"; {rarer:,} rarer ones in {counted(dataset.occurrences.n_other_rows, 'row')}" if rarer else ""),
            ("term", ">subjects", ">rows", *(f">{arm}" for arm in arms)),
            ((t.term, f"{t.n_subjects:,}", f"{t.n_rows:,}", *(_share(t.by_arm[arm]) for arm in arms)) for t in terms[:_MOST_TERMS]),
        )


def render_comparison_text(comparison: ProfileComparison, width: int = 120, color: bool = False) -> str:
    """Render a comparison for a terminal; parameters as :func:`render_profile_text`."""
    page = _Page(width, color)
    n = len(comparison.differences)
    page.heading(
        f"{comparison.before} ({counted(comparison.n_subjects_before, 'subject')}) and "
        f"{comparison.after} ({counted(comparison.n_subjects_after, 'subject')}): {counted(n, 'difference')}"
    )
    if not n:
        page.line("Structure, values and rates agree; no difference is more than chance would give.")
    page.table(
        "Differences, the most important first" + _rest(n, _MOST_DIFFERENCES),
        ("what", "where", "before", "after", ">size"),
        (
            (d.change.value, d.where or "study", d.before or "–", d.after or "–", f"{d.size:.2f}")
            for d in comparison.differences[:_MOST_DIFFERENCES]
        ),
    )
    return page.text()


def _render_notes(page: _Page, notes: Sequence[str]) -> None:
    if notes:
        page.heading(counted(len(notes), "note") + _rest(len(notes), _MOST_NOTES))
        for note in notes[:_MOST_NOTES]:
            page.line(f"- {note}")


def _rest(n: int, shown: int) -> str:
    return f" ({shown} shown; --html and --json hold all)" if n > shown else ""


def _range(quantiles: Quantiles | None) -> str:
    if quantiles is None:
        return ""
    if quantiles.low == quantiles.high:
        return f"{quantiles.low:.4g}"
    return f"{quantiles.low:.4g} to {quantiles.high:.4g}"


def _plain(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def _share(value: float | None) -> str:
    return "withheld" if value is None else f"{value:.0%}"


def _holds(agree: int, tested: int) -> str:
    """Write a share so that it reads 100 % only where nothing disagrees."""
    if not tested:
        return ""
    return "all rows" if agree == tested else f"{min(agree / tested, 0.9999):.2%}"


class _Page:
    """Lines and tables on a page of fixed width."""

    def __init__(self, width: int, color: bool) -> None:
        from rich.console import Console  # noqa: PLC0415  0.1 s that other commands need not pay

        self._file = io.StringIO()
        self._console = Console(
            file=self._file, width=width, force_terminal=color, no_color=not color, highlight=False, legacy_windows=False
        )

    def heading(self, text: str) -> None:
        """Write a line that stands out."""
        self._console.print()
        self._console.print(text, style="bold", markup=False)

    def line(self, text: str) -> None:
        """Write a line as it is."""
        self._console.print(text, markup=False)

    def table(self, title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Write a table; columns whose title begins with ``>`` are set to the right; nothing if there is no row."""
        from rich import box  # noqa: PLC0415
        from rich.table import Table  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        listed = list(rows)
        if not listed:
            return
        self.heading(title)
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
        for column in columns:
            table.add_column(Text(column.lstrip(">")), justify="right" if column.startswith(">") else "left", overflow="fold")
        for row in listed:
            table.add_row(*(Text(cell) for cell in row))
        self._console.print(table)

    def text(self) -> str:
        """Return the page, no blanks at the ends of lines."""
        return "\n".join(line.rstrip() for line in self._file.getvalue().strip("\n").splitlines())

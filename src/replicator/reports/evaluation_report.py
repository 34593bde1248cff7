"""What evaluating a sample hands to the user: the evaluation, its verdict, and its pictures one by one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from replicator.arguments import check_instance
from replicator.errors import ConfigError
from replicator.evaluation.evaluation import Evaluation
from replicator.evaluation.pictures.shapes import DatasetPicture
from replicator.evaluation.verdict import Conclusion
from replicator.reports.evaluation_endpoints import MOST_DIFFERENCES, change_series, significant_differences
from replicator.reports.evaluation_html import render_evaluation_html, render_plot
from replicator.reports.evaluation_text import render_evaluation_markdown, render_evaluation_text
from replicator.reports.rendering import signed_json
from replicator.targets import Output, check_target, write_whole

STUDY_PLOTS = ("families", "endpoints", "changes", "utility", "retention", "correlations", "sampled", "typical")
DATASET_PLOTS = ("lanes", "missing", "measured", "correlations")


@dataclass(frozen=True)
class Plot:
    """A plot that shows itself in a notebook.

    Attributes
    ----------
    title : str
    html : str
        A fragment with its own style, light and dark.
    """

    title: str
    html: str

    def __repr__(self) -> str:
        return f"<Plot: {self.title}>"

    def _repr_html_(self) -> str:
        return self.html


@dataclass(frozen=True)
class EvaluationReport:
    """How good a sample is.

    Attributes
    ----------
    evaluation : Evaluation
        All measures and pictures.
    """

    evaluation: Evaluation

    def __repr__(self) -> str:
        return f"<EvaluationReport: {self.conclusion.summary()}>"

    @property
    def conclusion(self) -> Conclusion:
        """The verdict on each measure and on the whole."""
        return self.evaluation.conclusion

    def plot(self, what: str, which: str = "") -> Plot:
        """Draw one picture of the report.

        Parameters
        ----------
        what : str
            A dataset; or of the whole study ``families``, ``endpoints`` (differences between arms), ``changes``, ``utility``,
            ``retention``, ``correlations``, ``sampled``, ``typical``.
        which : str
            Of ``changes`` a test, such as ``LB ALT (U/L)``, the one whose arms differ most certainly if empty.
            Of a dataset: a test, a variable, or ``lanes``, ``missing``, ``measured``, ``correlations``.

        Raises
        ------
        ConfigError
            If there is no such picture; the message names those that there are.

        Examples
        --------
        >>> report.plot("LB", "ALT")                                # doctest: +SKIP
        >>> report.plot("retention")                                # doctest: +SKIP
        """
        for one in (what, which):
            check_instance(one, str, "name of a picture", ConfigError, 'give text, such as report.plot("LB", "ALT")')
        pictures = self.evaluation.pictures
        dataset = next((one for one in pictures.datasets if one.name.casefold() == what.casefold()), None)
        if dataset is not None:
            return _of_dataset(dataset, which)
        span = {"first": pictures.first_day, "last": pictures.last_day}
        match what:
            case "families":
                return _plot("families", "Distances from real subjects", drawn=self.evaluation.families)
            case "endpoints" if self.evaluation.endpoints.entries:
                differences = significant_differences(self.evaluation.endpoints)[:MOST_DIFFERENCES]
                return _plot("forest", "Differences between arms, in standard errors", drawn=differences)
            case "changes":
                return self._changes(which)
            case "utility" if self.evaluation.utility:
                told = tuple(one for one in self.evaluation.utility if one.n)
                return _plot("figures", "Learned from the sample, put to real subjects", drawn=told)
            case "retention" if pictures.retention:
                return _plot("curves", f"Share without {pictures.retention_event}", drawn=pictures.retention)
            case "correlations" if pictures.correlations.rows:
                return _plot("correlations", "What goes together in a subject", drawn=pictures.correlations)
            case "sampled" if pictures.sampled:
                return _plot("timelines", "Subjects of the sample", drawn=pictures.sampled, css="smp", **span)
            case "typical" if pictures.typical:
                return _plot("timelines", "What is typical of the source", drawn=pictures.typical, css="src", **span)
        names = ", ".join((*(one.name for one in pictures.datasets), *self._of_the_study()))
        raise ConfigError(f"There is no picture of {what!r}; ask for one of {names}.")

    def _of_the_study(self) -> list[str]:
        """Pictures of the whole study that there are."""
        pictures, there = self.evaluation.pictures, self.evaluation
        are = (True, there.endpoints.entries, change_series(there.endpoints), there.utility, pictures.retention)
        more = (pictures.correlations.rows, pictures.sampled, pictures.typical)
        return [name for name, one in zip(STUDY_PLOTS, (*are, *more), strict=True) if one]

    def _changes(self, which: str) -> Plot:
        series = change_series(self.evaluation.endpoints)
        found = next((one for one in series if which in ("", one.name)), None)
        if found is None:
            names = ", ".join(one.name for one in series) or "none, since no test has a baseline and a later visit"
            raise ConfigError(f"There are no changes of {which!r}; ask for one of {names}.")
        return _plot("changes", f"{found.name}: {found.kind}", drawn=found)

    def to_json(self) -> str:
        """Write the whole evaluation as JSON text."""
        return self.evaluation.to_json()

    @classmethod
    def from_json(cls, text: str) -> EvaluationReport:
        """Read what :meth:`to_json` wrote; ReadError if it is something else."""
        return cls(Evaluation.from_json(text))

    def to_text(self, width: int = 120) -> str:
        """Write verdict and measures for a terminal `width` characters wide."""
        return render_evaluation_text(self.evaluation, width)

    def to_html(self) -> str:
        """Write the report as one page of HTML."""
        return render_evaluation_html(self.evaluation)

    def to_markdown(self) -> str:
        """Write verdict and measures as Markdown."""
        return render_evaluation_markdown(self.evaluation)

    def write(
        self, html: str | Path | None = None, json: str | Path | None = None, markdown: str | Path | None = None
    ) -> list[Path]:
        """Write the report as one page of HTML, as JSON, or as Markdown; a former report of the same kind is replaced.

        Returns
        -------
        list of Path
            Files written.

        Raises
        ------
        WriteError
            If a file cannot be written, or one is there that is no report.
        """
        written = []
        for target, kind, render in (
            (html, Output.PAGE, self.to_html),
            (json, Output.REPORT, lambda: signed_json(self.to_json())),
            (markdown, Output.MARKDOWN, self.to_markdown),
        ):
            if target is not None:
                check_target(target, kind, overwrite=True)
                write_whole(Path(target), render().encode())
                written.append(Path(target))
        return written

    def _repr_html_(self) -> str:
        return self.evaluation._repr_html_()


def _of_dataset(dataset: DatasetPicture, which: str) -> Plot:
    which = which if which in DATASET_PLOTS else which.upper()
    title = f"{dataset.name} {which}".strip()
    test = next((one for one in dataset.tests if one.test.upper() == which), None)
    if test is not None:
        return _plot("test", f"{title}: {test.name}" + (f" ({test.unit})" if test.unit else ""), drawn=test)
    variable = next((one for one in dataset.variables if one.variable.upper() == which), None)
    if variable is not None:
        return _plot("distribution", f"{title}: {variable.label}".rstrip(": "), drawn=variable.distribution)
    match which:
        case "lanes" if dataset.lanes:
            return _plot("lanes", f"{dataset.name}: when its terms begin", drawn=dataset.lanes)
        case "missing" if dataset.missing.rows:
            return _plot("shares", f"{dataset.name}: missing cells", drawn=dataset.missing)
        case "measured" if dataset.measured.rows:
            return _plot("shares", f"{dataset.name}: who is measured when", drawn=dataset.measured)
        case "correlations" if dataset.correlations.rows:
            return _plot("correlations", f"{dataset.name}: what goes together in a subject", drawn=dataset.correlations)
    more = (dataset.lanes, dataset.missing.rows, dataset.measured.rows, dataset.correlations.rows)
    there = [name for name, one in zip(DATASET_PLOTS, more, strict=True) if one]
    names = [*(one.test for one in dataset.tests), *(one.variable for one in dataset.variables), *there]
    if not names:
        raise ConfigError(f"{dataset.name}: there is nothing of it to draw: too few subjects share what it holds.")
    said = f"there is no picture of {which!r}; ask for" if which else "say what of it to draw:"
    raise ConfigError(f"{dataset.name}: {said} one of {', '.join(names)}.")


def _plot(kind: str, title: str, **values: object) -> Plot:
    return Plot(title, render_plot(kind, title, **values))

"""All measures of a sample in one value, and how they are reached."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from html import escape

import numpy as np

from replicator.evaluation.columns import compared_columns
from replicator.evaluation.detector import detector_figure
from replicator.evaluation.endpoints.endpoints import Endpoints, compare_endpoints
from replicator.evaluation.families import measure_families
from replicator.evaluation.features import feature_table
from replicator.evaluation.giveaways.giveaways import Giveaways, find_giveaways
from replicator.evaluation.laws import Laws, judge_laws, laws_figure
from replicator.evaluation.measures import Family, Figure, Overall, overall
from replicator.evaluation.pictures.pictures import draw_pictures
from replicator.evaluation.pictures.shapes import Pictures
from replicator.evaluation.privacy.attributes import check_chosen
from replicator.evaluation.privacy.membership import Refit
from replicator.evaluation.privacy.privacy import Privacy, assess_privacy
from replicator.evaluation.stack import LACKS, Origin, stack_studies
from replicator.evaluation.timeline import Timeline
from replicator.evaluation.utility import utility_figures
from replicator.evaluation.verdict import Conclusion, conclude
from replicator.profile.plain import from_json_text, to_json_text
from replicator.progress import Progress, silent
from replicator.rng import stream
from replicator.tables.dataset import Study
from replicator.tables.notebook import html_notes, html_table

FORMAT = 1  # of the JSON


@dataclass(frozen=True)
class Evaluation:
    """How good a sample is.

    Attributes
    ----------
    n_source, n_sample, n_holdout : int
        Subjects; without a holdout the source was halved again and again.
    overall : Overall
        All families in one figure.
    families : tuple of Family
        Distances against their floor.
    figures : tuple of Figure
        Numbers judged on their own.
    laws : Laws
        The rules that the source keeps, put to the sample.
    privacy : Privacy
        Attacks that look for the source's subjects in the sample; their figures stand there and not among :attr:`figures`.
    endpoints : Endpoints
        The results of the study from source and sample, with figures of their own.
    utility : tuple of Figure
        How well predictions that were learned from the sample hold for real subjects.
    giveaways : Giveaways
        What tells the sample from real data.
    pictures : Pictures
        What a report draws.
    notes : tuple of str
        What the sample lacks, and what could not be told.
    study : str
        STUDYID of the source.
    other_studies : str
        That the sample, or who is held out, is of another study than the source; ``""`` where they are of the same.
    seed : int
        Of the splits.
    format : int
        Of the JSON.
    """

    n_source: int
    n_sample: int
    n_holdout: int
    overall: Overall
    families: tuple[Family, ...]
    figures: tuple[Figure, ...]
    laws: Laws
    privacy: Privacy
    endpoints: Endpoints
    utility: tuple[Figure, ...]
    giveaways: Giveaways
    pictures: Pictures
    notes: tuple[str, ...]
    study: str = ""
    other_studies: str = ""
    seed: int = 0
    format: int = FORMAT

    @property
    def conclusion(self) -> Conclusion:
        """The verdict: what is fine, noticeable, or a finding."""
        return conclude(self.families, self.judged_figures, self.laws, self.privacy, self.giveaways)

    @property
    def lacking(self) -> str:
        """Which datasets of the source the sample lacks, in one sentence; ``""`` for none."""
        names = [note.split(":")[0] for note in self.notes if note.endswith(LACKS)]
        them = "it" if len(names) == 1 else "them"
        return f"The sample lacks {', '.join(names)}: nothing of {them} was compared." if names else ""

    @property
    def judged_figures(self) -> tuple[Figure, ...]:
        """All figures but those of :attr:`privacy`."""
        return (*self.figures, *self.endpoints.figures, *self.utility)

    def to_json(self) -> str:
        """Write as JSON text, the verdict first; a number that cannot be told becomes ``null``."""
        verdict = {"summary": self.conclusion.summary(), "judgements": self.conclusion.judgements}
        return to_json_text({"verdict": verdict, **{one.name: getattr(self, one.name) for one in fields(self)}})

    @classmethod
    def from_json(cls, text: str) -> Evaluation:
        """Read what :meth:`to_json` wrote.

        Raises
        ------
        ReadError
            If the text is no evaluation, or one of a newer version.
        """
        return from_json_text(cls, text, FORMAT)

    def _repr_html_(self) -> str:
        families = (
            (one.name, f"{one.ratio:.2f}", f"{one.interval.low:.2f} to {one.interval.high:.2f}", f"{one.n_entries:,}")
            for one in self.families
            if one.n_entries
        )
        figures = (
            (one.name, f"{one.value:.3g}", f"{one.target:.3g}", one.note or one.question)
            for one in (*self.judged_figures, *self.privacy.figures)
            if np.isfinite(one.value)
        )
        giveaways = (
            (
                one.figure.name,
                f"{one.source:.3g}",
                f"{one.figure.value:.3g}",
                f"{one.expected.low:.3g} to {one.expected.high:.3g}",
                one.figure.question,
            )
            for one in self.giveaways.shown
        )
        return (
            (f"<p><b>{escape(self.other_studies)}</b></p>" if self.other_studies else "")
            + f"<p>{escape(self.conclusion.summary())}</p>"
            + html_table(("family", "ratio to real subjects", "95 % interval", "compared"), families)
            + html_table(("figure", "value", "target", ""), figures)
            + html_table(("giveaway", "source", "sample", "expected of real subjects", ""), giveaways)
            + html_notes(self.notes, "Notes")
        )


def evaluate_studies(
    source: Study,
    sample: Study,
    holdout: Study | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    *,
    n_shadows: int = 0,
    refit: Refit | None = None,
    infer: Sequence[str] = (),
) -> Evaluation:
    """Measure a sample.

    Parameters
    ----------
    source : Study
        What the sample was learned from.
    sample : Study
    holdout : Study, optional
        Subjects that the model never saw.
    seed : int
        Of the splits.
    progress : Progress, optional
        Told of every step.
    n_shadows : int
        Models that the attack by shadow models learns; it is left out where this is 0.
    refit : callable, optional
        Learns a study with a seed and returns a sample of as many subjects; needed for that attack.
    infer : sequence of str
        Attributes that the attack by inference guesses, such as ``LB ALT level``; chosen from all datasets if empty.

    Raises
    ------
    StudyError
        If the sample is of another study, or either side has too few subjects.
    ConfigError
        If there is no such attribute.
    """
    tell = progress or silent
    tell("Putting the studies together", 0, 100)
    stack = stack_studies(source, sample, holdout)
    columns = compared_columns(stack)
    timeline = Timeline(stack)
    features = feature_table(stack, timeline)
    check_chosen(features, infer)
    tell("Measuring distances", 15, 100)
    families = measure_families(stack, columns, timeline, features, seed)
    tell("Telling sampled from real subjects", 45, 100)
    figures = (detector_figure(stack, features, stream(seed, "evaluation", "detector")),)
    tell("Putting rules to both sides", 70, 100)
    laws = judge_laws(source, sample, holdout)
    tell("Attacking", 80, 100)
    privacy = assess_privacy(stack, features, timeline, seed, chosen=infer, n_shadows=n_shadows, refit=refit)
    tell("Telling the results of the study", 85, 100)
    endpoints = compare_endpoints(stack, timeline)
    utility = utility_figures(stack, timeline, features, stream(seed, "evaluation", "utility"))
    tell("Looking for giveaways", 88, 100)
    giveaways = find_giveaways(stack, timeline, features, stream(seed, "evaluation", "giveaways"))
    tell("Drawing", 90, 100)
    pictures = draw_pictures(stack, timeline, columns, features)
    tell("", 100, 100)
    n_source, n_sample, n_holdout = (len(stack.subjects(origin)) for origin in Origin)
    return Evaluation(
        n_source,
        n_sample,
        n_holdout,
        overall(families),
        families,
        (*figures, laws_figure(laws)),
        laws,
        privacy,
        endpoints,
        utility,
        giveaways,
        pictures,
        stack.missing,
        source.name,
        stack.other_studies,
        seed,
    )

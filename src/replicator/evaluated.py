"""The verb that measures a sample; apart from the other verbs, because none of them needs its libraries."""

from __future__ import annotations

from collections.abc import Sequence

from replicator.arguments import check_whole
from replicator.errors import ConfigError
from replicator.evaluation.evaluation import evaluate_studies
from replicator.evaluation.verdict import Grade
from replicator.log import log_event, timed
from replicator.pipeline import Source, fit, read_source
from replicator.progress import Progress, silent, within
from replicator.reports.evaluation_report import EvaluationReport
from replicator.tables.dataset import Study


def evaluate(
    source: Source,
    sample: Source,
    holdout: Source | None = None,
    *,
    seed: int = 0,
    attack: int = 0,
    infer: Sequence[str] = (),
    progress: Progress | None = None,
) -> EvaluationReport:
    """Measure how good a stand-in for new subjects a sample is.

    Parameters
    ----------
    source : Study, path or sequence of paths
        What the sample was learned from.
    sample : Study, path or sequence of paths
        What is judged.
    holdout : Study, path or sequence of paths, optional
        Real subjects of the same study whom the model never saw; without them the source is halved, which flatters the sample.
    seed : int
        Of what is drawn; the same data and seed give the same report.
    attack : int
        Attack with so many models of halves of the source, each fitted here; 0 leaves this attack out.
    infer : sequence of str
        What somebody might want to learn of a subject, such as ``LB ALT level`` or ``AE rows``: these attributes are guessed from
        the sample. Chosen from all datasets if empty.
    progress : Progress, optional
        Told of every step.

    Returns
    -------
    EvaluationReport

    Raises
    ------
    ReplicatorError
        ReadError or StudyError for data that cannot be read or compared, ConfigError for a seed or number that is none, or an
        attribute that nobody has.
    """
    check_whole(seed, "The seed", ConfigError, least=0)
    check_whole(attack, "The number of attacking models", ConfigError, least=0, most=1000)
    tell = progress or silent
    tell("Reading", 0, 100)
    studies = [_studied(one, progress) for one in (source, sample)]
    real = None if holdout is None else _studied(holdout, progress)
    with timed("evaluate", seed=seed, attack=attack) as found:
        evaluation = evaluate_studies(
            studies[0], studies[1], real, seed, within(progress, 10, 100, 100), n_shadows=attack, refit=_refitted, infer=infer
        )
        report = EvaluationReport(evaluation)
        findings = report.conclusion.of(Grade.FINDING)
        found["findings"] = len(findings)
    for judgement in findings:
        log_event("finding", measure=judgement.name, reason=judgement.reason)
    return report


def _studied(data: Source, progress: Progress | None) -> Study:
    return data if isinstance(data, Study) else read_source(data, progress)


def _refitted(study: Study, seed: int) -> Study:
    """Learn a study and sample as many subjects as it has."""
    fitted = fit(study, cache=False)
    return fitted.sample(fitted.profile.n_subjects, seed=seed)

"""The verbs in order: read, profile, fit through the cache, validate, report; the command line and Python share them."""

from __future__ import annotations

import json as json_format
from collections.abc import Callable, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any, TypeAlias, overload

from pydantic import ValidationError

from replicator.arguments import check_instance, shown
from replicator.config import FitConfig
from replicator.errors import ArtifactError, ConfigError, ReadError, in_plain_words
from replicator.fitted import FittedStudy, load_model
from replicator.locations import Location, ObjectLocation
from replicator.log import log_event, timed
from replicator.profile.find import find_structure
from replicator.profile.kinds import find_subject_variable
from replicator.profile.profile import profile_study
from replicator.profile.structure import StudyStructure
from replicator.profile.study_profile import StudyProfile
from replicator.progress import Progress, silent, within
from replicator.reports.rendering import Report, render_html, render_json, render_text
from replicator.rules.certificate import Certificate
from replicator.rules.learning import learn_rules
from replicator.rules.report import ValidationReport
from replicator.rules.standard import rules_of_standard
from replicator.rules.validation import validate as run_rules
from replicator.rules.withheld import mark_withheld
from replicator.study_model.cache.fingerprint import part_fingerprint, study_fingerprint
from replicator.study_model.cache.kept_fits import KeptFit, find_fit, find_fit_of_files, keep_files, keep_fit
from replicator.study_model.cache.keys import cache_key
from replicator.study_model.cache.results import Cache
from replicator.study_model.fitting import fit_study_model
from replicator.study_model.plan import without_persons
from replicator.study_model.spine import Fitted, PartSource
from replicator.tables.canonical import in_canonical_order
from replicator.tables.dataset import Study
from replicator.tables.fetched import fetched
from replicator.tables.memory import give_back
from replicator.tables.readers import read_study
from replicator.tables.study_files import source_locations
from replicator.tables.subject_part import SubjectPart
from replicator.targets import Output, check_target, write_whole
from replicator.threads import one_thread

Source: TypeAlias = Study | str | Path | Sequence[str | Path]

__all__ = [
    "Source",
    "fit",
    "is_clean",
    "load_model",
    "profile_source",
    "read_source",
    "render_text",
    "validate",
    "write_report",
]


def fit(
    source: Source,
    *,
    k: int = 5,
    k_terms: int = 3,
    copula: str = "gaussian",
    part: str = "",
    cache: bool = True,
    progress: Progress | None = None,
) -> FittedStudy:
    """Learn a study.

    Parameters
    ----------
    source : Study, path or sequence of paths
        A study, or what :func:`~replicator.tables.readers.read_study` takes.
    k, k_terms, copula, part
        See :class:`~replicator.config.FitConfig`.
    cache : bool
        Use the results of former fits of the same data with the same settings, and keep those of this one.
    progress : Progress, optional
        Told of every step.

    Returns
    -------
    FittedStudy

    Raises
    ------
    ReplicatorError
        ConfigError for a setting out of its bounds, ReadError, StudyError or FitError for data that cannot be read or learned.
    """
    wanted = SubjectPart.parse(part) if part else None
    config = _config(k=k, k_terms=k_terms, copula=copula, part=part)
    tell = progress or silent
    store = Cache() if cache else None
    with timed("fit", **config.model_dump()) as found, fetched(_places(source), progress):
        tell("Reading", 0, 100)
        if store is not None and not isinstance(source, Study):
            former = find_fit_of_files(store, source, config.model_dump())
            if former is not None and (fitted := _unpacked(former)) is not None:
                found["cached"] = True
                tell("", 100, 100)
                return fitted
        study = _canonical(_of_part(source, wanted) if isinstance(source, Study) else read_source(source, part=part))
        give_back()
        fingerprint = study_fingerprint(study)
        if store is not None:
            if not isinstance(source, Study):
                keep_files(store, source, fingerprint, study.notes, part)
            former = find_fit(store, fingerprint, config.model_dump(), study.notes)
            if former is not None and (fitted := _unpacked(former)) is not None:
                found["cached"] = True
                tell("", 100, 100)
                return fitted
        fitted = _learn(study, fingerprint, config, within(progress, 5, 100, 100), store)
        if store is not None:
            fitted = replace(fitted, packed=fitted.to_bytes())
            keep_fit(store, fingerprint, config.model_dump(), KeptFit(fitted.headline(), fitted.notes, fitted.packed))
        return replace(fitted, notes=(*study.notes, *fitted.notes))


def _of_part(study: Study, part: SubjectPart | None) -> Study:
    """Return the study with the rows of some subjects."""
    if part is None:
        return study
    found = study.with_datasets(part.rows(dataset) for dataset in study.datasets.values())
    part.check(found.datasets.values())
    return found


def _canonical(study: Study) -> Study:
    """Put a study in canonical order; as it was read it is let go if the caller holds it no more."""
    return in_canonical_order(study, find_subject_variable(study))


def _config(**settings: Any) -> FitConfig:
    try:
        return FitConfig(**settings)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(step) for step in first["loc"])
        raise ConfigError(f"{name}={shown(first['input'])}: {in_plain_words(first['msg'])}; choose another value.") from error


@one_thread
def _learn(study: Study, fingerprint: str, config: FitConfig, tell: Progress, store: Cache | None) -> FittedStudy:
    """Fit, datasets that are as they were before from the cache; what reading noted is left to the caller."""

    def remember(part: PartSource, compute: Callable[[], Fitted], /) -> Fitted:
        if store is None:
            return compute()
        stage = f"part {part.dataset.name}"
        return store.remembered(stage, cache_key(stage, [part_fingerprint(part)], config), compute)

    quiet_study = replace(study, notes=())
    tell("Finding the structure", 0, 100)
    with timed("structure"):
        structure = find_structure(quiet_study)
        quiet_study, lost = without_persons(quiet_study, structure, config.k)
        structure = find_structure(quiet_study) if lost else structure
    give_back()
    tell("Fitting", 15, 100)
    with timed("fit model"):
        model = fit_study_model(quiet_study, structure, config, within(tell, 15, 80, 100), remember)
        model = replace(model, notes=(*lost, *model.notes))
    give_back()
    tell("Learning rules", 80, 100)
    with timed("rules") as found:
        report = source_report(quiet_study, structure, config)
        found["rules"] = len(report.rules)
    tell("Profiling", 92, 100)
    with timed("profile"):
        profile = profile_study(quiet_study, structure, config.k)
    tell("", 100, 100)
    for note in model.notes:
        log_event("not learned", note=note)
    return FittedStudy(model, report.to_dict(), json_format.loads(profile.to_json()), fingerprint, config, model.notes)


@one_thread
def source_report(study: Study, structure: StudyStructure, config: FitConfig) -> ValidationReport:
    """Judge a source by the rules of the standard and by those that it keeps; no rows of it stay in the report."""
    rules = (*rules_of_standard(), *learn_rules(study, structure, config.k))
    return mark_withheld(run_rules(study, rules, structure, max_rows=0).without_rows(), study, structure, config.k)


def _places(source: Source) -> list[Location]:
    return [] if isinstance(source, Study) else source_locations(source)


def read_source(source: str | Path | Sequence[str | Path], progress: Progress | None = None, part: str = "") -> Study:
    """Read a study, or part of it, from files, and log how much there is; `progress` is told of what is fetched from storage."""
    with fetched(source_locations(source), progress), timed("read") as found:
        study = read_study(source, part)
        give_back()
        found["datasets"] = len(study.datasets)
        found["rows"] = sum(dataset.n_rows for dataset in study.datasets.values())
    return study


def _unpacked(former: KeptFit) -> FittedStudy | None:
    """Read the model of a former fit; None if it cannot be read, so that it is fitted anew."""
    try:
        return replace(FittedStudy.of_bytes(former.packed, "cache"), notes=former.notes)
    except ArtifactError as error:
        log_event("cache entry damaged", stage="model", reason=str(error))
        return None


def profile_source(source: Source, progress: Progress | None = None) -> StudyProfile:
    """Profile a study, or read a profile that was kept: as JSON, or in a model file.

    Parameters
    ----------
    source : Study, path or sequence of paths
        Data, the JSON of a profile, or a model file.
    """
    places = _places(source)
    only = places[0] if len(places) == 1 else None
    if only is not None and only.suffix == ".replica" and (isinstance(only, ObjectLocation) or only.is_file()):
        return load_model(only).profile
    tell = progress or silent
    with fetched(places, progress) as copies:
        file = copies[only] if isinstance(only, ObjectLocation) else only
        if file is not None and file.suffix.lower() == ".json" and file.is_file() and (text := _kept_profile(file)) is not None:
            try:
                return StudyProfile.from_json(text)
            except ReadError as error:
                raise ReadError(f"{file.name}: {error}") from error
        tell("Reading", 0, 100)
        study = source if isinstance(source, Study) else read_source(source)
    tell("Finding the structure", 10, 100)
    structure = find_structure(study)
    with timed("profile"):
        return profile_study(study, structure, progress=within(progress, 50, 100, 100))


def _kept_profile(path: Path) -> str | None:
    """Return the text of a profile that was written as JSON; None if the file is something else, such as Dataset-JSON."""
    text = path.read_text(encoding="utf-8", errors="replace")
    return text if '"datasetJSONVersion"' not in text[:4096] else None


@overload
def validate(data: Source, against: None = None, progress: Progress | None = None) -> ValidationReport: ...
@overload
def validate(data: Source, against: FittedStudy | str | Path, progress: Progress | None = None) -> Certificate: ...
def validate(
    data: Source, against: FittedStudy | str | Path | None = None, progress: Progress | None = None
) -> ValidationReport | Certificate:
    """Check data against the rules of the standard, or against the source of a model.

    Parameters
    ----------
    data : Study, path or sequence of paths
        A study, or what :func:`~replicator.tables.readers.read_study` takes.
    against : FittedStudy or path, optional
        A model: the data are then judged by the rules that its source was judged by, and both sides are shown.

    Returns
    -------
    ValidationReport or Certificate
        The certificate if a model was given.
    """
    if against is not None:
        known = (FittedStudy, str, PathLike)
        check_instance(against, known, "model", ConfigError, "give a fitted study, or the path of a model file")
    tell = progress or silent
    fitted = None if against is None else against if isinstance(against, FittedStudy) else load_model(against)
    tell("Reading", 0, 3)
    study = data if isinstance(data, Study) else read_source(data, progress)
    tell("Checking rules", 1, 3)
    with timed("validate") as found:
        if fitted is not None:
            judged = fitted.certify(study)
            found["holds"] = judged.holds
            tell("", 3, 3)
            return judged
        report = run_rules(study)
        found["errors"], found["warnings"] = report.n_errors, report.n_warnings
    for finding in report.findings:
        log_event("finding", rule=finding.rule, dataset=finding.dataset, variable=finding.variable, rows=finding.n_failed)
    tell("", 3, 3)
    return report


def is_clean(report: ValidationReport | Certificate) -> bool:
    """Tell whether there is no finding, or the sample does as well as its source."""
    return report.holds if isinstance(report, Certificate) else not report.findings


def write_report(report: Report, html: str | Path | None = None, json: str | Path | None = None) -> list[Path]:
    """Write a report as a page of HTML, as JSON, or both; a former report of the same kind is replaced.

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
    for target, kind, render in ((html, Output.PAGE, render_html), (json, Output.REPORT, render_json)):
        if target is not None:
            check_target(target, kind, overwrite=True)
            write_whole(Path(target), render(report).encode())
            written.append(Path(target))
    return written

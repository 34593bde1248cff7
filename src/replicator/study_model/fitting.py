"""Learning a study: source, subjects, schedule, and the part of each dataset in the order in which they are drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import cast

import numpy as np
from numpy.typing import NDArray

from replicator.config import FitConfig
from replicator.derivations.derivation import Derivation
from replicator.errors import FitError
from replicator.models.copula_engines import engine
from replicator.profile.find import dataset_structure
from replicator.profile.structure import DatasetStructure, Kind, Role, StudyStructure
from replicator.progress import Progress, silent
from replicator.study_model.agreement.baseline import BaselineFlags
from replicator.study_model.agreement.dates import DateOrders, is_at_visits
from replicator.study_model.agreement.rows import Agreement
from replicator.study_model.artifact.registry import KINDS
from replicator.study_model.artifact.state import from_state, to_state
from replicator.study_model.closed_datasets import absent_arms, undated, visits_kept
from replicator.study_model.counterparts import Counterpart, find_counterparts, join_counterpart
from replicator.study_model.course.grid import Grid
from replicator.study_model.events.answers import fit_answers
from replicator.study_model.events.part import EventsPart
from replicator.study_model.events.ways import settle_ways
from replicator.study_model.findings.part import FindingsPart
from replicator.study_model.fitted_structures import joined_structures
from replicator.study_model.kept_codelists import kept_codelists
from replicator.study_model.layout.identifiers import SubjectIds
from replicator.study_model.layout.layout import Layout, count_together
from replicator.study_model.layout.mixed_columns import MixedColumn, split_mixed_columns, without_texts_beside
from replicator.study_model.links.comments import Comments, fit_comments
from replicator.study_model.links.relations import LinksModel
from replicator.study_model.sequence.exposure_runs import RunsPart
from replicator.study_model.sequence.part import SequencePart
from replicator.study_model.source import Source, read_source, who_of
from replicator.study_model.spine import Part, PartSource, Remember, always
from replicator.study_model.story import Story, drawing_order
from replicator.study_model.study_model import StudyModel
from replicator.study_model.subjects.joint import SubjectModel, arm_strata
from replicator.study_model.visits.names import VisitNames, named_visits
from replicator.study_model.visits.rows import ScheduleRows
from replicator.study_model.visits.schedule import ScheduleModel
from replicator.tables.dataset import Dataset, Study
from replicator.tables.memory import give_back
from replicator.threads import one_thread

SEQUENCE_DOMAINS = ("DS", "EX", "EC", "SE")
MOST_SEQUENCE_ROWS = 40  # a subject with more rows than this keeps a log, not a sequence


@one_thread
def fit_study_model(
    study: Study,
    structure: StudyStructure,
    config: FitConfig | None = None,
    progress: Progress = silent,
    remember: Remember = always,
) -> StudyModel:
    """Learn a study.

    Parameters
    ----------
    study : Study
        The source.
    structure : StudyStructure
        From :func:`replicator.profile.find.find_structure`.
    config : FitConfig, optional
        Default settings if left out.
    progress : callable
        Told of each dataset.
    remember : callable
        Looks up the part of each dataset that was fitted before on the same data and spine.

    Raises
    ------
    FitError
        If no dataset about subjects has a row, or the package of the copula's engine is not installed.
    """
    config = config or FitConfig()
    engine(config.copula)  # an engine that cannot run is refused before the work, not after it
    source, mixed = _source_to_learn(study, structure, config.k)
    give_back()
    structures, derivations = joined_structures(source, structure, config.k)
    give_back()
    plan = {
        name: one
        for name, one in source.datasets.items()
        if name in source.subject or structure.datasets[name].kind is Kind.REFERENCE  # links and comments are of subjects
    }
    visit_names = VisitNames.fit(plan, source.subject, config.k)
    grid = Grid.fit(source.spine, config.k)
    source = replace(source, spine=grid.mark(source.spine))
    named = named_visits(plan, source.subject)
    schedule = ScheduleModel.fit(source.spine, grid, arm_strata(source), config.k, named)
    drawn = _fit_parts(source, structures, structure, config, progress, remember)
    head = structures.get(structure.subjects) if structure.subjects in source.datasets else None
    subjects, said_of_subjects = SubjectModel.fit(source, head, drawn.features, drawn.nominal, drawn.kin, config)
    identifiers = head.with_role(Role.RECORD_ID) if head is not None else ()
    links, said_of_links = LinksModel.fit(source, structure, config)
    comments, said_of_comments = fit_comments(source, structure, config)
    codelists, said_of_codelists = kept_codelists(study, source, structure.subject_variable, config.k)
    layouts = _fit_layouts(study, source, structure, mixed, visit_names, comments, config.k)
    closed, kept = visits_kept(source, structure, config.k)
    made = (*drawn.parts, *(one.dataset for one in drawn.counterparts))
    progress("", len(source.subject) + 1, len(source.subject) + 1)
    model = StudyModel(
        name=study.name,
        config=config,
        n_subjects=len(source.ids),
        subjects=subjects,
        schedule=schedule,
        parts=drawn.parts,
        story=drawn.story,
        absent=absent_arms(source),
        undated=undated(source),
        closed_visits=closed,
        open_visits=kept,
        links=links,
        comments=comments,
        layouts=layouts,
        reference={name: study[name] for name, one in structure.datasets.items() if one.kind is Kind.REFERENCE},
        supplements=source.supplements,
        ids=SubjectIds.fit(structure.subject_variable, source.ids, source.datasets.get(structure.subjects), identifiers, config.k),
        visit_names=visit_names,
        structure=structure,
        derivations=derivations,
        agreements=_fit_agreements(source, structures, made, drawn.parts, config.k),
        date_orders=_fit_date_orders(source, structure.subjects, derivations, config.k),
        baselines=BaselineFlags.fit(source.datasets, structures, source.subject, structure.subjects),
        codelists=codelists,
        notes=_once(
            structure.notes,
            source.notes,
            drawn.notes,
            said_of_subjects,
            said_of_links,
            said_of_comments,
            said_of_codelists,
            _lost_identifiers(layouts, config.k),
        ),
        mixed=mixed,
        counterparts=drawn.counterparts,
    )
    return cast(
        "StudyModel", from_state(*to_state(model, KINDS), KINDS)
    )  # as a file gives it back: sums hang on the order in memory


def _once(*notes: Sequence[str]) -> tuple[str, ...]:
    """Put notes behind each other, each once."""
    return tuple(dict.fromkeys(chain.from_iterable(notes)))


def _fit_agreements(
    source: Source, structures: Mapping[str, DatasetStructure], made: Sequence[str], parts: Mapping[str, Part], k: int
) -> dict[str, Agreement]:
    """Learn what agrees within the rows of each dataset, and of those of events with what stands in for rare terms."""
    found = {name: Agreement.fit(source.datasets[name], structures[name], source.subject[name], k) for name in made}
    events = {name: part for name, part in parts.items() if isinstance(part, EventsPart)}
    return found | {name: settle_ways(part, found[name]) for name, part in events.items()}


def _source_to_learn(study: Study, structure: StudyStructure, k: int) -> tuple[Source, tuple[MixedColumn, ...]]:
    """Read a study as what is learned from, with columns of numbers and texts taken apart."""
    source = read_source(study, structure, k)
    if not len(source.ids):
        raise FitError(f"No dataset (of {len(study.datasets)}) has a row of a known subject; give datasets with subjects.")
    unmixed, mixed, notes = split_mixed_columns(source.datasets, structure.datasets, source.subject, k)
    return replace(source, datasets=unmixed, notes=(*source.notes, *notes)), mixed


def _fit_date_orders(source: Source, subjects: str, derivations: tuple[Derivation, ...], k: int) -> DateOrders:
    """Learn the orders of dates; of dates that always follow from others the others move."""
    at_visits = [name for name, subject in source.subject.items() if is_at_visits(source.datasets[name], subject, source.spine)]
    derived = {(one.dataset, one.target): () if "where" in one.parameters else one.inputs for one in derivations}
    datasets = {name: source.datasets[name] for name in source.subject}
    return DateOrders.fit(datasets, source.subject, subjects, derived, k, at_visits)


@dataclass(frozen=True, eq=False)
class _Parts:
    """Parts as fitted one after the other, what they say of subjects, and what was joined for it."""

    parts: Mapping[str, Part]
    story: Story
    features: Mapping[str, NDArray[np.float64]]
    nominal: frozenset[str]
    kin: Mapping[str, tuple[str, str]]
    notes: tuple[str, ...]
    counterparts: tuple[Counterpart, ...]


def _fit_parts(
    source: Source,
    structures: Mapping[str, DatasetStructure],
    structure: StudyStructure,
    config: FitConfig,
    progress: Progress,
    remember: Remember,
) -> _Parts:
    """Fit the part of each dataset about subjects but the subjects' own, given what those before it tell."""
    about = [name for name in source.subject if name != structure.subjects]
    datasets, learned, counterparts = _with_counterparts(about, source, structures, structure.subject_variable)
    about = [name for name in about if name not in {one.dataset for one in counterparts}]
    classes = {name: _part_class(datasets[name], learned[name], source.subject[name]) for name in about}
    occurring = frozenset(name for name in about if classes[name] is EventsPart)
    about = drawing_order(about, source, structures, occurring)
    heads = source.datasets.get(structure.subjects)
    findings = fit_answers({name: datasets[name].columns for name in about}, learned, source.subject, config.k)
    told = {name: structures[name] for name in about}
    story = Story.fit(told, occurring, structure.subjects, list(source.levels), heads, findings)
    spine = story.begin(source.spine, heads.columns if heads is not None else {})
    parts: dict[str, Part] = {}
    features: dict[str, NDArray[np.float64]] = {}
    nominal: set[str] = set()
    kin: dict[str, tuple[str, str]] = {}
    notes: list[str] = []
    for done, name in enumerate(about):
        progress(f"Fit {name}", done, len(source.subject) + 1)
        if not source.datasets[name].n_rows:
            continue
        one = PartSource(datasets[name], learned[name], source.subject[name], spine)
        fitted = remember(one, partial(classes[name].fit, one.dataset, one.structure, one.subject, one.spine, config))
        give_back()
        parts[name] = fitted.part
        spine = story.add(spine, name, one.dataset.columns, one.subject)
        features |= {f"{name}/{feature}": values for feature, values in fitted.features.items()}
        nominal |= {f"{name}/{feature}" for feature in fitted.nominal}
        kin |= {f"{name}/{feature}": (f"{name}/{group}", f"{name}/{kind}") for feature, (group, kind) in fitted.kin.items()}
        notes += fitted.notes
    progress("Fit subjects", len(about), len(source.subject) + 1)
    return _Parts(parts, story, features, frozenset(nominal), kin, tuple(notes), counterparts)


def _fit_layouts(
    study: Study,
    source: Source,
    structure: StudyStructure,
    mixed: tuple[MixedColumn, ...],
    visit_names: VisitNames,
    comments: Mapping[str, Comments],
    k: int,
) -> dict[str, Layout]:
    """Layouts of all datasets; where rows of unknown subjects are gone, the order of rows is learned on those that remain."""
    layouts = {}
    planned = _planned_identifiers(study, structure)
    for name, dataset in study.datasets.items():
        same = dataset.n_rows == source.datasets.get(name, dataset).n_rows
        subject = source.subject.get(name) if same else None
        if name in comments:
            subject = who_of(dataset, source, structure.subject_variable)
        layouts[name] = Layout.fit(dataset, structure.datasets[name], subject, visit_names.agree(dataset), k, planned)
    for name, subject in source.subject.items():
        own = without_texts_beside(source.datasets[name], mixed)
        own = own.without(*(set(own.names) - set(study[name].names)))
        layouts[name] = Layout.fit(own, structure.datasets[name], subject, visit_names.agree(source.datasets[name]), k, planned)
    return count_together(layouts, source.datasets, source.subject)


def _planned_identifiers(study: Study, structure: StudyStructure) -> dict[str, frozenset[str]]:
    """Identifiers that the datasets of the trial's design list, by variable."""
    listed: dict[str, set[str]] = {}
    for name, found in structure.datasets.items():
        if found.kind is Kind.REFERENCE:
            for variable in found.with_role(Role.IDENTIFIER):
                listed.setdefault(variable, set()).update(str(one) for one in study[name].text(variable).compact().levels)
    return {variable: frozenset(values) for variable, values in listed.items()}


def _lost_identifiers(layouts: Mapping[str, Layout], k: int) -> tuple[str, ...]:
    """Tell which identifiers are not kept, since their values are those of few subjects."""
    lost = [f"{name}.{variable}" for name, one in layouts.items() for variable, value in one.constants.items() if not value]
    return tuple(f"{one}: no value is shared by {k} subjects, so none is kept; lower k to keep the most frequent." for one in lost)


def _with_counterparts(
    about: list[str], source: Source, structures: Mapping[str, DatasetStructure], subject_variable: str
) -> tuple[dict[str, Dataset], dict[str, DatasetStructure], tuple[Counterpart, ...]]:
    """Join datasets whose rows stand in another to that: datasets and structures to learn from, and what was joined."""
    structures = {name: structures[name] for name in about}
    datasets, learned = {name: source.datasets[name] for name in about}, dict(structures)
    counterparts = find_counterparts(datasets, structures, source.subject)
    for one in counterparts:
        datasets[one.other] = join_counterpart(one, datasets, structures, source.subject)
        old, new = structures[one.other], {item for own, item in one.columns.items() if own == item}
        found = dataset_structure(datasets[one.other], old.kind, old.prefix, subject_variable, old.parent)
        more = tuple(variable for variable in found.variables if variable.name in new)
        learned[one.other] = replace(found, variables=(*learned[one.other].variables, *more))
    return datasets, learned, counterparts


def _part_class(dataset: Dataset, structure: DatasetStructure, subject: NDArray[np.int32]) -> type[Part]:
    """Choose the model of a dataset by its kind."""
    if structure.kind is Kind.FINDINGS:
        return FindingsPart
    if structure.kind is Kind.SCHEDULE and "VISITNUM" in dataset:
        return ScheduleRows
    if dataset.domain in SEQUENCE_DOMAINS and RunsPart.suits(dataset, structure, subject):
        return RunsPart
    short = structure.n_rows <= MOST_SEQUENCE_ROWS * max(structure.n_subjects, 1)
    if structure.kind in (Kind.STATES, Kind.SCHEDULE) or (dataset.domain in SEQUENCE_DOMAINS and short):
        return SequencePart
    return EventsPart

"""The model of a study: subjects, schedule, and a part for each dataset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.config import FitConfig
from replicator.derivations.derivation import Derivation
from replicator.derivations.find import find_derivations
from replicator.distinct import distinct_values
from replicator.errors import FitError
from replicator.models.copula_engines import engine
from replicator.profile.find import dataset_structure
from replicator.profile.structure import Content, DatasetStructure, Kind, Role, StudyStructure
from replicator.progress import Progress, silent
from replicator.study_model.agreement import Agreement
from replicator.study_model.agreement_baseline import BaselineFlags
from replicator.study_model.agreement_dates import DateOrders
from replicator.study_model.attributes import column_codes, count_subjects
from replicator.study_model.counterparts import Counterpart, find_counterparts, join_counterpart
from replicator.study_model.course_grid import Grid
from replicator.study_model.events import EventsPart
from replicator.study_model.exposure_runs import RunsPart
from replicator.study_model.findings import FindingsPart
from replicator.study_model.identifiers import SubjectIds
from replicator.study_model.joining import Supplement
from replicator.study_model.layout import Layout, count_together
from replicator.study_model.links import LinksModel
from replicator.study_model.mixed_columns import MixedColumn, split_mixed_columns, without_texts_beside
from replicator.study_model.schedule import ScheduleModel
from replicator.study_model.schedule_rows import ScheduleRows
from replicator.study_model.sequence import SequencePart
from replicator.study_model.source import Source, read_source
from replicator.study_model.spine import Part, PartSource, Remember, always
from replicator.study_model.story import Story, drawing_order
from replicator.study_model.subjects import SubjectModel, arm_strata
from replicator.study_model.visit_names import VisitNames
from replicator.tables.dataset import CodelistTerm, Dataset, Study
from replicator.threads import one_thread

TREATED = ("RFSTDTC", "RFXSTDTC")  # dates of those who took part in what the study is about
SEQUENCE_DOMAINS = ("DS", "EX", "EC", "SE")
BELIEVED = 0.99  # share of rows on which a derivation must hold to be recomputed
SHARED = 0.95  # share of rows whose identifier k subjects must have in common
REPEATED = 0.2  # share of rows that repeat an identifier within their subject
MOST_SEQUENCE_ROWS = 40  # a subject with more rows than this keeps a log, not a sequence


@dataclass(frozen=True, eq=False)
class StudyModel:
    """Everything that was learned of a study.

    Attributes
    ----------
    name : str
        STUDYID of the source.
    config : FitConfig
        What was asked.
    n_subjects : int
        Subjects of the source.
    subjects : SubjectModel
    schedule : ScheduleModel
    parts : mapping of str to Part
        The model of each dataset about subjects but the subjects' own, in the order in which they are drawn.
    story : Story
        What each dataset tells those that come after it.
    absent : mapping of str to tuple of int
        Arms of which nobody has a row in a dataset.
    undated : mapping of str to tuple of str
        Dates of the subject that everybody has who has a row in a dataset, though not all subjects have them.
    closed_visits : mapping of str to tuple of float
        Visits of k subjects at which fewer than k have a row in a findings dataset.
    open_visits : mapping of str to tuple of float
        The visits of findings datasets of which fewer than k subjects have a row at a visit that few have.
    links : LinksModel
        RELREC and CO.
    layouts : mapping of str to Layout
        Of all datasets in the order of the source, SUPP-- included.
    reference : mapping of str to Dataset
        Trial design and other datasets that are about nobody: copied.
    supplements : tuple of Supplement
    ids : SubjectIds
    visit_names : VisitNames
    structure : StudyStructure
        What is in the source; a sample is judged by the same.
    derivations : tuple of Derivation
        Recomputed on every sample.
    agreements : mapping of str to Agreement
        What agrees within the rows of each dataset that a part makes.
    date_orders : DateOrders
        Orders of dates that no row of the source broke.
    baselines : BaselineFlags
        How often, and until when, a baseline is flagged.
    codelists : mapping of str to tuple of CodelistTerm
        From the source's Define-XML.
    notes : tuple of str
        What was not learned, and why.
    mixed : tuple of MixedColumn
        Columns of numbers and texts, which were learned apart.
    counterparts : tuple of Counterpart
        Datasets whose rows are made with those of another.
    """

    kind: ClassVar[str] = "study model"

    name: str
    config: FitConfig
    n_subjects: int
    subjects: SubjectModel
    schedule: ScheduleModel
    parts: Mapping[str, Part]
    story: Story
    absent: Mapping[str, tuple[int, ...]]
    undated: Mapping[str, tuple[str, ...]]
    closed_visits: Mapping[str, tuple[float, ...]]
    open_visits: Mapping[str, tuple[float, ...]]
    links: LinksModel
    layouts: Mapping[str, Layout]
    reference: Mapping[str, Dataset]
    supplements: tuple[Supplement, ...]
    ids: SubjectIds
    visit_names: VisitNames
    structure: StudyStructure
    derivations: tuple[Derivation, ...]
    agreements: Mapping[str, Agreement]
    date_orders: DateOrders
    baselines: BaselineFlags
    codelists: Mapping[str, tuple[CodelistTerm, ...]]
    notes: tuple[str, ...]
    mixed: tuple[MixedColumn, ...] = ()
    counterparts: tuple[Counterpart, ...] = ()


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
    source = read_source(study, structure)
    if not len(source.ids):
        raise FitError(f"None of the {len(study.datasets)} datasets has a row of a known subject; give datasets with subjects.")
    unmixed, mixed, said_of_them = split_mixed_columns(source.datasets, structure.datasets, source.subject, config.k)
    source = replace(source, datasets=unmixed, notes=(*source.notes, *said_of_them))
    structures, derivations = _joined_structures(source, structure, config.k)
    visit_names = VisitNames.fit(source.datasets, source.subject, config.k)
    grid = Grid.fit(source.spine, config.k)
    source = replace(source, spine=grid.mark(source.spine))
    schedule = ScheduleModel.fit(source.spine, grid, arm_strata(source), config.k)
    parts: dict[str, Part] = {}
    features: dict[str, NDArray[np.float64]] = {}
    nominal: set[str] = set()
    notes = [*structure.notes, *source.notes]
    about = [name for name in source.subject if name != structure.subjects]
    datasets, learned, counterparts = _with_counterparts(about, source, structures, structure.subject_variable)
    about = [name for name in about if name not in {one.dataset for one in counterparts}]
    classes = {name: _part_class(datasets[name], learned[name], source.subject[name]) for name in about}
    occurring = frozenset(name for name in about if classes[name] is EventsPart)
    about = drawing_order(about, source, structures, occurring)
    heads = source.datasets.get(structure.subjects)
    story = Story.fit({name: structures[name] for name in about}, occurring, structure.subjects, list(source.levels), heads)
    spine = story.begin(source.spine, heads.columns if heads is not None else {})
    for done, name in enumerate(about):
        progress(f"Fit {name}", done, len(about) + 1)
        if not source.datasets[name].n_rows:
            continue
        one = PartSource(datasets[name], learned[name], source.subject[name], spine)
        fitted = remember(one, partial(classes[name].fit, one.dataset, one.structure, one.subject, one.spine, config))
        parts[name] = fitted.part
        spine = story.add(spine, name, one.dataset.columns, one.subject)
        features |= {f"{name}/{feature}": values for feature, values in fitted.features.items()}
        nominal |= {f"{name}/{feature}" for feature in fitted.nominal}
        notes += fitted.notes
    progress("Fit subjects", len(about), len(about) + 1)
    head = structures.get(structure.subjects) if structure.subjects in source.datasets else None
    subjects, said = SubjectModel.fit(source, head, features, frozenset(nominal), config)
    layouts = {
        name: Layout.fit(
            study[name],
            structure.datasets[name],
            source.subject.get(name) if study[name].n_rows == source.datasets.get(name, study[name]).n_rows else None,
            visit_names.agree(study[name]),
        )
        for name in study.datasets
    }
    for name in source.subject:  # rows of unknown subjects are gone: learn the order on those that remain
        own = without_texts_beside(source.datasets[name], mixed)
        own = own.without(*(set(own.names) - set(study[name].names)))
        layouts[name] = Layout.fit(own, structure.datasets[name], source.subject[name], visit_names.agree(source.datasets[name]))
    layouts = count_together(layouts, source.datasets, source.subject)
    identifiers = head.with_role(Role.RECORD_ID) if head is not None else ()
    ids = SubjectIds.fit(structure.subject_variable, source.ids, source.datasets.get(structure.subjects), identifiers)
    links, more = LinksModel.fit(source, structure, config)
    progress("", len(about) + 1, len(about) + 1)
    return StudyModel(
        study.name,
        config,
        len(source.ids),
        subjects,
        schedule,
        parts,
        story,
        _absent(source),
        _undated(source),
        *_visits_kept(source, structure, config.k),
        links,
        layouts,
        {name: study[name] for name, one in structure.datasets.items() if one.kind is Kind.REFERENCE},
        source.supplements,
        ids,
        visit_names,
        structure,
        derivations,
        {
            one: Agreement.fit(source.datasets[one], structures[one], source.subject[one], config.k)
            for one in (*parts, *(item.dataset for item in counterparts))
        },
        DateOrders.fit(
            {name: source.datasets[name] for name in source.subject},
            source.subject,
            structure.subjects,
            {(one.dataset, one.target): () if "where" in one.parameters else one.inputs for one in derivations},
            config.k,
        ),
        BaselineFlags.fit(source.datasets, structures, source.subject, structure.subjects),
        dict(study.codelists),
        tuple(dict.fromkeys([*notes, *said, *more])),
        mixed,
        counterparts,
    )


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


def _joined_structures(
    source: Source, structure: StudyStructure, k: int
) -> tuple[dict[str, DatasetStructure], tuple[Derivation, ...]]:
    """Structures and derivations of the datasets as they are fitted: with SUPP-- columns, without rows of unknown subjects.

    A study day that does not follow from its date is a variable like others, and so is an identifier of findings that groups rows.
    A dose that stands in the name of the arm needs no learning, and parts no rows.
    """
    joined = {}
    for name, dataset in source.datasets.items():
        old = structure.datasets[name]
        same = old.n_rows == dataset.n_rows and len(old.variables) == len(dataset.variables)
        joined[name] = old if same else dataset_structure(dataset, old.kind, old.prefix, structure.subject_variable, old.parent)
    found = find_derivations(Study(source.datasets), joined, structure.subjects, k)
    derivations = tuple(derivation for derivation in found if _believed(derivation, source))
    derived = {(derivation.dataset, derivation.target) for derivation in derivations}
    named = {(derivation.dataset, derivation.target) for derivation in derivations if derivation.rule == "number_in_arm"}
    out = {}
    for name, new in joined.items():
        variables = tuple(
            replace(variable, role=Role.QUALIFIER)
            if (variable.role is Role.STUDY_DAY and (name, variable.name) not in derived)
            or (variable.role is Role.RECORD_ID and new.kind is Kind.FINDINGS and _groups(variable.name, name, source, k))
            else replace(variable, content=Content.CONSTANT)
            if (name, variable.name) in named
            else variable
            for variable in new.variables
        )
        out[name] = replace(new, variables=variables)
    return out, derivations


def _groups(variable: str, name: str, source: Source, k: int) -> bool:
    """Whether an identifier stands for groups of rows (``TARGET``) that subjects share, and not for rows of its own."""
    codes, levels = column_codes(source.datasets[name][variable])
    seen = codes >= 0
    shared = count_subjects(codes, source.subject[name], len(levels)) >= k
    if not seen.any() or float(shared[codes[seen]].mean()) < SHARED:
        return False
    pairs = distinct_values(np.stack([source.subject[name][seen].astype(np.int64), codes[seen]]), axis=1).shape[1]
    return bool(pairs < (1 - REPEATED) * seen.sum())


def _believed(derivation: Derivation, source: Source) -> bool:
    """Whether a derivation is recomputed: nearly all rows agree, and of the marks, which have a model of their own, all do.

    A study day says nothing but its date, so it is believed as soon as it is found.
    """
    if f"{derivation.dataset}.{derivation.target}" in source.spine.marks:
        return derivation.n_agree == derivation.n_tested
    return derivation.rule == "study_day" or derivation.n_agree >= BELIEVED * derivation.n_tested


def _absent(source: Source) -> dict[str, tuple[int, ...]]:
    """Arms of two subjects or more, and no arm at all, of which nobody has a row, by dataset; only datasets that have any such."""
    size = np.bincount(source.spine.arm, minlength=len(source.spine.arms))
    told = (size > 1) | ((size > 0) & (np.array(source.spine.arms, object) == ""))
    out = {}
    for name, subject in source.subject.items():
        seen = np.bincount(source.spine.arm[distinct_values(subject)], minlength=len(size))
        if len(subject) and ((seen == 0) & told).any():
            out[name] = tuple(np.flatnonzero((seen == 0) & told).tolist())
    return out


def _undated(source: Source) -> dict[str, tuple[str, ...]]:
    """Dates that two subjects or more lack, none of whom has a row, by dataset; only datasets that have any such."""
    marks = {name: ~np.isfinite(day) for name, day in source.spine.marks.items() if name.rpartition(".")[2] in TREATED}
    out = {}
    for name, subject in source.subject.items():
        needed = tuple(mark for mark, lacks in marks.items() if lacks.sum() > 1 and not lacks[subject].any())
        if len(subject) and needed:
            out[name] = needed
    return out


def _visits_kept(
    source: Source, structure: StudyStructure, k: int
) -> tuple[dict[str, tuple[float, ...]], dict[str, tuple[float, ...]]]:
    """Visits of k subjects that a findings dataset is closed to; and those that it keeps to, if it has hardly any other."""
    closed, kept = {}, {}
    visits = source.spine.visits
    shared = _shared_visits(visits.number, visits.subject, k)
    for name, subject in source.subject.items():
        dataset = source.datasets[name]
        if structure.datasets[name].kind is not Kind.FINDINGS or "VISITNUM" not in dataset or not dataset.n_rows:
            continue
        number = np.round(dataset.numbers("VISITNUM"), 9)
        common = _shared_visits(number, subject, k)
        if len(distinct_values(subject[np.isfinite(number) & ~np.isin(number, [*common, *shared])])) < k:
            kept[name] = common
        else:
            closed[name] = tuple(one for one in shared if one not in common)
    return {name: numbers for name, numbers in closed.items() if numbers}, kept


def _shared_visits(number: NDArray[np.float64], subject: NDArray[np.int32], k: int) -> tuple[float, ...]:
    """Numbers that at least k subjects have, or the most that have one."""
    seen = np.isfinite(number)
    pairs = distinct_values(np.stack([number[seen], subject[seen].astype(np.float64)], axis=1), axis=0)
    numbers, counts = distinct_values(pairs[:, 0], return_counts=True)
    return tuple(numbers[counts >= min(k, counts.max(initial=k))].tolist())


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

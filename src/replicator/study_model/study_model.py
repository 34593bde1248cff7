"""The model of a study: subjects, schedule, and a part for each dataset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from replicator.config import FitConfig
from replicator.derivations.derivation import Derivation
from replicator.profile.structure import StudyStructure
from replicator.study_model.agreement.baseline import BaselineFlags
from replicator.study_model.agreement.dates import DateOrders
from replicator.study_model.agreement.rows import Agreement
from replicator.study_model.counterparts import Counterpart
from replicator.study_model.layout.identifiers import SubjectIds
from replicator.study_model.layout.joining import Supplement
from replicator.study_model.layout.layout import Layout
from replicator.study_model.layout.mixed_columns import MixedColumn
from replicator.study_model.links.comments import Comments
from replicator.study_model.links.relations import LinksModel
from replicator.study_model.spine import Part
from replicator.study_model.story import Story
from replicator.study_model.subjects.joint import SubjectModel
from replicator.study_model.visits.names import VisitNames
from replicator.study_model.visits.schedule import ScheduleModel
from replicator.tables.dataset import CodelistTerm, Dataset


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
        RELREC.
    comments : mapping of str to Comments
        CO.
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
    comments: Mapping[str, Comments]
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

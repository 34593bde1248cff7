"""The classes that a model file may hold, by kind; a file can name a kind, and never a module or a class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import is_dataclass
from importlib import import_module
from types import MappingProxyType

from replicator.config import FitConfig
from replicator.derivations.derivation import Derivation
from replicator.profile.structure import DatasetStructure, Dependency, StudyStructure, VariableStructure
from replicator.study_model.spine import Fitted
from replicator.tables.dataset import CodelistTerm, Dataset, Numbers, Study, Variable

MODULES = (
    "models.backoff",
    "models.category_effects",
    "models.cell_means",
    "models.chain",
    "models.clock",
    "models.conditional",
    "models.copula",
    "models.joint",
    "models.longitudinal",
    "models.marginals",
    "models.nested_marginals",
    "models.onset",
    "models.panels",
    "models.presence",
    "models.recurrence",
    "models.reporting",
    "models.scales",
    "models.tilts",
    "study_model.agreement.baseline",
    "study_model.agreement.dates",
    "study_model.agreement.doses",
    "study_model.agreement.following",
    "study_model.agreement.pairs",
    "study_model.agreement.results",
    "study_model.agreement.rows",
    "study_model.columns.attributes",
    "study_model.columns.blocks",
    "study_model.columns.dated",
    "study_model.columns.day_offsets",
    "study_model.columns.measures",
    "study_model.course.course",
    "study_model.course.days",
    "study_model.course.grid",
    "study_model.events.answers",
    "study_model.events.catalogue",
    "study_model.events.columns",
    "study_model.events.dates",
    "study_model.events.doses",
    "study_model.events.ending",
    "study_model.events.facts",
    "study_model.events.fatal",
    "study_model.events.following",
    "study_model.events.ids",
    "study_model.events.indications",
    "study_model.events.obliged",
    "study_model.events.onsets",
    "study_model.events.part",
    "study_model.events.patterns",
    "study_model.events.qualifiers",
    "study_model.events.rare",
    "study_model.events.reasons",
    "study_model.events.routes",
    "study_model.events.screening",
    "study_model.events.serious",
    "study_model.events.sex",
    "study_model.events.untreated",
    "study_model.events.uses",
    "study_model.findings.closing",
    "study_model.findings.columns",
    "study_model.findings.completeness",
    "study_model.findings.coordinates",
    "study_model.findings.dates",
    "study_model.findings.drawn",
    "study_model.findings.empty",
    "study_model.findings.follows",
    "study_model.findings.given",
    "study_model.findings.limits",
    "study_model.findings.moments",
    "study_model.findings.of_series",
    "study_model.findings.part",
    "study_model.findings.products",
    "study_model.findings.repeats",
    "study_model.findings.results",
    "study_model.findings.status",
    "study_model.findings.totals",
    "study_model.findings.units",
    "study_model.findings.values",
    "study_model.findings.wholes",
    "study_model.findings.writing",
    "study_model.counterparts",
    "study_model.layout.identifiers",
    "study_model.layout.joining",
    "study_model.layout.layout",
    "study_model.layout.mixed_columns",
    "study_model.layout.record_ids",
    "study_model.links.comments",
    "study_model.links.levels",
    "study_model.links.link",
    "study_model.links.partners",
    "study_model.links.relations",
    "study_model.marks.deaths",
    "study_model.marks.mark",
    "study_model.marks.marks",
    "study_model.sequence.bounds",
    "study_model.sequence.chain",
    "study_model.sequence.closing",
    "study_model.sequence.context",
    "study_model.sequence.dates",
    "study_model.sequence.exposure_runs",
    "study_model.sequence.fatal",
    "study_model.sequence.floors",
    "study_model.sequence.horizon",
    "study_model.sequence.part",
    "study_model.sequence.pins",
    "study_model.sequence.returns",
    "study_model.story",
    "study_model.study_model",
    "study_model.subjects.birth",
    "study_model.subjects.demography",
    "study_model.subjects.demography_tuples",
    "study_model.subjects.joint",
    "study_model.subjects.milestones",
    "study_model.visits.names",
    "study_model.visits.others",
    "study_model.visits.rows",
    "study_model.visits.schedule",
    "study_model.visits.unscheduled",
)
"""Where those classes are that declare a kind, below the package."""

PLAIN: Mapping[str, type] = {
    "fit config": FitConfig,
    "derivation": Derivation,
    "dependency": Dependency,
    "variable structure": VariableStructure,
    "dataset structure": DatasetStructure,
    "study structure": StudyStructure,
    "variable": Variable,
    "codelist term": CodelistTerm,
    "numbers": Numbers,
    "dataset": Dataset,
    "study": Study,
    "fitted": Fitted,
}


def _kinds() -> dict[str, type]:
    """Collect the dataclasses of the modules above that declare a ``kind`` of their own; no two may share one."""
    found = dict(PLAIN)
    for name in MODULES:
        module = import_module(f"replicator.{name}")
        for cls in vars(module).values():
            if isinstance(cls, type) and is_dataclass(cls) and cls.__module__ == module.__name__ and "kind" in vars(cls):
                kind = vars(cls)["kind"]
                if isinstance(kind, str):
                    if kind in found:
                        raise TypeError(f"two classes of the kind {kind!r}: {found[kind].__qualname__} and {cls.__qualname__}")
                    found[kind] = cls
    return found


KINDS: Mapping[str, type] = MappingProxyType(_kinds())

"""The classes that a model file may hold, by kind; a file can name a kind, and never a module or a class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import is_dataclass
from types import MappingProxyType, ModuleType

from replicator.config import FitConfig
from replicator.derivations.derivation import Derivation
from replicator.models import (
    backoff,
    cell_means,
    chain,
    clock,
    conditional,
    copula,
    joint,
    longitudinal,
    marginals,
    onset,
    panels,
    presence,
    recurrence,
    reporting,
    scales,
)
from replicator.profile.structure import DatasetStructure, Dependency, StudyStructure, VariableStructure
from replicator.study_model import (
    agreement,
    agreement_dates,
    agreement_pairs,
    agreement_results,
    attributes,
    birth,
    counterparts,
    course,
    course_days,
    course_grid,
    dated,
    events,
    events_catalogue,
    events_columns,
    events_dates,
    events_doses,
    events_ending,
    events_facts,
    events_fatal,
    events_ids,
    events_obliged,
    events_patterns,
    events_qualifiers,
    events_routes,
    events_serious,
    events_sex,
    exposure_runs,
    findings,
    findings_columns,
    findings_coordinates,
    findings_dates,
    findings_drawn,
    findings_products,
    findings_repeats,
    findings_results,
    findings_totals,
    findings_units,
    findings_values,
    findings_wholes,
    findings_writing,
    identifiers,
    joining,
    layout,
    links,
    links_partners,
    marks,
    milestones,
    mixed_columns,
    record_ids,
    schedule,
    schedule_rows,
    sequence,
    sequence_chain,
    sequence_context,
    sequence_dates,
    sequence_pins,
    story,
    study_model,
    subjects,
    unscheduled,
    visit_names,
)
from replicator.study_model.spine import Fitted
from replicator.tables.dataset import CodelistTerm, Dataset, Numbers, Study, Variable

MODULES: tuple[ModuleType, ...] = (
    backoff,
    cell_means,
    chain,
    clock,
    conditional,
    copula,
    joint,
    longitudinal,
    marginals,
    onset,
    panels,
    presence,
    recurrence,
    reporting,
    scales,
    agreement,
    agreement_dates,
    agreement_pairs,
    agreement_results,
    attributes,
    birth,
    counterparts,
    course,
    course_days,
    course_grid,
    dated,
    events,
    events_catalogue,
    events_columns,
    events_dates,
    events_doses,
    events_ending,
    events_facts,
    events_fatal,
    events_ids,
    events_obliged,
    events_patterns,
    events_qualifiers,
    events_routes,
    events_serious,
    events_sex,
    exposure_runs,
    findings,
    findings_columns,
    findings_coordinates,
    findings_dates,
    findings_drawn,
    findings_products,
    findings_repeats,
    findings_results,
    findings_totals,
    findings_units,
    findings_values,
    findings_wholes,
    findings_writing,
    identifiers,
    joining,
    layout,
    links,
    links_partners,
    marks,
    milestones,
    mixed_columns,
    record_ids,
    schedule,
    schedule_rows,
    sequence,
    sequence_chain,
    sequence_context,
    sequence_dates,
    sequence_pins,
    story,
    study_model,
    subjects,
    unscheduled,
    visit_names,
)

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
    for module in MODULES:
        for cls in vars(module).values():
            if isinstance(cls, type) and is_dataclass(cls) and cls.__module__ == module.__name__ and "kind" in vars(cls):
                kind = vars(cls)["kind"]
                if isinstance(kind, str):
                    if kind in found:
                        raise TypeError(f"two classes of the kind {kind!r}: {found[kind].__qualname__} and {cls.__qualname__}")
                    found[kind] = cls
    return found


KINDS: Mapping[str, type] = MappingProxyType(_kinds())

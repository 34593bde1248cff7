"""Whether the members of a model that was read from a file belong together.

What one class can tell of its own fields is checked while it is read (:mod:`~replicator.study_model.artifact.state`); here is what
only the whole model tells. What neither tells, such as the lengths of arrays within a part, shows when the part draws.
"""

from __future__ import annotations

from collections.abc import Iterator

from replicator.counting import counted
from replicator.errors import ArtifactError
from replicator.profile.structure import Kind
from replicator.study_model.study_model import StudyModel
from replicator.targets import names_a_file


def check_coherence(model: StudyModel, shown: str) -> None:
    """Refuse a model whose members are of different studies.

    Parameters
    ----------
    model : StudyModel
        As it was read.
    shown : str
        How the message names the file.

    Raises
    ------
    ArtifactError
        With the first contradiction.
    """
    for fault in _contradictions(model):
        raise ArtifactError(f"{shown}: {fault}; the model file is damaged or was made by another version.")


def _contradictions(model: StudyModel) -> Iterator[str]:
    if model.n_subjects < 1:
        yield f"it was learned from {counted(model.n_subjects, 'subject')}"
    yield from _of_datasets(model)
    yield from _of_subjects(model)


def _of_datasets(model: StudyModel) -> Iterator[str]:
    """Each dataset has a layout and a structure of the same variables; each part an agreement; nothing is of other datasets."""
    counterparts = {one.dataset for one in model.counterparts}
    if odd := {name for name in model.layouts if not names_a_file(name)}:
        yield f"datasets with names that no file can have ({_listed(odd)})"
    if odd := set(model.layouts) ^ set(model.structure.datasets):
        yield f"layouts and structures are of different datasets ({_listed(odd)})"
    for name, layout in model.layouts.items():
        structure = model.structure.datasets[name]
        if not name == layout.name == structure.name:
            yield f"layout and structure of {_listed({name})} are of another dataset"
        if odd := {one.name for one in layout.variables} ^ {one.name for one in structure.variables}:
            yield f"layout and structure of {_listed({name})} differ in {_listed(odd)}"
    if odd := (set(model.parts) | counterparts) ^ set(model.agreements):
        yield (
            f"{counted(len(model.parts), 'part')} and {counted(len(model.agreements), 'agreement')} are of "
            f"different datasets ({_listed(odd)})"
        )
    named = {
        *model.parts,
        *counterparts,
        *model.absent,
        *model.undated,
        *model.closed_visits,
        *model.open_visits,
        *model.reference,
        *(one.other for one in model.counterparts),
        *(one.dataset for one in model.mixed),
        *(name for one in model.supplements for name in (one.dataset, one.parent)),
        *(name for name, one in model.structure.datasets.items() if one.kind is Kind.QUALIFIERS),
        *(one.dataset for one in model.derivations),
        *([model.subjects.dataset] if model.subjects.dataset else []),
    }
    if odd := named - set(model.layouts):
        yield f"datasets without a layout ({_listed(odd)})"


def _of_subjects(model: StudyModel) -> Iterator[str]:
    """Each arm has its share, each trait its model, and each variable its trait."""
    subjects, joint = model.subjects, model.subjects.joint
    lengths = {"arms": len(subjects.arms), "shares of arms": len(subjects.arm_share)}
    lengths |= {name: len(column) for name, column in subjects.by_arm.items()}
    if len(set(lengths.values())) > 1:
        yield "lengths differ: " + ", ".join(f"{length} {name}" for name, length in lengths.items())
    sizes = [len(one) for one in (joint.names, joint.traits, joint.copula.unique, joint.copula.loadings)]
    if len(set(sizes)) > 1:
        yield "lengths differ: {} names, {} traits, {} and {} in the copula".format(*sizes)
    wanted = {"enrolment", *(f"number {name}" for name in subjects.numbers), *(one.trait for one in subjects.demography)}
    wanted |= {name for one in joint.effects for name in (one.number, one.category)}
    if odd := wanted - set(joint.names):
        yield f"no trait of subjects is called {_listed(odd)}"


def _listed(names: set[str]) -> str:
    """Up to five names, each short and printable."""
    return ", ".join(ascii(name)[1:-1][:40] for name in sorted(names)[:5])

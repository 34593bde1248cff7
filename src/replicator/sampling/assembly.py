"""From drawn rows to a finished study: identifiers, order, derivations, SUPP-- and links."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from replicator.derivations.derive import derive_all
from replicator.profile.structure import Kind
from replicator.rng import stream
from replicator.study_model.joining import split_supplements
from replicator.study_model.layout import Layout
from replicator.study_model.mixed_columns import join_mixed_columns
from replicator.study_model.spine import Rows, Spine
from replicator.study_model.study_model import StudyModel
from replicator.tables.dataset import Column, Dataset, Numbers, Study, Text, Variable


def assemble(
    model: StudyModel, spine: Spine, head: Mapping[str, Column], rows: Mapping[str, Rows], start: int, seed: int, n: int
) -> Study:
    """Finish the datasets of one chunk.

    Parameters
    ----------
    model : StudyModel
    spine : Spine
        The chunk's subjects.
    head : mapping of str to Column
        Columns of the subjects' dataset.
    rows : mapping of str to Rows
        Rows of the other datasets.
    start : int
        Number of subjects before this chunk.
    seed : int
        Of the sample, for links.
    n : int
        Subjects kept, from the first.

    Returns
    -------
    Study
        Datasets about subjects in the order of the source; without reference datasets.
    """
    everyone = np.arange(spine.n, dtype=np.int32)
    made = model.ids.make(start, spine.n, {name: column.strings() for name, column in _with_study(model, head, spine).items()})
    ids = made.pop(model.ids.variable)
    datasets: dict[str, Dataset] = {}
    subject: dict[str, NDArray[np.int32]] = {}
    if model.subjects.dataset:
        layout = model.layouts[model.subjects.dataset]
        own = {name: column for name, column in made.items() if name in {v.name for v in layout.variables}}
        datasets[layout.name] = layout.finish(_dataset(layout.name, {**head, **own}), everyone, ids)
        subject[layout.name] = everyone
    for name, drawn in rows.items():
        layout = model.layouts[name]
        table = model.visit_names.fill(
            _dataset(name, drawn.columns), tuple(v for v in layout.visit_names if "VISITNUM" in drawn.columns)
        )
        order = layout.sort(table, drawn.subject)
        order = order[layout.admissible(table.take(order), drawn.subject[order])]
        owner = drawn.subject[order]
        datasets[name] = layout.finish(table.take(order), owner, ids, _counted_before(layout, subject, spine.n))
        subject[name] = owner
    drawn_study = Study(datasets)
    study = _derived(model, drawn_study, subject, seed, start)
    ordered = model.date_orders.hold(study, subject)
    if ordered is not study:
        study = _derived(model, ordered, subject, seed, start)
    datasets = dict(study.datasets)
    for name, agreement in model.agreements.items():
        if name in datasets:
            datasets[name] = agreement.hold(datasets[name], stream(seed, "agreement", name, start))
    flagged = model.baselines.hold(Study(datasets), subject)
    moved = {name for name in datasets if flagged[name] is not datasets[name]}
    days = tuple(one for one in model.derivations if one.rule == "study_day" and one.dataset in moved)
    datasets = dict(derive_all(days, flagged, rng=stream(seed, "study days", start)).datasets)
    thinned: set[str] = set()
    for name in rows:  # what was derived or set right may have made two keys one
        layout = model.layouts[name]
        keyed = layout.keyed(datasets[name], subject[name])
        if keyed.all() and thinned.isdisjoint(layout.counted_before):
            continue
        thinned.add(name)
        subject[name] = subject[name][keyed]
        counted = _counted_before(layout, subject, spine.n)
        datasets[name] = layout.number(datasets[name].take(np.flatnonzero(keyed)), subject[name], counted)
    for name in dict.fromkeys(one.dataset for one in model.mixed if one.dataset in datasets):
        known = {variable.name: variable for variable in model.layouts[name].variables}
        datasets[name] = join_mixed_columns(datasets[name], model.mixed, known, stream(seed, "mixed columns", name, start))
    links = model.links.sample(datasets, subject, model.ids.variable, ids, stream(seed, "links", start))
    for name, layout in model.layouts.items():
        if layout.dataset_kind is Kind.LINKS:
            relation = links.get(name)
            n_related = relation.n_rows if relation is not None else 0
            datasets[name] = replace(layout, subject="", sequence="").finish(
                relation if relation is not None else _dataset(name, {}), np.zeros(n_related, np.int32), ids
            )
    for name in dict.fromkeys(item.dataset for item in model.supplements if item.parent in datasets):
        items = tuple(item for item in model.supplements if item.dataset == name)
        layout = model.layouts[name]
        parent = datasets[items[0].parent]
        datasets[items[0].parent], datasets[name] = split_supplements(
            parent, items, Dataset(name, layout.variables, _nothing(layout.variables), layout.label), model.ids.variable
        )
    study = Study({name: _ready(model, datasets, name) for name in model.layouts if name not in model.reference})
    return study if n == spine.n else _first_subjects(study, model.ids.variable, ids.take(everyone[:n]))


def _derived(model: StudyModel, study: Study, subject: Mapping[str, NDArray[np.int32]], seed: int, start: int) -> Study:
    """Compute what follows, but for dates of subjects whose rows contradict their other dates."""
    derived = derive_all(model.derivations, study, rng=stream(seed, "derivations", start))
    return model.date_orders.settle(derived, study, subject)


def _counted_before(layout: Layout, subject: Mapping[str, NDArray[np.int32]], n: int) -> NDArray[np.int64]:
    """Rows of each subject (n,) that --SEQ has counted in other datasets."""
    others = [subject[name] for name in layout.counted_before if name in subject]
    return sum((np.bincount(one, minlength=n) for one in others), np.zeros(n, np.int64))


def _first_subjects(study: Study, variable: str, ids: Text) -> Study:
    """Keep the rows of the given subjects."""
    kept = set(ids.strings().tolist())
    out = []
    for dataset in study.datasets.values():
        if variable in dataset:
            column = dataset.text(variable)
            ours = np.array([level in kept for level in column.levels.tolist()] + [False])
            dataset = dataset.take(ours[column.codes])
        out.append(dataset)
    return study.with_datasets(out)


def _ready(model: StudyModel, datasets: Mapping[str, Dataset], name: str) -> Dataset:
    """The dataset in the source's variables and no others; without rows if nobody made any."""
    layout = model.layouts[name]
    if name not in datasets:
        return Dataset(name, layout.variables, _nothing(layout.variables), layout.label)
    own = {variable.name for variable in layout.variables}
    dataset = datasets[name].without(*(v.name for v in datasets[name].variables if v.name not in own))
    return Dataset(name, layout.variables, dict(dataset.columns), layout.label)


def _with_study(model: StudyModel, head: Mapping[str, Column], spine: Spine) -> dict[str, Column]:
    return {"STUDYID": Text.constant(model.name, spine.n), **head}


def _dataset(name: str, columns: Mapping[str, Column]) -> Dataset:
    variables = tuple(Variable(c, type="char" if isinstance(column, Text) else "num") for c, column in columns.items())
    return Dataset(name, variables, dict(columns))


def _nothing(variables: tuple[Variable, ...]) -> dict[str, Column]:
    return {v.name: Text.constant("", 0) if v.type == "char" else Numbers(np.empty(0)) for v in variables}

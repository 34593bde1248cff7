"""From drawn rows to a finished study: identifiers, order, derivations, SUPP-- and links."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from replicator.derivations.derive import derive_all
from replicator.profile.structure import Kind
from replicator.rng import stream
from replicator.study_model.layout.joining import split_supplements
from replicator.study_model.layout.layout import Layout
from replicator.study_model.layout.mixed_columns import join_mixed_columns
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
    made = model.ids.make(start, spine.n, {name: column.strings() for name, column in _with_study(model, head, spine).items()})
    ids = made.pop(model.ids.variable)
    chunk = _Chunk(model, spine.n, ids, start, seed, {})
    datasets = chunk.lay_out(head, made, rows)
    datasets = chunk.agree(chunk.derive(Study(datasets)))
    datasets = chunk.without_repeats(datasets, tuple(rows))
    for name in dict.fromkeys(one.dataset for one in model.mixed if one.dataset in datasets):
        known = {variable.name: variable for variable in model.layouts[name].variables}
        datasets[name] = join_mixed_columns(datasets[name], model.mixed, known, chunk.stream("mixed columns", name))
    datasets |= chunk.link(datasets)
    datasets = chunk.split(datasets)
    study = Study({name: _ready(model, datasets, name) for name in model.layouts if name not in model.reference})
    return study if n == spine.n else _first_subjects(study, model.ids.variable, ids.take(np.arange(n)))


@dataclass(frozen=True, eq=False)
class _Chunk:
    """Subjects whose datasets are finished together.

    Attributes
    ----------
    model : StudyModel
    n : int
        Number of subjects.
    ids : Text
        Their identifiers.
    start : int
        Number of subjects before them.
    seed : int
        Of the sample.
    subject : dict of str to (n_rows,) int32
        Subject of each row of the datasets that are laid out; kept up to date as rows go.
    """

    model: StudyModel
    n: int
    ids: Text
    start: int
    seed: int
    subject: dict[str, NDArray[np.int32]]

    def stream(self, *names: str) -> np.random.Generator:
        """Random numbers of a step of this chunk."""
        return stream(self.seed, *names, self.start)

    def lay_out(self, head: Mapping[str, Column], made: Mapping[str, Column], rows: Mapping[str, Rows]) -> dict[str, Dataset]:
        """Put rows in order and give them identifiers, those `made` for the subjects among them; rows that may not stay go."""
        datasets: dict[str, Dataset] = {}
        if self.model.subjects.dataset:
            layout, everyone = self.model.layouts[self.model.subjects.dataset], np.arange(self.n, dtype=np.int32)
            own = {variable.name for variable in layout.variables}
            columns = {**head, **{name: column for name, column in made.items() if name in own}}
            datasets[layout.name] = layout.finish(_dataset(layout.name, columns), everyone, self.ids)
            self.subject[layout.name] = everyone
        for name, drawn in rows.items():
            layout = self.model.layouts[name]
            named = layout.visit_names if "VISITNUM" in drawn.columns else ()
            table = self.model.visit_names.fill(_dataset(name, drawn.columns), named)
            order = layout.sort(table, drawn.subject)
            table, owner = table.take(order), drawn.subject[order]
            stays = layout.admissible(table, owner)
            if not stays.all():
                table, owner = table.take(stays), owner[stays]
            datasets[name] = layout.finish(table, owner, self.ids, self._counted_before(layout))
            self.subject[name] = owner
        return datasets

    def derive(self, drawn: Study) -> Study:
        """Compute what follows from what was drawn, in which the dates of a subject are in order."""
        orders, derivations = self.model.date_orders, self.model.derivations
        derived = self._derived(drawn)
        follows = {f"{one.dataset}.{one.target}": one.inputs for one in derivations}
        study, waiting = orders.hold(derived, self.subject, follows)
        if study is derived:
            return study
        study = self._derived(study)
        for turn in (waiting, orders.other_way({(one.dataset, one.target) for one in derivations})):
            ordered, _ = turn.hold(study, self.subject)
            study = study if ordered is study else self._derived(ordered)
        return study

    def agree(self, study: Study) -> dict[str, Dataset]:
        """Set right what does not agree within rows, and flags of baselines; study days follow dates that these move."""
        datasets = dict(study.datasets)
        for name, agreement in self.model.agreements.items():
            if name in datasets:
                datasets[name] = agreement.hold(datasets[name], self.stream("agreement", name))
        flagged = self.model.baselines.hold(Study(datasets), self.subject)
        return dict(self._with_study_days(flagged, {name for name in datasets if flagged[name] is not datasets[name]}).datasets)

    def without_repeats(self, datasets: Mapping[str, Dataset], names: Iterable[str]) -> dict[str, Dataset]:
        """Take out rows that repeat a key, as what was derived or set right may have made two keys one."""
        out = dict(datasets)
        thinned: set[str] = set()
        for name in names:
            layout = self.model.layouts[name]
            keyed = layout.keyed(out[name], self.subject[name])
            if keyed.all() and thinned.isdisjoint(layout.counted_before):
                continue
            thinned.add(name)
            self.subject[name] = self.subject[name][keyed]
            kept = out[name].take(np.flatnonzero(keyed))
            out[name] = layout.number(kept, self.subject[name], self._counted_before(layout))
        return out

    def link(self, datasets: Mapping[str, Dataset]) -> dict[str, Dataset]:
        """Draw the datasets that relate rows of others, or say something about them; linked rows may come to share days."""
        model = self.model
        links, moved = model.links.sample(datasets, self.subject, model.ids.variable, self.ids, self.stream("links"))
        counted = self._with_study_days(Study({**datasets, **moved}), set(moved))
        datasets, out = counted.datasets, {name: counted[name] for name in moved}
        for name, layout in model.layouts.items():
            if layout.dataset_kind is Kind.LINKS and name not in model.comments:
                relation = links.get(name, _dataset(name, {}))
                owner = np.zeros(relation.n_rows, np.int32)
                out[name] = replace(layout, subject="", sequence="").finish(relation, owner, self.ids)
        for name, comments in model.comments.items():
            drawn = comments.sample(datasets, self.subject, self.stream("comments", name))
            table = _dataset(name, drawn.columns)
            stays = np.flatnonzero(model.layouts[name].admissible(table, drawn.subject))
            out[name] = model.layouts[name].finish(table.take(stays), drawn.subject[stays], self.ids)
        late = tuple(one for one in model.derivations if one.dataset in model.comments)
        made = derive_all(late, Study({**datasets, **out}), rng=self.stream("derivations of comments"))
        return {name: made[name] for name in out}

    def split(self, datasets: Mapping[str, Dataset]) -> dict[str, Dataset]:
        """Split the SUPP-- datasets off: these and their parents; one without rows in the source has none."""
        out = dict(datasets)
        for name, found in self.model.structure.datasets.items():
            if found.kind is Kind.QUALIFIERS and found.parent in datasets and name not in datasets:
                items = tuple(item for item in self.model.supplements if item.dataset == name)
                out[name] = _without_rows(self.model.layouts[name])
                if items:
                    parts = split_supplements(out[found.parent], items, out[name], self.model.ids.variable)
                    out[found.parent], out[name] = parts
        return out

    def _with_study_days(self, study: Study, moved: set[str]) -> Study:
        """Count the study days of datasets whose dates have moved."""
        days = tuple(one for one in self.model.derivations if one.rule == "study_day" and one.dataset in moved)
        return derive_all(days, study, rng=self.stream("study days"))

    def _derived(self, study: Study) -> Study:
        """Compute what follows, but for dates of subjects whose rows contradict their other dates."""
        derived = derive_all(self.model.derivations, study, rng=self.stream("derivations"))
        return self.model.date_orders.settle(derived, study, self.subject)

    def _counted_before(self, layout: Layout) -> NDArray[np.int64]:
        """Rows of each subject (n,) that --SEQ has counted in other datasets."""
        others = [self.subject[name] for name in layout.counted_before if name in self.subject]
        return sum((np.bincount(one, minlength=self.n) for one in others), np.zeros(self.n, np.int64))


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
        return _without_rows(layout)
    own = {variable.name for variable in layout.variables}
    dataset = datasets[name].without(*(v.name for v in datasets[name].variables if v.name not in own))
    return Dataset(name, layout.variables, dict(dataset.columns), layout.label)


def _with_study(model: StudyModel, head: Mapping[str, Column], spine: Spine) -> dict[str, Column]:
    return {"STUDYID": Text.constant(model.name, spine.n), **head}


def _dataset(name: str, columns: Mapping[str, Column]) -> Dataset:
    variables = tuple(Variable(c, type="char" if isinstance(column, Text) else "num") for c, column in columns.items())
    return Dataset(name, variables, dict(columns))


def _without_rows(layout: Layout) -> Dataset:
    columns = {v.name: Text.constant("", 0) if v.type == "char" else Numbers(np.empty(0)) for v in layout.variables}
    return Dataset(layout.name, layout.variables, columns, layout.label)

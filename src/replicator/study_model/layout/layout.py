"""How a dataset is laid out: its variables, its constant identifiers, the order of its rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.distinct import distinct_values, narrow
from replicator.profile.structure import OF_ALL_ROWS, DatasetStructure, Kind, Role
from replicator.study_model.columns.codes import common_text
from replicator.study_model.columns.fatal_terms import fatal_rows
from replicator.study_model.layout.repeated_rows import repeats
from replicator.study_model.layout.row_order import find_order, order_ranks
from replicator.tables.dataset import Column, Dataset, Numbers, Text, Variable


@dataclass(frozen=True, eq=False)
class Layout:
    """The outside of one dataset.

    Attributes
    ----------
    name, label : str
    dataset_kind : Kind
    variables : tuple of Variable
        In order.
    subject : str
        The subject variable; ``""`` if the dataset is not about subjects.
    constants : mapping of str to str
        STUDYID, DOMAIN and the like: their value.
    sequence : str
        --SEQ, counted from 1 within a subject; ``""`` if there is none.
    order : tuple of str
        Variables by which the rows of a subject are ordered.
    visit_names : tuple of str
        Variables among VISIT and VISITDY that follow from VISITNUM.
    keys : tuple of str
        Variables that no two rows of a subject share all of in the source; ``()`` if there are none.
    numbered : tuple of str
        Identifiers of rows, which tell rows apart that are the same otherwise.
    repeated : float
        Share of the source's rows that repeat another of their subject in all but --SEQ and identifiers of rows.
    results : tuple of str
        Variables of the result of findings and of its status, of which every row of the source has one at least; else ``()``.
    counted_before : tuple of str
        Datasets of the same domain whose rows of a subject --SEQ counts first (LBCH before LBHE).
    other_keys : tuple of tuple of str
        Further such sets of variables as `keys`.
    coded : str
        Variable of coded terms; a row whose term is a death stays where another has its key. ``""`` if there is none.
    """

    kind: ClassVar[str] = "layout"

    name: str
    label: str
    dataset_kind: Kind
    variables: tuple[Variable, ...]
    subject: str
    constants: Mapping[str, str]
    sequence: str
    order: tuple[str, ...]
    visit_names: tuple[str, ...]
    keys: tuple[str, ...]
    numbered: tuple[str, ...] = ()
    repeated: float = 1.0
    results: tuple[str, ...] = ()
    counted_before: tuple[str, ...] = ()
    other_keys: tuple[tuple[str, ...], ...] = ()
    coded: str = ""

    @classmethod
    def fit(
        cls,
        dataset: Dataset,
        structure: DatasetStructure,
        subject: NDArray[np.int32] | None,
        visit_names: tuple[str, ...],
        k: int,
        planned: Mapping[str, frozenset[str]],
    ) -> Layout:
        """Learn from a dataset and its structure; `subject` (n_rows,) is None for datasets that are not about subjects.

        Of an identifier with several values the one that most rows have is kept, of those that `k` subjects share or that the
        trial's design lists, `planned` by variable (a device).
        """
        who = structure.with_role(Role.SUBJECT)
        sequence = next(iter(structure.with_role(Role.SEQUENCE)), "")
        constants = {}
        for name in structure.with_role(Role.IDENTIFIER):
            texts = dataset.text(name).compact()
            if len(texts.levels) and (len(texts.levels) == 1 or structure.kind is not Kind.LINKS):
                constants[name] = _constant(name, texts, subject, planned.get(name, frozenset()), k)
        order = find_order(dataset, structure, subject, sequence) if subject is not None else ()
        numbered = structure.with_role(Role.SEQUENCE, Role.RECORD_ID)
        told = [dataset[name] for name in dataset.names if name not in numbered]
        again = repeats(told, subject) if subject is not None else np.zeros(0, bool)
        return cls(
            dataset.name,
            dataset.label,
            structure.kind,
            dataset.variables,
            who[0] if who else "",
            constants,
            sequence,
            order,
            visit_names,
            _keys(structure, structure.keys, subject),
            numbered,
            float(again.mean()) if len(again) else 1.0,
            _always_one(dataset, structure),
            other_keys=tuple(filter(None, (_keys(structure, keys, subject) for keys in structure.other_keys))),
            coded=structure.named("DECOD"),
        )

    def sort(self, dataset: Dataset, subject: NDArray[np.int32]) -> NDArray[np.intp]:
        """Order of the rows: by subject, then as the source's rows were."""
        keys = [order_ranks(dataset[name]) for name in reversed(self.order) if name in dataset]
        return np.lexsort([*keys, narrow(subject)])

    def admissible(self, dataset: Dataset, subject: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Tell which rows (n_rows,) may stay.

        A row goes if it has neither a result nor a word on it, as no row of the source did; if it repeats the key of one before it,
        where the key is known and drawn; and if it repeats one before it altogether, but for as many as the source had.
        """
        said = [~dataset[name].missing for name in self.results if name in dataset]
        keep = np.any(said, axis=0) if said else np.ones(len(subject), bool)
        rows = np.flatnonzero(keep)
        keep[rows] = self.keyed(dataset if keep.all() else dataset.take(rows), subject[rows])
        rows = np.flatnonzero(keep)
        names = [name for name in dataset.names if name not in self.numbered]
        if any(keys and {*keys} <= {*names} for keys in (self.keys, *self.other_keys)):
            return keep  # what repeats no key repeats no row
        told = [dataset[name] for name in names]
        again = np.flatnonzero(repeats(told if keep.all() else [column.take(rows) for column in told], subject[rows]))
        allowed = min(round(self.repeated * len(rows)), len(again))
        gone = np.ones(len(again), bool)
        gone[(np.arange(allowed) * len(again)) // max(allowed, 1)] = False
        keep[rows[again[gone]]] = False
        return keep

    def keyed(self, dataset: Dataset, subject: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Tell which rows (n_rows,) do not repeat a key of one before them; all, where no key is known and there.

        A row that tells of a death counts as before all others: it follows from what other datasets say.
        """
        keep = np.ones(len(subject), bool)
        turn = self._in_turn(dataset)
        for keys in (self.keys, *self.other_keys):
            if not keys or any(name not in dataset for name in keys):
                continue
            if turn is None and keep.all():
                keep = ~repeats([dataset[name] for name in keys], subject)
            else:
                every = np.arange(len(subject)) if turn is None else turn
                rows = every[keep[every]]
                keep[rows] = ~repeats([dataset[name].take(rows) for name in keys], subject[rows])
        return keep

    def _in_turn(self, dataset: Dataset) -> NDArray[np.intp] | None:
        """Rows (n_rows,), those of a death first; None if there is none, and rows stay as they are."""
        if self.coded not in dataset:
            return None
        terms = dataset.text(self.coded)
        fatal = fatal_rows(terms.levels)
        return np.argsort(~np.append(fatal, False).take(terms.codes), kind="stable") if fatal.any() else None

    def finish(self, dataset: Dataset, subject: NDArray[np.int32], ids: Text, counted: NDArray[np.int64] | None = None) -> Dataset:
        """Put variables in their order, with identifiers and --SEQ; columns that nobody made come out missing.

        Parameters
        ----------
        dataset : Dataset
            Rows in their final order.
        subject : (n_rows,) int32
            Position of each row's subject, ascending.
        ids : Text
            Identifier of each subject.
        counted : (n_subjects,) int64, optional
            Rows of each subject that --SEQ has counted in other datasets.
        """
        n = len(subject)
        made: dict[str, Column] = dict(dataset.columns)
        if self.subject:
            made[self.subject] = ids.take(subject)
        for name, value in self.constants.items():
            made[name] = Text.constant(value, n)
        if self.sequence:
            made[self.sequence] = _numbered(subject, counted)
        extra = tuple(variable for variable in dataset.variables if all(variable.name != own.name for own in self.variables))
        variables = (*self.variables, *extra)
        columns = {variable.name: _typed(made.get(variable.name), variable, n) for variable in variables}
        return Dataset(self.name, variables, columns, self.label)

    def number(self, dataset: Dataset, subject: NDArray[np.int32], counted: NDArray[np.int64] | None = None) -> Dataset:
        """Count --SEQ anew, after rows have gone; parameters as of :meth:`finish`."""
        if not self.sequence:
            return dataset
        return dataset.with_column(dataset.variable(self.sequence), _numbered(subject, counted))


def _constant(name: str, texts: Text, subject: NDArray[np.int32] | None, planned: frozenset[str], k: int) -> str:
    """The value of an identifier (n_rows,) that rows have, ``""`` for none that may be kept."""
    if name in OF_ALL_ROWS and len(texts.levels) == 1 and not texts.missing.any():
        return str(texts.levels[0])
    shared = common_text(texts, np.arange(len(texts), dtype=np.int32) if subject is None else subject, k)
    if shared:
        return shared
    rows = np.bincount(texts.codes[texts.codes >= 0], minlength=len(texts.levels)) * np.isin(texts.levels.astype(str), [*planned])
    return str(texts.levels[rows.argmax()]) if rows.any() else ""


def _numbered(subject: NDArray[np.int32], counted: NDArray[np.int64] | None) -> Numbers:
    """Number of each row (n_rows,), subject by subject, among its subject's, from 1 or on from those that were counted."""
    size = np.bincount(subject)
    begin = (np.cumsum(size) - size)[subject]
    others = 0 if counted is None else counted[subject]
    return Numbers((np.arange(len(subject)) - begin + 1 + others).astype(np.float64))


def count_together(
    layouts: Mapping[str, Layout], datasets: Mapping[str, Dataset], subject: Mapping[str, NDArray[np.int32]]
) -> dict[str, Layout]:
    """Let --SEQ go on from dataset to dataset of a domain where the source's numbers were unique over all of them.

    Parameters
    ----------
    layouts : mapping of str to Layout
        Of all datasets.
    datasets : mapping of str to Dataset
        Those about subjects.
    subject : mapping of str to (n_rows,) int32
        Position of each row's subject.
    """
    domains: dict[tuple[str, str], list[str]] = {}
    for name in subject:
        if layouts[name].sequence and datasets[name].n_rows:
            domains.setdefault((datasets[name].domain, layouts[name].sequence), []).append(name)
    out = dict(layouts)
    for (_, sequence), names in domains.items():
        number = np.concatenate([datasets[name].numbers(sequence) for name in names])
        who = np.concatenate([subject[name] for name in names])
        if len(names) > 1 and len(distinct_values(np.stack([who, number]), axis=1).T) == len(who):
            for i, name in enumerate(names):
                out[name] = replace(out[name], counted_before=tuple(names[:i]))
    return out


def _typed(column: Column | None, variable: Variable, n: int) -> Column:
    if column is None:
        return Text.constant("", n) if variable.type == "char" else Numbers(np.full(n, np.nan))
    if variable.type == "char" and isinstance(column, Numbers):
        return column.text()
    if variable.type == "num" and isinstance(column, Text):
        return Numbers(Dataset("", (variable,), {variable.name: column}).numbers(variable.name))
    return column


def _always_one(dataset: Dataset, structure: DatasetStructure) -> tuple[str, ...]:
    """Variables of result and status, if every row of findings has one of them."""
    names = [name for suffix in ("ORRES", "STRESC", "STRESN", "STAT") if (name := structure.named(suffix))]
    if structure.kind is not Kind.FINDINGS or not names:
        return ()
    return tuple(names) if np.any([~dataset[name].missing for name in names], axis=0).all() else ()


def _keys(structure: DatasetStructure, keys: tuple[str, ...], subject: NDArray[np.int32] | None) -> tuple[str, ...]:
    """A key without the subject, where it rests on neither --SEQ nor record ids, which are made afterwards."""
    made = structure.with_role(Role.SUBJECT, Role.SEQUENCE, Role.IDENTIFIER)
    drawn = tuple(name for name in keys if name not in made)
    rests = set(keys) & set(structure.with_role(Role.SEQUENCE))
    return () if subject is None or rests or not drawn else drawn

"""Comments (CO): which rows, or subjects, somebody has said something about, when, and what of it may be said again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.config import FitConfig
from replicator.counting import counted
from replicator.distinct import distinct_values
from replicator.heavy import pandas as pd
from replicator.models.marginals import QuantileMarginal
from replicator.profile.structure import DatasetStructure, Kind, Role, StudyStructure
from replicator.study_model.columns.attributes import Attributes
from replicator.study_model.columns.codes import column_codes, count_subjects
from replicator.study_model.columns.dated import DateFormat, DateGiven
from replicator.study_model.columns.odd_dates import lost_notes
from replicator.study_model.columns.rare_levels import is_rare
from replicator.study_model.links.levels import LinkedLevels
from replicator.study_model.source import Source, who_of
from replicator.study_model.spine import Rows
from replicator.tables.dataset import Column, Dataset, Text
from replicator.tables.dates import parse_dates

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_HALVINGS = 40  # of the room in which a share is looked for
NEEDED = ("RDOMAIN", "IDVAR", "IDVARVAL")


@dataclass(frozen=True, eq=False)
class CommentTarget:
    """What comments are on: the rows of a dataset that one value of a variable names, or its subjects.

    Attributes
    ----------
    dataset, domain : str
        The dataset, and RDOMAIN.
    idvar : str
        Variable by which rows are named; ``""`` for comments on the subject.
    levels : LinkedLevels
        Of the variable that tells best which rows have comments.
    share : (n_levels + 1,) float64
        Share of rows that have comments by level; levels of which fewer than k subjects have any, and rows of none (the last),
        share theirs.
    concerned : float
        Share of subjects on whose rows there are comments at all: it is lower than 1 where they gather in few.
    count : QuantileMarginal
        How many a row has then.
    days : mapping of str to DateGiven
        How dates of the comments stand to those of the row.
    width : int
        Characters that IDVARVAL is padded to on the left; 0 for none.
    """

    kind: ClassVar[str] = "comment target"

    dataset: str
    domain: str
    idvar: str
    levels: LinkedLevels
    share: Floats
    concerned: float
    count: QuantileMarginal
    days: Mapping[str, DateGiven]
    width: int


@dataclass(frozen=True, eq=False)
class Comments:
    """Comments of a study.

    Attributes
    ----------
    targets : tuple of CommentTarget
        Those on which at least k subjects have a comment.
    others : Attributes
        What else a comment says, given its target.
    formats : mapping of str to DateFormat
        How dates are written, given the target.
    """

    kind: ClassVar[str] = "comments"

    targets: tuple[CommentTarget, ...]
    others: Attributes
    formats: Mapping[str, DateFormat]

    @classmethod
    def fit(
        cls, dataset: Dataset, structure: DatasetStructure, source: Source, variable: str, config: FitConfig
    ) -> tuple[Comments, tuple[str, ...]]:
        """Learn from the comments of a study.

        Parameters
        ----------
        dataset : Dataset
            Rows with :data:`NEEDED` and the subject.
        structure : DatasetStructure
            Its own.
        source : Source
            With the rows that are commented on.
        variable : str
            The subject variable.
        config : FitConfig

        Returns
        -------
        Comments, notes : tuple of str
        """
        k = config.k
        subject = who_of(dataset, source, variable)
        dates = structure.with_role(Role.DATE)
        days = {name: parse_dates(dataset.text(name)) for name in dates}
        target = np.full(dataset.n_rows, -1, np.int64)
        targets: list[CommentTarget] = []
        for table, idvar, rows, named in _commented(dataset, source, subject):
            rows, named = rows[target[rows] < 0], named[target[rows] < 0]
            if len(distinct_values(subject[rows])) < k:
                continue
            target[rows] = len(targets)
            on, owner = source.datasets[table], source.subject[table]
            unit = _units(on, owner, idvar)
            n = np.bincount(np.searchsorted(unit, named), minlength=len(unit))
            levels = LinkedLevels.fit(on.take(unit), owner[unit], n > 0, np.ones(len(unit), bool), {idvar, variable}, k)
            known = _days(on, named)
            gaps = {name: DateGiven.fit(value.full_day[rows], known, (), subject[rows], k) for name, value in days.items()}
            texts = dataset.text("IDVARVAL").strings()[rows].astype(str)
            code = levels.codes(on.take(unit))
            share = _shares(n > 0, code, len(levels.levels), owner[unit], k)
            targets.append(
                CommentTarget(
                    table,
                    on.domain,
                    idvar,
                    levels,
                    share,
                    _concerned(share[code], owner[unit], len(distinct_values(owner[named]))),
                    QuantileMarginal.fit(n[n > 0].astype(np.float64), owner[unit[n > 0]], k=k, decimals=0),
                    {name: gap for name, gap in gaps.items() if gap is not None},
                    int(np.char.str_len(texts).max()) if np.char.startswith(texts, " ").any() else 0,
                )
            )
        kept = np.flatnonzero(target >= 0)
        skip = {*structure.with_role(Role.SUBJECT, Role.SEQUENCE, Role.IDENTIFIER, Role.STUDY_DAY), *dates, *NEEDED}
        mine, given = dataset.take(kept), [target[kept]]
        rare = [name for name in dataset.names if name not in skip and is_rare(dataset[name], subject, k)]
        names = [name for name in dataset.names if name not in skip and name not in rare]
        others, notes = Attributes.fit(mine, names, given, subject[kept], k)
        notes = (*notes, *(f"{dataset.name}.{name}: fewer than {k} subjects have a value, so none is kept." for name in rare))
        formats = {name: DateFormat.fit(mine.text(name), days[name].take(kept), given, subject[kept], k) for name in dates}
        for name in dates:
            notes = (*notes, *lost_notes(f"{dataset.name}.{name}", mine.text(name), days[name].take(kept), subject[kept], k))
        if len(kept) < dataset.n_rows:
            lost = dataset.n_rows - len(kept)
            notes = (
                *notes,
                f"{dataset.name}: comments on what fewer than {k} subjects have comments on, or on no row, are not learned, "
                f"{lost:,} of {dataset.n_rows:,}; lower k to keep more.",
            )
        return cls(tuple(targets), others, formats), notes

    def sample(self, datasets: Mapping[str, Dataset], subject: Mapping[str, NDArray[np.int32]], rng: np.random.Generator) -> Rows:
        """Draw comments on sampled datasets whose --SEQ are final, by subject.

        Parameters
        ----------
        datasets : mapping of str to Dataset
            A target that is not among them has no comments.
        subject : mapping of str to (n_rows,) int32
            Position of each row's subject.
        """
        owners: list[NDArray[np.int32]] = []
        codes: list[Ints] = []
        cells: dict[str, list[NDArray[np.object_]]] = {name: [] for name in NEEDED}
        days: dict[str, list[Floats]] = {name: [] for name in self.formats}
        for code, target in enumerate(self.targets):
            if target.dataset not in datasets:
                continue
            on, owner = datasets[target.dataset], subject[target.dataset]
            unit = _units(on, owner, target.idvar)
            concerned = rng.random(int(owner.max(initial=-1)) + 1) < target.concerned
            rate = target.share[target.levels.codes(on.take(unit))] / target.concerned
            unit = unit[concerned[owner[unit]] & (rng.random(len(unit)) < rate)]
            row = np.repeat(unit, np.maximum(target.count.quantile(rng.random(len(unit))), 1).astype(np.int64))
            named = on.text(target.idvar).strings()[row] if target.idvar else np.full(len(row), "", object)
            owners.append(owner[row])
            codes.append(np.full(len(row), code, np.int64))
            cells["RDOMAIN"].append(np.full(len(row), target.domain, object))
            cells["IDVAR"].append(np.full(len(row), target.idvar, object))
            cells["IDVARVAL"].append(np.array([text.rjust(target.width) for text in named.tolist()], object))
            known = _days(on, row)
            for name, drawn in days.items():
                gap = target.days.get(name)
                drawn.append(np.full(len(row), np.nan) if gap is None else gap.sample(known, (), rng, len(row)))
        owner = np.concatenate([np.empty(0, np.int32), *owners])
        order = np.argsort(owner, kind="stable")
        given = [np.concatenate([np.empty(0, np.int64), *codes])[order]]
        columns: dict[str, Column] = dict(self.others.sample(given, rng, len(order)))
        columns |= {name: Text.of(np.concatenate([np.empty(0, object), *parts])[order]) for name, parts in cells.items()}
        for name, written in self.formats.items():
            columns[name] = written.sample(np.concatenate([np.empty(0), *days[name]])[order], given, rng)
        return Rows(owner[order].astype(np.int32), columns)


def fit_comments(source: Source, structure: StudyStructure, config: FitConfig) -> tuple[dict[str, Comments], tuple[str, ...]]:
    """Learn the datasets of comments: those of links without RELID, whose rows relate no two rows to each other.

    Returns
    -------
    dict of str to Comments, notes : tuple of str
    """
    found: dict[str, Comments] = {}
    notes: list[str] = []
    variable = structure.subject_variable
    for name, one in structure.datasets.items():
        if one.kind is not Kind.LINKS or name not in source.datasets or "RELID" in source.datasets[name]:
            continue
        dataset = source.datasets[name]
        missing = [needed for needed in (*NEEDED, variable) if needed not in dataset]
        if missing:
            rows = counted(dataset.n_rows, "row")
            notes.append(
                f"{name}: not learned ({rows}), since it has no {', '.join(missing)} to tell what its rows are on; add them."
            )
            continue
        found[name], said = Comments.fit(dataset, one, source, variable, config)
        notes += said
    return found, tuple(notes)


def _commented(
    dataset: Dataset, source: Source, subject: NDArray[np.int32]
) -> Iterator[tuple[str, str, NDArray[np.intp], NDArray[np.intp]]]:
    """Find what comments are on: dataset and variable that names its rows, with rows of comments and rows that they are on."""
    texts = {name: dataset.text(name).strings() for name in NEEDED}
    ends = pd.MultiIndex.from_arrays([texts["RDOMAIN"], texts["IDVAR"]]).unique()
    for domain, idvar in sorted(ends.tolist()):
        rows = np.flatnonzero((texts["RDOMAIN"] == domain) & (texts["IDVAR"] == idvar) & (subject >= 0))
        for name, owner in source.subject.items():
            on = source.datasets[name]
            if on.domain != domain or (idvar and idvar not in on):
                continue
            unit = _units(on, owner, idvar)
            cell = on.text(idvar).strings()[unit] if idvar else np.full(len(unit), "", object)
            place = pd.MultiIndex.from_arrays([owner[unit], cell])
            said = np.array([text.strip() for text in texts["IDVARVAL"][rows].tolist()], object)
            found = place.get_indexer(pd.MultiIndex.from_arrays([subject[rows], said if idvar else np.full(len(rows), "", object)]))
            yield name, idvar, rows[found >= 0], unit[found[found >= 0]]


def _units(dataset: Dataset, subject: NDArray[np.int32], idvar: str) -> NDArray[np.intp]:
    """Rows (n_units,) that stand for what comments are on: the first of each subject and value of `idvar`."""
    if not idvar:
        return np.sort(distinct_values(subject, return_index=True)[1])
    codes, levels = column_codes(dataset[idvar])
    seen = np.flatnonzero(codes >= 0)
    key = subject[seen].astype(np.int64) * len(levels) + codes[seen]
    return np.sort(seen[distinct_values(key, return_index=True)[1]])


def _shares(linked: NDArray[np.bool_], code: Ints, n_levels: int, subject: NDArray[np.int32], k: int) -> Floats:
    """Share of rows that are `linked`, by level, the last for none: (n_levels + 1,); see :attr:`CommentTarget.share`."""
    place = np.where(code < 0, n_levels, code)
    n, hit = np.bincount(place, minlength=n_levels + 1), np.bincount(place[linked], minlength=n_levels + 1)
    own = np.append(count_subjects(np.where(linked, code, -1), subject, n_levels) >= k, False)
    return np.where(own, hit / np.maximum(n, 1), hit[~own].sum() / max(1, n[~own].sum()))


def _concerned(share: Floats, subject: NDArray[np.int32], n_seen: int) -> float:
    """Share of subjects on whose rows comments come at all, given the `share` (n_rows,) of rows that have one.

    It is the share at which as many subjects are expected to have a comment as have one, `n_seen`. If rows were commented on each
    by itself, more would have one; at the least, all rows of those whom it concerns are commented on.
    """

    def expected(part: float) -> float:
        none = np.bincount(subject, np.log1p(-np.minimum(share / part, 1 - 1e-12)))
        return part * float(-np.expm1(none).sum())

    low, high = max(float(share.max()), 1e-6), 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if expected(middle) < n_seen else (low, middle)
    return high


def _days(dataset: Dataset, rows: NDArray[np.intp]) -> dict[str, Floats]:
    """Days of each date of some rows."""
    names = [name for name in dataset.names if name.endswith("DTC")]
    return {name: parse_dates(dataset.text(name).take(rows)).full_day for name in names}

"""Flags of one record: of baselines, none after the first dose, and all others that a subject has once for each test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.derivations.baseline import NO_CHOICE, is_flag, is_flagged_once
from replicator.derivations.derive import blanked
from replicator.distinct import distinct_codes, distinct_values
from replicator.profile.structure import DatasetStructure, Kind
from replicator.standards.baselines import CIRCUMSTANCES, FIRST_DOSES, FLAGS
from replicator.study_model.agreement.dates import move_dates, surely_after
from replicator.study_model.columns.codes import column_codes
from replicator.tables.dataset import Dataset, Study, Text
from replicator.tables.dates import Dates, parse_dates

Flags = NDArray[np.bool_]
Owners = NDArray[np.int32]


@dataclass(frozen=True)
class BaselineFlag:
    """One flag of one findings dataset.

    Attributes
    ----------
    dataset, flag : str
    date : str
        When the record was made; ``""`` if that is not known.
    dose : str
        Date of the subject after which no baseline lies; ``""`` where some do.
    circumstances : tuple of str
        Variables that tell flagged records of a subject apart; none where a subject may have two all the same.
    follows : bool
        Whether the flag follows from other variables of the row, such as the visit: then the date gives way, and else the flag.
    """

    kind: ClassVar[str] = "baseline flag"

    dataset: str
    flag: str
    date: str
    dose: str
    circumstances: tuple[str, ...]
    follows: bool


@dataclass(frozen=True)
class BaselineFlags:
    """All flags of baselines, and others of one record a test, of a study that keep to something.

    Attributes
    ----------
    subjects : str
        The subjects' dataset.
    flags : tuple of BaselineFlag
    """

    kind: ClassVar[str] = "baseline flags"

    subjects: str
    flags: tuple[BaselineFlag, ...] = ()

    @classmethod
    def fit(
        cls,
        datasets: Mapping[str, Dataset],
        structures: Mapping[str, DatasetStructure],
        subject: Mapping[str, Owners],
        subjects: str,
    ) -> BaselineFlags:
        """Learn from datasets whose rows belong to `subject`, one row each in the dataset `subjects`."""
        head = subjects if subjects in datasets else ""
        doses = [name for name in FIRST_DOSES if head and name in datasets[head] and not datasets[head][name].missing.all()]
        flags = []
        for name, owner in subject.items():
            structure, dataset = structures[name], datasets[name]
            if structure.kind is not Kind.FINDINGS:
                continue
            for flag in filter(None, (structure.named(suffix) for suffix in FLAGS)):
                marked = _marked(dataset, flag)
                if not marked.any():
                    continue
                date = structure.named("DTC")
                told = tuple(variable for suffix in CIRCUMSTANCES if (variable := structure.named(suffix)))
                once = structure.named("TESTCD") and not _again(dataset, told, owner, marked, date).any()
                follows = any(one.dependent == flag for one in structure.dependencies)
                late = doses and date and _late(dataset, date, _of_rows(datasets[head], doses[0], subject[head], owner)) & marked
                dose = doses[0] if doses and date and not np.any(late) else ""
                if once or dose:
                    flags.append(BaselineFlag(name, flag, date, dose, told if once else (), follows))
            flags += _of_one_record(dataset, structure, owner)
        return cls(head, tuple(flags))

    def hold(self, study: Study, subject: Mapping[str, Owners]) -> Study:
        """Take away flags, or move dates, that the source would not have.

        Parameters
        ----------
        study : Study
            Rows of a sample, drawn and derived.
        subject : mapping of str to (n_rows,) int32
            Position of each row's subject in the subjects' dataset.
        """
        for one in self.flags:
            if one.dataset not in study or one.flag not in study[one.dataset]:
                continue
            dataset, owner = study[one.dataset], subject[one.dataset]
            marked = _marked(dataset, one.flag)
            if one.dose and one.date in dataset:
                first = _of_rows(study[self.subjects], one.dose, subject[self.subjects], owner)
                late = _late(dataset, one.date, first) & marked
                if late.any() and one.follows:
                    moved = move_dates(dataset.text(one.date), parse_dates(dataset.text(one.date)), first, late)
                    dataset = dataset.with_column(dataset.variable(one.date), moved)
                elif late.any():
                    dataset = dataset.with_column(dataset.variable(one.flag), blanked(dataset[one.flag], late))
                    marked &= ~late
            if one.circumstances and set(one.circumstances) <= set(dataset.names):
                again = _again(dataset, one.circumstances, owner, marked, one.date)
                if again.any():
                    dataset = dataset.with_column(dataset.variable(one.flag), blanked(dataset[one.flag], again))
            if dataset is not study[one.dataset]:
                study = replace(study, datasets={**study.datasets, one.dataset: dataset})
        return study


def _of_one_record(dataset: Dataset, structure: DatasetStructure, owner: Owners) -> list[BaselineFlag]:
    """Flags beside those of baselines that a subject has on one record of a test, such as that of the last one."""
    topic, excepted = structure.named("TESTCD"), {structure.named(suffix) for suffix in (*FLAGS, *NO_CHOICE)}
    if not topic:
        return []
    test = column_codes(dataset[topic])[0] + 1
    group = distinct_values(owner.astype(np.int64) * (int(test.max(initial=0)) + 1) + test, return_inverse=True)[1].reshape(-1)
    return [
        BaselineFlag(structure.name, name, structure.named("DTC"), "", (topic,), False)
        for name in dataset.names
        if name not in excepted and is_flag(dataset[name]) and is_flagged_once(_marked(dataset, name), test, group)
    ]


def _marked(dataset: Dataset, flag: str) -> Flags:
    """Rows (n_rows,) that are flagged."""
    column = dataset[flag]
    if not isinstance(column, Text):
        return np.zeros(dataset.n_rows, bool)
    return np.append(column.levels == "Y", False).take(column.codes).astype(bool)


def _of_rows(head: Dataset, dose: str, place: Owners, owner: Owners) -> Dates:
    """The subject's date of each row (n_rows,)."""
    row = np.full(int(max(place.max(initial=-1), owner.max(initial=-1))) + 1, -1, np.intp)
    row[place] = np.arange(len(place))
    return parse_dates(head.text(dose)).padded().take(row[owner])


def _late(dataset: Dataset, date: str, first: Dates) -> Flags:
    return surely_after(parse_dates(dataset.text(date)), first)


def _again(dataset: Dataset, told: tuple[str, ...], owner: Owners, marked: Flags, date: str) -> Flags:
    """Flagged rows (n_rows,) that a later one, or a later row of the same time, of the same circumstances follows."""
    rows = np.flatnonzero(marked)
    key = owner[rows].astype(np.int64)
    for name in told:
        codes, levels = column_codes(dataset[name].take(rows))
        key = distinct_codes(key * (len(levels) + 1) + codes + 1)
    dates = parse_dates(dataset.text(date)) if date in dataset else None
    moment = np.nan_to_num((dates.day * 1440 + np.nan_to_num(dates.minute))[rows]) if dates is not None else np.zeros(len(rows))
    order = np.lexsort((np.arange(len(rows)), moment, key))
    out = np.zeros(dataset.n_rows, bool)
    out[rows[order[:-1][key[order][1:] == key[order][:-1]]]] = True
    return out

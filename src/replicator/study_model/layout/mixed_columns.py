"""Columns that hold numbers and texts (``70.8``, ``UNK``): learned as a column of numbers with one of texts beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.counting import counted
from replicator.derivations.derive import chosen
from replicator.models.marginals import QuantileMarginal
from replicator.profile.structure import DatasetStructure, Kind, Role
from replicator.study_model.columns.codes import column_codes, count_subjects
from replicator.study_model.columns.written_numbers import count_places, write_numbers
from replicator.tables.column_types import standard_type
from replicator.tables.dataset import Dataset, Numbers, Text, Variable

A_NUMBER = "(number)"  # what the column of texts says where there is a number
BESIDE = " (text)"  # what follows the variable's name in the name of that column
RARE = 0.2  # share of numbers that fewer than k subjects share, from which they are measured and no codes
RESULTS = ("ORRES", "STRESC", "STRESN")  # of findings, which have a model of numbers and texts of their own
TOLD_ELSEWHERE = (Role.SUBJECT, Role.IDENTIFIER, Role.RECORD_ID, Role.SEQUENCE, Role.DATE, Role.STUDY_DAY)


@dataclass(frozen=True, eq=False)
class MixedColumn:
    """How a column of numbers and texts comes together again.

    Attributes
    ----------
    dataset, name : str
        The variable.
    beside : str
        Column of the texts; ``""`` if no text is shared by k subjects, so that none is kept.
    places : int
        Decimals of the numbers.
    fixed : bool
        Whether zeros fill them (``70.0``).
    numbers : QuantileMarginal
        Numbers of rows that are said to have one, but for which none was drawn.
    """

    kind: ClassVar[str] = "mixed column"

    dataset: str
    name: str
    beside: str
    places: int
    fixed: bool
    numbers: QuantileMarginal


def split_mixed_columns(
    datasets: Mapping[str, Dataset],
    structures: Mapping[str, DatasetStructure],
    subject: Mapping[str, NDArray[np.int32]],
    k: int,
) -> tuple[dict[str, Dataset], tuple[MixedColumn, ...], tuple[str, ...]]:
    """Make numbers of the text columns that measure something.

    Parameters
    ----------
    datasets, structures : mapping of str to Dataset, DatasetStructure
        SUPP-- joined.
    subject : mapping of str to (n_rows,) int32
        Whose row it is, for the datasets to look at.
    k : int
        Fewest subjects behind a text.

    Returns
    -------
    datasets : dict of str to Dataset
        A mixed column is one of numbers, with the texts in a further column.
    mixed : tuple of MixedColumn
        What :func:`join_mixed_columns` needs.
    notes : tuple of str
        One sentence a column, with its counts.
    """
    out, mixed, notes = dict(datasets), [], []
    for name, who in subject.items():
        for variable in datasets[name].variables:
            if not _may_be_measured(variable.name, datasets[name], structures[name]):
                continue
            column = out[name].text(variable.name)
            value = out[name].numbers(variable.name)
            if not _is_measured(column, value, who, k):
                continue
            places, fixed = count_places(column, value, np.zeros(len(value), np.intp), 1)
            said = ~column.missing & np.isnan(value)
            codes, _ = column_codes(Text(np.where(said, column.codes, -1).astype(np.int32), column.levels))
            shared = count_subjects(codes, who, int(codes.max(initial=-1)) + 1) >= k
            beside = variable.name + BESIDE if shared.any() else ""
            numbers = QuantileMarginal.fit(value, who, k=k, decimals=int(places[0]))
            mixed.append(MixedColumn(name, variable.name, beside, int(places[0]), bool(fixed[0]), numbers))
            out[name] = out[name].with_column(variable, Numbers(value))
            if beside:
                texts = np.where(np.isfinite(value), A_NUMBER, column.strings())
                out[name] = out[name].with_column(Variable(beside), Text.of(texts))
            notes.append(_note(name, variable.name, value, said, codes, shared, k))
    return out, tuple(mixed), tuple(note for note in notes if note)


def without_texts_beside(dataset: Dataset, mixed: Sequence[MixedColumn]) -> Dataset:
    """Leave out the columns of texts that were put beside the dataset's own."""
    return dataset.without(*(one.beside for one in mixed if one.dataset == dataset.name))


def join_mixed_columns(
    dataset: Dataset, mixed: Sequence[MixedColumn], variables: Mapping[str, Variable], rng: np.random.Generator
) -> Dataset:
    """Write numbers and texts into one column again.

    Parameters
    ----------
    dataset : Dataset
        As drawn: numbers under the variable's name, texts beside.
    mixed : sequence of MixedColumn
        Of all datasets.
    variables : mapping of str to Variable
        Metadata of the variables that the source's dataset has.
    """
    for one in mixed:
        if one.dataset != dataset.name or one.name not in dataset:
            continue
        value = dataset.numbers(one.name)
        texts = dataset.text(one.beside) if one.beside in dataset else None
        if texts is not None:
            number = np.append(texts.levels == A_NUMBER, False)[texts.codes].astype(bool)
            drawn = one.numbers.quantile(rng.random(len(value))) if one.numbers.n else np.full(len(value), np.nan)
            value = np.where(number, np.where(np.isnan(value), drawn, value), np.nan)
        same = np.full(len(value), one.places, np.int64)
        column = write_numbers(np.round(value, one.places), same, np.full(len(value), one.fixed), np.zeros(len(value), np.int64))
        if texts is not None:
            joined = chosen(number, column, texts)
            assert isinstance(joined, Text)
            column = joined
        dataset = dataset.with_column(variables.get(one.name, Variable(one.name)), column)
        dataset = dataset.without(one.beside)
    return dataset


def _may_be_measured(name: str, dataset: Dataset, structure: DatasetStructure) -> bool:
    """Whether a variable is text, and neither an identifier, a date nor one that the standard makes text."""
    if not isinstance(dataset[name], Text) or standard_type(name) == "char" or name in structure.with_role(*TOLD_ELSEWHERE):
        return False
    return not (structure.kind is Kind.FINDINGS and name in [structure.prefix + result for result in RESULTS])


def _is_measured(column: Text, value: NDArray[np.float64], who: NDArray[np.int32], k: int) -> bool:
    """Whether k subjects have numbers, most of them their own, spelled without leading zeros, which only codes have."""
    there = np.isfinite(value)
    if len(np.unique(who[there])) < k:
        return False
    levels = column.levels[np.unique(column.codes[there])].astype(str)
    if any(len(level) > 1 and level[0] == "0" and level[1] != "." for level in levels.tolist()):
        return False
    codes, distinct = column_codes(Numbers(value))
    rare = count_subjects(codes, who, len(distinct)) < k
    return bool(np.append(rare, False)[codes[there]].mean() > RARE)


def _note(
    dataset: str,
    name: str,
    value: NDArray[np.float64],
    said: NDArray[np.bool_],
    codes: NDArray[np.int64],
    shared: NDArray[np.bool_],
    k: int,
) -> str:
    """What was found, without a word of it; nothing where all cells are numbers."""
    if not said.any():
        return ""
    lost = int((~np.append(shared, True)[codes]).sum())
    gone = (
        f"; texts that fewer than {k} subjects share are not kept ({counted(lost, 'cell')}), lower k to keep more" if lost else ""
    )
    return (
        f"{dataset}.{name}: numbers in {counted(int(np.isfinite(value).sum()), 'cell')} and texts in {int(said.sum()):,}; "
        f"numbers are learned as numbers, and texts as they are{gone}."
    )

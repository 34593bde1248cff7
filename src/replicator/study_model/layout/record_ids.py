"""Identifiers of records (--SPID, --GRPID, --REFID, --LNKID): their pattern, never their values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.models.backoff import BackoffTable
from replicator.profile.structure import DatasetStructure, Role
from replicator.study_model.columns.codes import column_codes, count_subjects
from replicator.study_model.columns.conditions import choose_conditions, codes_among, shared_levels
from replicator.study_model.columns.rare_levels import MOST_LEVELS
from replicator.tables.dataset import Column, Dataset, Numbers, Text

MADE_LATER = (Role.IDENTIFIER, Role.SUBJECT, Role.SEQUENCE, Role.RECORD_ID, Role.STUDY_DAY, Role.DATE)
NOTHING = ""  # stands for no condition
_PATTERN = re.compile(r"([A-Za-z][A-Za-z_-]*)?(\d{1,15})$")


@dataclass(frozen=True, eq=False)
class RecordId:
    """One identifier.

    Attributes
    ----------
    name : str
    numeric : bool
        Whether the variable is a number.
    prefix : str
        Letters before the number, that at least k subjects share; ``""`` for none.
    width : int
        Characters that the number is padded to; 0 for none.
    pad : str
        What it is padded with, ``0`` or a blank.
    present : BackoffTable
        Whether a row has one, given the conditions.
    conditions : tuple of str
        Variables that tell which rows have one.
    counts : bool
        Whether numbers count a subject's rows from 1; otherwise they are drawn up to `most`, without repetition in a subject.
    most : int
        Largest number, rounded up.
    """

    kind: ClassVar[str] = "record id"

    name: str
    numeric: bool
    prefix: str
    width: int
    pad: str
    present: BackoffTable
    conditions: tuple[str, ...]
    counts: bool
    most: int


@dataclass(frozen=True, eq=False)
class RecordIds:
    """The identifiers of one dataset.

    Attributes
    ----------
    ids : tuple of RecordId
    levels : dict of str to Column
        Values of the variables that tell which rows have one, each shared by at least k subjects.
    """

    kind: ClassVar[str] = "record ids"

    ids: tuple[RecordId, ...]
    levels: dict[str, Column]

    @classmethod
    def fit(cls, dataset: Dataset, structure: DatasetStructure, subject: NDArray[np.int32], k: int) -> RecordIds:
        """Learn the patterns of a dataset's record identifiers, and which rows have one; rows are taken in the order given."""
        names = [name for name in structure.with_role(Role.RECORD_ID) if name in dataset]
        some = [name for name in names if 0 < dataset[name].missing.sum() < dataset.n_rows]
        others = [v.name for v in structure.variables if v.role not in MADE_LATER and v.name in dataset] if some else []
        known = {name: shared_levels(dataset[name], subject, k) for name in others}
        told = {name: pair for name, pair in known.items() if 0 < len(pair[1]) <= MOST_LEVELS}
        codes = {NOTHING: np.zeros(dataset.n_rows, np.intp), **{name: code for name, (code, _) in told.items()}}
        ids = []
        for name in names:
            there = (~dataset[name].missing).astype(np.int64)
            conditions = choose_conditions(there, codes, list(codes))[1:] if name in some else []
            present = BackoffTable.fit(there, [codes[one] for one in conditions], subject, k=k)
            ids.append(_fit_one(name, dataset[name], subject, present, tuple(conditions), k))
        used = {one for record in ids for one in record.conditions}
        return cls(tuple(ids), {name: values for name, (_, values) in told.items() if name in used})

    def sample(self, subject: NDArray[np.int32], columns: Mapping[str, Column], rng: np.random.Generator) -> dict[str, Column]:
        """Make identifiers for rows (n,) of the given subjects, whose other columns are known."""
        codes = {name: codes_among(columns[name], values) for name, values in self.levels.items() if name in columns}
        nothing = np.full(len(subject), -1, np.intp)
        n = len(subject)
        order = np.argsort(subject, kind="stable")
        new = np.ones(n, bool)
        new[1:] = subject[order][1:] != subject[order][:-1]
        begin = np.maximum.accumulate(np.where(new, np.arange(n), 0)) if n else np.empty(0, np.intp)
        rank = np.empty(n, np.int64)
        rank[order] = np.arange(n) - begin
        out: dict[str, Column] = {}
        for one in self.ids:
            there = one.present.sample([codes.get(name, nothing) for name in one.conditions], rng, n) > 0
            number = rank + 1
            if not one.counts:
                size = np.bincount(subject, minlength=int(subject.max(initial=0)) + 1)[subject]
                span = np.maximum(one.most, size)
                step = span // np.maximum(size, 1)
                number = rank * step + 1 + (rng.random(n) * step).astype(np.int64)
            if one.numeric:
                out[one.name] = Numbers(np.where(there, number, np.nan).astype(np.float64))
            else:
                unique, inverse = np.unique(number, return_inverse=True)
                levels = np.array([one.prefix + str(value).rjust(one.width, one.pad) for value in unique.tolist()], dtype=object)
                out[one.name] = Text(np.where(there, inverse, -1).astype(np.int32), levels)
        return out


def _fit_one(
    name: str, column: Column, subject: NDArray[np.int32], present: BackoffTable, conditions: tuple[str, ...], k: int
) -> RecordId:
    there = ~column.missing
    numeric = isinstance(column, Numbers)
    codes, values = column_codes(column)
    texts = values.strings().tolist()
    matches = [_PATTERN.match(text.strip()) for text in texts]
    rows = np.bincount(codes[there], minlength=len(texts))
    named = np.array([match is not None for match in matches], bool)
    if not there.any() or rows[named].sum() < 0.5 * there.sum():
        return RecordId(name, numeric, "" if numeric else name[-4:], 0, "0", present, conditions, True, max(1, int(there.sum())))
    parts = [(match.group(1) or "", match.group(2)) for match in matches if match is not None]
    letters, of_named = np.unique(np.array([one for one, _ in parts], object).astype(str), return_inverse=True)
    of_text = np.full(len(texts) + 1, -1, np.int64)
    of_text[np.flatnonzero(named)] = of_named.reshape(-1)
    shared = count_subjects(of_text[codes], subject, len(letters)) >= k
    weight = np.where(shared, np.bincount(of_named.reshape(-1), rows[named], len(letters)), -1)
    prefix = str(letters[weight.argmax()]) if shared.any() else ""
    blank = any(text.startswith(" ") for text in texts)
    zeros = any(digits.startswith("0") and len(digits) > 1 for _, digits in parts)
    number = np.zeros(len(texts), np.int64)
    number[named] = [int(digits) for _, digits in parts]
    found = there & np.append(named, False)[codes]
    numbers, who = number[codes[found]], subject[found]
    order = np.lexsort((numbers, who))
    first = np.ones(len(who), bool)
    first[1:] = who[order][1:] != who[order][:-1]
    begin = np.maximum.accumulate(np.where(first, np.arange(len(who)), 0))
    counts = bool((numbers[order] == np.arange(len(who)) - begin + 1).mean() > 0.95)
    top = int(numbers.max())
    unit = 10 ** max(0, len(str(top)) - 1)
    written = [text.rstrip() if blank else match.group().strip() for text, match in zip(texts, matches, strict=True) if match]
    width = max(len(text) - len(letters) for text, (letters, _) in zip(written, parts, strict=True)) if zeros or blank else 0
    return RecordId(name, numeric, prefix, width, " " if blank else "0", present, conditions, counts, -(-top // unit) * unit)

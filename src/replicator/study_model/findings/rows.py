"""Rows of a findings dataset as (subject, occasion, series): which series there are, and what tells rows of one visit apart."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from replicator.distinct import distinct_values
from replicator.profile.structure import Content, DatasetStructure, Role
from replicator.tables.dataset import Dataset, Text
from replicator.tables.dates import parse_dates

Codes = NDArray[np.intp]
Floats = NDArray[np.float64]

# variables that name what was measured, where, how and at which planned time; the order in which they are tried
SERIES_SUFFIXES = [
    "TPTNUM",
    "TPT",
    "ELTM",
    "TPTREF",
    "POS",
    "LAT",
    "LOC",
    "DIR",
    "PORTOT",
    "SPEC",
    "SPCCND",
    "METHOD",
    "LEAD",
    "CAT",
    "SCAT",
    "EVAL",
    "EVALID",
    "ORRESU",
    "ANTREG",
    "LEVEL",
    "CHRON",
    "DISTR",
    "OBJ",
    "SPCIES",
    "STRAIN",
    "RESCAT",
]
FEW_REPEATS = 0.01  # share of rows below which a further variable is not worth splitting series for
MOST_REPEATS = 8  # records of one series at one visit
UNPLANNED = ""  # label of the pool of visits that fewer than k subjects have


@dataclass(frozen=True, eq=False)
class FindingsRows:
    """Rows of the source in terms of series and occasions.

    Attributes
    ----------
    series_names : tuple of str
        Variables that make a series, the topic first.
    series : (n_rows,) int
        Series of each row; -1 for those that fewer than k subjects have.
    n_series : int
        Number of series.
    first_row : (n_series,) int
        A row of each series, to look up what depends on it.
    visit_name : str
        Variable that tells visits apart; ``""`` if there is none.
    labels : tuple of str
        Visits that at least k subjects have, as text; the pool of all others is last.
    label : (n_rows,) int
        Visit of each row.
    number : (n_rows,) float64
        VISITNUM rounded to 9 decimals, NaN without.
    repeat : (n_rows,) int
        Number of the record among those of its subject, series and visit, from 0.
    """

    series_names: tuple[str, ...]
    series: Codes
    n_series: int
    first_row: Codes
    visit_name: str
    labels: tuple[str, ...]
    label: Codes
    number: Floats
    repeat: Codes

    def take(self, kept: Codes) -> FindingsRows:
        """Keep some rows; series are still looked up in the rows of the whole dataset."""
        of_row = {name: getattr(self, name)[kept] for name in ("series", "label", "number", "repeat")}
        return replace(self, **of_row)


def read_rows(dataset: Dataset, structure: DatasetStructure, subject: NDArray[np.int32], k: int) -> FindingsRows:
    """Find series and visits.

    Parameters
    ----------
    dataset, structure : Dataset, DatasetStructure
        The dataset.
    subject : (n_rows,) int32
        Position of each row's subject in the spine.
    k : int
        Fewest subjects that make a series or a visit of its own.
    """
    who = subject.astype(np.intp)
    visit_name, visit, number = _visits(dataset, structure, who)
    topic = structure.named("TESTCD") or next(iter(structure.with_role(Role.TOPIC)), "")
    names = [topic] if topic else []
    series = _codes(dataset, topic) if topic else np.zeros(dataset.n_rows, np.intp)
    candidates = _candidates(structure, topic, visit_name)
    repeats = _repeats(who, visit, series)
    while candidates and repeats > 0:
        left = [_repeats(who, visit, _join(series, _codes(dataset, name))) for name in candidates]
        best = int(np.argmin(left))
        if repeats - left[best] <= FEW_REPEATS * dataset.n_rows:
            break
        names.append(candidates[best])
        series = _join(series, _codes(dataset, candidates.pop(best)))
        repeats = left[best]
    if not visit_name and repeats > FEW_REPEATS * dataset.n_rows:
        visit = _date_ranks(dataset, structure, who)
    series = _shared(series, who, k)
    labels, label = _labels(visit, number, who, k)
    order = _row_order(dataset, structure)
    repeat = np.minimum(_numbered(who, visit, series, order), MOST_REPEATS - 1)
    n_series = int(series.max(initial=-1)) + 1
    first = np.zeros(n_series, np.intp)
    first[series[::-1][series[::-1] >= 0]] = np.arange(dataset.n_rows)[::-1][series[::-1] >= 0]
    return FindingsRows(tuple(names), series, n_series, first, visit_name, labels, label, number, repeat)


def _codes(dataset: Dataset, name: str) -> Codes:
    column = dataset[name]
    if isinstance(column, Text):
        return column.codes.astype(np.intp)
    _, codes = distinct_values(column.values, return_inverse=True)
    return np.where(np.isnan(column.values), -1, codes).astype(np.intp)


def _join(a: Codes, b: Codes) -> Codes:
    joined: Codes = distinct_values((a + 1) * (int(b.max(initial=-1)) + 2) + b + 1, return_inverse=True)[1].astype(np.intp)
    return joined


def _repeats(*codes: Codes) -> int:
    joined = codes[0]
    for other in codes[1:]:
        joined = _join(joined, other)
    return len(joined) - len(distinct_values(joined))


def _candidates(structure: DatasetStructure, topic: str, visit_name: str) -> list[str]:
    by_name = [structure.named(suffix) for suffix in SERIES_SUFFIXES]
    usable = (Role.GROUPING, Role.TIMEPOINT, Role.QUALIFIER, Role.SYNONYM)
    by_key = [name for name in structure.keys if structure.variable(name).role in usable]
    named = [name for name in dict.fromkeys([*by_name, *by_key]) if name and name not in (topic, visit_name)]
    kinds = {variable.name: variable.content for variable in structure.variables}
    return [name for name in named if kinds[name] not in (Content.EMPTY, Content.CONSTANT, Content.DATE, Content.UNIQUE)]


def _visits(dataset: Dataset, structure: DatasetStructure, who: Codes) -> tuple[str, Codes, Floats]:
    """Name of the variable that tells visits apart, codes of the visits, and VISITNUM."""
    number = np.full(dataset.n_rows, np.nan)
    if "VISITNUM" in dataset:
        number = np.round(dataset.numbers("VISITNUM"), 9)
    if np.isfinite(number).mean() >= 0.5:
        _, codes = distinct_values(number, return_inverse=True)
        return "VISITNUM", codes.astype(np.intp), number
    names = [name for name in ("VISIT", *structure.with_role(Role.EPOCH)) if name in dataset]
    spread = [(len(distinct_values(_codes(dataset, name)[_codes(dataset, name) >= 0])), name) for name in names]
    usable = [(levels, name) for levels, name in spread if levels > 1]
    if usable:
        name = "VISIT" if any(name == "VISIT" for _, name in usable) else max(usable)[1]
        return name, _codes(dataset, name) + 1, np.full(dataset.n_rows, np.nan)
    return "", np.zeros(dataset.n_rows, np.intp), np.full(dataset.n_rows, np.nan)


def _row_order(dataset: Dataset, structure: DatasetStructure) -> Floats:
    name = structure.named("DTC") or structure.named("STDTC")
    if not name:
        return np.arange(dataset.n_rows, dtype=np.float64)
    dates = parse_dates(dataset.text(name))
    stamp = np.nan_to_num(dates.day * 1440 + np.nan_to_num(dates.minute), nan=0.0)
    return np.argsort(np.lexsort([np.arange(dataset.n_rows), stamp])).astype(np.float64)


def _date_ranks(dataset: Dataset, structure: DatasetStructure, who: Codes) -> Codes:
    """Rank of each row's day among the days of its subject, from 0."""
    name = structure.named("DTC") or structure.named("STDTC")
    if not name:
        return np.zeros(dataset.n_rows, np.intp)
    day = np.nan_to_num(parse_dates(dataset.text(name)).full_day, nan=-1e9)
    key, inverse = distinct_values(np.stack([who, day], axis=1), axis=0, return_inverse=True)
    first = np.searchsorted(key[:, 0], key[:, 0])
    return (np.arange(len(key)) - first)[inverse.reshape(-1)].astype(np.intp)


def _shared(series: Codes, who: Codes, k: int) -> Codes:
    """Number the series that at least k subjects have; -1 for the others."""
    codes = _join(series, np.zeros(len(series), np.intp))
    pairs = distinct_values(np.stack([codes, who], axis=1), axis=0)
    enough = np.bincount(pairs[:, 0], minlength=int(codes.max(initial=-1)) + 1) >= k
    number = np.where(enough, np.cumsum(enough) - 1, -1)
    return number[codes].astype(np.intp)


def _labels(visit: Codes, number: Floats, who: Codes, k: int) -> tuple[tuple[str, ...], Codes]:
    codes = _shared(visit, who, k)
    n_labels = int(codes.max(initial=-1)) + 1
    texts = []
    for i in range(n_labels):
        row = int(np.flatnonzero(codes == i)[0])
        texts.append(repr(float(number[row])) if np.isfinite(number[row]) else f"#{int(visit[row])}")
    return (*texts, UNPLANNED), np.where(codes < 0, n_labels, codes)


def _numbered(who: Codes, visit: Codes, series: Codes, order: Floats) -> Codes:
    """Number the rows of each (subject, visit, series) from 0 in the given order."""
    group = _join(_join(who, visit), series)
    sequence = np.lexsort([order, group])
    sorted_group = group[sequence]
    position = np.arange(len(group)) - np.searchsorted(sorted_group, sorted_group)
    out = np.empty(len(group), np.intp)
    out[sequence] = position
    return out

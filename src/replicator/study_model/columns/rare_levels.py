"""What is kept of a column whose values fewer than k subjects share: other values, words that are nobody's, or nothing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from replicator.distinct import distinct_values
from replicator.standards.codelists import codelists
from replicator.standards.variables import variable_standard
from replicator.standards.withheld import WITHHELD
from replicator.study_model.columns.codes import column_codes, count_subjects, take_codes
from replicator.tables.dataset import Column, Dataset, Numbers, Text

MOST_LEVELS = 60  # a number with more distinct values than this is drawn from a marginal
CUSTOMARY = 0.2  # share of rows with rare numbers up to which a variable counts as one of customary values, such as doses
WORDLESS = ("date", "flag", "timepoint", "epoch", "visit")  # roles of variables that hold nobody's words
MEASURES = ("--ORRESU", "--STRESU", "--DOSU", "--ORNRLO", "--ORNRHI", "--STNRLO", "--STNRHI")  # units and limits: nobody's words
FREE = 0.1  # share of rows with rare texts from which a column counts as free text


def is_worded(name: str, domain: str) -> bool:
    """Whether a variable may hold somebody's words: no date, flag, planned time, unit or limit, and bound to no codelist."""
    standard = variable_standard(name, domain)
    coded = any(codelist.fits(name, domain) for codelist in codelists())
    return not coded and (standard is None or (standard.role not in WORDLESS and standard.pattern not in MEASURES))


def protect_levels(
    codes: NDArray[np.int64], levels: Column, subject: NDArray[np.int32], k: int, worded: bool = True
) -> tuple[NDArray[np.int64], Column, int]:
    """Take away levels that fewer than k subjects share.

    Rare texts of a column in which they are common (free text) become one text that is nobody's. Where a column cannot hold such a
    text (not `worded`) they are missing if other cells are, and else spread over the kept levels by their frequency: a column that
    is never empty stays so. Rare categories and numbers go to the code of the most frequent level.

    Returns
    -------
    codes : (n_rows,) int64
    levels : Column
    withheld : int
        Number of levels taken away.
    """
    n = len(levels)
    subjects = count_subjects(codes, subject, n)
    rare = subjects < k
    withheld = int(rare.sum())
    if not withheld:
        return codes, levels, 0
    rows = np.bincount(codes[codes >= 0], minlength=n)
    free = isinstance(levels, Text) and rows[rare].sum() > FREE * max(1, rows.sum())
    kept = np.flatnonzero(~rare)
    target = np.full(n, -1, np.int64)
    target[kept] = np.arange(len(kept))
    if free and worded and isinstance(levels, Text):
        target[rare] = len(kept)
        new: Column = Text(np.arange(len(kept) + 1, dtype=np.int32), np.append(levels.levels[kept], np.array([WITHHELD], object)))
    elif len(kept) == 0:
        new = take_codes(levels, kept)
    elif free and isinstance(levels, Text):
        target[rare] = -1 if (codes < 0).any() else _spread(rows[kept], withheld)
        new = take_codes(levels, kept)
    elif isinstance(levels, Numbers):
        nearest = np.abs(levels.values[:, None] - levels.values[kept][None, :]).argmin(axis=1)
        target = np.where(rare, nearest, target)
        new = levels.take(kept)
    else:
        target[rare] = target[kept[rows[kept].argmax()]]
        new = Text(np.arange(len(kept), dtype=np.int32), levels.levels[kept])
    return np.append(target, -1)[codes], new, withheld


def _spread(weight: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """Positions (n,) among weights, each about as often as its share: quantiles at multiples of the golden section, modulo 1."""
    points = np.arange(1, n + 1) * (np.sqrt(5) - 1) / 2 % 1
    at = np.searchsorted(np.cumsum(weight) / weight.sum(), points, side="right").clip(max=len(weight) - 1)
    return np.asarray(at, np.int64)


def is_rare(column: Column, subject: NDArray[np.int32], k: int) -> bool:
    """Whether a text column has values, but of fewer than `k` subjects."""
    there = ~column.missing
    return isinstance(column, Text) and bool(there.any()) and len(distinct_values(subject[there])) < k


def prepare_column(
    dataset: Dataset, name: str, subject: NDArray[np.int32], k: int, always: NDArray[np.bool_] | None = None
) -> tuple[tuple[str, NDArray[np.int64], Column] | None, list[str]]:
    """Code a column; free text that fewer than `k` subjects share becomes one text that is nobody's.

    What rows of a standard meaning say, those of `always` (n_rows,), stays. Rare categories and numbers stay for now: a tuple that
    holds them is too rare to be kept.

    Returns
    -------
    prepared : (name, codes, levels) or None
        None for a number that needs a marginal: it has so many values, or none that enough subjects share.
    notes : list of str
    """
    codes, levels = column_codes(dataset[name])
    rare = count_subjects(codes, subject, len(levels)) < k
    rows = np.bincount(codes[codes >= 0], minlength=len(levels))
    many = len(levels) > MOST_LEVELS or bool(rare.all())
    if isinstance(levels, Numbers) and len(levels) and many and rows[rare].sum() > CUSTOMARY * rows.sum():
        return None, []
    if not rare.any():
        return (name, codes, levels), []
    notes = [
        f"{dataset.name}.{name}: values that fewer than {k} subjects share are not kept, {int(rare.sum()):,} in "
        f"{int(rows[rare].sum()):,} of {dataset.n_rows:,} rows; lower k to keep them."
    ]
    if isinstance(levels, Text) and rows[rare].sum() > FREE * rows.sum() and is_worded(name, dataset.domain):
        texts = levels.levels.copy()
        said = codes[always] if always is not None else np.empty(0, np.int64)
        texts[rare & ~np.isin(np.arange(len(levels)), said)] = WITHHELD
        column = Text(codes.astype(np.int32), texts)
        codes, levels = column_codes(Text.of(column.strings()))
    return (name, codes, levels), notes

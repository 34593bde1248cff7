"""What a variable does in its dataset, and what its cells look like."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from replicator.distinct import distinct_values
from replicator.heavy import pandas as pd
from replicator.profile.coding import codes_of
from replicator.profile.kinds import is_visit_name
from replicator.profile.structure import Content, Kind, Role, VariableStructure
from replicator.standards.variables import variable_standard
from replicator.tables.dataset import Dataset, Numbers, Text
from replicator.tables.dates import Precision, parse_dates

FEW_LEVELS = 12  # so few distinct cells are categories whoever shares them
NUMBERS_SHARE = 0.9  # of a text column's cells that must be numbers to call it one (`<0.2` may stand among them)
SHARED_SHARE = 0.8  # of a text column's cells that must be shared by two subjects to call it a category
MOST_DECIMALS = 12  # binary floats carry no more, at the sizes of clinical results
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,299})(\.[0-9]{1,299})?$")  # what is longer no binary float holds


def find_variable(dataset: Dataset, name: str, subject: str, prefix: str, kind: Kind) -> VariableStructure:
    """Find role and content of one variable.

    Parameters
    ----------
    dataset : Dataset
        The dataset.
    name : str
        The variable.
    subject : str
        Name of the study's subject variable.
    prefix, kind : str, Kind
        Of the dataset.
    """
    column = dataset[name]
    subjects = codes_of(dataset[subject]) if subject in dataset else np.arange(dataset.n_rows, dtype=np.int64)
    used = (
        distinct_values(column.codes[~column.missing])
        if isinstance(column, Text)
        else distinct_values(column.values[~column.missing])
    )
    n_missing = int(column.missing.sum())
    by_name = _role_by_name(name, subject, prefix, kind)
    content, decimals = _content(column, used, n_missing, subjects, by_name)
    role = _role(column, used, n_missing, name, by_name, content)
    return VariableStructure(name, role, content, n_missing, len(used), decimals)


def _role_by_name(name: str, subject: str, prefix: str, kind: Kind) -> Role | None:
    if name == subject:
        return Role.SUBJECT
    standard = variable_standard(name, prefix)
    if standard is None or standard.role == Role.SUBJECT:
        return None
    if standard.kind == "subjects" and kind is not Kind.SUBJECTS and standard.role != Role.QUALIFIER:
        return None
    return Role(standard.role)


def _role(
    column: Text | Numbers, used: NDArray[np.generic], n_missing: int, name: str, by_name: Role | None, content: Content
) -> Role:
    """Take the standard's role where the cells allow it; else the role that name and cells suggest."""
    if by_name is Role.DATE and isinstance(column, Numbers) and content is not Content.EMPTY:
        return Role.QUALIFIER
    yes = isinstance(column, Text) and len(used) == 1 and n_missing > 0 and str(column.levels[int(used[0])]).upper() == "Y"
    if by_name is Role.QUALIFIER and yes:
        return Role.FLAG
    if content is Content.DATE and by_name in (Role.QUALIFIER, None):  # --ENTPT may be a name or a date
        return Role.DATE
    if by_name is not None:
        return by_name
    if yes or (name.endswith("FL") and len(used) <= 1 and isinstance(column, Text)):
        return Role.FLAG
    if is_visit_name(name):
        return Role.VISIT
    if re.search(r"SEQ$", name) and isinstance(column, Numbers):
        return Role.SEQUENCE
    if re.search(r"ID$", name) and content in (Content.UNIQUE, Content.FREE_TEXT):
        return Role.RECORD_ID
    return Role.QUALIFIER


def _content(
    column: Text | Numbers, used: NDArray[np.generic], n_missing: int, subjects: NDArray[np.int64], role: Role | None
) -> tuple[Content, int]:
    n_rows, n_levels = len(column), len(used)
    if n_levels == 0:
        return Content.EMPTY, 0
    numbers, share = _numbers(column, used)
    decimals = count_decimals(column, used, numbers)
    if n_levels == 1 and n_missing == 0:
        return Content.CONSTANT, decimals
    if isinstance(column, Text) and _dates(column, used, role is Role.DATE):
        return Content.DATE, 0
    identifying = role in (Role.RECORD_ID, Role.SEQUENCE, Role.SUBJECT, Role.IDENTIFIER)
    if n_levels == n_rows and (identifying or (isinstance(column, Text) and share < NUMBERS_SHARE) or _run(numbers)):
        return Content.UNIQUE, decimals
    if n_levels <= FEW_LEVELS and (4 * n_levels <= n_rows - n_missing or (isinstance(column, Text) and share < 1)):
        return Content.CATEGORY, decimals
    if isinstance(column, Numbers) or share >= NUMBERS_SHARE:
        return (Content.DECIMAL if decimals else Content.INTEGER), decimals
    return (Content.CATEGORY if _shared(column, subjects) >= SHARED_SHARE else Content.FREE_TEXT), decimals


def _numbers(column: Text | Numbers, used: NDArray[np.generic]) -> tuple[NDArray[np.float64], float]:
    """Return the distinct numbers, and the share of filled cells that are numbers in their plain form (no leading zeros)."""
    if isinstance(column, Numbers):
        return used.astype(np.float64), 1.0
    plain = np.array([bool(_NUMBER.match(str(level))) for level in column.levels[used.astype(np.intp)]], bool)
    values = pd.to_numeric(pd.Series(column.levels[used.astype(np.intp)][plain], dtype=object)).to_numpy(np.float64)
    count = np.bincount(column.codes[column.codes >= 0], minlength=len(column.levels))[used.astype(np.intp)]
    return values, float(count[plain].sum() / count.sum())


def count_decimals(column: Text | Numbers, used: NDArray[np.generic], numbers: NDArray[np.float64]) -> int:
    """Count the most decimals after the point: as written in text, of numbers those that binary noise leaves standing."""
    if isinstance(column, Text):
        written = [str(level) for level in column.levels[used.astype(np.intp)] if _NUMBER.match(str(level))]
        return max((len(text.partition(".")[2]) for text in written), default=0)
    return decimals_of(numbers)


def decimals_of(numbers: NDArray[np.float64]) -> int:
    """Count the fewest decimals that write all numbers to 12 significant digits (9.299999999999999 has one).

    Examples
    --------
    >>> decimals_of(np.array([9.299999999999999, 4.0]))
    1
    """
    finite = np.abs(numbers[np.isfinite(numbers)])
    tolerance = np.maximum(finite, 1e-300) * 1e-12
    for decimals in range(MOST_DECIMALS):
        if (np.abs(finite - np.round(finite, decimals)) <= tolerance).all():
            return decimals
    return MOST_DECIMALS


def _run(numbers: NDArray[np.float64]) -> bool:
    """Tell whether numbers count something off, one by one."""
    return len(numbers) > FEW_LEVELS and float(numbers.max() - numbers.min()) == len(numbers) - 1


def _dates(column: Text, used: NDArray[np.generic], named: bool) -> bool:
    """Tell whether a column holds dates: one is enough under a date's name; else nine in ten cells, to the month at least."""
    precision = parse_dates(Text(used.astype(np.int32), column.levels)).precision
    if named:
        return bool((precision >= Precision.YEAR).any())
    count = np.bincount(column.codes[column.codes >= 0], minlength=len(column.levels))[used.astype(np.intp)]
    return bool(count[precision >= Precision.MONTH].sum() >= 0.9 * count.sum())


def _shared(column: Text, subjects: NDArray[np.int64]) -> float:
    """Return the share of filled cells whose text at least two subjects have."""
    filled = column.codes >= 0
    pairs = pd.unique(subjects[filled] * len(column.levels) + column.codes[filled])
    holders = np.bincount(pairs % len(column.levels), minlength=len(column.levels))
    return float((holders[column.codes[filled]] >= 2).mean())

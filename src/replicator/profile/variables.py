"""Profiles of single variables: levels, quantiles, dates by precision, codelists, and the groups that are missing together."""

from __future__ import annotations

import re
from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from replicator.profile.protected import protected_levels, protected_quantiles
from replicator.profile.structure import Content, DatasetStructure, Role, VariableStructure
from replicator.profile.study_profile import CodelistUse, Levels, MissingGroup, VariableProfile
from replicator.tables.dataset import Dataset, Study, Text, number_text
from replicator.tables.dates import Precision, parse_dates

_SHAPED = (Role.SUBJECT, Role.RECORD_ID)
_FEW_NUMBERS = 30  # numbers with so few distinct values are shown as levels too


def profile_variable(
    study: Study, dataset: Dataset, structure: VariableStructure, rows: NDArray[np.int64], reference: NDArray[np.float64], k: int
) -> VariableProfile:
    """Profile one variable.

    Parameters
    ----------
    study : Study
        For its codelists.
    dataset : Dataset
        The dataset.
    structure : VariableStructure
        Of the variable.
    rows : (n_rows,) int64
        Number of the subject of each row (see :meth:`replicator.profile.cohort.Cohort.rows`), of the row itself in datasets that
        are not about subjects.
    reference : (n_rows,) float64
        Reference start of each row's subject, days since 1970-01-01; NaN unknown.
    k : int
        Fewest subjects behind anything named.
    """
    name = structure.name
    metadata = dataset.variable(name)
    codelist = _codelist_use(study, dataset, name, metadata.codelist)
    common = (name, metadata.label, structure.role, structure.content, structure.n_missing, structure.n_levels, structure.decimals)
    if structure.content is Content.EMPTY:
        return VariableProfile(*common, codelist=codelist)
    if structure.content is Content.DATE:
        return _dates(common, dataset.text(name), rows, reference, k)
    if structure.role in _SHAPED:
        return VariableProfile(*common, levels=_shapes(dataset.text(name), rows, k))
    if structure.role is Role.RESULT and structure.content in (Content.INTEGER, Content.DECIMAL):
        return VariableProfile(*common, codelist=codelist)  # a mixture of tests, which are profiled one by one
    numeric = structure.content in (Content.INTEGER, Content.DECIMAL) or not isinstance(dataset[name], Text)
    quantiles = protected_quantiles(dataset.numbers(name), rows, k) if numeric else None
    levels = _levels(dataset, name, rows, k) if not numeric or structure.n_levels <= _FEW_NUMBERS else None
    return VariableProfile(*common, levels=levels, quantiles=quantiles, codelist=codelist)


def _levels(dataset: Dataset, name: str, rows: NDArray[np.int64], k: int) -> Levels:
    column = dataset[name]
    if isinstance(column, Text):
        return protected_levels(column.codes.astype(np.int64), [str(level) for level in column.levels], rows, k)
    used, codes = np.unique(column.values, return_inverse=True)
    names = [number_text(value) for value in used.tolist()]
    return protected_levels(np.where(np.isnan(column.values), -1, codes), names, rows, k)


def _shapes(column: Text, rows: NDArray[np.int64], k: int) -> Levels:
    """Count identifiers by shape: digits as 9, letters as A."""
    shapes = Text.of(re.sub(r"[^\W\d_]", "A", re.sub(r"\d", "9", str(level))) for level in column.levels)
    codes = np.append(shapes.codes, np.int32(-1))[column.codes]
    return protected_levels(codes.astype(np.int64), [str(level) for level in shapes.levels], rows, k)


def _dates(
    common: tuple[str, str, Role, Content, int, int, int],
    column: Text,
    rows: NDArray[np.int64],
    reference: NDArray[np.float64],
    k: int,
) -> VariableProfile:
    dates = parse_dates(column)
    counts = np.bincount(dates.precision, minlength=len(Precision))
    precision = {kind.name.lower(): int(counts[kind]) for kind in Precision if kind is not Precision.MISSING and counts[kind]}
    calendar = protected_quantiles(dates.full_day, rows, k)
    period: tuple[str, ...] = ()
    if calendar is not None:
        ends = np.array([calendar.low, calendar.high]).astype(np.int64).astype("datetime64[D]").astype("datetime64[M]")
        period = tuple(str(month) for month in ends)
    return VariableProfile(
        *common, quantiles=protected_quantiles(dates.full_day - reference, rows, k), precision=precision, period=period
    )


def _codelist_use(study: Study, dataset: Dataset, name: str, codelist: str) -> CodelistUse | None:
    terms = study.codelists.get(codelist) if codelist else None
    if terms is None:
        return None
    column = dataset.text(name).compact()
    permitted = {term.value for term in terms}
    inside = np.array([str(level) in permitted for level in column.levels], bool)
    outside = int((~inside)[column.codes[column.codes >= 0]].sum())
    return CodelistUse(codelist, len(terms), int(inside.sum()), outside)


def find_missing_groups(dataset: Dataset, structure: DatasetStructure) -> tuple[MissingGroup, ...]:
    """Find variables that are missing in exactly the same rows, and pairs of such groups of which always one is filled."""
    groups: dict[bytes, list[str]] = defaultdict(list)
    masks: dict[bytes, NDArray[np.bool_]] = {}
    for variable in structure.variables:
        if 0 < variable.n_missing < structure.n_rows:
            mask = dataset[variable.name].missing
            key = np.packbits(mask).tobytes()
            groups[key].append(variable.name)
            masks[key] = mask
    found = [MissingGroup(tuple(names), int(masks[key].sum())) for key, names in groups.items() if len(names) > 1]
    for key, names in groups.items():
        other = np.packbits(~masks[key]).tobytes()
        if other in groups and names[0] < groups[other][0]:
            found.append(MissingGroup((names[0], groups[other][0]), int(masks[key].sum()), together=False))
    return tuple(found)

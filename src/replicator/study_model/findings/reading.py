"""Results of the source read: which form each series has, and what its rows say in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from replicator.counting import counted
from replicator.distinct import distinct_values
from replicator.models.scales import NumericScales
from replicator.profile.structure import DatasetStructure
from replicator.study_model.columns.written_numbers import count_places
from replicator.study_model.findings.levels import LatentColumns, Observed, answers, outlying_codes
from replicator.study_model.findings.limits import find_limits
from replicator.study_model.findings.results import ResultNames, Results, Tokens
from replicator.study_model.findings.writing import OriginalUnits, read_writing
from replicator.tables.dataset import Dataset, Numbers, Text

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]


def read_results(
    dataset: Dataset,
    structure: DatasetStructure,
    series: Codes,
    subject: Codes,
    site: Codes,
    sizes: tuple[int, int],
    k: int,
) -> tuple[Results, Observed, tuple[str, ...]]:
    """Choose a form for every series and read the rows in it.

    Parameters
    ----------
    dataset, structure : Dataset, DatasetStructure
        The dataset.
    series, subject, site : (n_rows,) int
        Series (-1 to leave a row out), subject and site of each row; the number of sites stands for none.
    sizes : (n_series, n_sites)
        Extents.
    k : int
        Fewest subjects behind a level.
    """
    n_series, n_sites = sizes
    said = _Said.of(dataset, structure, series, subject, n_series, k)
    usual, unique_tokens, token = ~said.units.others(series), *said.combinations()
    decimals = count_places(said.spelled_numbers(), np.where(usual, said.value, np.nan), series, n_series)[0]
    written = read_writing(
        said.original, said.text, said.number, said.value, series, n_series, bool(said.names.original), said.units, k
    )
    spelled = said.original if said.names.original else said.text
    limits, value = find_limits(spelled, token, said.value, usual, series, subject, decimals, k)
    silent = (unique_tokens[:, 0] < 0) & (unique_tokens[:, 1] < 0) & np.isinf(unique_tokens[:, 2])
    answered = answers(said.original, said.text, said.number)
    plan = LatentColumns(value, token, silent, answered, said.number, series, subject, decimals, k)
    plan.read(n_series)
    share, tokens_of, used, observed = plan.tables(limits.token)
    rows = (series >= 0) & np.isfinite(value)
    scales = NumericScales.fit(value[rows], series[rows], subject[rows], decimals, group=site[rows], n_groups=n_sites, k=k)
    results = Results(
        said.names,
        np.array(plan.of_series, np.int64),
        np.array(plan.form, np.int64),
        plan.value_column,
        plan.state_column,
        scales,
        tuple(plan.marginals),
        share,
        tokens_of,
        said.tokens(unique_tokens[used]),
        written,
        limits.among(used),
    )
    lost = int(((series >= 0) & ~np.isin(np.arange(dataset.n_rows), observed.row)).sum())
    note = (
        f"{dataset.name}: texts that fewer than {k} subjects share in their test are not kept, {counted(lost, 'result')}; "
        "lower k to keep more."
    )
    return results, observed, (note,) if lost else ()


@dataclass(frozen=True, eq=False)
class _Said:
    """What the result variables say in each row.

    Attributes
    ----------
    names : ResultNames
        The variables.
    original, text : (n_rows,) Text
        Cells of --ORRES and --STRESC.
    number : (n_rows,) float64
        Cells of --STRESN.
    units : OriginalUnits
        Units of the original results.
    value : (n_rows,) float64
        Results that are numbers, in the usual unit of their series; NaN for others.
    """

    names: ResultNames
    original: Text
    text: Text
    number: Floats
    units: OriginalUnits
    value: Floats

    @classmethod
    def of(cls, dataset: Dataset, structure: DatasetStructure, series: Codes, subject: Codes, n_series: int, k: int) -> _Said:
        """Read the variables of rows (n_rows,) of these series and subjects."""
        names = ResultNames.of(dataset, structure)
        empty = Text(np.full(dataset.n_rows, -1, np.int32), np.empty(0, object))
        nothing = np.full(dataset.n_rows, np.nan)
        original = dataset.text(names.original) if names.original else empty
        text = dataset.text(names.text) if names.text else empty
        number = dataset.numbers(names.number) if names.number else nothing
        base = names.original or names.number or names.text
        value = dataset.numbers(base) if base else nothing
        if names.original and names.number:
            if not np.isfinite(value).any():
                value = np.where(original.missing & ~text.missing, number, value)
            value = np.where(original.missing & np.isfinite(number), number, value)
        units = OriginalUnits.of(dataset, structure, series, subject, n_series)
        value = units.convert(value, number, series, n_series, k)
        value = np.where(outlying_codes(value, series, n_series), np.nan, value)
        return cls(names, original, text, number, units, value)

    def combinations(self) -> tuple[Floats, Codes]:
        """Distinct combinations of the codes of original and text and the number, infinite for none; and that of each row."""
        cells = [self.original.codes.astype(np.float64), self.text.codes.astype(np.float64), np.nan_to_num(self.number, nan=np.inf)]
        unique, which = distinct_values(np.stack(cells, axis=1), axis=0, return_inverse=True)
        return unique, which.reshape(-1)

    def tokens(self, picked: Floats) -> Tokens:
        """Cells of some combinations, (n_tokens, 3)."""
        original, text = (
            Text(picked[:, i].astype(np.int32), one.levels).compact() for i, one in enumerate((self.original, self.text))
        )
        return Tokens(original, text, np.where(np.isinf(picked[:, 2]), np.nan, picked[:, 2]))

    def spelled_numbers(self) -> Text:
        """Numbers as they are written: (n_rows,)."""
        return self.original if self.names.original else Numbers(self.value).text()


def codes_of_results(results: Results, observed: Observed, occasion: Codes, shape: tuple[int, ...]) -> Floats:
    """Results that others may follow from: numbers as they are, tokens as -1 - token; NaN elsewhere."""
    out = np.full(shape, np.nan)
    series = results.series[observed.column]
    token = results.token[observed.column, observed.level]
    coded = np.where(token >= 0, -1.0 - token, observed.number)
    use = np.isfinite(coded)
    out[occasion[observed.row[use]], series[use]] = coded[use]
    return out


def states_of_rows(results: Results, observed: Observed, n_rows: int) -> tuple[Codes, Floats]:
    """Token + 1 of each row, 0 for a number, and the number: (n_rows,) each."""
    state, number = np.zeros(n_rows, np.intp), np.full(n_rows, np.nan)
    token = results.token[observed.column, observed.level]
    said = token >= 0
    state[observed.row[said]] = token[said] + 1
    counted = np.isfinite(observed.number)
    number[observed.row[counted]] = observed.number[counted]
    return state, number

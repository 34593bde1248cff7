"""Columns of a row given codes that are known of it: tuples that occur together, numbers, and texts nobody can be known by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.distinct import distinct_values
from replicator.models.backoff import BackoffTable, Codes
from replicator.models.coupled_draws import draw_coupled
from replicator.models.marginals import QuantileMarginal
from replicator.standards.codelists import codelists
from replicator.standards.variables import variable_standard
from replicator.standards.withheld import WITHHELD
from replicator.tables.dataset import Column, Dataset, Numbers, Text

MOST_LEVELS = 60  # a number with more distinct values than this is drawn from a marginal
CUSTOMARY = 0.2  # share of rows with rare numbers up to which a variable counts as one of customary values, such as doses
MOST_TEMPLATES = 1500
WORDLESS = ("date", "flag", "timepoint", "epoch", "visit")  # roles of variables that hold nobody's words
MEASURES = ("--ORRESU", "--STRESU", "--DOSU", "--ORNRLO", "--ORNRHI", "--STNRLO", "--STNRHI")  # units and limits: nobody's words
FREE = 0.1  # share of rows with rare texts from which a column counts as free text
ALIKE = 0.5  # share of columns in which a rare tuple must agree with a common one to stand for it
COVERAGE = 0.98  # share of rows that a wider tuple must still cover


@dataclass(frozen=True, eq=False)
class Block:
    """Columns that are drawn together, as one row of a table of tuples.

    Attributes
    ----------
    names : tuple of str
        Variables.
    values : tuple of Column
        Their cells, one row a tuple; each tuple is shared by at least k subjects.
    table : BackoffTable
        Tuple given the conditions and the tuples of the blocks before.
    """

    kind: ClassVar[str] = "block"

    names: tuple[str, ...]
    values: tuple[Column, ...]
    table: BackoffTable


@dataclass(frozen=True, eq=False)
class Measure:
    """A number with many values: whether it is there, and a marginal for each common value of the first condition."""

    kind: ClassVar[str] = "measure"

    name: str
    present: BackoffTable
    cells: tuple[int, ...]
    marginals: tuple[QuantileMarginal, ...]
    pooled: QuantileMarginal


@dataclass(frozen=True)
class RareText:
    """A text variable that fewer than k subjects have at all: it is there now and then, and says nothing.

    Attributes
    ----------
    name : str
    share : float
        Share of rows that have it: k / 2 rows of the source's, since how many there were is not kept.
    """

    kind: ClassVar[str] = "rare text"

    name: str
    share: float


@dataclass(frozen=True, eq=False)
class Attributes:
    """Columns given conditions."""

    kind: ClassVar[str] = "attributes"

    blocks: tuple[Block, ...]
    measures: tuple[Measure, ...]
    rare: tuple[RareText, ...] = ()

    @classmethod
    def fit(
        cls,
        dataset: Dataset,
        names: Sequence[str],
        given: Sequence[Codes],
        subject: NDArray[np.int32],
        k: int,
        standard: frozenset[str] = frozenset(),
    ) -> tuple[Attributes, tuple[str, ...]]:
        """Learn columns given codes.

        Parameters
        ----------
        dataset : Dataset
            Rows to learn from.
        names : sequence of str
            Columns to learn.
        given : sequence of (n_rows,) int
            Conditions, the most important first.
        subject : (n_rows,) int32
            Whose row it is.
        k : int
            Fewest subjects behind a tuple.
        standard : frozenset of str
            Columns whose values are terms of the standard: they are nobody's words, so rare ones stay.

        Returns
        -------
        Attributes, notes : tuple of str
        """
        notes: list[str] = []
        measures = []
        coded: list[tuple[str, NDArray[np.int64], Column]] = []
        rare = []
        for name in names:
            if is_rare(dataset[name], subject, k):
                if variable_standard(name, dataset.domain) is None:  # one from SUPP--, whose rows would vanish otherwise
                    rare.append(RareText(name, min(1.0, k / 2 / dataset.n_rows)))
                notes.append(f"{dataset.name}.{name}: fewer than {k} subjects have a value, so none is kept; lower k to keep them.")
                continue
            prepared, note = prepare_column(dataset, name, subject, 1 if name in standard else k)
            notes += note
            if prepared is None:
                measures.append(_fit_measure(name, dataset.numbers(name), given, subject, k))
            else:
                coded.append(prepared)
        blocks: list[Block] = []
        before: list[Codes] = []
        while coded:
            block, codes, used = fit_block(coded, block_conditions(given, before), subject, k)
            blocks.append(block)
            before.append(codes)
            coded = coded[used:]
        return cls(tuple(blocks), tuple(measures), tuple(rare)), tuple(notes)

    def sample(
        self, given: Sequence[Codes], rng: np.random.Generator, n: int, chances: Sequence[NDArray[np.float64] | None] = ()
    ) -> Mapping[str, Column]:
        """Draw the columns of `n` rows given their codes; of blocks that have `chances` (n,), uniform numbers, these decide."""
        out: dict[str, Column] = {}
        before: list[Codes] = []
        for at, block in enumerate(self.blocks):
            chance = chances[at] if at < len(chances) else None
            conditions = block_conditions(given, before)
            code = block.table.sample(conditions, rng, n) if chance is None else draw_coupled(block.table, conditions, chance)
            before.append(code)
            for name, column in zip(block.names, block.values, strict=True):
                out[name] = column.take(code)
        for measure in self.measures:
            out[measure.name] = Numbers(_sample_measure(measure, given, rng, n))
        for one in self.rare:
            there = rng.random(n) < one.share
            out[one.name] = Text(np.where(there, 0, -1).astype(np.int32), np.array([WITHHELD], dtype=object))
        return out


def block_conditions(given: Sequence[Codes], before: Sequence[Codes]) -> list[Codes]:
    """Conditions of a block: the first given, the tuples of the last two blocks `before`, then the others given."""
    return [*given[:1], *before[-2:], *given[1:]]


def column_codes(column: Column) -> tuple[NDArray[np.int64], Column]:
    """Code a column: codes (n_rows,), -1 missing, and the distinct values as a column of their own, sorted."""
    if isinstance(column, Text):
        compact = column.compact()
        return compact.codes.astype(np.int64), Text(np.arange(len(compact.levels), dtype=np.int32), compact.levels)
    codes, levels = column.coded
    return codes.copy(), levels


def count_subjects(codes: NDArray[np.int64], subject: NDArray[np.int32], n: int) -> NDArray[np.int64]:
    """Distinct subjects by code 0 to n - 1; -1 is left out."""
    seen = codes >= 0
    if not seen.any():
        return np.zeros(n, np.int64)
    span = int(subject.max()) + 1
    pairs = distinct_values(codes[seen] * span + subject[seen])
    return np.bincount(pairs // span, minlength=n)


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
    dataset: Dataset, name: str, subject: NDArray[np.int32], k: int
) -> tuple[tuple[str, NDArray[np.int64], Column] | None, list[str]]:
    """Code a column; free text that fewer than `k` subjects share becomes one text that is nobody's.

    Rare categories and numbers stay for now: a tuple that holds them is too rare to be kept.

    Returns
    -------
    prepared : (name, codes, levels) or None
        None for a number with so many values that it needs a marginal.
    notes : list of str
    """
    codes, levels = column_codes(dataset[name])
    rare = count_subjects(codes, subject, len(levels)) < k
    rows = np.bincount(codes[codes >= 0], minlength=len(levels))
    if isinstance(levels, Numbers) and len(levels) > MOST_LEVELS and rows[rare].sum() > CUSTOMARY * rows.sum():
        return None, []
    if not rare.any():
        return (name, codes, levels), []
    notes = [
        f"{dataset.name}.{name}: values that fewer than {k} subjects share are not kept, {int(rare.sum()):,} in "
        f"{int(rows[rare].sum()):,} of {dataset.n_rows:,} rows; lower k to keep them."
    ]
    if isinstance(levels, Text) and rows[rare].sum() > FREE * rows.sum() and is_worded(name, dataset.domain):
        texts = levels.levels.copy()
        texts[rare] = WITHHELD
        column = Text(codes.astype(np.int32), texts)
        codes, levels = column_codes(Text.of(column.strings()))
    return (name, codes, levels), notes


def fit_block(
    coded: Sequence[tuple[str, NDArray[np.int64], Column]],
    given: Sequence[Codes],
    subject: NDArray[np.int32],
    k: int,
    arm: NDArray[np.int32] | None = None,
    always: NDArray[np.bool_] | None = None,
    coverage: float = COVERAGE,
    leading: bool = False,
) -> tuple[Block, NDArray[np.int64], int]:
    """Join as many of the leading columns as still leave (nearly) every row in a tuple that may be kept.

    Parameters
    ----------
    coded : sequence of (name, codes, levels)
        Columns from :func:`prepare_column`.
    given : sequence of (n_rows,) int
        Conditions of the block's table.
    subject : (n_rows,) int32
        Whose row it is.
    k : int
        Fewest subjects that must share a tuple.
    arm : (n_subjects,) int32, optional
        Arms of the subjects; if given, a tuple that most of an arm have is kept too: it is the arm's design.
    always : (n_rows,) bool, optional
        Rows of a standard meaning; if given, the most frequent tuple among them is kept whoever has it.
    coverage : float
        Share of the rows covered so far that a wider tuple must still cover, unless it loses the rows of one subject alone.
    leading : bool
        Whether a rare tuple is like another only if it has the same cell in the first column, which says what the row is.

    Returns
    -------
    block : Block
    code : (n_rows,) int64
        Tuple of each row; a rare one becomes the nearest that is kept, -1 if there is none.
    used : int
        How many of the columns were joined.
    """
    joint = np.zeros(len(subject), np.int64)
    used, n_tuples, covered = 0, 1, 1.0
    for _, codes, levels in coded:
        wider, inverse = distinct_values(joint * (len(levels) + 1) + codes + 1, return_inverse=True)
        common = _common(inverse, subject, len(wider), k, arm)
        share = float(common[inverse].mean()) if len(inverse) else 1.0
        if used and (len(wider) > MOST_TEMPLATES or _loses(common[inverse], subject, coverage * covered)):
            break
        joint, used, n_tuples, covered = inverse, used + 1, len(wider), share
    first = np.full(n_tuples, 0, np.intp)
    first[joint[::-1]] = np.arange(len(joint))[::-1]
    rows = np.bincount(joint, minlength=n_tuples)
    common = _common(joint, subject, n_tuples, k, arm)
    if always is not None and always.any():
        common[np.bincount(joint[always], minlength=n_tuples).argmax()] = True
    kept = np.flatnonzero(common)
    if not len(kept) and n_tuples:
        kept = np.array([rows.argmax()]) if used != 1 or len(coded[0][2]) <= 1 else np.empty(0, np.intp)
    cells = [codes[first] if len(joint) else np.empty(0, np.int64) for _, codes, _ in coded[:used]]
    position = _nearest(cells, kept, rows, leading)
    code = position[joint] if len(joint) else joint
    seen = code >= 0
    values = [take_codes(levels, np.append(cell[kept], -1)) for cell, (_, _, levels) in zip(cells, coded, strict=False)]
    table = BackoffTable.fit(code[seen], [np.asarray(g, np.int64)[seen] for g in given], subject[seen], k=k)
    # one tuple more, of missing cells, for rows whose tuple is not known
    return Block(tuple(name for name, _, _ in coded[:used]), tuple(values), table), code, used


def is_scattered(codes: NDArray[np.int64], subject: NDArray[np.int32], k: int, arm: NDArray[np.int32] | None) -> bool:
    """Whether a column (n_rows,) holds values, -1 included, that would keep its rows from tuples that may be kept."""
    _, inverse = distinct_values(codes, return_inverse=True)
    common = _common(inverse.astype(np.int64), subject, int(inverse.max(initial=-1)) + 1, k, arm)
    return _loses(common[inverse], subject, COVERAGE)


def is_designed(codes: NDArray[np.int64], subject: NDArray[np.int32], k: int, arm: NDArray[np.int32] | None) -> bool:
    """Whether a column (n_rows,) holds a value that may be kept."""
    return bool(_common(codes + 1, subject, int(codes.max(initial=-1)) + 2, k, arm)[1:].any())


def _loses(kept: NDArray[np.bool_], subject: NDArray[np.int32], share: float) -> bool:
    """Whether fewer than a share of the rows (n_rows,) are kept, and the others are not one subject's alone."""
    lost = subject[~kept]
    return bool(len(lost) > (1 - share) * len(kept) and (lost != lost[0]).any())


def _common(
    code: NDArray[np.int64], subject: NDArray[np.int32], n: int, k: int, arm: NDArray[np.int32] | None
) -> NDArray[np.bool_]:
    """Codes (n,) that at least k subjects share, or at least half of an arm of two subjects or more."""
    common = count_subjects(code, subject, n) >= k
    if arm is not None and len(code):
        n_arms = int(arm.max()) + 1
        size = np.bincount(arm, minlength=n_arms)
        pairs = count_subjects(code * n_arms + arm[subject], subject, n * n_arms).reshape(n, n_arms)
        common |= (pairs >= np.maximum(0.5 * size, min(2, k))).any(axis=1)
    return common


def _nearest(
    cells: Sequence[NDArray[np.int64]], kept: NDArray[np.intp], rows: NDArray[np.int64], leading: bool
) -> NDArray[np.int64]:
    """Position among the kept tuples of each tuple: its own, or the most frequent of those that agree in most columns.

    A tuple that agrees with none in at least half of the columns (with `leading`, the first among them) has no position (-1).
    """
    position = np.full(len(rows), -1, np.int64)
    position[kept] = np.arange(len(kept))
    rare = np.setdiff1d(np.arange(len(rows)), kept)
    if len(rare) and len(kept):
        score = np.zeros((len(rare), len(kept)))
        for i, cell in enumerate(cells):
            weight = len(cells) if leading and not i else 1
            score += weight * (cell[rare][:, None] == cell[kept][None, :])
        best = (score + rows[kept] / (rows.sum() + 1.0)).argmax(axis=1)
        alike = score[np.arange(len(rare)), best] >= ALIKE * len(cells)
        if leading and cells:
            alike &= cells[0][rare] == cells[0][kept[best]]
        position[rare] = np.where(alike, best, -1)
    return position


def take_codes(levels: Column, codes: NDArray[np.int64]) -> Column:
    """Cells (n_rows,) of the given codes, -1 missing; the text levels that are not used are gone."""
    if isinstance(levels, Text):
        return Text(codes.astype(np.int32), levels.levels).compact()
    return Numbers(np.append(levels.values, np.nan)[codes])


def _fit_measure(name: str, values: NDArray[np.float64], given: Sequence[Codes], subject: NDArray[np.int32], k: int) -> Measure:
    decimals = count_decimals(values)
    seen = ~np.isnan(values)
    present = BackoffTable.fit(seen.astype(np.int64), given, subject, k=k)
    cells: list[int] = []
    marginals = []
    if given:
        first = np.asarray(given[0])
        for cell in distinct_values(first[seen]).tolist():
            mine = seen & (first == cell)
            if len(distinct_values(subject[mine])) >= 4 * k:
                cells.append(int(cell))
                marginals.append(QuantileMarginal.fit(values[mine], subject[mine], k=k, decimals=decimals))
    pooled = QuantileMarginal.fit(values[seen], subject[seen], k=k, decimals=decimals)
    return Measure(name, present, tuple(cells), tuple(marginals), pooled)


def _sample_measure(measure: Measure, given: Sequence[Codes], rng: np.random.Generator, n: int) -> NDArray[np.float64]:
    u = rng.random(n)
    values = measure.pooled.quantile(u)
    for cell, marginal in zip(measure.cells, measure.marginals, strict=True):
        mine = np.asarray(given[0]) == cell
        values[mine] = marginal.quantile(u[mine])
    return np.where(measure.present.sample(given, rng, n) > 0, values, np.nan)


def count_decimals(values: NDArray[np.float64], most: int = 6) -> int | None:
    """Fewest decimals that write every value within float noise; None if more than `most` are needed."""
    x = values[np.isfinite(values)]
    for decimals in range(most + 1):
        if np.allclose(x, np.round(x, decimals), rtol=1e-9, atol=1e-9):
            return decimals
    return None

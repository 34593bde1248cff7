"""Which rows of another dataset suit a linked row: their kind, whether both say the same, how far away in time they lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.standards.medicine_needs import load_medicine_needs
from replicator.study_model.columns.codes import column_codes, count_subjects
from replicator.study_model.links.days import dates_of, find_common_days
from replicator.tables.dataset import Dataset, Text
from replicator.tables.dates import parse_dates

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

GAP_EDGES = np.array([-60.0, -28, -7, -2, 0, 1, 3, 8, 29, 61])  # days from the leading row to its partner
UNKNOWN_GAP = len(GAP_EDGES) + 1
SAME_DAY = int(np.searchsorted(GAP_EDGES, 0.0, side="right"))
_WIDE = np.array([0, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 2])  # the same in three: far, within two days, unknown
MOST_LEVELS = 500  # levels of a variable that may say what another one says


@dataclass(frozen=True, eq=False)
class Partners:
    """How much more often than at random a pair of rows is linked.

    Attributes
    ----------
    said : tuple of (str, str)
        Variables of the leading row and of its partner that say the same in linked rows, or name a need and what is given for it:
        the pair that tells most of what is linked, and all that do so in every linked row.
    dates : tuple of (str, str)
        Dates of the leading row and of its partner that lie close together in linked rows; empty for none.
    relation : (2, n_gaps) float64
        Share of linked pairs by whether both say the same and by the gap in time, over the share of all pairs.
    kinds : (n_leading + 1, n_following + 1) float64
        The same by the levels of both rows; the last of each stands for all others.
    several : bool
        Whether one subject may have more than one such relation.
    common : tuple of (str, str)
        Dates of the leading row, and those on which its partner ends, that are one day wherever both are known.
    """

    kind: ClassVar[str] = "link partners"

    said: tuple[tuple[str, str], ...]
    dates: tuple[str, ...]
    relation: Floats
    kinds: Floats
    several: bool
    common: tuple[tuple[str, str], ...] = ()

    @classmethod
    def fit(
        cls,
        datasets: tuple[Dataset, Dataset],
        pairs: tuple[Ints, Ints],
        linked: NDArray[np.bool_],
        codes: tuple[Ints, Ints],
        subject: NDArray[np.int32],
        k: int,
    ) -> Partners:
        """Learn from pairs of rows of one subject, of which the first is linked.

        Parameters
        ----------
        datasets : two Dataset
            Of the leading row and of its partner.
        pairs : two arrays (n,) int
            Rows of each pair.
        linked : (n,) bool
            Whether the two rows are linked with each other.
        codes : two arrays (n,) int
            Level of each row of a pair, -1 for none.
        subject : (n,) int32
            Whose pair it is.
        k : int
            Fewest subjects behind anything that is kept of a level.
        """
        leading, following = (table.take(rows) for table, rows in zip(datasets, pairs, strict=True))
        found = [
            (_told(same.astype(np.int64), linked, 2), (a, b), bool(same[linked].all()))
            for a, left in _texts(leading)
            for b, right in _texts(following)
            if (same := _same(left, right))[linked].any()
        ]
        best = _best([(told, names) for told, names, _ in found])
        shared = len(np.unique(subject[linked])) >= k
        said = tuple(names for told, names, always in found if told > 0 and (names == best or (always and shared)))
        rows = np.flatnonzero(linked)
        common = find_common_days(leading.take(rows), following.take(rows), subject[rows], k)
        ended = {b for _, b in common}
        dates = _best(
            [
                (_told(_gaps(left, right), linked, UNKNOWN_GAP + 1), (a, b))
                for a, left in dates_of(leading)
                for b, right in dates_of(following)
                if b not in ended
            ]
        )
        fitted = cls(said, dates, np.ones((2, UNKNOWN_GAP + 1)), np.ones((1, 1)), _several(pairs[0][linked], subject[linked]))
        cell = fitted._relations(leading, following)
        wide = (np.arange(2)[:, None] * 3 + _WIDE).ravel()  # bins of few subjects fall back on wider ones
        alone = _lift(wide[cell] // 3, linked, subject, 2, k)
        default = _lift(wide[cell], linked, subject, 6, k, np.repeat(alone, 3))[wide]
        relation = _lift(cell, linked, subject, len(wide), k, default).reshape(2, -1)
        if dates and _one_day(leading, following, dates, linked, subject, k):
            relation[:, np.setdiff1d(np.arange(UNKNOWN_GAP), SAME_DAY)] = 0.0
        n_lead, n_follow = (int(code.max(initial=-1)) + 2 for code in codes)
        left, right = (np.where(code < 0, n - 1, code) for code, n in zip(codes, (n_lead, n_follow), strict=True))
        alone = _lift(right, linked, subject, n_follow, k)
        kinds = _lift(left * n_follow + right, linked, subject, n_lead * n_follow, k, np.tile(alone, n_lead))
        return cls(said, dates, relation, kinds.reshape(n_lead, n_follow), fitted.several, common)

    def score(self, datasets: tuple[Dataset, Dataset], pairs: tuple[Ints, Ints], codes: tuple[Ints, Ints]) -> Floats:
        """Weight of each pair (n,); 0 for one that does not occur."""
        leading, following = (table.take(rows) for table, rows in zip(datasets, pairs, strict=True))
        n_lead, n_follow = self.kinds.shape
        left, right = (np.where((c < 0) | (c >= n - 1), n - 1, c) for c, n in zip(codes, (n_lead, n_follow), strict=True))
        weight = self.relation.ravel()[self._relations(leading, following)] * self.kinds[left, right]
        return np.asarray(weight, np.float64)

    def _relations(self, leading: Dataset, following: Dataset) -> Ints:
        """Whether both rows say the same, and the bin of the gap between them, as one number."""
        n = leading.n_rows
        same, gap = np.zeros(n, bool), np.full(n, UNKNOWN_GAP)
        there = [(a, b) for a, b in self.said if a in leading and b in following]
        if there:
            same = np.all([_same(leading.text(a), following.text(b)) for a, b in there], axis=0)
        if self.dates and self.dates[0] in leading and self.dates[1] in following:
            left, right = (parse_dates(t.text(v)).full_day for t, v in zip((leading, following), self.dates, strict=True))
            gap = _gaps(left, right)
        return np.asarray(same * (UNKNOWN_GAP + 1) + gap, np.int64)


def _texts(dataset: Dataset) -> list[tuple[str, Text]]:
    """Variables that may say what others say; of dates it counts how far they lie apart."""
    found = [(v.name, column) for v in dataset.variables if isinstance(column := dataset[v.name], Text) and not _is_date(v.name)]
    return [(name, column) for name, column in found if 1 < len(column.compact().levels) <= MOST_LEVELS]


def _is_date(name: str) -> bool:
    return name.endswith("DTC")


def _same(left: Text, right: Text) -> NDArray[np.bool_]:
    """Whether two texts are equal but for case, or name a common need of medicines (n_rows,); never where one is missing."""
    (own, levels), (other, others) = column_codes(left), column_codes(right)
    says, said = (_meanings(column.strings().tolist()) for column in (levels, others))
    table = np.zeros((len(says) + 1, len(said) + 1), bool)
    table[:-1, :-1] = [[not one.isdisjoint(two) for two in said] for one in says] if says and said else False
    return table[own, other]


def _meanings(texts: list[str]) -> list[frozenset[str]]:
    """What each text says: itself, and the needs that it names, or those of a medicine of this name."""
    needs = load_medicine_needs()
    return [frozenset([text.casefold(), *(needs.perhaps_of(text) or needs.of_name(text))]) for text in texts]


def _gaps(left: Floats, right: Floats) -> Ints:
    gap = right - left
    return np.where(np.isnan(gap), UNKNOWN_GAP, np.searchsorted(GAP_EDGES, np.nan_to_num(gap), side="right")).astype(np.int64)


def _one_day(
    leading: Dataset, following: Dataset, dates: tuple[str, ...], linked: NDArray[np.bool_], subject: NDArray[np.int32], k: int
) -> bool:
    """Whether two dates are one day in all linked rows that have both, those of `k` subjects at least."""
    left, right = (parse_dates(table.text(name)).full_day for table, name in zip((leading, following), dates, strict=True))
    both = linked & np.isfinite(left) & np.isfinite(right)
    return len(np.unique(subject[both])) >= k and bool((left == right)[both].all())


def _told(cell: Ints, linked: NDArray[np.bool_], n_cells: int) -> float:
    """How much a code tells about what is linked: the variance between its cells, less what chance would give."""
    n = np.bincount(cell, minlength=n_cells)
    share = np.bincount(cell[linked], minlength=n_cells) / np.maximum(n, 1)
    return float((n * (share - linked.mean()) ** 2).sum()) - 2 * float((n > 0).sum() - 1) * float(linked.var())


def _best(found: Sequence[tuple[float, tuple[str, str]]]) -> tuple[str, ...]:
    told, names = max(found, default=(0.0, ("", "")))
    return names if told > 0 else ()


def _several(rows: Ints, subject: NDArray[np.int32]) -> bool:
    owners = np.unique(np.stack([rows, subject.astype(np.int64)], axis=1), axis=0)[:, 1]
    return bool(len(owners) > len(np.unique(owners)))


def _lift(
    cell: Ints, linked: NDArray[np.bool_], subject: NDArray[np.int32], n_cells: int, k: int, default: Floats | None = None
) -> Floats:
    """Share of linked pairs in each cell over that of all pairs; `default` (1 if left out) in cells of fewer than k subjects."""
    n = np.bincount(cell, minlength=n_cells)
    share = np.bincount(cell[linked], minlength=n_cells) / np.maximum(n, 1)
    enough = count_subjects(cell, subject, n_cells) >= k
    usual = float(linked.mean()) if len(linked) else 0.0
    return np.where(enough, share / max(usual, 1e-12), np.ones(n_cells) if default is None else default)

"""Limits of quantification: a result that is told as beyond a number (``<0.2``) is a number beyond it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.distinct import distinct_values
from replicator.tables.dataset import Text
from replicator.tables.spelling import limit_of

Codes = NDArray[np.intp]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

BELOW, ABOVE = -1.0, 1.0


@dataclass(frozen=True, eq=False)
class Limits:
    """Limits of the tests of a dataset, at most one on each side of a test.

    Attributes
    ----------
    series, token : (n_limits,) int64
        Whose limit, and what is said of results beyond it.
    side : (n_limits,) float64
        `BELOW` or `ABOVE`.
    edge : (n_limits,) float64
        Number beyond which it is said, in usual original units.
    """

    kind: ClassVar[str] = "limits of quantification"

    series: NDArray[np.int64]
    token: NDArray[np.int64]
    side: Floats
    edge: Floats

    @classmethod
    def none(cls) -> Limits:
        """No limit."""
        nothing = np.empty(0, np.int64)
        return cls(nothing, nothing, np.empty(0), np.empty(0))

    def tell(self, number: Floats, series: Codes, token: Codes) -> Codes:
        """Tokens (n,) of results: those given, and the limit's where a number (token -1) lies beyond it."""
        for whose, said, side, edge in zip(self.series, self.token, self.side, self.edge, strict=True):
            token = np.where((token < 0) & (series == whose) & (side * number > side * edge), said, token)
        return token

    def among(self, used: Codes) -> Limits:
        """The same limits with tokens by their positions in `used`, which has them all, in order."""
        return replace(self, token=np.searchsorted(used, self.token).astype(np.int64))


def find_limits(
    said: Text, token: Codes, value: Floats, usual: Flags, series: Codes, subject: Codes, decimals: NDArray[np.int64], k: int
) -> tuple[Limits, Floats]:
    """Find limits that k subjects of a test have, beyond which fewer than k have a number.

    Parameters
    ----------
    said : Text
        Original results, (n_rows,).
    token : (n_rows,) int
        Combination of the result variables' cells.
    value : (n_rows,) float64
        Results that are numbers, NaN for others.
    usual : (n_rows,) bool
        Rows in the usual unit of their series.
    series, subject : (n_rows,) int
        Of each row; series -1 leaves a row out.
    decimals : (n_series,) int64
        Of each series' numbers.
    k : int
        Fewest subjects behind a limit.

    Returns
    -------
    Limits, (n_rows,) float64
        The limits, by tokens of the source; and `value` with a number one step beyond in the rows that told one.
    """
    found = [limit_of(str(level)) for level in said.levels.tolist()]
    if not any(found):
        return Limits.none(), value
    below = ("<", "<=", "≤")
    side_of = np.array([0.0 if limit is None else BELOW if limit[0] in below else ABOVE for limit in found] + [0.0])[said.codes]
    number_of = np.array([np.nan if limit is None else limit[1] for limit in found] + [np.nan])[said.codes]
    closed_of = np.array([limit is not None and limit[0] not in ("<", ">") for limit in found] + [False])[said.codes]
    told = (side_of != 0) & np.isnan(value) & usual & (series >= 0)
    kept: list[tuple[int, int, float, float]] = []
    value = value.copy()
    for whose in distinct_values(series[told]).tolist():
        mine = series == whose
        step = 10.0 ** -min(int(decimals[whose]), 8)
        for side in (BELOW, ABOVE):
            rows = np.flatnonzero(mine & told & (side_of == side))
            names, place = distinct_values(token[rows], return_inverse=True)
            people = [len(distinct_values(subject[rows[place == i]])) for i in range(len(names))]
            if not people or max(people) < k:
                continue
            best = rows[place == int(np.argmax(people))]
            bound, closed = number_of[best[0]], closed_of[best[0]]
            edge = bound + side * (-step if closed else step) / 2
            if len(distinct_values(subject[mine & (side * value > side * edge)])) >= k:
                continue
            beyond = bound + step if side > 0 else max(bound - step, bound / 2)
            value[best] = bound if closed else beyond
            kept.append((whose, int(names[int(np.argmax(people))]), side, edge))
    tests, tokens, sides, edges = zip(*kept, strict=True) if kept else ((), (), (), ())
    return Limits(np.array(tests, np.int64), np.array(tokens, np.int64), np.array(sides, float), np.array(edges, float)), value

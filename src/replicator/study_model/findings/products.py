"""Tests that are products or ratios of two others but for rounding: haematocrit is the red cells times their mean volume.

All tests of such a law are drawn, and then moved together, by as little as they can be, to where the law holds. Computing one of
them from the others instead would put all that the joint model misses of their correlation into that one.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.distinct import distinct_values
from replicator.models.marginals import QuantileMarginal
from replicator.study_model.findings.laws import find_laws, logarithms, residual_of
from replicator.study_model.findings.recorded import Recorded, row_at
from replicator.study_model.findings.results import Results

Codes = NDArray[np.intp]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

FEWEST_DEGREES = 10  # times the tests of a group: degrees of freedom behind its covariance


@dataclass(frozen=True, eq=False)
class Products:
    r"""Tests that follow from two others of their occasion.

    Attributes
    ----------
    target : (n,) int64
        Series of *y*, in an order in which inputs come first.
    inputs : (n, 2) int64
        Series of *a* and *b*.
    power : (n, 2) float64
        1 or -1.
    residual : tuple of QuantileMarginal
        Of *c + r* beyond what rounding adds.
    members : (m,) int64
        Series of all laws.
    loose : (m,) float64
        Variance of each member's logarithm within subjects.
    shape : (m, m) float64
        Takes deviations from a subject's mean, as they are drawn, to the covariance of the source.

    Notes
    -----
    .. math:: \log y = c + \log a \pm \log b + r

    The laws of a group of tests, :math:`A x = c + r` of logarithms *x*, hold after
    :math:`x + D A^T (A D A^T)^{-1} (c + r - A x)`, the least change in the metric of the variances *D* within subjects.
    Before that, deviations from a subject's mean are multiplied by the map of optimal transport from their drawn covariance
    *S* to the source's *T* (which has no part across the laws), :math:`S^{-1/2} (S^{1/2} T S^{1/2})^{1/2} S^{-1/2}`.

    References
    ----------
    Peyré, Cuturi: Computational optimal transport. Found. Trends Mach. Learn. 11 (2019), remark 2.31.
    """

    kind: ClassVar[str] = "findings products"

    target: NDArray[np.int64]
    inputs: NDArray[np.int64]
    power: Floats
    residual: tuple[QuantileMarginal, ...]
    members: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    loose: Floats = field(default_factory=lambda: np.empty(0))
    shape: Floats = field(default_factory=lambda: np.empty((0, 0)))

    @classmethod
    def none(cls) -> Products:
        """No law at all."""
        return cls(np.empty(0, np.int64), np.empty((0, 2), np.int64), np.empty((0, 2)), ())

    @classmethod
    def fit(
        cls,
        recorded: Recorded,
        k: int,
    ) -> Products:
        """Find the laws that the source's results keep.

        Parameters
        ----------
        recorded : Recorded
            The source's results.
        k : int
            Fewest subjects behind a quantile.
        """
        results, run = recorded.results, recorded.run
        table, series = logarithms(recorded)
        laws = find_laws(table, k)
        if not laws:
            return cls.none()
        residual = tuple(residual_of(results, table, series, law, run, k) for law in laws)
        found = cls(
            np.array([series[law[0]] for law in laws], np.int64),
            np.array([[series[law[1]], series[law[2]]] for law in laws], np.int64),
            np.array([law[3] for law in laws], np.float64),
            residual,
        )
        used = np.unique([law[:3] for law in laws])
        members = series[used].astype(np.int64)
        log = table[:, used]
        with np.errstate(divide="ignore", invalid="ignore"):
            drawn = np.log(recorded.redraw()[:, members])
        drawn = np.where(np.isfinite(log), drawn, np.nan)
        m = len(members)
        loose = np.maximum(np.array([np.nanvar(_within(log[:, [j]], run)[0]) for j in range(m)]), np.finfo(np.float64).eps)
        shape = np.eye(m)
        for group, matrix in _groups(found._matrix(members)):
            at = np.ix_(group, group)
            shape[at] = _transport(log[:, group], drawn[:, group], run, matrix, loose[group])
        return replace(found, members=members, loose=loose, shape=shape)

    def hold(
        self,
        number: Floats,
        occasion: Codes,
        series: Codes,
        run: Codes,
        site: Codes,
        results: Results,
        rng: np.random.Generator,
    ) -> Floats:
        """Move results (n,) to where the laws hold; `run` and `site` (n_occasions,) are the occasions' subjects and sites."""
        if not len(self.target):
            return number
        out = number.copy()
        row = row_at(occasion, series, (len(run), len(results.value)))[:, self.members]
        with np.errstate(divide="ignore", invalid="ignore"):
            log = np.log(np.append(number, np.nan)[row])
        log[~np.isfinite(log)] = np.nan
        wanted = np.stack([one.quantile(rng.random(len(run))) for one in self.residual], axis=1)
        matrix = self._matrix(self.members)
        for group, rows in _groups(matrix):
            laws = (matrix[:, group] != 0).any(axis=1)
            moved, bound = keep_laws(log[:, group], run, rows, wanted[:, laws], self.shape[np.ix_(group, group)], self.loose[group])
            where = row[:, group][bound]
            which = np.broadcast_to(self.members[group], bound.shape)[bound]
            out[where] = results.scales.record(np.exp(moved[bound]), which, np.repeat(site, bound.sum(axis=1)))
        return out

    def groups(self) -> list[tuple[NDArray[np.int64], int]]:
        """Series of each group of tests that laws tie together, and the number of its laws."""
        return [(self.members[group], len(laws)) for group, laws in _groups(self._matrix(self.members))]

    def _matrix(self, members: NDArray[np.int64]) -> Floats:
        """Laws as weights of the members' logarithms: (n, m)."""
        out = np.zeros((len(self.target), len(members)))
        law = np.arange(len(self.target))
        out[law, np.searchsorted(members, self.target)] = 1.0
        for side in (0, 1):
            out[law, np.searchsorted(members, self.inputs[:, side])] = -self.power[:, side]
        return out


def _groups(matrix: Floats) -> list[tuple[Codes, Floats]]:
    """Members that laws tie together, and the laws (n_laws, n_members) of each such group."""
    own = np.arange(matrix.shape[1])
    for _ in range(len(matrix)):
        for law in matrix != 0:
            own[np.isin(own, own[law])] = own[law].min()
    groups = [np.flatnonzero(own == one) for one in np.unique(own)]
    return [(group, matrix[:, group][(matrix[:, group] != 0).any(axis=1)]) for group in groups]


def _within(table: Floats, run: Codes) -> tuple[Floats, int]:
    """Deviations of complete rows from their subject's mean (n_complete, m), and their degrees of freedom."""
    rows = np.flatnonzero(np.isfinite(table).all(axis=1))
    _, owner, size = np.unique(run[rows], return_inverse=True, return_counts=True)
    return table[rows] - _subject_means(table[rows], owner, size), len(rows) - len(size)


def _subject_means(table: Floats, owner: Codes, size: Codes) -> Floats:
    """Mean (n, m) of the subject that owns each row; of `size` (n_subjects,) rows."""
    total = np.zeros((len(size), table.shape[1]))
    np.add.at(total, owner, table)
    out: Floats = (total / size[:, None])[owner]
    return out


def _transport(log: Floats, drawn: Floats, run: Codes, matrix: Floats, loose: Floats) -> Floats:
    """Map (m, m) of drawn deviations within subjects to those of the source, without what lies across the laws."""
    m = len(loose)
    (source, freedom), (sample, known) = _within(log, run), _within(drawn, run)
    if min(freedom, known) < FEWEST_DEGREES * m:
        return np.eye(m)
    along = np.eye(m) - _correction(matrix, loose) @ matrix
    goal = along @ (source.T @ source / freedom) @ along.T
    values, vectors = np.linalg.eigh(sample.T @ sample / known)
    values = np.maximum(values, 1e-9 * values.max())
    root, inverse = (vectors * values**half @ vectors.T for half in (0.5, -0.5))
    middle, axes = np.linalg.eigh(root @ goal @ root)
    out: Floats = inverse @ (axes * np.sqrt(np.maximum(middle, 0.0)) @ axes.T) @ inverse
    return out


def _correction(matrix: Floats, loose: Floats) -> Floats:
    """Least change (m, n_laws) by which one unit is added to each law, in the metric of the variances `loose`."""
    weighted = loose[:, None] * matrix.T
    return np.asarray(np.linalg.solve(matrix @ weighted, weighted.T).T, np.float64)


def keep_laws(log: Floats, run: Codes, matrix: Floats, wanted: Floats, shape: Floats, loose: Floats) -> tuple[Floats, Flags]:
    """Logarithms (n, m) for which all laws among tests that are there hold, and which of them a law binds."""
    there = np.isfinite(log)
    out, bound = log.copy(), np.zeros(log.shape, bool)
    rows = np.flatnonzero(there.all(axis=1))
    _, owner, size = np.unique(run[rows], return_inverse=True, return_counts=True)
    mean = _subject_means(log[rows], owner, size)
    out[rows] = mean + (log[rows] - mean) @ shape.T
    known = (there[:, None, :] | (matrix == 0)[None]).all(axis=2)
    patterns, which = distinct_values(known, axis=0, return_inverse=True)
    for number, laws in enumerate(patterns):
        if not laws.any():
            continue
        rows, active = np.flatnonzero(which.reshape(-1) == number), matrix[laws]
        mine = np.flatnonzero((active != 0).any(axis=0))
        at = np.ix_(rows, mine)
        active = active[:, mine]
        miss = wanted[np.ix_(rows, laws)] - out[at] @ active.T
        out[at] += miss @ _correction(active, loose[mine]).T
        bound[at] = True
    return out, bound

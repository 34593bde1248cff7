"""Medicines begin after the conditions that they are given for: how long after, where the source's do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.models.nested_marginals import NestedMarginals
from replicator.study_model.events.onsets import LEAST, TermOfEach, begin_of_period, period_before, steps_back
from replicator.study_model.events.reasons import LENGTH, Behind
from replicator.tables.dates import Dates, Precision

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MOSTLY = 0.85  # share of pairs that must be in order, to say that a medicine follows its condition
CLEAR = 3.0  # standard errors by which more pairs must be in order than if conditions of a kind belonged to anybody
PAST_LEVELS = {Precision.DAY: LEAST, Precision.MONTH: LEAST, Precision.YEAR: 1}  # times k, subjects behind lags of each precision
STUDY_LEVELS = {Precision.DAY: 1}


@dataclass(frozen=True, eq=False)
class Following:
    """Steps from the start of a condition to that of a medicine for it.

    Attributes
    ----------
    past, study : mapping of str to NestedMarginals
        Years, months or days by precision, by class and kind of the medicine: where both began before the study, and where both
        began on it. Empty where medicines follow no conditions.
    past_share, study_share : float
        Share of medicines that do.
    """

    kind: ClassVar[str] = "starts that follow conditions"

    past: Mapping[str, NestedMarginals]
    study: Mapping[str, NestedMarginals]
    past_share: float
    study_share: float

    def __bool__(self) -> bool:
        """Whether anything follows."""
        return bool(self.past or self.study)

    def on_study(self, behind: Behind | None, rows: NDArray[np.intp]) -> Bools:
        """Whether some occurrences may follow a condition that began on the study: (n_rows,)."""
        if behind is None or not self.study:
            return np.zeros(len(rows), bool)
        return np.asarray(behind.study.precision[rows] >= Precision.YEAR, bool)

    @classmethod
    def none(cls) -> Following:
        """Return the law of what follows nothing."""
        return cls({}, {}, 0.0, 0.0)

    @classmethod
    def fit(
        cls,
        start: Dates,
        eras: tuple[Bools, Bools],
        owner: NDArray[np.int32],
        term: TermOfEach,
        behind: Behind,
        first: Floats,
        k: int,
    ) -> Following:
        """Learn from occurrences.

        Parameters
        ----------
        start : Dates
        eras : two arrays (n,) bool
            Which starts lie before the study, and which on it.
        owner : (n,) int32
        term : TermOfEach
        behind : Behind
            The condition behind each.
        first : (n,) float64
            First day on study of the subject of each.
        k : int
        """
        laws, shares = [], []
        for era, since, levels in zip(eras, (behind.past, behind.study), (PAST_LEVELS, STUDY_LEVELS), strict=True):
            rows = np.flatnonzero(era & (start.precision >= Precision.YEAR) & (since.precision >= Precision.YEAR))
            pairs = (start.take(rows), since.take(rows))
            law, share = _fit_lags(pairs, levels, owner[rows], term.take(rows), first[rows], k)
            laws.append(law)
            shares.append(share)
        return cls(laws[0], laws[1], shares[0], shares[1])

    def sample(
        self,
        start: Floats,
        precision: Ints,
        eras: tuple[Bools, Bools],
        term: TermOfEach,
        behind: Behind,
        limits: tuple[Floats, Floats],
        rng: np.random.Generator,
    ) -> Floats:
        """Let starts (n,) follow the conditions behind them.

        Parameters
        ----------
        start : (n,) float64
            As drawn without: they tell when in its year or month one lies.
        precision : (n,) int64
            How much of them is known.
        eras, term, behind
            As in :meth:`fit`.
        limits : two arrays (n,) float64
            Last day of a start before the study, and of one on it.
        """
        out = start.copy()
        laws_of = ((self.past, self.past_share), (self.study, self.study_share))
        for (laws, share), era, since, limit in zip(laws_of, eras, (behind.past, behind.study), limits, strict=True):
            known = (
                era
                & (rng.random(len(start)) < share)
                & np.isfinite(start)
                & (since.precision >= Precision.YEAR)
                & (since.day <= limit)
            )
            common = np.minimum(np.minimum(precision, since.precision), Precision.DAY)
            for name, lags in sorted(laws.items(), reverse=True):
                mine = np.flatnonzero(known & (common >= int(name)))
                known[mine] = False
                codes, u = [term.block[mine], term.kind_of[mine]], rng.random((2, len(mine)))
                level = np.full(len(mine), int(name), np.int64)
                day, most = since.day[mine], limit[mine]
                lag = lags.quantile(codes, u[0], np.zeros(len(mine)), steps_back(most, day, level))
                then = _place(start[mine], day, lag, level, most, u[1])
                out[mine] = np.where(np.isfinite(lag), begin_of_period(then, precision[mine]), start[mine])
        return out


def _fit_lags(
    pairs: tuple[Dates, Dates], levels: Mapping[Precision, int], owner: NDArray[np.int32], term: TermOfEach, first: Floats, k: int
) -> tuple[dict[str, NestedMarginals], float]:
    """Steps from conditions to medicines by precision, and the share that follow; none where no more do than by chance."""
    start, since = pairs
    common = np.minimum(np.minimum(start.precision, since.precision), Precision.DAY)
    ordered = steps_back(start.day, since.day, common) >= 0
    if len(np.unique(owner[ordered])) < k or not _follow(ordered, start.day, since.day, common, term.kind_of, first):
        return {}, 0.0
    out = {}
    for level, times in levels.items():
        mine = ordered & (common >= level)
        if len(np.unique(owner[mine])) >= times * k:
            lag = steps_back(start.day[mine], since.day[mine], np.full(int(mine.sum()), level, np.int8))
            codes = [term.block[mine], term.kind_of[mine]]
            out[str(int(level))] = NestedMarginals.fit(lag, codes, owner[mine], k=k, least=LEAST * k, decimals=0)
    return out, float(ordered.mean())


def _follow(ordered: Bools, start: Floats, since: Floats, precision: NDArray[np.int8], kind_of: Ints, first: Floats) -> bool:
    """Whether nearly all starts (n,) lie after those of conditions, and more than if each had that of any other of its kind."""
    if ordered.mean() < MOSTLY:
        return False
    until = start - first + np.select([precision == one for one in LENGTH], list(LENGTH.values()), 0.0)
    chance = np.empty(len(start))
    for one in np.unique(kind_of).tolist():
        mine = kind_of == one
        chance[mine] = np.searchsorted(np.sort((since - first)[mine]), until[mine], "right") / mine.sum()
    scatter = float(np.sqrt((chance * (1 - chance)).sum()))
    return bool(ordered.sum() - chance.sum() > CLEAR * scatter) and scatter > 0


def _place(start: Floats, since: Floats, lag: Floats, level: Ints, limit: Floats, u: Floats) -> Floats:
    """Day that lies `lag` steps of a level after a condition: that of the start within its year or month if it keeps the order.

    A day before the condition, or after the limit, is drawn anew from those of the year or month that are neither.
    """
    steps = np.nan_to_num(lag)
    opens = np.where(level == Precision.DAY, since + steps, period_before(since, -steps, level))
    closes = np.where(level == Precision.DAY, opens, period_before(since, -steps - 1, level) - 1)
    low = np.maximum(opens, since)
    high = np.maximum(np.minimum(closes, limit), low)
    day = np.minimum(opens + start - begin_of_period(start, level), closes)
    day = np.where(level == Precision.DAY, opens, day)
    return np.where((day < low) | (day > high), low + np.floor(u * (high - low + 1)), day)

"""When what was there before the study began: as old as its subjects were then, or as long ago, whichever tells more of a term."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.models.marginals import QuantileMarginal
from replicator.models.nested_marginals import NestedMarginals, cells_of, change_places, own_rows
from replicator.study_model.spine import Spine
from replicator.study_model.subjects.birth import YEAR
from replicator.tables.dates import Precision

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

BIRTH = ".BRTHDTC"
STEP: Mapping[int, float] = {Precision.YEAR: YEAR, Precision.MONTH: YEAR / 12}  # days; of all others a step is a day
LEAST = 4  # times k, subjects of a cell of lags: with fewer, other subjects' lags are told better by the wider cell
CLEAR = 2.0  # standard errors from which two samples differ
OF_TERM = 2  # depth of the cells of single terms


@dataclass(frozen=True, eq=False)
class TermOfEach:
    """What is known of the terms of some occurrences.

    Attributes
    ----------
    block, kind_of : (n,) int64
        Class and kind.
    own : (n,) bool
        Whether the kind is one term of the source, and not all rare ones of a class.
    least_age : (n,) float64
        Age in years before which the term hardly ever begins; 0 for none.
    lasting : (n,) bool
        Whether the term does not pass within days.
    series : (n,) int64
        Equal for occurrences of one term in one subject, which stand in the order of their turns.
    """

    block: Ints
    kind_of: Ints
    own: Bools
    least_age: Floats
    lasting: Bools
    series: Ints

    @classmethod
    def plain(cls, block: Ints, kind_of: Ints) -> TermOfEach:
        """Terms of which nothing but the source tells."""
        n = len(block)
        return cls(block, kind_of, np.ones(n, bool), np.zeros(n), np.zeros(n, bool), np.arange(n))

    def take(self, rows: NDArray[np.intp]) -> TermOfEach:
        """Keep the terms of some occurrences."""
        return TermOfEach(
            self.block[rows], self.kind_of[rows], self.own[rows], self.least_age[rows], self.lasting[rows], self.series[rows]
        )


@dataclass(frozen=True, eq=False)
class Onsets:
    """Starts before the first day on study, by precision of the date.

    Attributes
    ----------
    lag : mapping of str to NestedMarginals
        Steps from the start to the first day on study: years, months or days. By class and term.
    age : mapping of str to NestedMarginals
        Age of the subject at the start, years, in cells where ages differ less from subject to subject than lags do. Such a cell is
        not in `lag`, but for the widest.
    after_birth : bool
        Whether nothing starts before the subject's birth.
    least : mapping of str to float
        Steps that each start lies back at least: 1 where fewer than k subjects have one in the year or month of their first day.
    """

    kind: ClassVar[str] = "onsets"

    lag: Mapping[str, NestedMarginals]
    age: Mapping[str, NestedMarginals]
    after_birth: bool
    least: Mapping[str, float]

    @classmethod
    def fit(
        cls,
        day: Floats,
        precision: NDArray[np.int8],
        owner: NDArray[np.int32],
        term: tuple[Ints, Ints],
        spine: Spine,
        after_birth: bool,
        k: int,
    ) -> Onsets:
        """Learn from starts before the study.

        Parameters
        ----------
        day : (n,) float64
            First possible day of each start, days since 1970-01-01.
        precision : (n,) int8
        owner : (n,) int32
        term : two arrays (n,) int64
            Class and kind of term.
        spine : Spine
        after_birth : bool
        k : int
            A class or term has a cell of its own where 4k subjects have such a start, or k whose ages tell more than the lags. Ages
            of those whose dates are of precisions that fewer than k have are taken together, since an age is the same in all.
        """
        first = spine.marks["FIRST"][owner]
        birth = latest_birth(spine)
        born = birth[owner] if birth is not None and after_birth else np.full(len(owner), np.nan)
        lag = steps_back(first, day, precision)
        step = np.array([STEP.get(one, 1.0) for one in precision.tolist()])
        years, age = lag * step / YEAR, ((day - born) + step / 2) / YEAR
        lags, ages, least = {}, {}, {}
        for one in np.unique(precision).tolist():
            mine = precision == one
            who, codes = owner[mine], [code[mine] for code in term]
            least[str(one)] = float(len(np.unique(who[lag[mine] == 0])) < k)
            cells, told_by_age = [], []
            for cell in cells_of(codes, who, k, k):
                depth, _, rows = cell
                many = len(np.unique(who[rows])) >= LEAST * k
                aged = bool(rows.any()) and _is_aged(age[mine], years[mine], rows, many)
                if depth == 0 or aged or many:
                    cells.append(cell)
                    told_by_age.append(aged)
            by_lag, by_age = [], []
            for (depth, code, rows), own, aged in zip(cells, own_rows(cells, who, 2 * k), told_by_age, strict=True):
                if aged:
                    by_age.append((depth, code, QuantileMarginal.fit(age[mine][own], who[own], k=k)))
                if depth == 0 or not aged:
                    used = rows if aged else own
                    by_lag.append((depth, code, QuantileMarginal.fit(lag[mine][used], who[used], k=k, decimals=0)))
            lags[one], ages[one] = by_lag, by_age
        _add_scattered(ages, (age, years), precision, owner, term, k)
        of_lag, of_age = ({str(one): NestedMarginals.of(cells) for one, cells in each.items()} for each in (lags, ages))
        return cls(of_lag, of_age, after_birth, least)

    def sample(
        self,
        precision: Ints,
        owner: NDArray[np.int32] | Ints,
        term: TermOfEach,
        spine: Spine,
        leader: NDArray[np.int64],
        rng: np.random.Generator,
    ) -> Floats:
        """Draw starts before the study.

        Parameters
        ----------
        precision, owner : (n,) int
        term : TermOfEach
            A least age counts where the source's own ages of the term are not known.
        leader : (n,) int64
            Occurrence whose start each shares, if it may: not one of another precision, nor one before the least age, nor where the
            source tells the ages of the term.

        Returns
        -------
        (n,) float64
            First possible day of each start.
        """
        n = len(precision)
        first = spine.marks["FIRST"][owner]
        birth = latest_birth(spine)
        born = birth[owner] if birth is not None and self.after_birth else np.full(n, np.nan)
        u, least = rng.random(n), term.least_age
        day, told = np.full(n, np.nan), np.zeros(n, bool)
        for name, lags in self.lag.items():
            mine = np.flatnonzero(precision == int(name))
            codes, ages = [code[mine] for code in (term.block, term.kind_of)], self.age[name]
            by_age = ages.depths(codes, len(mine)) >= lags.depths(codes, len(mine))
            by_age &= np.isfinite(born[mine])
            told[mine] = by_age & term.own[mine] & (ages.depths(codes, len(mine)) == OF_TERM)
            room = (first - born)[mine] / YEAR
            low = np.where(told[mine] | ~(least[mine] < room), 0.0, least[mine])
            room = np.maximum(room, 0.0)
            age = ages.quantile(codes, u[mine], low, np.where(np.isnan(room), np.nan, np.inf))
            change_places(age, np.where(by_age, ages.cell(codes, len(mine)), -1), low, room, rng)
            age = np.where(age > room, ages.quantile(codes, u[mine], low, room), age)
            most = steps_back(first[mine], born[mine] + low * YEAR, precision[mine])
            lag = lags.quantile(codes, u[mine], np.zeros(len(mine)), np.where(np.isnan(most), np.inf, np.maximum(most, 0.0)))
            by_lag = period_before(first[mine], lag, precision[mine])
            then = np.minimum(np.floor(born[mine] + age * YEAR), first[mine] - 1)
            day[mine] = np.where(by_age & np.isfinite(age), begin_of_period(np.maximum(then, born[mine]), precision[mine]), by_lag)
            latest = period_before(first[mine], np.full(len(mine), self.least[name]), precision[mine])
            day[mine] = np.minimum(day[mine], latest)
        shares = (precision[leader] == precision) & ~told & ~(day[leader] < born + least * YEAR)
        return np.asarray(np.where(shares, day[leader], day), np.float64)


def latest_birth(spine: Spine) -> Floats | None:
    """Latest day on which each subject can have been born, days since 1970-01-01: (n,); a year after the earliest where only an age
    in years tells.
    """
    if spine.born is None:
        return None
    known = [day for name, day in spine.marks.items() if name.endswith(BIRTH)]
    return spine.born + np.where(np.isfinite(known[0]), 0.0, YEAR) if known else spine.born + YEAR


def steps_back(first: Floats, day: Floats, precision: Ints | NDArray[np.int8]) -> Floats:
    """Years, months or days (by precision) from the period of `day` to that of `first`; NaN where `day` is."""
    out = first - day
    known = np.isfinite(day)
    for unit, wanted in (("Y", Precision.YEAR), ("M", Precision.MONTH)):
        mine = known & (precision == wanted)
        periods = [np.floor(x[mine]).astype("datetime64[D]").astype(f"datetime64[{unit}]") for x in (first, day)]
        out[mine] = (periods[0] - periods[1]).astype(np.float64)
    return out


def period_before(first: Floats, lag: Floats, precision: Ints) -> Floats:
    """First possible day of the date that lies `lag` years, months or days before."""
    steps = np.nan_to_num(lag)
    day = first - np.maximum(steps, 1)
    for unit, mine in (("Y", precision == Precision.YEAR), ("M", precision == Precision.MONTH)):
        period = np.floor(first[mine]).astype("datetime64[D]").astype(f"datetime64[{unit}]") - steps[mine].astype(
            f"timedelta64[{unit}]"
        )
        day[mine] = period.astype("datetime64[D]").astype(np.float64)
    return day


def begin_of_period(day: Floats, precision: Ints) -> Floats:
    """First day of the year or month (by precision) in which a day lies."""
    out = day.copy()
    for unit, wanted in (("Y", Precision.YEAR), ("M", Precision.MONTH)):
        mine = np.isfinite(day) & (precision == wanted)
        out[mine] = day[mine].astype("datetime64[D]").astype(f"datetime64[{unit}]").astype("datetime64[D]").astype(np.float64)
    return out


def _add_scattered(
    ages: Mapping[int, list[tuple[int, int, QuantileMarginal]]],
    times: tuple[Floats, Floats],
    precision: NDArray[np.int8],
    owner: NDArray[np.int32],
    term: tuple[Ints, Ints],
    k: int,
) -> None:
    """Add the ages at which a class or term begins to the cells of the precisions in which fewer than `k` subjects have it.

    They are those of all such precisions together, or of the one that has most where fewer than k subjects are left so.
    """
    age, years = times
    for depth, code, rows in cells_of(term, owner, k, k)[1:]:
        people = {one: len(np.unique(owner[rows & (precision == one)])) for one in ages}
        few = [one for one in ages if people[one] < k]
        rest = rows & np.isin(precision, few)
        known = {one: cell for one in ages for cell in ages[one] if cell[:2] == (depth, code)}
        found = [known[max(known, key=lambda one: people[one])]] if known else []
        if len(np.unique(owner[rest])) >= k:
            told = _is_aged(age, years, rest, False)
            found = [(depth, code, QuantileMarginal.fit(age[rest], owner[rest], k=k))] if told else []
        for one in few:
            ages[one] += found


def _is_aged(age: Floats, years: Floats, rows: Bools, many: bool) -> bool:
    """Whether ages tell more of when something began than the years since then: (n,) both, of which `rows` are its own.

    They differ less from subject to subject, or clearly from those at which all else began; with `many` subjects, whose years since
    then could be told alone, more clearly than those years.
    """
    if not np.isfinite(age[rows]).all():
        return False
    others = ~rows & np.isfinite(age)
    of_age, of_years = (abs(_shift(values[rows], values[others])) for values in (age, years))
    return _spread(age[rows]) < _spread(years[rows]) or (of_age >= CLEAR and not (many and of_years > of_age))


def _shift(values: Floats, others: Floats) -> float:
    """Standardised difference of the ranks of two samples (Mann and Whitney 1947, Ann Math Stat 18:50); 0 where one is empty."""
    m, n = len(values), len(others)
    if not m or not n:
        return 0.0
    ordered = np.sort(others)
    below = (np.searchsorted(ordered, values, side="left") + np.searchsorted(ordered, values, side="right")) / 2
    return float((below.sum() - m * n / 2) / np.sqrt(m * n * (m + n + 1) / 12))


def _spread(values: Floats) -> float:
    low, high = np.quantile(values, [0.25, 0.75])
    return float(high - low)

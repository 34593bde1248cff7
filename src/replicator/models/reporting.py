"""At which of its subject's visits an occurrence (an event, a medication) is reported, once, again, or at every one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int32] | NDArray[np.int64] | NDArray[np.intp]

BEFORE, FIRST, DURING, CLOSING, ONLY, AFTER = range(6)
N_STAGES = 6
AGAIN = 2  # reports from which on their number no longer counts
N_STATES = 2 * (AGAIN + 1)
LEAST_USE = 0.1  # a visit counts where occurrences are reported at least this share as often as at the usual visit
PRIOR = 10.0  # chances to report that the rate over all visits counts for
LEAST = 1e-9  # chance of what never was
HALF = 0.5  # report that an occurrence without any has at the first visit since its start, where nothing is known


@dataclass(frozen=True, eq=False)
class Reporting:
    """Chances of a report.

    Attributes
    ----------
    number : (n_numbers,) float64
        Visit numbers at which occurrences are reported at all, sorted.
    rate : (6, 6, n_numbers) float64
        Chance that an occurrence has a report at a visit, by its stage then: before it started, at the first visit since, during,
        at the first visit since its end (having been open at an earlier one), at a visit that is both the first since its
        start and since its end, and later; and by how many reports it had before (0, 1, or 2 and more), and (3 added) whether its
        end is known, since many are reported once they are over.

    Notes
    -----
    Every occurrence of the source has a report. So the first one of a drawn occurrence is drawn given that there is one: with *h*
    the chances of an occurrence without report at the visits of its subject, in time, the *j*-th visit has the first report with
    probability :math:`h_j \\prod_{i<j}(1-h_i) / (1 - \\prod_i (1-h_i))`. The others follow visit by visit.
    """

    kind: ClassVar[str] = "reporting"

    number: Floats
    rate: Floats

    @classmethod
    def fit(
        cls,
        owner: Integers,
        start: Floats,
        end: Floats,
        visit_subject: Integers,
        visit_number: Floats,
        visit_day: Floats,
        report: tuple[Integers, Integers],
        k: int,
    ) -> Reporting:
        """Learn from occurrences and their reports.

        Parameters
        ----------
        owner, start, end : (n,) int and float64
            Subject of each occurrence, its first and last day; NaN: always, and not yet.
        visit_subject, visit_number, visit_day : (n_visits,)
            The visits of all subjects, by subject and day.
        report : two arrays (n_reports,) int
            Occurrence and visit of each report.
        k : int
            Fewest subjects who have reports at a visit number, and behind a chance.
        """
        occurrence, visit = pair_visits(owner, visit_subject)
        seen = np.isin(occurrence * max(1, len(visit_day)) + visit, report[0] * max(1, len(visit_day)) + report[1])
        numbers, code = np.unique(visit_number, return_inverse=True)
        use = np.bincount(code[visit], weights=seen, minlength=len(numbers)) / np.maximum(
            np.bincount(code[visit], minlength=len(numbers)), 1
        )
        people = np.unique(np.stack([code[visit][seen], np.asarray(owner)[occurrence[seen]]], axis=1), axis=0)[:, 0]
        behind = np.bincount(people, minlength=len(numbers))
        usual = np.quantile(np.repeat(use, behind), 0.8) if behind.sum() else 0.0
        kept = (behind >= k) & (use >= LEAST_USE * usual)
        if not kept.any():
            kept = behind == behind.max(initial=0)
        eligible = kept[code]
        occurrence, visit, stage = _stages(owner, start, end, visit_subject, visit_day, eligible)
        seen = np.isin(occurrence * max(1, len(visit_day)) + visit, report[0] * max(1, len(visit_day)) + report[1])
        position = np.cumsum(kept) - 1
        before = np.minimum(_count_before(seen, occurrence), AGAIN)
        place = (stage, before + (AGAIN + 1) * np.isfinite(end)[occurrence], position[code[visit]])
        return cls(numbers[kept], _rates(place, int(kept.sum()), seen, np.asarray(owner, np.int64)[occurrence], k))

    def last_day(self, n: int, visit_subject: Integers, visit_number: Floats, visit_day: Floats) -> Floats:
        """Return the day of the last visit that counts, by subject: (n,), NaN where there is none."""
        out = np.full(n, -np.inf)
        counts = self._counts(visit_number)
        np.maximum.at(out, visit_subject[counts], visit_day[counts])
        return np.where(np.isfinite(out), out, np.nan)

    def sample(
        self,
        owner: Integers,
        start: Floats,
        end: Floats,
        visit_subject: Integers,
        visit_number: Floats,
        visit_day: Floats,
        rng: np.random.Generator,
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
        """Draw reports; an occurrence gets at least one wherever its subject has a visit that counts.

        Returns
        -------
        occurrence, visit : (n_reports,) int64
            By occurrence and then by day.
        closed : (n_reports,) bool
            Whether the occurrence was over by the visit.
        """
        eligible = self._counts(visit_number)
        occurrence, visit, stage = _stages(owner, start, end, visit_subject, visit_day, eligible)
        position = np.clip(np.searchsorted(self.number, np.round(visit_number, 9)), 0, max(0, len(self.number) - 1))
        if not len(stage):
            return occurrence, visit, np.zeros(0, bool)
        ended = (AGAIN + 1) * np.isfinite(end)[occurrence]
        chance = [self.rate[stage, ended + reports, position[visit]] for reports in range(AGAIN + 1)]
        chosen = _first_given_one(chance[0], occurrence, len(owner), rng)
        u = rng.random((2, len(stage)))
        chosen |= _first_true((_count_before(chosen, occurrence) == 1) & (u[0] < chance[1]), occurrence)
        chosen |= (_count_before(chosen, occurrence) >= AGAIN) & (u[1] < chance[2])
        return occurrence[chosen], visit[chosen], np.isin(stage[chosen], (CLOSING, ONLY, AFTER))

    def _counts(self, visit_number: Floats) -> NDArray[np.bool_]:
        return np.isin(np.round(visit_number, 9), np.round(self.number, 9))


def _rates(place: tuple[Integers, ...], n_numbers: int, seen: NDArray[np.bool_], who: Integers, k: int) -> Floats:
    """Chances of a report (stages, states, numbers), from pairs of an occurrence and a visit: where they are, and which have one.

    Those at a visit are drawn to those at all visits. Where fewer than `k` subjects are behind them, they are those at all visits,
    and where fewer are behind these, those in all states.
    """
    shape = (N_STAGES, N_STATES, n_numbers)
    default = np.zeros(shape)
    default[np.ix_([FIRST, ONLY], [0, AGAIN + 1])] = 1.0
    if not len(seen):
        return default
    cell, rate = np.ravel_multi_index(place, shape), default
    for width in (N_STATES * n_numbers, n_numbers, 1):
        group, n = cell // width, default.size // width
        pairs = np.unique(np.stack([group, who]), axis=1)
        shared = np.repeat(np.bincount(pairs[0], minlength=n) >= k, width).reshape(shape)
        hits = np.repeat(np.bincount(group, seen, n), width).reshape(shape)
        chances = np.repeat(np.bincount(group, minlength=n), width).reshape(shape)
        toward, weight = (rate, PRIOR) if width == 1 else (default, HALF)
        rate = np.where(shared, (hits + weight * toward) / (chances + weight), rate)
    return rate


def pair_visits(owner: Integers, visit_subject: Integers) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pair each occurrence with all visits of its subject.

    Parameters
    ----------
    owner : (n,) int
        Subject of each occurrence.
    visit_subject : (n_visits,) int
        Sorted.

    Returns
    -------
    occurrence, visit : (n_pairs,) int64
        By occurrence and visit.
    """
    first = np.searchsorted(visit_subject, owner, side="left")
    count = np.searchsorted(visit_subject, owner, side="right") - first
    occurrence = np.repeat(np.arange(len(owner)), count)
    begin = np.repeat(np.cumsum(count) - count, count)
    return occurrence, np.arange(len(occurrence)) - begin + np.repeat(first, count)


def _stages(
    owner: Integers, start: Floats, end: Floats, visit_subject: Integers, visit_day: Floats, eligible: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of occurrence and visit that counts, and the stage of each."""
    places = np.flatnonzero(eligible)
    occurrence, inner = pair_visits(owner, visit_subject[places])
    visit = places[inner]
    day = visit_day[visit]
    started = ~(day < start[occurrence])
    over = day >= end[occurrence]
    first, closing = _first_true(started, occurrence), _first_true(over & started, occurrence)
    stage = np.select(
        [~started, first & closing, first, closing, over],
        [BEFORE, ONLY, FIRST, CLOSING, AFTER],
        DURING,
    )
    return occurrence, visit, stage


def _first_given_one(chance: Floats, owner: NDArray[np.int64], n: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Draw one pair of each owner that has any, the first of successes of these chances (n_pairs,) given that there is one."""
    hazard = -np.log1p(-np.clip(chance, LEAST, 1 - LEAST))
    upto = np.cumsum(hazard)
    below = np.append(0.0, upto)[np.searchsorted(owner, owner)]
    whole = np.bincount(owner, weights=hazard, minlength=n)[owner]
    drawn = -np.log1p(rng.random(n)[owner] * np.expm1(-whole))
    return _first_true(upto - below >= np.minimum(drawn, whole * (1 - LEAST)), owner)


def _count_before(mask: NDArray[np.bool_], owner: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number of true cells of the same owner before each (n_pairs,); rows of an owner stand together, owners ascending."""
    total = np.cumsum(mask, dtype=np.int64) - mask
    return np.asarray(total - total[np.searchsorted(owner, owner)], np.int64)


def _first_true(mask: NDArray[np.bool_], owner: Integers) -> NDArray[np.bool_]:
    """First true cell of each owner; rows of an owner stand together."""
    if not len(mask):
        return mask
    total = np.cumsum(mask)
    new = np.concatenate([[True], owner[1:] != owner[:-1]])
    before = np.maximum.accumulate(np.where(new, total - mask, 0))
    return mask & (total - before == 1)

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
COURSE = ((BEFORE,), (FIRST, ONLY), (DURING,), (CLOSING,), (AFTER,))  # in time
LEAST_USE = 0.1  # a visit counts where occurrences are reported at least this share as often as at the usual visit
SLACK = 0.01  # share of reports too many that is let pass
PRIOR = 10.0  # chances to report that the rate over all visits counts for


@dataclass(frozen=True, eq=False)
class Reporting:
    """Chances of a report.

    Attributes
    ----------
    number : (n_numbers,) float64
        Visit numbers at which occurrences are reported at all, sorted.
    rate : (6, 4, n_numbers) float64
        Chance that an occurrence has a report at a visit, by its stage then: before it started, at the first visit since, during,
        at the first visit since its end (having been open at an earlier one), at a visit that is both the first since its
        start and since its end, and later; and by whether it was reported in an earlier stage (1) and whether its end is known
        (2), since many are reported once they are over.
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
            Fewest subjects who have reports at a visit number.
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
        already = np.zeros(len(stage), np.int64)
        reported = np.zeros(len(owner), bool)
        ended = 2 * np.isfinite(end)
        for stages in COURSE:
            mine = np.isin(stage, stages)
            already[mine] = reported[occurrence[mine]] + ended[occurrence[mine]]
            reported[occurrence[mine & seen]] = True
        place = (stage, already, position[code[visit]])
        hits, chances = np.zeros((N_STAGES, 4, int(kept.sum()))), np.zeros((N_STAGES, 4, int(kept.sum())))
        np.add.at(hits, place, seen)
        np.add.at(chances, place, 1.0)
        default = np.array([0.0, 1.0, 0.0, 0.0, 1.0, 0.0])[:, None]
        pooled = (hits.sum(axis=2) + 0.5 * default) / (chances.sum(axis=2) + 0.5)
        fitted = cls(numbers[kept], (hits + PRIOR * pooled[..., None]) / (chances + PRIOR))
        visits = (visit_subject, visit_number, visit_day)
        return fitted._thinned(int(seen.sum()), owner, start, end, visits)

    def _thinned(
        self, wanted: int, owner: Integers, start: Floats, end: Floats, visits: tuple[Integers, Floats, Floats]
    ) -> Reporting:
        """Lower all chances so that the source's occurrences, none of which goes unreported, get as many reports as they have."""
        low, high = 0.5, 1.0
        for _ in range(7):
            factor = high if high == 1.0 and low == 0.5 else (low + high) / 2
            trial = Reporting(self.number, self.rate * factor)
            got = len(trial.sample(owner, start, end, *visits, np.random.Generator(np.random.PCG64(0)))[0])
            if factor == 1.0:
                if got <= wanted * (1 + SLACK):
                    return self
                high = 1.0 - 1e-9
            elif got > wanted:
                high = factor
            else:
                low = factor
        return Reporting(self.number, self.rate * low)

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
        u = rng.random(len(stage))
        if not len(stage):
            return occurrence, visit, np.zeros(0, bool)
        chance = np.zeros(len(stage))
        reported = np.zeros(len(owner), bool)
        ended = 2 * np.isfinite(end)
        for stages in COURSE:
            mine = np.isin(stage, stages)
            already = reported[occurrence[mine]] + ended[occurrence[mine]]
            chance[mine] = self.rate[stage[mine], already, position[visit[mine]]]
            reported[occurrence[mine & (u < chance)]] = True
        chosen = u < chance
        # those that nobody reported: at their most likely visit
        silent = ~reported[occurrence]
        order = np.lexsort((-chance, occurrence))
        order = order[silent[order]]
        first = np.concatenate([[True], occurrence[order][1:] != occurrence[order][:-1]]) if len(order) else np.empty(0, bool)
        chosen[order[first]] = True
        return occurrence[chosen], visit[chosen], np.isin(stage[chosen], (CLOSING, ONLY, AFTER))

    def _counts(self, visit_number: Floats) -> NDArray[np.bool_]:
        return np.isin(np.round(visit_number, 9), np.round(self.number, 9))


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


def _first_true(mask: NDArray[np.bool_], owner: Integers) -> NDArray[np.bool_]:
    """First true cell of each owner; rows of an owner stand together."""
    if not len(mask):
        return mask
    total = np.cumsum(mask)
    new = np.concatenate([[True], owner[1:] != owner[:-1]])
    before = np.maximum.accumulate(np.where(new, total - mask, 0))
    return mask & (total - before == 1)

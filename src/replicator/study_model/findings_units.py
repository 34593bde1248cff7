"""What is measured when: panels, members that a panel misses, and tests that only follow from the result of another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.distinct import distinct_values
from replicator.models.panels import Presence, find_panels
from replicator.models.persistence import Occasions
from replicator.study_model.findings_closing import LastTime, find_last_times
from replicator.study_model.findings_cores import find_cores, hold_cores
from replicator.study_model.spine import Spine

Codes = NDArray[np.intp]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

FOLLOWS = 0.97  # share of occasions on which a result must tell whether a test is done
GAIN = 0.5  # of the errors that the test's own rate makes, at least, must be gone
MOST_CODES = 25  # distinct results of a test that another may follow from


@dataclass(frozen=True, eq=False)
class Follows:
    """A panel that is done only after certain results of another test, or instead of it.

    Attributes
    ----------
    panel, parent : int
        Panel, and series of the other test.
    codes : (n_codes,) float64
        Results of the parent: numbers, or positions of levels; none where the panel is done instead of the parent, when that is
        left out of its own panel.
    allowed : (n_codes,) bool
        Whether the panel is done after them.
    """

    kind: ClassVar[str] = "follows"

    panel: int
    parent: int
    codes: Floats
    allowed: Flags

    def done(self, seen: Flags, result: Floats, panel: Codes) -> Flags:
        """Tell at which occasions (n,) the panel is done, given what else is seen and all results (n_occasions, n_series)."""
        if len(self.codes):
            return self._allows(result[:, self.parent]) & seen[:, self.parent]
        beside: Flags = seen[:, panel == panel[self.parent]].any(axis=1) & ~seen[:, self.parent]
        return beside

    def _allows(self, result: Floats) -> Flags:
        """Tell whether results (n,) allow the panel; NaN does not."""
        nearest = np.abs(np.nan_to_num(result)[:, None] - self.codes[None, :]).argmin(axis=1)
        allowed: Flags = self.allowed[nearest] & np.isfinite(result)
        return allowed


@dataclass(frozen=True, eq=False)
class Moment:
    """What makes an occasion special for a subject.

    Attributes
    ----------
    mark : str
        A mark of the spine, ``""`` if no occasion is special.
    how : str
        ``on`` the day of the mark, ``last`` occasion until it, or ``after`` it.
    """

    kind: ClassVar[str] = "moment"

    mark: str
    how: str

    def special(self, spine: Spine, occasions: Occasions, visits: Flags) -> Flags:
        """Tell which occasions are special: (n_occasions,) bool.

        Parameters
        ----------
        spine, occasions : Spine, Occasions
            Marks and days.
        visits : (n_occasions,) bool
            Occasions that are visits of the spine; others never are special.
        """
        return self._marked(spine, occasions) & visits

    def _marked(self, spine: Spine, occasions: Occasions) -> Flags:
        if not self.mark or self.mark not in spine.marks:
            return np.zeros(len(occasions.subject), bool)
        mark = np.floor(spine.marks[self.mark])[occasions.subject] - spine.anchor[occasions.subject]
        day = np.floor(occasions.day)
        if self.how == "on":
            return np.asarray(day == mark, bool)
        if self.how == "after":
            return np.asarray(day > mark, bool)
        until = day <= mark
        count = np.bincount(occasions.run, weights=until)
        return np.asarray(until & (_rank_until(until, occasions) == count[occasions.run]), bool)

    @classmethod
    def find(cls, there: Flags, cell: Codes, spine: Spine, occasions: Occasions, visits: Flags, k: int) -> Moment:
        """Find the moment that best tells which panels are there, beyond the kind of occasion."""
        best, chosen = 0.0, cls("", "")
        n_cells = int(cell.max(initial=0)) + 1
        plain = _likelihood(there, cell, n_cells)
        for mark in spine.marks:
            for how in ("on", "last", "after"):
                tried = cls(mark, how)
                special = tried.special(spine, occasions, visits)
                if len(distinct_values(occasions.subject[special])) < k or special.all():
                    continue
                gain = _likelihood(there, cell + n_cells * special, 2 * n_cells) - plain
                # two more than one parameter a panel and cell that has special occasions
                price = len(distinct_values(cell[special])) * there.shape[1] + 2
                if gain - price > best:
                    best, chosen = gain - price, tried
        return chosen


def _rank_until(until: Flags, occasions: Occasions) -> Floats:
    """Number of occasions of the same subject up to and with each one that are flagged: (n_occasions,)."""
    total = np.cumsum(until)
    before = np.concatenate([[0], total])[occasions.starts]
    return np.asarray(total - before[occasions.run], np.float64)


def _likelihood(there: Flags, cell: Codes, n_cells: int) -> float:
    """Log-likelihood of presence with a probability for each panel and cell."""
    size = np.bincount(cell, minlength=n_cells).astype(np.float64)[:, None]
    done = np.stack([np.bincount(cell, weights=column, minlength=n_cells) for column in there.T], axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = done * np.log(done / size) + (size - done) * np.log(1 - done / size)
    return float(np.nansum(parts))


@dataclass(frozen=True, eq=False)
class Units:
    """Panels, groups of their members, and what follows from what.

    Attributes
    ----------
    panel : (n_series,) int64
        Panel of each series.
    group : (n_series,) int64
        Unit of series that their panel sometimes misses, mostly together; -1 where it never does.
    member : (n_series,) int64
        Unit of series that their group sometimes misses, always together; -1 where it never does.
    n_panels : int
        Number of panels; their units come first.
    follows : tuple of Follows
        In an order in which parents come before what follows from them.
    moment : Moment
        Which occasions are special.
    presence : Presence
        Of all units.
    everyone : (n_arms,) bool
        Arms in which all who have an occasion, at least k, are measured at one of them.
    last_times : tuple of LastTime
        Panels of which an earlier dataset tells when they are measured for the last time.
    cores : (n_cores, 2) int64
        Units that are there only where another one is, and that one: panels, and groups of one panel; see
        :func:`~.findings_cores.find_cores`.
    """

    kind: ClassVar[str] = "findings units"

    panel: NDArray[np.int64]
    group: NDArray[np.int64]
    member: NDArray[np.int64]
    n_panels: int
    follows: tuple[Follows, ...]
    moment: Moment
    presence: Presence
    everyone: Flags
    last_times: tuple[LastTime, ...]
    cores: NDArray[np.int64]

    @classmethod
    def fit(
        cls,
        present: Flags,
        result: Floats,
        arm: Codes,
        cell: Codes,
        spine: Spine,
        occasions: Occasions,
        visits: Flags,
        first: Flags,
        sizes: tuple[int, int],
        k: int,
    ) -> Units:
        """Learn.

        Parameters
        ----------
        present : (n_occasions, n_series) bool
            What was measured when.
        result : (n_occasions, n_series) float64
            Results that others may follow from; NaN elsewhere.
        spine : Spine
            Its marks may make occasions special.
        visits : (n_occasions,) bool
            Occasions that are visits of the spine.
        first : (n_occasions,) bool
            Occasions that are the first record of a visit.
        arm, cell, occasions, sizes, k
            As for :class:`Presence`.
        """
        panel = _told_apart(find_panels(present), present, result, occasions.subject, k)
        n_panels = int(panel.max(initial=-1)) + 1
        there = _any_of(present, panel)
        follows = _find_followers(there, present, result, panel, occasions.subject, k)
        possible = np.ones_like(there)
        for rule in follows:
            possible[:, rule.panel] = rule.done(present, result, panel)
        cores = find_cores(there, occasions.subject, [rule.panel for rule in follows], k)
        for part, core in cores.tolist():
            possible[:, part] = there[:, core]
        by_panel = there[:, panel]
        _, missed = distinct_values(np.stack([panel, find_panels(by_panel & ~present)]), axis=1, return_inverse=True)
        missed = missed.reshape(-1)  # series of one panel that are mostly missed together
        in_group = np.stack([present[:, missed == g].any(axis=1) for g in range(int(missed.max(initial=-1)) + 1)], axis=1)
        group, n_units = _units(in_group[:, missed], by_panel, n_panels)
        member, n_units = _units(present, in_group[:, missed], n_units)
        units, may = np.empty((len(present), n_units), bool), np.empty((len(present), n_units), bool)
        units[:, :n_panels], may[:, :n_panels] = there, possible
        for of_series, done, asked in ((group, in_group[:, missed], by_panel), (member, present, in_group[:, missed])):
            some = of_series >= 0
            units[:, of_series[some]], may[:, of_series[some]] = done[:, some], asked[:, some]
        for one in range(n_panels):
            own, asked = np.setdiff1d(group[panel == one], -1), there[:, one]
            within = own[find_cores(units[asked][:, own], occasions.subject[asked], (), k)]
            may[:, within[:, 0]] = units[:, within[:, 1]]
            cores = np.concatenate([cores, within])
        moment = Moment.find(there, cell, spine, occasions, visits, k)
        presence = Presence.fit(units, may, arm, cell, moment.special(spine, occasions, visits), occasions, sizes, k=k)
        everyone = _everyone(present, arm, occasions, sizes[0], k)
        last_times = find_last_times(there, cell, sizes[1], spine, occasions, visits & first, k)
        return cls(panel.astype(np.int64), group, member, n_panels, follows, moment, presence, everyone, last_times, cores)

    def sample(
        self,
        arm: Codes,
        cell: Codes,
        spine: Spine,
        occasions: Occasions,
        visits: Flags,
        first: Flags,
        rng: np.random.Generator,
    ) -> Flags:
        """Draw what is measured, before anything follows from results: (n_occasions, n_series) bool."""
        units = self.presence.sample(arm, cell, self.moment.special(spine, occasions, visits), occasions, rng)
        luck = rng.random(len(cell)) if self.last_times else np.empty(0)
        for one in self.last_times:
            units[:, one.panel] = one.hold(units[:, one.panel], cell, spine, occasions, visits & first, luck)
        units = hold_cores(units, self.cores)
        out = units[:, self.panel]
        for of_series in (self.group, self.member):
            some = of_series >= 0
            out[:, some] &= units[:, of_series[some]]
        return self._with_everyone(out, arm, cell, occasions)

    def _with_everyone(self, seen: Flags, arm: Codes, cell: Codes, occasions: Occasions) -> Flags:
        """Measure those who must not go without as another is measured, at their first occasion of that kind."""
        some = seen.any(axis=1)
        without = np.ones(int(occasions.subject.max(initial=-1)) + 1, bool)
        without[occasions.subject[some]] = False
        lender = np.full(int(cell.max(initial=-1)) + 1, -1, np.intp)
        measured = np.flatnonzero(some)[::-1]
        lender[cell[measured]] = measured
        open_to = np.flatnonzero(without[occasions.subject] & self.everyone[arm] & (lender[cell] >= 0))
        _, first = distinct_values(occasions.subject[open_to], return_index=True)
        out = seen.copy()
        out[open_to[first]] = seen[lender[cell[open_to[first]]]]
        return out

    def restrict(self, seen: Flags, result: Floats) -> Flags:
        """Take away what does not follow from the results: (n_occasions, n_series) bool."""
        out = seen.copy()
        for rule in self.follows:
            out[:, self.panel == rule.panel] &= rule.done(out, result, self.panel)[:, None]
        return out


def _everyone(present: Flags, arm: Codes, occasions: Occasions, n_arms: int, k: int) -> Flags:
    """Arms of at least k subjects with an occasion, none of whom was never measured: (n_arms,) bool."""
    who, first, place = distinct_values(occasions.subject, return_index=True, return_inverse=True)
    measured = np.zeros(len(who), bool)
    measured[place[present.any(axis=1)]] = True
    n_subjects = np.bincount(arm[first], minlength=n_arms)
    return np.asarray((n_subjects >= k) & (np.bincount(arm[first], measured, minlength=n_arms) == n_subjects), np.bool_)


def _units(done: Flags, asked: Flags, n_before: int) -> tuple[NDArray[np.int64], int]:
    """Number the units of series that are not always done when asked for: (n_series,), -1 for others; and how many there are now.

    Series that are asked for and done on the same occasions are one unit.
    """
    _, first, group = distinct_values(np.concatenate([asked, done]), axis=1, return_index=True, return_inverse=True)
    incomplete = (done[:, first] != asked[:, first]).any(axis=0)
    number = np.where(incomplete, n_before + np.cumsum(incomplete) - 1, -1)
    return number[group.reshape(-1)].astype(np.int64), n_before + int(incomplete.sum())


def _any_of(present: Flags, panel: Codes) -> Flags:
    """Whether anything of each panel was measured: (n_occasions, n_panels)."""
    n_panels = int(panel.max(initial=-1)) + 1
    return np.stack([present[:, panel == p].any(axis=1) for p in range(n_panels)], axis=1) if n_panels else present


def _told_apart(panel: Codes, present: Flags, result: Floats, subject: Codes, k: int) -> Codes:
    """Panels (n_series,) with a panel of their own for series whose absence from theirs the result of another test tells."""
    if not len(panel):
        return panel
    missed = _any_of(present, panel)[:, panel] & ~present
    _, finer = distinct_values(
        np.stack([panel, np.where(missed.any(axis=0), find_panels(missed), -1)]), axis=1, return_inverse=True
    )
    finer = finer.reshape(-1).astype(np.intp)
    told = np.isin(finer, [rule.panel for rule in _told_by_results(_any_of(present, finer), present, result, finer, subject, k)])
    alone = np.where(told, int(panel.max()) + 1 + finer, panel)
    return np.asarray(distinct_values(alone, return_inverse=True)[1].reshape(-1), np.intp)


def _find_followers(there: Flags, present: Flags, result: Floats, panel: Codes, subject: Codes, k: int) -> tuple[Follows, ...]:
    """Panels whose presence the result of a more common test tells, or its absence from its own panel; the commonest first."""
    rules = _told_by_results(there, present, result, panel, subject, k)
    told = {rule.panel for rule in rules}
    rules += [rule for rule in _find_substitutes(there, present, panel, subject, k) if rule.panel not in told]
    size = there.sum(axis=0)
    return tuple(sorted(rules, key=lambda rule: (-int(size[rule.panel]), rule.panel)))


def _told_by_results(there: Flags, present: Flags, result: Floats, panel: Codes, subject: Codes, k: int) -> list[Follows]:
    """Panels whose presence the result of a more common test tells."""
    codes: list[tuple[int, Floats]] = []
    for j in range(present.shape[1]):
        distinct = distinct_values(result[np.isfinite(result[:, j]), j])
        if 2 <= len(distinct) <= MOST_CODES:
            codes.append((j, distinct))
    if not codes:
        return []
    hot = np.concatenate([(result[:, [j]] == distinct[None, :]) for j, distinct in codes], axis=1).astype(np.float32)
    edges = np.concatenate([[0], np.cumsum([len(distinct) for _, distinct in codes])])
    together = hot.T @ there.astype(np.float32)  # (codes, panels)
    count = hot.sum(axis=0)
    n_there, n_present = there.sum(axis=0), present.sum(axis=0)
    rules: list[Follows] = []
    for p in range(there.shape[1]):
        best: tuple[float, Follows] | None = None
        for (j, distinct), start, stop in zip(codes, edges[:-1], edges[1:], strict=True):
            if panel[j] == p or n_present[j] <= n_there[p]:
                continue
            yes, total = together[start:stop, p], count[start:stop]
            if yes.sum() < FOLLOWS * n_there[p]:
                continue
            right = _right_without(yes.astype(np.float64), total.astype(np.float64))
            chance = max(yes.sum(), total.sum() - yes.sum())
            wrong, plain = total.sum() - right, total.sum() - chance
            allowed = yes > total / 2
            if right < FOLLOWS * total.sum() or wrong > GAIN * plain or allowed.all() or not allowed.any():
                continue
            if best is None or wrong < best[0]:
                best = (float(wrong), Follows(p, j, distinct, allowed))
        if best is not None and len(distinct_values(subject[there[:, p]])) >= k:
            rules.append(best[1])
    return rules


def _right_without(yes: Floats, total: Floats) -> float:
    """Occasions at which all others with the same result tell rightly whether something is done; where they do not, what is usual.

    Parameters
    ----------
    yes, total : (n_codes,) float64
        Occasions of each result at which it is done, and all of them.
    """
    no, usual = total - yes, 2 * yes.sum() > total.sum()
    done = yes * ((yes - 1 > no) | ((yes - 1 == no) & usual))
    left = no * ((no - 1 > yes) | ((no - 1 == yes) & ~usual))
    return float((done + left).sum())


def _find_substitutes(there: Flags, present: Flags, panel: Codes, subject: Codes, k: int) -> list[Follows]:
    """Panels that are done instead of a more common series that is then left out of its own panel."""
    asked = there[:, panel]
    left_out = (asked & ~present).astype(np.float32)
    together = left_out.T @ there.astype(np.float32)  # (series, panels)
    n_out, n_there, n_present = left_out.sum(axis=0), there.sum(axis=0), present.sum(axis=0)
    wrong = n_out[:, None] + n_there[None, :] - 2 * together
    fits = (together >= FOLLOWS * n_there) & (wrong <= (1 - FOLLOWS) * asked.sum(axis=0)[:, None]) & (wrong <= GAIN * n_there)
    fits &= (n_present[:, None] > n_there) & (panel[:, None] != np.arange(there.shape[1])) & (n_there > 0)
    found = []
    for p in np.flatnonzero(fits.any(axis=0)).tolist():
        if len(distinct_values(subject[there[:, p]])) >= k:
            parent = int(np.where(fits[:, p], wrong[:, p], np.inf).argmin())
            found.append(Follows(p, parent, np.empty(0), np.empty(0, bool)))
    return found

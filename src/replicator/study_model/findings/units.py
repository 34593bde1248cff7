"""What is measured when: panels, members that a panel misses, and tests that only follow from the result of another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.distinct import distinct_values
from replicator.models.panels import Presence, find_panels
from replicator.models.persistence import Occasions
from replicator.study_model.findings.closing import LastTime, find_last_times
from replicator.study_model.findings.cores import find_cores, hold_cores
from replicator.study_model.findings.everyone import find_everyone, with_everyone
from replicator.study_model.findings.follows import Follows, any_of, find_followers, panels_told_apart
from replicator.study_model.findings.moments import Moment
from replicator.study_model.spine import Spine

Codes = NDArray[np.intp]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


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
        panel = panels_told_apart(find_panels(present), present, result, occasions.subject, k)
        n_panels = int(panel.max(initial=-1)) + 1
        there = any_of(present, panel)
        follows = find_followers(there, present, result, panel, occasions.subject, k)
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
        everyone = find_everyone(present, arm, occasions, sizes[0], k)
        last_times = find_last_times(there, cell, sizes[1], spine, occasions, visits & first, k)
        return cls(panel.astype(np.int64), group, member, n_panels, follows, moment, presence, everyone, last_times, cores)

    @property
    def parents(self) -> Codes:
        """Series that others follow from."""
        return np.array(sorted({rule.parent for rule in self.follows}), np.intp)

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
        return with_everyone(out, self.everyone, arm, cell, occasions)

    def restrict(self, seen: Flags, result: Floats) -> Flags:
        """Take away what does not follow from the results: (n_occasions, n_series) bool."""
        out = seen.copy()
        for rule in self.follows:
            out[:, self.panel == rule.panel] &= rule.done(out, result, self.panel)[:, None]
        return out


def _units(done: Flags, asked: Flags, n_before: int) -> tuple[NDArray[np.int64], int]:
    """Number the units of series that are not always done when asked for: (n_series,), -1 for others; and how many there are now.

    Series that are asked for and done on the same occasions are one unit.
    """
    _, first, group = distinct_values(np.concatenate([asked, done]), axis=1, return_index=True, return_inverse=True)
    incomplete = (done[:, first] != asked[:, first]).any(axis=0)
    number = np.where(incomplete, n_before + np.cumsum(incomplete) - 1, -1)
    return number[group.reshape(-1)].astype(np.int64), n_before + int(incomplete.sum())

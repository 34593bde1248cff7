"""The conditions behind medicines: for which earlier event of its subject one is given, and what nobody takes without."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.special import gammaln
from replicator.standards.medicine_needs import load_medicine_needs
from replicator.study_model.events.catalogue import TermCatalogue, Terms
from replicator.study_model.events.facts import mentions, rows_that_mention
from replicator.study_model.events.needs import Bools, Ints, Needs
from replicator.study_model.spine import Spine
from replicator.tables.dates import Dates, Precision

ALPHA = 0.01  # chance at most, by which so many who take a medicine have its condition, to say that it goes with it
LENGTH = {Precision.YEAR: 365.0, Precision.MONTH: 30.0}  # days from the first possible day of a partial date to the last


@dataclass(frozen=True, eq=False)
class Behind:
    """Starts (n,) of the conditions behind some occurrences: before the study, and on it; missing where there is none."""

    past: Dates
    study: Dates


@dataclass(frozen=True, eq=False)
class Reasons:
    """What kinds of medicine are given for.

    Attributes
    ----------
    conditions : tuple of tuple of str
        Parts of words of conditions, one of which is behind a medicine.
    of_kind : (n_kinds,) int64
        Conditions of each kind of medicine, -1 for none.
    only : (n_kinds,) bool
        Whether nobody without one of its conditions takes a medicine.
    """

    kind: ClassVar[str] = "reasons of medicines"

    conditions: tuple[Needs, ...]
    of_kind: Ints
    only: Bools

    @classmethod
    def fit(cls, terms: Terms, count: Ints, spine: Spine, k: int) -> tuple[Reasons, Bools]:
        """Find the conditions of kinds, and which medicines nobody takes without them.

        Parameters
        ----------
        terms : Terms
        count : (n, n_kinds) int64
            How many terms of each kind each subject has.
        spine : Spine
        k : int

        Returns
        -------
        Reasons
        goes : (n_kinds,) bool
            Kinds whose takers have their condition more often than by chance.

        Notes
        -----
        Of the conditions that a medicine may be given for, those are behind it that go best with who takes it, if `k` of these have
        them and `k` subjects have not. As many choices are counted as tests. That nobody takes it without is a law where it goes
        with its condition and nobody is seen to.
        """
        listed = load_medicine_needs().conditions
        needs = tuple(dict.fromkeys(need for needs in terms.needs for need in needs))
        parts = tuple(dict.fromkeys(part for need in needs for part in listed[need]))
        mentioned = mentions(spine, tuple((part,) for part in parts)) if parts else None
        if mentioned is None:
            nothing = np.zeros(len(terms.needs), bool)
            return cls((), np.full(len(terms.needs), -1, np.int64), nothing), nothing
        chosen: dict[Needs, int] = {}
        of_kind, only, goes = np.full(len(terms.needs), -1, np.int64), *np.zeros((2, len(terms.needs)), bool)
        for code, given_for in enumerate(terms.needs):
            offered = _offered([listed[need] for need in given_for])
            takes = count[:, code] > 0
            holds = [np.asarray(mentioned[:, [parts.index(part) for part in one]].any(axis=1), bool) for one in offered]
            enough = [i for i, one in enumerate(holds) if (takes & one).sum() >= k]
            if not enough:
                continue
            best = max(enough, key=lambda i: _overlap(takes, holds[i]))
            of_kind[code] = chosen.setdefault(offered[best], len(chosen))
            goes[code] = (~holds[best]).sum() >= k and _chance(takes, holds[best]) <= ALPHA / len(offered)
            only[code] = goes[code] and not (takes & ~holds[best]).any()
        return cls(tuple(chosen), of_kind, only), goes

    def barred(self, spine: Spine) -> Bools | None:
        """Kinds that each subject has no condition for: (n, n_kinds); None where there is no such law."""
        holds = mentions(spine, self.conditions) if self.only.any() else None
        if holds is None:
            return None
        return np.asarray(self.only & ~np.pad(holds, ((0, 0), (0, 1)))[:, self.of_kind], bool)

    def behind(
        self,
        spine: Spine,
        catalogue: TermCatalogue,
        owner: NDArray[np.int32] | Ints,
        kind_of: Ints,
        row: Ints,
        start: Dates | None = None,
        rng: np.random.Generator | None = None,
    ) -> Behind:
        """Find the condition behind each occurrence.

        Parameters
        ----------
        catalogue : TermCatalogue
            Tells what its stand-ins are given for.
        owner, kind_of, row : (n,) int
            Subject, kind and row of the catalogue of each occurrence.
        start : Dates, optional
            Of the occurrences: of several conditions the last that had begun is behind one, else the first.
        rng : numpy.random.Generator, optional
            Without starts the occurrences of a subject take its conditions in turn, the first of them drawn.
        """
        words = (*self.conditions, *catalogue.needs)
        stands_for = np.append(catalogue.need, -1)[row]
        which = self.of_kind[kind_of]
        which = np.where((which < 0) & (stands_for >= 0), len(self.conditions) + stands_for, which)
        subject, need, since = rows_that_mention(spine, words)
        past = since.day < spine.marks["FIRST"][subject]
        turn = np.zeros(spine.n) if rng is None else rng.random(spine.n)
        found = []
        for mine in (past, ~past):
            key, chosen = subject[mine].astype(np.int64) * len(words) + need[mine], since.take(np.flatnonzero(mine))
            found.append(_one_of_each(key, chosen, np.where(which < 0, -1, owner * len(words) + which), start, turn[owner]))
        return Behind(*found)


def _offered(needs: Sequence[Needs]) -> list[Needs]:
    """Parts of words of conditions that may be behind a medicine: all of its needs, those of one need, or a single one."""
    every = tuple(dict.fromkeys(part for parts in needs for part in parts))
    return list(dict.fromkeys([every, *needs, *((part,) for part in every)])) if every else []


def _overlap(takes: Bools, holds: Bools) -> float:
    """Those who take a medicine and have the condition, among all who do either (Dice, 1945, Ecology 26:297)."""
    return float(2 * (takes & holds).sum() / max(1, takes.sum() + holds.sum()))


def _chance(takes: Bools, holds: Bools) -> float:
    """Chance that so many takers or more have the condition (Fisher, 1935, J. R. Statist. Soc. 98:39)."""
    n, takers, with_it = len(takes), int(takes.sum()), int(holds.sum())
    both = np.arange(int((takes & holds).sum()), min(takers, with_it) + 1)
    both = both[takers - both <= n - with_it]
    ways = _log_choose(with_it, both) + _log_choose(n - with_it, takers - both) - _log_choose(n, np.array([takers]))
    return float(np.exp(ways).sum())


def _log_choose(n: int, chosen: Ints) -> NDArray[np.float64]:
    """Logarithm of the number of ways to choose some of `n`."""
    return np.asarray(gammaln(n + 1.0) - gammaln(chosen + 1.0) - gammaln(n - chosen + 1.0), np.float64)


def _one_of_each(key: Ints, since: Dates, wanted: Ints, start: Dates | None, turn: NDArray[np.float64]) -> Dates:
    """Dates (n,) of one of the conditions with the `wanted` key (n,), -1 for none; `turn` (n,) is equal for those of a subject."""
    order = np.lexsort((since.day, key))
    key, since = key[order], since.take(order)
    low, high = np.searchsorted(key, wanted, "left"), np.searchsorted(key, wanted, "right")
    n = high - low
    if start is None:
        by_key = np.argsort(wanted, kind="stable")
        place = np.empty(len(wanted), np.int64)
        place[by_key] = np.arange(len(wanted)) - np.searchsorted(wanted[by_key], wanted[by_key], "left")
        at = low + (place + np.floor(turn * n).astype(np.int64)) % np.maximum(n, 1)
    else:
        until = start.day + np.select([start.precision == one for one in LENGTH], list(LENGTH.values()), 0.0)
        days = np.unique(np.append(since.day, until))
        rank, bound = np.searchsorted(days, since.day), np.searchsorted(days, until)
        at = np.searchsorted(key * len(days) + rank, wanted * len(days) + bound, "right") - 1
        at = np.maximum(at, low)
    return since.padded().take(np.where(n > 0, at, len(key)))

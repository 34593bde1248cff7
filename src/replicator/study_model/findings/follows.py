"""Tests that are done only after certain results of another test, or instead of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.distinct import distinct_values
from replicator.models.panels import find_panels

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Codes = NDArray[np.intp]

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


def any_of(present: Flags, panel: Codes) -> Flags:
    """Whether anything of each panel was measured: (n_occasions, n_panels)."""
    n_panels = int(panel.max(initial=-1)) + 1
    return np.stack([present[:, panel == p].any(axis=1) for p in range(n_panels)], axis=1) if n_panels else present


def panels_told_apart(panel: Codes, present: Flags, result: Floats, subject: Codes, k: int) -> Codes:
    """Panels (n_series,) with a panel of their own for series whose absence from theirs the result of another test tells."""
    if not len(panel):
        return panel
    missed = any_of(present, panel)[:, panel] & ~present
    _, finer = distinct_values(
        np.stack([panel, np.where(missed.any(axis=0), find_panels(missed), -1)]), axis=1, return_inverse=True
    )
    finer = finer.reshape(-1).astype(np.intp)
    told = np.isin(finer, [rule.panel for rule in _told_by_results(any_of(present, finer), present, result, finer, subject, k)])
    alone = np.where(told, int(panel.max()) + 1 + finer, panel)
    return np.asarray(distinct_values(alone, return_inverse=True)[1].reshape(-1), np.intp)


def find_followers(there: Flags, present: Flags, result: Floats, panel: Codes, subject: Codes, k: int) -> tuple[Follows, ...]:
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

"""One result of a study in source and sample, and by which rule both agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy.stats import norm

from replicator.evaluation.distances import Floats, Ints
from replicator.evaluation.endpoints.estimates import Estimates
from replicator.evaluation.measures import NORMAL_95, Interval
from replicator.evaluation.sharing import FEWEST_SHARED
from replicator.rules.grouping import Mask

SIGNIFICANT = 0.05


class EndpointKind(StrEnum):
    """What is estimated."""

    CHANGE = "change from baseline"
    RESULT = "mean result"
    INCIDENCE = "incidence"
    STAYING = "staying in the study"
    HAZARD = "hazard of leaving"
    SHIFT = "shift of range indicators"


@dataclass(frozen=True)
class Estimate:
    """An estimate with its 95 % interval; NaN where it cannot be told, or stands on fewer than five subjects of the source.

    Attributes
    ----------
    value : float
    interval : Interval
    n : int
        Subjects behind it; of a difference, of both arms.
    p : float
        Of a difference; NaN of what is no difference.
    """

    value: float
    interval: Interval
    n: int
    p: float = np.nan


@dataclass(frozen=True)
class Endpoint:
    """One result of a study.

    Attributes
    ----------
    kind : EndpointKind
    dataset : str
        ``""`` of those that come from the participation.
    name : str
        What is looked at, such as ``LB ALT (U/L)``.
    time : str
        Planned visit, day, or which of the results after baseline; ``""`` without one.
    arm : str
        ``""`` where there are no arms.
    against : str
        The reference arm of a difference or hazard ratio; ``""`` of what one arm shows.
    source, sample : Estimate
    scaled : Interval
        Interval of the sample's estimate as it would be with the source's number of subjects.
    inside : bool
        Whether the source's estimate lies in `scaled`.
    compatible : bool
        Whether the two estimates differ by no more than 1.96 standard errors of their difference.
    sign_kept : bool or None
        Whether the sample's difference has the source's sign; None unless the source's is significant (p < 0.05).
    """

    kind: EndpointKind
    dataset: str
    name: str
    time: str
    arm: str
    against: str
    source: Estimate
    sample: Estimate
    scaled: Interval
    inside: bool
    compatible: bool
    sign_kept: bool | None

    @property
    def gap(self) -> float:
        """How far the source's estimate lies from the sample's, in half widths of the scaled interval; NaN if untold."""
        half = (self.scaled.high - self.scaled.low) / 2
        away = self.source.value - self.sample.value
        return abs(away) / half if half > 0 else (0.0 if away == 0 else np.inf) if half == 0 else np.nan

    def label(self) -> str:
        """Name it in words, such as ``LB ALT (U/L) at WEEK 8, Active less Placebo``."""
        at = f" at {self.time}" if self.time else ""
        where = self.between()
        return f"{self.name}{at}{f', {where}' if where else ''}"

    def between(self) -> str:
        """Name its arm, or the two that it compares, such as ``Active less Placebo``; ``""`` where there is one only."""
        over = " over " if self.kind is EndpointKind.HAZARD else " less "
        return f"{self.arm}{over}{self.against}" if self.against else self.arm


@dataclass(frozen=True, eq=False)
class Compared:
    """Endpoints of one kind as arrays of (n,) each; ratios are logarithms.

    Attributes
    ----------
    names, times, arms, against : sequence of str
        See :class:`Endpoint`.
    sides : sequence of three Estimates
        Of the source, of the sample, and of the sample with as many subjects as the source.
    shown : (n,) bool
        Whether the source's estimate stands on enough subjects to be shown.
    """

    kind: EndpointKind
    dataset: str
    names: Sequence[str]
    times: Sequence[str]
    arms: Sequence[str]
    against: Sequence[str]
    sides: Sequence[Estimates]
    shown: Mask

    @property
    def source(self) -> Estimates:
        """Estimates of the source."""
        return self.sides[0]

    @property
    def sample(self) -> Estimates:
        """Estimates of the sample."""
        return self.sides[1]

    @property
    def scaled(self) -> Estimates:
        """Estimates of the sample as they would be with as many subjects as the source."""
        return self.sides[2]

    @property
    def inside(self) -> Mask:
        """Whether the source's estimate lies in the sample's interval at the source's size."""
        slack = 1e-9 * np.maximum(np.abs(self.source.value), 1.0)
        return np.asarray((self.source.value >= self.scaled.low - slack) & (self.source.value <= self.scaled.high + slack))

    @property
    def error(self) -> Floats:
        """Standard error of the difference of the two estimates, if they were of the same process."""
        return np.hypot(self.source.error, self.sample.error)

    @property
    def compatible(self) -> Mask:
        """Whether the two estimates differ by no more than chance explains."""
        away = np.abs(self.source.value - self.sample.value)
        return np.asarray(away <= NORMAL_95 * self.error + 1e-9 * np.maximum(np.abs(self.source.value), 1.0))

    @property
    def significant(self) -> Mask:
        """Differences of the source with p < 0.05."""
        return np.asarray((self.source.p < SIGNIFICANT) & (self.source.value != 0))

    @property
    def sign_kept(self) -> Mask:
        """Whether the sample's difference has the source's sign."""
        return np.asarray(self.source.value * self.sample.value > 0)

    def expected_inside(self) -> Floats:
        """Probability that `inside` holds if the sample's subjects were other real subjects."""
        value, low, high = self.sample.value, self.scaled.low, self.scaled.high
        wide = high > low  # an end at the estimate itself is the end of the scale: no share is below 0 or above 1
        above, below = (np.where(wide & (end == value), np.inf, np.abs(end - value)) for end in (high, low))
        error = self.error
        with np.errstate(invalid="ignore", divide="ignore"):
            found = norm.cdf(above / error) - norm.cdf(-below / error)
        return np.where(error > 0, found, np.where(error == 0, 1.0, np.nan))

    def expected_sign(self) -> Floats:
        """Probability that `sign_kept` holds if the sample's subjects were other real subjects.

        Notes
        -----
        What is significant in the source looks larger than it is. With true effects of variance t² in units of the source's
        standard error, t² estimated from all differences of the kind as mean(z²) - 1, an observed z speaks for a true effect
        of mean bz and variance b, b = t² / (1 + t²) [1]_.

        References
        ----------
        .. [1] E. van Zwet, S. Schwab, S. Senn, "The statistical properties of RCTs and a proposal for shrinkage", *Statistics in
           Medicine* 40, 2021, pages 6107-6117.
        """
        with np.errstate(invalid="ignore", divide="ignore"):
            z = self.source.value / self.source.error
            relative = self.sample.error / self.source.error
        told = np.isfinite(z) & np.isfinite(self.source.p)
        spread = max(float(np.mean(z[told] ** 2)) - 1.0, 0.0) if told.any() else 0.0
        drawn = spread / (1.0 + spread)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(norm.cdf(drawn * np.abs(z) / np.sqrt(drawn + relative**2)))

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return them one by one."""
        ratio = self.kind is EndpointKind.HAZARD
        inside, compatible, significant, kept = (
            mask.tolist() for mask in (self.inside, self.compatible, self.significant, self.sign_kept)
        )
        sides = (_rows(self.source, ratio), _rows(self.sample, ratio), _rows(self.scaled, ratio))
        return tuple(
            Endpoint(
                self.kind,
                self.dataset,
                self.names[i],
                self.times[i],
                self.arms[i],
                self.against[i],
                sides[0][i] if shown else Estimate(np.nan, Interval(np.nan, np.nan), sides[0][i].n),
                sides[1][i],
                sides[2][i].interval,
                inside[i],
                compatible[i],
                kept[i] if significant[i] and shown else None,
            )
            for i, shown in enumerate(self.shown.tolist())
        )


def _rows(estimates: Estimates, ratio: bool) -> list[Estimate]:
    numbers = [estimates.value, estimates.low, estimates.high]
    value, low, high = ((np.exp(one) if ratio else one).tolist() for one in numbers)
    n, p = estimates.n.tolist(), estimates.p.tolist()
    return [Estimate(value[i], Interval(low[i], high[i]), int(n[i]) if np.isfinite(n[i]) else 0, p[i]) for i in range(len(value))]


def not_few(count: Floats, n: Floats) -> Mask:
    """Whether neither a count nor what it leaves of `n` is one to four subjects."""
    left = n - count
    return np.asarray(((count == 0) | (count >= FEWEST_SHARED)) & ((left == 0) | (left >= FEWEST_SHARED)))


def kept_pairs(kept: Mask, control: int) -> tuple[tuple[Ints, Ints], tuple[Ints, Ints]]:
    """Positions of single arms, and of the arms that are held against the control.

    Parameters
    ----------
    kept : (n_arms, n_cells) bool
        Arms that have enough subjects in a cell.

    Returns
    -------
    single, pairs : tuple of (n,) int64 each
        Cells and arms, by cell and then by arm.
    """
    cells, arms = np.nonzero(kept.T)
    against = kept & kept[control] & (np.arange(len(kept)) != control)[:, None] if control >= 0 else np.zeros_like(kept)
    compared, other = np.nonzero(against.T)
    return (cells.astype(np.int64), arms.astype(np.int64)), (compared.astype(np.int64), other.astype(np.int64))

"""Differences between two profiles as plain data, and when a difference is more than chance."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from html import escape

from replicator.profile.plain import from_json_text, to_json_text
from replicator.profile.study_profile import FORMAT, Levels, Quantiles
from replicator.tables.notebook import html_table

STANDARD_ERRORS = 3.0  # a share or mean must differ by more, as thousands are compared
_SHOWN = 40  # differences in a notebook
_LEAST = 0.01  # differences of shares below are not named, however certain
_EXPECTED_VARIATION = 1.5  # times half the sum of the standard errors of all shares; by chance it is about 0.8


class Change(StrEnum):
    """What kind of difference it is, the weightiest first."""

    DATASET = "dataset"  # there or not
    KIND = "kind"  # what a row is, the key
    VARIABLE = "variable"  # there or not
    TYPE = "type"  # role, content, decimals
    RULE = "rule"  # a dependency or derivation that holds on one side only
    TEST = "test"  # there or not, its unit
    VISIT = "visit"  # there or not, its day
    ARM = "arm"  # there or not
    CODE = "code"  # a value that the other side does not have
    COUNT = "count"  # subjects, rows a subject
    MISSING = "missing"  # share of missing cells, of partial dates
    INCIDENCE = "incidence"  # share of subjects with an event
    DISTRIBUTION = "distribution"  # of numbers and categories
    LABEL = "label"


_WEIGHT = {change: float(len(Change) - place) for place, change in enumerate(Change)}


@dataclass(frozen=True)
class Difference:
    """One difference.

    Attributes
    ----------
    change : Change
        Its kind.
    where : str
        ``DATASET``, ``DATASET.VARIABLE``, ``DATASET.VARIABLE=VALUE``, ``DATASET.TEST`` or ``visit NAME``; ``""`` for the study.
    before, after : str
        What stands in the first and in the second profile, in words; ``""`` for nothing.
    size : float
        0 to 1: 1 for what is there or not (a test, visit or arm: the share of subjects who have it); of shares their difference; of
        categories the total variation distance; of numbers how far mean and quantiles lie apart in standard deviations, cut at 1.
    """

    change: Change
    where: str
    before: str
    after: str
    size: float

    @property
    def importance(self) -> float:
        """What differences are sorted by: the weight of the kind times the size."""
        return _WEIGHT[self.change] * self.size


@dataclass(frozen=True, repr=False)
class ProfileComparison:
    """Differences between two profiles, the most important first; without any, nothing stood out from chance.

    Attributes
    ----------
    before, after : str
        Names of the studies.
    """

    before: str
    after: str
    n_subjects_before: int
    n_subjects_after: int
    differences: tuple[Difference, ...]
    format: int = FORMAT

    def __repr__(self) -> str:
        return f"<ProfileComparison {self.before} and {self.after}: {len(self.differences):,} differences>"

    def _repr_html_(self) -> str:
        """Show the most important differences in a notebook."""
        shown = self.differences[:_SHOWN]
        rows = ((d.change.value, d.where or "study", d.before or "–", d.after or "–", f"{d.size:.2f}") for d in shown)
        more = f"<p>{len(self.differences) - len(shown):,} more</p>" if len(shown) < len(self.differences) else ""
        return (
            f"<p><b>{escape(self.before)}</b> ({self.n_subjects_before:,} subjects) and <b>{escape(self.after)}</b> "
            f"({self.n_subjects_after:,} subjects): {len(self.differences):,} differences</p>"
            + html_table(("what", "where", "before", "after", "size"), rows)
            + more
        )

    def to_json(self) -> str:
        """Write the comparison as JSON text."""
        return to_json_text(self)

    @classmethod
    def from_json(cls, text: str) -> ProfileComparison:
        """Read what :meth:`to_json` wrote.

        Raises
        ------
        ReadError
            If the text is no JSON, no comparison, or of a newer format.
        """
        return from_json_text(cls, text, FORMAT)


def share_change(before: float, n_before: int, after: float, n_after: int) -> float | None:
    """Return how far two shares differ, if by more than three standard errors and one point; else ``None``.

    Notes
    -----
    The standard error is sqrt(p (1 - p) (1 / n1 + 1 / n2)) with the pooled share p, n the numbers of subjects.
    """
    size = abs(before - after)
    error = _share_error(before, n_before, after, n_after)
    return size if size > max(STANDARD_ERRORS * error, _LEAST) else None


def _share_error(before: float, n_before: int, after: float, n_after: int) -> float:
    pooled = (before * n_before + after * n_after) / max(n_before + n_after, 1)
    return math.sqrt(max(pooled * (1 - pooled), 0.0) * (1 / max(n_before, 1) + 1 / max(n_after, 1)))


def shift(before: Quantiles | None, n_before: int, after: Quantiles | None, n_after: int) -> float | None:
    """Return how far two distributions of numbers lie apart, if by more than three standard errors; else ``None``.

    Notes
    -----
    The larger of |m1 - m2| / s and the mean of |q1 - q2| / s over the quantiles 5, 25, 50, 75 and 95 %, with the pooled spread
    s = sqrt((s1^2 + s2^2) / 2). The standard error is sqrt(1 / n1 + 1 / n2); n are the numbers of subjects, since the values of
    one subject are alike.
    """
    if before is None or after is None:
        return None
    pooled = math.sqrt((before.sd**2 + after.sd**2) / 2)
    if pooled == 0:
        return None if before.mean == after.mean else 1.0
    moved = abs(before.mean - after.mean) / pooled
    apart = sum(abs(one - two) for one, two in zip(_inner(before), _inner(after), strict=True)) / (len(_inner(before)) * pooled)
    error = math.sqrt(1 / max(n_before, 1) + 1 / max(n_after, 1))
    size = max(moved, apart)
    return min(size, 1.0) if size > max(STANDARD_ERRORS * error, 5 * _LEAST) else None


def _inner(quantiles: Quantiles) -> tuple[float, ...]:
    return quantiles.p05, quantiles.p25, quantiles.p50, quantiles.p75, quantiles.p95


def variation(before: Levels, n_before: int, after: Levels, n_after: int) -> float | None:
    """Return the total variation distance of two categories, if clearly more than chance gives; else ``None``.

    Values that only one side names stand with the other side's unnamed ones.
    """
    shares = [_shares(levels) for levels in (before, after)]
    common = set(shares[0]) & set(shares[1])
    if not shares[0] or not shares[1]:
        return None
    aligned = [{value: side[value] for value in common} | {"": 1 - sum(side[value] for value in common)} for side in shares]
    distance = sum(abs(aligned[0][value] - aligned[1][value]) for value in aligned[0]) / 2
    error = sum(_share_error(aligned[0][value], n_before, aligned[1][value], n_after) for value in aligned[0]) / 2
    return min(distance, 1.0) if distance > max(_EXPECTED_VARIATION * error, 2 * _LEAST) else None


def _shares(levels: Levels) -> dict[str, float]:
    total = sum(level.n_rows for level in levels.shared) + levels.n_other_rows
    return {level.value: level.n_rows / total for level in levels.shared} if total else {}

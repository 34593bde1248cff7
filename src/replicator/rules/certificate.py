"""A source and a sample under the same rules, side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from replicator.errors import StudyError
from replicator.rules.report import Outcome, PlainReport, ValidationReport
from replicator.rules.rule import Severity
from replicator.special import gammaln
from replicator.tables.notebook import html_table

SIGNIFICANCE = 0.01  # chance of calling two equal rates different, on each side
RATIO = 1.25  # rates nearer than this factor are the same, however many rows there are
COMPARISON_TITLES = ("verdict", "severity", "rule", "where", "source", "sample")


class Verdict(StrEnum):
    """How the sample stands to the source under one rule."""

    PASSED = "passed by both"
    BROKEN = "passed by the source, failed by the sample"
    UNSEEN = "not tested in the source, failed by the sample"
    RARE = "passed by the source, failed by the sample as rarely as chance allows"
    WITHHELD = "failed by the sample where values are withheld"
    SAME_RATE = "failed by both at about the same rate"
    MORE = "failed by the sample more often"
    LESS = "failed by the sample less often"
    CLEARED = "failed by the source, passed by the sample"
    NOT_TESTED = "not tested on one side"


LOST = (Verdict.BROKEN, Verdict.UNSEEN, Verdict.MORE)
"""Verdicts with which a certificate does not hold."""

NOTED = (*LOST, Verdict.LESS, Verdict.CLEARED, Verdict.WITHHELD, Verdict.RARE, Verdict.SAME_RATE)
"""Verdicts on what either side failed, the gravest first."""


_SOURCE_COUNTS, _SAMPLE_COUNTS = ("source_tested", "source_failed", "source_withheld"), ("sample_tested", "sample_failed")


@dataclass(frozen=True)
class Comparison:
    """One rule on one variable, in the source and in the sample; counts as in :class:`Outcome`, those withheld of the source.

    The message says what is wrong where the rule fails. Counts of fewer than `fewest` subjects, or rows, that are not to be told
    (:meth:`without_few`) are 0 and named in `untold`.
    """

    rule: str
    dataset: str
    variable: str
    severity: Severity
    verdict: Verdict
    source_tested: int
    source_failed: int
    sample_tested: int
    sample_failed: int
    source_withheld: int = 0
    message: str = ""
    fewest: int = 0
    untold: tuple[str, ...] = ()

    def without_few(self, fewest: int, subjects: Mapping[str, int], *, of_sample: bool = False) -> Comparison:
        """Take the counts of the source (and of the sample) away behind which stand fewer subjects, or rows.

        Parameters
        ----------
        fewest : int
        subjects : mapping
            Failing subjects of a side, by the name of its count; 0 where failures are about no subject.
        of_sample : bool
        """
        names = (*_SOURCE_COUNTS, *(_SAMPLE_COUNTS if of_sample else ()))
        few = tuple(name for name in names if getattr(self, name) and (subjects.get(name) or getattr(self, name)) < fewest)
        none: dict[str, Any] = dict.fromkeys(few, 0)
        return replace(self, fewest=fewest, untold=few, **none) if few else self

    def _failures(self, side: str, rate: float) -> str:
        """Say how many of how many failed on a side."""
        failed, tested = (
            f"fewer than {self.fewest:,}{unit}" if name in self.untold else f"{getattr(self, name):,}"
            for name, unit in ((f"{side}_failed", " subjects, out"), (f"{side}_tested", ""))
        )
        share = "" if {f"{side}_failed", f"{side}_tested"} & {*self.untold} else f" ({rate:.2%})"
        return f"{failed} of {tested}{share}"

    @property
    def source_rate(self) -> float:
        """Share of failures among the source's tests, 0 where nothing was tested."""
        return self.source_failed / max(self.source_tested, 1)

    @property
    def sample_rate(self) -> float:
        """Share of failures among the sample's tests, 0 where nothing was tested."""
        return self.sample_failed / max(self.sample_tested, 1)

    def cells(self) -> tuple[str, ...]:
        """Return what a table shows of the comparison, in the order of :data:`COMPARISON_TITLES`."""
        where = f"{self.dataset}.{self.variable}" if self.variable else self.dataset
        number = f"fewer than {self.fewest:,}" if "source_withheld" in self.untold else f"{self.source_withheld:,}"
        withheld = f", {number} withheld" if self.verdict is Verdict.WITHHELD else ""
        source = f"{self._failures('source', self.source_rate)}{withheld}"
        sample = self._failures("sample", self.sample_rate)
        return (self.verdict.value, self.severity.value, self.rule, where, source, sample)

    def to_dict(self) -> dict[str, object]:
        """Return plain JSON values."""
        return {**self.__dict__, "severity": self.severity.value, "verdict": self.verdict.value}


@dataclass(frozen=True, repr=False)
class Certificate(PlainReport):
    """All rules on both sides.

    Attributes
    ----------
    comparisons : tuple of Comparison
        One for each rule, dataset and variable that either side tested.
    """

    comparisons: tuple[Comparison, ...]

    @property
    def holds(self) -> bool:
        """Whether the sample breaks no rule that the source passed, or was not tested by, and fails none more often."""
        return not self.of(*LOST)

    def of(self, *verdicts: Verdict) -> tuple[Comparison, ...]:
        """Comparisons with one of these verdicts."""
        return tuple(comparison for comparison in self.comparisons if comparison.verdict in verdicts)

    def without_few(self, fewest: int, source: ValidationReport, sample: ValidationReport | None = None) -> Certificate:
        """Return it without counts behind which stand fewer subjects of the source, or of a sample of real ones; verdicts stay."""
        failing: dict[tuple[str, str, str], dict[str, int]] = {}
        for report, name in ((source, "source_failed"), (sample, "sample_failed")):
            for one in report.outcomes if report is not None else ():
                failing.setdefault((one.rule, one.dataset, one.variable), {})[name] = one.n_failed_subjects
        return Certificate(
            tuple(
                one.without_few(fewest, failing.get((one.rule, one.dataset, one.variable), {}), of_sample=sample is not None)
                for one in self.comparisons
            )
        )

    def counts(self) -> dict[Verdict, int]:
        """Count comparisons by verdict."""
        found = Counter(comparison.verdict for comparison in self.comparisons)
        return {verdict: found[verdict] for verdict in Verdict}

    def summary(self) -> str:
        """Say the whole in one sentence."""
        counts = self.counts()
        said = "; ".join(f"{counts[verdict]:,} {verdict.value}" for verdict in Verdict if counts[verdict])
        return f"The certificate {'holds' if self.holds else 'does not hold'}: {said or 'nothing was tested'}."

    def _repr_html_(self) -> str:
        shown = self.of(*NOTED)
        return f"<p>{escape(self.summary())}</p>{html_table(COMPARISON_TITLES, (comparison.cells() for comparison in shown))}"

    def to_dict(self) -> dict[str, object]:
        """Return plain JSON values."""
        return {
            "holds": self.holds,
            "counts": {verdict.value: n for verdict, n in self.counts().items()},
            "comparisons": [comparison.to_dict() for comparison in self.comparisons],
        }

    @classmethod
    def from_dict(cls, state: Mapping[str, object]) -> Certificate:
        """Build from :meth:`to_dict`.

        Raises
        ------
        StudyError
            If a part is missing or broken.
        """
        items = state.get("comparisons")
        try:
            if not isinstance(items, list):
                raise TypeError
            return cls(
                tuple(
                    Comparison(
                        **{
                            **item,
                            "severity": Severity(item["severity"]),
                            "verdict": Verdict(item["verdict"]),
                            "untold": tuple(item.get("untold", ())),
                        }
                    )
                    for item in items
                )
            )
        except (KeyError, TypeError, ValueError) as error:
            raise StudyError("A stored certificate is not complete; validate again with this version.") from error


def certificate(source: ValidationReport, sample: ValidationReport) -> Certificate:
    """Compare a sample with its source, rule by rule, dataset by dataset and variable by variable.

    Parameters
    ----------
    source, sample : ValidationReport
        Of runs of the same rules; the source's may have lost its findings (:meth:`ValidationReport.without_rows`).

    Notes
    -----
    A rule that the source passed must be passed: one failure breaks it, and so does a failure where the source had nothing to test.
    Not so a warning, which speaks of the unusual: a large sample has some of it, so rates are compared as for a rule that the
    source failed. Of such a rule, let ``f`` failures in ``t`` tests be its rate. The failures of one subject hang together, so
    failing subjects ``c`` are counted (failures, where there are no subjects), and tests in the same measure: ``c`` fail in
    ``u = t c / f``; where one side has no failure, its tests are weighed like the other's. If the rates were equal, ``c_sample``
    given ``c_source + c_sample = m`` would be hypergeometric: of ``u_source + u_sample`` tests ``m`` fail, and the sample has
    ``u_sample`` of them (Fisher's exact test). The sample fails *more often* if its rate is above 1.25 times the source's and
    ``P(X >= c_sample) < 0.01``; *less often* if it is below the source's divided by 1.25 and ``P(X <= c_sample) < 0.01``; else at
    about the same rate. A side without a failure has *passed*, and no rate is spoken of.

    A model must not keep what fewer than k subjects share, so its samples may miss cells that the source has. Where the sample
    fails more often than the source, the source's withheld cells are counted as if they were missing there: if that explains the
    rate, the failure is *withheld*, and else it stays what it was.

    References
    ----------
    Fisher RA (1935). The logic of inductive inference. Journal of the Royal Statistical Society 98, 39-82.
    Rao JNK, Scott AJ (1992). A simple method for the analysis of clustered binary data. Biometrics 48, 577-585: counts divided by
    their design effect.
    """
    rules = {rule.id: rule for rule in (*source.rules, *sample.rules)}
    before = {(outcome.rule, outcome.dataset, outcome.variable): outcome for outcome in source.outcomes if outcome.n_tested}
    after = {(outcome.rule, outcome.dataset, outcome.variable): outcome for outcome in sample.outcomes if outcome.n_tested}
    comparisons = []
    for key in (*before, *(key for key in after if key not in before)):
        old, new, rule = before.get(key), after.get(key), rules.get(key[0])
        severity = rule.severity if rule else Severity.ERROR
        comparisons.append(
            Comparison(
                *key,
                severity,
                _verdict(old, new, severity),
                old.n_tested if old else 0,
                old.n_failed if old else 0,
                new.n_tested if new else 0,
                new.n_failed if new else 0,
                old.n_withheld if old else 0,
                rule.message if rule else "",
            )
        )
    return Certificate(tuple(comparisons))


def _verdict(source: Outcome | None, sample: Outcome | None, severity: Severity) -> Verdict:
    if source is None or sample is None:
        return Verdict.UNSEEN if sample is not None and sample.n_failed else Verdict.NOT_TESTED
    if not sample.n_failed:
        return Verdict.CLEARED if source.n_failed else Verdict.PASSED
    more, less = _differ(source, sample)
    if more or (severity is Severity.ERROR and not source.n_failed):
        if source.n_withheld and not _differ(_with_withheld(source, sample), sample)[0]:
            return Verdict.WITHHELD
        return Verdict.MORE if source.n_failed else Verdict.BROKEN
    if not source.n_failed:
        return Verdict.RARE
    return Verdict.LESS if less else Verdict.SAME_RATE


def _differ(source: Outcome, sample: Outcome) -> tuple[bool, bool]:
    """Tell whether the sample, which has failures, fails more often, and whether it fails less often; see :func:`certificate`."""
    old_rate, new_rate = source.n_failed / source.n_tested, sample.n_failed / sample.n_tested
    old_count = source.n_failed_subjects or source.n_failed
    new_count = sample.n_failed_subjects or sample.n_failed
    new_tests = sample.n_tested * new_count / sample.n_failed
    old_tests = source.n_tested * (old_count / source.n_failed if source.n_failed else new_count / sample.n_failed)
    tests = max(round(old_tests), old_count), max(round(new_tests), new_count)
    more = new_rate > RATIO * old_rate and _chance_of_so_many(new_count, old_count, tests[1], tests[0]) < SIGNIFICANCE
    less = new_rate < old_rate / RATIO and _chance_of_so_many(old_count, new_count, *tests) < SIGNIFICANCE
    return bool(more), bool(less)


def _chance_of_so_many(failed: int, failed_beside: int, tested: int, tested_beside: int) -> float:
    """Chance that at least as many fail on one side, where each test of both is as likely to be among all that fail."""
    both = failed + failed_beside
    x = np.arange(failed, min(both, tested) + 1, dtype=np.float64)
    log = _log_choose(tested, x) + _log_choose(tested_beside, both - x) - _log_choose(tested + tested_beside, both)
    return float(np.exp(log).sum())


def _log_choose(n: int, x: NDArray[np.float64] | int) -> NDArray[np.float64]:
    return np.asarray(gammaln(n + 1) - gammaln(np.asarray(x) + 1) - gammaln(n - np.asarray(x) + 1), np.float64)


def _with_withheld(source: Outcome, sample: Outcome) -> Outcome:
    """Count withheld cells as failures, and their subjects in the sample's measure."""
    failed = source.n_failed + source.n_withheld
    each = (sample.n_failed_subjects or sample.n_failed) / sample.n_failed
    return replace(source, n_failed=failed, n_failed_subjects=max(1, round(failed * each)))

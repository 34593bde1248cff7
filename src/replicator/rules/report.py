"""What a run of rules gives: an outcome for each rule and dataset, and a finding with its rows for each failure."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from html import escape
from typing import TypeVar

from replicator.counting import counted
from replicator.errors import StudyError
from replicator.rules.rule import Origin, Rule, Severity
from replicator.tables.notebook import html_table

T = TypeVar("T", bound="Outcome | Finding")

FINDING_TITLES = ("severity", "rule", "where", "failed", "rows", "values", "what is wrong", "what to do")
SHOWN_ROWS = 5  # rows and values that a table shows of a finding; JSON has them all


class PlainReport(ABC):
    """A report that is plain values and can be written as JSON."""

    @abstractmethod
    def summary(self) -> str:
        """Say in one sentence what was found."""

    @abstractmethod
    def to_dict(self) -> dict[str, object]:
        """Return plain JSON values."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.summary()}>"

    def to_json(self) -> str:
        """Write as JSON text."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=1)


class Status(StrEnum):
    """What became of a rule in a run; not applicable is not passed."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True)
class Outcome:
    """What became of one rule on one variable of one dataset; counts only, no rows.

    Attributes
    ----------
    rule : str
        :attr:`Rule.id`.
    dataset, variable : str
        Where it was applied; both ``""`` where it was not applicable anywhere.
    status : Status
    n_tested, n_failed : int
        Rows (or variables, for rules about metadata) that were tested and that failed.
    n_failed_subjects : int
        Subjects among the failing rows; 0 for what is not about a subject.
    reason : str
        Why the rule was not applicable.
    n_withheld : int
        Rows among the tested ones whose cell no model may keep (:mod:`replicator.rules.withheld`); of a source.
    """

    rule: str
    dataset: str
    variable: str
    status: Status
    n_tested: int = 0
    n_failed: int = 0
    n_failed_subjects: int = 0
    reason: str = ""
    n_withheld: int = 0

    def to_dict(self) -> dict[str, object]:
        """Return plain JSON values."""
        return {**self.__dict__, "status": self.status.value}

    @classmethod
    def from_dict(cls, state: Mapping[str, object]) -> Outcome:
        """Build from :meth:`to_dict`."""
        return _from_plain(cls, state)


@dataclass(frozen=True)
class Finding:
    """One failure: where, what is wrong, and what to do.

    Attributes
    ----------
    rule, code : str
        :attr:`Rule.id` and :attr:`Rule.code`.
    severity : Severity
    dataset, variable : str
        Where.
    rows : tuple of int
        Positions of the failing rows in the dataset, from 0; empty for a finding about metadata.
    values : tuple of str
        What stands in `variable` in each of these rows (names of variables for a finding about metadata).
    subjects : tuple of str
        The subject of each of these rows, ``""`` where there is none.
    n_failed, n_tested : int
        Failures and tests; `n_failed` is ``len(rows)`` unless a limit was asked for.
    message, remedy : str
        From the rule.
    """

    rule: str
    code: str
    severity: Severity
    dataset: str
    variable: str
    rows: tuple[int, ...]
    values: tuple[str, ...]
    subjects: tuple[str, ...]
    n_failed: int
    n_tested: int
    message: str
    remedy: str

    def __str__(self) -> str:
        where = f"{self.dataset}.{self.variable}" if self.variable else self.dataset
        example = f", for example {self.values[0]!r}" if self.values and self.values[0] else ""
        place = f" in row {self.rows[0] + 1}" if self.rows and example else ""
        return f"{self.code} {where}: {self.message} ({self.n_failed} of {self.n_tested}{example}{place}). {self.remedy}"

    def cells(self) -> tuple[str, ...]:
        """Return what a table shows of the finding, in the order of :data:`FINDING_TITLES`."""
        where = f"{self.dataset}.{self.variable}" if self.variable else self.dataset
        rows = ", ".join(str(row + 1) for row in self.rows[:SHOWN_ROWS]) + (
            " …" if self.n_failed > SHOWN_ROWS and self.rows else ""
        )
        shown = list(dict.fromkeys(value for value in self.values if value))[:SHOWN_ROWS]
        share = f"{self.n_failed:,} of {self.n_tested:,}"
        return (self.severity.value, self.code, where, share, rows, ", ".join(shown), self.message, self.remedy)

    def to_dict(self) -> dict[str, object]:
        """Return plain JSON values."""
        return {
            **self.__dict__,
            "severity": self.severity.value,
            "rows": list(self.rows),
            "values": list(self.values),
            "subjects": list(self.subjects),
        }

    @classmethod
    def from_dict(cls, state: Mapping[str, object]) -> Finding:
        """Build from :meth:`to_dict`."""
        return _from_plain(cls, state)


def _from_plain(cls: type[T], state: Mapping[str, object]) -> T:
    fields = cls.__dataclass_fields__
    try:
        values = {name: tuple(value) if isinstance(value, list) else value for name, value in state.items() if name in fields}
        if "severity" in fields:
            values["severity"] = Severity(str(values["severity"]))
        if "status" in fields:
            values["status"] = Status(str(values["status"]))
        return cls(**values)  # type: ignore[arg-type]
    except (KeyError, TypeError, ValueError) as error:
        raise StudyError(f"A stored {cls.__name__.lower()} is not complete; validate again with this version.") from error


@dataclass(frozen=True, repr=False)
class ValidationReport(PlainReport):
    """All that a run of rules over a study gave.

    Attributes
    ----------
    study : str
        STUDYID, ``""`` if there is none.
    rules : tuple of Rule
        The rules of the run.
    outcomes : tuple of Outcome
        One for each rule, dataset and variable that was tested, and one for each rule that was not applicable anywhere.
    findings : tuple of Finding
        One for each failed outcome, errors first.
    """

    study: str
    rules: tuple[Rule, ...]
    outcomes: tuple[Outcome, ...]
    findings: tuple[Finding, ...]

    @property
    def n_errors(self) -> int:
        """Findings of severity error."""
        return sum(finding.severity is Severity.ERROR for finding in self.findings)

    @property
    def n_warnings(self) -> int:
        """Findings of severity warning."""
        return len(self.findings) - self.n_errors

    def status(self, rule: str) -> Status:
        """Return what became of a rule over all datasets, by its id or code: failed if it failed anywhere."""
        ids = {known.id for known in self.rules if rule in (known.id, known.code)}
        found = {outcome.status for outcome in self.outcomes if outcome.rule in ids}
        return next((status for status in (Status.FAILED, Status.PASSED) if status in found), Status.NOT_APPLICABLE)

    def counts(self) -> dict[Status, int]:
        """Count rules by what became of them."""
        by_rule: dict[str, set[Status]] = {rule.id: set() for rule in self.rules}
        for outcome in self.outcomes:
            by_rule.setdefault(outcome.rule, set()).add(outcome.status)
        order = (Status.FAILED, Status.PASSED)
        found = Counter(next((s for s in order if s in seen), Status.NOT_APPLICABLE) for seen in by_rule.values())
        return {status: found[status] for status in Status}

    def of(self, code: str) -> tuple[Finding, ...]:
        """Findings of one rule, by its id or code."""
        return tuple(finding for finding in self.findings if code in (finding.rule, finding.code))

    def learned(self) -> tuple[Rule, ...]:
        """Return the rules of the run that were learned from a source."""
        return tuple(rule for rule in self.rules if rule.origin is Origin.SOURCE)

    def without_rows(self) -> ValidationReport:
        """Leave out the findings, which hold rows and values of subjects: rules and rates are what a model may keep."""
        return replace(self, findings=())

    def summary(self) -> str:
        """Say the whole in one sentence."""
        counts = self.counts()
        return (
            f"{counted(len(self.rules), 'rule')}: {counts[Status.PASSED]:,} passed, {counts[Status.FAILED]:,} failed "
            f"({counted(self.n_errors, 'error')}, {counted(self.n_warnings, 'warning')}), "
            f"{counts[Status.NOT_APPLICABLE]:,} not applicable."
        )

    def _repr_html_(self) -> str:
        return f"<p>{escape(self.summary())}</p>{html_table(FINDING_TITLES, (finding.cells() for finding in self.findings))}"

    def to_dict(self) -> dict[str, object]:
        """Return plain JSON values; the inverse of :meth:`from_dict`."""
        return {
            "study": self.study,
            "rules": [rule.to_dict() for rule in self.rules],
            "outcomes": [outcome.to_dict() for outcome in self.outcomes],
            "findings": [finding.to_dict() for finding in self.findings],
        }

    @classmethod
    def from_dict(cls, state: Mapping[str, object]) -> ValidationReport:
        """Build from :meth:`to_dict`.

        Raises
        ------
        StudyError
            If a part is missing or broken.
        """
        return cls(
            str(state.get("study", "")),
            tuple(Rule.from_dict(item) for item in _mappings(state, "rules")),
            tuple(Outcome.from_dict(item) for item in _mappings(state, "outcomes")),
            tuple(Finding.from_dict(item) for item in _mappings(state, "findings")),
        )


def _mappings(state: Mapping[str, object], name: str) -> Iterable[Mapping[str, object]]:
    items = state.get(name)
    if not isinstance(items, list) or not all(isinstance(item, Mapping) for item in items):
        raise StudyError(f"A stored report has no list of {name}; validate again with this version.")
    return items

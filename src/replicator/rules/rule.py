"""A rule as plain data: what is checked, where, how grave a failure is, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from replicator.errors import StudyError


class Severity(StrEnum):
    """How grave a failure is."""

    ERROR = "error"  # against the standard, or impossible
    WARNING = "warning"  # unusual; a person must look


class Origin(StrEnum):
    """Where a rule comes from."""

    STANDARD = "standard"
    SOURCE = "source"


@dataclass(frozen=True)
class Rule:
    """One rule.

    Attributes
    ----------
    code : str
        Stable name for people, for example ``DATE-ORDER``; learned rules of one family share it (``SRC-RANGE``).
    kind : str
        Name of the check in :data:`replicator.rules.registry.CHECKS`.
    message : str
        What is wrong where the rule fails, in one sentence.
    remedy : str
        What to do then, in one sentence.
    severity : Severity
    origin : Origin
    dataset : str
        Name of the one dataset that the rule is about; ``""`` for every dataset that it fits.
    variable : str
        The variable that the rule is about; ``""`` where the check finds its variables itself.
    detail : str
        What tells the rule apart from others of its code and scope, for example ``TESTCD > POS``; mostly ``""``.
    parameters : mapping
        What the check needs besides; plain JSON values.
    """

    code: str
    kind: str
    message: str
    remedy: str
    severity: Severity = Severity.ERROR
    origin: Origin = Origin.STANDARD
    dataset: str = ""
    variable: str = ""
    detail: str = ""
    parameters: Mapping[str, object] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The code with its scope, unique among the rules of a run: ``SRC-RANGE LB.LBSTRESN``."""
        scope = ".".join(part for part in (self.dataset, self.variable) if part)
        return " ".join(part for part in (self.code, scope, self.detail) if part)

    def to_dict(self) -> dict[str, object]:
        """Return plain JSON values; the inverse of :meth:`from_dict`."""
        return {
            "code": self.code,
            "kind": self.kind,
            "message": self.message,
            "remedy": self.remedy,
            "severity": self.severity.value,
            "origin": self.origin.value,
            "dataset": self.dataset,
            "variable": self.variable,
            "detail": self.detail,
            "parameters": dict(self.parameters),
        }

    @classmethod
    def from_dict(cls, state: Mapping[str, object]) -> Rule:
        """Build from :meth:`to_dict`.

        Raises
        ------
        StudyError
            If a field is missing or holds something else than it should.
        """
        texts = {name: state.get(name) for name in ("code", "kind", "message", "remedy", "dataset", "variable", "detail")}
        parameters = state.get("parameters")
        if not all(isinstance(text, str) for text in texts.values()) or not isinstance(parameters, Mapping):
            raise StudyError(f"A rule with code {texts['code']!r} is not complete; write the rules again with this version.")
        try:
            severity, origin = Severity(str(state.get("severity"))), Origin(str(state.get("origin")))
        except ValueError as error:
            raise StudyError(f"The rule {texts['code']} has an unknown severity or origin; use error or warning.") from error
        return cls(**{name: str(text) for name, text in texts.items()}, severity=severity, origin=origin, parameters=parameters)

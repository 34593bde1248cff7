"""The judge: rules as data, checks, findings, certificate; it never imports what generates."""

from replicator.rules.certificate import Certificate, Comparison, Verdict, certificate
from replicator.rules.learning import learn_rules
from replicator.rules.report import Finding, Outcome, Status, ValidationReport
from replicator.rules.rule import Origin, Rule, Severity
from replicator.rules.standard import rules_of_standard
from replicator.rules.validation import validate

__all__ = [
    "Certificate",
    "Comparison",
    "Finding",
    "Origin",
    "Outcome",
    "Rule",
    "Severity",
    "Status",
    "ValidationReport",
    "Verdict",
    "certificate",
    "learn_rules",
    "rules_of_standard",
    "validate",
]

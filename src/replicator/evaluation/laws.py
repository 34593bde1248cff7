"""Which laws of the source the sample keeps: source, sample and real subjects held out under the same rules."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import bdtri

from replicator.evaluation.measures import Direction, Figure, Interval
from replicator.evaluation.sharing import FEWEST_SHARED
from replicator.profile.find import find_structure
from replicator.rules.certificate import LOST, Certificate, Verdict, certificate
from replicator.rules.learning import learn_rules
from replicator.rules.rule import Rule, Severity
from replicator.rules.standard import rules_of_standard
from replicator.rules.validation import validate
from replicator.tables.dataset import Study

UNSEEN_SO_FAR = (  # of what no subject of the source happened to show, which other real subjects may show
    "SRC-RANGE",
    "SRC-VALUES",
    "SRC-SHAPE",
    "SRC-PLAN",
    "SRC-PRESENT",
    "SRC-FILLED",
    "SRC-EMPTY",
    "SRC-NEAR",
    "SRC-ORDER",
    "SRC-KEY",
    "KEY-UNIQUE",
)
NAME = "laws held"
QUESTION = "Of the rules that the source keeps, which share does the sample keep?"


@dataclass(frozen=True)
class Laws:
    """Rules on both sides.

    Attributes
    ----------
    sample : Certificate
        Of the sample; without counts of the source that are lower than five.
    holdout : Certificate or None
        Of real subjects who were held out; without such counts of either.
    """

    sample: Certificate
    holdout: Certificate | None

    @property
    def lost(self) -> tuple[tuple[str, str, str], ...]:
        """Rule, dataset and variable of each law that the sample breaks and real subjects held out do not."""
        excused = set() if self.holdout is None else {(c.rule, c.dataset, c.variable) for c in self.holdout.of(*LOST)}
        keys = ((c.rule, c.dataset, c.variable) for c in self.sample.of(*LOST))
        return tuple(key for key in keys if key not in excused)

    def summary(self) -> str:
        """Say in words how many rules are kept, and how far real subjects held out keep those that are not."""
        kept, broken, lost = len(self.sample.of(Verdict.PASSED)), len(self.sample.of(*LOST)), len(self.lost)
        if not kept + broken:
            return "The source keeps no rule to hold the sample to."
        rare = len(self.sample.of(Verdict.RARE))
        of = f"{kept:,} of the {kept + broken + rare:,}" if broken + rare else f"all {kept:,}"
        rarely = f", and fails {rare:,} as rarely as chance allows" if rare else ""
        said = f"The sample keeps {of} rules that the source keeps and that it could be put to{rarely}."
        if self.holdout is None:
            return said
        theirs = len(self.holdout.of(*LOST))
        excused = broken - lost
        said += f" Real subjects who were held out break {theirs:,} of the source's rules"
        if not excused:
            return f"{said}."
        which = f"{excused:,} of the {broken:,}" if lost else "the one" if broken == 1 else f"all {broken:,}"
        return f"{said}, {which} that the sample breaks among them."


def judge_laws(source: Study, sample: Study, holdout: Study | None = None) -> Laws:
    """Learn the rules that the source keeps and put them, with those of the standard, to all sides; no row is kept.

    Notes
    -----
    That no number lies beyond a range, that no other value or precision is given, that nothing is entered twice or in another
    order, and that a test is not measured at a visit, is said of what the source's subjects did not show; one in a hundred others
    may. Such a rule, :data:`UNSEEN_SO_FAR`, is put as a warning: rates are compared, as in
    :func:`~replicator.rules.certificate.certificate`, and a few failures are not the loss of a law. Laws of how values follow from
    each other know no chance.
    """
    quiet = replace(source, notes=())
    structure = find_structure(quiet)
    rules = tuple(map(_as_put, (*rules_of_standard(), *learn_rules(quiet, structure, FEWEST_SHARED))))
    of_source, of_sample = (validate(study, rules, structure, max_rows=0) for study in (quiet, sample))
    shown = certificate(of_source, of_sample).without_few(FEWEST_SHARED, of_source)
    if holdout is None:
        return Laws(shown, None)
    of_holdout = validate(holdout, rules, structure, max_rows=0)
    return Laws(shown, certificate(of_source, of_holdout).without_few(FEWEST_SHARED, of_source, of_holdout))


def _as_put(rule: Rule) -> Rule:
    return replace(rule, severity=Severity.WARNING) if rule.code in UNSEEN_SO_FAR else rule


def laws_figure(laws: Laws) -> Figure:
    """Share of laws held among those that the source passed and the sample could be put to.

    The target is the share that real subjects held out keep; 1 without them.
    """
    value, n = _held(laws.sample)
    target = 1.0 if laws.holdout is None else _held(laws.holdout)[0]
    if not n:
        nothing = Interval(np.nan, np.nan)
        return Figure(
            NAME, QUESTION, np.nan, 1.0, nothing, 0.0, 1.0, Direction.HIGHER, 0, "The source keeps no rule to hold it to."
        )
    note = "" if not laws.lost else f"{len(laws.lost):,} lost that real subjects keep."
    return Figure(NAME, QUESTION, value, target, _interval(value, n), 0.0, 1.0, Direction.HIGHER, n, note)


def _held(found: Certificate) -> tuple[float, int]:
    kept, broken = len(found.of(Verdict.PASSED)), len(found.of(Verdict.BROKEN))
    n = kept + broken
    return (kept / n if n else np.nan), n


def _interval(share: float, n: int) -> Interval:
    """Exact 95 % interval of a share.

    References
    ----------
    C. J. Clopper, E. S. Pearson, "The use of confidence or fiducial limits illustrated in the case of the binomial",
    *Biometrika* 26, 1934, pages 404-413.
    """
    k = round(share * n)
    low = 0.0 if k == 0 else float(bdtri(k - 1, n, 0.975))
    high = 1.0 if k == n else float(bdtri(k, n, 0.025))
    return Interval(low, high)

"""Learn rules from a source: what held there without exception, with parameters that at least k subjects stand behind."""

from __future__ import annotations

from collections.abc import Iterator

from replicator.profile.structure import Kind, StudyStructure
from replicator.rules.learned_flags import learn_flags
from replicator.rules.learned_nearness import learn_nearness
from replicator.rules.learned_orders import learn_orders
from replicator.rules.learned_relations import learn_relations
from replicator.rules.learned_succession import learn_succession
from replicator.rules.learned_totals import learn_totals
from replicator.rules.learned_values import learn_values
from replicator.rules.report import Status
from replicator.rules.rule import Rule
from replicator.rules.validation import validate
from replicator.rules.view import StudyView
from replicator.tables.dataset import Study

_LEARNABLE = (Kind.SUBJECTS, Kind.SCHEDULE, Kind.STATES, Kind.FINDINGS, Kind.EVENTS, Kind.INTERVENTIONS)


def learn_rules(study: Study, structure: StudyStructure, k: int = 5) -> tuple[Rule, ...]:
    """Learn the rules that a source keeps.

    Parameters
    ----------
    study : Study
        The source; SUPP-- not joined.
    structure : StudyStructure
        Its structure.
    k : int
        Fewest subjects that must stand behind a value, a bound or a combination that a rule shows; where fewer do, the rule is
        not learned, or leaves that value alone.

    Returns
    -------
    tuple of Rule
        Each passes on `study`: a rule that does not is left out.
    """
    view = StudyView(study, structure)
    rules = tuple(_candidates(view, k))
    report = validate(study, rules, structure, max_rows=0)
    failed = {outcome.rule for outcome in report.outcomes if outcome.status is not Status.PASSED}
    return tuple(rule for rule in rules if rule.id not in failed)


def _candidates(view: StudyView, k: int) -> Iterator[Rule]:
    for name in view.of_kind(*_LEARNABLE):
        if len(set(view.subject(name)[view.subject(name) >= 0].tolist())) >= k:
            yield from learn_values(view, name, k)
            yield from learn_relations(view, name, k)
            yield from learn_orders(view, name, k)
            yield from learn_nearness(view, name, k)
            yield from learn_totals(view, name, k)
            yield from learn_flags(view, name, k)
            yield from learn_succession(view, name, k)

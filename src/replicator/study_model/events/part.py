"""The part of events and interventions: occurrences of terms in time, and the rows that report them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.config import FitConfig
from replicator.models.associations import distinct_facts
from replicator.models.presence import Presence
from replicator.models.recurrence import Recurrence
from replicator.models.reporting import Reporting
from replicator.profile.structure import DatasetStructure
from replicator.study_model.events.catalogue import TermCatalogue
from replicator.study_model.events.columns import OccurrenceColumns
from replicator.study_model.events.columns_fit import fit_columns
from replicator.study_model.events.dates import OccurrenceDates, sample_dates
from replicator.study_model.events.dates_fit import fit_dates
from replicator.study_model.events.doses import Doses
from replicator.study_model.events.ending import Ending
from replicator.study_model.events.facts import Facts, mentions
from replicator.study_model.events.fatal import Fatal
from replicator.study_model.events.indications import Indications
from replicator.study_model.events.medicines import Medicines
from replicator.study_model.events.needs_fit import NeedGroups
from replicator.study_model.events.obliged import Obliged
from replicator.study_model.events.onsets import TermOfEach, latest_birth
from replicator.study_model.events.patterns import DatePatterns
from replicator.study_model.events.reasons import Behind, Reasons
from replicator.study_model.events.reports import fit_reporting, last_reporting_day, sample_reports
from replicator.study_model.events.routes import Routes
from replicator.study_model.events.screening import Screening
from replicator.study_model.events.serious import Seriousness
from replicator.study_model.events.sex import TermsBySex
from replicator.study_model.events.source import SourceEvents
from replicator.study_model.events.subject_terms import SubjectTerms, choose_uses
from replicator.study_model.events.traits import common_terms, drawn_counts, everybody_has, subject_traits
from replicator.study_model.events.turns import find_turns
from replicator.study_model.events.uses import Uses
from replicator.study_model.spine import Fitted, Rows, Spine
from replicator.study_model.subjects.birth import YEAR
from replicator.tables.dataset import Column, Dataset, Numbers
from replicator.tables.dates import parse_dates

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class EventsPart:
    """Model of a dataset whose rows are occurrences of a term.

    Attributes
    ----------
    name : str
        The dataset.
    arms : tuple of str
        Arms of the source, in the order of the groups of `presence`.
    catalogue : TermCatalogue
        The terms.
    common : dict of str to int
        Features of terms that are common enough to be a trait of the subject, and the kind of each.
    everybody : (n_arms,) bool
        Arms of which every subject has a term.
    obliged : Obliged
        Who must have a term, and who must not.
    screening : Screening
        How many terms those have who were never dosed.
    sex : TermsBySex
        Terms that only one sex has.
    reasons : Reasons
        What medicines are given for, and which only for that.
    presence : Presence
        Which terms a subject has, given how many (feature ``terms``), which of the common ones, and some facts.
    facts : Facts
        The facts that `presence` uses; behind them are those that a subject has conditions: the needs of the catalogue.
    recurrence : Recurrence
        Which of them come again, given how often: feature ``repeats``.
    patterns : DatePatterns
        How start and end are known.
    dates : OccurrenceDates
        Start and end.
    reporting : Reporting or None
        At which visits occurrences are reported; None where the dataset is not bound to visits and each is one row.
    fatal : Fatal or None
        What a death makes of an occurrence.
    serious : Seriousness
        What makes an occurrence serious.
    ending : Ending
        The state of the participation on which qualifiers depend.
    columns : OccurrenceColumns
        All other columns.
    indications : Indications or None
        What medicines are said to be given for; None where rows do not say it.
    routes : Routes or None
        Routes and presentations that somebody would take; None where rows have no routes.
    doses : Doses or None
        Doses that somebody would take; None where rows have no doses.
    uses : Uses or None
        How medicines are given, for stand-ins that go with it; None where rows have no routes.
    """

    kind: ClassVar[str] = "events part"

    name: str
    arms: tuple[str, ...]
    catalogue: TermCatalogue
    common: Mapping[str, int]
    everybody: NDArray[np.bool_]
    obliged: Obliged
    screening: Screening
    sex: TermsBySex
    reasons: Reasons
    presence: Presence
    facts: Facts
    recurrence: Recurrence
    patterns: DatePatterns
    dates: OccurrenceDates
    reporting: Reporting | None
    fatal: Fatal | None
    serious: Seriousness
    ending: Ending
    columns: OccurrenceColumns
    indications: Indications | None
    routes: Routes | None
    doses: Doses | None
    uses: Uses | None

    @classmethod
    def fit(
        cls, dataset: Dataset, structure: DatasetStructure, subject: NDArray[np.int32], spine: Spine, config: FitConfig
    ) -> Fitted:
        """Learn a dataset of events or interventions; see :class:`~replicator.study_model.spine.Part`."""
        k = config.k
        source = SourceEvents.of(dataset, structure, subject, spine, config)
        head, owner, start, end = source.head, source.owner, source.start, source.end
        catalogue, kind_of, block = source.terms.catalogue, source.kind_of, source.block
        reporting = fit_reporting(source, k)
        fatal, set_aside = Fatal.fit(head, structure, owner, start.day, end.day, spine, source.terms, k)
        facts, holds = Facts.fit(spine, config.k)
        ending = Ending.fit(head, source.plan.qualifiers, owner, start.day, facts, holds, set_aside, spine)
        columns, lost = fit_columns(source, ending.codes(spine, owner, start.day), set_aside, k)
        pairs = source.terms_of_subjects()
        count = pairs.count(spine.n, len(catalogue.block))
        common = common_terms(count, catalogue, k)
        facts_of_terms = distinct_facts(holds)
        reasons, goes = Reasons.fit(source.terms, count, spine, k)
        by_need = NeedGroups.fit(source.terms, reasons, goes, spine)
        barred = reasons.barred(spine)
        presence = Presence.fit(
            count,
            spine.arm,
            len(spine.arms),
            catalogue.block,
            catalogue.slots,
            list(common.values()),
            holds[:, facts_of_terms],
            by_need.groups,
            barred,
            k=k,
        )
        by_fact = set(presence.shift_kind.tolist()) | set(np.flatnonzero(reasons.only).tolist())
        common = {name: kind for name, kind in common.items() if kind not in by_fact}
        presence, used, catalogue = by_need.settle(presence, len(facts_of_terms), catalogue)
        medicines = Medicines(head, structure, kind_of.astype(np.int64), catalogue.slots == 1, owner, k)
        dates = _fit_dates(source, reporting, _behind_source(source, reasons, catalogue), k)
        fitted = cls(
            dataset.name,
            spine.arms,
            catalogue,
            common,
            everybody_has(count, spine, k),
            Obliged.fit(count.sum(axis=1) > 0, facts, holds, k),
            Screening.fit(owner, start.day, dates, last_reporting_day(reporting, spine), spine, k),
            TermsBySex.fit(count, catalogue.sex, spine, k),
            reasons,
            presence,
            facts.take(facts_of_terms[used]),
            Recurrence.fit(pairs.who, pairs.kind_of, pairs.times - 1, (catalogue.slots > 1).astype(np.int64)),
            DatePatterns.fit(start.code, end.code, [block, kind_of, source.arm], find_turns(source.series, start.day), owner, k),
            dates,
            reporting,
            fatal,
            Seriousness.fit(head, structure, owner, set_aside, k),
            ending,
            columns,
            Indications.fit(medicines),
            Routes.fit(medicines),
            Doses.fit(medicines),
            Uses.fit(head, structure, owner, k),
        )
        return Fitted(fitted, subject_traits(owner, count, common), (*source.terms.notes, *lost))

    def sample(self, spine: Spine, rng: np.random.Generator) -> Rows:
        """Draw the rows of all subjects of a spine."""
        group = _groups(self.arms, spine)
        dying = self.fatal.dying(spine, rng) if self.fatal is not None else np.zeros(spine.n, bool)
        reasons = mentions(spine, self.catalogue.needs) if self.catalogue.needs else None
        once, times = self._sample_terms(spine, group, dying, reasons, rng)
        pair = np.repeat(np.arange(len(times)), times)
        terms = once.take(pair)
        owner, kind_of = terms.who, terms.kind_of
        block = self.catalogue.block[kind_of].astype(np.int64) if len(kind_of) else kind_of
        arm = group[owner].astype(np.int64)
        of_each = self.catalogue.of_each(block, kind_of, terms.row, pair)
        codes = self.patterns.sample([block, kind_of, arm], find_turns(pair), owner, rng, of_each.lasting & ~of_each.own)
        behind = self.reasons.behind(spine, self.catalogue, owner, kind_of, terms.row, rng=rng) if self.dates.follows else None
        drawn = sample_dates(self.dates, *codes, owner, of_each, spine, last_reporting_day(self.reporting, spine), rng, behind)
        deadly = np.empty(0, np.int64)
        if self.fatal is not None:
            deadly = self.fatal.choose(dying, owner, drawn.start, spine)
            drawn = self.fatal.onset(drawn, deadly, owner, spine, rng)
            if len(self.fatal.rows):
                terms.row[deadly] = rng.choice(self.fatal.rows, len(deadly))
        reports = sample_reports(self.reporting, owner, drawn.start, drawn.end, spine, rng)
        ending = self.ending.codes(spine, owner, drawn.start)
        family = np.append(self.catalogue.family, -1)[terms.row]
        given = self.columns.sample(spine, owner, (kind_of, family, block, arm), codes, ending, drawn, reports, rng)
        if self.uses is not None and self.routes is not None:
            terms, route = choose_uses(self.uses, self.routes, self.catalogue, terms, pair, reports[0], reasons, given, rng)
            given[self.uses.route] = route
        columns = self._agree(given, terms, reports[0], rng)
        if self.fatal is not None:
            columns = self.fatal.apply(columns, owner[reports[0]], reports[0], deadly, spine)
        columns = self.serious.apply(columns, reports[0], np.append(self.catalogue.grave, False)[terms.row], rng)
        return Rows(owner[reports[0]].astype(np.int32), columns)

    def _sample_terms(
        self, spine: Spine, group: Ints, dying: NDArray[np.bool_], reasons: NDArray[np.bool_] | None, rng: np.random.Generator
    ) -> tuple[SubjectTerms, Ints]:
        """Draw the terms of each subject, and how often each occurs.

        Parameters
        ----------
        group : (n,) int64
            Arm of each subject among those of the source, -1 for a new one.
        dying : (n,) bool
            Subjects who must have a term to die of.
        reasons : (n, n_needs) bool or None
            What the subjects have that medicines are given for.
        """
        n_terms = np.maximum(drawn_counts(spine, f"{self.name}/terms"), np.append(self.everybody, False)[group])
        conditions = np.zeros((spine.n, len(self.catalogue.needs)), bool) if reasons is None else reasons
        facts = np.hstack([self.facts.holds(spine), conditions])
        barred = self.reasons.barred(spine)
        paired = self.presence.pair(n_terms, group, facts, rng, barred)
        settled, n_terms = self.obliged.settle(spine, n_terms[paired], group, dying, rng)
        bound, last_visit = self.obliged.bound(spine, dying), last_reporting_day(self.reporting, spine)
        n_terms, anew = self.screening.settle(n_terms, bound, self.dates, last_visit, spine, rng)
        place = paired[settled]
        decided = {
            kind_of: (drawn_counts(spine, f"{self.name}/{name}") > 0)[place] & (n_terms > 0) & ~anew
            for name, kind_of in self.common.items()
            if f"{self.name}/{name}" in spine.features
        }
        of_sex = self.sex.barred(spine, len(self.catalogue.block))
        barred = of_sex if barred is None else barred if of_sex is None else barred | of_sex
        who, kind_of, slot = self.presence.sample(n_terms, group, rng, decided, barred, facts)
        repeats = drawn_counts(spine, f"{self.name}/repeats")[place] * (~anew & (np.bincount(who, minlength=spine.n) > 0))
        row = self.catalogue.sample(who, kind_of, slot, rng, None if reasons is None else reasons[who], _ages(spine)[who])
        terms = SubjectTerms(who, kind_of, slot, row).take(np.flatnonzero(~self.catalogue.loses_again(who, row)))
        again = self.recurrence.sample(terms.who, terms.kind_of, repeats, rng)
        times = np.asarray(1 + again * ~self.catalogue.loses(terms.row), np.int64)
        return terms, times

    def _agree(
        self, given: Mapping[str, Column], terms: SubjectTerms, occurrence: Ints, rng: np.random.Generator
    ) -> dict[str, Column]:
        """Put what terms say beside the other columns of the rows, and let these go with them."""
        row = terms.row[occurrence]
        said = zip(self.catalogue.variables, self.catalogue.columns, strict=True)
        columns: dict[str, Column] = {name: column.take(row) for name, column in said} | dict(given)
        if self.indications is not None:
            columns = self.indications.apply(columns, terms.kind_of[occurrence])
        if self.routes is not None:
            columns = self.routes.apply(columns, occurrence, terms.kind_of, rng)
        if self.doses is not None:
            columns = self.doses.apply(columns, occurrence, terms.kind_of, rng)
        if self.uses is not None:
            stands_in = (self.catalogue.slots[terms.kind_of] != 1)[occurrence]
            if self.doses is not None and isinstance(dose := columns[self.doses.dose], Numbers):
                stands_in |= ~self.doses.are_own(terms.kind_of[occurrence], dose.values)
            columns = self.uses.apply(columns, stands_in, occurrence, rng)
        return columns


def _behind_source(source: SourceEvents, reasons: Reasons, catalogue: TermCatalogue) -> Behind | None:
    """Find the conditions behind the source's medicines; None where nothing is given for any."""
    if source.start.column is None or not reasons.conditions:
        return None
    start, kind_of = parse_dates(source.start.column), source.kind_of.astype(np.int64)
    return reasons.behind(source.spine, catalogue, source.owner, kind_of, np.full(len(kind_of), -1), start)


def _fit_dates(source: SourceEvents, reporting: Reporting | None, behind: Behind | None, k: int) -> OccurrenceDates:
    """Learn when occurrences start and end."""
    start, end, spine = source.start, source.end, source.spine
    of_each = replace(TermOfEach.plain(source.block, source.kind_of.astype(np.int64)), series=source.series)
    patterns = (start.pattern, end.pattern)
    return fit_dates(
        start.column, end.column, patterns, source.owner, of_each, spine, last_reporting_day(reporting, spine), k, behind
    )


def _ages(spine: Spine) -> NDArray[np.float64]:
    """Age of each subject on the first day on study, years, at least: (n,); infinite where nothing tells."""
    born = latest_birth(spine)
    age = np.full(spine.n, np.inf) if born is None else (spine.marks["FIRST"] - born) / YEAR
    return np.where(np.isnan(age), np.inf, age)


def _groups(arms: tuple[str, ...], spine: Spine) -> NDArray[np.int64]:
    """Group of each subject: position of the arm's name among the source's, -1 for a new arm."""
    position = {arm: i for i, arm in enumerate(arms)}
    return np.array([position.get(arm, -1) for arm in spine.arms], np.int64)[spine.arm]

"""Datasets whose rows follow each other on a subject's way through the study: exposure, elements, disposition."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.config import FitConfig
from replicator.counting import counted
from replicator.models.chain import most_telling
from replicator.profile.structure import DatasetStructure, Role
from replicator.study_model.columns.attributes import Attributes
from replicator.study_model.columns.blocks import Block
from replicator.study_model.columns.codes import column_codes
from replicator.study_model.columns.conditions import join_codes
from replicator.study_model.columns.odd_dates import lost_notes
from replicator.study_model.columns.rare_levels import is_rare
from replicator.study_model.layout.record_ids import RecordIds
from replicator.study_model.marks.names import death_day
from replicator.study_model.sequence.arms import arm_codes, told_by_one
from replicator.study_model.sequence.chain import Chain
from replicator.study_model.sequence.dates import SequenceDates, order_dates
from replicator.study_model.sequence.named_visits import find_visit_date, nameable_visits, nearness, with_visits
from replicator.study_model.sequence.ranks import column_conditions
from replicator.study_model.sequence.state import fit_state, usual_order
from replicator.study_model.sequence.terms import coded_words, join_rare_terms, told_again
from replicator.study_model.spine import Fitted, Rows, Spine
from replicator.study_model.visits.days import last_visit_day, nearest_visit_day, visit_on
from replicator.tables.dataset import Column, Dataset, Numbers
from replicator.tables.dates import parse_dates

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class SequencePart:
    """A chain of row tuples with dates.

    Attributes
    ----------
    state : Block
        The tuple of a row.
    chain : Chain
        Which tuples a subject has.
    dates : SequenceDates
        When.
    others : Attributes
        Further columns given the tuple and the arm, and where the row stands, in the order of `asked`.
    asked : tuple of int
        Which of the tuple, the arm, the rank of the row and the tuple of the row before these columns hang on, the most telling
        first: why a dose was changed stands on no first row.
    visit_date : str
        Date variable on or before which the visit of VISITNUM was; ``""`` if VISITNUM is part of the tuple or not there.
    visits : (n_visits,) float64
        The visits that may be named so: those at which at least k subjects have a row; where many rows are at others, all that k
        subjects had.
    ids : RecordIds
    near : float
        Days from the visit that a row names to its date at most; 0 where some row is further away, or fewer than k subjects tell.
    """

    kind: ClassVar[str] = "sequence part"

    state: Block
    chain: Chain
    dates: SequenceDates
    others: Attributes
    visit_date: str
    visits: Floats
    ids: RecordIds
    near: float = 0.0
    asked: tuple[int, ...] = (0, 1)

    @classmethod
    def fit(
        cls, dataset: Dataset, structure: DatasetStructure, subject: NDArray[np.int32], spine: Spine, config: FitConfig
    ) -> Fitted:
        """Learn a dataset; see :class:`~replicator.study_model.spine.Part`."""
        k = config.k
        names = order_dates(structure.with_role(Role.DATE))
        days = {name: parse_dates(dataset.text(name)).full_day for name in names}
        sequence = structure.with_role(Role.SEQUENCE)
        rank = dataset.numbers(sequence[0]) if sequence else np.nan_to_num(days[names[0]], nan=np.inf) if names else np.zeros(0)
        order = np.lexsort((np.arange(dataset.n_rows), rank, subject)) if len(rank) else np.argsort(subject, kind="stable")
        subject = subject[order]
        dataset, joined = join_rare_terms(dataset.take(order), structure, subject, k)
        dataset = coded_words(dataset, structure, subject, k)
        days = {name: value[order] for name, value in days.items()}
        skip = {*structure.with_role(Role.SUBJECT, Role.SEQUENCE, Role.STUDY_DAY, Role.IDENTIFIER, Role.RECORD_ID), *names}
        state, code, late, notes = fit_state(dataset, structure, skip, subject, spine.arm, k)
        visit_date = find_visit_date(dataset, subject, days, spine, k) if "VISITNUM" in late else ""
        if visit_date:
            skip |= set(structure.with_role(Role.VISIT))
            state, code, late, notes = fit_state(dataset, structure, skip, subject, spine.arm, k)
        if names:
            order = usual_order(code, days[names[0]], subject)
            dataset, code, days = dataset.take(order), code[order], {name: day[order] for name, day in days.items()}
        again = told_again(dataset, structure, subject, code)
        if again.any():
            notes.append(
                f"{dataset.name}: {counted(int(again.sum()), 'row')} of {len(code)} tell of a death as another row of the subject "
                f"does, but for what fewer than {k} subjects share; not learned."
            )
            dataset, subject, code = dataset.take(~again), subject[~again], code[~again]
            days = {name: day[~again] for name, day in days.items()}
        odd = np.zeros(spine.n, bool)
        odd[subject[code < 0]] = True
        if odd.any():
            notes.append(
                f"{dataset.name}: {int((code < 0).sum())} of {len(code)} rows show a combination of {', '.join(state.names)} that "
                f"fewer than {k} subjects share and that is like no other; it is not learned. Lower k to keep it."
            )
        given = column_conditions(subject, code, spine)
        asked = _asked(dataset, late, given, subject, k)
        others, more = Attributes.fit(dataset, late, [given[at] for at in asked], subject, k)
        keep = code >= 0
        dataset, subject, code = dataset.take(keep), subject[keep], code[keep]
        days = {name: value[keep] for name, value in days.items()}
        number = np.round(dataset.numbers("VISITNUM"), 9) if "VISITNUM" in state.names else np.full(len(subject), np.nan)
        dates = SequenceDates.fit(dataset, names, days, subject, code, number, spine, k)
        notes += [
            f"{dataset.name}.{name}: fewer than {k} subjects have a date, so none is kept; few subjects of a sample have one, on "
            f"days of visits or any day on study. Lower k to learn them."
            for name, rare in zip(dates.names, dates.rare, strict=True)
            if rare
        ]
        for name, rare in zip(dates.names, dates.rare, strict=True):
            text = dataset.text(name)
            notes += () if rare else lost_notes(f"{dataset.name}.{name}", text, parse_dates(text), subject, k)
        chain = Chain.fit(state, code, subject, spine, k, odd)
        if alone := told_by_one(chain.group, subject, arm_codes(spine, chain.planned)[0]):
            notes.append(
                f"{dataset.name}: what {counted(alone, 'arm')} of one subject had is not learned; rows are those of the largest."
            )
        part = cls(
            state,
            chain,
            dates,
            others,
            visit_date,
            nameable_visits(np.round(dataset.numbers("VISITNUM"), 9), subject, spine, k) if visit_date else np.empty(0),
            RecordIds.fit(dataset, structure, subject, k),
            nearness(dataset, subject, days[visit_date], spine, k) if visit_date else 0.0,
            asked,
        )
        return Fitted(part, {}, (*joined, *notes, *more))

    def sample(self, spine: Spine, rng: np.random.Generator) -> Rows:
        """Draw the rows of all subjects."""
        subject, code = self.chain.sample(spine, rng)
        last = np.where(self.chain.tells_of_death(code), death_day(spine)[subject], np.nan)
        days, keep = self.dates.sample(spine, subject, code, self._number(code), last, rng)
        subject, code, days = subject[keep], code[keep], {name: value[keep] for name, value in days.items()}
        fatal = self.chain.tells_of_death(code)
        days = self._on_named_visits(days, subject, spine, fatal)
        keep = self.dates.in_time(days, subject, spine) | fatal
        subject, code, fatal, days = subject[keep], code[keep], fatal[keep], {name: value[keep] for name, value in days.items()}
        days = self.dates.settle(days, subject, fatal)
        given = column_conditions(subject, code, spine)
        columns: dict[str, Column] = dict(self.others.sample([given[at] for at in self.asked], rng, len(subject)))
        columns |= {name: column.take(code) for name, column in zip(self.state.names, self.state.values, strict=True)}
        columns |= self.dates.write(days, subject, code, rng)
        if self.visit_date:
            columns["VISITNUM"] = Numbers(self._visit_of(days[self.visit_date], subject, spine))
        columns |= self.ids.sample(subject, columns, rng)
        return Rows(subject, columns)

    def _on_named_visits(
        self, days: dict[str, Floats], subject: NDArray[np.int32], spine: Spine, fixed: NDArray[np.bool_]
    ) -> dict[str, Floats]:
        """Move days before all visits, of visits that are never named, or far from those that are, to the nearest that is.

        Rows that are `fixed` stay.
        """
        if not self.visit_date:
            return days
        day = days[self.visit_date]
        named = with_visits(spine, self.visits)
        moved = ~np.isin(visit_on(spine, subject, day), self.visits)
        if self.near:
            moved |= day - last_visit_day(named, subject, day) > self.near
        moved &= np.isfinite(day) & ~fixed
        nearest = nearest_visit_day(named, subject, day)
        return {name: np.where(moved & (own == day), nearest, own) for name, own in days.items()}

    def _visit_of(self, day: Floats, subject: NDArray[np.int32], spine: Spine) -> Floats:
        """VISITNUM of rows (n_rows,): of the visits that are named the last, or of all where that is too far away."""
        named = with_visits(spine, self.visits)
        far = day - last_visit_day(named, subject, day) > self.near if self.near else np.zeros(len(day), bool)
        return np.where(far, visit_on(spine, subject, day), visit_on(named, subject, day))

    def _number(self, code: Ints) -> Floats:
        """VISITNUM of each row's tuple, NaN where it has none: (n_rows,)."""
        column = dict(zip(self.state.names, self.state.values, strict=True)).get("VISITNUM")
        return column.values[code] if isinstance(column, Numbers) else np.full(len(code), np.nan)


def _asked(dataset: Dataset, names: list[str], given: list[Ints], subject: NDArray[np.int32], k: int) -> tuple[int, ...]:
    """Positions of the conditions of columns: where a row stands if that tells more of them, and the tuple and the arm."""
    codes = [column_codes(dataset[name])[0] for name in names if not is_rare(dataset[name], subject, k)]
    chosen = most_telling(join_codes(codes, len(subject)), given, subject.astype(np.int64), k) if codes else []
    return (*chosen, *(at for at in (0, 1) if at not in chosen)) if {2, 3} & {*chosen} else (0, 1)

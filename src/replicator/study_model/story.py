"""What is known of a subject when a dataset is drawn: history before events before medicines, and how the participation ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.profile.structure import Content, DatasetStructure, Kind, Role
from replicator.study_model.columns.codes import column_codes
from replicator.study_model.columns.conditions import join_codes
from replicator.study_model.events.answers import Answers
from replicator.study_model.sequence.dates import order_dates
from replicator.study_model.source import Source
from replicator.study_model.spine import Spine, Told
from replicator.study_model.subjects.birth import YEAR
from replicator.tables.dataset import Column, Dataset, Numbers, Text
from replicator.tables.dates import parse_dates

CLASS_SUFFIXES = ("BODSYS", "SOC", "CLAS", "SCAT", "CAT")
SAYING = (Role.TOPIC, Role.SYNONYM, Role.GROUPING, Role.QUALIFIER)
TELLING = (Kind.STATES, Kind.EVENTS, Kind.INTERVENTIONS)
BIRTH, AGE, UNIT = "BRTHDTC", "AGE", "AGEU"


@dataclass(frozen=True, eq=False)
class Story:
    """Which variables of which datasets are told on.

    Attributes
    ----------
    subjects : str
        The subjects' dataset; ``""`` if there is none.
    categories : tuple of str
        Its categories.
    aged : bool
        Whether ages are in years, so that they bound the day of birth.
    columns : mapping of str to tuple of str
        Terms and classes, by dataset.
    start : mapping of str to str
        Variable of the day on which an event starts, by dataset; ``""`` for none.
    states : tuple of str
        Datasets whose rows are states of the participation.
    events : tuple of str
        Datasets of events.
    dates : mapping of str to tuple of str
        Date variables of datasets whose rows are no occurrences of terms, the one that orders the rows first.
    says : mapping of str to tuple of str
        Categories of these datasets that tell what a row says, beside its visit.
    answers : mapping of str to Answers
        What first findings tell, by dataset.
    """

    kind: ClassVar[str] = "story"

    subjects: str
    categories: tuple[str, ...]
    aged: bool
    columns: Mapping[str, tuple[str, ...]]
    start: Mapping[str, str]
    states: tuple[str, ...]
    events: tuple[str, ...]
    dates: Mapping[str, tuple[str, ...]]
    says: Mapping[str, tuple[str, ...]]
    answers: Mapping[str, Answers]

    @classmethod
    def fit(
        cls,
        structures: Mapping[str, DatasetStructure],
        occurring: frozenset[str],
        subjects: str,
        categories: Sequence[str],
        head: Dataset | None,
        answers: Mapping[str, Answers],
    ) -> Story:
        """Find what is told on.

        Parameters
        ----------
        structures : mapping of str to DatasetStructure
            Datasets about subjects but the subjects' own.
        occurring : frozenset of str
            Those whose rows are occurrences of terms.
        subjects : str
            The subjects' dataset.
        categories : sequence of str
            Its categories.
        head : Dataset or None
            Its rows.
        answers : mapping of str to Answers
            As above.
        """
        columns, start = {}, {}
        for name, structure in structures.items():
            if structure.kind not in TELLING:
                continue
            wanted = [structure.named("DECOD"), *structure.with_role(Role.TOPIC), *map(structure.named, CLASS_SUFFIXES)]
            present = tuple(dict.fromkeys(one for one in wanted if one))
            if present:
                columns[name] = present
                start[name] = structure.named("STDTC") if structure.kind is Kind.EVENTS and name in occurring else ""
        years = head is None or UNIT not in head or set(head.text(UNIT).compact().levels.tolist()) <= {"YEARS"}
        states = tuple(name for name in columns if name not in occurring)
        events = tuple(name for name in columns if name in occurring and structures[name].kind is Kind.EVENTS)
        dates = {name: order_dates(structures[name].with_role(Role.DATE)) for name in columns if name not in occurring}
        says = {
            name: tuple(one.name for one in structures[name].variables if one.role in SAYING and one.content is Content.CATEGORY)
            for name in dates
        }
        return cls(subjects, tuple(categories), years, columns, start, states, events, dates, says, answers)

    def begin(self, spine: Spine, head: Mapping[str, Column]) -> Spine:
        """Put down what the subjects' dataset tells; `head` holds its columns, one row a subject in the order of the spine."""
        everyone = np.arange(spine.n, dtype=np.int32)
        columns = {name: column for name in self.categories if isinstance(column := head.get(name), Text)}
        told = {self.subjects: Told(everyone, columns, np.full(spine.n, np.nan))} if columns else {}
        age = head.get(AGE)
        years = age.values if self.aged and isinstance(age, Numbers) else np.full(spine.n, np.nan)
        born = np.ceil(spine.anchor - (years + 1) * YEAR)
        birth = spine.marks.get(f"{self.subjects}.{BIRTH}")
        if birth is not None:
            born = np.where(np.isnan(birth), born, np.floor(birth))
        return replace(spine, born=born, told=told)

    def add(self, spine: Spine, name: str, columns: Mapping[str, Column], subject: NDArray[np.int32]) -> Spine:
        """Put down what the rows of one more dataset tell."""
        if name in self.answers:
            return replace(spine, told={**spine.told, name: self.answers[name].tell(columns, subject)})
        if name not in self.columns:
            return spine
        texts = {one: column for one in self.columns[name] if isinstance(column := columns.get(one), Text)}
        start = columns.get(self.start[name])
        since = parse_dates(start) if isinstance(start, Text) else None
        day = np.full(len(subject), np.nan) if since is None else since.full_day
        dates = {
            one: parse_dates(column).full_day for one in self.dates.get(name, ()) if isinstance(column := columns.get(one), Text)
        }
        what = [column_codes(columns[one])[0] for one in self.says.get(name, ()) if one in columns]
        says = join_codes(what, len(subject)) if name in self.says else None
        told = Told(subject, texts, day, name in self.states, name in self.events, dates, says, since)
        return replace(spine, told={**spine.told, name: told})


def drawing_order(
    names: Sequence[str], source: Source, structures: Mapping[str, DatasetStructure], occurring: frozenset[str]
) -> list[str]:
    """Order datasets by what is known first: sequences, findings, events (the earliest first), interventions.

    Sequences, whose rows are dated though no occurrences of terms, tell at which visits findings are made.

    Earlier events are those with the greater share of known starts before the subject's first day; a dataset of events without
    any known start counts as history.
    """

    def place(name: str) -> tuple[int, float]:
        structure = structures[name]
        if name not in occurring:
            return (0 if structure.kind in TELLING else 1), 0.0
        start = structure.named("STDTC")
        before = 1.0
        if start:
            day = parse_dates(source.datasets[name].text(start)).day
            known = np.isfinite(day)
            before = float((day < source.spine.marks["FIRST"][source.subject[name]])[known].mean()) if known.any() else 1.0
        return 2 + int(structure.kind is Kind.INTERVENTIONS), -before

    return sorted(names, key=place)

"""The spine of a source study: its subjects, their arms, anchors, marks and visits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from replicator.errors import FitError
from replicator.heavy import pandas as pd
from replicator.profile.structure import Content, Kind, Role, StudyStructure
from replicator.study_model.columns.codes import column_codes
from replicator.study_model.layout.arm_names import with_known_arms
from replicator.study_model.layout.joining import Supplement, join_supplements
from replicator.study_model.spine import SITE_VARIABLES, Spine, Visits
from replicator.study_model.visits.numbers import number_visits, share_numbers
from replicator.tables.canonical import in_canonical_order
from replicator.tables.dataset import Dataset, Study
from replicator.tables.dates import parse_dates
from replicator.tables.narrow import narrowed

Floats = NDArray[np.float64]

ARM_VARIABLES = ("ARM", "ARMCD", "ACTARM", "ACTARMCD", "TRT01P", "TRT01A", "TRTP", "SETCD")
ANCHOR_VARIABLES = ("RFSTDTC", "RFXSTDTC", "TRTSDTC", "RFICDTC", "DMDTC")
END_VARIABLES = ("RFPENDTC",)
MOST_COVARIATE_LEVELS = 12


@dataclass(frozen=True, eq=False)
class Source:
    """A source study made ready for fitting.

    Attributes
    ----------
    datasets : mapping of str to Dataset
        SUPP-- joined, rows of unknown subjects gone; reference and links too.
    subject : mapping of str to (n_rows,) int32
        Position of each row's subject in the spine, for datasets about subjects.
    ids : (n,) object
        USUBJID by position.
    spine : Spine
        Without features.
    levels : mapping of str to tuple of str
        Levels of each covariate.
    supplements : tuple of Supplement
        How the joined columns come off again.
    notes : tuple of str
        What was left out.
    """

    datasets: Mapping[str, Dataset]
    subject: Mapping[str, NDArray[np.int32]]
    ids: NDArray[np.object_]
    spine: Spine
    levels: Mapping[str, tuple[str, ...]]
    supplements: tuple[Supplement, ...]
    notes: tuple[str, ...]


def read_source(study: Study, structure: StudyStructure, k: int = 1) -> Source:
    """Build the spine of a study and put each row's subject beside it; the order of rows and levels makes no difference.

    Supplemental qualifiers that fewer than `k` subjects have are joined without their names.
    """
    study = in_canonical_order(study, structure.subject_variable)
    datasets, supplements, notes = join_supplements(study, structure, k)
    about = [
        name
        for name in datasets
        if structure.datasets[name].kind not in (Kind.REFERENCE, Kind.LINKS) and structure.datasets[name].with_role(Role.SUBJECT)
    ]
    if not about:
        listed = ", ".join(study.datasets)
        raise FitError(f"No dataset (of {len(study.datasets)}: {listed}) is about subjects; give datasets such as DM, AE or LB.")
    datasets, counted_anew = share_numbers(number_visits(datasets, structure, about), structure, about, k)
    variable = {name: structure.datasets[name].with_role(Role.SUBJECT)[0] for name in about}
    owner = {name: datasets[name].text(variable[name]).strings() for name in about}
    head = structure.subjects if structure.subjects in datasets else ""
    named = pd.unique(pd.Series(owner[head])) if head else np.unique(np.concatenate([owner[name] for name in about]))
    ids = np.asarray([one for one in named if one != ""], dtype=object)
    position = pd.Series(np.arange(len(ids), dtype=np.int32), index=ids)
    subject: dict[str, NDArray[np.int32]] = {}
    more = list(counted_anew)
    for name in about:
        row = np.array(pd.Series(owner[name]).map(position).fillna(-1), np.int32)
        repeated = pd.Series(row).duplicated().to_numpy() & (row >= 0) if name == head else np.zeros(len(row), bool)
        known = (row >= 0) & ~repeated
        if repeated.any():
            more.append(
                f"{name}.{variable[name]}: rows that repeat a subject are not learned, {int(repeated.sum()):,} of {len(row):,}; "
                "leave one for each."
            )
        if not (known | repeated).all():
            more.append(
                f"{name}.{variable[name]}: rows of no subject of {head or 'the study'} are not learned, "
                f"{int((row < 0).sum()):,} of {len(row):,}; add the subjects or mend the identifiers."
            )
        datasets[name] = narrowed(datasets[name] if known.all() else datasets[name].take(known))
        subject[name] = row[known]
    if head:  # rows of the subjects' dataset in the order of the spine
        order = np.argsort(subject[head], kind="stable")
        datasets[head] = datasets[head].take(order)
        subject[head] = subject[head][order]
        datasets[head], renamed = with_known_arms(
            datasets[head], {name: one for name, one in datasets.items() if structure.datasets[name].kind is Kind.REFERENCE}, k
        )
        more += renamed
    days = {name: _days(datasets[name], structure.datasets[name].with_role(Role.DATE)) for name in about}
    spine, levels = _spine(datasets, structure, subject, days, head, len(ids))
    return Source(datasets, subject, ids, spine, levels, supplements, (*notes, *more))


def _days(dataset: Dataset, names: tuple[str, ...]) -> dict[str, Floats]:
    return {name: parse_dates(dataset.text(name)).full_day for name in names}


def _spine(
    datasets: Mapping[str, Dataset],
    structure: StudyStructure,
    subject: Mapping[str, NDArray[np.int32]],
    days: Mapping[str, Mapping[str, Floats]],
    head: str,
    n: int,
) -> tuple[Spine, dict[str, tuple[str, ...]]]:
    arms, arm = ("",), np.zeros(n, np.int32)
    marks: dict[str, Floats] = {}
    covariates: dict[str, NDArray[np.int32]] = {}
    levels: dict[str, tuple[str, ...]] = {}
    if head:
        table, found = datasets[head], structure.datasets[head]
        named = _arm_variable(table)
        if named:
            codes, values = column_codes(table.text(named))
            names = tuple(values.strings().tolist())
            arms, arm = (
                (names, codes.astype(np.int32))
                if (codes >= 0).all()
                else ((*names, ""), np.where(codes < 0, len(names), codes).astype(np.int32))
            )
        marks = {f"{head}.{name}": parse_dates(table.text(name)).day for name in found.with_role(Role.DATE)}
        for variable in found.variables:
            few = variable.content is Content.CATEGORY and variable.n_levels <= MOST_COVARIATE_LEVELS
            site = variable.name in SITE_VARIABLES and variable.n_levels > 1
            if variable.role is Role.QUALIFIER and (few or site):
                codes, values = column_codes(table[variable.name])
                covariates[variable.name] = codes.astype(np.int32)
                levels[variable.name] = tuple(values.strings().tolist())
    visits = _visits(datasets, structure, subject, days, n)
    first, last = _span(structure, subject, days, marks, head, visits, n)
    marks["FIRST"], marks["LAST"] = first, last
    anchor = _anchor(marks, head, visits, first, n)
    return Spine(n, arm, arms, anchor, marks, visits, covariates, {}), levels


def _arm_variable(table: Dataset) -> str:
    """The variable of the arm that subjects were really in: ACTARM where every subject of an arm has one, else ARM and the like."""
    there = [name for name in ARM_VARIABLES if name in table and not table[name].missing.all()]
    if "ARM" in there and "ACTARM" in there and not (table["ACTARM"].missing & ~table["ARM"].missing).any():
        return "ACTARM"
    return there[0] if there else ""


def _visits(
    datasets: Mapping[str, Dataset],
    structure: StudyStructure,
    subject: Mapping[str, NDArray[np.int32]],
    days: Mapping[str, Mapping[str, Floats]],
    n: int,
) -> Visits:
    """Visits as the schedule dataset has them, else as the other datasets' VISITNUM and dates show them."""
    kinds = structure.datasets
    about = [name for name in subject if "VISITNUM" in datasets[name]]
    schedule = [name for name in about if kinds[name].kind is Kind.SCHEDULE]
    others = [name for name in about if kinds[name].kind is Kind.FINDINGS] or about
    parts = []
    for name in schedule or others:
        dates = [d for v, d in days[name].items() if not v.endswith("ENDTC")]
        ends = [d for v, d in days[name].items() if v.endswith("ENDTC")]
        if not dates:
            continue
        number = np.round(datasets[name].numbers("VISITNUM"), 9)
        end = ends[0] if ends and schedule else dates[0]
        parts.append(np.stack([subject[name].astype(np.float64), number, dates[0], np.where(np.isnan(end), dates[0], end)], axis=1))
    rows = np.concatenate(parts) if parts else np.empty((0, 4))
    rows = rows[np.isfinite(rows[:, 1]) & np.isfinite(rows[:, 2])]
    if not len(rows):
        rows = np.concatenate([np.empty((0, 4)), *(_undated_visits(datasets[name], subject[name]) for name in schedule or others)])
    frame = pd.DataFrame(rows, columns=["subject", "number", "day", "end"])
    frame = (
        frame.groupby(["subject", "number"], as_index=False)
        .agg({"day": "min", "end": "max"})
        .sort_values(["subject", "day", "number"])
    )
    return Visits(
        frame["subject"].to_numpy(np.int32),
        frame["number"].to_numpy(float),
        frame["day"].to_numpy(float),
        frame["end"].to_numpy(float),
    )


def _undated_visits(dataset: Dataset, subject: NDArray[np.int32]) -> Floats:
    """Subject, number, first and last day of visits without dates (n_rows, 4): the planned days, else one visit a week."""
    number = np.round(dataset.numbers("VISITNUM"), 9)
    known = np.isfinite(number)
    planned = dataset.numbers("VISITDY") if "VISITDY" in dataset else np.full(len(number), np.nan)
    weekly = 7.0 * np.searchsorted(np.unique(number[known]), number)
    day = planned if np.isfinite(planned[known]).all() else weekly
    return np.stack([subject.astype(np.float64), number, day, day], axis=1)[known]


def _span(
    structure: StudyStructure,
    subject: Mapping[str, NDArray[np.int32]],
    days: Mapping[str, Mapping[str, Floats]],
    marks: Mapping[str, Floats],
    head: str,
    visits: Visits,
    n: int,
) -> tuple[Floats, Floats]:
    """First and last day on study of each subject: visits, findings and states; all other dates only where there is none."""
    first, last = np.full(n, np.inf), np.full(n, -np.inf)

    def widen(who: NDArray[np.int32], day: Floats, only_empty: bool = False) -> None:
        known = np.isfinite(day)
        if only_empty:
            known &= np.isinf(first[who])
        np.minimum.at(first, who[known], day[known])
        np.maximum.at(last, who[known], day[known])

    widen(visits.subject, visits.day)
    widen(visits.subject, visits.end)
    for name, dates in days.items():
        if structure.datasets[name].kind in (Kind.FINDINGS, Kind.SCHEDULE):
            for day in dates.values():
                widen(subject[name], day)
    everyone = np.arange(n, dtype=np.int32)
    for name, day in marks.items():
        if name.split(".")[-1] in ("RFSTDTC", "RFENDTC", "RFXSTDTC", "RFXENDTC", "RFICDTC", "DMDTC"):
            widen(everyone, day)
    for name, dates in days.items():
        for day in dates.values():
            widen(subject[name], day, only_empty=True)
    known = np.isfinite(first)
    default = float(np.median(first[known])) if known.any() else 0.0
    first, last = np.where(known, first, default), np.where(known, last, default)
    for name in END_VARIABLES:
        end = np.floor(marks.get(f"{head}.{name}", np.full(n, np.nan)))
        last = np.where(np.isfinite(end) & (end >= first), end, last)
    return first, last


def _anchor(marks: Mapping[str, Floats], head: str, visits: Visits, first: Floats, n: int) -> Floats:
    """Day zero: the reference start, else the day on which the subject's first visit would have put it."""
    anchor = np.full(n, np.nan)
    if not n:
        return anchor
    for name in ANCHOR_VARIABLES:
        day = marks.get(f"{head}.{name}")
        if day is not None and np.isfinite(day).mean() > 0.3:
            anchor = np.floor(day)
            break
    lead = (
        pd.DataFrame({"number": visits.number, "offset": visits.day - anchor[visits.subject]}).groupby("number")["offset"].median()
    )
    missing = np.isnan(anchor)
    if missing.any():
        opening = pd.DataFrame({"subject": visits.subject, "number": visits.number, "day": visits.day}).drop_duplicates("subject")
        guess = (opening["day"] - opening["number"].map(lead).fillna(0)).to_numpy(float)
        from_visit = np.full(n, np.nan)
        from_visit[opening["subject"].to_numpy()] = guess
        anchor = np.where(missing, np.where(np.isfinite(from_visit), from_visit, first), anchor)
    return np.asarray(np.floor(anchor), np.float64)


def who_of(dataset: Dataset, source: Source, variable: str) -> NDArray[np.int32]:
    """Position of each row's subject (n_rows,), -1 for nobody of the source."""
    column = dataset.text(variable)
    of_level = pd.Index(source.ids).get_indexer(pd.Index(column.levels))
    return np.append(of_level, -1).astype(np.int32)[column.codes]

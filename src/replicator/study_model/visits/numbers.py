"""Numbers of visits: for those that a study only names, and in place of those that too few subjects share."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import NDArray

from replicator.counting import counted
from replicator.heavy import pandas as pd
from replicator.profile.structure import Kind, Role, StudyStructure
from replicator.tables.dataset import Dataset, Numbers, Text, Variable
from replicator.tables.dates import parse_dates

NUMBER, NAME = "VISITNUM", "VISIT"


def number_visits(datasets: Mapping[str, Dataset], structure: StudyStructure, about: Collection[str]) -> dict[str, Dataset]:
    """Add VISITNUM to the datasets that have VISIT alone.

    Parameters
    ----------
    datasets : mapping of str to Dataset
    structure : StudyStructure
    about : collection of str
        Names of those that are about subjects.

    Returns
    -------
    dict of str to Dataset
        All datasets. A name has the number that most rows of it have in other datasets; names without any follow those with
        one, in the order of their median day from the subject's first date.
    """
    named = {
        name: dataset
        for name, dataset in datasets.items()
        if name in about and isinstance(dataset.columns.get(NAME), Text) and not dataset[NAME].missing.all()
    }
    bare = [name for name, dataset in named.items() if NUMBER not in dataset]
    if not bare:
        return dict(datasets)
    numbers = _known_numbers([dataset for name, dataset in named.items() if name not in bare])
    unknown = sorted({str(text) for name in bare for text in named[name].text(NAME).compact().levels.tolist()} - set(numbers))
    day = _median_days([(named[name], structure) for name in bare])
    unknown.sort(key=lambda text: (day.get(text, np.inf), text))
    start = int(np.floor(max(numbers.values(), default=0.0))) + 1
    numbers |= {text: float(start + at) for at, text in enumerate(unknown)}
    out = dict(datasets)
    for name in bare:
        column = named[name].text(NAME)
        of_level = [numbers.get(str(text), np.nan) for text in column.levels]
        values: NDArray[np.float64] = np.array([*of_level, np.nan])
        out[name] = named[name].with_column(Variable(NUMBER, type="num"), Numbers(values[column.codes]))
    return out


def share_numbers(
    datasets: Mapping[str, Dataset], structure: StudyStructure, about: Collection[str], k: int
) -> tuple[dict[str, Dataset], tuple[str, ...]]:
    """Put numbers that everybody may know in the place of VISITNUM where `k` subjects share none of its values.

    Parameters
    ----------
    datasets : mapping of str to Dataset
    structure : StudyStructure
    about : collection of str
        Names of those that are about subjects.
    k : int

    Returns
    -------
    dict of str to Dataset
        All datasets. The numbers of the trial's design stay, if any visit has one, and the other visits have none; without a
        design, each subject's visits are counted from 1 in the order of their numbers.
    notes : tuple of str
    """
    frames = [
        pd.DataFrame({"dataset": name, "subject": _subjects(datasets[name], structure), "number": _numbers(datasets[name])})
        for name in about
        if NUMBER in datasets[name]
    ]
    every = pd.concat(frames).dropna() if frames else pd.DataFrame(columns=["dataset", "subject", "number"])
    if not len(every) or every.groupby("number")["subject"].nunique().max() >= k:
        return dict(datasets), ()
    design = [_numbers(one) for name, one in datasets.items() if structure.datasets[name].kind is Kind.REFERENCE and NUMBER in one]
    planned = every["number"].isin(np.concatenate([np.empty(0), *design]))
    every["new"] = every["number"].where(planned) if planned.any() else every.groupby("subject")["number"].rank("dense")
    out = dict(datasets)
    for name in every["dataset"].unique().tolist():
        column = np.full(datasets[name].n_rows, np.nan)
        column[np.isfinite(_numbers(datasets[name]))] = every.loc[every["dataset"] == name, "new"]
        out[name] = datasets[name].with_column(datasets[name].variable(NUMBER), Numbers(column))
    what = "those that the trial's design does not have are left out" if planned.any() else "visits are counted from 1"
    note = (
        f"{NUMBER}: none of {counted(every['number'].nunique(), 'number')} is shared by {k} subjects; {what}, lower k to keep them."
    )
    return out, (note,)


def _numbers(dataset: Dataset) -> NDArray[np.float64]:
    return np.round(dataset.numbers(NUMBER), 9)


def _subjects(dataset: Dataset, structure: StudyStructure) -> NDArray[np.object_]:
    return dataset.text(structure.datasets[dataset.name].with_role(Role.SUBJECT)[0]).strings()


def _known_numbers(datasets: Collection[Dataset]) -> dict[str, float]:
    """The number that most rows of each name have."""
    parts = [pd.DataFrame({"name": one.text(NAME).strings(), "number": one.numbers(NUMBER)}) for one in datasets]
    if not parts:
        return {}
    frame = pd.concat(parts).query("name != ''").dropna()
    counts = frame.value_counts(["name", "number"]).reset_index().sort_values(["count", "number"], ascending=[False, True])
    first = counts.drop_duplicates("name")
    return dict(zip(first["name"].tolist(), first["number"].tolist(), strict=True))


def _median_days(datasets: Collection[tuple[Dataset, StudyStructure]]) -> dict[str, float]:
    """Median day of each name from the first date of its subject in any of the datasets."""
    parts = []
    for dataset, structure in datasets:
        facts = structure.datasets[dataset.name]
        dates = [name for name in facts.with_role(Role.DATE) if not name.endswith("ENDTC")]
        if dates and facts.with_role(Role.SUBJECT):
            subject = _subjects(dataset, structure)
            day = parse_dates(dataset.text(dates[0])).full_day
            parts.append(pd.DataFrame({"subject": subject, "name": dataset.text(NAME).strings(), "day": day}))
    if not parts:
        return {}
    frame = pd.concat(parts).dropna()
    frame["day"] -= frame.groupby("subject")["day"].transform("min")
    return {str(name): float(day) for name, day in frame.groupby("name")["day"].median().items()}

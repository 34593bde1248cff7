"""Names and planned days of visits by their number, the same in every dataset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.distinct import distinct_values
from replicator.heavy import pandas as pd
from replicator.tables.dataset import Column, Dataset, Numbers, Text, Variable, number_text


@dataclass(frozen=True, eq=False)
class VisitNames:
    """What follows from VISITNUM.

    Attributes
    ----------
    number : (n_visits,) float64
        VISITNUM, sorted.
    name : Text
        VISIT of each.
    day : (n_visits,) float64
        VISITDY of each, NaN without.
    prefix : str
        What stands before the number in the name of a visit that is not in the list, ``UNSCHEDULED`` unless k subjects share
        another.
    planned : tuple of str
        Datasets of k subjects all of whose visits have a planned day: there, one that is not in the list has one between those of
        its neighbours.
    """

    kind: ClassVar[str] = "visit names"

    number: NDArray[np.float64]
    name: Text
    day: NDArray[np.float64]
    prefix: str
    planned: tuple[str, ...] = ()

    @classmethod
    def fit(cls, datasets: Mapping[str, Dataset], subject: Mapping[str, NDArray[np.int32]], k: int) -> VisitNames:
        """Learn from every dataset that has VISITNUM and VISIT; reference datasets (TV) count as known to everybody."""
        frames = []
        for name, dataset in datasets.items():
            if "VISITNUM" not in dataset or "VISIT" not in dataset:
                continue
            frame = pd.DataFrame(
                {
                    "number": np.round(dataset.numbers("VISITNUM"), 9),
                    "name": dataset.text("VISIT").strings(),
                    "day": dataset.numbers("VISITDY") if "VISITDY" in dataset else np.nan,
                    "subject": subject.get(name, np.full(dataset.n_rows, -1)),
                }
            )
            frame = frame[frame["number"].notna() & (frame["name"] != "")].drop_duplicates()
            frames += [frame] if len(frame) else []
        if not frames:
            return cls(np.empty(0), Text.of([]), np.empty(0), "UNSCHEDULED")
        every = pd.concat(frames, ignore_index=True)
        names, days = (_usual(every, name, k) for name in ("name", "day"))
        rare = every[~every["number"].isin(names.index)]
        ends = [number_text(number) for number in rare["number"]]
        before = [name[: -len(end)].rstrip() if name.endswith(end) else None for name, end in zip(rare["name"], ends, strict=True)]
        stems = _usual(rare.assign(number=0.0, stem=np.array(before, object)), "stem", k)
        prefix = str(stems.iloc[0]) if len(stems) else "UNSCHEDULED"
        number, day = np.asarray(names.index, np.float64), np.asarray(days.reindex(names.index), np.float64)
        planned = tuple(sorted(name for name in subject if _is_planned(datasets[name], subject[name], k)))
        return cls(number, Text.of(names.to_numpy()), day, prefix, planned)

    def columns(self, number: NDArray[np.float64], *, planned: bool = False) -> tuple[Text, Numbers]:
        """VISIT and VISITDY of visit numbers (n_rows,), `planned` ones if all have a day."""
        unique, inverse = distinct_values(np.round(number, 9), return_inverse=True)
        at = np.searchsorted(self.number, unique).clip(max=max(len(self.number) - 1, 0))
        known = (self.number[at] == unique) if len(self.number) else np.zeros(len(unique), bool)
        listed = self.name.strings()
        names = [
            str(listed[i]) if there else ("" if np.isnan(value) else f"{self.prefix} {number_text(value)}".strip())
            for value, i, there in zip(unique.tolist(), at.tolist(), known.tolist(), strict=True)
        ]
        days = np.where(known, self.day[at] if len(self.number) else np.nan, np.nan)
        told = np.isfinite(self.day)
        if planned and told.any():
            between = np.round(np.interp(unique, self.number[told], self.day[told]))
            days = np.where(np.isnan(days) & np.isfinite(unique), between, days)
        text = Text.of(names)
        return Text(text.codes.take(inverse), text.levels), Numbers(days.take(inverse))

    def agree(self, dataset: Dataset) -> tuple[str, ...]:
        """Variables among VISIT and VISITDY that follow from VISITNUM in (nearly) every row of a dataset."""
        if "VISITNUM" not in dataset or not dataset.n_rows:
            return ()
        number = dataset.numbers("VISITNUM")
        listed = np.isin(np.round(number, 9), self.number)
        if not listed.any():
            return ()
        name, day = self.columns(number)
        found = []
        if "VISIT" in dataset and (name.strings() == dataset.text("VISIT").strings())[listed].mean() > 0.99:
            found.append("VISIT")
        if "VISITDY" in dataset:
            own = dataset.numbers("VISITDY")
            same = (own == day.values) | (np.isnan(own) & np.isnan(day.values))
            if same[listed].mean() > 0.99:
                found.append("VISITDY")
        return tuple(found)

    def fill(self, dataset: Dataset, names: tuple[str, ...]) -> Dataset:
        """Write the variables `names` of a dataset from its VISITNUM."""
        if not names:
            return dataset
        text, day = self.columns(dataset.numbers("VISITNUM"), planned=dataset.name in self.planned)
        made: dict[str, Column] = {"VISIT": text, "VISITDY": day}
        for name in names:
            column = made[name]
            if name in dataset and dataset.variable(name).type == "char" and isinstance(column, Numbers):
                column = Text.of(column.strings())
            dataset = dataset.with_column(Variable(name, type="char" if isinstance(column, Text) else "num"), column)
        return dataset


def _usual(rows: pd.DataFrame, name: str, k: int) -> pd.Series:
    """The cell of a column that most rows of a visit number have, of those that `k` subjects share or a plan holds, by number."""
    cells = rows[rows[name].notna()].groupby(["number", name])["subject"].agg(["nunique", "size", "min"]).reset_index()
    shared = cells[(cells["nunique"] >= k) | (cells["min"] < 0)].sort_values(
        ["number", "size", name], ascending=[True, False, True]
    )
    return shared.drop_duplicates("number").set_index("number")[name]


def _is_planned(dataset: Dataset, subject: NDArray[np.int32], k: int) -> bool:
    """Whether all rows (n_rows,) of a dataset, of k subjects at least, are at visits with a planned day."""
    if "VISITNUM" not in dataset or "VISITDY" not in dataset or len(distinct_values(subject)) < k:
        return False
    return not bool((dataset["VISITDY"].missing | dataset["VISITNUM"].missing).any())


def named_visits(datasets: Mapping[str, Dataset], subject: Mapping[str, NDArray[np.int32]]) -> NDArray[np.float64]:
    """Numbers, sorted, of the visits of the plan: a reference dataset (TV) lists them, or some row has a planned day (VISITDY)."""
    found = []
    for name, dataset in datasets.items():
        if "VISITNUM" in dataset:
            planned = ~dataset["VISITDY"].missing if "VISITDY" in dataset else np.zeros(dataset.n_rows, bool)
            found.append(np.round(dataset.numbers("VISITNUM"), 9)[planned | (name not in subject)])
    numbers = np.concatenate([np.empty(0), *found])
    return np.unique(numbers[np.isfinite(numbers)])

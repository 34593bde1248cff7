"""Fatal events: which occurrences of subjects who die are said to have been the cause."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.profile.structure import DatasetStructure
from replicator.study_model.spine import Spine
from replicator.tables.dataset import Column, Dataset, Text
from replicator.tables.dates import Precision, format_dates

DEATH_MARKS = ("DTHDTC",)


@dataclass(frozen=True, eq=False)
class Fatal:
    """What a death does to the last occurrence before it.

    Attributes
    ----------
    mark : str
        Mark of the spine that is the date of death.
    rate : float
        Share of the dead with occurrences of whom one is fatal.
    values : dict of str to str
        Cells of a fatal occurrence: terms of the standard only.
    end : str
        Variable that then holds the date of death; ``""`` where the source has it otherwise.
    """

    kind: ClassVar[str] = "fatal occurrences"

    mark: str
    rate: float
    values: Mapping[str, str]
    end: str

    @classmethod
    def fit(
        cls, head: Dataset, structure: DatasetStructure, owner: NDArray[np.int32], end: NDArray[np.float64], spine: Spine
    ) -> tuple[Fatal | None, NDArray[np.bool_]]:
        """Learn from occurrences.

        Returns
        -------
        Fatal or None
            None where no occurrence is fatal, or where fatal ones do not go with the date of death.
        set_aside : (n,) bool
            Occurrences whose cells are explained by the death.
        """
        values = {structure.named(suffix): text for suffix, text in (("OUT", "FATAL"), ("SDTH", "Y"))}
        values = {name: text for name, text in values.items() if name and name in head}
        fatal = np.zeros(head.n_rows, bool)
        for name, text in values.items():
            fatal |= np.char.upper(head.text(name).strings().astype(str)) == text
        mark = _death_mark(spine)
        if not fatal.any() or not mark:
            return None, np.zeros(head.n_rows, bool)
        death = np.floor(spine.marks[mark])[owner]
        if np.isfinite(death[fatal]).mean() < 0.5:
            return None, np.zeros(head.n_rows, bool)
        serious = structure.named("SER")
        if serious:
            cells = np.unique(head.text(serious).strings()[fatal])
            if len(cells) == 1 and cells[0] in ("Y", "N"):
                values[serious] = str(cells[0])
        used = {}
        for name, text in values.items():  # only what the source writes, as it writes it
            cells = np.unique(head.text(name).strings()[fatal].astype(str))
            match = [cell for cell in cells.tolist() if cell.upper() == text]
            if match:
                used[name] = match[0]
        dead = np.unique(owner[np.isfinite(death)])
        rate = (len(np.intersect1d(owner[fatal], dead)) + 0.5) / (len(dead) + 1)
        ended = fatal & np.isfinite(end)
        same = bool(ended.any()) and float((end == death)[ended].mean()) >= 0.5 and ended.sum() >= 0.5 * fatal.sum()
        return cls(mark, float(rate), used, structure.named("ENDTC") if same else ""), fatal

    def apply(
        self,
        columns: Mapping[str, Column],
        owner: NDArray[np.int64],
        occurrence: NDArray[np.int64],
        start: NDArray[np.float64],
        spine: Spine,
        rng: np.random.Generator,
    ) -> dict[str, Column]:
        """Make one occurrence of (most of) the dead fatal: the last to start, in its last row.

        Parameters
        ----------
        columns : mapping of str to Column
            Rows of the dataset.
        owner, occurrence : (n_rows,) int
            Subject and occurrence of each row, by occurrence.
        start : (n_occurrences,) float64
            Day of start.
        """
        death = np.floor(spine.marks.get(self.mark, np.full(spine.n, np.nan)))
        chosen = np.isfinite(death) & (rng.random(spine.n) < self.rate)
        begin = np.nan_to_num(start, nan=-np.inf)[occurrence]
        fits = np.flatnonzero(chosen[owner] & ~(begin > death[owner]))
        order = fits[np.lexsort((fits, begin[fits], owner[fits]))]
        last = np.append(owner[order][1:] != owner[order][:-1], True) if len(order) else np.empty(0, bool)
        rows = order[last]
        out = dict(columns)
        for name, text in self.values.items():
            column = out.get(name)
            if isinstance(column, Text):
                out[name] = _put(column, rows, Text.constant(text, len(rows)))
        column = out.get(self.end)
        if isinstance(column, Text):
            day = death[owner[rows]]
            out[self.end] = _put(
                column, rows, format_dates(day, np.full(len(rows), np.nan), np.full(len(rows), Precision.DAY, np.int8))
            )
        return out


def _death_mark(spine: Spine) -> str:
    return next((name for name in spine.marks if name.split(".")[-1] in DEATH_MARKS), "")


def death_day(spine: Spine) -> NDArray[np.float64]:
    """Day of death by subject: (n,), days since 1970-01-01, NaN for the living."""
    return np.floor(spine.marks.get(_death_mark(spine), np.full(spine.n, np.nan)))


def _put(column: Text, rows: NDArray[np.intp], cells: Text) -> Text:
    codes = column.codes.copy()
    codes[rows] = np.where(cells.codes >= 0, cells.codes + len(column.levels), -1)
    return Text(codes, np.append(column.levels, cells.levels))

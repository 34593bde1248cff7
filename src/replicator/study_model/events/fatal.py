"""Fatal events: which occurrences of subjects who die are said to have been the cause."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.models.marginals import QuantileMarginal
from replicator.profile.structure import DatasetStructure
from replicator.study_model.columns.codes import common_text, count_subjects
from replicator.study_model.events.catalogue import Terms
from replicator.study_model.events.dates import Drawn
from replicator.study_model.marks.names import death_mark
from replicator.study_model.spine import Spine
from replicator.tables.dataset import Column, Dataset, Text
from replicator.tables.dates import Precision, format_dates

Ints = NDArray[np.int64]

MEANING = {"OUT": "FATAL", "SDTH": "Y", "SER": "Y", "SEV": "SEVERE", "TOXGR": "5"}
"""What the standard writes of a fatal event, by suffix of the variable."""
OF_DEATH = ("OUT", "SDTH", "SER")
"""Suffixes of the variables of which a death alone decides; that others are severe, too, is seen in their rows."""
USUAL = 4.0  # days in the mean from the start of a fatal event to the death, where too few subjects tell


@dataclass(frozen=True, eq=False)
class Fatal:
    """What a death does to the last occurrence before it.

    Attributes
    ----------
    mark : str
        Mark of the spine that is the date of death.
    rate : float
        Share of the dead of whom one occurrence is fatal.
    values : dict of str to str
        Cells of a fatal occurrence: terms of the standard only.
    end : str
        Variable that then holds the date of death; ``""`` where the source has it otherwise.
    rows : (n_rows,) int64
        Rows of the catalogue of which the fatal occurrence takes one for its term; none where it keeps its own.
    illness : QuantileMarginal
        Days from the start of the fatal occurrence to the death; empty where fewer than k subjects show it.
    """

    kind: ClassVar[str] = "fatal occurrences"

    mark: str
    rate: float
    values: Mapping[str, str]
    end: str
    rows: Ints
    illness: QuantileMarginal

    @classmethod
    def fit(
        cls,
        head: Dataset,
        structure: DatasetStructure,
        owner: NDArray[np.int32],
        start: NDArray[np.float64],
        end: NDArray[np.float64],
        spine: Spine,
        terms: Terms,
        k: int,
    ) -> tuple[Fatal | None, NDArray[np.bool_]]:
        """Learn from occurrences.

        Returns
        -------
        Fatal or None
            None where no occurrence is fatal, or where fatal ones do not go with the date of death.
        set_aside : (n,) bool
            Occurrences whose cells are explained by the death.

        Notes
        -----
        Cells are the most frequent of those that `k` subjects with a fatal occurrence share, else what a fatal one is by the
        standard: serious, of the highest severity, at an end with the death. Where fewer than `k` had one, everybody who dies has;
        where fewer than `k` of the dead had none, `k` / 2 are taken to have had none.
        """
        fatal = fatal_occurrences(head, structure)
        mark = death_mark(spine)
        if not fatal.any() or not mark:
            return None, np.zeros(head.n_rows, bool)
        death = np.floor(spine.marks[mark])[owner]
        if np.isfinite(death[fatal]).mean() < 0.5:
            return None, np.zeros(head.n_rows, bool)
        people = len(np.unique(owner[fatal]))
        meant = {structure.named(suffix): text for suffix, text in MEANING.items()}
        values = {}
        for name, text in meant.items():
            if not name or name not in head or head[name].missing.all():
                continue
            usual = common_text(head.text(name).take(np.flatnonzero(fatal)), owner[fatal], k)
            if usual:
                values[name] = usual
            else:
                written = sorted({str(level) for level in head.text(name).compact().levels if str(level).upper() == text})
                if written or text == "Y":
                    values[name] = written[0] if written else text
        dead = np.unique(owner[np.isfinite(death)])
        told = len(np.intersect1d(owner[fatal], dead))
        all_dead = int(np.isfinite(spine.marks[mark]).sum())
        without = k / 2 if 0 < all_dead - told < k else all_dead - told
        rate = 1.0 if people < k or not without else (all_dead - without + 0.5) / (all_dead + 1)
        ended = fatal & np.isfinite(end)
        same = bool(ended.any()) and float((end == death)[ended].mean()) >= 0.5 and ended.sum() >= 0.5 * fatal.sum()
        lasted = np.where(fatal & (start <= death), death - start, np.nan)
        enough = len(np.unique(owner[np.isfinite(lasted)])) >= k
        illness = QuantileMarginal.fit(
            lasted if enough else np.empty(0), owner if enough else np.empty(0, np.int32), k=k, decimals=0
        )
        ends = structure.named("ENDTC") if same or people < k else ""
        return cls(mark, float(rate), values, ends, _fatal_rows(fatal, owner, terms, k), illness), fatal

    def dying(self, spine: Spine, rng: np.random.Generator) -> NDArray[np.bool_]:
        """Draw who has a fatal occurrence: (n,), (most of) the dead."""
        return np.isfinite(spine.marks.get(self.mark, np.full(spine.n, np.nan))) & (rng.random(spine.n) < self.rate)

    def choose(self, dying: NDArray[np.bool_], owner: Ints, start: NDArray[np.float64], spine: Spine) -> Ints:
        """Return the fatal occurrence of each of the dying, the last to start (n_occurrences,) before the death."""
        death = np.floor(spine.marks.get(self.mark, np.full(spine.n, np.nan)))
        begin = np.nan_to_num(start, nan=-np.inf)
        fits = np.flatnonzero(dying[owner] & ~(begin > death[owner]))
        order = fits[np.lexsort((fits, begin[fits], owner[fits]))]
        return order[np.append(owner[order][1:] != owner[order][:-1], True)] if len(order) else order

    def onset(self, drawn: Drawn, chosen: Ints, owner: Ints, spine: Spine, rng: np.random.Generator) -> Drawn:
        """Let the fatal occurrences begin as long before the death as the source's, on a day that is known in full.

        Where too few of the source's are known, :data:`USUAL` days in the mean. None begins before the first day on study, if its
        drawn start did not.
        """
        usual = np.floor(rng.exponential(USUAL, len(chosen)))
        days = self.illness.quantile(rng.random(len(chosen))) if self.illness.n else usual
        death, first = (np.floor(spine.marks[name])[owner[chosen]] for name in (self.mark, "FIRST"))
        day = np.minimum(np.maximum(death - days, np.fmin(first, drawn.start[chosen])), death)
        known = np.isfinite(drawn.start[chosen])
        rows, day = chosen[known], day[known]
        start = drawn.start.copy()
        start[rows] = day
        written = format_dates(day, np.full(len(day), np.nan), np.full(len(day), Precision.DAY, np.int8))
        return replace(drawn, start=start, start_text=drawn.start_text.overlaid(rows, written))

    def apply(self, columns: Mapping[str, Column], owner: Ints, occurrence: Ints, chosen: Ints, spine: Spine) -> dict[str, Column]:
        """Write the cells of the fatal occurrences, in the last row of each.

        Parameters
        ----------
        columns : mapping of str to Column
            Rows of the dataset.
        owner, occurrence : (n_rows,) int64
            Subject and occurrence of each row, by occurrence.
        chosen : (n_chosen,) int64
            From :meth:`choose`.
        """
        last = np.append(occurrence[1:] != occurrence[:-1], True) if len(occurrence) else np.empty(0, bool)
        rows = np.flatnonzero(last & np.isin(occurrence, chosen))
        out = dict(columns)
        for name, text in self.values.items():
            column = out.get(name)
            if isinstance(column, Text):
                out[name] = column.overlaid(rows, Text.constant(text, len(rows)))
        column = out.get(self.end)
        if isinstance(column, Text):
            day = np.floor(spine.marks[self.mark])[owner[rows]]
            written = format_dates(day, np.full(len(rows), np.nan), np.full(len(rows), Precision.DAY, np.int8))
            out[self.end] = column.overlaid(rows, written)
        return out


def fatal_occurrences(head: Dataset, structure: DatasetStructure) -> NDArray[np.bool_]:
    """Whether an outcome or a criterion of seriousness says that an occurrence was fatal: (n,)."""
    fatal = np.zeros(head.n_rows, bool)
    for suffix in ("OUT", "SDTH"):
        name = structure.named(suffix)
        if name and name in head:
            fatal |= np.char.upper(head.text(name).strings().astype(str)) == MEANING[suffix]
    return fatal


def without_deaths(head: Dataset, structure: DatasetStructure, fatal: NDArray[np.bool_]) -> Dataset:
    """Leave out of fatal occurrences (n,) what the death alone decides."""
    for name in map(structure.named, OF_DEATH):
        if name and name in head:
            column = head.text(name)
            head = head.with_column(head.variable(name), Text(np.where(fatal, -1, column.codes).astype(np.int32), column.levels))
    return head


def _fatal_rows(fatal: NDArray[np.bool_], owner: NDArray[np.int32], terms: Terms, k: int) -> Ints:
    """Rows of the terms that were fatal in at least `k` subjects, else of stand-ins that may well be."""
    people = count_subjects(np.where(fatal, terms.kind_of, -1), owner, len(terms.catalogue.first))
    common = np.flatnonzero((people >= k) & (terms.catalogue.slots == 1))
    return terms.catalogue.first[common] if len(common) else terms.grave

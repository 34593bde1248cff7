"""Names and codes of arms that few subjects have: one name for each code, and what nobody planned as the standard calls it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from replicator.study_model.columns.codes import count_subjects
from replicator.tables.dataset import Dataset, Text

PAIRS = {"ARM": "ARMCD", "ARMCD": "ARM", "ACTARM": "ACTARMCD", "ACTARMCD": "ACTARM"}  # each with what else names the arm
UNPLANNED = {"ARM": "Unplanned Treatment", "ARMCD": "UNPLAN", "ACTARM": "Unplanned Treatment", "ACTARMCD": "UNPLAN"}
PLANNED = {"ACTARM": "ARM", "ACTARMCD": "ARMCD"}  # variable that has the words of planned arms
WITHOUT_ARM = ("SCREEN FAILURE", "SCRNFAIL", "NOT ASSIGNED", "NOTASSGN", "NOT TREATED", "NOTTRT", "UNPLANNED TREATMENT", "UNPLAN")


def with_known_arms(table: Dataset, design: Mapping[str, Dataset], k: int) -> tuple[Dataset, tuple[str, ...]]:
    """Replace, in the dataset of subjects, what fewer than `k` subjects have in the variables of arms and what is no arm's name.

    Of ARM and ARMCD that is what the datasets of the trial's design do not have, where these name arms; and what stands beside a
    code or a name beside which more subjects have another one. Of ACTARM and ACTARMCD it is what no planned arm is called, neither
    of the subjects nor of the design. In its place comes what most subjects have beside the same code or name, or else the
    standard's word, ``Unplanned Treatment``. An arm of few subjects that is neither stays: it is the study's design.

    Parameters
    ----------
    table : Dataset
        The dataset of subjects, one row each.
    design : mapping of str to Dataset
        Datasets that are about no subject, by name.
    k : int

    References
    ----------
    CDISC SDTM Implementation Guide 3.2, section 5, DM: ACTARM of subjects whose treatment is none of the planned arms.
    """
    notes = []
    for variable, beside in PAIRS.items():
        if variable not in table:
            continue
        column = table.text(variable).compact()
        texts = [str(one) for one in column.levels]
        people = count_subjects(column.codes.astype(np.int64), np.arange(table.n_rows, dtype=np.int32), len(texts))
        partner = _usual_beside(column, table.text(beside).compact()) if beside in table else np.arange(len(texts))
        planned = PLANNED.get(variable, variable)
        designed = _words(design.values(), planned)
        if variable in PLANNED:
            known = designed | _words((table,), planned)
            strange = np.array([text not in known for text in texts], bool)
        else:
            strange = np.array([bool(designed) and text not in designed for text in texts], bool)
            strange |= (partner != np.arange(len(texts))) & (people[partner] > people)
        strange &= (people < k) & np.array([text.upper() not in WITHOUT_ARM for text in texts], bool)
        if strange.any():
            usual = [UNPLANNED[variable] if strange[one] else texts[one] for one in partner.tolist()]
            written = [usual[one] if odd else texts[one] for one, odd in enumerate(strange.tolist())]
            table = table.with_column(table.variable(variable), Text.of(np.array([*written, ""], object)[column.codes]))
            notes.append(
                f"{table.name}.{variable}: what fewer than {k} subjects have and no planned arm is called is written as others of "
                f"their arm have it, or {UNPLANNED[variable]}: {int(strange.sum()):,} in {int(people[strange].sum()):,} subjects; "
                "lower k to keep it."
            )
    return table, tuple(notes)


def _words(datasets: Iterable[Dataset], variable: str) -> set[str]:
    """What datasets have in a variable."""
    return {str(word) for one in datasets if variable in one for word in one.text(variable).compact().levels}


def _usual_beside(column: Text, beside: Text) -> NDArray[np.intp]:
    """Of each level of a column the one that most rows have beside the same level of another: (n_levels,), itself where it is that.

    Parameters
    ----------
    column, beside : Text
        (n_rows,).
    """
    n = len(column.levels)
    seen = (column.codes >= 0) & (beside.codes >= 0)
    width = max(len(beside.levels), 1)
    counts = np.bincount(column.codes[seen].astype(np.int64) * width + beside.codes[seen], minlength=n * width).reshape(n, width)
    usual = counts.argmax(axis=0) if n else np.zeros(width, np.intp)
    own = counts.argmax(axis=1) if n else np.zeros(0, np.intp)
    known = counts.any(axis=1)
    return np.where(known, usual[own], np.arange(n))

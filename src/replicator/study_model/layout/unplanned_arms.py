"""Arms that somebody was really in and that nobody planned: where few have one, they are called as the standard calls them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from replicator.study_model.columns.codes import count_subjects
from replicator.tables.dataset import Dataset, Text

ACTUAL = {"ACTARM": ("ARM", "Unplanned Treatment"), "ACTARMCD": ("ARMCD", "UNPLAN")}
WITHOUT_ARM = ("SCREEN FAILURE", "SCRNFAIL", "NOT ASSIGNED", "NOTASSGN", "NOT TREATED", "NOTTRT", "UNPLANNED TREATMENT", "UNPLAN")


def with_unplanned_arms(datasets: Mapping[str, Dataset], head: str, k: int) -> tuple[Dataset, tuple[str, ...]]:
    """Call actual arms of fewer than `k` subjects that no planned arm is called, in the subjects' dataset, ``Unplanned Treatment``.

    Planned are those of the subjects and of the datasets of the trial's design.

    References
    ----------
    CDISC SDTM Implementation Guide 3.2, section 5, DM: ACTARM of subjects whose treatment is none of the planned arms.
    """
    table, notes = datasets[head], []
    for actual, (planned, written) in ACTUAL.items():
        if actual not in table or planned not in table:
            continue
        column = table.text(actual).compact()
        named = {str(one) for dataset in datasets.values() if planned in dataset for one in dataset.text(planned).compact().levels}
        people = count_subjects(column.codes.astype(np.int64), np.arange(table.n_rows, dtype=np.int32), len(column.levels))
        texts = [str(one) for one in column.levels]
        known = [text in named or text.upper() in WITHOUT_ARM for text in texts]
        lost = [n for n, one in zip(people.tolist(), known, strict=True) if n < k and not one]
        if lost:
            named_so = [text if n >= k or one else written for text, n, one in zip(texts, people.tolist(), known, strict=True)]
            renamed = Text.of(np.array([*named_so, ""], object)[column.codes])
            table = table.with_column(table.variable(actual), renamed)
            notes.append(
                f"{head}.{actual}: arms that were not planned and that fewer than {k} subjects were in are called {written}, "
                f"{len(lost):,} of {sum(lost):,} subjects; lower k to keep their names."
            )
    return table, tuple(notes)

"""SUPP-- datasets as columns of their parents, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.derivations.rule import text_of
from replicator.heavy import pandas as pd
from replicator.profile.structure import Kind, StudyStructure
from replicator.standards.stand_ins import load_stand_ins
from replicator.standards.withheld import WITHHELD
from replicator.tables.dataset import Column, Dataset, Numbers, Study, Text, Variable


@dataclass(frozen=True)
class Supplement:
    """How one QNAM of a SUPP-- dataset hangs on its parent.

    Attributes
    ----------
    dataset, parent : str
        The SUPP-- dataset and the dataset whose rows it qualifies.
    name : str
        QNAM.
    column : str
        Name of the column that it became: QNAM, with the dataset before it where the parent has a variable of that name.
    idvar : str
        Variable of the parent that IDVARVAL names; ``""`` where the subject alone does.
    width : int
        Characters that IDVARVAL is padded to on the left; 0 for none.
    constants : mapping of str to str
        The other variables of the row: QLABEL, QORIG, QEVAL and the like, of each the most frequent value that k subjects share,
        or what stands for one; of QLABEL that is QNAM.
    """

    kind: ClassVar[str] = "supplement"

    dataset: str
    parent: str
    name: str
    column: str
    idvar: str
    width: int
    constants: Mapping[str, str]


def join_supplements(
    study: Study, structure: StudyStructure, k: int = 1
) -> tuple[dict[str, Dataset], tuple[Supplement, ...], tuple[str, ...]]:
    """Join every SUPP-- dataset to its parent.

    Name and label of a qualifier that fewer than `k` subjects have are words about them, as its values are: it is joined as
    RARE1, RARE2 and so on.

    Returns
    -------
    datasets : dict of str to Dataset
        All datasets that are no SUPP-- (with a parent), parents with a text column for each QNAM.
    supplements : tuple of Supplement
        What :func:`split_supplements` needs.
    notes : tuple of str
        Qualifiers without their names, and rows that point at no parent, with their counts.
    """
    joined = {name: study[name] for name in study.datasets}
    supplements: list[Supplement] = []
    notes: list[str] = []
    for name, found in structure.datasets.items():
        if found.kind is not Kind.QUALIFIERS or found.parent not in joined or "QNAM" not in study[name]:
            continue
        dataset = joined.pop(name)
        parent, made, note = _join(dataset, joined[found.parent], found.parent, structure.subject_variable, k)
        joined[found.parent] = parent
        supplements += made
        notes += note
    return joined, tuple(supplements), tuple(notes)


def _join(dataset: Dataset, parent: Dataset, parent_name: str, subject: str, k: int) -> tuple[Dataset, list[Supplement], list[str]]:
    own = (subject, "IDVAR", "IDVARVAL", "QNAM", "QVAL")
    frame = pd.DataFrame({c: (dataset.text(c).strings() if c in dataset else np.full(dataset.n_rows, "", object)) for c in own})
    others = [name for name in dataset.names if name not in own]
    supplements, notes, lost = [], [], 0
    wanted = frame[subject] + "\x1f" + _plain(frame["IDVARVAL"]).where(frame["IDVAR"] != "", "")
    few = frame.groupby("QNAM")[subject].transform("nunique") < k
    if few.any():
        names, rare = set(frame["QNAM"]), sorted(frame["QNAM"][few].unique())
        free = (name for name in load_stand_ins().terms("", "qualifier") if name not in names)
        frame["QNAM"] = frame["QNAM"].replace(dict(zip(rare, free, strict=False)))
        notes.append(
            f"{dataset.name}: names, labels and values of qualifiers that fewer than {k} subjects have are not kept, "
            f"{len(rare):,} of {len(names):,} in {int(few.sum()):,} of {dataset.n_rows:,} rows; lower k to keep them."
        )
    keys = {str(idvar): pd.factorize(_row_keys(parent, subject, str(idvar))) for idvar in frame["IDVAR"].unique()}
    for (qnam, idvar), rows in frame.groupby(["QNAM", "IDVAR"], sort=True):
        key_of_row, known = keys[str(idvar)]
        at = pd.Index(known).get_indexer(pd.Index(wanted[rows.index]))
        value = np.full(len(known) + 1, "", object)  # the last one takes what belongs nowhere
        value[at[::-1]] = rows["QVAL"].to_numpy()[::-1]  # of several the first
        value[-1] = ""
        column = Text.of(value).take(key_of_row).compact()
        lost += int((at < 0).sum())
        target = str(qnam) if qnam not in parent.columns else f"{dataset.name}.{qnam}"
        if target in parent.columns:  # the same QNAM by another IDVAR: fill what is empty
            old = parent.text(target).strings()
            column = Text.of(np.where(old == "", column.strings(), old))
        parent = parent.with_column(Variable(target), column)
        padded = rows["IDVARVAL"].str.startswith(" ").any()
        same = frame.index[frame["QNAM"] == qnam]  # by whichever IDVAR
        constants = {other: _customary(dataset.text(other).strings()[same], frame[subject][same], k) for other in others}
        constants |= {other: _of_parent(parent, other) for other in others if constants[other] == WITHHELD}
        if constants.get("QLABEL") == WITHHELD:
            constants["QLABEL"] = str(qnam)  # one label names one qualifier
        width = int(rows["IDVARVAL"].str.len().max()) if padded else 0
        supplements.append(Supplement(dataset.name, parent_name, str(qnam), target, str(idvar), width, constants))
    if lost:
        notes.append(
            f"{dataset.name}: rows that name no row of {parent_name} are not learned, {lost:,} of "
            f"{dataset.n_rows:,}; check IDVARVAL."
        )
    return parent, supplements, notes


def _customary(texts: NDArray[np.object_], subject: pd.Series, k: int) -> str:
    """Return the most frequent of the texts that at least `k` subjects share, or what stands for a text."""
    column = pd.Series(texts, subject.index)
    shared = column[subject.groupby(column).transform("nunique") >= k]
    return str(shared.mode().iloc[0]) if len(shared) else WITHHELD if (column != "").any() else ""


def _of_parent(parent: Dataset, name: str) -> str:
    """What a row of a SUPP-- dataset says as all rows of its parent do: the study, and the domain."""
    if name == "RDOMAIN":
        return parent.domain
    levels = parent.text(name).compact().levels.tolist() if name in parent else []
    return str(levels[0]) if len(levels) == 1 else WITHHELD


def _plain(values: pd.Series) -> pd.Series:
    """Make ``   2``, ``2`` and ``2.0`` the same."""
    text = values.str.strip()
    number = pd.to_numeric(text, errors="coerce")
    whole = (number.abs() < 1e15) & (number == number.round())
    return text.where(~whole, number.where(whole, 0).astype("int64").astype(str))


def _row_keys(parent: Dataset, subject: str, idvar: str) -> NDArray[np.object_]:
    who = pd.Series(parent.text(subject).strings() if subject in parent else [""] * parent.n_rows, dtype=object)
    if not idvar:
        return (who + "\x1f").to_numpy()
    if idvar not in parent:
        return np.full(parent.n_rows, "\x1e", object)
    return (who + "\x1f" + _plain(pd.Series(parent.text(idvar).strings(), dtype=object))).to_numpy()


def split_supplements(
    parent: Dataset, supplements: tuple[Supplement, ...], template: Dataset, subject: str
) -> tuple[Dataset, Dataset]:
    """Take the columns of one SUPP-- dataset off its parent again.

    Parameters
    ----------
    parent : Dataset
        With the joined columns, and the subject and the IDVAR variables in their final form.
    supplements : tuple of Supplement
        Those of one SUPP-- dataset.
    template : Dataset
        Variables of the SUPP-- dataset in order, without rows.
    subject : str
        The subject variable, for example USUBJID.

    Returns
    -------
    parent, supplement : Dataset
        Rows ordered by the parent's rows and QNAM.
    """
    rows: list[NDArray[np.intp]] = []
    which: list[NDArray[np.intp]] = []
    for i, item in enumerate(supplements):
        filled = np.flatnonzero(~parent[item.column].missing) if item.column in parent else np.empty(0, np.intp)
        rows.append(filled)
        which.append(np.full(len(filled), i, np.intp))
    row, item_of = np.concatenate(rows), np.concatenate(which)
    order = np.lexsort((item_of, row))
    row, item_of = row[order], item_of[order]
    named = {item.column: parent.text(item.column) for item in supplements if item.column in parent}
    pointed = {idvar: parent.text(idvar) for idvar in {item.idvar for item in supplements} if idvar in parent}
    pieces = {
        subject: parent.text(subject).take(row),
        "QVAL": _by_item([named.get(item.column, Text.of([])) for item in supplements], row, item_of),
        "IDVARVAL": _by_item([_padded(pointed.get(item.idvar), item.width, parent.n_rows) for item in supplements], row, item_of),
        "QNAM": Text.of(item.name for item in supplements).take(item_of),
        "IDVAR": Text.of(item.idvar for item in supplements).take(item_of),
    }
    columns: dict[str, Column] = {}
    for variable in template.variables:
        text = pieces.get(variable.name)
        if text is None:
            text = Text.of(item.constants.get(variable.name, "") for item in supplements).take(item_of)
        text = text.compact()
        columns[variable.name] = (
            text if variable.type == "char" else Numbers(Dataset("", (variable,), {variable.name: text}).numbers(variable.name))
        )
    supplement = Dataset(template.name, template.variables, columns, template.label)
    return parent.without(*{item.column for item in supplements}), supplement


def _padded(column: Text | None, width: int, n_rows: int) -> Text:
    """Pad the texts of a column on the left; without a column all rows are missing."""
    if column is None:
        return Text.constant("", n_rows)
    return Text(column.codes, np.array([str(level).rjust(width) for level in column.levels], object))


def _by_item(columns: list[Text], row: NDArray[np.intp], item_of: NDArray[np.intp]) -> Text:
    """Take from column `item_of` the cell in `row`, for each pair of the two: (n,)."""
    begin = np.cumsum([0, *(len(column.levels) for column in columns)])
    codes = np.full(len(row), -1, np.int32)
    for i, column in enumerate(columns):
        mine = item_of == i
        own = column.codes[row[mine]]
        codes[mine] = np.where(own >= 0, own + begin[i], -1)
    return text_of((str(level) for column in columns for level in column.levels), codes)

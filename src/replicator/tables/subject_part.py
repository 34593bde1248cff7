"""A part of a study's subjects, told by their identifiers alone: what is larger than memory is read and learned by parts."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from hashlib import blake2b

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from replicator.errors import ConfigError, ReadError
from replicator.standards.variables import subject_names
from replicator.tables.dataset import Dataset, Text

_WIDTH = 8  # bytes of a subject's digest


@dataclass(frozen=True)
class SubjectPart:
    """The `number`-th of `of` parts of about as many subjects each.

    A subject's part follows from the digest of its identifier: the same in every dataset and whatever else is in the files, so that
    the parts of a study have no subject in common and all of them together.
    """

    number: int
    of: int

    @classmethod
    def parse(cls, text: str) -> SubjectPart:
        """Read ``"1/10"``, the first of ten parts.

        Raises
        ------
        ConfigError
            If the text is something else.
        """
        found = re.fullmatch(r"([1-9][0-9]{0,5})/([1-9][0-9]{0,5})", text)
        if found is None or int(found[1]) > int(found[2]):
            raise ConfigError(f"part {text!r} is none of a number of parts; write the first of ten as 1/10.")
        return cls(int(found[1]), int(found[2]))

    def holds(self, identifiers: Iterable[str]) -> NDArray[np.bool_]:
        """Tell which subjects (n,) are of the part; an empty identifier names nobody and stays in each part."""
        return np.array([not one or self._of(one) for one in identifiers], bool)

    def _of(self, identifier: str) -> bool:
        digest = int.from_bytes(blake2b(identifier.strip().encode(), digest_size=_WIDTH).digest())
        return digest * self.of >> (8 * _WIDTH) == self.number - 1

    def rows(self, dataset: Dataset) -> Dataset:
        """Return the dataset with the rows of the part; whole if it has no variable that names subjects."""
        name = subject_column(dataset.names)
        if not name:
            return dataset
        column = dataset.text(name)
        kept = np.append(self.holds(column.levels.tolist()), True)[column.codes]
        if kept.all():
            return dataset
        taken = dataset.take(np.flatnonzero(kept))
        cells = {name: cell.compact() if isinstance(cell, Text) else cell for name, cell in taken.columns.items()}
        return replace(taken, columns=cells)

    def of_table(self, table: pa.Table) -> pa.Table:
        """Return the table with the rows of the part, as :meth:`rows` does."""
        names = {name.strip().upper(): name for name in table.column_names}
        found = subject_column(names)
        if not found:
            return table
        cells = table.column(names[found]).cast(pa.string()).combine_chunks().dictionary_encode()
        known = ["" if value is None else value for value in cells.dictionary.to_pylist()]
        codes = cells.indices.fill_null(len(known)).to_numpy(zero_copy_only=False)
        return table.filter(pa.array(np.append(self.holds(known), True)[codes]))

    def check(self, datasets: Iterable[Dataset]) -> None:
        """Refuse datasets, of this part already, that are not of the same subjects, or of none.

        Raises
        ------
        ReadError
            If several variables name subjects, or none does, or no subject is left.
        """
        named: dict[str, str] = {}
        n_rows = 0
        for dataset in datasets:
            if name := subject_column(dataset.names):
                named.setdefault(name, dataset.name)
                n_rows += int((~dataset.text(name).missing).sum())
        if len(named) > 1:
            (one, there), (other, where) = sorted(named.items())[:2]
            raise ReadError(
                f"{there} names subjects by {one} and {where} by {other}, so that no part of the subjects can be told; "
                "use one variable in all datasets, or take them whole."
            )
        if not named:
            raise ReadError(
                "No dataset has a variable that names subjects, so that no part of them can be told; call it USUBJID, or take all."
            )
        if not n_rows:
            raise ReadError(f"No subject is in part {self.number}/{self.of}; take fewer parts.")


def subject_column(names: Iterable[str]) -> str:
    """Name of the variable, among upper-case `names`, that names subjects as the standard or as is usual; ``""`` for none."""
    by_plain_name = {name.replace("_", ""): name for name in sorted(names, reverse=True)}
    known = ("USUBJID", *subject_names())
    return next((by_plain_name[plain] for plain in known if plain in by_plain_name), "")

"""Columns, datasets and studies: tables as numpy codes and numbers, with the metadata of their variables.

A column is either :class:`Text` (codes into distinct levels) or :class:`Numbers`. There is one missing value each:
code -1 and NaN. An empty string never is a level; a literal ``NA`` is text like any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from html import escape
from itertools import repeat
from typing import Any, Literal, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from replicator.arguments import check_instance
from replicator.distinct import distinct_values
from replicator.errors import StudyError
from replicator.heavy import pandas as pd
from replicator.tables.notebook import html_notes, html_table
from replicator.tables.spelling import spelled_numbers
from replicator.targets import names_a_file

Cell = TypeVar("Cell", bound=np.generic)
Index: TypeAlias = NDArray[np.intp] | NDArray[np.int32] | NDArray[np.int64] | NDArray[np.bool_]


def taken(values: NDArray[Cell], rows: Index) -> NDArray[Cell]:
    """Cells (n_rows,) given by position or mask; :meth:`numpy.ndarray.take` is twice as fast by position as an index."""
    return values[rows] if rows.dtype == np.bool_ else values.take(rows)


@dataclass(frozen=True, eq=False)
class Text:
    """A column of text.

    Attributes
    ----------
    codes : (n_rows,) int32
        Position in `levels`; -1 is missing.
    levels : (n_levels,) object
        Distinct, non-empty strings, in any order; a level may be unused.
    """

    codes: NDArray[np.int32]
    levels: NDArray[np.object_]

    @classmethod
    def of(cls, values: Iterable[str | None]) -> Text:
        """Build from strings; ``None`` and ``""`` are missing. Levels come out sorted."""
        cells = values.tolist() if isinstance(values, np.ndarray) else list(values)
        levels = sorted(one for one in set(cells) if one is not None and one == one and one != "")  # NaN is missing, too
        place = {level: code for code, level in enumerate(levels)}
        codes = np.fromiter(map(place.get, cells, repeat(-1)), np.int32, len(cells))
        return cls(codes, np.array(levels, dtype=object))

    @classmethod
    def constant(cls, value: str, n: int) -> Text:
        """Build `n` rows of one value; ``""`` gives a column that is missing throughout."""
        if value == "":
            return cls(np.full(n, -1, np.int32), np.empty(0, object))
        return cls(np.zeros(n, np.int32), np.array([value], dtype=object))

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def held(self) -> NDArray[np.integer[Any]]:
        """The codes in as few bytes as they are held in; for keys and look-ups, not to reckon with."""
        return self.codes

    def take(self, rows: Index) -> Text:
        """Keep the rows given by position or mask; levels stay."""
        return Text(taken(self.codes, rows), self.levels)

    def overlaid(self, rows: Index, cells: Text) -> Text:
        """Put the texts of `cells` (n_chosen,), missing ones too, into the rows given by position or mask.

        Examples
        --------
        >>> Text.of(["a", "b", "c"]).overlaid(np.array([2, 0]), Text.of(["b", None])).strings().tolist()
        ['', 'b', 'b']
        """
        place = dict(self.place)
        lookup = [place.setdefault(level, len(place)) for level in cells.levels.tolist()]
        codes = self.codes.copy()
        codes[rows] = np.array([*lookup, -1], np.int32)[cells.codes]
        return Text(codes, np.array(list(place), dtype=object))

    def compact(self) -> Text:
        """Drop unused levels and sort the rest, so that equal columns have equal codes; done once for a column."""
        return self if self._compact is None else self._compact

    @cached_property
    def _compact(self) -> Text | None:
        """The compact column; None if it is this one."""
        used = np.flatnonzero(self.used)
        kept = self.levels[used]
        texts = kept.tolist()
        order = sorted(range(len(texts)), key=texts.__getitem__)
        if len(kept) == len(self.levels) and order == list(range(len(order))):
            return None
        rank = np.full(len(self.levels) + 1, -1, np.int32)
        rank[used[order]] = np.arange(len(kept), dtype=np.int32)
        out = Text(rank.take(self.codes), kept[order])
        out.__dict__["_compact"] = out
        return out

    @property
    def used(self) -> NDArray[np.bool_]:
        """(n_levels,) mask of the levels that some row has."""
        used = np.zeros(len(self.levels) + 1, bool)  # the last one is for missing cells
        used[self.held.astype(np.intp, copy=False)] = True
        return used[:-1]

    @cached_property
    def place(self) -> Mapping[str, int]:
        """Code of each level."""
        return {level: code for code, level in enumerate(self.levels.tolist())}

    @cached_property
    def spelled(self) -> NDArray[np.float64]:
        """(n_levels + 1,) number that each level spells and, at the end, that of a missing cell; NaN for none."""
        return np.append(spelled_numbers(self.levels.tolist()), np.nan)

    def strings(self) -> NDArray[np.object_]:
        """Decode: (n_rows,) object array of str, ``""`` where missing."""
        return np.append(self.levels, np.array([""], object)).take(self.codes)

    @property
    def missing(self) -> NDArray[np.bool_]:
        """(n_rows,) mask of missing cells."""
        return self.codes < 0


@dataclass(frozen=True, eq=False)
class Numbers:
    """A column of numbers: `values` (n_rows,) float64, NaN is missing."""

    values: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.values)

    def take(self, rows: Index) -> Numbers:
        """Keep the rows given by position or mask."""
        return Numbers(taken(self.values, rows))

    def strings(self) -> NDArray[np.object_]:
        """Decode: (n_rows,) object array of str, shortest exact form, whole numbers without a point, ``""`` missing."""
        unique, inverse = distinct_values(self.values, return_inverse=True)
        return np.array([number_text(value) for value in unique.tolist()], dtype=object).take(inverse)

    def text(self) -> Text:
        """The numbers as text, as :meth:`strings` writes them."""
        unique, inverse = distinct_values(self.values, return_inverse=True)
        texts = Text.of(map(number_text, unique.tolist()))
        return Text(texts.codes.take(inverse), texts.levels)

    @cached_property
    def rounded(self) -> Numbers:
        """The numbers to 9 decimals."""
        return Numbers(np.round(self.values, 9))

    @cached_property
    def coded(self) -> tuple[NDArray[np.int64], Numbers]:
        """Codes (n_rows,), -1 missing, and the distinct numbers, sorted."""
        seen = ~np.isnan(self.values)
        values, inverse = distinct_values(self.values[seen], return_inverse=True)
        codes = np.full(len(self.values), -1, np.int64)
        codes[seen] = inverse
        return codes, Numbers(values)

    @property
    def missing(self) -> NDArray[np.bool_]:
        """(n_rows,) mask of missing cells."""
        return np.isnan(self.values)


Column: TypeAlias = Text | Numbers

MOST_DECIMALS = 17
"""Places after the point beyond which no number is written: float64 tells no more."""


def number_text(value: float) -> str:
    """Write a number in its shortest exact form; whole numbers without a point, NaN as ``""``.

    Examples
    --------
    >>> number_text(5.0), number_text(0.1), number_text(float("nan"))
    ('5', '0.1', '')
    """
    if value != value:
        return ""
    return str(int(value)) if abs(value) < 1e15 and value == int(value) else repr(value)


@dataclass(frozen=True)
class Variable:
    """Metadata of one variable.

    Attributes
    ----------
    name : str
        Upper case, as in the data.
    label : str
        Up to 40 characters in SAS transport files; ``""`` if none is known.
    type : "char" or "num"
        Must agree with the column: Text is char, Numbers is num.
    length : int or None
        Declared bytes (char) as in the source; None if the source declared none.
    format : str
        SAS display format such as ``DATE9.``; ``""`` if none.
    codelist : str
        Name of a codelist in :attr:`Study.codelists`; ``""`` if none.
    decimals : int or None
        Places after the point, 1 to 17, that every number of the source was written with (more where a number needs them); None
        for the shortest exact form.

    Raises
    ------
    StudyError
        If `decimals` is out of its bounds.
    """

    name: str
    label: str = ""
    type: Literal["char", "num"] = "char"
    length: int | None = None
    format: str = ""
    codelist: str = ""
    decimals: int | None = None

    def __post_init__(self) -> None:
        if self.decimals is not None and not 1 <= self.decimals <= MOST_DECIMALS:
            raise StudyError(f"{self.name}: {self.decimals} decimals cannot be written; give 1 to {MOST_DECIMALS}, or none.")


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """One table: a name, a label, and columns in the order of their variables. Immutable by convention."""

    name: str
    variables: tuple[Variable, ...]
    columns: Mapping[str, Column]
    label: str = ""

    def __post_init__(self) -> None:
        names = {variable.name for variable in self.variables}
        if len(names) != len(self.variables) or names != self.columns.keys():
            raise StudyError(f"{self.name}: variables and columns do not match one to one; give each column one variable.")
        sizes = set()
        for name, column in self.columns.items():
            if not isinstance(column, (Text, Numbers)):
                what = f"column, as {self.name}.{name} must be"
                check_instance(column, (Text, Numbers), what, StudyError, "give Text or Numbers")
            sizes.add(len(column))
        if len(sizes) > 1:
            raise StudyError(f"{self.name}: columns differ in their number of rows; give columns of equal length.")

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(next(iter(self.columns.values()))) if self.columns else 0

    @property
    def names(self) -> tuple[str, ...]:
        """Variable names in order."""
        return tuple(variable.name for variable in self.variables)

    @property
    def domain(self) -> str:
        """The two-letter domain: the constant value of DOMAIN where there is one (LBCH holds LB), else the name."""
        column = self.columns.get("DOMAIN")
        if isinstance(column, Text):
            used = np.flatnonzero(column.used)
            if len(used) == 1:
                return str(column.levels[used[0]])
        return self.name

    def __repr__(self) -> str:
        return f"<Dataset {self.name}: {self.n_rows:,} rows, {len(self.variables):,} variables>"

    def _repr_html_(self) -> str:
        frame = self.take(np.arange(min(self.n_rows, 10))).to_frame()
        return f"<p>{escape(repr(self)[1:-1])}</p>{frame.to_html(index=False, na_rep='')}"

    def __contains__(self, name: object) -> bool:
        return name in self.columns

    def __getitem__(self, name: str) -> Column:
        if name not in self.columns:
            raise StudyError(f"{self.name}: there is no variable {name!r}; choose among {', '.join(self.names)}.")
        return self.columns[name]

    def variable(self, name: str) -> Variable:
        """Return the metadata of one variable."""
        return next(variable for variable in self.variables if variable.name == name)

    def text(self, name: str) -> Text:
        """Return a column as text; numbers are written in their shortest exact form."""
        column = self.columns[name]
        return column if isinstance(column, Text) else column.text()

    def numbers(self, name: str) -> NDArray[np.float64]:
        """Return a column as float64 (n_rows,); text that is no finite number becomes NaN (``INF`` is a place, not a size)."""
        column = self.columns[name]
        if isinstance(column, Numbers):
            return column.values
        return column.spelled.take(column.codes)

    def take(self, rows: Index) -> Dataset:
        """Keep the rows given by position or mask."""
        rows = np.flatnonzero(rows) if rows.dtype == bool else rows  # once for all columns
        return replace(self, columns={name: column.take(rows) for name, column in self.columns.items()})

    def with_column(self, variable: Variable, column: Column) -> Dataset:
        """Replace a column in its place, or add it at the end."""
        known = variable.name in self.columns
        variables = (
            tuple(variable if old.name == variable.name else old for old in self.variables)
            if known
            else (*self.variables, variable)
        )
        return replace(self, variables=variables, columns={**self.columns, variable.name: column})

    def without(self, *names: str) -> Dataset:
        """Leave out columns."""
        return replace(
            self,
            variables=tuple(variable for variable in self.variables if variable.name not in names),
            columns={name: column for name, column in self.columns.items() if name not in names},
        )

    def to_frame(self) -> pd.DataFrame:
        """Return a pandas frame: text as categories decoded to ``str`` with NaN for missing, numbers as float64."""
        frame = {
            name: pd.Series(
                np.append(column.levels, np.array([None], object))[column.codes] if isinstance(column, Text) else column.values,
                dtype="str" if isinstance(column, Text) else "float64",
            )
            for name in self.names
            for column in [self.columns[name]]
        }
        return pd.DataFrame(frame, columns=list(self.names))

    @classmethod
    def from_frame(cls, name: str, frame: pd.DataFrame, label: str = "", labels: Mapping[str, str] | None = None) -> Dataset:
        """Build from a pandas frame: numeric and boolean columns become numbers, everything else text."""
        variables, columns = [], {}
        for column_name in frame.columns:
            series = frame[column_name]
            numeric = pd.api.types.is_numeric_dtype(series.dtype)
            key = str(column_name).upper()
            columns[key] = (
                Numbers(series.to_numpy(np.float64, na_value=np.nan))
                if numeric
                else Text.of(None if pd.isna(value) else str(value) for value in series)
            )
            variables.append(Variable(key, (labels or {}).get(key, ""), "num" if numeric else "char"))
        return cls(name.upper(), tuple(variables), columns, label)


@dataclass(frozen=True)
class CodelistTerm:
    """One permitted value of a codelist and its meaning."""

    value: str
    decode: str = ""


@dataclass(frozen=True, eq=False, repr=False)
class Study:
    """Datasets by upper-case name, with what is known about all of them.

    Attributes
    ----------
    datasets : mapping of str to Dataset
        In the order in which they are shown and written.
    codelists : mapping of str to tuple of CodelistTerm
        From a Define-XML, by name; empty without one.
    notes : tuple of str
        What reading left out or changed, one sentence each.
    """

    datasets: Mapping[str, Dataset]
    codelists: Mapping[str, tuple[CodelistTerm, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_instance(self.datasets, Mapping, "mapping of names to datasets", StudyError, "give one such as {'DM': dataset}")
        for name, dataset in self.datasets.items():
            check_instance(dataset, Dataset, f"Dataset, as {name!r} must be", StudyError, "make one with Dataset.from_frame")
            if not names_a_file(name):
                raise StudyError(f"{name!r:.80} is no name for a dataset, since no file can have it; rename the dataset.")

    @property
    def name(self) -> str:
        """The study identifier: the first STUDYID found, ``""`` if there is none."""
        for dataset in self.datasets.values():
            if "STUDYID" in dataset and dataset.n_rows:
                found = dataset.text("STUDYID").compact().levels
                if len(found):
                    return str(found[0])
        return ""

    def __repr__(self) -> str:
        listed = ", ".join(f"{dataset.name} {dataset.n_rows:,}" for dataset in self.datasets.values())
        return f"<Study {self.name or 'without a name'}: rows by dataset {listed or 'none'}>"

    def _repr_html_(self) -> str:
        rows = (
            (dataset.name, dataset.label, f"{dataset.n_rows:,}", f"{len(dataset.variables):,}")
            for dataset in self.datasets.values()
        )
        table = html_table(("dataset", "label", "rows", "variables"), rows)
        return f"<p>Study {escape(self.name)}</p>{table}{html_notes(self.notes, 'Notes')}"

    def __getitem__(self, name: str) -> Dataset:
        if name not in self.datasets:
            raise StudyError(f"The study has no dataset {name!r}; choose among {', '.join(self.datasets) or 'none'}.")
        return self.datasets[name]

    def __contains__(self, name: object) -> bool:
        return name in self.datasets

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names of the datasets."""
        return iter(self.datasets)

    def __len__(self) -> int:
        return len(self.datasets)

    def with_datasets(self, datasets: Iterable[Dataset]) -> Study:
        """Return a study with these datasets in place of the present ones."""
        return replace(self, datasets={dataset.name: dataset for dataset in datasets})

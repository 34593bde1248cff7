"""Study -> files: every format, chunk by chunk if need be, whole or not at all."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, get_args

import numpy as np
import pyarrow as pa

from replicator.arguments import check_instance, check_path
from replicator.counting import counted
from replicator.errors import WriteError
from replicator.locations import Location, ObjectLocation
from replicator.progress import Progress
from replicator.tables.dataset import Dataset, Study
from replicator.tables.dataset_json import DatasetJsonWriter
from replicator.tables.dataset_writer import DatasetWriter, WriterState
from replicator.tables.define_xml_writer import write_define
from replicator.tables.encoding import EncodedDataset, Format, Settled, encode, lengthened, settle
from replicator.tables.target_folder import target_folder
from replicator.tables.unfinished import unfinished_folder
from replicator.tables.uploaded_folder import work_place
from replicator.tables.writing_csv import CsvWriter
from replicator.tables.writing_parquet import ParquetWriter, PartedParquetWriter
from replicator.tables.writing_xpt import XptWriter
from replicator.targets import names_a_file

_ROWS_AT_ONCE = 1 << 18
_NOTED = ("chunks", "settling", "rows", "trailing", "longest", "states")  # of a writing that can be gone on with


class StudyWriter:
    """Writes datasets into a folder, in any number of chunks each; the folder appears when the context is left without an error.

    Rows may be encoded elsewhere (:func:`~replicator.tables.encoding.encode`). Blanks at the end of texts, which transport files do
    not hold, are counted and told in one warning.

    Parameters
    ----------
    target : path
        Folder, or prefix ``s3://bucket/key`` in object storage; must be empty or not exist, but for `overwrite`.
    format : {"csv", "xpt", "parquet", "json"}
        Of all datasets; files are called after them in lower case.
    overwrite : bool
        Replace what a former writing left in the folder; see :func:`~replicator.tables.target_folder.target_folder`.
    request : JSON, optional
        What is asked for, which makes the writing one that can be gone on with: :meth:`finish_chunk` notes what is in the files,
        and that outlives an interruption; see :func:`~replicator.tables.unfinished.unfinished_folder`.
    resume : bool
        Go on with what an interrupted writing of the same `request` has left.
    progress : Progress, optional
        Told of every object that goes to object storage.
    partition_by : {"chunk"}, optional
        Write a folder for each dataset, such as ``lb.parquet``, with a file for each chunk; for Parquet alone.

    Examples
    --------
    ::

        with StudyWriter("out", "xpt") as writer:
            for chunk in chunks:                    # studies of the same datasets
                for dataset in chunk.datasets.values():
                    writer.append(dataset)
            writer.describe(chunk)                  # define.xml
    """

    def __init__(
        self,
        target: str | Location,
        format: Format = "csv",
        overwrite: bool = False,
        request: Mapping[str, Any] | None = None,
        resume: bool = False,
        progress: Progress | None = None,
        partition_by: Literal["chunk"] | None = None,
    ) -> None:
        self._target, self._overwrite = check_path(target, "a folder to write", WriteError), overwrite
        if format not in get_args(Format):
            raise WriteError(f"{format!r} is no format to write; choose one of {', '.join(get_args(Format))}.")
        self.format: Format = format
        if partition_by is not None and (partition_by != "chunk" or format != "parquet"):
            raise WriteError(f"Parts by {partition_by!r} are not written as {format}; ask for parts by 'chunk', of Parquet.")
        self._is_parted = partition_by is not None
        self._request, self._resume, self._progress = request, resume, progress
        self._writers: dict[str, DatasetWriter] = {}
        self._first: dict[str, Dataset] = {}
        self.settled: dict[str, Settled] = {}
        self._names: list[str] = []
        self._states: Mapping[str, WriterState] = {}
        self._spool: Path | None = None
        self._longest: dict[str, dict[str, int]] = {}
        self._n_trailing = 0
        self.n_finished = 0
        self.settling: list[int] = []
        self.rows: dict[str, int] = {}

    def __enter__(self) -> Self:
        with _border(self._target), ExitStack() as place:
            if self._request is None:
                self._folder = place.enter_context(target_folder(self._target, self._overwrite, self._progress))
            else:
                unfinished = unfinished_folder(self._target, self._overwrite, self._request, self._resume, _NOTED, self._progress)
                self._unfinished = place.enter_context(unfinished)
                self._folder, self._spool = self._unfinished.folder, self._unfinished.spool
                self._go_on(self._unfinished.noted)
            self._open = ExitStack()
            self._place = place.pop_all()
        return self

    def _go_on(self, noted: Mapping[str, Any]) -> None:
        """Take up what was noted of a former writing."""
        if noted:
            self.n_finished, self.settling, self.rows, self._n_trailing, self._longest, self._states = (
                noted[key] for key in _NOTED
            )

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with _border(self._target):
            try:
                self._open.__exit__(kind, error, trace)
            except BaseException as late:
                self._place.__exit__(type(late), late, late.__traceback__)
                raise
            self._place.__exit__(kind, error, trace)
        if kind is None and self._n_trailing:
            warnings.warn(
                f"{self._target}: {counted(self._n_trailing, 'text ends', 'texts end')} in blanks, which a "
                "transport file does not hold and which are left out there.",
                stacklevel=2,
            )

    @property
    def paths(self) -> list[Location]:
        """Files written, in their final place; the manifest ``.replicator``, which every writing leaves, is not among them."""
        return [self._target / name for name in self._names]

    @property
    def spool(self) -> Path | None:
        """Folder on this machine for what is only needed until the files are whole; None if the writing cannot be gone on with."""
        return self._spool

    def settle(self, dataset: Dataset, study_name: str = "") -> None:
        """Show rows of a chunk of :attr:`settling` again: they are in the file, but their variables settle what comes."""
        self._settle(replace(dataset, variables=self._known(dataset).variables), study_name)

    def _known(self, dataset: Dataset) -> Settled:
        return self.settled.get(dataset.name) or settle(dataset, self.format)

    def _settle(self, dataset: Dataset, study_name: str) -> bool:
        """Open the file of a dataset that is new; tell whether this is its first chunk, or its first one with rows."""
        name = dataset.name
        if name in self._writers and (self._first[name].n_rows or not dataset.n_rows):
            return False
        self.settled[name] = replace(self._known(dataset), has_rows=dataset.n_rows > 0)
        with _border(self._target):
            if name not in self._writers:
                self._writers[name] = self._open.enter_context(self._opened(dataset, study_name))
        self._first[name] = dataset
        return True

    def finish_chunk(self) -> None:
        """Note what is in the files by now, all datasets of a chunk; only after this it outlives an interruption.

        Raises
        ------
        WriteError
            If the disk is full.
        """
        with _border(self._target):
            self.n_finished += 1
            states = {name: writer.state() for name, writer in self._writers.items()}
            found = (self.n_finished, self.settling, self.rows, self._n_trailing, self._longest, states)
            self._unfinished.note(dict(zip(_NOTED, found, strict=True)))

    def append(self, dataset: Dataset, study_name: str = "") -> None:
        """Encode rows and add them.

        Raises
        ------
        WriteError
            If the format cannot hold the data, a chunk has not the variables of the first one, or the disk is full.
        """
        known = self.settled.get(dataset.name)
        common = known or settle(dataset, self.format)
        first = None if known and known.has_rows else dataset
        for start in range(0, max(dataset.n_rows, 1), _ROWS_AT_ONCE):
            rows = np.arange(start, min(start + _ROWS_AT_ONCE, dataset.n_rows))
            encoded = encode(dataset if len(rows) == dataset.n_rows else dataset.take(rows), self.format, common)
            self.add(replace(encoded, first=first and replace(first, variables=common.variables)), study_name)
            first = None

    def add(self, encoded: EncodedDataset, study_name: str = "") -> None:
        """Add rows that were encoded with what :attr:`settled` says of their dataset; its first chunk opens its file.

        Raises
        ------
        WriteError
            If the format cannot hold the data, or the disk is full.
        """
        name = encoded.name
        if encoded.first is not None and self._settle(encoded.first, study_name) and self.n_finished not in self.settling:
            self.settling.append(self.n_finished)
        with _border(self._target):
            self._writers[name].add(encoded.rows)
        self.settled[name] = self.settled[name].with_rows(encoded.rows)
        self._n_trailing += encoded.n_trailing
        self.rows[name] = self.rows.get(name, 0) + encoded.rows.n
        known = self._longest.setdefault(name, {})
        for variable, longest in encoded.longest.items():
            known[variable] = max(known.get(variable, 0), longest)

    def describe(self, study: Study) -> None:
        """Write the Define-XML of what has been written.

        Codelists come from `study`; types that no variable declares from the first chunks that had rows; lengths from all chunks.
        """
        with _border(self._target):
            written = study.with_datasets(
                replace(first, variables=lengthened(first.variables, self._longest[name], self.format))
                for name, first in self._first.items()
            )
            write_define(written, self._folder / "define.xml", suffix=f".{self.format}")
            self._names.append("define.xml")

    def _opened(self, dataset: Dataset, study_name: str) -> DatasetWriter:
        file_name = f"{dataset.name.lower()}.{self.format}"
        if not names_a_file(dataset.name):
            raise WriteError(f"{dataset.name!r}: this is no name for a file; rename the dataset.")
        if not dataset.variables:
            raise WriteError(f"{dataset.name}: the dataset has no variables and cannot be written; leave it out.")
        path, variables = self._folder / file_name, dataset.variables
        self._names.append(file_name)
        state = self._states.get(dataset.name)
        if self.format == "csv":
            return CsvWriter(path, dataset.name, variables, dataset.label, state=state)
        if self.format == "parquet":
            if self._is_parted:
                return PartedParquetWriter(path, dataset.name, variables, dataset.label, state=state)
            return ParquetWriter(path, dataset.name, variables, dataset.label, spool=self._spool, state=state)
        if self.format == "json":
            return DatasetJsonWriter(path, dataset.name, variables, dataset.label, study_name, spool=self._spool, state=state)
        return XptWriter(path, dataset.name, variables, dataset.label, self.settled[dataset.name].encoding, state=state)


def write_study(
    study: Study, target: str | Path, format: Format = "csv", overwrite: bool = False, define: bool = True
) -> list[Location]:
    """Write a study into a folder, whole or not at all.

    Parameters
    ----------
    study : Study
        At least one dataset.
    target : path
        Folder, or prefix ``s3://bucket/key`` in object storage; must be empty or not exist, but for `overwrite`.
    format : {"csv", "xpt", "parquet", "json"}
        CSV (UTF-8, minimal quotes), SAS transport version 5, Parquet, or Dataset-JSON 1.1.
    overwrite : bool
        Replace what a former writing left in the folder and nobody has changed since; files of others stay.
    define : bool
        Put a Define-XML 2.1 beside the datasets, so that labels, types and lengths survive in every format.

    Returns
    -------
    list of Location
        Files written.

    Raises
    ------
    WriteError
        If the target is not empty or not writable, holds datasets that no former writing left, or the format cannot hold the
        data.
    """
    check_instance(study, Study, "Study", WriteError, "give what read_study or sample has made")
    if not study.datasets:
        raise WriteError("The study has no datasets, so there is nothing to write.")
    with StudyWriter(target, format, overwrite) as writer:
        name = study.name
        for dataset in study.datasets.values():
            writer.append(dataset, name)
        if define:
            writer.describe(study)
    return writer.paths


@contextmanager
def _border(target: Location) -> Iterator[None]:
    """Turn foreign errors of writing into ours."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        said = f"{target}: cannot be written ({reason}); check rights and free space, or choose another folder."
        if isinstance(target, ObjectLocation):
            place = work_place(target).parent
            said = f"{target}: what is to be sent cannot be written to {place} ({reason}); make room, or set REPLICATOR_CACHE."
        raise _with_notes(WriteError(said), error) from error
    except (pa.ArrowException, UnicodeEncodeError) as error:
        raise WriteError(
            f"{target}: the data cannot be written ({str(error)[:160]}); correct them or write another format."
        ) from error


def _with_notes(error: WriteError, foreign: Exception) -> WriteError:
    """Take over what was added to the error of another on its way out, such as how to go on."""
    for note in getattr(foreign, "__notes__", ()):
        error.add_note(note)
    return error

"""Samples on the disk: chunks are written as they are drawn, and a sample that was interrupted is gone on with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import BinaryIO

from replicator.errors import WriteError
from replicator.locations import Location
from replicator.sampling.request import Request
from replicator.tables.dataset import Dataset, Study
from replicator.tables.dataset_writer import DatasetWriter
from replicator.tables.unfinished import find_finished
from replicator.tables.writable import check_writable
from replicator.tables.writers import Format, StudyWriter, with_lengths
from replicator.tables.writing_csv import CsvWriter
from replicator.tables.writing_parquet import ParquetWriter

_STREAMED = ("csv", "parquet")  # the others need to go back in the file


@dataclass(frozen=True)
class Written:
    """What a sample that went to the disk holds.

    Attributes
    ----------
    folder : Location
    n_subjects, n_datasets, n_rows : int
    n_resumed : int
        Chunks that an interrupted run had finished.
    """

    folder: Location
    n_subjects: int
    n_datasets: int
    n_rows: int
    n_resumed: int = 0


def write_chunks(
    request: Request, folder: Location, format: Format, made_by: Mapping[str, str], overwrite: bool = False, resume: bool = False
) -> Written:
    """Draw the chunks that are not in the files yet and write them, with a Define-XML at the end.

    Chunks that had the first rows of a dataset are drawn again if they are in the files already: layouts come from them.

    Parameters
    ----------
    request : Request
    folder : Location
    format : {"csv", "xpt", "parquet", "json"}
    made_by : mapping of str to str
        What else the bytes hang on, such as the model's digest; an interrupted run is gone on with for the same alone.
    overwrite, resume : bool
        As for :class:`~replicator.tables.writers.StudyWriter`.

    Raises
    ------
    SampleError
        If nobody meets the conditions.
    WriteError
        If the folder is not empty or not writable, or the format cannot hold the data.
    """
    asked = {**request.words(), "format": format, **made_by}
    if resume and (rows := find_finished(folder, asked)) is not None:
        return Written(folder, request.n, len(rows), sum(rows.values()))
    first: dict[str, Dataset] = {}
    model = request.model
    with StudyWriter(folder, format, overwrite, asked, resume, request.progress) as writer:
        jobs = request.plan()
        n_resumed = writer.n_finished
        again = [jobs[number] for number in writer.settling]
        for chunk in laid_out(request, request.draw(again, n_resumed) if again else (), format, first):
            for dataset in chunk:
                writer.settle(dataset, model.name)
        for chunk in laid_out(request, request.draw(jobs[n_resumed:], n_resumed), format, first):
            for dataset in chunk:
                writer.append(dataset, model.name)
            writer.finish_chunk()
        ordered = {name: first[name] for name in model.layouts if name in first}
        writer.describe(Study(ordered, model.codelists))
    return Written(folder, request.n, len(writer.rows), sum(writer.rows.values()), n_resumed)


def laid_out(
    request: Request, chunks: Iterable[Study], format: Format, first: dict[str, Dataset] | None = None
) -> Iterator[list[Dataset]]:
    """Give all datasets of each chunk the layout of their first one; what every sample shares comes with the very first chunk.

    Parameters
    ----------
    request : Request
    chunks : iterable of Study
        Of this request.
    format : {"csv", "xpt", "parquet", "json"}
        What they are for.
    first : dict of str to Dataset, optional
        The first ones by name, to which new ones are added.
    """
    first = {} if first is None else first
    for study in chunks:
        datasets = [*(() if first else request.shared), *study.datasets.values()]
        for dataset in datasets:
            if dataset.name not in first:
                first[dataset.name] = with_lengths(dataset, format)
        yield [replace(dataset, variables=first[dataset.name].variables) for dataset in datasets]


def stream_rows(request: Request, name: str, file: BinaryIO, format: Format) -> int:
    """Draw all chunks and write the rows of one dataset to an open file as they come; returns how many there are.

    Parameters
    ----------
    request : Request
    name : str
        Of a dataset that subjects have rows of, or that every sample shares.
    file : binary file
        Such as a pipe; it is only ever written to, and stays open.
    format : {"csv", "parquet"}

    Raises
    ------
    WriteError
        If the format is one of those that go back in the file, or cannot hold the data.
    """
    if format not in _STREAMED:
        raise WriteError(f"{format!r} is no format for a pipe; choose one of {', '.join(_STREAMED)}.")
    first: Dataset | None = None
    n_rows = 0
    reference = request.model.reference
    with ExitStack() as opened:
        for study in [Study(dict(reference))] if name in reference else request.draw(request.plan()):
            if first is None:
                first = with_lengths(study[name], format)
                known = (name, first.variables, first.label)
                writer: DatasetWriter = CsvWriter(file, *known) if format == "csv" else ParquetWriter(file, *known)
                opened.enter_context(writer)
            dataset = replace(study[name], variables=first.variables)
            check_writable(dataset, format)
            writer.append(dataset)
            file.flush()
            n_rows += dataset.n_rows
    return n_rows

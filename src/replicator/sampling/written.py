"""Samples on the disk: chunks are written as they are drawn, and a sample that was interrupted is gone on with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from typing import BinaryIO, Literal

from replicator.errors import WriteError
from replicator.locations import Location
from replicator.sampling.request import EncodedChunk, Request
from replicator.sampling.sampler import Job
from replicator.sampling.workers import Crew
from replicator.tables.dataset import Study
from replicator.tables.dataset_writer import DatasetWriter
from replicator.tables.encoding import Format, Settled, encode, settle
from replicator.tables.unfinished import find_finished
from replicator.tables.writers import StudyWriter
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
    request: Request,
    folder: Location,
    format: Format,
    made_by: Mapping[str, str],
    overwrite: bool = False,
    resume: bool = False,
    partition_by: Literal["chunk"] | None = None,
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
    overwrite, resume, partition_by
        As for :class:`~replicator.tables.writers.StudyWriter`.

    Raises
    ------
    SampleError
        If nobody meets the conditions.
    WriteError
        If the folder is not empty or not writable, or the format cannot hold the data.
    """
    asked = {**request.words(), "format": format, **made_by, **({"partition by": partition_by} if partition_by else {})}
    if resume and (rows := find_finished(folder, asked)) is not None:
        return Written(folder, request.n, len(rows), sum(rows.values()))
    with StudyWriter(folder, format, overwrite, asked, resume, request.progress, partition_by) as writer:
        jobs = request.plan()
        n_resumed = writer.n_finished
        if n_resumed:
            again = request.draw([jobs[number] for number in writer.settling], n_resumed)
            for dataset in chain(request.shared, *(chunk.datasets.values() for chunk in again)):
                writer.settle(dataset, request.model.name)
        for _ in write_jobs(request, jobs[n_resumed:], writer):
            pass
        writer.describe(Study({}, request.model.codelists))
    return Written(folder, request.n, len(writer.rows), sum(writer.rows.values()), n_resumed)


def write_jobs(request: Request, jobs: Sequence[Job], writer: StudyWriter, crew: Crew | None = None) -> Iterator[int]:
    """Draw chunks and put them behind those that a writer has, encoded by who draws them; yields how many are there by then.

    What every sample shares comes before the very first chunk.

    Parameters
    ----------
    request : Request
    jobs : sequence of Job
        Of its plan, from where the writer is.
    writer : StudyWriter
    crew : Crew, optional
        Another one than that of the request.
    """
    name, before = request.model.name, writer.n_finished
    for dataset in () if before else request.shared:
        writer.append(dataset, name)
    for chunk in request.encode(jobs, writer.format, writer.settled, before, crew, writer.spool):
        for encoded in chunk.datasets:
            writer.add(encoded, name)
        writer.finish_chunk()
        yield writer.n_finished


def stream_rows(request: Request, name: str, file: BinaryIO, format: Format) -> int:
    """Draw all chunks and write the rows of one dataset to an open file as they come; returns how many there are.

    Parameters
    ----------
    request : Request
        For that dataset alone.
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
    settled: dict[str, Settled] = {}
    n_rows = 0
    reference = request.model.reference
    with ExitStack() as opened:
        chunks = [EncodedChunk(0, [encode(reference[name], format)])] if name in reference else []
        for chunk in chunks or request.encode(request.plan(), format, settled):
            (one,) = (encoded for encoded in chunk.datasets if encoded.name == name)
            if not settled and one.first is not None:
                settled[name] = settle(one.first, format)
                known = (name, one.first.variables, one.first.label)
                writer: DatasetWriter = CsvWriter(file, *known) if format == "csv" else ParquetWriter(file, *known)
                opened.enter_context(writer)
            writer.add(one.rows)
            file.flush()
            n_rows += one.rows.n
    return n_rows

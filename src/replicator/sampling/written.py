"""Samples on the disk: chunks are written as they are drawn, and a sample that was interrupted is gone on with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import BinaryIO, Literal, Protocol, TypeAlias

from replicator.sampling.sampler import Job
from replicator.study_model.study_model import StudyModel
from replicator.tables.dataset import Dataset, Study
from replicator.tables.dataset_writer import DatasetWriter
from replicator.tables.writable import check_writable
from replicator.tables.writers import StudyWriter, with_lengths
from replicator.tables.writing_csv import CsvWriter
from replicator.tables.writing_parquet import ParquetWriter

StreamFormat: TypeAlias = Literal["csv", "parquet"]


class Draw(Protocol):
    """Draws some chunks of a sample, in their order."""

    def __call__(self, jobs: Sequence[Job], before: int, /) -> Iterator[Study]:
        """Draw the chunks of `jobs`, before which so many of the sample are done."""
        ...


def write_chunks(
    model: StudyModel, writer: StudyWriter, jobs: Sequence[Job], draw: Draw, domains: Sequence[str] | None = None
) -> None:
    """Draw the chunks that are not in the files yet and write them, with a Define-XML at the end.

    Chunks that had the first rows of a dataset are drawn again if they are in the files already: layouts come from them.

    Parameters
    ----------
    model : StudyModel
    writer : StudyWriter
        Open, and one that can be gone on with.
    jobs : sequence of Job
        All chunks of the sample.
    draw : Draw
    domains : sequence of str, optional
        Datasets to copy of those that every sample shares; all by default.

    Raises
    ------
    WriteError
        If the format cannot hold the data, or the disk is full.
    """
    first: dict[str, Dataset] = {}
    again = [jobs[number] for number in writer.settling]
    for chunk in laid_out(model, draw(again, writer.n_finished) if again else (), writer, domains, first):
        for dataset in chunk:
            writer.settle(dataset, model.name)
    for chunk in laid_out(model, draw(jobs[writer.n_finished :], writer.n_finished), writer, domains, first):
        for dataset in chunk:
            writer.append(dataset, model.name)
        writer.finish_chunk()
    ordered = {name: first[name] for name in model.layouts if name in first}
    writer.describe(Study(ordered, model.codelists))


def laid_out(
    model: StudyModel,
    chunks: Iterable[Study],
    writer: StudyWriter,
    domains: Sequence[str] | None = None,
    first: dict[str, Dataset] | None = None,
) -> Iterator[list[Dataset]]:
    """Give all datasets of each chunk the layout of their first one; what every sample shares comes with the very first chunk.

    Parameters
    ----------
    model : StudyModel
    chunks : iterable of Study
    writer : StudyWriter
        What they are for.
    domains : sequence of str, optional
        As for :func:`write_chunks`.
    first : dict of str to Dataset, optional
        The first ones by name, to which new ones are added.
    """
    first = {} if first is None else first
    copied = [dataset for name, dataset in model.reference.items() if domains is None or name in domains]
    for study in chunks:
        datasets = [*(() if first else copied), *study.datasets.values()]
        for dataset in datasets:
            if dataset.name not in first:
                first[dataset.name] = with_lengths(dataset, writer.format)
        yield [replace(dataset, variables=first[dataset.name].variables) for dataset in datasets]


def stream_rows(model: StudyModel, name: str, jobs: Sequence[Job], draw: Draw, file: BinaryIO, format: StreamFormat) -> int:
    """Draw all chunks and write the rows of one dataset to an open file as they come; returns how many there are.

    Parameters
    ----------
    model : StudyModel
    name : str
        Of a dataset that subjects have rows of, or that every sample shares.
    jobs : sequence of Job
        All chunks of the sample.
    draw : Draw
    file : binary file
        Such as a pipe; it is only ever written to, and stays open.
    format : {"csv", "parquet"}
        The others need to go back in the file.
    """
    first: Dataset | None = None
    n_rows = 0
    with ExitStack() as opened:
        for study in [Study(dict(model.reference))] if name in model.reference else draw(jobs, 0):
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

"""Samples on the disk: chunks are written as they are drawn, and a sample that was interrupted is gone on with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Protocol

from replicator.sampling.sampler import Job
from replicator.study_model.study_model import StudyModel
from replicator.tables.dataset import Dataset, Study
from replicator.tables.writers import StudyWriter, with_lengths


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
    copied = [dataset for name, dataset in model.reference.items() if domains is None or name in domains]

    def laid_out(study: Study, number: int) -> Iterator[Dataset]:
        for dataset in (*(copied if number == 0 else ()), *study.datasets.values()):
            if dataset.name not in first:
                first[dataset.name] = with_lengths(dataset, writer.format)
            yield replace(dataset, variables=first[dataset.name].variables)

    again = writer.settling
    for number, study in zip(again, draw([jobs[number] for number in again], writer.n_finished), strict=True):
        for dataset in laid_out(study, number):
            writer.settle(dataset, model.name)
    for number, study in enumerate(draw(jobs[writer.n_finished :], writer.n_finished), writer.n_finished):
        for dataset in laid_out(study, number):
            writer.append(dataset, model.name)
        writer.finish_chunk()
    ordered = {name: first[name] for name in model.layouts if name in first}
    writer.describe(Study(ordered, model.codelists))

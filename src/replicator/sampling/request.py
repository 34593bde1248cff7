"""A sample that is asked for: of which model, how many subjects and which ones; it is planned first and then drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from replicator.arguments import MOST_SUBJECTS, MOST_WORKERS, check_whole, shown
from replicator.errors import SampleError
from replicator.progress import Progress, silent
from replicator.sampling.arms import by_name, check_arms
from replicator.sampling.cluster import on_cluster
from replicator.sampling.conditions import Clause, parse_where
from replicator.sampling.possible import check_possible
from replicator.sampling.sampler import Job, draw_chunk, draw_subjects, plan_chunks
from replicator.sampling.workers import Crew, in_processes
from replicator.study_model.artifact.whereabouts import blamed
from replicator.study_model.study_model import StudyModel
from replicator.tables.dataset import Dataset, Study
from replicator.tables.encoding import EncodedDataset, Format, Settled, encode
from replicator.tables.joined import concatenate

Chunk = TypeVar("Chunk")


@dataclass(frozen=True)
class EncodedChunk:
    """A chunk as a format holds it: its rows, all datasets together, and the datasets, which may be encoded as they are taken."""

    n_rows: int
    datasets: Iterable[EncodedDataset]


@dataclass(frozen=True, eq=False)
class Request:
    """A sample that is asked for; the same model, seed and options give the same study, whatever the number of workers.

    Parameters
    ----------
    model : StudyModel
    n : int
        Subjects, 1 or more.
    seed : int
        Not negative.
    where : str, optional
        Only subjects like this, for example ``"SEX=F & AGE>65"``.
    arms : mapping of str to int, optional
        Subjects by arm, its name or a code that stands for it alone; they add up to `n`.
    domains : sequence of str, optional
        Only these datasets; the others' random streams are not touched by it.
    workers : int
        Processes.
    scheduler : str
        Address of a Dask cluster whose machines draw instead; empty for none.
    progress : Progress
        Told of every chunk.
    origin : str
        The file that the model was read from, which errors blame; empty if there is none.

    Raises
    ------
    SampleError
        If a number, an arm or a dataset is out of bounds.
    """

    model: StudyModel
    n: int
    seed: int = 0
    where: str | None = None
    arms: Mapping[str, int] | None = None
    domains: Sequence[str] | None = None
    workers: int = 1
    scheduler: str = ""
    progress: Progress = silent
    origin: str = ""

    def __post_init__(self) -> None:
        _check(self.model, self.n, self.seed, self.arms, self.domains, self.workers)
        if self.scheduler and self.workers > 1:
            raise SampleError("Workers of this machine and a cluster are asked for; choose one of them.")

    def plan(self) -> list[Job]:
        """Decide which subjects of which chunks are taken.

        Raises
        ------
        SampleError
            If the condition cannot be read, or nobody meets it.
        """
        with blamed(self.model, self.origin):
            return plan_chunks(self.model, self.n, self.seed, self._clauses(), self.named_arms)

    def draw(self, jobs: Sequence[Job], before: int = 0) -> Iterator[Study]:
        """Draw chunks of the plan, in their order and without the datasets that every sample shares.

        Parameters
        ----------
        jobs : sequence of Job
        before : int
            Chunks that are done already.
        """
        with blamed(self.model, self.origin):
            yield from self._told(self._crew()(self._drawn, jobs), len(jobs), before, _rows_of_study)

    def encode(
        self,
        jobs: Sequence[Job],
        format: Format,
        settled: Mapping[str, Settled],
        before: int = 0,
        crew: Crew | None = None,
        spool: Path | None = None,
    ) -> Iterator[EncodedChunk]:
        """Draw chunks as :meth:`draw` does, and encode them where they are drawn.

        Parameters
        ----------
        jobs : sequence of Job
        format : {"csv", "xpt", "parquet", "json"}
        settled : mapping of str to Settled
            By dataset, what earlier chunks have settled; looked at whenever a chunk is asked for, so that a writer may fill it with
            what the first one settles.
        before : int
            Chunks that are done already.
        crew : Crew, optional
            Another one than that of the request.
        spool : Path, optional
            Folder through which processes of this machine hand bytes over.
        """
        tasks = ((job, dict(settled)) for job in jobs)
        crew = crew or self._crew(spool)
        work = partial(_encode_chunk, self._drawn, format, crew is not map)
        with blamed(self.model, self.origin):
            yield from self._told(crew(work, tasks), len(jobs), before, lambda chunk: chunk.n_rows)

    @property
    def _drawn(self) -> Callable[[Job], Study]:
        """What draws a chunk, in any process."""
        return partial(draw_chunk, self.model, self.seed, self.datasets)

    def _told(self, chunks: Iterable[Chunk], n: int, before: int, n_rows: Callable[[Chunk], int]) -> Iterator[Chunk]:
        """Pass chunks on and tell the progress of each, and of the rows until then."""
        total, rows = before + n, 0
        for done, chunk in enumerate(chunks, before):
            self.progress("Sample", done, total, rows=rows)
            yield chunk
            rows += n_rows(chunk)
        self.progress("", total, total, rows=rows)

    def _crew(self, spool: Path | None = None) -> Crew:
        if self.scheduler:
            return partial(on_cluster, scheduler=self.scheduler)
        return map if self.workers == 1 else partial(in_processes, workers=self.workers, spool=spool)

    @property
    def shared(self) -> list[Dataset]:
        """The datasets that every sample shares, as far as they are asked for."""
        asked = self.datasets
        return [dataset for name, dataset in self.model.reference.items() if asked is None or name in asked]

    def study(self) -> Study:
        """Draw all of it into memory; raises as :meth:`plan`."""
        chunks = list(self.draw(self.plan()))
        datasets = {name: concatenate([chunk[name] for chunk in chunks]) for name in chunks[0].datasets}
        datasets |= {dataset.name: dataset for dataset in self.shared}
        return Study({name: datasets[name] for name in self.model.layouts if name in datasets}, self.model.codelists)

    @property
    def datasets(self) -> tuple[str, ...] | None:
        """Names of the datasets that are asked for, None for all: a domain that is split stands for its parts."""
        if self.domains is None:
            return None
        return tuple(dict.fromkeys(name for domain in self.domains for name in _datasets_of(self.model, domain)))

    @property
    def named_arms(self) -> dict[str, int] | None:
        """Subjects by the name of their arm."""
        return None if self.arms is None else by_name(self.model, self.arms)

    def words(self) -> dict[str, object]:
        """Say what is asked for by words that a user knows; plain values, the same for the same subjects and datasets."""
        return {
            "subjects": self.n,
            "seed": self.seed,
            "where": self.where or "",
            "arms": self.named_arms or {},
            "domains": list(self.datasets or []),
        }

    def _clauses(self) -> tuple[Clause, ...]:
        """Read the condition on the variables that a drawn subject has."""
        if self.where is None:
            return ()
        _, head = draw_subjects(self.model, 0, 0, None)
        clauses = parse_where(self.where, tuple(head))
        arms = self.named_arms
        check_possible(clauses, self.model, None if arms is None else {name for name, count in arms.items() if count})
        return clauses


def _encode_chunk(
    draw: Callable[[Job], Study], format: Format, is_sent: bool, task: tuple[Job, Mapping[str, Settled]]
) -> EncodedChunk:
    """Draw a chunk and encode its datasets, all of them at once if they are to be sent to another process."""
    job, settled = task
    study = draw(job)
    encoded = (encode(dataset, format, settled.get(name)) for name, dataset in study.datasets.items())
    return EncodedChunk(_rows_of_study(study), list(encoded) if is_sent else encoded)


def _rows_of_study(chunk: Study) -> int:
    return sum(dataset.n_rows for dataset in chunk.datasets.values())


def _check(
    model: StudyModel, n: int, seed: int, arms: Mapping[str, int] | None, domains: Sequence[str] | None, workers: int
) -> None:
    """Refuse what cannot be sampled, in one sentence."""
    remedy = "and sample further subjects with other seeds"
    check_whole(n, "The number of subjects", SampleError, least=1, most=MOST_SUBJECTS, remedy=remedy)
    check_whole(seed, "The seed", SampleError, least=0)
    check_whole(workers, "The number of workers", SampleError, least=1, most=MOST_WORKERS)
    if arms is not None:
        check_arms(model, n, arms)
    if domains is not None and (isinstance(domains, str) or not isinstance(domains, Iterable)):
        raise SampleError(f"The domains {shown(domains)} are no list of names; give one such as ['DM', 'AE'].")
    missing = [name for name in domains or () if not _datasets_of(model, name)]
    if missing:
        raise SampleError(f"{missing[0]} is not a dataset of the model; choose among {', '.join(model.layouts)}.")


def _datasets_of(model: StudyModel, domain: str) -> tuple[str, ...]:
    """Datasets of a name: the one that has it, or the parts of the domain (QSCO and QSDA of QS); none if there are none."""
    if domain in model.layouts:
        return (domain,)
    return tuple(name for name, layout in model.layouts.items() if layout.constants.get("DOMAIN") == domain)

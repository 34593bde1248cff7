"""Sampling: subjects in chunks of fixed size, a random stream each, in any process."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from replicator.arguments import MOST_SUBJECTS, MOST_WORKERS, check_whole, shown
from replicator.errors import SampleError
from replicator.progress import Progress, silent
from replicator.rng import stream
from replicator.sampling.assembly import assemble
from replicator.sampling.conditions import Clause, meets
from replicator.sampling.derived import with_derived
from replicator.sampling.workers import in_processes
from replicator.study_model.spine import Rows, Spine
from replicator.study_model.study_model import StudyModel
from replicator.tables.dataset import Column, Numbers, Study
from replicator.tables.joined import concatenate
from replicator.threads import one_thread

CHUNK = 500  # subjects drawn together; part of what a seed means
MOST_FRUITLESS = 200  # chunks without a match after which a condition counts as impossible
MOST_CHUNKS_EACH = 20  # further chunks that may be drawn for each subject found


def sample_study(
    model: StudyModel,
    n: int,
    seed: int = 0,
    *,
    where: Sequence[Clause] = (),
    arms: Mapping[str, int] | None = None,
    domains: Sequence[str] | None = None,
    workers: int = 1,
    progress: Progress = silent,
) -> Study:
    """Draw a study of `n` new subjects; the same model, seed and n give the same study, whatever the number of workers.

    Parameters
    ----------
    model : StudyModel
    n : int
        Subjects, at least 1.
    seed : int
        Not negative.
    where : sequence of Clause
        Conditions that every subject meets, from :func:`~replicator.sampling.conditions.parse_where`.
    arms : mapping of str to int, optional
        Exact numbers per arm; they add up to `n`.
    domains : sequence of str, optional
        Datasets to return; all by default. The others' random streams are not touched by it.
    workers : int
        Processes.
    progress : callable
        Told of each chunk.

    Raises
    ------
    SampleError
        If `n`, `seed`, an arm or a domain is out of bounds, or nobody meets the conditions.
    """
    chunks = list(sample_chunks(model, n, seed, where=where, arms=arms, domains=domains, workers=workers, progress=progress))
    datasets = {name: concatenate([chunk[name] for chunk in chunks]) for name in chunks[0].datasets}
    datasets |= {name: dataset for name, dataset in model.reference.items() if domains is None or name in domains}
    ordered = {name: datasets[name] for name in model.layouts if name in datasets}
    return Study(ordered, model.codelists)


def sample_chunks(
    model: StudyModel,
    n: int,
    seed: int = 0,
    *,
    where: Sequence[Clause] = (),
    arms: Mapping[str, int] | None = None,
    domains: Sequence[str] | None = None,
    workers: int = 1,
    progress: Progress = silent,
) -> Iterator[Study]:
    """Draw the same subjects chunk by chunk, without reference datasets; see :func:`sample_study`."""
    check_request(model, n, seed, arms, domains, workers)
    yield from draw_chunks(model, seed, plan_chunks(model, n, seed, where, arms), domains, workers, progress)


def draw_chunks(
    model: StudyModel,
    seed: int,
    jobs: Sequence[Job],
    domains: Sequence[str] | None = None,
    workers: int = 1,
    progress: Progress = silent,
    before: int = 0,
) -> Iterator[Study]:
    """Draw some of the chunks of a sample, in the order of the jobs; `before` counts chunks that are done already."""
    draw = partial(_sample_chunk, model, seed, tuple(domains) if domains is not None else None)
    total = before + len(jobs)
    for done, study in enumerate(map(draw, jobs) if workers == 1 else in_processes(draw, jobs, workers), before):
        progress("Sample", done, total)
        yield study
    progress("", total, total)


@dataclass(frozen=True, eq=False)
class Job:
    """The subjects of one chunk that a sample takes.

    Attributes
    ----------
    chunk : int
        Its number.
    arm : (CHUNK,) int32 or None
        Arms where they are given.
    accepted : (n_accepted,) intp or None
        Positions of the subjects who meet the conditions; None for all.
    n : int
        How many of them are taken, from the first.
    start : int
        Subjects of the sample before them.
    """

    chunk: int
    arm: NDArray[np.int32] | None
    accepted: NDArray[np.intp] | None
    n: int
    start: int


def plan_chunks(model: StudyModel, n: int, seed: int, where: Sequence[Clause], arms: Mapping[str, int] | None) -> list[Job]:
    """Decide which subjects of which chunks are taken."""
    needed = None if arms is None else {model.subjects.arms.index(name): count for name, count in arms.items() if count}
    jobs: list[Job] = []
    taken, chunk = 0, 0
    while taken < n:
        arm = None if needed is None else _mixed_arms(needed)
        accepted: NDArray[np.intp] | None = None
        if where:
            _, head = draw_subjects(model, seed, chunk, arm)
            accepted = np.flatnonzero(meets(where, with_derived(model, head, [clause.variable for clause in where]), CHUNK))
        if arm is not None and needed is not None:
            positions = np.arange(CHUNK) if accepted is None else accepted
            rank = np.zeros(len(positions), np.int64)
            for code in needed:
                mine = arm[positions] == code
                rank[mine] = np.arange(int(mine.sum()))
            accepted = positions[rank < np.array([needed.get(code, 0) for code in arm[positions].tolist()])]
            for code, count in zip(*np.unique(arm[accepted], return_counts=True), strict=True):
                needed[int(code)] -= int(count)
            needed = {code: count for code, count in needed.items() if count}
        size = min(CHUNK if accepted is None else len(accepted), n - taken)
        if size:
            jobs.append(Job(chunk, arm, accepted, size, taken))
        taken += size
        chunk += 1
        if chunk > MOST_FRUITLESS + MOST_CHUNKS_EACH * taken:
            raise SampleError(_too_rare(taken, chunk * CHUNK, n))
    return jobs


def _too_rare(found: int, drawn: int, wanted: int) -> str:
    """Say how rare those are who meet the conditions."""
    if not found:
        return f"None of {drawn:,} drawn subjects meets the conditions; loosen --where."
    return (
        f"Only {found:,} of {drawn:,} drawn subjects ({found / drawn:.2%}) meet the conditions, and {wanted:,} are asked for; "
        "ask for fewer, or loosen --where."
    )


def _mixed_arms(needed: Mapping[int, int]) -> NDArray[np.int32]:
    """Arms of a chunk in the proportions that are still needed, mixed evenly."""
    position = np.concatenate([(np.arange(count) + 0.5) / count for count in needed.values()])
    which = np.concatenate([np.full(count, code) for code, count in needed.items()])
    return np.resize(which[np.argsort(position, kind="stable")], CHUNK).astype(np.int32)


@one_thread
def draw_subjects(model: StudyModel, seed: int, chunk: int, arm: NDArray[np.int32] | None) -> tuple[Spine, dict[str, Column]]:
    """Draw the subjects of one chunk, with the visits of their course."""
    drawn = model.subjects.sample_arms(CHUNK, stream(seed, chunk, "arm"))
    spine, head = model.subjects.sample(
        drawn if arm is None else arm, stream(seed, chunk, "subjects"), chunk * CHUNK, stream(seed, "turns")
    )
    dayless = int((~np.isfinite(spine.anchor)).sum())
    if dayless:
        raise ArithmeticError(f"{dayless} of {spine.n} drawn subjects have no day zero")
    return spine, head


@one_thread
def _sample_chunk(model: StudyModel, seed: int, domains: tuple[str, ...] | None, job: Job) -> Study:
    spine, head = draw_subjects(model, seed, job.chunk, job.arm)
    if job.accepted is not None:
        spine, head = _choose(spine, job.accepted), {name: column.take(job.accepted) for name, column in head.items()}
    spine = replace(spine, visits=model.schedule.sample(spine, stream(seed, job.chunk, "visits")))
    spine = model.story.begin(spine, head)
    rows: dict[str, Rows] = {}
    for name, part in model.parts.items():
        rows[name] = _present(part.sample(spine, stream(seed, job.chunk, "part", name)), spine, model, name)
        spine = model.story.add(spine, name, rows[name].columns, rows[name].subject)
    rows |= {one.dataset: one.split(rows[one.other]) for one in model.counterparts if one.other in rows}
    study = assemble(model, spine, head, rows, job.start, seed, job.n)
    if domains is not None:
        study = study.with_datasets(dataset for name, dataset in study.datasets.items() if name in domains)
    return study


def _present(rows: Rows, spine: Spine, model: StudyModel, name: str) -> Rows:
    """Leave out rows of arms, of subjects without a date, and at visits, that the dataset knows nothing of."""
    keep = np.ones(len(rows.subject), bool)
    for mark in model.undated.get(name, ()):
        keep &= np.isfinite(spine.marks[mark])[rows.subject]
    if name in model.absent:
        keep &= ~np.isin(spine.arm, model.absent[name])[rows.subject]
    number = rows.columns.get("VISITNUM")
    if name in model.closed_visits and isinstance(number, Numbers):
        keep &= ~np.isin(np.round(number.values, 9), model.closed_visits[name])
    if name in model.open_visits and isinstance(number, Numbers):
        keep &= np.isnan(number.values) | np.isin(np.round(number.values, 9), model.open_visits[name])
    if keep.all():
        return rows
    return Rows(rows.subject[keep], {column: cells.take(keep) for column, cells in rows.columns.items()})


def _choose(spine: Spine, positions: NDArray[np.intp]) -> Spine:
    """Keep some subjects of a spine, in the order of their positions."""
    place = np.full(spine.n, -1, np.int32)
    place[positions] = np.arange(len(positions), dtype=np.int32)
    visits, mine = spine.visits, place[spine.visits.subject] >= 0
    return replace(
        spine,
        n=len(positions),
        arm=spine.arm[positions],
        anchor=spine.anchor[positions],
        marks={name: day[positions] for name, day in spine.marks.items()},
        visits=replace(visits.take(mine), subject=place[visits.subject[mine]]),
        reached=None if spine.reached is None else spine.reached[positions],
        covariates={name: codes[positions] for name, codes in spine.covariates.items()},
        features={name: values[positions] for name, values in spine.features.items()},
    )


def check_request(
    model: StudyModel, n: int, seed: int, arms: Mapping[str, int] | None, domains: Sequence[str] | None, workers: int = 1
) -> None:
    """Refuse what cannot be sampled, in one sentence."""
    remedy = "and sample further subjects with other seeds"
    check_whole(n, "The number of subjects", SampleError, least=1, most=MOST_SUBJECTS, remedy=remedy)
    check_whole(seed, "The seed", SampleError, least=0)
    check_whole(workers, "The number of workers", SampleError, least=1, most=MOST_WORKERS)
    _check_arms(model, n, arms)
    if domains is not None and (isinstance(domains, str) or not isinstance(domains, Iterable)):
        raise SampleError(f"The domains {shown(domains)} are no list of names; give one such as ['DM', 'AE'].")
    missing = [name for name in domains or () if name not in model.layouts]
    if missing:
        raise SampleError(f"{missing[0]} is not a dataset of the model; choose among {', '.join(model.layouts)}.")


def _check_arms(model: StudyModel, n: int, arms: Mapping[str, int] | None) -> None:
    """Refuse numbers by arm that are none, do not add up, or are asked of an arm that there is not."""
    if arms is None:
        return
    if not isinstance(arms, Mapping):
        raise SampleError(f"The arms {arms!r:.60} are no numbers by arm; give whole numbers by name, such as {{'Placebo': 50}}.")
    for name, count in arms.items():
        check_whole(count, f"The number of subjects of {name!r}", SampleError, least=0)
    if sum(arms.values()) != n:
        raise SampleError(f"The numbers per arm add up to {sum(arms.values())}, but {n} subjects are asked for; make them agree.")
    unknown = [name for name in arms if name not in model.subjects.arms]
    if unknown:
        known = ", ".join(repr(name) for name in model.subjects.arms if name)
        raise SampleError(f"{unknown[0]!r} is not an arm of the model; choose among {known}.")

"""Sampling: subjects in chunks of fixed size, a random stream each, in any process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from replicator.errors import SampleError
from replicator.rng import stream
from replicator.sampling.assembly import assemble
from replicator.sampling.conditions import Clause, meets
from replicator.sampling.derived import with_derived
from replicator.study_model.course.deaths import none_on_death
from replicator.study_model.spine import Rows, Spine
from replicator.study_model.study_model import StudyModel
from replicator.tables.dataset import Column, Numbers, Study
from replicator.threads import one_thread

CHUNK = 500  # subjects drawn together; part of what a seed means
MOST_FRUITLESS = 200  # chunks without a match after which a condition counts as impossible
MOST_CHUNKS_EACH = 20  # further chunks that may be drawn for each subject found


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
def draw_chunk(model: StudyModel, seed: int, domains: tuple[str, ...] | None, job: Job) -> Study:
    """Draw the subjects of a chunk that a sample takes, with these datasets (None for all) but for those that are shared."""
    spine, head = draw_subjects(model, seed, job.chunk, job.arm)
    if job.accepted is not None:
        spine, head = _choose(spine, job.accepted), {name: column.take(job.accepted) for name, column in head.items()}
    visits = model.schedule.sample(spine, stream(seed, job.chunk, "visits"))
    spine = replace(spine, visits=none_on_death(visits, spine, model.subjects.marks.death))
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
    kept = np.flatnonzero(keep)
    return Rows(rows.subject[kept], {column: cells.take(kept) for column, cells in rows.columns.items()})


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

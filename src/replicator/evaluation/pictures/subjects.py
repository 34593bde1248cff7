"""Time lines of subjects: some of the sample as they are, and what is typical of groups of the source."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from replicator.evaluation.distances import Ints
from replicator.evaluation.pictures.shapes import Series, Stretch, SubjectPicture, Track
from replicator.evaluation.pictures.tracks import FACTS, RARE, STAY, VISITS, SeriesRows, TrackRows, first_of_each, shown_levels
from replicator.evaluation.sharing import FEWEST_SHARED, count_of, share_of, shared_arms
from replicator.evaluation.stack import Origin, Stack
from replicator.evaluation.timeline import Timeline
from replicator.rules.grouping import Mask
from replicator.tables.dataset import Numbers, number_text

MOST_SUBJECTS = 10
MOST_STRETCHES = 400  # of one track
MOST_TERMS = 5  # of one track of a group


def sampled_subjects(
    stack: Stack, timeline: Timeline, tracks: tuple[TrackRows, ...], series: tuple[SeriesRows, ...]
) -> tuple[SubjectPicture, ...]:
    """Draw ten subjects of the sample: of each arm as many as groups of the source, more of the largest, each from the middle of a
    group by length of stay."""
    stay = np.nan_to_num(timeline.end_of_participation(), nan=-np.inf)
    arms = _arms(stack)
    rest = ~np.any([members for _, members in arms], axis=0)
    arms = (*arms, ("", rest)) if rest[stack.origin == Origin.SAMPLE].any() else arms
    of_arm = [np.flatnonzero(members & (stack.origin == Origin.SAMPLE)).astype(np.int64) for _, members in arms]
    of_arm = [who[np.lexsort((who, stay[who]))] for who in of_arm]
    groups = _groups_of_arms(stack, timeline)
    beside = np.minimum(np.append(groups, np.zeros(len(arms) - len(groups), np.int64)), [len(who) for who in of_arm])
    alone = _allotted([len(who) for who in of_arm], 1, beside) - beside
    paired = [_middles(who, n) for who, n in zip(of_arm, beside.tolist(), strict=True)]
    left = (np.setdiff1d(who, taken, assume_unique=True) for who, taken in zip(of_arm, paired, strict=True))
    others = [_middles(who, n) for who, n in zip(left, alone.tolist(), strict=True)]
    chosen = np.concatenate([*paired, *others, np.empty(0, np.int64)])
    facts = [*_facts(stack, chosen), *(_counts(rows, chosen) for rows in tracks if rows.name not in (STAY, VISITS))]
    return tuple(
        SubjectPicture(
            f"Sampled subject {i + 1}",
            tuple(text for column in facts if (text := column[i])),
            tuple(track for rows in tracks if (track := _track(rows, one)).stretches),
            tuple(line for rows in series if (line := _series(rows, one)).days),
        )
        for i, one in enumerate(chosen.tolist())
    )


def _middles(who: Ints, n: int) -> Ints:
    """Take the middle ones of `n` equal parts of subjects, in their order."""
    return who[((np.arange(n) + 0.5) / max(n, 1) * len(who)).astype(np.int64)]


def _counts(rows: TrackRows, who: Ints) -> list[str]:
    """Say how many rows of a track each subject has, and how many of them have a day that can be drawn."""
    n, dated = (
        np.bincount(rows.subject[known & (rows.subject >= 0)], minlength=who.max(initial=-1) + 1)[who]
        for known in (np.ones(len(rows.subject), bool), np.isfinite(rows.start))
    )
    return [
        f"{rows.name}: {count:,}" + (f" ({shown:,} dated)" if shown < count else "")
        for count, shown in zip(n.tolist(), dated.tolist(), strict=True)
    ]


def _facts(stack: Stack, who: Ints) -> list[list[str]]:
    """Arm, age and the like of some subjects in words; nothing that one to four subjects of the source share."""
    arm, names = stack.arm
    behind = np.bincount(arm[(stack.origin == Origin.SOURCE) & (arm >= 0)], minlength=len(names))
    shown = [name if n == 0 or n >= FEWEST_SHARED else RARE for name, n in zip(names, behind.tolist(), strict=True)]
    found = [[[*shown, ""][i] for i in arm[who].tolist()]]
    for variable in FACTS:
        name, row = stack.view.of_subject(variable)
        if not name:
            continue
        column = stack.view.dataset(name)[variable]
        if isinstance(column, Numbers):
            values = np.append(column.values, np.nan)[row[who]]
            found.append([f"{variable} {number_text(value)}" if np.isfinite(value) else "" for value in values.tolist()])
        else:
            text = stack.view.text(name, variable)
            words = [*shown_levels(stack, name, text), ""]
            found.append([words[code] for code in np.append(text.codes, -1)[row[who]].tolist()])
    return found


def _track(rows: TrackRows, subject: int) -> Track:
    of = np.flatnonzero((rows.subject == subject) & np.isfinite(rows.start))
    of = of[np.argsort(rows.start[of], kind="stable")][:MOST_STRETCHES]
    names = [*rows.labels, ""]
    ends = np.fmax(rows.start[of], np.where(np.isfinite(rows.end[of]), rows.end[of], rows.start[of]))
    return Track(
        rows.name,
        tuple(
            Stretch(start, end, names[code], level)
            for start, end, code, level in zip(
                rows.start[of].tolist(), ends.tolist(), rows.code[of].tolist(), rows.level[of].tolist(), strict=True
            )
        ),
    )


def _series(rows: SeriesRows, subject: int) -> Series:
    of = np.flatnonzero((rows.subject == subject) & np.isfinite(rows.day))
    of = of[np.argsort(rows.day[of], kind="stable")][:MOST_STRETCHES]
    return Series(rows.name, tuple(rows.day[of].tolist()), tuple(rows.value[of].tolist()), rows.low, rows.high)


def typical_subjects(
    stack: Stack, timeline: Timeline, tracks: tuple[TrackRows, ...], series: tuple[SeriesRows, ...]
) -> tuple[SubjectPicture, ...]:
    """Draw what is typical of groups of the source by arm and length of stay; each number is a mean over five subjects or more."""
    groups = _groups(stack, timeline)
    firsts = [(rows, first_of_each(rows)) for rows in tracks]
    end = timeline.end_of_participation()
    drawn = []
    for arm, who in groups:
        member = np.zeros(len(stack.origin) + 1, bool)
        member[who] = True
        stay = end[who][np.isfinite(end[who])]
        days = f"in the study for {stay.mean():.1f} days on average" if len(stay) >= FEWEST_SHARED else ""
        told = (_per_subject(rows, who) for rows in tracks if rows.name not in (STAY, VISITS))
        facts = [f"{len(who):,} subjects", days, *_typical_facts(stack, who), *told]
        typical = []
        for rows, first in firsts:
            of = first[member[first["subject"].to_numpy(np.int64)]]
            typical.append(
                _typical_track(
                    rows, of["code"].to_numpy(np.int64), of["start"].to_numpy(np.float64), of["end"].to_numpy(np.float64), len(who)
                )
            )
        lines = (_typical_series(rows, member) for rows in series)
        drawn.append(
            SubjectPicture(
                arm or "All subjects",
                tuple(fact for fact in facts if fact),
                tuple(track for track in typical if track.stretches),
                tuple(line for line in lines if line.days),
            )
        )
    return tuple(drawn)


def _arms(stack: Stack) -> tuple[tuple[str, Mask], ...]:
    arms: tuple[tuple[str, Mask], ...] = shared_arms(stack) or (("", np.ones(len(stack.origin), bool)),)
    return arms[:MOST_SUBJECTS]


def _source_sizes(stack: Stack, arms: tuple[tuple[str, Mask], ...]) -> list[int]:
    return [int((members & (stack.origin == Origin.SOURCE)).sum()) for _, members in arms]


def _allotted(sizes: Sequence[int], fewest: int, least: Ints | None = None) -> Ints:
    """Part :data:`MOST_SUBJECTS` places among arms: the next goes where most subjects stand behind each, while these are `fewest`.

    Parameters
    ----------
    sizes : sequence of int
        Subjects of each arm.
    fewest : int
        Subjects behind a place.
    least : (n_arms,) int64, optional
        Places that are taken already.
    """
    size = np.asarray(sizes, np.int64)
    parts = np.zeros(len(size), np.int64) if least is None else least.copy()
    for _ in range(MOST_SUBJECTS - int(parts.sum())):
        behind = size // (parts + 1)
        if behind.max(initial=0) < fewest:
            break
        parts[behind.argmax()] += 1
    return parts


def _groups(stack: Stack, timeline: Timeline) -> list[tuple[str, Ints]]:
    """Part the source's subjects by arm, and each arm by length of stay, into ten groups at most of five or more."""
    arms = _arms(stack)
    stay = timeline.end_of_participation()
    found = []
    for (arm, members), n_parts in zip(arms, _groups_of_arms(stack, timeline).tolist(), strict=True):
        who = np.flatnonzero(members & (stack.origin == Origin.SOURCE)).astype(np.int64)
        who = who[np.argsort(stay[who], kind="stable")]
        if n_parts:
            found += [(arm, part) for part in np.array_split(who, n_parts)]
    return found


def _groups_of_arms(stack: Stack, timeline: Timeline) -> Ints:
    """Into how many groups each arm of the source is parted: (n_arms,); one at most where no length of stay is known."""
    arms, known = _arms(stack), np.isfinite(timeline.end_of_participation()) & (stack.origin == Origin.SOURCE)
    most = [MOST_SUBJECTS if (members & known).any() else 1 for _, members in arms]
    return np.minimum(_allotted(_source_sizes(stack, arms), FEWEST_SHARED), most)


def _typical_facts(stack: Stack, who: Ints) -> list[str]:
    found = []
    for variable in FACTS:
        name, row = stack.view.of_subject(variable)
        if not name:
            continue
        column = stack.view.dataset(name)[variable]
        if isinstance(column, Numbers):
            values = np.append(column.values, np.nan)[row[who]]
            values = values[np.isfinite(values)]
            if len(values) >= FEWEST_SHARED:
                found.append(f"{variable} {values.mean():.3g} ± {values.std(ddof=1):.2g}")
            continue
        text = stack.view.text(name, variable)
        codes = np.append(text.codes, -1)[row[who]]
        counts = np.bincount(codes[codes >= 0], minlength=1)
        if counts.max() >= FEWEST_SHARED:
            found.append(f"{text.levels[int(counts.argmax())]} {share_of(int(counts.max()), len(who))}")
    return found


def _per_subject(rows: TrackRows, who: Ints) -> str:
    """Say how many rows of a track the subjects of a group have on average; nothing where fewer than five have any."""
    mine = rows.subject[np.isin(rows.subject, who)]
    return f"{rows.name}: {len(mine) / len(who):.1f} a subject" if len(np.unique(mine)) >= FEWEST_SHARED else ""


def _typical_track(rows: TrackRows, code: Ints, start: np.ndarray, end: np.ndarray, n: int) -> Track:
    """Mean first day and last end of each label that five of the group have; the most frequent if there are many, all visits."""
    width = len(rows.labels)
    having = np.bincount(code, minlength=width)
    ended = np.isfinite(end)
    n_ended = np.bincount(code[ended], minlength=width)
    first = np.bincount(code, start, minlength=width) / np.maximum(having, 1)
    last = np.bincount(code[ended], end[ended], minlength=width) / np.maximum(n_ended, 1)
    last = np.where(n_ended >= FEWEST_SHARED, np.maximum(last, first), first)
    order = np.argsort(-having, kind="stable")[: width if rows.name == VISITS else MOST_TERMS]
    return Track(
        rows.name,
        tuple(
            Stretch(float(first[i]), float(last[i]), f"{rows.labels[i]}: {count_of(int(having[i]), n)}")
            for i in order.tolist()
            if having[i] >= FEWEST_SHARED
        ),
    )


def _typical_series(rows: SeriesRows, member: Mask) -> Series:
    """Mean value and mean day at each planned time at which five of the group were measured."""
    of = np.flatnonzero(member[rows.subject] & np.isfinite(rows.day))
    width = int(rows.time.max(initial=-1)) + 1
    n = np.bincount(np.unique(rows.time[of] * len(member) + rows.subject[of]) // len(member), minlength=width)
    rows_at = np.maximum(np.bincount(rows.time[of], minlength=width), 1)
    day = np.bincount(rows.time[of], rows.day[of], minlength=width) / rows_at
    value = np.bincount(rows.time[of], rows.value[of], minlength=width) / rows_at
    shown = np.flatnonzero(n >= FEWEST_SHARED)
    shown = shown[np.argsort(day[shown], kind="stable")]
    return Series(rows.name, tuple(day[shown].tolist()), tuple(value[shown].tolist()), rows.low, rows.high)

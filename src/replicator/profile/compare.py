"""Compare two profiles: two deliveries of a study, two studies, or a study and a sample of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from replicator.arguments import check_instance
from replicator.errors import StudyError
from replicator.profile.differences import Change, Difference, ProfileComparison, share_change, shift, variation
from replicator.profile.structure import Content, Role
from replicator.profile.study_profile import (
    DatasetProfile,
    Levels,
    Occurrences,
    Quantiles,
    ResultProfile,
    StudyProfile,
    VariableProfile,
)

__all__ = ["ProfileComparison", "compare_profiles"]
_NOT_COMPARED = (Role.IDENTIFIER, Role.SUBJECT, Role.RECORD_ID, Role.SEQUENCE)  # their values differ without meaning anything


def compare_profiles(before: StudyProfile, after: StudyProfile) -> ProfileComparison:
    """Compare two profiles.

    Parameters
    ----------
    before, after : StudyProfile
        For example of two deliveries of a study, made with the same `k` (with different ones they name different rare values).

    Returns
    -------
    ProfileComparison
        Sorted by importance; shares and distributions only where they differ by more than chance.
    """
    for one in (before, after):
        check_instance(one, StudyProfile, "StudyProfile", StudyError, "give what profile_study has made")
    found = list(_study(before, after))
    old, new = ({dataset.name: dataset for dataset in profile.datasets} for profile in (before, after))
    found += _one_sided(Change.DATASET, ({name: f"{d.n_rows:,} rows" for name, d in side.items()} for side in (old, new)))
    k = max(before.k, after.k)
    for name in (name for name in old if name in new):
        found += _dataset(old[name], new[name], k)
    found.sort(key=lambda difference: (-difference.importance, difference.where, difference.change))
    titles = (before.study or "study without STUDYID", after.study or "study without STUDYID")
    return ProfileComparison(*titles, before.n_subjects, after.n_subjects, tuple(found))


def _one_sided(change: Change, sides: Iterable[Mapping[str, str]], size: float = 1.0) -> Iterator[Difference]:
    """Name what stands on one side only: where it is, and in words what it is."""
    old, new = sides
    for where in (*old, *(where for where in new if where not in old)):
        if where not in old or where not in new:
            yield Difference(change, where, old.get(where, ""), new.get(where, ""), size)


def _unattended(change: Change, sides: Iterable[Mapping[str, tuple[str, int]]], totals: tuple[int, int]) -> Iterator[Difference]:
    """Name what stands on one side only, by the share of subjects who have it; in words what it is, and how many have it."""
    old, new = sides
    for where in (*old, *(where for where in new if where not in old)):
        if where not in old or where not in new:
            words = [f"{side[where][0]}{side[where][1]:,} subjects" if where in side else "" for side in (old, new)]
            count = (old.get(where) or new[where])[1]
            yield Difference(change, where, words[0], words[1], count / max(totals[where not in old], 1))


def _study(old: StudyProfile, new: StudyProfile) -> Iterator[Difference]:
    if old.n_subjects != new.n_subjects:
        size = abs(old.n_subjects - new.n_subjects) / max(old.n_subjects, new.n_subjects)
        yield Difference(Change.COUNT, "", f"{old.n_subjects:,} subjects", f"{new.n_subjects:,} subjects", size)
    totals = (old.n_subjects, new.n_subjects)
    arms = [{f"arm {arm.value}": ("", arm.n_subjects) for arm in profile.arms.shared} for profile in (old, new)]
    yield from _unattended(Change.ARM, arms, totals)
    yield from _distribution("arms", old.arms, old.n_subjects, new.arms, new.n_subjects)
    visits = [{f"visit {visit.name}": visit for visit in profile.visits} for profile in (old, new)]
    attended = ({where: ("", visit.n_subjects) for where, visit in side.items()} for side in visits)
    yield from _unattended(Change.VISIT, attended, totals)
    for where in (where for where in visits[0] if where in visits[1]):
        one, two = visits[0][where], visits[1][where]
        if one.planned_day != two.planned_day:
            yield Difference(Change.VISIT, where, f"planned day {one.planned_day}", f"planned day {two.planned_day}", 0.5)
        yield from _numbers(Change.DISTRIBUTION, f"{where} day", one.day, one.n_subjects, two.day, two.n_subjects)
        for name in (name for name in one.measured if name in two.measured):
            shares = (one.measured[name], one.n_subjects, two.measured[name], two.n_subjects)
            yield from _share(Change.MISSING, f"{where}, {name} measured", *shares)
    yield from _derivations(old, new)


def _derivations(old: StudyProfile, new: StudyProfile) -> Iterator[Difference]:
    known = [{variable.name for dataset in profile.datasets for variable in dataset.variables} for profile in (old, new)]
    sides = [
        {d.target: (f"{d.rule} from {', '.join(d.inputs)}", d.n_agree / max(d.n_tested, 1)) for d in profile.derivations}
        for profile in (old, new)
    ]
    for target in (*sides[0], *(target for target in sides[1] if target not in sides[0])):
        if not all(target.partition(".")[2] in names for names in known):
            continue  # the variable itself is new or gone
        one, two = sides[0].get(target), sides[1].get(target)
        if one is None or two is None or one[0] != two[0]:
            words = ["" if side is None else f"{side[0]} in {side[1]:.1%} of rows" for side in (one, two)]
            yield Difference(Change.RULE, target, words[0], words[1], 1.0 if one is None or two is None else 0.2)
        elif abs(one[1] - two[1]) >= 0.001:
            size = min(1.0, 5 * abs(one[1] - two[1]))
            yield Difference(Change.RULE, target, f"{one[0]} in {one[1]:.1%} of rows", f"in {two[1]:.1%} of rows", size)


def _dataset(old: DatasetProfile, new: DatasetProfile, k: int) -> Iterator[Difference]:
    name = old.name
    if old.kind != new.kind:
        yield Difference(Change.KIND, name, old.kind.value, new.kind.value, 1.0)
    before, after = (dataset.told_apart(", ") or "none" for dataset in (old, new))
    if before != after:
        yield Difference(Change.KIND, name, f"key {before}", f"key {after}", 0.5)
    n = (old.n_subjects, new.n_subjects)
    yield from _numbers(Change.COUNT, f"{name} rows a subject", old.rows_per_subject, n[0], new.rows_per_subject, n[1])
    sides = [{f"{name}.{variable.name}": variable for variable in dataset.variables} for dataset in (old, new)]
    yield from _one_sided(Change.VARIABLE, ({where: _described(v) for where, v in side.items()} for side in sides))
    for where in (where for where in sides[0] if where in sides[1]):
        yield from _variable(where, sides[0][where], old, sides[1][where], new)
    yield from _one_sided(Change.RULE, (_dependencies(one, two) for one, two in ((old, new), (new, old))), size=0.5)
    yield from _tests(name, old, new)
    if old.occurrences is not None and new.occurrences is not None:
        yield from _occurrences(name, old.occurrences, new.occurrences, k)


def _described(variable: VariableProfile) -> str:
    return f"{variable.label or variable.role.value}, {variable.content.value}"


def _dependencies(dataset: DatasetProfile, other: DatasetProfile) -> dict[str, str]:
    """Return what each variable follows from, one determinant at a time, as far as the other side's variables vary too."""
    varied = {v.name for v in other.variables if v.content not in (Content.EMPTY, Content.CONSTANT)}
    determinants: dict[str, list[str]] = {}
    for dependency in dataset.dependencies:
        if len(dependency.determinants) == 1 and {dependency.dependent, *dependency.determinants} <= varied:
            determinants.setdefault(dependency.dependent, []).append(dependency.determinants[0])
    return {f"{dataset.name}.{name}": f"follows from {', '.join(found)}" for name, found in determinants.items()}


def _variable(
    where: str, old: VariableProfile, old_dataset: DatasetProfile, new: VariableProfile, new_dataset: DatasetProfile
) -> Iterator[Difference]:
    n = (old_dataset.n_subjects or old_dataset.n_rows, new_dataset.n_subjects or new_dataset.n_rows)
    size = 1.0 if old.role != new.role else _content_change(old.content, new.content)
    if size:
        words = [f"{variable.role.value}, {variable.content.value}" for variable in (old, new)]
        yield Difference(Change.TYPE, where, words[0], words[1], size)
    elif old.decimals != new.decimals:
        yield Difference(Change.TYPE, where, f"{old.decimals} decimals", f"{new.decimals} decimals", 0.1)
    if old.label != new.label:
        yield Difference(Change.LABEL, where, old.label, new.label, 1.0)
    missing = [v.n_missing / d.n_rows if d.n_rows else 0.0 for v, d in ((old, old_dataset), (new, new_dataset))]
    yield from _share(Change.MISSING, f"{where} missing", missing[0], n[0], missing[1], n[1])
    partial = [_partial(v) for v in (old, new)]
    if partial[0] is not None and partial[1] is not None:
        yield from _share(Change.MISSING, f"{where} known to less than the day", partial[0], n[0], partial[1], n[1])
    if old.role in _NOT_COMPARED:
        return
    if old.levels is None or new.levels is None:
        yield from _numbers(Change.DISTRIBUTION, where, old.quantiles, n[0], new.quantiles, n[1])
        return
    yield from _distribution(where, old.levels, n[0], new.levels, n[1])
    if Content.CATEGORY in (old.content, new.content):
        yield from _codes(where, old.levels, new.levels)


def _content_change(old: Content, new: Content) -> float:
    """Weigh a change of content: dates and empty columns most; how many distinct values there are is no change."""
    if old is new:
        return 0.0
    sides = {old, new}
    if sides & {Content.DATE, Content.EMPTY}:
        return 1.0
    return 0.5 if sides == {Content.DECIMAL, Content.FREE_TEXT} else 0.1 if Content.CONSTANT in sides else 0.0


def _partial(variable: VariableProfile) -> float | None:
    total = sum(variable.precision.values())
    return sum(variable.precision.get(kind, 0) for kind in ("year", "month", "text")) / total if total else None


def _codes(where: str, old: Levels, new: Levels) -> Iterator[Difference]:
    """Name values that one side has and the other surely has not, since it names all of its values."""
    sides = [{level.value: f"{level.n_subjects} subjects" for level in levels.shared} for levels in (old, new)]
    for value in (*sides[0], *(value for value in sides[1] if value not in sides[0])):
        other = (new if value in sides[0] else old) if (value in sides[0]) != (value in sides[1]) else None
        if other is not None and not other.n_other_levels:
            yield Difference(Change.CODE, f"{where}={value}", sides[0].get(value, ""), sides[1].get(value, ""), 1.0)


def _tests(name: str, old: DatasetProfile, new: DatasetProfile) -> Iterator[Difference]:
    sides: list[dict[str, ResultProfile]] = [{f"{name}.{test.code}": test for test in dataset.tests} for dataset in (old, new)]
    results = ({where: (f"{test.name}, ", test.n_subjects) for where, test in side.items()} for side in sides)
    yield from _unattended(Change.TEST, results, (old.n_subjects, new.n_subjects))
    for where in (where for where in sides[0] if where in sides[1]):
        one, two = sides[0][where], sides[1][where]
        n = (one.n_subjects, two.n_subjects)
        if one.unit != two.unit:
            yield Difference(Change.TEST, where, f"unit {one.unit or 'none'}", f"unit {two.unit or 'none'}", 1.0)
        if one.decimals != two.decimals:
            yield Difference(Change.TYPE, where, f"{one.decimals} decimals", f"{two.decimals} decimals", 0.1)
        missing = [test.n_missing / test.n_rows for test in (one, two)]
        yield from _share(Change.MISSING, f"{where} without result", missing[0], n[0], missing[1], n[1])
        if one.levels is not None and two.levels is not None:
            yield from _distribution(where, one.levels, n[0], two.levels, n[1])
        else:
            yield from _numbers(Change.DISTRIBUTION, where, one.quantiles, n[0], two.quantiles, n[1])


def _occurrences(name: str, old: Occurrences, new: Occurrences, k: int) -> Iterator[Difference]:
    n = (old.per_subject.n if old.per_subject else 0, new.per_subject.n if new.per_subject else 0)
    yield from _numbers(Change.COUNT, f"{name} rows of all subjects", old.per_subject, n[0], new.per_subject, n[1])
    yield from _numbers(Change.DISTRIBUTION, f"{name} day of onset", old.onset, n[0], new.onset, n[1])
    yield from _numbers(Change.DISTRIBUTION, f"{name} days of duration", old.duration, n[0], new.duration, n[1])
    if old.share_open is not None and new.share_open is not None:
        yield from _share(Change.MISSING, f"{name} without end", old.share_open, n[0], new.share_open, n[1])
    sides = [{term.term: term.n_subjects for term in side.terms} for side in (old, new)]
    for term in (*sides[0], *(term for term in sides[1] if term not in sides[0])):
        shares = [sides[i].get(term, k - 1) / max(n[i], 1) for i in (0, 1)]  # unnamed: at most k - 1 subjects
        certain = term in sides[0] and term in sides[1]
        toward = (sides[0].get(term, 0) > 0 and shares[0] > shares[1]) or (sides[1].get(term, 0) > 0 and shares[1] > shares[0])
        if certain or toward:
            for difference in _share(Change.INCIDENCE, f"{name}.{term}", shares[0], n[0], shares[1], n[1]):
                rare = [f"fewer than {k} subjects" if term not in side else "" for side in sides]
                yield Difference(
                    difference.change, difference.where, rare[0] or difference.before, rare[1] or difference.after, difference.size
                )


def _share(change: Change, where: str, old: float, n_old: int, new: float, n_new: int) -> Iterator[Difference]:
    size = share_change(old, n_old, new, n_new)
    if size is not None:
        yield Difference(change, where, f"{old:.1%}", f"{new:.1%}", size)


def _numbers(
    change: Change, where: str, old: Quantiles | None, n_old: int, new: Quantiles | None, n_new: int
) -> Iterator[Difference]:
    size = shift(old, n_old, new, n_new)
    if size is not None and old is not None and new is not None:
        yield Difference(change, where, f"mean {old.mean:.4g}, sd {old.sd:.3g}", f"mean {new.mean:.4g}, sd {new.sd:.3g}", size)


def _distribution(where: str, old: Levels, n_old: int, new: Levels, n_new: int) -> Iterator[Difference]:
    size = variation(old, n_old, new, n_new)
    if size is not None:
        yield Difference(Change.DISTRIBUTION, where, _words(old, new), _words(new, old), size)


def _words(levels: Levels, other: Levels) -> str:
    """Put the values whose shares differ most into words."""
    shares = [{level.value: level.n_rows / max(_total(side), 1) for level in side.shared} for side in (levels, other)]
    differing = {value: abs(shares[0].get(value, 0) - shares[1].get(value, 0)) for value in shares[0] | shares[1]}
    apart = sorted(differing, key=lambda value: (-differing[value], value))
    return ", ".join(f"{value} {shares[0][value]:.1%}" if value in shares[0] else f"{value} unnamed" for value in apart[:3])


def _total(levels: Levels) -> int:
    return sum(level.n_rows for level in levels.shared) + levels.n_other_rows

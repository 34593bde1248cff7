"""Arms as they are asked for: by name, or by a code that stands for one of them alone."""

from __future__ import annotations

from collections.abc import Mapping

from replicator.arguments import check_whole
from replicator.errors import SampleError
from replicator.study_model.study_model import StudyModel
from replicator.tables.dataset import Text


def codes_of_arms(model: StudyModel) -> dict[str, str]:
    """Name of the arm that each code stands for: the texts of columns that part all arms, but for those of several arms."""
    subjects = model.subjects
    named = [arm for arm in subjects.arms if arm]
    found: dict[str, set[str]] = {}
    for column in subjects.by_arm.values():
        if isinstance(column, Text):
            codes = {arm: str(code) for arm, code in zip(subjects.arms, column.strings(), strict=True) if arm and code}
            if len(set(codes.values())) == len(named):
                for arm, code in codes.items():
                    found.setdefault(code, set()).add(arm)
    return {code: min(arms) for code, arms in found.items() if len(arms) == 1 and code not in subjects.arms}


def by_name(model: StudyModel, arms: Mapping[str, int]) -> dict[str, int]:
    """Subjects by the names of arms, some of which codes may stand for."""
    codes = codes_of_arms(model)
    return {codes.get(name, name): count for name, count in arms.items()}


def check_arms(model: StudyModel, n: int, arms: Mapping[str, int]) -> None:
    """Refuse numbers by arm that are none, do not add up, or are asked of an arm that there is not, or that is named twice.

    Raises
    ------
    SampleError
        In one sentence, with the arms that there are and their codes.
    """
    if not isinstance(arms, Mapping):
        raise SampleError(f"The arms {arms!r:.60} are no numbers by arm; give whole numbers by name, such as {{'Placebo': 50}}.")
    for name, count in arms.items():
        check_whole(count, f"The number of subjects of {name!r}", SampleError, least=0)
    if sum(arms.values()) != n:
        raise SampleError(f"The numbers per arm add up to {sum(arms.values())}, but {n} subjects are asked for; make them agree.")
    codes = codes_of_arms(model)
    unknown = [name for name in arms if name not in model.subjects.arms and name not in codes]
    if unknown:
        code_of = {name: code for code, name in codes.items()}
        listed = [f"{name!r} ({code_of[name]})" if name in code_of else repr(name) for name in model.subjects.arms if name]
        raise SampleError(f"{unknown[0]!r} is not an arm of the model; choose among {', '.join(listed)}.")
    named = [codes.get(name, name) for name in arms]
    twice = [name for name, arm in zip(arms, named, strict=True) if named.count(arm) > 1]
    if twice:
        raise SampleError(f"{' and '.join(map(repr, twice[:2]))} are the same arm; give one number for it.")

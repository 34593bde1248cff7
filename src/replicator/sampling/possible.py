"""What a model can draw of a subject's variables, so that a condition that nobody can meet is refused before the search."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from replicator.counting import counted
from replicator.derivations.derivation import Derivation
from replicator.errors import ConfigError
from replicator.models.joint import CategoryTrait
from replicator.sampling.conditions import Clause, meets
from replicator.sampling.derived import with_derived
from replicator.study_model.study_model import StudyModel
from replicator.study_model.subjects.joint import SubjectModel
from replicator.tables.dataset import Column, Numbers, Text
from replicator.tables.spelling import spelled_numbers

SHOWN = 20  # texts that a sentence lists
A_YEAR = 1.0  # by which an age that is counted from a drawn date of birth may differ from the age that the date was moved to


@dataclass(frozen=True)
class Range:
    """The numbers that can be drawn of a variable.

    Attributes
    ----------
    low, high : float
        The least and the greatest.
    decimals : int or None
        Places that they are rounded to; None for all numbers between.
    """

    low: float
    high: float
    decimals: int | None

    def cells(self, values: Sequence[float]) -> Numbers:
        """Take so many numbers of the range that some meets comparisons with `values` if any number of the range does.

        These are its ends, the values in it, and what lies beside each of them: the next numbers of so many decimals, or those
        halfway to the next value.
        """
        near = np.array([self.low, self.high, *values])
        if self.decimals is None:
            edges = np.unique(np.clip(near, self.low, self.high))
            return Numbers(np.concatenate([edges, (edges[:-1] + edges[1:]) / 2]))
        step = 10.0**-self.decimals
        cells = np.round((near[:, None] + step * np.array([-1.0, 0.0, 1.0])).ravel(), self.decimals)
        return Numbers(cells[(cells >= self.low) & (cells <= self.high)])

    def __str__(self) -> str:
        kind = "a whole number" if self.decimals == 0 else "a number"
        places = f" with at most {counted(self.decimals, 'decimal')}" if self.decimals else ""
        return f"{kind} from {self.low:.10g} to {self.high:.10g}{places}"


def check_possible(clauses: Sequence[Clause], model: StudyModel, arms: Collection[str] | None = None) -> None:
    """Refuse a condition that no subject of a model can meet, or none of the arms that are asked for.

    What follows from dates or from other datasets cannot be told beforehand, and is left to the search.

    Parameters
    ----------
    clauses : sequence of Clause
        From :func:`~replicator.sampling.conditions.parse_where`.
    model : StudyModel
    arms : collection of str, optional
        The arms that subjects are drawn from; all by default.

    Raises
    ------
    ConfigError
        With the variable, and what can be drawn of it; or with the arms that the condition contradicts.
    """
    for _, said in _unmet(clauses, model, None):
        raise ConfigError(said)
    for unmet, _ in _unmet(clauses, model, arms):
        listed = " or ".join(map(repr, sorted(arms or ())))
        raise ConfigError(
            f"--where and --arm contradict each other: nobody of {listed} has {' & '.join(map(str, unmet))}; change one of the two."
        )


def _unmet(clauses: Sequence[Clause], model: StudyModel, arms: Collection[str] | None) -> Iterator[tuple[Sequence[Clause], str]]:
    """Yield comparisons that nobody of some arms meets, one or several that nobody meets at once, and the sentence that says so."""
    ranges = drawn_ranges(model)
    blocks = [*drawn_blocks(model, arms)]
    for name, found in ranges.items():
        values = spelled_numbers(clause.value for clause in clauses if clause.variable == name)
        cells = found.cells(values[np.isfinite(values)].tolist())
        missing = f"present {name}" in model.subjects.joint.names
        blocks.append({name: Numbers(np.append(cells.values, np.nan)) if missing else cells})
    for block in blocks:
        own = [clause for clause in clauses if clause.variable in block]
        n = len(next(iter(block.values()), ()))
        for clause in own:
            if not meets([clause], block, n).any():
                yield [clause], _never(clause, ranges.get(clause.variable) or block[clause.variable])
        if own and not meets(own, block, n).any():
            yield own, f"--where: nobody of this model has {' & '.join(map(str, own))}; loosen the condition."


def _never(clause: Clause, drawn: Range | Column) -> str:
    """Say that one comparison is never met, and what can be drawn instead."""
    name = clause.variable
    if isinstance(drawn, Range):
        return f"--where: {name} is {drawn} in this model, so that nobody has {clause}; loosen the condition."
    texts = drawn.take(np.flatnonzero(~drawn.missing)).strings()
    known = sorted(set(texts.tolist()), key=lambda text: (not isinstance(drawn, Text) and float(text), text))
    if not known:
        return f"--where: {name} has no value in this model, so that nobody has {clause}; leave it out."
    more = f" and {len(known) - SHOWN} more" if len(known) > SHOWN else ""
    choice = ", ".join(map(repr, known[:SHOWN])) + more
    if clause.sign == "=":
        return f"--where: {name} is never {clause.value!r} in this model; choose among {choice}."
    return f"--where: nobody of this model has {clause}; {name} is one of {choice}."


def drawn_ranges(model: StudyModel) -> dict[str, Range]:
    """Find the range of each numeric trait of subjects that is drawn from a distribution, but for those that follow from others."""
    subjects = model.subjects
    traits = dict(zip(subjects.joint.names, subjects.joint.traits, strict=True))
    follow, mixed = _follow(model), _mixed(model)
    aged = subjects.birth.age if subjects.birth is not None else ""
    ranges = {}
    for name in subjects.numbers:
        trait = traits[f"number {name}"]
        if name in mixed or isinstance(trait, CategoryTrait) or (name in follow and name != aged):
            continue
        used = [one for i, one in enumerate(trait.marginals) if one.n and (trait.which == i).any()]
        if len(used) < len(set(trait.which.tolist())):
            continue  # of some groups nothing is known, and what they are given is no number
        slack = A_YEAR if name == aged else 0.0
        places = max((one.decimals for one in used if one.decimals is not None), default=0)
        decimals = None if any(one.decimals is None for one in used) else places
        ends = np.array([min(one.floor for one in used) - slack, max(one.ceiling for one in used) + slack])
        low, high = (ends if decimals is None else np.round(ends, decimals)).tolist()
        ranges[name] = Range(low, high, decimals)
    return ranges


def drawn_blocks(model: StudyModel, arms: Collection[str] | None = None) -> Iterator[dict[str, Column]]:
    """Yield variables that are drawn together, a row for each combination that can be; dates are in none.

    Parameters
    ----------
    model : StudyModel
    arms : collection of str, optional
        Those that subjects are drawn from; all by default.
    """
    other = {*_mixed(model), *model.subjects.formats}
    follow = _follow(model)
    for block in _learned_blocks(model.subjects, arms):
        computed = with_derived(model, block, [name for name in block if name in follow])
        inputs = {f"{model.subjects.dataset}.{name}" for name in block}
        known = {name for name in block if name not in follow or inputs.issuperset(follow[name].inputs)}
        if told := {name: column for name, column in computed.items() if name in known - other}:
            yield told
    for name, derivation in follow.items():
        if derivation.rule == "flag_of":
            yield {name: Text.of([*(str(derivation.parameters[one]) for one in ("yes", "no")), ""])}


def _learned_blocks(subjects: SubjectModel, arms: Collection[str] | None) -> Iterator[Mapping[str, Column]]:
    """Yield what follows from the arm, tuples of categories, tuples that the course tells, and numbers that are categories."""
    drawn = np.array(
        [share > 0 and (arms is None or arm in arms) for arm, share in zip(subjects.arms, subjects.arm_share, strict=True)]
    )
    if subjects.by_arm:
        yield {name: column.take(np.flatnonzero(drawn)) for name, column in subjects.by_arm.items()}
    for tuples in (subjects.demography, subjects.milestones, () if subjects.planned is None else (subjects.planned,)):
        for one in tuples:
            yield dict(zip(one.names, one.values, strict=True))
    traits = dict(zip(subjects.joint.names, subjects.joint.traits, strict=True))
    for name in subjects.numbers:
        trait = traits[f"number {name}"]
        if isinstance(trait, CategoryTrait) and (subjects.birth is None or name != subjects.birth.age):
            missing = [np.nan] if f"present {name}" in traits else []
            yield {name: Numbers(np.append(trait.values, missing))}


def _follow(model: StudyModel) -> dict[str, Derivation]:
    """Variables of the subjects' dataset that are computed after others were drawn; what is read off the subject's own
    identifier, which is made of it, is not.
    """
    name = model.subjects.dataset
    itself = (f"{name}.{model.structure.subject_variable}",)
    return {one.target: one for one in model.derivations if one.dataset == name and one.inputs != itself}


def _mixed(model: StudyModel) -> set[str]:
    """Variables of the subjects' dataset that hold numbers and texts, and are put together after they were drawn."""
    return {one.name for one in model.mixed if one.dataset == model.subjects.dataset}

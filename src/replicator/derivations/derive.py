"""Computing derived variables: one, or all of a study in an order in which inputs come before what follows from them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from replicator.derivations.derivation import Derivation
from replicator.derivations.rule import Outcome, text_of
from replicator.derivations.rules import RULES
from replicator.derivations.workspace import Workspace
from replicator.errors import StudyError
from replicator.tables.dataset import Column, Numbers, Study, Text, Variable


def derive(derivation: Derivation, study: Study) -> Column:
    """Compute one derived column.

    Parameters
    ----------
    derivation : Derivation
        As found on a source.
    study : Study
        Holds the target's dataset and all inputs; SUPP-- variables are joined to their parents.

    Returns
    -------
    Column
        Of the rows of the target's dataset. Where the rule says nothing, cells stay as they are in `study` if the source had
        values there (``parameters["elsewhere"]`` is ``"keep"``), else they are missing.

    Raises
    ------
    StudyError
        If the rule is unknown or lacks parameters, or the dataset or an input is not in `study`.
    """
    return _column(derivation, _workspace(derivation, study))


def derive_all(
    derivations: Iterable[Derivation], study: Study, labels: Iterable[Variable] = (), rng: np.random.Generator | None = None
) -> Study:
    """Compute all derived variables, inputs before targets; those whose dataset, inputs or subjects it lacks are left.

    Parameters
    ----------
    derivations : iterable of Derivation
        In any order.
    study : Study
        SUPP-- variables are joined to their parents.
    labels : iterable of Variable
        Metadata for targets that `study` does not hold yet; without one a target gets its name and type only.
    rng : numpy.random.Generator, optional
        With it, cells are left missing at the source's rates (:func:`with_exceptions`); without, every rule holds everywhere.
    """
    known = {variable.name: variable for variable in labels}
    workspaces: dict[tuple[str, str], Workspace] = {}
    for derivation in order_derivations(derivations):
        subjects, variable_of_subject = _subjects_of(derivation)
        if _lacking(derivation, study) or subjects not in study or variable_of_subject not in study[subjects]:
            continue
        place = _subjects_of(derivation)
        if place not in workspaces:
            workspaces[place] = _workspace(derivation, study)
        workspace = workspaces[place]
        column = _column(derivation, workspace)
        if rng is not None:
            column = with_exceptions(derivation, column, rng)
        dataset = study[derivation.dataset]
        if derivation.target in dataset:
            variable = dataset.variable(derivation.target)
        else:
            variable = known.get(derivation.target, Variable(derivation.target))
        changed = dataset.with_column(replace(variable, type="char" if isinstance(column, Text) else "num"), column)
        for known_space in workspaces.values():
            known_space.put(changed, derivation.target)
        study = workspace.study
    return study


def _lacking(derivation: Derivation, study: Study) -> list[str]:
    wanted = {derivation.dataset: ""} if derivation.dataset not in study else {}
    given = derivation.parameters.get("given")
    parts = [name.partition(".") for name in (*derivation.inputs, *([given] if isinstance(given, str) else []))]
    return [*wanted, *(f"{dataset}.{name}" for dataset, _, name in parts if dataset not in study or name not in study[dataset])]


def _subjects_of(derivation: Derivation) -> tuple[str, str]:
    """Name the dataset with one row a subject and the variable that names the subject."""
    return str(derivation.parameters.get("subjects", "DM")), str(derivation.parameters.get("subject_variable", "USUBJID"))


def _workspace(derivation: Derivation, study: Study) -> Workspace:
    lacking = _lacking(derivation, study)
    if derivation.rule not in RULES:
        raise StudyError(f"{derivation.dataset}.{derivation.target}: the rule {derivation.rule!r} is not known to this version.")
    if lacking:
        raise StudyError(
            f"{derivation.dataset}.{derivation.target}: {', '.join(lacking)} not in the study; add what it follows from."
        )
    subjects, variable = _subjects_of(derivation)
    if subjects not in study or variable not in study[subjects]:
        raise StudyError(f"{derivation.dataset}.{derivation.target}: {subjects}.{variable} not in the study; add the subjects.")
    return Workspace(study, subjects, variable)


def _column(derivation: Derivation, workspace: Workspace) -> Column:
    try:
        outcome = RULES[derivation.rule].compute(workspace, derivation)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, AssertionError) as error:
        raise StudyError(
            f"{derivation.dataset}.{derivation.target}: parameters of the rule {derivation.rule!r} are not what the rule needs; "
            "fit the study again."
        ) from error
    dataset = workspace.study[derivation.dataset]
    present = dataset.columns.get(derivation.target)
    wanted = derivation.parameters.get("type")
    as_text = wanted == "char" if wanted is not None else isinstance(present if present is not None else outcome.column, Text)
    computed = as_type(outcome, as_text)
    if present is None or derivation.parameters.get("elsewhere", "missing") != "keep":
        return blanked(computed, ~outcome.known)
    return chosen(outcome.known, computed, as_type(Outcome(present, outcome.known), as_text))


def as_type(outcome: Outcome, text: bool) -> Column:
    """Turn a column into text or numbers; texts that spell no number become missing."""
    column = outcome.column
    if isinstance(column, Text) == text:
        return column
    if isinstance(column, Numbers):
        return column.text()
    levels = np.array([_number(str(level)) for level in column.levels] + [np.nan])
    return Numbers(levels.take(column.codes))


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def blanked(column: Column, rows: NDArray[np.bool_]) -> Column:
    """Make the cells of `rows` (n_rows,) missing."""
    if isinstance(column, Numbers):
        return Numbers(np.where(rows, np.nan, column.values))
    return Text(np.where(rows, -1, column.codes).astype(np.int32), column.levels)


def chosen(rows: NDArray[np.bool_], first: Column, second: Column) -> Column:
    """Take `rows` (n_rows,) of the first column and the others of the second; both of one type."""
    if isinstance(first, Numbers) and isinstance(second, Numbers):
        return Numbers(np.where(rows, first.values, second.values))
    assert isinstance(first, Text) and isinstance(second, Text)
    if rows.all() or not rows.any():
        return first if rows.all() and len(rows) else second
    moved = np.where(second.codes >= 0, second.codes + len(first.levels), -1)
    return text_of([*map(str, first.levels), *map(str, second.levels)], np.where(rows, first.codes, moved))


def with_exceptions(derivation: Derivation, column: Column, rng: np.random.Generator) -> Column:
    """Leave cells missing at the rate at which the source left them missing where the rule gives a value."""
    exceptions = derivation.parameters.get("exceptions")
    share = float(exceptions.get("missing", 0.0)) if isinstance(exceptions, dict) else 0.0
    return blanked(column, rng.random(len(column)) < share) if share > 0 else column


def follows(later: Derivation, earlier: Derivation) -> bool:
    """Tell whether a derivation must come after another: it reads its target, or completes it (totals after items).

    Totals read items and write totals of the same variable, so they follow the conversion of the items, which does not read them.
    """
    return later is not earlier and _follows(_Ties.of(later), _Ties.of(earlier))


class _Ties(NamedTuple):
    """What decides on the order of derivations."""

    target: str
    rule: str
    inputs: tuple[str, ...]
    given: object

    @classmethod
    def of(cls, derivation: Derivation) -> _Ties:
        target, given = f"{derivation.dataset}.{derivation.target}", derivation.parameters.get("given")
        return cls(target, derivation.rule, tuple(derivation.inputs), given if isinstance(given, str) else None)


def _follows(later: _Ties, earlier: _Ties) -> bool:
    """Tell whether one of two different derivations follows the other."""
    if earlier.rule == "total":
        return later.rule != "converted" and earlier.target in later.inputs
    if later.target == earlier.target:
        return later.rule == "total"
    return earlier.target in later.inputs or earlier.target == later.given


def order_derivations(derivations: Iterable[Derivation]) -> tuple[Derivation, ...]:
    """Order so that inputs come before what follows from them.

    Raises
    ------
    StudyError
        If derivations follow from each other in a circle.
    """
    given = tuple(derivations)
    return tuple(given[position] for position in _positions_in_order(tuple(map(_Ties.of, given))))


@lru_cache(maxsize=256)  # the same ones for every chunk of a sample
def _positions_in_order(ties: tuple[_Ties, ...]) -> tuple[int, ...]:
    """Positions of derivations in an order in which inputs come first."""
    waiting, done = list(range(len(ties))), list[int]()
    while waiting:
        ready = {
            later for later in waiting if not any(_follows(ties[later], ties[earlier]) for earlier in waiting if earlier != later)
        }
        if not ready:
            names = ", ".join(ties[position].target for position in waiting)
            raise StudyError(f"{names} follow from each other in a circle; leave out one of their derivations.")
        done += [position for position in waiting if position in ready]
        waiting = [position for position in waiting if position not in ready]
    return tuple(done)

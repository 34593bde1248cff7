"""Variables of drawn subjects that follow from others of theirs, computed before the subjects' other datasets are there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from replicator.derivations.derive import derive_all
from replicator.study_model.study_model import StudyModel
from replicator.tables.dataset import Column, Dataset, Study, Text, Variable


def with_derived(model: StudyModel, head: Mapping[str, Column], wanted: Sequence[str]) -> dict[str, Column]:
    """Compute those variables of drawn subjects that are wanted and follow from others in `head` alone.

    Parameters
    ----------
    model : StudyModel
    head : mapping of str to Column
        Of the subjects' dataset, one row a subject.
    wanted : sequence of str
        Names among those of `head`.

    Returns
    -------
    dict of str to Column
        All variables of `head`.
    """
    name, variable = model.subjects.dataset, model.structure.subject_variable
    own = {f"{name}.{column}" for column in head}
    rules = [one for one in model.derivations if one.dataset == name and one.target in wanted and own.issuperset(one.inputs)]
    if not rules:
        return dict(head)
    n = len(next(iter(head.values())))
    columns = {variable: Text.of(map(str, range(n))), **head}
    variables = tuple(Variable(one, type="char" if isinstance(column, Text) else "num") for one, column in columns.items())
    computed = derive_all(rules, Study({name: Dataset(name, variables, columns)}))[name]
    return {one: computed[one] for one in head}

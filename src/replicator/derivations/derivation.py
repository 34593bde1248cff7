"""One derivation as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Derivation:
    """A variable that follows from others, as found on the source.

    Attributes
    ----------
    dataset, target : str
        The dataset and the variable that is derived, for example ``LB`` and ``LBDY``.
    rule : str
        Name of the rule in :data:`replicator.derivations.rules.RULES`, for example ``study_day``.
    inputs : tuple of str
        Variables it follows from, ``DATASET.VARIABLE`` each.
    parameters : mapping
        What the rule needs besides, for example unit factors by test; plain JSON values.
    n_tested, n_agree : int
        Rows of the source on which it was tested, and on which it held (missing against missing agrees).
    """

    dataset: str
    target: str
    rule: str
    inputs: tuple[str, ...]
    parameters: Mapping[str, object] = field(default_factory=dict)
    n_tested: int = 0
    n_agree: int = 0

"""The arms that endpoints are told by, and the one that the others are held against."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from replicator.evaluation.distances import Ints
from replicator.evaluation.sharing import FEWEST_SHARED, MOST_ARMS
from replicator.evaluation.stack import Origin, Stack
from replicator.rules.grouping import Mask

CONTROL = re.compile(
    r"placebo|\bpb?o\b|\bpbo|control|vehicle|sham|untreated|no treatment|standard of care|\bsoc\b|comparator", re.IGNORECASE
)
TREATED = 0.5  # share of an arm's subjects of the source, for it to be one of those that were treated


@dataclass(frozen=True, eq=False)
class Arms:
    """Arms in which five subjects of the source were treated.

    Attributes
    ----------
    names : tuple of str
        ``("",)``, everybody, in a study without arms.
    of_subject : (n_subjects,) int64
        Position in `names`, -1 in none.
    control : int
        Position of the reference arm, -1 where there is one arm only.
    reason : str
        Why it is the reference, in one sentence; ``""`` where there is none.
    """

    names: tuple[str, ...]
    of_subject: Ints
    control: int
    reason: str

    def members(self, origin: Mask) -> Ints:
        """Number of subjects of each arm within a mask over subjects: (n_arms,)."""
        return np.bincount(self.of_subject[(self.of_subject >= 0) & origin], minlength=len(self.names)).astype(np.int64)


def find_arms(stack: Stack) -> Arms:
    """Find the arms of the source and its reference arm: one that says so, else the largest."""
    arm, names = stack.arm
    of_source = stack.origin == Origin.SOURCE
    in_arm = (arm >= 0) & of_source
    n = np.bincount(arm[in_arm], minlength=len(names))
    treated = _treated(stack)
    n_treated = np.bincount(arm[in_arm & treated], minlength=len(names))
    fit = np.flatnonzero((n >= FEWEST_SHARED) & (n_treated >= TREATED * n))
    kept = np.sort(fit[np.argsort(-n[fit], kind="stable")[:MOST_ARMS]])
    if not len(kept):
        return Arms(("",), np.where(treated, 0, -1), -1, "")
    place = np.full(len(names) + 1, -1, np.int64)
    place[kept] = np.arange(len(kept))
    shown = tuple(names[i] for i in kept.tolist())
    if len(kept) < 2:
        return Arms(shown, place[arm], -1, "")
    says = [i for i, name in enumerate(shown) if CONTROL.search(name)]
    largest = int(np.argmax(n[kept]))
    if len(says) == 1:
        return Arms(shown, place[arm], says[0], f"{shown[says[0]]} is the reference arm by its name.")
    few = [
        f"{name} has fewer than {FEWEST_SHARED} subjects"
        for name, size in zip(names, n.tolist(), strict=True)
        if _is_few(name, size)
    ]
    if few:
        return Arms(shown, place[arm], largest, f"{'; '.join(few)}, so {shown[largest]}, the largest, is the reference arm.")
    return Arms(shown, place[arm], largest, f"{shown[largest]} is the reference arm, because it is the largest.")


def _is_few(name: str, size: int) -> bool:
    """Whether an arm would be the reference by its name, had it subjects enough of the source."""
    return bool(CONTROL.search(name)) and 0 < size < FEWEST_SHARED


def _treated(stack: Stack) -> Mask:
    """Mask of subjects who were treated, by the first of these that the source has: a first dose, exposure, a reference date.

    Everybody where the source has none of them.
    """
    view = stack.view
    of_source = stack.origin == Origin.SOURCE
    exposed = np.zeros(len(stack.origin), bool)
    for name in view.names:
        if view.dataset(name).domain == "EX":
            subject = view.subject(name)
            exposed[subject[subject >= 0]] = True
    known = (np.isfinite(view.mark(one).full_day) for one in ("RFXSTDTC", "TRTSDTC"))
    for found in (*known, exposed, np.isfinite(view.mark("RFSTDTC").full_day)):
        if found[of_source].any():
            return np.asarray(found)
    return np.ones(len(stack.origin), bool)

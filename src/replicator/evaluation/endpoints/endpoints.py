"""All results of a study from source and sample, and how many agree."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import beta

from replicator.evaluation.distances import Floats
from replicator.evaluation.endpoints.arms import find_arms
from replicator.evaluation.endpoints.change_from_baseline import changes_from_baseline
from replicator.evaluation.endpoints.discontinuation import times_to_leaving
from replicator.evaluation.endpoints.endpoint import Compared, Endpoint, EndpointKind
from replicator.evaluation.endpoints.incidence import incidences
from replicator.evaluation.endpoints.shifts import shifts
from replicator.evaluation.measures import OFFENDERS, Direction, Figure, Interval, Offender
from replicator.evaluation.stack import Stack
from replicator.evaluation.timeline import Timeline
from replicator.profile.structure import Kind
from replicator.rules.grouping import Mask

INSIDE, SIGNS = "endpoints inside", "signs of differences"


@dataclass(frozen=True)
class Agreement:
    """How many endpoints of a kind agree.

    Attributes
    ----------
    kind : EndpointKind
    n : int
        Endpoints.
    inside, compatible : float
        Share of them of which :attr:`Endpoint.inside` and :attr:`Endpoint.compatible` hold.
    expected_inside : float
        Share that would be inside if the sample's subjects were other real subjects.
    n_signs : int
        Differences that are significant in the source.
    signs_kept, expected_signs : float
        Share of these whose sign the sample keeps, and would keep if its subjects were other real subjects; NaN without any.
    """

    kind: EndpointKind
    n: int
    inside: float
    compatible: float
    expected_inside: float
    n_signs: int
    signs_kept: float
    expected_signs: float


@dataclass(frozen=True)
class Endpoints:
    """The results of a study from source and sample.

    Attributes
    ----------
    reference : str
        Why which arm is the reference; ``""`` without one.
    leaving : str
        What leaving the study means.
    entries : tuple of Endpoint
    agreements : tuple of Agreement
        By kind, of kinds that have any.
    figures : tuple of Figure
        Share inside, and share of significant differences whose sign is kept.
    """

    reference: str
    leaving: str
    entries: tuple[Endpoint, ...]
    agreements: tuple[Agreement, ...]
    figures: tuple[Figure, ...]

    def of(self, *kinds: EndpointKind) -> tuple[Endpoint, ...]:
        """Endpoints of some kinds."""
        return tuple(one for one in self.entries if one.kind in kinds)


def compare_endpoints(stack: Stack, timeline: Timeline) -> Endpoints:
    """Tell the results of the study from its source and from the sample."""
    arms = find_arms(stack)
    leaving, event = times_to_leaving(stack, timeline, arms)
    findings = stack.view.of_kind(Kind.FINDINGS)
    changes, shifted = (
        [one for name in findings for one in compare(stack, timeline, arms, name)] for compare in (changes_from_baseline, shifts)
    )
    found = [*changes, *incidences(stack, arms), *leaving, *shifted]
    compared = [one for one in found if len(one.names)]
    by_kind = {kind: [one for one in compared if one.kind is kind] for kind in EndpointKind}
    agreements = tuple(_agreement(kind, some) for kind, some in by_kind.items() if some)
    entries = tuple(one for some in by_kind.values() for each in some for one in each.endpoints())
    return Endpoints(arms.reason, event, entries, agreements, (_inside(compared, entries), _signs(compared, entries)))


def _agreement(kind: EndpointKind, compared: list[Compared]) -> Agreement:
    significant = np.concatenate([one.significant for one in compared])
    kept = np.concatenate([one.sign_kept for one in compared])[significant]
    chance = np.concatenate([one.expected_sign() for one in compared])[significant]
    inside = np.concatenate([one.inside for one in compared])
    compatible = np.concatenate([one.compatible for one in compared])
    expected = np.concatenate([one.expected_inside() for one in compared])
    return Agreement(
        kind,
        len(inside),
        float(inside.mean()),
        float(compatible.mean()),
        _known_mean(expected),
        int(significant.sum()),
        _known_mean(kept.astype(np.float64)),
        _known_mean(chance),
    )


def _known_mean(values: Floats) -> float:
    """Mean of what is known; NaN of nothing."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else np.nan


def _inside(compared: list[Compared], entries: tuple[Endpoint, ...]) -> Figure:
    question = "Does the source's estimate of each endpoint lie in the sample's 95 % interval, as wide as with the source's size?"
    return _figure(
        INSIDE, question, compared, lambda one: (np.ones(len(one.names), bool), one.inside, one.expected_inside()), _worst(entries)
    )


def _signs(compared: list[Compared], entries: tuple[Endpoint, ...]) -> Figure:
    question = "Does each difference between arms that is significant in the source (p < 0.05) have the same sign in the sample?"
    lost = [one for one in entries if one.sign_kept is False]
    return _figure(SIGNS, question, compared, lambda one: (one.significant, one.sign_kept, one.expected_sign()), _offenders(lost))


def _figure(
    name: str,
    question: str,
    compared: list[Compared],
    asked: Callable[[Compared], tuple[Mask, Mask, Floats]],
    offenders: tuple[Offender, ...],
) -> Figure:
    parts = [asked(each) for each in compared]
    used = [part[0] for part in parts]
    n = int(sum(one.sum() for one in used))
    if not n:
        nothing = Interval(np.nan, np.nan)
        why = "No endpoint of five subjects of the source." if not parts else "No significant difference between arms."
        return Figure(name, question, np.nan, np.nan, nothing, 0.0, 1.0, Direction.HIGHER, 0, why)
    held = np.concatenate([part[1][rows] for part, rows in zip(parts, used, strict=True)]).astype(np.float64)
    chance = np.concatenate([part[2][rows] for part, rows in zip(parts, used, strict=True)])
    of_used = list(zip(compared, used, strict=True))
    topics = [f"{one.kind} {name}" for one, rows in of_used for name in np.array(one.names, object)[rows]]
    datasets = [one.dataset for one, rows in of_used for _ in range(int(rows.sum()))]
    value = float(held.mean())
    return Figure(
        name,
        question,
        value,
        _known_mean(chance),
        share_interval(held, topics, datasets),
        0.0,
        1.0,
        Direction.HIGHER,
        n,
        "",
        offenders,
    )


def share_interval(held: Floats, *groupings: Sequence[str]) -> Interval:
    """95 % interval of a share of things that come in groups: Clopper and Pearson's, of as many as vary independently.

    How many these are is told by how the groups vary, of whichever grouping they vary most in; never more than the first has
    groups, since all have the same subjects.

    Parameters
    ----------
    held : (n,) float64
        0 or 1.
    groupings : sequences of str
        Group of each, such as its test, and its dataset.

    References
    ----------
    C. J. Clopper, E. S. Pearson, "The use of confidence or fiducial limits illustrated in the case of the binomial", *Biometrika*
    26, 1934, pages 404-413; on effective numbers, L. Kish, *Survey Sampling*, Wiley 1965, section 8.2.
    """
    share = float(held.mean())
    grouped = [pd.factorize(pd.Series(list(names), dtype=object))[0] for names in groupings]
    most = int(grouped[0].max()) + 1
    variance = max(float((np.bincount(group, held - share) ** 2).sum()) for group in grouped) / len(held) ** 2
    n = float(np.clip(share * (1 - share) / variance, 1.0, most)) if variance > 0 else float(most)
    low = float(beta.ppf(0.025, share * n, (1 - share) * n + 1)) if share > 0 else 0.0
    high = float(beta.ppf(0.975, share * n + 1, (1 - share) * n)) if share < 1 else 1.0
    return Interval(low, high)


def _worst(entries: tuple[Endpoint, ...]) -> tuple[Offender, ...]:
    return _offenders(sorted((one for one in entries if not one.inside), key=lambda one: -_far(one)))


def _far(one: Endpoint) -> float:
    return one.gap if np.isfinite(one.gap) else 0.0


def _offenders(entries: list[Endpoint]) -> tuple[Offender, ...]:
    shown = [one for one in entries if np.isfinite(one.source.value)][:OFFENDERS]
    return tuple(Offender(f"{one.label()} [{one.kind}]", one.sample.value, one.source.value) for one in shown)

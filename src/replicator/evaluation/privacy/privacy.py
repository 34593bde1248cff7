"""The privacy of a sample: every attack with what it knows, assumes and bounds, and a verdict in words and numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from replicator.evaluation.features import FeatureTable
from replicator.evaluation.measures import NORMAL_95, Figure
from replicator.evaluation.privacy import attributes, copied_series, copied_subjects, copies, membership, nearest, uniqueness
from replicator.evaluation.privacy.groups import MOST_SUBJECTS, draw_groups
from replicator.evaluation.privacy.membership import Refit
from replicator.evaluation.privacy.nearest import DistanceQuantiles
from replicator.evaluation.stack import Origin, Stack
from replicator.evaluation.timeline import Timeline
from replicator.rng import stream
from replicator.tables.dataset import Study

SURE = 3.0  # standard errors beyond its target at which an attack counts as a success: of a dozen, one in sixty by chance
NONE_ALLOWED = (
    copied_subjects.SUBJECTS,
    copies.IDENTIFIERS,
)  # figures of which a single case is a finding where real subjects show none


@dataclass(frozen=True)
class Attack:
    """One way of looking for the source's subjects in a sample.

    Attributes
    ----------
    figure : Figure
        What came of it.
    knows : str
        What the attacker has.
    assumes : str
        What must hold for the figure to mean what it says.
    bounds : str
        What a figure at its target says, and what it does not.
    """

    figure: Figure
    knows: str
    assumes: str
    bounds: str

    @property
    def told(self) -> bool:
        """Whether it could be tried."""
        return bool(np.isfinite(self.figure.value))

    @property
    def success(self) -> float:
        """Value above which it finds more of the source's subjects than of others, beyond what chance explains; NaN if unknown."""
        figure = self.figure
        if figure.name in NONE_ALLOWED and figure.target == 0:
            return 0.0
        error = max(figure.interval.high - figure.value, figure.value - figure.interval.low) / NORMAL_95  # one end may be cut
        return float(figure.target + SURE * np.nan_to_num(error))

    @property
    def succeeds(self) -> bool:
        """Whether it finds more of the source's subjects than of others, beyond what chance explains."""
        return self.told and bool(self.figure.value > self.success)


@dataclass(frozen=True)
class Privacy:
    """All attacks on a sample.

    Attributes
    ----------
    attacks : tuple of Attack
    distances : DistanceQuantiles or None
        To the nearest subject of the source; None where there is nothing to measure.
    verdict : tuple of str
        In sentences.
    """

    attacks: tuple[Attack, ...]
    distances: DistanceQuantiles | None
    verdict: tuple[str, ...]

    @property
    def figures(self) -> tuple[Figure, ...]:
        """One for each attack."""
        return tuple(attack.figure for attack in self.attacks)

    @property
    def holds(self) -> bool:
        """Whether no attack succeeds."""
        return not any(attack.succeeds for attack in self.attacks)


_WORDS = {
    nearest.NEARER: (
        "The sample, and as many subjects of the source as of others.",
        "Those held out come from the same study and were in no step of the learning.",
        "At its target the sample leans to those whom the model was taught no more than distributions of single features do, "
        "which are theirs; a single subject may still be nearer.",
    ),
    nearest.TOO_NEAR_NAME: (
        "The sample and the source.",
        "Distance over all features is what makes two subjects alike.",
        "At its target no more sampled subjects are look-alikes of somebody than real subjects are of each other.",
    ),
    membership.BY_DISTANCE: (
        "The sample, and everything about a person who may or may not have been in the source.",
        "Those held out are like the source in all but membership.",
        "At 0.5 distance to the sample does not tell who was in; other attacks may.",
    ),
    membership.BY_SHADOWS: (
        "The sample, everything about all subjects, the program, and models of other halves of which it knows who was in.",
        "The attacker's models are made as the real one was.",
        "At 0.5 distances and means do not tell who was in a half; the model of all subjects hides each one better.",
    ),
    attributes.BY_DEMOGRAPHY: (
        "The sample and a person's demography.",
        "What is guessed for those held out is what anybody could guess of a person like that.",
        "At 0 being in the source costs nobody an attribute, to somebody who knows who they are.",
    ),
    attributes.BY_ALL: (
        "The sample and all that the other datasets say of a person.",
        "As before.",
        "At 0 even somebody who has most of a subject's record learns no more of the rest than of anybody's.",
    ),
    uniqueness.COMBINATIONS: (
        "The sample and a few facts of everybody.",
        "A combination that one subject has points to that subject.",
        "At its target such combinations are made as often for the source as for other real subjects: by chance.",
    ),
    uniqueness.VALUES: (
        "The sample and the source's rare numbers.",
        "A number that one subject has may point to that subject.",
        "At its target such numbers come up by chance alone.",
    ),
    copies.TEXTS: (
        "The sample and the texts that one subject has.",
        "What is common knowledge (terms of a dictionary) comes up as often for those held out.",
        "At its target no wording has passed from a subject into the sample.",
    ),
    copied_series.SERIES: (
        "The sample and all series of results.",
        "Series that agree by chance agree as often with other real subjects.",
        "At its target no part of a subject's course was copied.",
    ),
    copied_subjects.SUBJECTS: (
        "The sample, and everything of a person.",
        "A copy shares most of its series with a subject, or is nearer to it in all features than real subjects come.",
        "At its target nobody of the source is in the sample as a whole.",
    ),
    copies.IDENTIFIERS: (
        "The sample and the source's identifiers.",
        "Identifiers that are made by the same pattern could meet.",
        "At 0 nobody can be looked up by an identifier.",
    ),
}


def assess_privacy(
    stack: Stack,
    table: FeatureTable,
    timeline: Timeline,
    seed: int = 0,
    *,
    chosen: Sequence[str] = (),
    n_shadows: int = 0,
    refit: Refit | None = None,
) -> Privacy:
    """Attack a sample.

    Parameters
    ----------
    stack, table, timeline
        Source, sample and holdout together, and what is known of them.
    seed : int
        Of draws and shadow models.
    chosen : sequence of str
        Features whose inference is tried, such as ``LB ALT level``; chosen from all datasets by default.
    n_shadows : int
        How many models the shadow attack learns; 0 leaves it out.
    refit : callable, optional
        Learns a study and returns a sample; needed for the shadow attack.
    """
    few = draw_groups(stack, stream(seed, "evaluation", "privacy", "near"), MOST_SUBJECTS)
    groups = draw_groups(stack, stream(seed, "evaluation", "privacy", "all"))
    n_features = len(table.names)
    rng = stream(seed, "evaluation", "privacy", "control")
    near = nearest.measure_nearness(table, few, stack.origin == Origin.SOURCE, rng)
    of_source = stack.origin[near.real] == Origin.SOURCE
    windows = copied_series.Windows(stack, timeline)
    too_near, quantiles = nearest.too_near_figure(near, few, n_features)
    figures = [
        nearest.nearer_figure(near, few, n_features),
        too_near,
        membership.distance_figure(near, few, of_source),
        *attributes.attribute_figures(near, table, stack.view.subjects_dataset, few, of_source, chosen),
        uniqueness.combination_figure(stack, groups),
        uniqueness.value_figure(stack, groups),
        copies.text_figure(stack, groups),
        copied_series.copied_series_figure(stack, windows, groups),
        copied_subjects.copied_subjects_figure(stack, table, windows, groups, few.real),
        copies.identifier_figure(stack),
    ]
    figures.insert(3, membership.shadow_figure(_source(stack), n_shadows, refit, seed))
    attacks = tuple(Attack(figure, *_WORDS[figure.name]) for figure in figures)
    return Privacy(attacks, quantiles, _verdict(attacks))


def _source(stack: Stack) -> Study:
    return stack.studies[Origin.SOURCE]


def _verdict(attacks: tuple[Attack, ...]) -> tuple[str, ...]:
    """Say what succeeded, what was tried, and what could not be."""
    tried = [attack for attack in attacks if attack.told and np.isfinite(attack.figure.target)]
    found = [attack for attack in tried if attack.succeeds]
    said = []
    if found:
        finds = "finds" if len(found) == 1 else "find"
        named = ", ".join(one.figure.name for one in found)
        said.append(f"{len(found)} of {len(tried)} attacks {finds} more of the source's subjects than chance explains: {named}.")
        said += [f"{_capital(one.figure.name)}: {_numbers(one.figure)}." for one in found]
    elif tried:
        said.append(
            f"None of {len(tried)} attacks finds more of the source's subjects than of others, beyond chance: by {SURE:.0f} "
            "standard errors, since of so many some leave their target by two."
        )
    numbers = "; ".join(f"{attack.figure.name} {_numbers(attack.figure)}" for attack in tried if not attack.succeeds)
    if numbers:
        said.append(f"At or near their targets: {numbers}.")
    reasons: dict[str, list[str]] = {}
    for attack in attacks:
        if attack not in tried:
            reasons.setdefault(attack.figure.note, []).append(attack.figure.name)
    said += [f"Could not be told: {', '.join(names)}. {note}" for note, names in reasons.items()]
    return tuple(said)


def _numbers(figure: Figure) -> str:
    if figure.highest > 1.0:
        return f"{figure.value:,.0f} (target {figure.target:,.0f})"
    return f"{figure.value:.3f} (target {figure.target:.3f}, interval {figure.interval.low:.3f} to {figure.interval.high:.3f})"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]

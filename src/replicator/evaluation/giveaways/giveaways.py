"""All giveaways of a sample."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from replicator.evaluation.features import FeatureTable
from replicator.evaluation.giveaways.clock import clock_giveaways
from replicator.evaluation.giveaways.digits import digit_giveaways
from replicator.evaluation.giveaways.draws import draw_halves
from replicator.evaluation.giveaways.explanations import explanation_giveaways
from replicator.evaluation.giveaways.giveaway import Giveaway, tell_giveaways
from replicator.evaluation.giveaways.occurrence_clusters import occurrence_giveaways
from replicator.evaluation.giveaways.panels import panel_giveaways
from replicator.evaluation.giveaways.spread import spread_giveaways
from replicator.evaluation.giveaways.visit_calendar import site_giveaways, visit_days, visit_giveaways
from replicator.evaluation.results import results_of
from replicator.evaluation.stack import Stack
from replicator.evaluation.timeline import Timeline
from replicator.profile.structure import Kind


@dataclass(frozen=True)
class Giveaways:
    """What tells the sample from real data.

    Attributes
    ----------
    entries : tuple of Giveaway
        By topic; also those that could not be told, whose figures say why.
    """

    entries: tuple[Giveaway, ...] = ()

    @property
    def told(self) -> tuple[Giveaway, ...]:
        """Those that could be told."""
        return tuple(one for one in self.entries if np.isfinite(one.effect))

    @property
    def shown(self) -> tuple[Giveaway, ...]:
        """Those that show in the sample, most telling first."""
        return tuple(sorted((one for one in self.entries if one.shows), key=lambda one: -abs(one.effect)))

    @property
    def untold(self) -> tuple[Giveaway, ...]:
        """Those that could not be told."""
        return tuple(one for one in self.entries if not np.isfinite(one.effect))

    def by_topic(self) -> Iterable[tuple[str, tuple[Giveaway, ...]]]:
        """Giveaways that could be told, by topic."""
        topics = dict.fromkeys(one.topic for one in self.told)
        return [(topic, tuple(one for one in self.told if one.topic == topic)) for topic in topics]

    def summary(self) -> str:
        """Say in one sentence what shows."""
        if not self.told:
            return "No giveaway of made data could be told of this study."
        named = ", ".join(one.figure.name for one in self.shown[:4])
        more = f" and {len(self.shown) - 4:,} more" if len(self.shown) > 4 else ""
        if not self.shown:
            return f"Of {len(self.told):,} giveaways of made data the sample shows none."
        return f"Of {len(self.told):,} giveaways of made data the sample shows {len(self.shown):,}: {named}{more}."


def find_giveaways(stack: Stack, timeline: Timeline, features: FeatureTable, rng: np.random.Generator) -> Giveaways:
    """Look for everything that tells made data from real.

    Raises
    ------
    StudyError
        If a side has too few subjects.
    """
    draws = draw_halves(stack.origin, rng)
    results = tuple(one for name in stack.view.of_kind(Kind.FINDINGS) if (one := results_of(stack, name)) is not None)
    days = visit_days(stack, timeline)
    asked = [
        *visit_giveaways(stack, days),
        *site_giveaways(stack, days, features.values, features.names),
        *clock_giveaways(stack),
        *digit_giveaways(stack, timeline, results),
        *spread_giveaways(stack, timeline, results),
        *panel_giveaways(stack, timeline, results),
        *occurrence_giveaways(stack, days),
        *explanation_giveaways(stack),
    ]
    return Giveaways(tell_giveaways(asked, draws))

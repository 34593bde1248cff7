"""Time to leaving the study by arm: the share that stays, and each arm's hazard against the reference arm."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from replicator.evaluation.distances import Floats
from replicator.evaluation.endpoints.arms import Arms
from replicator.evaluation.endpoints.endpoint import Compared, EndpointKind, not_few
from replicator.evaluation.endpoints.estimates import Estimates, share_estimates
from replicator.evaluation.endpoints.survival import LifeTable, kaplan_meier, log_hazard_ratio, log_rank
from replicator.evaluation.measures import NORMAL_95
from replicator.evaluation.pictures.bins import shared_range
from replicator.evaluation.pictures.survival import DISCONTINUATION, LEAVING
from replicator.evaluation.retention import Leaving
from replicator.evaluation.sharing import FEWEST_SHARED
from replicator.evaluation.stack import Origin, Stack
from replicator.evaluation.timeline import Timeline

FRACTIONS = (0.25, 0.5, 0.75)  # of the time until the last subjects leave, at which the share is told
NAME = "staying in the study"


def times_to_leaving(stack: Stack, timeline: Timeline, arms: Arms) -> tuple[tuple[Compared, ...], str]:
    """Compare how long subjects stay.

    Returns
    -------
    compared : tuple of Compared
        Shares staying, then hazard ratios; none where days are not known or all leave on one day.
    event : str
        What leaving means: any disposition but completion where the study tells it, else the end of participation.
    """
    leaving = Leaving.of(stack, timeline)
    end, event = leaving.day, leaving.event
    what = DISCONTINUATION if leaving.by_disposition else LEAVING
    known = np.isfinite(end)
    sides = [(stack.origin == origin) & known & (arms.of_subject >= 0) for origin in (Origin.SOURCE, Origin.SAMPLE)]
    span = shared_range(end[sides[0]], np.flatnonzero(sides[0]))
    if span is None or span[0] == span[1]:
        return (), what
    tables = [LifeTable.of(end[side], event[side], arms.of_subject[side], len(arms.names)) for side in sides]
    days = np.unique(np.round(max(span[1], 1.0) * np.array(FRACTIONS)))
    compared = [_shares(tables, arms, days)]
    if arms.control >= 0:
        compared.append(_hazards(tables, arms))
    return tuple(compared), what


def _shares(tables: list[LifeTable], arms: Arms, days: Floats) -> Compared:
    """Share staying at each of `days`, by arm."""
    n_days, n_arms = len(days), len(arms.names)
    staying = [_at_days(table, days) for table in tables]
    share, effective = [one[0] for one in staying], [one[1] for one in staying]
    first, last = tables[0], np.searchsorted(tables[0].times, days, side="right")
    events = np.concatenate([np.zeros((n_arms, 1)), np.cumsum(first.events, axis=1)], axis=1)[:, last]
    left = np.concatenate([first.at_risk, np.zeros((n_arms, 1))], axis=1)[:, last]
    n = [np.repeat(table.at_risk[:, :1], n_days, axis=1) if len(table.times) else np.zeros((n_arms, n_days)) for table in tables]
    arm, day = np.nonzero(left >= FEWEST_SHARED)
    scaled = effective[1] * n[0] / np.maximum(n[1], 1.0)
    estimates = [
        replace(share_estimates(value[arm, day], behind[arm, day]), n=size[arm, day])
        for value, behind, size in ((share[0], effective[0], n[0]), (share[1], effective[1], n[1]), (share[1], scaled, n[0]))
    ]
    return Compared(
        EndpointKind.STAYING,
        "",
        [NAME] * len(arm),
        [f"day {days[i]:.0f}" for i in day.tolist()],
        [arms.names[i] for i in arm.tolist()],
        [""] * len(arm),
        estimates,
        not_few(events, n[0])[arm, day],
    )


def _at_days(table: LifeTable, days: Floats) -> tuple[Floats, Floats]:
    """Share staying and effective number at each of `days`: (n_groups, n_days) each."""
    n_groups = len(table.events)
    if not len(table.times):
        return np.full((n_groups, len(days)), np.nan), np.zeros((n_groups, len(days)))
    staying = kaplan_meier(table)
    at = np.searchsorted(table.times, days, side="right")
    share = np.concatenate([np.ones((n_groups, 1)), staying.share], axis=1)[:, at]
    effective = np.concatenate([table.at_risk[:, :1], staying.effective], axis=1)[:, at]
    return np.where(table.at_risk[:, :1] > 0, share, np.nan), effective


def _hazards(tables: list[LifeTable], arms: Arms) -> Compared:
    """Hazard ratio of each arm over the reference arm, in which both have events in the source."""
    others = [i for i in range(len(arms.names)) if i != arms.control and tables[0].events[[arms.control, i]].any(axis=1).all()]
    value, error, p, n = (np.empty((2, len(others))) for _ in range(4))
    for side, table in enumerate(tables):
        for i, other in enumerate(others):
            pair = LifeTable(table.times, table.events[[arms.control, other]], table.at_risk[[arms.control, other]])
            value[side, i], error[side, i] = log_hazard_ratio(pair)
            p[side, i] = log_rank(pair)[1]
            n[side, i] = pair.at_risk[:, 0].sum() if len(table.times) else 0.0
    rows = ((0, error[0], n[0]), (1, error[1], n[1]), (1, error[1] * np.sqrt(n[1] / np.maximum(n[0], 1.0)), n[0]))
    estimates = [
        Estimates(value[side], width, value[side] - NORMAL_95 * width, value[side] + NORMAL_95 * width, size, p[side])
        for side, width, size in rows
    ]
    many = tables[0].events.sum(axis=1) >= FEWEST_SHARED
    return Compared(
        EndpointKind.HAZARD,
        "",
        [NAME] * len(others),
        [""] * len(others),
        [arms.names[i] for i in others],
        [arms.names[arms.control]] * len(others),
        estimates,
        np.array([many[i] and many[arms.control] for i in others], bool),
    )

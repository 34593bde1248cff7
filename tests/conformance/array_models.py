"""One entry for each registered class that learns from arrays: how it is fitted on generated data, and how it is drawn from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from replicator.models.backoff import BackoffTable
from replicator.models.cell_means import CellMeans
from replicator.models.chain import ConditionalChain
from replicator.models.clock import ClockTime
from replicator.models.conditional import ConditionalTable
from replicator.models.copula import GaussianCopula, normal_scores
from replicator.models.joint import JointModel
from replicator.models.longitudinal import TwoLevel
from replicator.models.marginals import QuantileMarginal
from replicator.models.nested_marginals import NestedMarginals
from replicator.models.onset import Intensity
from replicator.models.ordinal import TERMS
from replicator.models.panels import Presence as PanelPresence
from replicator.models.persistence import Occasions
from replicator.models.presence import Presence
from replicator.models.recurrence import Recurrence
from replicator.models.reporting import Reporting
from replicator.models.scales import NumericScales
from replicator.models.tilts import Tilts

Array = NDArray[Any]
UNIQUE = 8765.4321


@dataclass(frozen=True, eq=False)
class Sample:
    """Generated rows.

    Attributes
    ----------
    x : (n,) float64
        A number; NaN is missing.
    code : (n,) int64
        A category; -1 is missing.
    given : (n, 2) int64
        Two other categories.
    subject : (n,) int64
        0 to `n_subjects` - 1, sorted.
    """

    x: NDArray[np.float64]
    code: NDArray[np.int64]
    given: NDArray[np.int64]
    subject: NDArray[np.int64]

    @property
    def n_subjects(self) -> int:
        """Number of subjects."""
        return int(self.subject.max(initial=-1)) + 1

    @property
    def first(self) -> NDArray[np.intp]:
        """(n_subjects,) int: first row of each subject."""
        return np.searchsorted(self.subject, np.arange(self.n_subjects))

    @property
    def rank(self) -> NDArray[np.intp]:
        """(n,) int: number of the row within its subject."""
        return np.arange(len(self.subject)) - self.first[self.subject]


def _sample(n_subjects: int, rows: int, change: Callable[[NDArray[np.float64]], NDArray[np.float64]] = lambda x: x) -> Sample:
    rng = np.random.default_rng(20)
    n = n_subjects * rows
    subject = np.repeat(np.arange(n_subjects), rows)
    level = rng.normal(0, 1, n_subjects)
    x = change(np.round(np.exp(3 + 0.5 * level[subject] + 0.3 * rng.normal(0, 1, n)), 2))
    code = np.digitize(level[subject] + rng.normal(0, 1, n), [-0.5, 0.5])
    return Sample(x, code, np.stack([subject % 2, rng.integers(-1, 2, n)], axis=1), subject)


def _with_unique(sample: Sample) -> Sample:
    x = sample.x.copy()
    x[len(x) // 2] = UNIQUE
    code = sample.code.copy()
    code[len(code) // 3] = 77
    return Sample(x, code, sample.given, sample.subject)


_ORDINARY = _sample(60, 4)
SAMPLES: Mapping[str, Sample] = {
    "ordinary": _ORDINARY,
    "unique": _with_unique(_ORDINARY),
    "constant": Sample(np.full(240, 3.5), np.zeros(240, np.int64), np.zeros((240, 2), np.int64), _ORDINARY.subject),
    "all missing": Sample(np.full(240, np.nan), np.full(240, -1), np.full((240, 2), -1), _ORDINARY.subject),
    "some missing": Sample(
        np.where(np.arange(240) % 3 == 0, np.nan, _ORDINARY.x), _ORDINARY.code - 1, _ORDINARY.given, _ORDINARY.subject
    ),
    "one row": _sample(1, 1),
    "one subject": _sample(1, 12),
    "four subjects": _sample(4, 3),
    "two levels": _sample(60, 4, lambda x: (x > 20).astype(float)),
    "ties": _sample(60, 4, lambda x: np.round(x / 20)),
    "huge": _sample(60, 4, lambda x: x * 1e100),
    "tiny": _sample(60, 4, lambda x: x * 1e-100),
    "negative": _sample(60, 4, lambda x: 15 - x),
    "no rows": Sample(np.empty(0), np.empty(0, np.int64), np.empty((0, 2), np.int64), np.empty(0, np.int64)),
}


@dataclass(frozen=True)
class ArrayModel:
    """How one class is fitted, and what is drawn from it."""

    fit: Callable[[Sample], Any]
    draw: Callable[[Any, Sample, np.random.Generator], tuple[Array, ...]]


def _finite(data: Sample) -> Sample:
    keep = np.isfinite(data.x)
    return Sample(data.x[keep], data.code[keep], data.given[keep], data.subject[keep])


def _wide(data: Sample) -> NDArray[np.float64]:
    """The number at each rank of a subject: (n_subjects, n_ranks)."""
    out = np.full((data.n_subjects, int(data.rank.max(initial=-1)) + 1), np.nan)
    out[data.subject, data.rank] = data.x
    return out


def _marginal(data: Sample) -> tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.int64]]:
    """One distribution of the codes for all rows."""
    return ConditionalTable.fit(data.code, [], data.subject, k=5).chances([], len(data.code))


def _traits(data: Sample) -> JointModel:
    group = data.given[data.first, 0].clip(0)
    values = {f"number {i}": column for i, column in enumerate(_wide(data).T)}
    grade = np.full(data.n_subjects, np.nan)  # the highest of a subject
    np.fmax.at(grade, data.subject, np.where(data.code < 0, np.nan, data.code))
    # codes without an order are protected where they are made; numbers are protected here
    values |= {"grade": grade, "category": np.minimum(grade, 2)}
    return JointModel.fit(values, frozenset({"category"}), group, np.zeros(2, np.int64), 5)


def _subject_group(data: Sample) -> NDArray[np.int64]:
    return data.given[data.first, 0].clip(0)


def _occasions(data: Sample) -> Occasions:
    return Occasions(data.subject.astype(np.intp), data.rank * 7.0)


def _counts(data: Sample) -> NDArray[np.int64]:
    """How often each subject has each of three categories."""
    out = np.zeros((data.n_subjects, 3), np.int64)
    seen = (data.code >= 0) & (data.code < 3)
    np.add.at(out, (data.subject[seen], data.code[seen]), 1)
    return out


def _pairs(data: Sample) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    counts = _counts(data)
    subject, kind_of = np.nonzero(counts)
    return subject.astype(np.int64), kind_of.astype(np.int64), counts[subject, kind_of] - 1


def _two_level(data: Sample) -> TwoLevel:
    data_seen = np.isfinite(data.x)
    n = int(data_seen.sum())
    y = data.x[data_seen] - (data.x[data_seen].mean() if n else 0.0)
    occasion, nothing = np.flatnonzero(data_seen), np.zeros((1, TERMS))
    return TwoLevel.fit(y, occasion, np.zeros(n, np.intp), _occasions(data), nothing, np.zeros(1, bool), np.zeros(1))[0]


def _reporting(data: Sample) -> Reporting:
    chosen = np.flatnonzero(data.rank == 0)
    start = 7.0 * (data.code[chosen] % 3)
    visits = (data.subject, data.rank + 1.0, 7.0 * data.rank)
    reported = np.flatnonzero(data.code[chosen] >= 0)
    return Reporting.fit(data.subject[chosen], start, start + 5, *visits, (reported, chosen[reported]), 5)


def _report(model: Reporting, data: Sample, rng: np.random.Generator) -> tuple[Array, ...]:
    chosen = np.flatnonzero(data.rank == 0)
    start = 7.0 * (data.code[chosen] % 3)
    return model.sample(data.subject[chosen], start, start + 5, data.subject, data.rank + 1.0, 7.0 * data.rank, rng)


def _panel_presence(data: Sample) -> PanelPresence:
    present = np.stack([data.code >= 0, data.code > 0], axis=1)
    arm, cell = data.given[:, 0].clip(0).astype(np.intp), np.minimum(data.rank, 3)
    possible, special = np.ones_like(present), np.zeros(len(arm), bool)
    return PanelPresence.fit(present, possible, arm, cell, special, _occasions(data), (2, 4))


MODELS: Mapping[str, ArrayModel] = {
    "quantile marginal": ArrayModel(
        lambda d: QuantileMarginal.fit(d.x, d.subject, k=5),
        lambda m, d, rng: (m.quantile(rng.random(200)),),
    ),
    "clock time": ArrayModel(
        lambda d: ClockTime.fit(d.x, d.subject, k=5),
        lambda m, d, rng: (m.quantile(rng.random(200)),),
    ),
    "back-off table": ArrayModel(
        lambda d: BackoffTable.fit(d.code, list(d.given.T), d.subject, k=5),
        lambda m, d, rng: (m.sample(list(d.given.T), rng, len(d.code)),),
    ),
    "conditional table": ArrayModel(
        lambda d: ConditionalTable.fit(d.code, list(d.given.T), d.subject, k=5),
        lambda m, d, rng: (m.sample(list(d.given.T), rng, len(d.code), d.subject),),
    ),
    "conditional chain": ArrayModel(
        lambda d: ConditionalChain.fit([d.code, d.given[:, 1]], [d.given[:, 0]], d.subject, k=5, groups=(0,)),
        lambda m, d, rng: tuple(m.sample([d.given[:, 0]], rng, len(d.code), d.subject)),
    ),
    "tilts": ArrayModel(
        lambda d: Tilts.fit(d.code, _marginal(d), [d.given[:, 0]], d.subject, 5),
        lambda m, d, rng: (m.draw(*_marginal(d)[:2], [d.given[:, 0]], rng.random(len(d.code))),),
    ),
    "gaussian copula": ArrayModel(
        lambda d: GaussianCopula.fit(
            np.stack([normal_scores(x) for x in _wide(d).T], axis=1) if d.n_subjects else np.empty((0, 0))
        ),
        lambda m, d, rng: (m.sample(50, rng),),
    ),
    "joint model": ArrayModel(
        _traits,
        lambda m, d, rng: tuple(m.sample(np.arange(50) % 2, rng).values()),
    ),
    "cell means": ArrayModel(
        lambda d: (
            lambda f: CellMeans.fit(
                f.x, np.zeros(len(f.x), np.intp), f.subject, f.given[:, 0].clip(0), np.minimum(f.rank, 3), (1, 2, 4)
            )
        )(_finite(d)),
        lambda m, d, rng: (m.mean,),
    ),
    "numeric scales": ArrayModel(
        lambda d: (lambda f: NumericScales.fit(f.x, np.zeros(len(f.x), np.intp), f.subject.astype(np.intp), np.array([2]), k=5))(
            _finite(d)
        ),
        lambda m, d, rng: (
            m.backward(m.forward(_finite(d).x, np.zeros(len(_finite(d).x), np.intp)), np.zeros(len(_finite(d).x), np.intp)),
        ),
    ),
    "intensity": ArrayModel(
        lambda d: Intensity.fit(
            d.rank * 7.0, d.subject, d.given[:, 0].clip(0), 2, np.zeros(d.n_subjects), np.full(d.n_subjects, 40.0), k=5
        ),
        lambda m, d, rng: (m.sample(np.arange(30) % 2, np.zeros(30), np.full(30, 40.0), rng),),
    ),
    "nested marginals": ArrayModel(
        lambda d: NestedMarginals.fit(d.x, [d.given[:, 0], d.code], d.subject, k=5, least=10),
        lambda m, d, rng: (
            m.quantile([np.arange(50) % 2, np.arange(50) % 3], rng.random(50), np.full(50, -np.inf), np.full(50, np.inf)),
        ),
    ),
    "presence": ArrayModel(
        lambda d: Presence.fit((_counts(d) > 0).astype(np.int64), _subject_group(d), 2, np.array([0, 0, 1]), np.ones(3, np.int64)),
        lambda m, d, rng: m.sample(np.arange(30) % 3, np.arange(30) % 2, rng),
    ),
    "recurrence": ArrayModel(
        lambda d: Recurrence.fit(*_pairs(d), np.zeros(3, np.int64)),
        lambda m, d, rng: (m.sample(*_pairs(d)[:2], np.arange(d.n_subjects) % 3, rng),),
    ),
    "reporting": ArrayModel(_reporting, _report),
    "two-level model": ArrayModel(
        _two_level,
        lambda m, d, rng: (m.noise(_occasions(d), rng),),
    ),
    "panel presence": ArrayModel(
        _panel_presence,
        lambda m, d, rng: (
            m.sample(d.given[:, 0].clip(0).astype(np.intp), np.minimum(d.rank, 3), np.zeros(len(d.x), bool), _occasions(d), rng),
        ),
    ),
}

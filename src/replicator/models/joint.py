"""Many variables of a subject, numbers and categories, drawn together given the subject's group."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.models.category_effects import CategoryEffects, find_category_effects
from replicator.models.copula import Estimator, GaussianCopula, Kin, normal_scores, pairwise_correlation
from replicator.models.directions import with_fixed_signs
from replicator.models.group_effects import shrink_moments, shrink_to_pool
from replicator.models.marginals import QuantileMarginal
from replicator.special import ndtr, ndtri

Floats = NDArray[np.float64]
Codes = NDArray[np.int32] | NDArray[np.int64]

TIES = 0.03  # share of subjects from which a shared value is an interval on the normal scale
LEAST = 1e-12  # probability in a tail, short of infinity
ROUNDS = 60  # of expectation and maximisation
MOST_ORDINAL = 10  # a whole number with no more distinct values than this is drawn as an ordered category


@dataclass(frozen=True, eq=False)
class CategoryTrait:
    r"""A category by group, as thresholds on a standard normal.

    Attributes
    ----------
    values : (n_levels,) float64
        What each level stands for: a code, or a whole number; in the order of the latent variable.
    cumulative : (n_groups, n_levels) float64
        :math:`P(level \le j \mid group)`; the last column is 1.
    """

    kind: ClassVar[str] = "category trait"

    values: Floats
    cumulative: Floats

    def share(self, value: float) -> Floats:
        """Probability of a level by group: (n_groups,)."""
        steps = np.diff(self.cumulative, axis=1, prepend=0.0)
        return np.asarray(steps[:, self.values == value].sum(axis=1), np.float64)

    def latent(self, value: float, has: NDArray[np.bool_], u: Floats, group: Codes) -> Floats:
        """Turn probabilities (n,) into standard normals (n,): those of one level for who has it, of the others for the rest."""
        share = self.share(value)[group]
        place = int((self.values == value).argmax())
        begin = self.cumulative[group, place - 1] if place else np.zeros(len(group))
        rest = u * (1 - share)
        probability = np.where(has, begin + u * share, rest + np.where(rest < begin, 0.0, share))
        return np.asarray(ndtri(np.clip(probability, LEAST, 1 - LEAST)), np.float64)

    def draw(self, z: Floats, group: Codes) -> Floats:
        """Turn standard normals (n,) into levels (n,)."""
        position: NDArray[np.intp] = (ndtr(z)[:, None] > self.cumulative[group][:, :-1]).sum(axis=1)
        return self.values[position]

    def scores(self, values: Floats, group: Codes) -> Floats:
        """Mean of the latent normal given each value (n,); NaN stays NaN."""
        order = np.argsort(self.values, kind="stable")
        seen = np.isfinite(values)
        position = order[np.searchsorted(self.values[order], np.where(seen, values, self.values[0])).clip(max=len(order) - 1)]
        edge = np.concatenate([np.zeros((len(self.cumulative), 1)), self.cumulative], axis=1)
        density = np.exp(-0.5 * ndtri(edge) ** 2) / np.sqrt(2 * np.pi)
        with np.errstate(divide="ignore", invalid="ignore"):
            mean = -np.diff(density, axis=1) / np.diff(edge, axis=1)
        return np.where(seen, np.nan_to_num(mean[group, position]), np.nan)


@dataclass(frozen=True, eq=False)
class NumberTrait:
    r"""A number by group: a quantile function a stratum, shifted and scaled by group on the normal scale.

    Attributes
    ----------
    marginals : tuple of QuantileMarginal
        Of the groups of one stratum together.
    which : (n_groups,) int64
        Position in `marginals` of each group's stratum.
    shift, scale : (n_groups,) float64
        :math:`x = Q(\Phi(shift_g + scale_g z))`.
    own : (n_groups,) float64
        Share of a group's shift that is its own (:class:`~replicator.models.group_effects.GroupMoments`); NaN where the group
        is alone in its stratum or has no value. Says how sure the model is; draws do not need it.
    """

    kind: ClassVar[str] = "number trait"

    marginals: tuple[QuantileMarginal, ...]
    which: NDArray[np.int64]
    shift: Floats
    scale: Floats
    own: Floats = field(default_factory=lambda: np.empty(0))

    def draw(self, z: Floats, group: Codes) -> Floats:
        """Turn standard normals (n,) into values (n,)."""
        u = ndtr(self.shift[group] + self.scale[group] * z)
        out = np.full(len(z), np.nan)
        for i, marginal in enumerate(self.marginals):
            mine = self.which[group] == i
            out[mine] = marginal.quantile(u[mine])
        return out


@dataclass(frozen=True, eq=False)
class Known:
    """What is known of one category before all else is drawn.

    Attributes
    ----------
    name : str
        The trait.
    value : float
        One of its levels.
    has : (n,) bool
        Who has it.
    """

    name: str
    value: float
    has: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class JointModel:
    """Traits of a subject and the copula that ties them.

    Attributes
    ----------
    names : tuple of str
        Traits in the order of the copula.
    traits : tuple of CategoryTrait or NumberTrait
        One a name.
    copula : GaussianCopula
        Correlation within groups.
    effects : tuple of CategoryEffects
        Numbers that mostly follow from a category: their traits are what is left of them.
    """

    kind: ClassVar[str] = "joint model"

    names: tuple[str, ...]
    traits: tuple[CategoryTrait | NumberTrait, ...]
    copula: GaussianCopula
    effects: tuple[CategoryEffects, ...] = ()

    @classmethod
    def fit(
        cls,
        values: Mapping[str, Floats],
        nominal: frozenset[str],
        group: Codes,
        stratum: Codes,
        k: int,
        decimals: Mapping[str, int | None] | None = None,
        estimate: Estimator = pairwise_correlation,
        strata: Mapping[str, Codes] | None = None,
        position: Floats | None = None,
        kin: Mapping[str, tuple[str, str]] | None = None,
        least: Mapping[str, float] | None = None,
        explained: Collection[str] = (),
        explaining: Collection[str] = (),
    ) -> JointModel:
        """Learn traits.

        Parameters
        ----------
        values : mapping of str to (n,) float64
            One value a subject; NaN where it does not apply (drawn values always apply).
        nominal : frozenset of str
            Names whose values are codes without an order.
        group : (n,) int
            Group of each subject, 0 to n_groups - 1.
        stratum : (n_groups,) int
            Groups of one stratum borrow strength from each other; others have nothing in common.
        k : int
            Fewest subjects behind a value.
        decimals : mapping of str to int or None, optional
            Places to round numbers to.
        estimate : callable, optional
            Correlates the scores of the traits; one of :data:`replicator.models.copula_engines.ENGINES`.
        strata : mapping of str to (n_groups,) int, optional
            Strata of the traits whose groups have less in common than `stratum` says.
        position : (n_groups,) float64, optional
            Where groups stand on a scale along which numbers may rise or fall; see
            :func:`~replicator.models.group_effects.shrink_moments`.
        kin : mapping of str to (str, str), optional
            Traits that are measured together: their group, and the kind of the group.
        least : mapping of str to float, optional
            What numbers are never below.
        explained, explaining : collection of str, optional
            Numbers that may follow from a category, and the categories (of `nominal`) that they may follow from.
        """
        effects = find_category_effects(values, explained, explaining, group, k)
        values = {**values, **{one.number: values[one.number] - one.at(values[one.category]) for one in effects}}
        names = tuple(values)
        traits: list[CategoryTrait | NumberTrait] = []
        scores = np.full((len(group), len(names)), np.nan)
        late: list[int] = []
        for j, name in enumerate(names):
            x = values[name]
            seen = np.isfinite(x)
            alike = (strata or {}).get(name, stratum)
            if name in nominal or _is_ordinal(x[seen], k):
                trait: CategoryTrait | NumberTrait = _fit_category(x, group, alike, k, ordered=name not in nominal)
                if name in nominal and isinstance(trait, CategoryTrait) and len(trait.values) > 2:
                    late.append(j)
                else:
                    scores[:, j] = trait.scores(x, group) if isinstance(trait, CategoryTrait) else 0.0
            else:
                places = (decimals or {}).get(name)
                if places is None and bool((x[seen] == np.round(x[seen])).all()):
                    places = 0
                trait, scores[:, j] = _fit_number(x, group, alike, k, places, position, (least or {}).get(name, -np.inf))
            traits.append(trait)
        axes = _principal_axes(scores)
        for j in late:
            trait = traits[j]
            assert isinstance(trait, CategoryTrait)
            traits[j] = ordered = _order_levels(trait, values[names[j]], axes)
            scores[:, j] = ordered.scores(values[names[j]], group)
        return cls(names, tuple(traits), GaussianCopula.fit(scores, estimate, kin=_kin(names, kin or {})), effects)

    def category(self, name: str) -> CategoryTrait | None:
        """Trait of this name if there is one and it is a category."""
        trait = dict(zip(self.names, self.traits, strict=True)).get(name)
        return trait if isinstance(trait, CategoryTrait) else None

    def sample(self, group: Codes, rng: np.random.Generator, known: Known | None = None) -> dict[str, Floats]:
        """Draw all traits for subjects of the given groups: (n,) float64 by name, never NaN where the source had any value.

        What is `known` is kept, and all else is drawn given it.
        """
        z = self.copula.sample(len(group), rng)
        trait = None if known is None else self.category(known.name)
        if known is not None and trait is not None:
            z = self.copula.given(
                z, self.names.index(known.name), trait.latent(known.value, known.has, rng.random(len(group)), group)
            )
        drawn = {name: trait.draw(z[:, j], group) for j, (name, trait) in enumerate(zip(self.names, self.traits, strict=True))}
        return drawn | {one.number: drawn[one.number] + one.added(drawn[one.category]) for one in self.effects}


def _kin(names: Sequence[str], of: Mapping[str, tuple[str, str]]) -> Kin:
    """Which traits are measured together, by number."""
    group, kind = ([of[name][i] if name in of else "" for name in names] for i in (0, 1))
    numbers = {text: i for i, text in enumerate(sorted({*group, *kind} - {""}))}
    return Kin(*(np.array([numbers.get(text, -1) for text in texts], np.int64) for texts in (group, kind)))


def _fit_category(x: Floats, group: Codes, stratum: Codes, k: int, ordered: bool) -> CategoryTrait:
    seen = np.isfinite(x)
    if not seen.any():
        return CategoryTrait(np.array([np.nan]), np.ones((len(stratum), 1)))
    levels, code = np.unique(x[seen], return_inverse=True)
    counts = np.zeros((len(stratum), len(levels)))
    np.add.at(counts, (group[seen].astype(np.intp), code.astype(np.intp)), 1.0)
    total = counts.sum(axis=0)
    if ordered:  # rare numbers join their nearest common neighbour
        common = np.flatnonzero(total >= k)
        nearest = common[np.abs(levels[:, None] - levels[common][None, :]).argmin(axis=1)]
        merged = np.zeros((len(stratum), len(levels)))
        np.add.at(merged.T, nearest, counts.T)
        levels, counts = levels[common], merged[:, common]
    else:  # a rare state is kept as such; its count is not, nor who of a stratum had it
        rare = (total > 0) & (total < k)
        counts[:, rare] = _spread(counts[:, rare], counts.sum(axis=1), stratum, k) * (k / 2 / total[rare])
    probability = shrink_to_pool(counts, stratum, k)
    cumulative = np.cumsum(probability, axis=1)
    cumulative = cumulative / cumulative[:, -1:]
    cumulative[:, -1] = 1.0
    return CategoryTrait(levels, cumulative)


def _spread(counts: Floats, size: Floats, stratum: Codes, k: int) -> Floats:
    """Counts (n_groups, n_levels) spread over the groups of their stratum by `size` (n_groups,); over all where those are few."""
    of_stratum = np.bincount(stratum, size)
    among = np.where(of_stratum >= k, np.arange(len(of_stratum)), -1)[stratum]
    out = np.zeros_like(counts)
    for one in np.unique(among):
        here = among == one
        open_to = here if one >= 0 else np.ones(len(size), bool)
        out[open_to] += counts[here].sum(axis=0) * (size[open_to] / size[open_to].sum())[:, None]
    return out


def _is_ordinal(x: Floats, k: int) -> bool:
    """Whether few whole numbers (n,) are ordered categories: fewer than `k` subjects have one that fewer than `k` share, others do.

    A lowest or highest that fewer share is the end of a tail, unless there are but two numbers, and then they are no categories.
    """
    distinct, counts = np.unique(x, return_counts=True)
    few = 0 < len(distinct) <= MOST_ORDINAL and bool((distinct == np.round(distinct)).all())
    ends = len(distinct) <= 2 or int(counts[[0, -1]].min()) >= k
    return few and ends and int(counts.max()) >= k and int(counts[counts < k].sum()) < k


def _fit_number(
    x: Floats, group: Codes, stratum: Codes, k: int, decimals: int | None, position: Floats | None, least: float
) -> tuple[NumberTrait, Floats]:
    n_groups = len(stratum)
    shift, scale, own = np.zeros(n_groups), np.ones(n_groups), np.full(n_groups, np.nan)
    score = np.full(len(x), np.nan)
    strata, of_stratum = np.unique(stratum, return_inverse=True)
    known_of = np.bincount(of_stratum[group], np.isfinite(x), len(strata)) >= k
    rest = np.isfinite(x) & ~known_of[of_stratum[group]]
    others = np.isfinite(x) & ~rest
    told = others if 0 < rest.sum() < k <= others.sum() else others | rest  # beside the others' own, that of all would tell of few
    whole = QuantileMarginal.fit(x[told], k=k, decimals=decimals).within(least, np.inf)
    ends = (whole.floor, whole.ceiling)
    marginals: list[QuantileMarginal] = []
    which = np.full(n_groups, -1, np.int64)
    for s in strata[known_of].tolist():
        groups = np.flatnonzero(stratum == s)
        rows = np.isin(group, groups) & np.isfinite(x)
        which[groups] = len(marginals)
        own_marginal = QuantileMarginal.fit(x[rows], k=k, decimals=decimals, bounds=ends)
        few = own_marginal.n_subjects < 2 * k  # a normal's, whose tails know nothing of where all others end
        marginals.append(own_marginal.within(*ends) if few else own_marginal.within(least, np.inf))
        latent = _Intervals.of(x[rows])
        n = np.bincount(group[rows], minlength=n_groups).astype(np.float64)
        mean, variance = latent.moments(group[rows], n_groups)
        known = groups[n[groups] > 0]
        moments = shrink_moments(
            n[known], mean[known], variance[known], k=k, position=None if position is None else position[known]
        )
        shift[known], scale[known] = moments.shift, moments.scale
        if len(known) > 1:
            own[known] = moments.own
        score[rows] = latent.expected(shift[group[rows]], np.maximum(scale[group[rows]], 0.05))[0]
    if (which < 0).any():  # a stratum of which too little is known behaves like all subjects together
        which[which < 0] = len(marginals)
        marginals.append(whole)
    return NumberTrait(tuple(marginals), which, shift, scale, own), score


@dataclass(frozen=True, eq=False)
class _Intervals:
    """Where on the normal scale each value lies: values that are shared occupy an interval.

    Attributes
    ----------
    low, high : (n,) float64
        Ends of the interval of each value.
    score : (n,) float64
        Mean of a standard normal within it.
    tied : bool
        Whether some interval is wide enough for its mean not to stand for it.
    """

    low: Floats
    high: Floats
    score: Floats
    tied: bool

    @classmethod
    def of(cls, x: Floats) -> _Intervals:
        """Place values (n,), none missing."""
        _, inverse, counts = np.unique(x, return_inverse=True, return_counts=True)
        edge = np.clip(ndtri(np.concatenate([[0], np.cumsum(counts)]) / len(x)), -8.0, 8.0)
        return cls(edge[inverse], edge[inverse + 1], normal_scores(x), bool(counts.max() > TIES * len(x)))

    def expected(self, shift: Floats, scale: Floats) -> tuple[Floats, Floats]:
        """Mean and variance of the standardised latent normal of each value, given shift and scale (n,) of its group."""
        if not self.tied:
            return (self.score - shift) / scale, np.zeros(len(shift))
        a, b = np.clip((self.low - shift) / scale, -8, 8), np.clip((self.high - shift) / scale, -8, 8)
        p = ndtr(b) - ndtr(a)
        at_a, at_b = np.exp(-0.5 * a**2) / np.sqrt(2 * np.pi), np.exp(-0.5 * b**2) / np.sqrt(2 * np.pi)
        wide = p > 1e-9
        safe = np.where(wide, p, 1.0)
        mean = np.where(wide, (at_a - at_b) / safe, (a + b) / 2)
        return mean, np.where(wide, np.maximum(1 + (a * at_a - b * at_b) / safe - mean**2, 0.0), 0.0)

    def moments(self, group: Codes, n_groups: int) -> tuple[Floats, Floats]:
        """Mean and variance (n_groups,) of the latent normal by group at the maximum of their likelihood, by the EM algorithm."""
        n = np.maximum(np.bincount(group, minlength=n_groups), 1).astype(np.float64)
        mean, variance = np.zeros(n_groups), np.ones(n_groups)
        for _ in range(ROUNDS if self.tied else 1):
            scale = np.sqrt(np.maximum(variance, 0.05**2))
            z, rest = self.expected(mean[group], scale[group])
            guess = mean[group] + scale[group] * z
            before, mean = mean, np.bincount(group, guess, minlength=n_groups) / n
            square = np.bincount(group, guess**2 + scale[group] ** 2 * rest, minlength=n_groups) / n
            variance = np.maximum(square - mean**2, 0.0)
            if np.abs(mean - before).max(initial=0) < 1e-4:
                break
        return mean, variance


def _principal_axes(scores: Floats, most: int = 4) -> Floats:
    """First principal components of the scores, missing ones at their mean: (n, up to `most`)."""
    used = np.isfinite(scores).any(axis=0)
    filled = np.nan_to_num(scores[:, used])
    if filled.size == 0 or len(filled) < 2:
        return np.zeros((len(scores), 1))
    _, _, turned = np.linalg.svd(filled - filled.mean(axis=0), full_matrices=False)
    return np.asarray((filled - filled.mean(axis=0)) @ with_fixed_signs(turned[:most].T), np.float64)


def _order_levels(trait: CategoryTrait, x: Floats, axes: Floats) -> CategoryTrait:
    """Order the levels of a category along the axis that tells them apart best."""
    code = np.searchsorted(trait.values, np.where(np.isfinite(x), x, trait.values[0])).clip(max=len(trait.values) - 1)
    n = np.bincount(code, minlength=len(trait.values))
    means = np.stack([np.bincount(code, axis, minlength=len(n)) / np.maximum(n, 1) for axis in axes.T], axis=1)
    strength = (n[:, None] * means**2).sum(axis=0) / np.maximum((axes**2).sum(axis=0), 1e-9)
    order = np.argsort(means[:, int(strength.argmax())], kind="stable")
    steps = np.diff(np.concatenate([np.zeros((len(trait.cumulative), 1)), trait.cumulative], axis=1), axis=1)[:, order]
    cumulative = np.cumsum(steps, axis=1)
    cumulative[:, -1] = 1.0
    return CategoryTrait(trait.values[order], cumulative)

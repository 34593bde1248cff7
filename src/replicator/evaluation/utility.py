"""Whether a prediction that was learned from the sample holds for real subjects as one that was learned from real subjects does."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from replicator.evaluation.distances import Floats, Ints
from replicator.evaluation.endpoints.arms import Arms, find_arms
from replicator.evaluation.endpoints.change_from_baseline import subject_changes
from replicator.evaluation.features import FeatureTable
from replicator.evaluation.features_at_reference import features_at_reference
from replicator.evaluation.measures import NORMAL_95, Direction, Figure, Interval
from replicator.evaluation.occurrences import TERMS, frequent_terms, occurrence_datasets
from replicator.evaluation.retention import completers
from replicator.evaluation.stack import Origin, Stack
from replicator.evaluation.timeline import Timeline
from replicator.profile.structure import Kind
from replicator.rules.grouping import Mask
from replicator.threads import one_thread

FOLDS = 3
REPEATS = 4  # draws of subjects to learn from
DRAWS = 200  # of subjects who are predicted
FEWEST_REAL = 40  # subjects of whom the target is known, on each side
FEWEST_OF_CLASS = 10
MOST_TESTS = 4  # whose change is predicted, one a dataset
MOST_SUBJECTS = 3000  # to learn from, and to test with
COMMON = 0.9  # share of the subjects above which an event is too common to be predicted


@dataclass(frozen=True, eq=False)
class Target:
    """What is predicted.

    Attributes
    ----------
    name, question : str
    values : (n_subjects,) float64
        0 or 1 of a class, else a number; NaN for subjects who are left out.
    features : FeatureTable
        From which it is predicted.
    binary : bool
    """

    name: str
    question: str
    values: Floats
    features: FeatureTable
    binary: bool


@one_thread
def utility_figures(stack: Stack, timeline: Timeline, table: FeatureTable, rng: np.random.Generator) -> tuple[Figure, ...]:
    """Predict what can be predicted, once learned from the sample and once from as many real subjects.

    With a holdout the source is learned from and the holdout is predicted; without one the source is cut in three, each predicted
    from the others, while the sample was learned from all of it. The value is how well the sample's prediction does (AUC of a
    class, R² of a number), the target how well the source's does. The predictions are ridge regressions, logistic for a class,
    whose penalty gives the linear predictor a standard deviation of 1 before anything is seen.

    Notes
    -----
    Value and target are means over :data:`REPEATS` bootstrap draws of subjects to learn from. The interval is that of their
    difference: its variance is the sum of that over bootstrap draws of the subjects who are predicted, and of that between draws of
    the subjects to learn from, of both sides.

    Parameters
    ----------
    table : FeatureTable
        All features of the subjects.
    rng : numpy.random.Generator
        Draws folds, subjects to learn from, and the bootstrap.
    """
    return tuple(_figure(stack, target, rng) for target in find_targets(stack, timeline, table))


def find_targets(stack: Stack, timeline: Timeline, table: FeatureTable) -> tuple[Target, ...]:
    """Find what a study can be asked: who leaves, who has the most frequent event, how tests change, and who was in which arm.

    The last is predicted from findings and events of the whole study, the others from what is known on the reference day.
    """
    arms = find_arms(stack)
    known = features_at_reference(stack, timeline)
    in_arm = arms.of_subject >= 0
    found = []
    completed = completers(stack)
    if completed is not None:
        values = np.where(in_arm, ~completed, np.nan)
        found.append(
            Target("leaving predicted", "Who leaves before completion, from what is known at the start?", values, known, True)
        )
    event = _event(stack, timeline, in_arm)
    if event is not None:
        asks = f"Who has {event[0]} after the start, from what is known then?"
        found.append(Target("event predicted", asks, event[1], known, True))
    found += _changes(stack, timeline, known, in_arm)
    if arms.control >= 0:
        found.append(_arm(stack, arms, table))
    return tuple(found)


def _event(stack: Stack, timeline: Timeline, in_arm: Mask) -> tuple[str, Floats] | None:
    """Find the most frequent event that not almost everybody has, and who has it on or after the reference day."""
    best: tuple[str, Floats] | None = None
    most = 0.0
    of_source = in_arm & (stack.origin == Origin.SOURCE)
    for name in occurrence_datasets(stack):
        if stack.view.facts(name).kind is not Kind.EVENTS:
            continue
        terms = frequent_terms(stack, name, TERMS, 0.0)
        rows = timeline.start(name) >= 0
        if terms is None or not rows.any():
            continue
        for i, term in enumerate(terms.names):
            has = np.zeros(len(stack.origin), bool)
            has[stack.view.subject(name)[rows & (terms.term == i) & (stack.view.subject(name) >= 0)]] = True
            share = float(has[of_source].mean()) if of_source.any() else 0.0
            if most < share <= COMMON:
                best, most = (term, np.where(in_arm, has, np.nan)), share
    return best


def _changes(stack: Stack, timeline: Timeline, known: FeatureTable, in_arm: Mask) -> list[Target]:
    """Take of each dataset the test that most subjects have a change of, at the last visit that half of these came to."""
    found: list[tuple[int, Target]] = []
    for name in stack.view.of_kind(Kind.FINDINGS):
        changes = subject_changes(stack, timeline, name)
        if changes is None:
            continue
        baseline, frame, is_change = changes
        who = frame["subject"].to_numpy(np.int64)
        series, time = frame["series"].to_numpy(np.int64), frame["time"].to_numpy(np.int64)
        counted = (stack.origin[who] == Origin.SOURCE) & in_arm[who] & (np.append(is_change, 0)[series] == 1)
        n = np.zeros((len(baseline.names), len(baseline.times)), np.int64)
        np.add.at(n, (series[counted], time[counted]), 1)
        if not n.any():
            continue
        chosen = int(n.max(axis=1).argmax())
        last = int(np.flatnonzero(2 * n[chosen] >= n[chosen].max())[-1])
        rows = (series == chosen) & (time == last)
        values = np.full(len(stack.origin), np.nan)
        values[who[rows]] = frame["value"].to_numpy(np.float64)[rows]
        at = f" at {baseline.times[last]}" if baseline.times[last] else ""
        asks = f"How much has {baseline.names[chosen]} changed{at}, from what is known at the start?"
        target = Target(f"change predicted, {name}", asks, np.where(in_arm, values, np.nan), known, False)
        found.append((int(n[chosen, last]), target))
    return [target for _, target in sorted(found, key=lambda one: -one[0])[:MOST_TESTS]]


def _arm(stack: Stack, arms: Arms, table: FeatureTable) -> Target:
    """Tell the largest other arm from the reference arm by findings and events."""
    sizes = arms.members(stack.origin == Origin.SOURCE)
    sizes[arms.control] = -1
    other = int(sizes.argmax())
    kinds = (Kind.FINDINGS, Kind.EVENTS)
    kept = [i for i, name in enumerate(table.datasets) if name in stack.view.names and stack.view.facts(name).kind in kinds]
    values = np.where(arms.of_subject == other, 1.0, np.where(arms.of_subject == arms.control, 0.0, np.nan))
    asks = f"Who was in {arms.names[other]} and not in {arms.names[arms.control]}, from findings and events?"
    return Target("arm predicted", asks, values, table.take(np.array(kept, np.int64)), True)


def _figure(stack: Stack, target: Target, rng: np.random.Generator) -> Figure:
    measure = "AUC" if target.binary else "R²"
    question = f"{target.question} ({measure} in real subjects; learned from the sample, the target: learned from real subjects)"
    told = np.isfinite(target.values)
    source, sample, holdout = (rng.permutation(stack.subjects(origin)) for origin in Origin)
    source, sample, holdout = (side[told[side]][:MOST_SUBJECTS] for side in (source, sample, holdout))
    why = _too_few(target, source, sample, holdout)
    if why:
        return _untold(target, question, why)
    real = holdout if len(holdout) else source
    filled = _filled(target.features.values, source)
    scores = np.zeros((2, REPEATS, len(real)))
    for repeat in range(REPEATS):
        fold = np.zeros(len(real), np.int64) if len(holdout) else rng.permutation(len(real)) % FOLDS
        for k in np.unique(fold).tolist():
            tested = fold == k
            others = source if len(holdout) else real[~tested]
            n = min(len(others), len(sample))
            for side, pool in enumerate((sample, others)):
                learned = rng.choice(rng.permutation(pool)[:n], n)
                scores[side, repeat, tested] = _predicted(target, filled, learned, real[tested])
    truth = target.values[real]
    each = _measured(scores, truth, target.binary)
    value, best = each.mean(axis=1).tolist()
    no_skill = 0.5 if target.binary else 0.0
    if best <= no_skill:
        return _untold(target, question, f"Learned from real subjects it is {best:.2f}, no better than a guess.")
    drawn = rng.integers(len(real), size=(DRAWS, len(real)))
    again = _measured(np.moveaxis(scores[:, :, drawn], 2, 0), truth[drawn][:, None, None, :], target.binary).mean(axis=2)
    apart = again[:, 0] - again[:, 1]
    error = float(np.sqrt(np.var(apart[np.isfinite(apart)], ddof=1) + np.var(each, axis=1, ddof=1).sum()))
    low = value - NORMAL_95 * error
    interval = Interval(max(low, 0.0) if target.binary else low, min(value + NORMAL_95 * error, 1.0))
    note = "" if len(holdout) else "The sample was learned from these subjects too, which flatters it."
    return Figure(target.name, question, value, best, interval, min(0.0, interval.low), 1.0, Direction.HIGHER, len(real), note)


def _untold(target: Target, question: str, why: str) -> Figure:
    return Figure(target.name, question, np.nan, np.nan, Interval(np.nan, np.nan), 0.0, 1.0, Direction.HIGHER, 0, why)


def _too_few(target: Target, source: Ints, sample: Ints, holdout: Ints) -> str:
    """Say why a target cannot be predicted; ``""`` if it can be."""
    sides = {"source": source, "sample": sample} | ({"holdout": holdout} if len(holdout) else {})
    if not target.features.values.shape[1]:
        return "There is no feature to predict it from."
    for name, side in sides.items():
        if len(side) < FEWEST_REAL:
            return f"It is known of {len(side)} subjects of the {name}; at least {FEWEST_REAL} are needed."
        ones = int((target.values[side] == 1).sum())
        if target.binary and min(ones, len(side) - ones) < FEWEST_OF_CLASS:
            return f"It is so of {ones} of {len(side)} subjects of the {name}; at least {FEWEST_OF_CLASS} of each kind are needed."
        if not target.binary and np.ptp(target.values[side]) == 0:
            return f"All subjects of the {name} have the same."
    return ""


def _filled(values: Floats, source: Ints) -> Floats:
    """Features with the source's median where one is missing; those that nobody of these subjects has are 0."""
    filled = np.zeros_like(values)
    for i, column in enumerate(values.T):
        known = column[source]
        known = known[np.isfinite(known)]
        filled[:, i] = np.where(np.isfinite(column), column, np.median(known)) if len(known) else 0.0
    return filled


def _predicted(target: Target, filled: Floats, learned: Ints, tested: Ints) -> Floats:
    """Learn from some subjects and predict others."""
    from sklearn.linear_model import LogisticRegression, Ridge  # noqa: PLC0415

    rows, truth = filled[learned], target.values[learned]
    mean, spread = rows.mean(axis=0), rows.std(axis=0)
    varies = spread > 1e-12 * np.maximum(np.abs(mean), 1.0)
    n_features = int(varies.sum())
    if not n_features or np.ptp(truth) == 0:
        return np.full(len(tested), truth.mean())
    first, second = (np.clip((one - mean)[:, varies] / spread[varies], -5.0, 5.0) for one in (rows, filled[tested]))
    if target.binary:
        chance = LogisticRegression(C=1.0 / n_features, solver="newton-cholesky").fit(first, truth == 1)
        return np.asarray(chance.decision_function(second), np.float64)
    level, width = truth.mean(), truth.std()
    line = Ridge(alpha=float(n_features)).fit(first, (truth - level) / width)
    return np.asarray(level + width * line.predict(second), np.float64)


def _measured(scores: Floats, truth: Floats, binary: bool) -> Floats:
    """AUC or R² of scores along the last axis; `truth` has the same shape or one that spreads to it."""
    with np.errstate(invalid="ignore", divide="ignore"):
        if binary:
            ones = truth == 1
            n_ones = ones.sum(axis=-1)
            ranks = rankdata(scores, axis=-1)
            above = (ranks * ones).sum(axis=-1) - n_ones * (n_ones + 1) / 2
            return np.asarray(above / (n_ones * (truth.shape[-1] - n_ones)))
        total = ((truth - truth.mean(axis=-1, keepdims=True)) ** 2).sum(axis=-1)
        return np.asarray(1.0 - ((scores - truth) ** 2).sum(axis=-1) / total)

"""How results are written: last digits, decimals, round values by site and by device, values repeated by a subject."""

from __future__ import annotations

import re

import numpy as np

from replicator.evaluation.distances import Floats, Ints
from replicator.evaluation.features import subject_means
from replicator.evaluation.giveaways.giveaway import Asked, Scale
from replicator.evaluation.giveaways.group_statistics import between_groups, between_levels
from replicator.evaluation.giveaways.statistics import Statistic, distance_of_rows, share_of_rows
from replicator.evaluation.giveaways.visit_calendar import site_of_subjects
from replicator.evaluation.results import Results
from replicator.evaluation.stack import Origin, Stack
from replicator.evaluation.timeline import Timeline
from replicator.rules.grouping import Mask, codes_of, combine, repeats
from replicator.tables.dataset import Numbers, Text

TOPIC = "digits"
MOST_DECIMALS = 9
DIGITS = 10
DEVICES = ("SPDEVID", "NAM", "ANMETH", "METHOD")  # what a result was measured with: device, laboratory, method
FEWEST_VALUES = 10  # distinct numbers of a test in the source, from which its digits are looked at
_NUMBER = re.compile(r"[-+]?\d+(?:\.(\d*))?")


def digit_giveaways(stack: Stack, timeline: Timeline, results: tuple[Results, ...]) -> list[Asked]:
    """Ask how the results of all findings datasets are written."""
    found: list[Asked] = []
    for one in results:
        found += _of_dataset(stack, timeline, one)
    return found


def _of_dataset(stack: Stack, timeline: Timeline, results: Results) -> list[Asked]:
    name, subject = results.dataset, stack.view.subject(results.dataset)
    digit, decimals, round_ = _written(stack, results)
    labels = tuple(f"{name} {test}" for test in results.tests)
    varied = varied_tests(stack, results)
    entry = np.where(np.append(varied, False)[results.test], results.test, -1)
    lacks = f"{name} has no test of {FEWEST_VALUES} different numbers."
    return [
        Asked(
            TOPIC,
            f"{name} last digits",
            "Do results end in the digits in which real ones end? Distance from the source.",
            distance_of_rows(stack, subject, digit, DIGITS, entry, labels),
            lacks,
        ),
        Asked(
            TOPIC,
            f"{name} round values",
            "Do results end in 0 or 5 as often as real ones?",
            share_of_rows(stack, subject, digit >= 0, round_, entry, labels),
            lacks,
        ),
        Asked(
            TOPIC,
            f"{name} decimals",
            "Have results as many decimals as real ones? Distance from the source.",
            distance_of_rows(stack, subject, decimals, MOST_DECIMALS + 1, entry, labels),
            lacks,
        ),
        _between_sites(stack, name, digit, round_, entry),
        _between_devices(stack, name, digit, round_, entry, labels),
        Asked(
            TOPIC,
            f"{name} values repeated",
            "Does a subject have the same result twice in a row as often as a real one?",
            _repeated(stack, timeline, results),
            f"{name} has no result after another.",
        ),
    ]


def _written(stack: Stack, results: Results) -> tuple[Ints, Ints, Mask]:
    """Last digit and number of decimals of each row's result as it was written, -1 where it is no number; whether it is round."""
    view, name = stack.view, results.dataset
    of_source = stack.rows(name, Origin.SOURCE)
    found = [one for suffix in ("ORRES", "STRESC", "STRESN") if (one := view.named(name, suffix))]
    variable = next((one for one in found if (view.filled(name, one) & of_source).any()), found[0])
    text = view.text(name, variable)
    digit, decimals = _of_levels(text)
    last = digit[text.codes]
    return last, decimals[text.codes], np.asarray(last % 5 == 0) & (last >= 0)


def _of_levels(text: Text) -> tuple[Ints, Ints]:
    """Last digit and decimals of each level, and -1 for a missing cell: (n_levels + 1,)."""
    digit, decimals = np.full(len(text.levels) + 1, -1, np.int64), np.full(len(text.levels) + 1, -1, np.int64)
    for i, level in enumerate(text.levels):
        match = _NUMBER.fullmatch(str(level).strip())
        if match:
            digit[i] = int(match.group().rstrip(".")[-1])
            decimals[i] = min(len(match.group(1) or ""), MOST_DECIMALS)
    return digit, decimals


def varied_tests(stack: Stack, results: Results) -> Mask:
    """Mask of the tests that have :data:`FEWEST_VALUES` different numbers in the source: (n_tests,)."""
    rows = stack.rows(results.dataset, Origin.SOURCE) & np.isfinite(results.values) & (results.test >= 0)
    test = results.test[rows]
    pair = combine([test, codes_of(Numbers(results.values[rows]))]) if rows.any() else test
    n = np.bincount(test[~repeats(pair)], minlength=len(results.tests))
    return np.asarray((n >= FEWEST_VALUES) & results.measured)


def _between_sites(stack: Stack, name: str, digit: Ints, round_: Mask, entry: Ints) -> Asked:
    site, of_source = site_of_subjects(stack), stack.origin == Origin.SOURCE
    statistic: Statistic | None = None
    if site is not None:
        rounded = subject_means(stack, name, np.where((digit >= 0) & (entry >= 0), round_.astype(np.float64), np.nan))
        statistic = between_groups(rounded[:, None], site, (f"{name} round values",), of_source)
    return Asked(
        TOPIC,
        f"{name} round values by site",
        "Which share of the variance of rounding lies between sites?",
        statistic,
        "The study tells no two sites apart, or has no numbers.",
        Scale.CORRELATION,
    )


def _between_devices(stack: Stack, name: str, digit: Ints, round_: Mask, entry: Ints, labels: tuple[str, ...]) -> Asked:
    dataset, of_source = stack.view.dataset(name), stack.rows(name, Origin.SOURCE)
    statistic: Statistic | None = None
    for variable in (one for suffix in DEVICES if (one := suffix if suffix in dataset else stack.view.named(name, suffix))):
        device = codes_of(dataset[variable])
        if len(np.unique(device[of_source & (device >= 0)])) > 1:
            of = np.where(digit >= 0, entry, -1)
            statistic = between_levels(stack, stack.view.subject(name), round_, of, device, int(device.max()) + 1, labels)
            break
    return Asked(
        TOPIC,
        f"{name} round values by device",
        "Which share of the variance of rounding within a test lies between devices, laboratories or methods?",
        statistic,
        f"{name} names no two devices, laboratories or methods.",
        Scale.CORRELATION,
    )


def _repeated(stack: Stack, timeline: Timeline, results: Results) -> Statistic | None:
    subject = stack.view.subject(results.dataset)
    usable = (subject >= 0) & (results.test >= 0) & np.isfinite(results.values)
    rows = np.flatnonzero(usable & np.append(varied_tests(stack, results), False)[results.test])
    if not len(rows):
        return None
    minutes = _minutes(stack, timeline, results.dataset)[rows]
    rows = rows[np.lexsort((rows, np.nan_to_num(minutes, nan=np.inf), results.test[rows], subject[rows]))]
    who, test, value = subject[rows], results.test[rows], results.values[rows]
    follows = np.append(False, (np.diff(who) == 0) & (np.diff(test) == 0))
    same = np.append(False, np.diff(value) == 0)
    return share_of_rows(stack, who, follows, same, test, tuple(f"{results.dataset} {one}" for one in results.tests))


def _minutes(stack: Stack, timeline: Timeline, name: str) -> Floats:
    """(n_rows,) minutes from the reference day; NaN without a day."""
    variable = stack.view.named(name, "DTC")
    minute = np.nan_to_num(stack.view.dates(name, variable).minute) if variable else 0.0
    return np.asarray(timeline.start(name) * 1440.0 + minute)

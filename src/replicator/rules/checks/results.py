"""Checks of findings: baseline, missing results, results against each other, their range and their subject's other values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import numpy as np

from replicator.distinct import distinct_codes, numbered_keys, stable_order
from replicator.heavy import pandas as pd
from replicator.profile.structure import Kind
from replicator.rules.grouping import Floats, Ints, Mask, medians, ranked_medians, repeats, sizes
from replicator.rules.rule import Rule
from replicator.rules.tally import Tally
from replicator.rules.tested import Tested, tested
from replicator.rules.view import StudyView, certainly_after
from replicator.standards.baselines import CIRCUMSTANCES, FIRST_DOSES, FLAGS

MAD_TO_SD = 1.4826  # the median absolute deviation of a normal law times this is its standard deviation
MOST_DECIMALS = 6  # of numbers that are rounded


def baseline_once(view: StudyView, rule: Rule) -> Iterator[Tested]:
    """A subject has at most one baseline for each test and its circumstances (position, time point, specimen ...)."""
    for name in view.of_kind(Kind.FINDINGS):
        for suffix in FLAGS:
            if (flag := view.named(name, suffix)) and view.named(name, "TESTCD"):
                flagged = np.flatnonzero(view.equals(name, flag, "Y") & (view.subject(name) >= 0))
                group = view.group(name, [view.named(name, circumstance) for circumstance in CIRCUMSTANCES])
                again = np.zeros(len(group), bool)
                again[flagged] = repeats(group[flagged])
                applies = np.zeros(len(group), bool)
                applies[flagged] = True
                yield tested(name, flag, applies, again)


def baseline_before_dose(view: StudyView, rule: Rule) -> Iterator[Tested]:
    """A baseline lies not after the first dose (RFXSTDTC, else RFSTDTC)."""
    mark = next((variable for variable in FIRST_DOSES if view.has_mark(variable)), "")
    for name in view.of_kind(Kind.FINDINGS) if mark else ():
        date = view.named(name, "DTC")
        for suffix in FLAGS:
            if (flag := view.named(name, suffix)) and date:
                rows = np.flatnonzero(view.equals(name, flag, "Y"))
                taken, first_dose = view.dates(name, date, rows), view.mark_of_rows(name, mark, rows)
                both = ~np.isnan(first_dose.day) & ~np.isnan(taken.day)
                yield Tested(name, date, int(np.count_nonzero(both)), rows[both & certainly_after(taken, first_dose)])


def result_or_status(view: StudyView, rule: Rule) -> Iterator[Tested]:
    """A row without a result says NOT DONE, or is derived, and a row that says NOT DONE has no result."""
    for name in view.of_kind(Kind.FINDINGS):
        results = [variable for suffix in ("ORRES", "STRESC", "STRESN") if (variable := view.named(name, suffix))]
        if not results or not view.named(name, "TESTCD"):
            continue
        n = view.dataset(name).n_rows
        status, derived = view.named(name, "STAT"), view.named(name, "DRVFL")
        not_done = view.equals(name, status, "NOT DONE") if status else np.zeros(n, bool)
        excused = view.equals(name, derived, "Y") if derived else np.zeros(n, bool)
        filled = view.filled(name, results[0])
        any_filled = np.any([view.filled(name, result) for result in results], axis=0)
        wrong = (~filled & ~not_done & ~(excused & any_filled)) | (not_done & any_filled)
        yield tested(name, results[0], np.ones(n, bool), wrong)


def character_and_number(view: StudyView, rule: Rule) -> Iterator[Tested]:
    """STRESN is the number that STRESC writes, rounded or cut off to the decimals that STRESC has."""
    for name in view.of_kind(Kind.FINDINGS):
        text, number = view.named(name, "STRESC"), view.named(name, "STRESN")
        if not text or not number:
            continue
        column = view.text(name, text)
        written = view.dataset(name).numbers(text)
        decimals = np.array([_decimals(str(level)) for level in column.levels] + [0])[column.codes]
        values = view.dataset(name).numbers(number)
        slack = np.where(decimals > 0, 0.999, 0.505) * 10.0**-decimals + 1e-9 * np.abs(written)
        wrong = ~(np.abs(values - written) <= slack)
        yield tested(name, number, ~np.isnan(written), wrong)


def _decimals(text: str) -> int:
    _, point, fraction = text.strip().partition(".")
    return len(fraction) if point and fraction.isdigit() else 0


def standard_from_original(view: StudyView, rule: Rule) -> Iterator[Tested]:
    """STRESN follows from ORRES by the unit's factor; needs the whole study.

    Within a test, original unit and standard unit, the law is ``y = x`` for equal units and else the better of ``y = b x`` and
    ``y = a + b x`` by medians, believed where there are five rows and it holds in nine of ten. The rows that do not follow it, to
    1 % or half of the last decimal of either number, fail.
    """
    for name in view.of_kind(Kind.FINDINGS):
        wanted = [view.named(name, suffix) for suffix in ("TESTCD", "ORRES", "STRESN")]
        if not all(wanted):
            continue
        test, original, standard = wanted
        x, y = view.dataset(name).numbers(original), view.dataset(name).numbers(standard)
        units = [view.named(name, suffix) for suffix in ("ORRESU", "STRESU")]
        group = view.group(name, [test, *units], by_subject=False)
        both = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
        same = _equal_units(view, name, *units)
        differs = np.bincount(group[both], ~same[both] | (x[both] != y[both])) > 0
        unlike = differs[group[both]]  # in the other groups all is the same, units and numbers
        column = view.text(name, original)
        decimals = np.array([_decimals(str(level)) for level in column.levels] + [0])[column.codes]
        applies, wrong = np.zeros(len(x), bool), np.zeros(len(x), bool)
        applies[both[~unlike]] = True
        both = both[unlike]
        for rows in np.split(both[stable_order(group[both])], np.cumsum(np.bincount(group[both]))[:-1]) if len(both) else ():
            if len(rows) == 0 or (len(rows) < 5 and not same[rows[0]]):
                continue
            law = x[rows] if same[rows[0]] else _conversion(x[rows], y[rows])
            slope = np.nanmedian(np.abs(y[rows]) / np.maximum(np.abs(x[rows]), 1e-12))
            slack = 0.01 * np.abs(law) + 0.51 * 10.0 ** -decimals[rows] * max(float(slope), 0.0) + 1e-9
            slack += 0.0 if same[rows[0]] else 0.5 * _last_decimal(y[rows])
            off = np.abs(y[rows] - law) > slack
            if same[rows[0]] or off.mean() <= 0.1:
                applies[rows], wrong[rows] = True, off
        yield tested(name, standard, applies, wrong)


def _last_decimal(values: Floats) -> float:
    """Unit of the last of the at most :data:`MOST_DECIMALS` decimals to which all values are rounded; 0 where they need more."""
    places = (n for n in range(MOST_DECIMALS + 1) if np.allclose(values, np.round(values, n), rtol=1e-9, atol=1e-9))
    return 10.0 ** -next(places, np.inf)


def _equal_units(view: StudyView, name: str, original: str, standard: str) -> Mask:
    if not original or not standard:
        return np.zeros(view.dataset(name).n_rows, bool)
    a, b = view.text(name, original), view.text(name, standard)
    position = pd.Index(b.levels, dtype=object).get_indexer(pd.Index(a.levels, dtype=object))
    return np.asarray((np.append(position, -1)[a.codes] == b.codes) & (b.codes >= 0))


def _conversion(x: Floats, y: Floats) -> Floats:
    """Return what the better of a factor and a line gives for `x`: (n,)."""
    positive = x != 0
    factor = np.median(y[positive] / x[positive]) if positive.any() else 1.0
    candidates = [factor * x]
    order = np.argsort(x, kind="stable")
    low, high = order[: len(x) // 3 + 1], order[-(len(x) // 3 + 1) :]
    width = np.median(x[high]) - np.median(x[low])
    if width > 0:
        slope = (np.median(y[high]) - np.median(y[low])) / width
        candidates.append(np.median(y - slope * x) + slope * x)
    return min(candidates, key=lambda law: float(np.median(np.abs(y - law))))


RANGES = (("STRESN", "STNRLO", "STNRHI"), ("ORRES", "ORNRLO", "ORNRHI"))
"""Suffixes of a result and its limits, in standard and in original units."""


def says_of_range(view: StudyView, name: str) -> tuple[str, ...]:
    """Name --NRIND where the dataset has results with limits, of which it follows by its definition, and from nothing else."""
    indicator = view.named(name, "NRIND")
    trios = [[view.named(name, suffix) for suffix in trio] for trio in RANGES]
    ranged = [all(trio) and all(view.filled(name, variable).any() for variable in trio) for trio in trios]
    return (indicator,) if indicator and any(ranged) else ()


def range_indicator(view: StudyView, rule: Rule) -> Iterator[Tested]:
    """NRIND says LOW, HIGH or NORMAL as the result lies to its range, in standard or in original units."""
    for name in view.of_kind(Kind.FINDINGS):
        indicator = view.named(name, "NRIND")
        if not indicator:
            continue
        dataset = view.dataset(name)
        low_said = view.equals(name, indicator, "LOW", "LOW LOW")
        high_said = view.equals(name, indicator, "HIGH", "HIGH HIGH")
        said = low_said | high_said | view.equals(name, indicator, "NORMAL")
        known, agrees = np.zeros(dataset.n_rows, bool), np.zeros(dataset.n_rows, bool)
        for result, low, high in RANGES:
            variables = [view.named(name, suffix) for suffix in (result, low, high)]
            if all(variables):
                value, lower, upper = (dataset.numbers(variable) for variable in variables)
                slack = 1e-9 * np.maximum(np.abs(value), 1)
                is_low, is_high = value < lower - slack, value > upper + slack
                usable = said & ~np.isnan(value) & ~np.isnan(lower) & ~np.isnan(upper)
                agrees |= usable & (is_low == low_said) & (is_high == high_said)
                known |= usable
        yield tested(name, indicator, known, ~agrees)


def tenfold(view: StudyView, rule: Rule) -> Iterator[Tested]:
    """A value is ten times too large or small for its subject and test; needs the whole study.

    With d = ln(value / median of the subject's values of the test) and s = 1.4826 median |d| over the test (all subjects; unit by
    unit), a value fails if |d| > max(ln `factor`, `spreads` s). Only subjects with at least three positive values are judged, so
    that the median is not the value itself, and only tests with a unit or more than `levels` distinct values: a score of few
    steps has no decimal point to lose.
    """
    factor, spreads, levels = (cast(float, rule.parameters[key]) for key in ("factor", "spreads", "levels"))
    for name in view.of_kind(Kind.FINDINGS):
        test = view.named(name, "TESTCD")
        for result_suffix, unit_suffix in (("STRESN", "STRESU"), ("ORRES", "ORRESU")):
            result = view.named(name, result_suffix)
            if not test or not result:
                continue
            ranks, found = view.ranks(name, result)
            apart = (
                test,
                view.named(name, unit_suffix),
                *(view.named(name, x) for x in ("CAT", "SPEC", "POS", "LOC", "LAT", "TPTNUM", "TPT")),
            )
            usable = np.isfinite(found) & (found > 0)
            rows = np.flatnonzero(np.append(usable, False)[ranks] & (view.subject(name) >= 0))
            by_test: Ints = view.group(name, apart, by_subject=False)[rows]
            by_subject = numbered_keys([view.subject(name)[rows], by_test])
            rank = ranks[rows]
            different = Tally.of([by_test, distinct_codes(np.round(found, 9))[rank]])
            steps = np.bincount(by_test[different.rows])
            unit = view.named(name, unit_suffix)
            measured = (steps > levels)[by_test] | (view.filled(name, unit)[rows] if unit else False)
            often = (sizes(by_subject) >= 3) & measured
            rows, by_test, by_subject, rank = rows[often], by_test[often], by_subject[often], rank[often]
            logs = np.log(np.where(usable, found, 1.0))
            deviation = np.abs(logs[rank] - ranked_medians(logs, rank, by_subject))
            far = np.flatnonzero(deviation > np.log(factor))
            suspect = np.flatnonzero(np.isin(by_test, by_test[far]))  # only the spread of their tests is asked for
            beyond = deviation[suspect] > spreads * MAD_TO_SD * medians(deviation[suspect], by_test[suspect])
            yield Tested(name, result, len(rows), np.intersect1d(rows[far], rows[suspect[beyond]], assume_unique=True))

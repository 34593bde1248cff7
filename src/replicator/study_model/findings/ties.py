"""What ties the tests of a findings dataset together, found in the source beside a second draw of it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from replicator.study_model.findings.completeness import Completeness
from replicator.study_model.findings.features import codes_of
from replicator.study_model.findings.products import Products
from replicator.study_model.findings.recorded import Recorded
from replicator.study_model.findings.repeats import Repeats
from replicator.study_model.findings.source import SourceFindings
from replicator.study_model.findings.totals import Totals, answers_given
from replicator.study_model.findings.units import Units
from replicator.study_model.findings.wholes import Wholes, units_of_series

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]


class Ties(NamedTuple):
    """Tests that follow from two others, parts of another, numbers taken over, ranges of totals, and what needs enough others."""

    products: Products
    wholes: Wholes
    repeats: Repeats
    totals: Totals
    completeness: Completeness


def fit_ties(source: SourceFindings, recorded: Recorded, units: Units, k: int) -> Ties:
    """Find the laws that the source keeps and a second draw of its values does not.

    Parameters
    ----------
    source : SourceFindings
        Rows and their occasions.
    recorded : Recorded
        Results, beside the second draw.
    units : Units
        What is measured when; what hangs on a result is not changed by repeating it.
    k : int
        Fewest subjects behind anything kept.
    """
    rows = source.rows
    products = Products.fit(recorded, k)
    unit = codes_of(source.dataset, source.structure.named("ORRESU"))
    wholes = Wholes.fit(recorded, units_of_series(unit, rows.series, rows.n_series), products.members.tolist(), k)
    asked_by = [rule.parent for rule in units.follows]
    tied = np.isin(np.arange(rows.n_series), [*products.members, *asked_by]) | wholes.redrawn(rows.n_series)
    repeats = Repeats.fit(recorded, source.topic, np.flatnonzero(tied).tolist(), k)
    answers = answers_given(recorded.results, recorded.observed, source.occasion, len(source.grid.subject))
    totals = Totals.fit(answers, source.category, source.cells.label[source.grid.cell], recorded.run, k)
    whole = Completeness.fit(source.present, *_obtained(source, recorded), source.category, source.grid.subject, k)
    return Ties(products, wholes, repeats, totals, whole)


def _obtained(source: SourceFindings, recorded: Recorded) -> tuple[Flags, Floats]:
    """Which tests have a result at each occasion, and their standard numbers, NaN for none: (n_occasions, n_series) each."""
    names = recorded.results.names
    silent = np.ones(source.dataset.n_rows, bool)
    for name in names.present:
        silent &= source.dataset[name].missing
    standard = source.dataset.numbers(names.number) if names.number else np.full(source.dataset.n_rows, np.nan)
    said = source.kept & ~silent
    place = source.occasion[said], source.rows.series[said]
    out, number = np.zeros_like(source.present), np.full(source.present.shape, np.nan)
    out[place], number[place] = True, standard[said]
    return out, number

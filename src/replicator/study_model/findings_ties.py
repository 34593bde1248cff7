"""What ties the tests of a findings dataset together, found in the source beside a second draw of it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from replicator.study_model.findings_features import codes_of
from replicator.study_model.findings_products import Products
from replicator.study_model.findings_recorded import Recorded
from replicator.study_model.findings_repeats import Repeats
from replicator.study_model.findings_source import SourceFindings
from replicator.study_model.findings_totals import Totals, answers_given
from replicator.study_model.findings_units import Units
from replicator.study_model.findings_wholes import Wholes, units_of_series


class Ties(NamedTuple):
    """Tests that follow from two others, tests that are parts of another, numbers taken over, and ranges of totals."""

    products: Products
    wholes: Wholes
    repeats: Repeats
    totals: Totals


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
    return Ties(products, wholes, repeats, totals)

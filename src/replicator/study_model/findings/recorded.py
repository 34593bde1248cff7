"""Results of the source by occasion, beside a second draw of them: where laws between tests are found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from replicator.study_model.findings.levels import LEVELLED, Observed
from replicator.study_model.findings.results import Results

Codes = NDArray[np.intp]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Recorded:
    """What was measured, and a second draw of it.

    Attributes
    ----------
    results, observed : Results, Observed
        Latent columns and their observations.
    occasion : (n,) int
        Occasion of each observation.
    run : (n_occasions,) int
        Position of its subject among those seen.
    redraw : callable
        Draws the results (n_occasions, n_series) of the source's occasions again, before any law is kept.
    """

    results: Results
    observed: Observed
    occasion: Codes
    run: Codes
    redraw: Callable[[], Floats]

    def numbers(self) -> tuple[Codes, Codes, Floats]:
        """Measured and ranked results: occasion, series and number of each (n_numbers,)."""
        form = self.results.form[self.observed.column]
        used = np.flatnonzero(np.isfinite(self.observed.number) & (form != LEVELLED))
        series = self.results.series[self.observed.column[used]].astype(np.intp)
        return self.occasion[self.observed.row[used]], series, self.observed.number[used]

    def table(self) -> Floats:
        """The same as (n_occasions, n_series), NaN where there is none."""
        out = np.full((len(self.run), len(self.results.value)), np.nan)
        occasion, series, number = self.numbers()
        out[occasion, series] = number
        return out


def row_at(occasion: Codes, series: Codes, shape: tuple[int, int]) -> Codes:
    """Position of the row of each occasion and series, of rows at `occasion`, `series` (n,): `shape`, -1 where there is none."""
    out = np.full(shape, -1, np.intp)
    out[occasion, series] = np.arange(len(series))
    return out

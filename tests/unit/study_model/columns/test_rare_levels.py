"""What is kept of values that too few subjects share."""

from __future__ import annotations

import numpy as np

from replicator.standards.withheld import WITHHELD
from replicator.study_model.columns.codes import column_codes
from replicator.study_model.columns.rare_levels import is_worded, protect_levels
from replicator.tables.dataset import Numbers, Text


def test_rare_categories_go_to_the_most_frequent_and_rare_numbers_to_the_nearest() -> None:
    """A category of one subject becomes the common one, a number of one subject its neighbour."""
    subject = np.arange(40, dtype=np.int32)
    codes, levels, n = protect_levels(*column_codes(Text.of(["x"] * 30 + ["y"] * 9 + ["z"])), subject, 5)
    assert n == 1 and levels.strings()[codes].tolist() == ["x"] * 30 + ["y"] * 9 + ["x"]
    codes, levels, n = protect_levels(*column_codes(Numbers(np.array([1.0] * 20 + [5.0] * 19 + [4.0]))), subject, 5)
    assert isinstance(levels, Numbers) and levels.values[codes][-1] == 5.0


def test_codes_and_dates_are_never_withheld_texts() -> None:
    """A stand-in for words comes only where words may be: not in a date, a flag or a variable with a codelist.

    Such a variable has another of its values instead, or none if it has none elsewhere too.
    """
    assert [is_worded(name, "CE") for name in ("CETERM", "CEREAS", "CERFTDTC", "CESEV", "CEOCCUR")] == [
        True,
        True,
        False,
        False,
        False,
    ]
    cells, subject = ["MILD"] * 5 + ["SEVERE", "MODERATE"], np.arange(8, dtype=np.int32)
    codes, levels = column_codes(Text.of([*cells, ""]))
    kept, values, withheld = protect_levels(codes, levels, subject, 5, worded=False)
    assert kept.tolist() == [0] * 5 + [-1] * 3 and values.strings().tolist() == ["MILD"] and withheld == 2
    kept, values, withheld = protect_levels(codes[:7], levels, subject[:7], 5, worded=False)
    assert kept.tolist() == [0] * 7 and values.strings().tolist() == ["MILD"] and withheld == 2
    kept, values, _ = protect_levels(codes[:7], levels, subject[:7], 5)
    assert values.take(kept).strings().tolist() == ["MILD"] * 5 + [WITHHELD] * 2


def test_withheld_codes_are_spread_by_the_frequency_of_the_others() -> None:
    """Two hundred routes of one subject each become oral and intravenous, two to one."""
    cells = [f"ROUTE {i}" for i in range(200)] + ["ORAL"] * 200 + ["INTRAVENOUS"] * 100
    codes, levels = column_codes(Text.of(cells))
    kept, values, withheld = protect_levels(codes, levels, np.arange(500, dtype=np.int32), 5, worded=False)
    names, counts = np.unique(values.take(kept).strings()[:200].astype(str), return_counts=True)
    assert withheld == 200 and names.tolist() == ["INTRAVENOUS", "ORAL"]
    assert np.abs(counts - [200 / 3, 400 / 3]).max() <= 1

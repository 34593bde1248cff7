"""Columns given codes: tuples, numbers, and texts that nobody can be known by."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replicator.study_model.attributes import (
    WITHHELD,
    Attributes,
    column_codes,
    count_decimals,
    count_subjects,
    is_worded,
    protect_levels,
)
from replicator.tables.dataset import Dataset, Numbers, Text


def dataset(**columns: object) -> Dataset:
    return Dataset.from_frame("XX", pd.DataFrame(columns))


@settings(max_examples=40)
@given(st.lists(st.sampled_from(["", "a", "b", "c"]), max_size=30))
def test_codes_and_levels_are_the_column(texts: list[str]) -> None:
    """Levels taken by their codes give the cells back."""
    codes, levels = column_codes(Text.of(texts))
    back = np.append(levels.strings(), "")[codes]
    assert back.tolist() == texts


def test_subjects_are_counted_once() -> None:
    """Three rows of one subject count for one; missing cells for none."""
    assert count_subjects(np.array([0, 0, 0, 1, -1]), np.array([7, 7, 7, 8, 9], np.int32), 3).tolist() == [1, 1, 0]


def test_rare_categories_go_to_the_most_frequent_and_rare_numbers_to_the_nearest() -> None:
    """A category of one subject becomes the common one, a number of one subject its neighbour."""
    subject = np.arange(40, dtype=np.int32)
    codes, levels, n = protect_levels(*column_codes(Text.of(["x"] * 30 + ["y"] * 9 + ["z"])), subject, 5)
    assert n == 1 and levels.strings()[codes].tolist() == ["x"] * 30 + ["y"] * 9 + ["x"]
    codes, levels, n = protect_levels(*column_codes(Numbers(np.array([1.0] * 20 + [5.0] * 19 + [4.0]))), subject, 5)
    assert isinstance(levels, Numbers) and levels.values[codes][-1] == 5.0


def test_free_text_is_withheld() -> None:
    """Where everybody writes words of his own, none of them is kept."""
    subject = np.arange(40, dtype=np.int32)
    texts = [f"remark {i}" for i in range(40)]
    found, notes = Attributes.fit(dataset(XXREM=texts), ["XXREM"], [np.zeros(40, int)], subject, 5)
    drawn = found.sample([np.zeros(100, int)], np.random.default_rng(0), 100)["XXREM"].strings()
    assert set(drawn.tolist()) <= {WITHHELD, ""}
    assert len(notes) == 1 and "40" in notes[0] and "XX.XXREM" in notes[0]


def test_columns_that_go_together_are_drawn_together() -> None:
    """Unit and range of a test: only pairs of the source, in the shares that they have for the condition."""
    rng = np.random.default_rng(1)
    pair = rng.integers(0, 3, 300)
    given_code = pair // 2
    table = dataset(XXU=np.array(["mg", "g", "kg"])[pair], XXR=np.array(["0-1", "1-2", "2-3"])[pair])
    found, _ = Attributes.fit(table, ["XXU", "XXR"], [given_code], np.arange(300, dtype=np.int32), 5)
    drawn = found.sample([np.repeat([0, 1], 1000)], rng, 2000)
    got = list(zip(drawn["XXU"].strings(), drawn["XXR"].strings(), strict=True))
    assert set(got) == {("mg", "0-1"), ("g", "1-2"), ("kg", "2-3")}
    assert set(got[1000:]) == {("kg", "2-3")}
    assert sum(a == "mg" for a, _ in got[:1000]) / 1000 == pytest.approx((pair[given_code == 0] == 0).mean(), abs=0.06)


def test_numbers_of_many_values_have_a_marginal_by_cell() -> None:
    """A number with 300 values: its level by condition and its missing cells come back, at its decimals."""
    rng = np.random.default_rng(2)
    cell = np.repeat([0, 1], 300)
    x = np.round(rng.normal(0, 1, 600) + 20 * cell, 2)
    x[::4] = np.nan
    found, _ = Attributes.fit(dataset(XXN=x), ["XXN"], [cell], np.arange(600, dtype=np.int32), 5)
    drawn = found.sample([np.repeat([0, 1], 1000)], rng, 2000)["XXN"]
    assert isinstance(drawn, Numbers)
    assert np.isnan(drawn.values).mean() == pytest.approx(0.25, abs=0.04)
    assert np.nanmean(drawn.values[:1000]) == pytest.approx(0, abs=0.2)
    assert np.nanmean(drawn.values[1000:]) == pytest.approx(20, abs=0.2)
    assert count_decimals(drawn.values) == 2


def test_every_tuple_is_shared() -> None:
    """Blocks hold no tuple that fewer than k subjects have, but for the one of missing cells."""
    rng = np.random.default_rng(3)
    columns = {f"XX{i}": rng.choice(["a", "b", "c", "d"], 400, p=[0.6, 0.3, 0.08, 0.02]) for i in range(4)}
    table, subject = dataset(**columns), (np.arange(400) // 4).astype(np.int32)
    found, _ = Attributes.fit(table, list(columns), [np.zeros(400, int)], subject, 5)
    assert {name for block in found.blocks for name in block.names} == set(columns)
    for block in found.blocks:
        rows = pd.DataFrame({name: table.text(name).strings() for name in block.names})
        tuples = np.array([value.strings() for value in block.values]).T
        for cells in tuples.tolist():
            same = (rows == cells).all(axis=1).to_numpy()
            assert len(np.unique(subject[same])) >= 5 or set(cells) == {""}


@pytest.mark.parametrize(("values", "decimals"), [([1.0, 2.0], 0), ([0.1, 2.0], 1), ([1 / 3], None), ([], 0), ([np.nan], 0)])
def test_decimals(values: list[float], decimals: int | None) -> None:
    """The fewest places that write every value."""
    assert count_decimals(np.array(values)) == decimals


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

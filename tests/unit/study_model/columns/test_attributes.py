"""Columns given codes: tuples, numbers, and texts that nobody can be known by."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from replicator.standards.withheld import WITHHELD
from replicator.study_model.columns.attributes import Attributes
from replicator.study_model.columns.measures import count_decimals
from replicator.tables.dataset import Dataset, Numbers


def dataset(**columns: object) -> Dataset:
    return Dataset.from_frame("XX", pd.DataFrame(columns))


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

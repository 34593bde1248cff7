"""Exact dependencies: found where they hold, weighed against chance, never trivial."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from replicator.profile.coding import codes_of, combine, first_rows, n_groups
from replicator.profile.find import find_structure
from replicator.profile.structure import DatasetStructure, Dependency
from replicator.tables.dataset import Dataset, Numbers, Text

from .profiled_studies import planted_study, study


def structure_of(frame: pd.DataFrame, name: str = "LB") -> DatasetStructure:
    return find_structure(study(Dataset.from_frame(name, frame)), derivations=False).datasets[name]


def long_frame(n_subjects: int = 40, seed: int = 3) -> pd.DataFrame:
    """Five tests, three visits; TEST and unit follow from TESTCD, the unit of WBC from test and laboratory only."""
    rng = np.random.default_rng(seed)
    grid = pd.MultiIndex.from_product(
        [[f"S{i:02d}" for i in range(n_subjects)], ["ALT", "AST", "BILI", "WBC", "HGB"], [1, 2, 3]],
        names=["USUBJID", "LBTESTCD", "VISITNUM"],
    ).to_frame(index=False)
    site = {subject: "ABC"[i % 3] for i, subject in enumerate(grid.USUBJID.unique())}
    grid["LBTEST"] = grid.LBTESTCD.map({"ALT": "Alanine", "AST": "Aspartate", "BILI": "Bilirubin", "WBC": "White", "HGB": "Red"})
    grid["LBMETHOD"] = grid.USUBJID.map(site)
    grid["LBSPEC"] = rng.choice(["BLOOD", "SERUM"], len(grid))
    grid["LBORRESU"] = np.where(
        grid.LBTESTCD == "WBC",
        np.where(grid.LBMETHOD == "A", "10^9/L", "/nL"),
        grid.LBTESTCD.map(lambda t: "g/L" if t == "HGB" else "U/L"),
    )
    grid["VISIT"] = grid.VISITNUM.map({1: "WEEK 1", 2: "WEEK 2", 3: "WEEK 3"})
    grid["LBSTRESN"] = rng.normal(20, 4, len(grid)).round(1)
    return grid


def test_single_determinants_and_pairs() -> None:
    found = set(structure_of(long_frame()).dependencies)
    assert Dependency(("LBTESTCD",), "LBTEST") in found
    assert Dependency(("VISITNUM",), "VISIT") in found
    assert Dependency(("LBTESTCD", "LBMETHOD"), "LBORRESU") in found
    assert not any(d.dependent == "LBORRESU" and len(d.determinants) == 1 for d in found)
    assert not any(d.dependent in ("LBSPEC", "LBSTRESN") for d in found)


def test_a_single_exception_breaks_a_dependency() -> None:
    frame = long_frame()
    frame.loc[17, "LBTEST"] = "Something else"
    assert Dependency(("LBTESTCD",), "LBTEST") not in structure_of(frame).dependencies


def test_missing_counts_as_a_value() -> None:
    frame = long_frame()
    frame["LBSTAT"] = np.where(frame.LBTESTCD == "HGB", None, "DONE")
    assert Dependency(("LBTESTCD",), "LBSTAT") in structure_of(frame).dependencies
    frame.loc[0, "LBSTAT"] = None
    assert Dependency(("LBTESTCD",), "LBSTAT") not in structure_of(frame).dependencies


def test_what_holds_by_chance_is_not_believed() -> None:
    """Thirty terms of one or two rows each, and a flag that two rows have: term gives flag, but so it would by chance."""
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(
        {"USUBJID": [f"S{i:02d}" for i in range(40)], "AETERM": [f"T{i % 30}" for i in range(40)], "AESDTH": ["N"] * 40}
    )
    frame.loc[[15, 22], "AESDTH"] = "Y"
    frame["AEREL"] = rng.choice(["YES", "NO"], 40)
    found = structure_of(frame, "AE").dependencies
    assert not [d for d in found if d.dependent in ("AESDTH", "AEREL")]


def test_what_the_standard_says_is_believed_without_repetition() -> None:
    frame = pd.DataFrame(
        {"USUBJID": "S1", "VSTESTCD": ["HR", "HR", "BP", "BP", "T"], "VSTEST": ["Heart", "Heart", "Blood", "Blood", "Temp"]}
    )
    assert Dependency(("VSTESTCD",), "VSTEST") in structure_of(frame, "VS").dependencies


def test_subject_constants_and_duplicates() -> None:
    frame = long_frame()
    frame["LBLOC"] = frame.LBMETHOD
    found = structure_of(frame)
    assert found.subject_constant == ("LBMETHOD", "LBLOC")
    assert found.duplicates == (("LBLOC", "LBMETHOD"),)
    assert not [d for d in found.dependencies if "USUBJID" in d.determinants]


def test_numbers_equal_to_their_text_are_duplicates() -> None:
    frame = long_frame()
    frame["LBORRES"] = [f"{value:g}" for value in frame.LBSTRESN]
    assert ("LBORRES", "LBSTRESN") in structure_of(frame).duplicates


def test_order_of_rows_changes_nothing() -> None:
    whole = planted_study()
    shuffled = study(*(d.take(np.random.default_rng(5).permutation(d.n_rows)) for d in whole.datasets.values()))
    for name, found in find_structure(whole, derivations=False).datasets.items():
        other = find_structure(shuffled, derivations=False).datasets[name]
        assert (found.dependencies, found.keys, found.subject_constant) == (other.dependencies, other.keys, other.subject_constant)


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=60))
def test_every_dependency_holds_and_every_key_tells_rows_apart(cells: list[tuple[int, int, int]]) -> None:
    """Whatever the data: what is claimed is true of every row."""
    frame = pd.DataFrame(
        [(f"S{a}", f"T{b}", f"N{c % 2}", c) for a, b, c in cells], columns=["USUBJID", "XXTESTCD", "XXTEST", "VISITNUM"]
    )
    found = structure_of(frame, "XX")
    for d in found.dependencies:
        assert frame.groupby(list(d.determinants), dropna=False)[d.dependent].nunique(dropna=False).max() == 1
    if found.keys:
        assert not frame.duplicated(list(found.keys)).any()
    else:
        assert frame.duplicated().any()


@given(st.lists(st.tuples(st.sampled_from(["a", "b", ""]), st.sampled_from([1.0, 2.0, float("nan")])), max_size=40))
def test_combined_codes_are_equal_where_cells_are(cells: list[tuple[str, float]]) -> None:
    text, number = Text.of([c[0] for c in cells]), Numbers(np.array([c[1] for c in cells], np.float64))
    group = combine([codes_of(text), codes_of(number)], len(cells))
    pairs = [(t, str(v)) for t, v in cells]
    assert n_groups(group) == len(set(pairs))
    assert all((group[i] == group[j]) == (pairs[i] == pairs[j]) for i in range(len(pairs)) for j in range(i))
    assert [pairs[i] for i in first_rows(group)] == list(dict.fromkeys(pairs))

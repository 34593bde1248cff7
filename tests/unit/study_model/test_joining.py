"""SUPP-- rows become columns of their parent, and the columns become the same rows again."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replicator.profile.structure import DatasetStructure, Kind, StudyStructure
from replicator.study_model.joining import Supplement, join_supplements, split_supplements
from replicator.tables.dataset import Dataset, Numbers, Study, Text, Variable


def dataset(name: str, **columns: list[str] | list[float]) -> Dataset:
    """Build a dataset: lists of str are text, lists of float numbers."""
    made = {
        key: Numbers(np.array(cells)) if cells and isinstance(cells[0], float) else Text.of(cells) for key, cells in columns.items()
    }
    variables = tuple(Variable(key, type="char" if isinstance(column, Text) else "num") for key, column in made.items())
    return Dataset(name, variables, made)


def cells(table: Dataset, name: str) -> list[str]:
    return table.text(name).strings().tolist()


def join(parent: Dataset, supplement: Dataset) -> tuple[Dataset, tuple[Supplement, ...], tuple[str, ...]]:
    structure = StudyStructure(
        {
            "AE": DatasetStructure("AE", Kind.EVENTS, "AE", parent.n_rows, 2, ()),
            "SUPPAE": DatasetStructure("SUPPAE", Kind.QUALIFIERS, "AE", supplement.n_rows, 2, (), parent="AE"),
        },
        "",
    )
    joined, supplements, notes = join_supplements(Study({"AE": parent, "SUPPAE": supplement}), structure)
    assert set(joined) == {"AE"}
    return joined["AE"], supplements, notes


AE = dataset("AE", USUBJID=["01", "01", "02"], AESEQ=[1.0, 2.0, 1.0])
SUPPAE = dataset(
    "SUPPAE",
    USUBJID=["01", "01", "02"],
    IDVAR=["AESEQ", "AESEQ", "AESEQ"],
    IDVARVAL=["  1", "  2", "  1"],
    QNAM=["AESOSP", "AETRTEM", "AETRTEM"],
    QLABEL=["Other", "Emergent", "Emergent"],
    QVAL=["RASH", "Y", "N"],
)


def test_each_qnam_is_a_column_beside_the_rows_that_it_qualifies() -> None:
    joined, supplements, notes = join(AE, SUPPAE)
    assert cells(joined, "AESOSP") == ["RASH", "", ""]
    assert cells(joined, "AETRTEM") == ["", "Y", "N"]
    assert [(item.name, item.idvar, item.width) for item in supplements] == [("AESOSP", "AESEQ", 3), ("AETRTEM", "AESEQ", 3)]
    assert notes == ()


def test_splitting_gives_the_rows_back_with_their_padding() -> None:
    joined, supplements, _ = join(AE, SUPPAE)
    parent, again = split_supplements(joined, supplements, SUPPAE.take(np.empty(0, np.intp)), "USUBJID")
    assert parent.names == AE.names
    assert {name: cells(again, name) for name in again.names} == {name: cells(SUPPAE, name) for name in SUPPAE.names}


def test_of_two_values_for_one_row_the_first_is_kept() -> None:
    twice = SUPPAE.take(np.array([1, 1, 2])).with_column(Variable("QVAL"), Text.of(["FIRST", "SECOND", "N"]))
    assert cells(join(AE, twice)[0], "AETRTEM") == ["", "FIRST", "N"]


@pytest.mark.parametrize("column", ["USUBJID", "IDVARVAL"])
def test_rows_that_name_no_parent_are_counted(column: str) -> None:
    astray = SUPPAE.with_column(Variable(column), Text.of([*cells(SUPPAE, column)[:2], "99"]))
    joined, _, notes = join(AE, astray)
    assert cells(joined, "AETRTEM") == ["", "Y", ""]
    assert notes == ("SUPPAE: 1 of 3 rows name no row of AE and are not learned; check IDVARVAL.",)


@pytest.mark.parametrize(("n_parent", "n_supplement"), [(0, 3), (3, 0), (0, 0)])
def test_datasets_without_rows_join(n_parent: int, n_supplement: int) -> None:
    joined, _, notes = join(AE.take(np.arange(n_parent)), SUPPAE.take(np.arange(n_supplement)))
    assert joined.n_rows == n_parent
    assert len(notes) == int(n_supplement > 0)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["", "Y", "é x"]), st.sampled_from(["", "1", "NA"])), min_size=1, max_size=8))
def test_any_columns_survive_the_way_there_and_back(rows: list[tuple[str, str]]) -> None:
    n = len(rows)
    parent = dataset("AE", USUBJID=[f"{i // 3:02d}" for i in range(n)], AESEQ=[float(i % 3 + 1) for i in range(n)])
    items = tuple(Supplement("SUPPAE", "AE", name, name, "AESEQ", 4, {"QLABEL": name.title()}) for name in ("QA", "QB"))
    wide = parent.with_column(Variable("QA"), Text.of(a for a, _ in rows)).with_column(Variable("QB"), Text.of(b for _, b in rows))
    _, long = split_supplements(wide, items, SUPPAE.take(np.empty(0, np.intp)), "USUBJID")
    assert long.n_rows == sum(bool(a) + bool(b) for a, b in rows)
    joined, _, notes = join(parent, long)
    assert notes == ()
    for name in ("QA", "QB"):
        found = cells(joined, name) if name in joined else [""] * n
        assert found == cells(wide, name)

"""Numbers written as their source wrote them: the rule, the readers and writers, and two studies cell by cell."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replicator.errors import StudyError
from replicator.study_model.artifact.registry import KINDS
from replicator.study_model.artifact.state import from_state, to_state
from replicator.study_model.cache.fingerprint import study_fingerprint
from replicator.tables.dataset import MOST_DECIMALS, Dataset, Numbers, Study, Text, Variable, number_text
from replicator.tables.decimals import decimal_text, stated_decimals, written_decimals
from replicator.tables.encoding import Format
from replicator.tables.readers import read_study
from replicator.tables.writers import StudyWriter, write_study

finite = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-1000, 1000).map(float),
    st.integers(-100_000, 100_000).map(lambda whole: whole / 100),
)
places = st.integers(1, MOST_DECIMALS)


@given(value=finite, decimals=places)
def test_a_number_has_its_decimals_or_its_shortest_form(value: float, decimals: int) -> None:
    """What is written is the same number; with exactly the decimals where these hold it, else as short as can be."""
    text, shortest = decimal_text(value, decimals), number_text(value)
    assert float(text) == value
    if "e" not in shortest and len(shortest.partition(".")[2]) <= decimals:
        assert len(text.partition(".")[2]) == decimals
        assert text.startswith(shortest) and not set(text.removeprefix(shortest)) - {".", "0"}
    else:
        assert text == shortest


@given(cents=st.integers(-(10**9), 10**9), decimals=places)
def test_numbers_of_few_digits_are_rounded_to_themselves(cents: int, decimals: int) -> None:
    """Where Python's round changes nothing, the text is that of fixed-point formatting."""
    value = cents / 100
    if value == round(value, decimals) and decimals <= 6:
        assert decimal_text(value, decimals) == f"{value:.{decimals}f}"


@given(value=finite)
def test_one_decimal_is_how_python_writes_numbers(value: float) -> None:
    """Below the numbers that need an exponent, ``repr`` puts ``.0`` behind whole numbers and gives others their shortest form."""
    if abs(value) < 1e15 and "e" not in repr(value):
        assert decimal_text(value, 1) == repr(value + 0.0)


@given(values=st.lists(finite, min_size=1, max_size=20), decimals=places)
def test_the_decimals_are_found_again(values: list[float], decimals: int) -> None:
    """Cells written with decimals give those decimals, unless no cell shows them."""
    written = [decimal_text(value, decimals) for value in values]
    shown = any(text != number_text(value) for text, value in zip(written, values, strict=True))
    assert written_decimals(Text.of(written)) == (decimals if shown else None)


@given(values=st.lists(finite, max_size=20))
def test_shortest_forms_have_no_decimals(values: list[float]) -> None:
    assert written_decimals(Text.of(number_text(value) for value in values)) is None


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["1.0", "2.5", None], 1),
        (["1.00", "2.50"], 2),
        (["0.0", "48.553"], 1),
        (["1.0", "NA", "."], 1),
        (["1.0", "1e-07"], 1),
        (["1", "2.0"], None),
        (["1.0", "2.50"], None),
        (["1.5", "2.5"], None),
        (["-0.0"], None),
        (["+1.0"], None),
        (["1." + "0" * 400], None),
        ([None], None),
        (["a.0"], None),
    ],
)
def test_decimals_of_a_column(cells: list[str | None], expected: int | None) -> None:
    assert written_decimals(Text.of(cells)) == expected


def test_decimals_out_of_bounds_are_refused() -> None:
    assert [stated_decimals(text) for text in ("0", "1", "17", "18", "", "999999999", "x", "-1", "²")] == [None, 1, 17, *[None] * 6]
    for wrong in (0, 18, 10**9):
        with pytest.raises(StudyError, match=r"^VISITNUM: .* decimals cannot be written; give 1 to 17"):
            Variable("VISITNUM", type="num", decimals=wrong)


EX = Dataset(
    "EX",
    (
        Variable("USUBJID", "Unique Subject Identifier", length=3),
        Variable("EXSEQ", "Sequence Number", "num"),
        Variable("EXDOSE", "Dose", "num", None, "8.2", decimals=1),
        Variable("VISITNUM", "Visit Number", "num", decimals=2),
        Variable("EXDY", "Study Day", "num", decimals=1),
    ),
    {
        "USUBJID": Text.of(["S-1", "S-2", "S-3"]),
        "EXSEQ": Numbers(np.array([1.0, 1.0, 1.5])),
        "EXDOSE": Numbers(np.array([5.0, 0.125, np.nan])),
        "VISITNUM": Numbers(np.array([1.0, 2.1, -0.0])),
        "EXDY": Numbers(np.full(3, np.nan)),
    },
    "Exposure",
)


def test_csv_has_the_decimals_cell_by_cell(tmp_path: Path) -> None:
    write_study(Study({"EX": EX}), tmp_path / "out")
    text = (tmp_path / "out" / "ex.csv").read_text()
    assert text.splitlines()[1:] == ["S-1,1,5.0,1.00,", "S-2,1,0.125,2.10,", "S-3,1.5,,0.00,"]


def test_chunks_give_the_cells_of_the_whole(tmp_path: Path) -> None:
    """A chunk in which no number needs more places is written like the others."""
    write_study(Study({"EX": EX}), tmp_path / "whole")
    with StudyWriter(tmp_path / "parts") as writer:
        for row in range(EX.n_rows):
            writer.append(EX.take(np.array([row])))
    assert (tmp_path / "whole" / "ex.csv").read_bytes() == (tmp_path / "parts" / "ex.csv").read_bytes()


def test_every_format_keeps_the_decimals(tmp_path: Path) -> None:
    """With the Define-XML beside it a study has the same decimals and the same fingerprint from every format."""
    formats: tuple[Format, ...] = ("csv", "xpt", "parquet", "json")
    for format in formats:
        write_study(Study({"EX": EX}), tmp_path / format, format)
    back = [read_study(tmp_path / format) for format in formats]
    for study in back:
        assert [variable.decimals for variable in study["EX"].variables] == [None, None, 1, 2, 1]
        assert study["EX"].variable("EXDOSE").format == "8.2"
    assert len({study_fingerprint(study) for study in back}) == 1
    text = (tmp_path / "xpt" / "define.xml").read_text("utf-8")
    assert 'Name="EXDOSE" DataType="float" Length="5" SignificantDigits="3"' in text
    assert 'Name="VISITNUM" DataType="float" Length="4" SignificantDigits="2"' in text


def test_decimals_are_part_of_what_a_study_is() -> None:
    """Another way of writing is another fingerprint, since samples come out otherwise; a model file keeps it."""
    plain = replace(EX, variables=tuple(replace(variable, decimals=None) for variable in EX.variables))
    assert study_fingerprint(Study({"EX": EX})) != study_fingerprint(Study({"EX": plain}))
    assert from_state(*to_state(EX, KINDS), KINDS).variables == EX.variables


@pytest.mark.parametrize("study", ["pbc", "pk-sad", "pk-crossover", "diabetes-mock"])
def test_numbers_of_real_studies_look_as_their_sources(shared_data: Path, tmp_path: Path, study: str) -> None:
    """All cells of all numeric columns, column by column, are those of the source's files; so are they by way of other formats."""
    source = read_study(sorted((shared_data / study).glob("*.csv")))
    write_study(source, tmp_path / "xpt", "xpt")
    write_study(read_study(tmp_path / "xpt"), tmp_path / "csv")
    n_fixed = 0
    for path in sorted((shared_data / study).glob("*.csv")):
        dataset = source[path.stem.upper()]
        with path.open(newline="", encoding="utf-8-sig") as before, (tmp_path / "csv" / path.name).open(newline="") as after:
            old, new = list(csv.reader(before)), list(csv.reader(after))
        for place, variable in enumerate(dataset.variables):
            if variable.type == "num":
                n_fixed += variable.decimals is not None
                assert [row[place] for row in new[1:]] == [row[place] for row in old[1:]], (path.name, variable)
    assert n_fixed or study not in ("pbc", "pk-sad")


@settings(max_examples=20)
@given(values=st.lists(finite, min_size=1, max_size=8), decimals=st.none() | st.integers(1, 4))
def test_a_column_of_any_numbers_is_the_same_file_twice(
    values: list[float], decimals: int | None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """What is read from a CSV file and written again has the same bytes."""
    folder = tmp_path_factory.mktemp("twice")
    dataset = Dataset(
        "VS",
        (Variable("USUBJID"), Variable("VSSTRESN", type="num", decimals=decimals)),
        {"USUBJID": Text.constant("S", len(values)), "VSSTRESN": Numbers(np.array(values))},
    )
    write_study(Study({"VS": dataset}), folder / "one", define=False)
    write_study(read_study(folder / "one"), folder / "two", define=False)
    assert (folder / "one" / "vs.csv").read_bytes() == (folder / "two" / "vs.csv").read_bytes()

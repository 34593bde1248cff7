"""Rows encoded apart from the file that they go to: the bytes of a file that one process has written."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicator.errors import WriteError
from replicator.tables.dataset import Column, Dataset, Numbers, Study, Text, Variable
from replicator.tables.encoding import Format, encode
from replicator.tables.parquet_footer import MAGIC, moved, row_groups, whole_footer
from replicator.tables.readers import read_study
from replicator.tables.writers import StudyWriter
from replicator.tables.writing_parquet import ParquetWriter, parquet_rows
from replicator.tables.xpt_rows import widened

FORMATS: tuple[Format, ...] = ("csv", "xpt", "parquet", "json")
VARIABLES = (Variable("USUBJID", "Subject"), Variable("AETERM", "Term"), Variable("AESEQ", "Number", "num"))


def rows(texts: Sequence[str], numbers: Sequence[float]) -> Dataset:
    subject = Text.of(f"S-{number}" for number in range(len(texts)))
    columns: dict[str, Column] = {"USUBJID": subject, "AETERM": Text.of(texts), "AESEQ": Numbers(np.array(numbers, np.float64))}
    return Dataset("AE", VARIABLES, columns, "Events")


CHUNKS = [
    rows([], []),
    rows(["Rash", "", 'a "b", c'], [1.0, np.nan, 2.5]),
    rows(["Größe" * 9] * 2 + ["Rash"], [3.0, 1e10, -0.125]),
    rows([""], [np.nan]),
]


@pytest.mark.parametrize("format", FORMATS)
def test_rows_may_be_encoded_by_any_process(tmp_path: Path, format: Format) -> None:
    """What is settled travels with each chunk, and the bytes come back; texts get longer, and the first chunk is empty."""
    with StudyWriter(tmp_path / "one", format) as writer:
        for chunk in CHUNKS:
            writer.append(chunk)
        writer.describe(Study({}))
    with StudyWriter(tmp_path / "many", format) as writer:
        ahead = [writer.settled.get("AE")]
        for chunk in CHUNKS:
            ahead.append(writer.settled.get("AE"))
            settled = pickle.loads(pickle.dumps(ahead[-2] or ahead[-1]))  # as of one chunk ago, where that knew anything
            writer.add(pickle.loads(pickle.dumps(encode(chunk, format, settled))))
        writer.describe(Study({}))
    one, many = ({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("one", "many"))
    assert one == many
    back = read_study(tmp_path / "many")["AE"]
    assert back.text("AETERM").strings().tolist() == [cell for chunk in CHUNKS for cell in chunk.text("AETERM").strings()]


def test_what_arrow_cannot_hold_is_one_sentence() -> None:
    with pytest.raises(WriteError, match="AE: the data cannot be written"):
        encode(rows(["\ud800"], [1.0]), "parquet")


TEXTS = st.lists(st.one_of(st.just(""), st.text(max_size=5, alphabet="abé€ ")), max_size=6)


@given(parts=st.lists(TEXTS, max_size=20), statistics=st.booleans())
def test_row_groups_of_many_files_are_those_that_arrow_writes_in_one(parts: list[list[str]], statistics: bool) -> None:
    """Byte by byte, footers included; more than 14 of them need a longer head."""
    tables = [pa.table({"A": pa.array([t or None for t in part], pa.string()), "B": pa.array([1.5] * len(part))}) for part in parts]
    schema = pa.schema([pa.field("A", pa.string(), metadata={"label": "Ä"}), pa.field("B", pa.float64())])

    def file(tables: Sequence[pa.Table]) -> bytes:
        sink = pa.BufferOutputStream()
        with pq.ParquetWriter(sink, schema, write_statistics=statistics, write_page_index=statistics) as writer:
            for table in tables:
                writer.write_table(table.cast(schema))
        return bytes(sink.getvalue().to_pybytes())

    merged, entries, n_groups, n_rows = bytearray(MAGIC), bytearray(), 0, 0
    for table in tables:
        groups = row_groups(file([table]))
        entries += moved(groups, len(merged) - len(MAGIC), n_groups)
        merged += groups.data
        n_groups, n_rows = n_groups + groups.n_groups, n_rows + groups.n_rows
    merged += whole_footer(file([]), bytes(entries), n_groups, n_rows)
    assert pq.read_table(BytesIO(merged)).equals(pa.concat_tables([schema.empty_table(), *(t.cast(schema) for t in tables)]))
    if not statistics:  # page indexes of one file stand together, behind the last row group
        assert bytes(merged) == file(tables)


def test_levels_leave_no_trace_in_parquet() -> None:
    """Neither their order nor that some are unused, or two of one text, changes a byte."""
    plain = Text.of(["b", "", "a", "b"])
    other = Text(np.array([3, -1, 1, 0], np.int32), np.array(["b", "a", "unused", "b"], object))
    variables = (Variable("AETERM"),)
    one, two = (parquet_rows(Dataset("AE", variables, {"AETERM": column}), variables) for column in (plain, other))
    assert one == two


def test_parquet_to_a_pipe_is_parquet(tmp_path: Path) -> None:
    pipe = BytesIO()
    with ParquetWriter(pipe, "AE", VARIABLES, "Events") as streamed:
        for chunk in CHUNKS:
            streamed.add(parquet_rows(chunk, VARIABLES))
    with ParquetWriter(tmp_path / "ae.parquet", "AE", VARIABLES, "Events") as written:
        for chunk in CHUNKS:
            written.add(parquet_rows(chunk, VARIABLES))
    assert pipe.getvalue() == (tmp_path / "ae.parquet").read_bytes()
    table = pq.read_table(tmp_path / "ae.parquet")
    assert table.schema.field("AETERM").type == pa.string()
    assert table["AETERM"].to_pylist()[:3] == ["Rash", None, 'a "b", c']


@given(
    fields=st.lists(st.tuples(st.integers(1, 5), st.integers(0, 3)), min_size=1, max_size=5),
    more=st.lists(st.integers(0, 3), min_size=5, max_size=5),
    n=st.integers(0, 4),
)
def test_wider_fields_hold_the_same_texts(fields: list[tuple[int, int]], more: list[int], n: int) -> None:
    """Rows of letters, widened twice, are the rows widened once."""
    narrow = [width for width, _ in fields]
    middle = [width + extra for width, extra in fields]
    wide = [width + extra for width, extra in zip(middle, more, strict=False)]
    content = b"".join(b"x" * width for _ in range(n) for width in narrow)
    once = widened(content, narrow, wide)
    assert widened(widened(content, narrow, middle), middle, wide) == once
    assert once == b"".join(b"x" * old + b" " * (new - old) for _ in range(n) for old, new in zip(narrow, wide, strict=True))

"""Transport files that SAS made, against ours and against pyreadstat's reading."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyreadstat
import pytest

from replicator.tables.dataset import Numbers
from replicator.tables.readers import read_study
from replicator.tables.reading_xpt import read_xpt
from replicator.tables.writers import write_study
from replicator.tables.writing_xpt import XptWriter
from replicator.tables.xpt_layout import ROWS_5
from replicator.tables.xpt_rows import xpt_rows

DOMAINS = ["ae", "cm", "dm", "ds", "ex", "mh", "relrec", "sc", "se", "suppae", "suppdm", "sv", "ta", "te", "ti", "tv", "vs"]


def rows(path: Path) -> bytes:
    """Everything after the header of the rows."""
    data = path.read_bytes()
    return data[data.index(ROWS_5) + 80 :]


@pytest.mark.parametrize("domain", DOMAINS)
def test_rows_are_byte_identical_with_those_of_sas(shared_data: Path, tmp_path: Path, domain: str) -> None:
    source = shared_data / "cdiscpilot01" / f"{domain}.xpt"
    write_study(read_study(source), tmp_path / "out", "xpt")
    assert rows(tmp_path / "out" / f"{domain}.xpt") == rows(source)


def test_rows_in_windows_1252_are_byte_identical_when_written_so(shared_data: Path, tmp_path: Path) -> None:
    source = shared_data / "cdiscpilot01" / "ts.xpt"
    (dataset,), notes = read_xpt(source)
    assert notes == ["TS: the text of ts.xpt is not UTF-8 and was read as Windows-1252."]
    with XptWriter(tmp_path / "ts.xpt", "TS", dataset.variables, dataset.label, "cp1252") as writer:
        writer.add(xpt_rows(dataset, dataset.variables, "cp1252"))
    assert rows(tmp_path / "ts.xpt") == rows(source)


@pytest.mark.parametrize(
    "path",
    [
        "cdiscpilot01/vs.xpt",
        "cdiscpilot01/dm.xpt",
        "msg-v2/xpt/lb.xpt",
        "awkward/core_test_adam_dataset.xpt",
        "awkward/core_test_dataset_sas_v8.xpt",
    ],
)
def test_cells_and_labels_equal_those_of_pyreadstat(shared_data: Path, path: str) -> None:
    expected, found = pyreadstat.read_xport(str(shared_data / path), disable_datetime_conversion=True)
    (dataset,), _ = read_xpt(shared_data / path)
    assert (dataset.name, list(dataset.names)) == (found.table_name, found.column_names)
    for variable in dataset.variables:
        assert variable.label == (found.column_names_to_labels[variable.name] or "")
        column = dataset[variable.name]
        if isinstance(column, Numbers):
            np.testing.assert_array_equal(column.values, expected[variable.name].to_numpy(np.float64))
        else:
            assert column.strings().tolist() == expected[variable.name].fillna("").tolist()


def test_pyreadstat_reads_what_we_write(pilot_folder: Path, tmp_path: Path) -> None:
    study = read_study(pilot_folder / "ae.parquet")
    write_study(study, tmp_path / "out", "xpt")
    cells, found = pyreadstat.read_xport(str(tmp_path / "out" / "ae.xpt"))
    assert found.column_names == list(study["AE"].names)
    assert found.column_labels == [variable.label for variable in study["AE"].variables]
    assert cells["AETERM"].tolist() == study["AE"]["AETERM"].strings().tolist()
    assert cells["AESEQ"].tolist() == study["AE"].numbers("AESEQ").tolist()


def test_version_8_keeps_long_names_labels_and_texts(tmp_path: Path) -> None:
    """Written by pyreadstat, which follows SAS's description of version 8."""
    frame = pd.DataFrame({"A_VERY_LONG_VARIABLE_NAME": ["x", "yé"], "N": [1.5, None], "S": ["a" * 250, "b"]})
    labels = ["l" * 100, "short", "x" * 41]
    pyreadstat.write_xport(
        frame,
        str(tmp_path / "v8.xpt"),
        file_label="Long",
        column_labels=labels,
        table_name="LONGDATASETNAME",
        file_format_version=8,
    )
    (dataset,), notes = read_xpt(tmp_path / "v8.xpt")
    assert (dataset.name, dataset.label, notes) == ("LONGDATASETNAME", "Long", [])
    assert dataset.names == ("A_VERY_LONG_VARIABLE_NAME", "N", "S")
    assert [variable.label for variable in dataset.variables] == labels
    assert dataset["S"].strings().tolist() == ["a" * 250, "b"]
    assert dataset["N"].strings().tolist() == ["1.5", ""]

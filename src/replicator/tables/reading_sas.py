"""SAS datasets (sas7bdat), read with pyreadstat behind a look at the file's header.

The library trusts what a header says of sizes; so the header is held against the size of the file before the library sees it.

References
----------
M. Shotwell, *SAS7BDAT Database Binary Format*, 2013, section "SAS7BDAT Header".
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np

from replicator.errors import ReadError
from replicator.heavy import pandas as pd
from replicator.tables.dataset import Column, Dataset, Numbers, Variable
from replicator.tables.signatures import SAS7BDAT
from replicator.tables.text_cells import clean_text

_HEADER = 288  # bytes of the part of the header that all versions share


def read_sas7bdat(path: Path) -> tuple[Dataset, list[str]]:
    """Read one SAS dataset; it is named after its file, as SAS names it.

    Parameters
    ----------
    path : Path
        The file.

    Raises
    ------
    ReadError
        If the file is foreign, cut short or damaged, or of a kind that pyreadstat refuses.
    """
    import pyreadstat  # noqa: PLC0415 - heavy

    _check_header(path)
    try:
        cells, found = pyreadstat.read_sas7bdat(path, disable_datetime_conversion=True, output_format="dict")
    except (pyreadstat.ReadstatError, pyreadstat.PyreadstatError, OverflowError, ValueError, UnicodeDecodeError) as error:
        reason = str(error).strip().rstrip(".") or type(error).__name__
        raise ReadError(
            f"{path.name}: the SAS dataset cannot be read ({reason}); open it in SAS and export it as a transport file (XPT)."
        ) from error
    name = path.stem.upper()
    keys = [str(key).strip().upper() for key in found.column_names]
    repeated = sorted({key for key in keys if keys.count(key) > 1})
    if repeated:
        raise ReadError(f"{path.name}: duplicate columns {', '.join(repeated)}; rename or remove all but one.")
    variables: list[Variable] = []
    columns: dict[str, Column] = {}
    for original, key in zip(found.column_names, keys, strict=True):
        numeric = found.readstat_variable_types[original] != "string"
        columns[key] = _column(cells.get(original, np.empty(0)), numeric)
        length = int(found.variable_storage_width[original])
        variables.append(
            Variable(
                key,
                found.column_names_to_labels.get(original) or "",
                "num" if numeric else "char",
                None if numeric and length == 8 else length,
                _format(found.original_variable_types.get(original)),
            )
        )
    return Dataset(name, tuple(variables), columns, found.file_label or ""), []


def _column(values: Any, numeric: bool) -> Column:
    if numeric:
        return Numbers(np.asarray(values, dtype=np.float64))
    codes, levels = pd.factorize(np.asarray(values, dtype=object))
    return clean_text(codes.astype(np.int32), [str(level) for level in levels])[0]


def _format(text: str | None) -> str:
    """SAS format with its point; the library leaves it out."""
    if not text:
        return ""
    return text if "." in text else f"{text}."


def _check_header(path: Path) -> None:
    """Raise ReadError unless magic number and sizes in the header agree with the file."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(_HEADER)
    if not head.startswith(SAS7BDAT) or len(head) < _HEADER:
        raise ReadError(f"{path.name}: not a SAS dataset (sas7bdat); it does not begin with the SAS mark.")
    wide = head[32] == 0x33  # 64-bit layout
    shift = 4 if head[35] == 0x33 else 0
    order = "<" if head[37] == 1 else ">"
    header_length, page_size = struct.unpack_from(order + "II", head, 196 + shift)
    (n_pages,) = struct.unpack_from(order + ("Q" if wide else "I"), head, 204 + shift)
    if not (_HEADER <= header_length <= size and page_size >= 256):
        raise ReadError(f"{path.name}: the header of the SAS dataset is damaged or cut short; fetch the file again.")
    if header_length + n_pages * page_size > size:
        raise ReadError(
            f"{path.name}: the dataset is cut short ({size:,} bytes of {header_length + n_pages * page_size:,}); fetch it again."
        )

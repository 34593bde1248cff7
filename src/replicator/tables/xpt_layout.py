"""Records of SAS transport files, versions 5 and 8: what reading and writing share.

References
----------
SAS Institute, TS-140: The Record Layout of a Data Set in SAS Transport (XPORT) Format; and the same for version 8 and 9.
"""

from __future__ import annotations

import re

import numpy as np

from replicator.tables.signatures import XPT_HEADER, XPT_LIBRARY_5, XPT_LIBRARY_8

RECORD = 80
HEADER, LIBRARY_5, LIBRARY_8 = XPT_HEADER, XPT_LIBRARY_5, XPT_LIBRARY_8
MEMBER_5, MEMBER_8 = HEADER + b"MEMBER  ", HEADER + b"MEMBV8  "
DESCRIPTOR_5, DESCRIPTOR_8 = HEADER + b"DSCRPTR ", HEADER + b"DSCPTV8 "
NAMESTR_5, NAMESTR_8 = HEADER + b"NAMESTR ", HEADER + b"NAMSTV8 "
LABELS_8, LABELS_9 = HEADER + b"LABELV8 ", HEADER + b"LABELV9 "
ROWS_5, ROWS_8 = HEADER + b"OBS     ", HEADER + b"OBSV8   "
HEADER_END = b"HEADER RECORD!!!!!!!"

NAMESTR = np.dtype(
    [
        ("type", ">i2"),  # 1 numeric, 2 text
        ("hash", ">i2"),
        ("length", ">i2"),
        ("number", ">i2"),
        ("name", "S8"),
        ("label", "S40"),
        ("format", "S8"),
        ("format_width", ">i2"),
        ("format_decimals", ">i2"),
        ("justified", ">i2"),
        ("fill", "S2"),
        ("informat", "S8"),
        ("informat_width", ">i2"),
        ("informat_decimals", ">i2"),
        ("position", ">i4"),
        ("long_name", "S32"),  # version 8; blank in version 5
        ("label_length", ">i2"),
        ("rest", "S18"),
    ]
)


def format_text(name: str, width: int, decimals: int) -> str:
    """Write a SAS format as programmers do.

    Examples
    --------
    >>> format_text("DATE", 9, 0), format_text("", 8, 2), format_text("$", 200, 0), format_text("", 0, 0)
    ('DATE9.', '8.2', '$200.', '')
    """
    if not name and not width:
        return ""
    return f"{name}{width or ''}.{decimals or ''}"


def format_parts(text: str) -> tuple[str, int, int]:
    """Take a SAS format apart: name, width, decimals; the inverse of :func:`format_text`.

    Raises
    ------
    ValueError
        If the text is no SAS format.
    """
    match = re.fullmatch(r"(\$?(?:[A-Za-z_](?:\w*[A-Za-z_])?)?)(\d*)(?:\.(\d*))?", text.strip())
    if match is None:
        raise ValueError(text)
    name, width, decimals = match.groups()
    return name, int(width or 0), int(decimals or 0)

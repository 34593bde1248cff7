"""First bytes by which files of study data are known, whatever their names."""

from __future__ import annotations

XPT_HEADER = b"HEADER RECORD*******"
XPT_LIBRARY_5, XPT_LIBRARY_8 = XPT_HEADER + b"LIBRARY ", XPT_HEADER + b"LIBV8   "
PARQUET = b"PAR1"
SAS7BDAT = bytes(12) + bytes.fromhex("c2ea8160b31411cfbd92080009c7318c181f1011")
WEB_PAGE = "it is a web page, perhaps an error page saved in its place"


def is_web_page(data: bytes) -> bool:
    """Whether bytes begin as a page of HTML does."""
    return data[:200].lstrip().lower().startswith((b"<html", b"<!doctype html"))

"""Arguments and options that several commands share, with what they may be."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from replicator.cli_values import parse_place
from replicator.terminal import ProgressStyle


class Format(StrEnum):
    """File formats that a study can be written in."""

    CSV = "csv"
    XPT = "xpt"
    PARQUET = "parquet"
    JSON = "json"


class PartitionBy(StrEnum):
    """What files of one dataset are parted by."""

    CHUNK = "chunk"


class Copula(StrEnum):
    """Engines of the subject model."""

    GAUSSIAN = "gaussian"
    COPULAS = "copulas"


Data = Annotated[
    list[str],
    typer.Argument(
        parser=parse_place,
        metavar="DATA",
        help="A folder, files or a zip, here or as s3://bucket/key: CSV, XPT, sas7bdat, Parquet, Dataset-JSON.",
    ),
]
ModelFile = Annotated[
    str, typer.Argument(parser=parse_place, metavar="MODEL", help="A model file that fit has written, here or as s3://bucket/key.")
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what a former run has written there.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]
LogJson = Annotated[
    str | None, typer.Option("--log-json", parser=parse_place, metavar="FILE", help="Add structured log lines to this file.")
]
ProgressAs = Annotated[
    ProgressStyle, typer.Option("--progress", help="Show how far the work is as a bar, or as lines of JSON on standard error.")
]
Html = Annotated[
    str | None, typer.Option("--html", "-o", parser=parse_place, metavar="FILE", help="Write the report as one HTML page.")
]
Json = Annotated[str | None, typer.Option("--json", parser=parse_place, metavar="FILE", help="Write the report as JSON.")]

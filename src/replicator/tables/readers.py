"""Files -> :class:`~replicator.tables.dataset.Study`: every format, and the one border where foreign errors become ours."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from replicator.counting import size
from replicator.errors import ReadError
from replicator.tables.dataset import Dataset, Study
from replicator.tables.dataset_json import read_dataset_json
from replicator.tables.define_xml import Define, apply_define, read_define
from replicator.tables.file_kinds import FileKind
from replicator.tables.narrow import narrowed
from replicator.tables.reading_csv import read_csv
from replicator.tables.reading_parquet import read_parquet
from replicator.tables.reading_sas import read_sas7bdat
from replicator.tables.reading_xpt import read_xpt
from replicator.tables.study_files import StudyFiles, study_files
from replicator.tables.subject_part import SubjectPart
from replicator.tables.text_cells import clean_dataset


def read_study(source: str | Path | Sequence[str | Path], part: str = "") -> Study:
    """Read a study.

    Parameters
    ----------
    source : path or sequence of paths
        A folder, a zip archive, a file, or several of them, on this machine or as ``s3://bucket/key`` in object storage: CSV
        (comma, semicolon, tab), SAS transport files of version 5 and 8, sas7bdat, Parquet, Dataset-JSON 1.1, and a Define-XML for
        what the datasets do not say themselves. A file is known by its first bytes, else by its extension in any case. Other files
        are left out and named in the notes.
    part : str
        ``"1/10"`` for the first of ten parts of the subjects, ``""`` for all. Rows of the others are let go file by file, and of
        Parquet row group by row group.

    Returns
    -------
    Study
        Datasets by upper-case name, in alphabetical order, for files in a folder have no other that is the same everywhere; a
        dataset without rows is kept with its columns.

    Raises
    ------
    ReadError
        If there is no dataset, a file is damaged, foreign or contradictory, or two files hold one dataset; if a part is asked for
        and subjects are named by no variable, or by several.
    ConfigError
        If `part` is none.
    """
    wanted = SubjectPart.parse(part) if part else None
    with study_files(source) as files:
        define = _read_define(files)
        notes = list(files.notes)
        datasets: dict[str, Dataset] = {}
        origin: dict[str, str] = {}
        for path, kind in files.datasets:
            with files.naming(path):
                found, said = _read_file(path, kind, define, wanted)
            notes += said
            for dataset in found:
                if dataset.name in datasets:
                    raise ReadError(
                        f"{dataset.name}: two files hold this dataset, {origin[dataset.name]} and {path.name}; leave one."
                    )
                datasets[dataset.name] = narrowed(wanted.rows(dataset) if wanted else dataset)
                origin[dataset.name] = path.name
    if wanted:
        wanted.check(datasets.values())
    study = Study({name: datasets[name] for name in sorted(datasets)}, notes=tuple(notes))
    return apply_define(study, define) if define else study


def _read_define(files: StudyFiles) -> Define | None:
    if files.define is None:
        return None
    with files.naming(files.define):
        return read_define(files.define)


def _read_file(path: Path, kind: FileKind, define: Define | None, part: SubjectPart | None) -> tuple[list[Dataset], list[str]]:
    """Read all datasets of one file, of Parquet the rows of the part; whatever goes wrong is a ReadError that names the file."""
    name = path.stem.upper()
    try:
        if kind is FileKind.XPT:
            return read_xpt(path)
        if kind is FileKind.JSON:
            dataset, notes = clean_dataset(read_dataset_json(path))
        elif kind is FileKind.PARQUET:
            dataset, notes = read_parquet(path, name, part)
        elif kind is FileKind.SAS7BDAT:
            dataset, notes = read_sas7bdat(path)
        else:
            described = define.datasets.get(name) if define else None
            dataset, notes = read_csv(path, name, {known.name: known.type for known in described.variables} if described else {})
    except ReadError:
        raise
    except OSError as error:
        raise ReadError(
            f"{path.name}: the file cannot be read ({_reason(error)}); check that it is whole and may be read."
        ) from error
    except MemoryError as error:
        raise ReadError(
            f"{path.name}: memory ran out while the file of {size(path.stat().st_size)} was read; give fewer or smaller files, "
            "or fetch it again if it should be smaller."
        ) from error
    except (pa.ArrowException, ValueError, IndexError, KeyError, OverflowError, zlib.error) as error:
        raise ReadError(
            f"{path.name}: the file is damaged or no {kind} file ({_reason(error)}); fetch or export it again."
        ) from error
    return [dataset], notes


def _reason(error: Exception) -> str:
    """First line of what a foreign error says, no longer than a sentence."""
    text = (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
    return text.strip().split("\n")[0][:160].rstrip(".")

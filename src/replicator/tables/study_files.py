"""Which files make up a study: folders, lists and zip archives, on this machine or in object storage."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from replicator.errors import ReadError
from replicator.locations import Location, ObjectLocation, located
from replicator.tables.fetched import fetched
from replicator.tables.file_kinds import MAX_BYTES, MAX_MEMBERS, FileKind, recognise
from replicator.tables.manifests import MANIFEST, parse_manifest, refuse_upload


@dataclass(frozen=True)
class StudyFiles:
    """The files of a study.

    Attributes
    ----------
    datasets : tuple of (Path, FileKind)
        In order of their names.
    define : Path, optional
        The Define-XML.
    notes : tuple of str
        On the files that are neither.
    folders : mapping of Path to str
        What the user calls the folder, archive or prefix that each file of one lies in.
    """

    datasets: tuple[tuple[Path, FileKind], ...]
    define: Path | None
    notes: tuple[str, ...]
    folders: Mapping[Path, str]

    @contextmanager
    def naming(self, path: Path) -> Iterator[None]:
        """Let the error of reading a file name it with its folder."""
        try:
            yield
        except ReadError as error:
            text = str(error)
            if path not in self.folders or not text.startswith(path.name):
                raise
            raise ReadError(f"{self.folders[path]}/{text}") from error


@contextmanager
def study_files(source: str | Path | Sequence[str | Path]) -> Iterator[StudyFiles]:
    """Find the files of a study; archives stay unpacked as long as the context is open.

    Parameters
    ----------
    source : path or sequence of paths
        Folders (their files, and folders within that hold one Parquet dataset in several files), files, and zip archives; addresses
        ``s3://…`` of prefixes and objects stand for the same, and copies of them are kept as long as the context is open.

    Raises
    ------
    ReadError
        If something else is given, a path does not exist or cannot be read, a file that was named is no study data, an archive is
        unsafe or damaged, a folder is what an interrupted upload has left, or there is no dataset at all.
    """
    places = source_locations(source)
    with fetched(places) as copies, TemporaryDirectory(prefix="replicator-") as unpacked:
        paths = [copies[place] if isinstance(place, ObjectLocation) else place for place in places]
        datasets: list[tuple[Path, FileKind]] = []
        defines: list[Path] = []
        notes: list[str] = []
        folders: dict[Path, str] = {}
        for number, (place, path) in enumerate(zip(places, paths, strict=True)):
            if path.is_dir() and recognise(path) is None:
                found, left_out = _listed(_entries(path), path.name)
            elif path.exists() and recognise(path) is FileKind.ZIP:
                found, left_out = _listed(_unpack(path, Path(unpacked) / str(number)), path.name)
            elif path.exists():
                kind = recognise(path)
                if kind is None:
                    raise ReadError(
                        f"{path.name}: no study data; give CSV, XPT, sas7bdat, Parquet, Dataset-JSON or Define-XML files."
                    )
                found, left_out = [(path, kind)], []
            else:
                raise ReadError(f"{path}: there is no such file or folder; check the path.")
            datasets += [(file, kind) for file, kind in found if kind is not FileKind.DEFINE]
            defines += [file for file, kind in found if kind is FileKind.DEFINE]
            notes += left_out
            folders |= {file: str(place).rstrip("/") for file, _ in found if file != path}
        if not datasets:
            raise ReadError(
                f"{', '.join(str(path) for path in paths) or 'nothing given'}: no dataset found (CSV, XPT, sas7bdat, Parquet or "
                "Dataset-JSON); give the folder that holds the datasets themselves."
            )
        define, more = _one_define(defines)
        datasets.sort(key=lambda item: (item[0].stem.upper(), item[0].name))
        yield StudyFiles(tuple(datasets), define, (*notes, *more), folders)


def source_locations(source: str | Path | Sequence[str | Path]) -> list[Location]:
    """Tell where the parts of a source lie.

    Raises
    ------
    ReadError
        If something else is given, or an address that is none.
    """
    given = [source] if isinstance(source, str | Path) else source
    if not isinstance(given, Sequence) or not all(isinstance(item, str | Path) for item in given):
        raise ReadError(f"A {type(source).__name__} is no path to study data; give a folder, a file, a zip, or a list of them.")
    return [located(item, ReadError) for item in given]


def _entries(folder: Path) -> list[Path]:
    try:
        if (folder / MANIFEST).is_file():
            refuse_upload(parse_manifest((folder / MANIFEST).read_bytes()), folder)
        return sorted(folder.iterdir())
    except OSError as error:
        raise ReadError(f"{folder}: the folder cannot be read ({error.strerror or error}); check its rights.") from error


def _listed(files: Iterable[Path], where: str) -> tuple[list[tuple[Path, FileKind]], list[str]]:
    """Files of a folder or archive that are study data, and one sentence on those that are not."""
    found: list[tuple[Path, FileKind]] = []
    others: list[str] = []
    for path in files:
        if path.name == MANIFEST:
            continue
        kind = None if path.name.startswith(".") else recognise(path)
        if kind is None or kind is FileKind.ZIP:
            others.append(path.name + ("/" if path.is_dir() else ""))
        else:
            found.append((path, kind))
    note = f"{where}: {len(others)} left out, not datasets: {', '.join(sorted(others))}."
    return found, [note] if others else []


def _one_define(defines: list[Path]) -> tuple[Path | None, list[str]]:
    """Choose the Define-XML: ``define.xml`` before others, then by name."""
    ordered = sorted(defines, key=lambda path: (path.name.lower() != "define.xml", path.name))
    if len(ordered) > 1:
        others = ", ".join(path.name for path in ordered[1:])
        return ordered[0], [f"{ordered[0].name} was read for labels and types, not {others}."]
    return (ordered[0] if ordered else None), []


def _unpack(path: Path, target: Path) -> list[Path]:
    """Unpack an archive into one flat folder, within the bounds, whatever its members are called."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            _check_members(path, members)
            target.mkdir()
            return [_unpack_member(archive, member, target) for member in members if _visible(member.filename)]
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, EOFError, RuntimeError) as error:
        raise ReadError(f"{path.name}: the zip archive is damaged or encrypted ({error}); pack it again.") from error


def _visible(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return not any(part.startswith((".", "__MACOSX")) for part in parts)


def _check_members(path: Path, members: list[zipfile.ZipInfo]) -> None:
    for member in members:
        parts = PurePosixPath(member.filename.replace("\\", "/"))
        if parts.is_absolute() or ".." in parts.parts or ":" in member.filename:
            raise ReadError(f"{path.name}: the member {member.filename!r} points outside the archive; do not trust this file.")
    if len(members) > MAX_MEMBERS:
        raise ReadError(
            f"{path.name}: {len(members):,} members are more than {MAX_MEMBERS:,}; unpack the study and give the folder."
        )
    total = sum(member.file_size for member in members)
    if total > MAX_BYTES:
        raise ReadError(
            f"{path.name}: unpacked it would be {total / 2**30:.1f} GiB, more than {MAX_BYTES / 2**30:.0f}; unpack it yourself and "
            "give the folder."
        )
    names = [PurePosixPath(member.filename).name.upper() for member in members if _visible(member.filename)]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ReadError(f"{path.name}: {', '.join(repeated)} is in the archive more than once; unpack it and give one folder.")


def _unpack_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path) -> Path:
    """Copy one member, never more than its stated size."""
    out = target / PurePosixPath(member.filename).name
    with archive.open(member) as source, out.open("wb") as copy:
        left = member.file_size
        while left and (block := source.read(min(left, 1 << 20))):
            copy.write(block)
            left -= len(block)
    return out

"""Targets: an output takes the place of a former output of its kind, and of nothing else."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

import replicator as rp
from replicator.cli import main
from replicator.errors import WriteError
from replicator.log import configure, log_event
from replicator.study_model.artifact.container import pack
from replicator.targets import GENERATOR, MARKDOWN_MARK, MODEL_FORMAT, Output, check_replaceable, check_target, written_kind


def model(path: Path) -> None:
    path.write_bytes(pack({"format": MODEL_FORMAT}, {"model.json": b"{}"}))


def page(path: Path) -> None:
    rp.pipeline.write_report(rp.ValidationReport("S", (), (), ()), html=path)


def report(path: Path) -> None:
    rp.pipeline.write_report(rp.ValidationReport("S", (), (), ()), json=path)


def markdown(path: Path) -> None:
    path.write_text(f"{MARKDOWN_MARK}\n# Evaluation\n")


def log(path: Path) -> None:
    configure(path)
    log_event("request")
    configure()


WRITERS: dict[Output, Callable[[Path], None]] = {
    Output.MODEL: model,
    Output.PAGE: page,
    Output.REPORT: report,
    Output.MARKDOWN: markdown,
    Output.LOG: log,
}
FOREIGN = {
    "dataset": b"STUDYID,USUBJID\nS,1\n",
    "dataset-json": b'{"datasetJSONCreationDateTime": "2024-01-01", "datasetJSONVersion": "1.1.0", "rows": []}',
    "other json": b"[1]",
    "one number": b"5",
    "a dataset that quotes a page": b'A\n"<meta name=""generator"" content=""x"">"\n' + GENERATOR.encode(),
    "other page": b'<!DOCTYPE html><meta name="generator" content="Pandoc">',
    "other zip": pack({"format": "replicator cache entry"}, {}),
    "cut zip": b"PK\x03\x04",
    "bytes": bytes(range(256)),
}


@pytest.mark.parametrize("kind", Output)
def test_each_output_is_known_by_its_content(kind: Output, tmp_path: Path) -> None:
    """Whatever its name is, a file that was written is told from all others, and only its own kind replaces it."""
    WRITERS[kind](tmp_path / "x")
    path = (tmp_path / "x").rename(tmp_path / "x.csv")
    assert written_kind(path) is kind
    check_replaceable(path, kind)
    for other in set(Output) - {kind}:
        with pytest.raises(WriteError, match="stays as it is"):
            check_replaceable(path, other)


@pytest.mark.parametrize("kind", Output)
@pytest.mark.parametrize("content", FOREIGN)
def test_foreign_files_stay(kind: Output, content: str, tmp_path: Path) -> None:
    """Data, and files of other programs, are replaced by no output, also when it is asked for."""
    path = tmp_path / "x.replica"
    path.write_bytes(FOREIGN[content])
    assert written_kind(path) is None
    with pytest.raises(WriteError, match="Replicator has not written"):
        check_target(path, kind, overwrite=True)


def test_files_that_are_read_devices_and_folders_are_no_targets(tmp_path: Path) -> None:
    """A link to what is being read is what is being read; an empty file has nothing to lose."""
    kept = tmp_path / "kept.json"
    report(kept)
    (tmp_path / "link.json").symlink_to(kept)
    with pytest.raises(WriteError, match="is being read"):
        check_target(tmp_path / "link.json", Output.REPORT, overwrite=True, reading=[kept, "nowhere"])
    with pytest.raises(WriteError, match="device"):
        check_target(os.devnull, Output.REPORT, overwrite=True)
    with pytest.raises(WriteError, match="folder"):
        check_target(tmp_path, Output.REPORT, overwrite=True)
    (tmp_path / "empty").touch()
    check_target(tmp_path / "empty", Output.REPORT, overwrite=True)
    with pytest.raises(WriteError, match="--overwrite"):
        check_target(tmp_path / "empty", Output.MODEL, overwrite=False)


@pytest.mark.parametrize(
    "options",
    [
        ["profile", "{s}", "--json", "{s}/dm.csv"],
        ["profile", "{s}", "--html", "{s}/dm.csv"],
        ["profile", "{s}", "--log-json", "{s}/dm.csv"],
        ["validate", "{s}", "--html", "{s}/dm.csv"],
        ["fit", "{s}", "-o", "{s}/dm.csv", "--overwrite"],
        ["profile", "{s}/dm.csv", "--json", "one", "--html", "one"],
    ],
)
def test_no_verb_replaces_what_it_reads(options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every output option that names a dataset is refused in one sentence before any work, and the dataset stays."""
    source = tmp_path / "s"
    source.mkdir()
    (source / "dm.csv").write_bytes(FOREIGN["dataset"])
    assert main([option.format(s=source) for option in options]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert (source / "dm.csv").read_bytes() == FOREIGN["dataset"]
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["dm.csv"]


@pytest.mark.parametrize(
    ("kind", "name", "ending"),
    [(Output.PAGE, "x.pdf", ".html"), (Output.REPORT, "x.html", ".json"), (Output.MARKDOWN, "x.JSON", ".md")],
)
def test_a_report_is_not_called_what_it_is_not(tmp_path: Path, kind: Output, name: str, ending: str) -> None:
    with pytest.raises(WriteError, match=f"end it in \\{ending}"):
        check_target(tmp_path / name, kind, overwrite=True)
    for good in (f"report{ending}", f"report{ending.upper()}", "report"):
        assert check_target(tmp_path / good, kind, overwrite=True) == tmp_path / good

"""The verb evaluate: what it prints, what it writes, how it exits."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import replicator as rp
from replicator.cli import main
from replicator.reports.evaluation_report import EvaluationReport

from ..unit.evaluation.made_study import made_study


def with_own_identifiers(study: rp.Study, prefix: str) -> rp.Study:
    """Let no two studies share a subject."""
    frames = {name: one.to_frame() for name, one in study.datasets.items()}
    return rp.Study(
        {name: rp.Dataset.from_frame(name, one.assign(USUBJID=prefix + one["USUBJID"].astype(str))) for name, one in frames.items()}
    )


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders with a source, real subjects held out, a good sample, and one in which an arm has lost its effect."""
    folder = tmp_path_factory.mktemp("evaluate")
    for name, study in (
        ("source", made_study(1, 120)),
        ("held", made_study(2, 120)),
        ("good", made_study(3, 120)),
        ("bad", made_study(4, 120, between_tests=-0.9, last_shift=3.0)),
    ):
        rp.write_study(with_own_identifiers(study, name), folder / name)
    return folder


def test_a_good_sample_exits_with_0_and_a_bad_one_with_1(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The verdict is printed, and names what is wrong."""
    held = ["--holdout", str(place / "held")]
    assert main(["evaluate", str(place / "source"), str(place / "good"), *held]) == 0
    assert capsys.readouterr().out.startswith("No finding")
    assert main(["evaluate", str(place / "source"), str(place / "bad"), *held]) == 1
    shown = capsys.readouterr().out
    assert "The sample can be told from real subjects" in shown
    assert "ALT" in shown


def test_reports_are_written_with_and_without_a_holdout(place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = {"-o": tmp_path / "r.html", "--json": tmp_path / "r.json", "--markdown": tmp_path / "r.md"}
    options = [text for option, path in paths.items() for text in (option, str(path))]
    log = tmp_path / "log.jsonl"
    call = ["evaluate", str(place / "source"), str(place / "bad"), *options, "--quiet", "--log-json", str(log), "--seed", "3"]
    assert main(call) == 1
    assert capsys.readouterr().out == ""
    read = EvaluationReport.from_json(paths["--json"].read_text(encoding="utf-8"))
    assert (read.evaluation.n_source, read.evaluation.n_holdout, read.evaluation.seed) == (120, 0, 3)
    assert "flatter" in paths["-o"].read_text(encoding="utf-8")
    assert paths["--markdown"].read_text(encoding="utf-8").count("|") > 100
    events = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    findings = [event["measure"] for event in events if event["event"] == "finding"]
    assert findings == [one.name for one in read.conclusion.judgements if one.grade == "finding"]
    first = [path.read_bytes() for path in paths.values()]
    assert main(call) == 1
    assert [path.read_bytes() for path in paths.values()] == first


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ("evaluate", "Missing argument"),
        ("evaluate source", "SYNTHETIC"),
        ("evaluate source nowhere", "nowhere"),
        ("evaluate source good --holdout nowhere", "nowhere"),
        ("evaluate source good --seed -1", "--seed"),
        ("evaluate source good --attack x", "--attack"),
        ("evaluate source good --infer ALT", "LB ALT level"),
        ("evaluate source good -o missing/r.html", "there is no folder missing"),
        ("evaluate source good -o r --markdown r", "--html and --markdown name one file"),
        ("evaluate source other", "give a sample of the same study"),
        ("evaluate source few", "too few"),
    ],
)
def test_what_cannot_run_is_one_sentence_and_exit_2(
    arguments: str, word: str, place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(place)
    if "other" in arguments:
        rp.write_study(rp.Study({"XX": rp.Dataset.from_frame("XX", made_study(5, 9)["AE"].to_frame())}), place / "other")
    if "few" in arguments:
        rp.write_study(made_study(5, 3), place / "few")
    before = sorted(path.name for path in place.iterdir())
    assert main(arguments.split()) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("replicator: ") and shown.err.count("\n") == 1
    assert word in shown.err
    assert sorted(path.name for path in place.iterdir()) == before


@pytest.mark.slow
def test_the_attack_by_shadow_models_fits_and_is_told(place: Path) -> None:
    """With so many models of halves of the source; the report names the attack."""
    report = rp.evaluate(place / "source", place / "good", attack=4)
    figure = next(one for one in report.evaluation.privacy.figures if one.name == "membership by shadow models")
    assert 0.0 <= figure.value <= 1.0
    assert figure.name in report.to_html()

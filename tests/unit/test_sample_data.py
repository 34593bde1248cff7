"""The sample study: its script gives the committed bytes, both forms hold the same, and what its page says of it is true."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from replicator.tables.dataset import Study
from replicator.tables.readers import read_study

FOLDER = Path(__file__).resolve().parents[2] / "sample_data"
STUDY = FOLDER / "rvt117-204"


@pytest.fixture(scope="module")
def study() -> Study:
    return read_study(STUDY / "csv")


@pytest.fixture(scope="module")
def frames(study: Study) -> dict[str, pd.DataFrame]:
    return {name: dataset.to_frame() for name, dataset in study.datasets.items()}


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_the_script_makes_the_committed_bytes(tmp_path: Path) -> None:
    subprocess.run([sys.executable, str(FOLDER / "make_sample_study.py"), str(tmp_path / "made")], check=True, capture_output=True)
    made, committed = files(tmp_path / "made"), files(STUDY)
    assert list(made) == list(committed)
    assert [name for name in made if made[name] != committed[name]] == []
    assert sum(map(len, committed.values())) < 3_000_000


def test_the_page_names_every_count() -> None:
    planted = json.loads((STUDY / "planted.json").read_text("utf-8"))
    table = dict(re.findall(r"^\| (.+?) \| (\d+) \|$", (FOLDER / "README.md").read_text("utf-8"), re.MULTILINE))
    assert {name: int(count) for name, count in table.items()} == planted
    assert min(planted.values()) > 0


def test_both_forms_hold_the_same(study: Study) -> None:
    """Cells, labels, types, lengths and codelists are equal; reading tells of the blanks and the bytes."""
    other = read_study(STUDY / "xpt")
    assert list(study.datasets) == list(other.datasets)
    assert study.codelists == other.codelists
    for name, dataset in study.datasets.items():
        assert dataset.label == other[name].label
        assert [(v.name, v.label, v.type, v.codelist) for v in dataset.variables] == [
            (v.name, v.label, v.type, v.codelist) for v in other[name].variables
        ]
        for variable in dataset.names:
            assert dataset[variable].strings().tolist() == other[name][variable].strings().tolist(), (name, variable)
    assert any("AE" in note and "9 cells" in note for note in study.notes)


def test_metadata_keep_within_the_standard_s_limits(study: Study) -> None:
    for dataset in study.datasets.values():
        for variable in dataset.variables:
            assert len(variable.name) <= 8
            assert 0 < len(variable.label) <= 40, variable
            assert (variable.length or 0) <= 202, (dataset.name, variable)
        assert 0 < len(dataset.label) <= 40


def test_sequence_numbers_are_unique_within_a_subject(frames: dict[str, pd.DataFrame]) -> None:
    questions = pd.concat([frames["QSPG"], frames["QSSY"]])
    for name, frame in {**frames, "QS": questions}.items():
        sequence = f"{name[:2]}SEQ"
        if sequence in frame and "USUBJID" in frame and name != "TS":
            assert not frame.duplicated(["USUBJID", sequence]).any(), name


def test_study_days_follow_from_dates(frames: dict[str, pd.DataFrame]) -> None:
    """Every full date has its day, counted from RFSTDTC without a day 0; partial ones have none."""
    start = pd.to_datetime(frames["DM"].set_index("USUBJID")["RFSTDTC"])
    tested = 0
    for name, frame in frames.items():
        for date in [column for column in frame if re.fullmatch(r"\w\w(ST|EN)?DTC", column)]:
            day = date.removesuffix("DTC") + "DY"
            if day not in frame or "USUBJID" not in frame:
                continue
            full = frame[date].str.len() >= 10
            stamps = pd.to_datetime(frame[date].where(full).str[:10])
            gap = (stamps - frame["USUBJID"].map(start)).dt.days
            assert np.array_equal(gap + (gap >= 0), frame[day], equal_nan=True), (name, day)
            tested += int(full.sum())
    assert tested > 7000


def test_nothing_lies_after_the_end_of_participation(frames: dict[str, pd.DataFrame]) -> None:
    end = frames["DM"].set_index("USUBJID")["RFPENDTC"]
    for name, frame in frames.items():
        for date in [column for column in frame if column.endswith("DTC") and "USUBJID" in frame]:
            known = frame[frame[date].str.len().ge(10) & frame["USUBJID"].notna()]
            assert (known[date].str[:10] <= known["USUBJID"].map(end)).all(), (name, date)


def test_visits_of_findings_are_visits_of_the_subject(frames: dict[str, pd.DataFrame]) -> None:
    known = set(zip(frames["SV"]["USUBJID"], frames["SV"]["VISITNUM"], frames["SV"]["SVSTDTC"], strict=True))
    for name in ("VS", "LB", "EG", "QSSY", "QSPG", "IE"):
        frame = frames[name][frames[name]["USUBJID"].notna()]
        dates = frame[f"{name[:2]}DTC"].str[:10]
        assert set(zip(frame["USUBJID"], frame["VISITNUM"], dates, strict=True)) <= known, name


def test_links_lead_somewhere(frames: dict[str, pd.DataFrame]) -> None:
    for name in ("RELREC", "SUPPAE", "CO"):
        linked = frames[name][frames[name]["IDVAR"].notna()]
        for row in linked.itertuples():
            target = frames[str(row.RDOMAIN)]
            found = (target["USUBJID"] == row.USUBJID) & (target[str(row.IDVAR)] == float(str(row.IDVARVAL)))
            assert found.sum() == 1, (name, row)


def test_exposure_follows_the_arm(frames: dict[str, pd.DataFrame]) -> None:
    dm, ex = frames["DM"].set_index("USUBJID"), frames["EX"]
    assert set(ex["USUBJID"]) == set(dm.index[dm["RFXSTDTC"].notna()])
    doses = ex.groupby(ex["USUBJID"].map(dm["ARMCD"]))["EXDOSE"].agg(set).to_dict()
    assert doses == {"PBO": {0.0}, "LOW": {50.0}, "HIGH": {50.0, 100.0}}
    assert (ex.groupby("USUBJID")["EXENDTC"].max() == dm["RFXENDTC"].dropna()).all()


def test_planted_relations_are_there(frames: dict[str, pd.DataFrame]) -> None:
    """The compound lowers blood pressure by dose, ALT goes with AST, and those who leave for an event have one."""
    vs, dm = frames["VS"], frames["DM"].set_index("USUBJID")
    lying = vs[(vs["VSTESTCD"] == "SYSBP") & (vs["VSPOS"] == "SUPINE")]
    wide = lying.pivot_table(index="USUBJID", columns="VISITNUM", values="VSSTRESN")
    change = (wide[6.0] - wide[2.0]).groupby(dm["ARMCD"]).mean()
    assert change["HIGH"] < change["LOW"] < change["PBO"] - 4
    lb = frames["LB"]
    tests = np.log(lb[lb["VISITNUM"] == 2].pivot_table(index="USUBJID", columns="LBTESTCD", values="LBSTRESN"))
    assert tests["ALT"].corr(tests["AST"]) > 0.6
    left = frames["DS"][frames["DS"]["DSDECOD"] == "ADVERSE EVENT"]["USUBJID"]
    assert set(left) == set(frames["AE"][frames["AE"]["AEACN"] == "DRUG WITHDRAWN"]["USUBJID"])
    fatal = frames["AE"][frames["AE"]["AEOUT"] == "FATAL"]
    assert fatal["AEENDTC"].tolist() == dm["DTHDTC"].dropna().tolist()

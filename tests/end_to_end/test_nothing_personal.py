"""Letters of a subject in its identifiers, notes, visits and arm, and a dose that only it takes: none is in a model or a sample."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import replicator as rp

from .few_subjects import ModelFile

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]


def initials(n: int) -> list[str]:
    """Seven letters a subject, none of them a word."""
    rng = np.random.default_rng(5)
    return ["".join(rng.choice(list("BCDFGHJKLMNPQRSTVWXZ"), 7)) for _ in range(n)]


def planted(folder: Path) -> tuple[list[str], np.ndarray]:
    """Write the sample study with letters and doses of each subject; tell them."""
    [source] = (ROOT / "sample_data").glob("*/csv")
    study = rp.read_study(source)
    frames = {
        name.lower(): pd.DataFrame({one: each.text(one).strings() for one in each.names}) for name, each in study.datasets.items()
    }
    subjects = frames["dm"]["USUBJID"].tolist()
    letters = dict(zip(subjects, initials(len(subjects)), strict=True))
    dose = dict(zip(subjects, np.round(31.117 + 0.613 * np.arange(len(subjects)), 3), strict=True))
    for name, variable in (("lb", "LBREFID"), ("vs", "VSSPID"), ("cm", "CMGRPID"), ("ae", "AEREFID"), ("ds", "DSREFID")):
        frame = frames[name]
        number = frame.groupby("USUBJID").cumcount() + 1
        frame[variable] = [f"{letters.get(one, 'POOL')}-{i}" for one, i in zip(frame["USUBJID"], number, strict=True)]
    frames["cm"].loc[0, "CMGRPID"] = letters[frames["cm"].loc[0, "USUBJID"]] + "-" + 19 * "7"
    frames["relrec"]["RELNOTE"] = ["seen by " + letters[one] for one in frames["relrec"]["USUBJID"]]
    frames["ex"]["EXDOSE"] = [str(dose[one]) for one in frames["ex"]["USUBJID"]]
    dm = frames["dm"]
    dm.loc[3, ["ACTARM", "ACTARMCD"]] = f"both, by error of {letters[subjects[3]]}", letters[subjects[3]]
    dm.loc[7, "RFPENDTC"] = dm.loc[7, "RFPENDTC"][:4]
    for name in ("sv", "vs"):
        visits = frames[name].groupby("USUBJID").head(1).tail(7).index
        frames[name].loc[visits, "VISITNUM"] = "77.5"
        frames[name].loc[visits, "VISIT"] = ["CALL BY " + letters[one] for one in frames[name].loc[visits, "USUBJID"]]
        alone = frames[name].groupby("USUBJID").tail(1).index[:3]
        frames[name].loc[alone, "VISITNUM"] = ["91.1", "92.1", "93.1"]
        frames[name].loc[alone, "VISIT"] = [f"HOME AT {letters[subjects[0]]} {number}" for number in ("91.1", "92.1", "93.1")]
    first = frames["sv"].drop_duplicates("USUBJID").set_index("USUBJID")["VISITNUM"]
    frames["cm"]["VISITNUM"] = frames["cm"]["USUBJID"].map(first).fillna("")
    frames["cm"]["VISIT"] = ["VISIT OF " + letters[one] for one in frames["cm"]["USUBJID"]]
    for frame in frames.values():
        if "USUBJID" in frame:
            new = [f"RVT-{letters[one]}-{300 + subjects.index(one)}" if one in letters else one for one in frame["USUBJID"]]
            frame["USUBJID"] = new
    dm["SUBJID"] = [one.removeprefix("RVT-") for one in dm["USUBJID"]]
    folder.mkdir()
    for name, frame in frames.items():
        frame.to_csv(folder / f"{name}.csv", index=False)
    return list(letters.values()), np.array(list(dose.values()))


def test_nobody_s_letters_or_dose_are_kept(tmp_path: Path) -> None:
    """They are looked for in every member of the file and every cell of a sample; so is a date that only one writes as a year."""
    letters, doses = planted(tmp_path / "study")
    fitted = rp.fit(tmp_path / "study", cache=False)
    fitted.save(tmp_path / "model.replica")
    model = ModelFile(tmp_path / "model.replica")
    kept = json.dumps(model.trees)
    assert [one for one in letters if one in kept] == []
    numbers = np.concatenate([array.ravel() for array in model.arrays.values() if array.dtype == np.float64])
    assert np.isin(doses, np.round(numbers, 9)).sum() == 0
    sample = fitted.sample(60, seed=3)
    cells = {
        str(text) for dataset in sample.datasets.values() for name in dataset.names for text in dataset.text(name).compact().levels
    }
    assert [one for one in letters if any(one in cell for cell in cells)] == []
    drawn = sample["EX"].numbers("EXDOSE")
    assert np.isfinite(drawn).mean() > 0.9 and doses.min() - 5 < np.nanmean(drawn) < doses.max() + 5
    assert sample["DM"].text("USUBJID").compact().levels[0].startswith("RVT-")
    assert (np.char.str_len(sample["DM"].text("RFPENDTC").strings().astype(str)) != 4).all()

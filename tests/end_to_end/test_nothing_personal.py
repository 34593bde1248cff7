"""What few subjects have is in no model and no sample: letters, doses, words and numbers of any column."""

from __future__ import annotations

import json
from collections.abc import Iterator
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


def frames_of_the_sample_study() -> dict[str, pd.DataFrame]:
    """Datasets of the sample study as texts, by lower-case name."""
    [source] = (ROOT / "sample_data").glob("*/csv")
    study = rp.read_study(source)
    return {
        name.lower(): pd.DataFrame({one: each.text(one).strings() for one in each.names}) for name, each in study.datasets.items()
    }


def planted(folder: Path) -> tuple[list[str], np.ndarray]:
    """Write the sample study with letters and doses of each subject; tell them."""
    frames = frames_of_the_sample_study()
    subjects = frames["dm"]["USUBJID"].tolist()
    letters = dict(zip(subjects, initials(len(subjects)), strict=True))
    dose = dict(zip(subjects, np.round(31.117 + 0.613 * np.arange(len(subjects)), 3), strict=True))
    for name, variable in (("lb", "LBREFID"), ("vs", "VSSPID"), ("cm", "CMGRPID"), ("ae", "AEREFID"), ("ds", "DSREFID")):
        frame = frames[name]
        number = frame.groupby("USUBJID").cumcount() + 1
        frame[variable] = [f"{letters.get(one, 'POOL')}-{i}" for one, i in zip(frame["USUBJID"], number, strict=True)]
    frames["cm"].loc[0, "CMGRPID"] = letters[frames["cm"].loc[0, "USUBJID"]] + "-" + 19 * "7"
    for name in ("co", "relrec"):
        frames[name]["VISITNUM"] = [str(60.5 + at) for at in range(len(frames[name]))]
        frames[name]["VISIT"] = ["TOLD BY " + letters.get(one, "") for one in frames[name]["USUBJID"]]
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
    last = frames["lb"].groupby("VISITNUM").tail(1).index
    frames["lb"].loc[last, "VISIT"] = ["AT HOME OF " + letters.get(one, "") for one in frames["lb"].loc[last, "USUBJID"]]
    frames["ae"]["AEHLT"] = ["SIGNS OF " + letters[one] for one in frames["ae"]["USUBJID"]]
    frames["ds"]["DSNEW"] = ["Dr " + letters[one] for one in frames["ds"]["USUBJID"]]
    first = frames["sv"].drop_duplicates("USUBJID").set_index("USUBJID")["VISITNUM"]
    frames["cm"]["VISITNUM"] = frames["cm"]["USUBJID"].map(first).fillna("")
    frames["cm"]["VISIT"] = ["VISIT OF " + letters[one] for one in frames["cm"]["USUBJID"]]
    for frame in frames.values():
        if "USUBJID" in frame:
            new = [f"RVT-{letters[one]}-{300 + subjects.index(one)}" if one in letters else one for one in frame["USUBJID"]]
            frame["USUBJID"] = new
    dm["SUBJID"] = [one.removeprefix("RVT-") for one in dm["USUBJID"]]
    notes = [f"relative of {letters[one]}" for one in subjects]
    frames["nt"] = pd.DataFrame({"STUDYID": dm["STUDYID"], "DOMAIN": "NT", "SUBJECT": dm["SUBJID"], "NOTE": notes})
    frames["apmh"] = pd.DataFrame({"STUDYID": dm["STUDYID"], "DOMAIN": "APMH", "APID": [f"A{i}" for i in range(len(dm))]})
    frames["apmh"] = frames["apmh"].assign(RSUBJID=dm["USUBJID"], SREL="MOTHER", MHTERM=notes)
    devices = [f"DEV-{letters[one]}" for one in subjects]
    frames["di"] = pd.DataFrame({"STUDYID": dm["STUDYID"], "DOMAIN": "DI", "SPDEVID": devices})
    frames["di"] = frames["di"].assign(DIPARMCD="SERIAL", DIVAL=devices)
    folder.mkdir()
    for name, frame in frames.items():
        frame.to_csv(folder / f"{name}.csv", index=False)
    return list(letters.values()), np.array(list(dose.values()))


def test_nobody_s_letters_or_dose_are_kept(tmp_path: Path) -> None:
    """They are looked for in every member of the file and every cell of a sample; so is a date that only one writes as a year."""
    letters, doses = planted(tmp_path / "study")
    fitted = rp.fit(tmp_path / "study", cache=False)
    fitted.save(tmp_path / "model.replica")
    lost = [note.split(":")[0] for note in fitted.notes if "nothing of its" in note]
    assert sorted(lost) == ["APMH", "DI", "NT"]
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


def numbers_of(tree: object) -> Iterator[float]:
    """All numbers of nested lists and dictionaries."""
    if isinstance(tree, (int, float)):
        yield float(tree)
    elif isinstance(tree, (dict, list)):
        for one in tree.values() if isinstance(tree, dict) else tree:
            yield from numbers_of(one)


KEYS = ("USUBJID", "STUDYID", "DOMAIN", "RDOMAIN", "IDVAR", "IDVARVAL")


def planted_everywhere(folder: Path, few: int) -> tuple[dict[str, str], dict[float, str]]:
    """Write the sample study with a word, or a number, of its own in every column of every dataset, in all rows of few subjects."""
    rng = np.random.default_rng(few)
    words: dict[str, str] = {}
    numbers: dict[float, str] = {}
    folder.mkdir()
    for name, frame in frames_of_the_sample_study().items():
        for variable in frame.columns if "USUBJID" in frame else ():
            if variable in KEYS or variable.endswith(("SEQ", "DTC")):
                continue
            rows = frame["USUBJID"].isin(rng.choice(frame["USUBJID"].unique(), few, replace=False))
            filled = pd.to_numeric(frame[variable][frame[variable] != ""], errors="coerce")
            if len(filled) and filled.notna().all():
                number = round(7.0013731 * (len(numbers) + 3), 6)
                numbers[number] = f"{name}.{variable}"
                frame.loc[rows, variable] = str(number)
            else:
                word = "".join(rng.choice(list("BCDFGHJKLMNPQRSTVWXZ"), 7))
                words[word] = f"{name}.{variable}"
                frame.loc[rows, variable] = word
        frame.to_csv(folder / f"{name}.csv", index=False)
    return words, numbers


@pytest.mark.parametrize(("few", "k_terms"), [(1, 3), (2, 3), (4, 5)])
def test_no_word_or_number_of_few_subjects_is_kept_in_any_column(few: int, k_terms: int, tmp_path: Path) -> None:
    words, numbers = planted_everywhere(tmp_path / "study", few)
    assert len(words) > 100 and len(numbers) > 30
    fitted = rp.fit(tmp_path / "study", k_terms=k_terms, cache=False)
    fitted.save(tmp_path / "model.replica")
    model = ModelFile(tmp_path / "model.replica")
    kept = json.dumps(model.trees)
    assert [where for word, where in words.items() if word in kept] == []
    in_arrays = np.concatenate([array.ravel() for array in model.arrays.values() if array.dtype == np.float64])
    assert np.isin(list(numbers), np.round(in_arrays, 9)).sum() == 0
    assert [where for number, where in numbers.items() if number in set(numbers_of(model.trees))] == []
    sample = fitted.sample(80, seed=3)
    cells = [
        str(text) for dataset in sample.datasets.values() for name in dataset.names for text in dataset.text(name).compact().levels
    ]
    assert [where for word, where in words.items() if any(word in cell for cell in cells)] == []
    assert [where for number, where in numbers.items() if str(number) in cells] == []
    profile = rp.profile_study(rp.read_study(tmp_path / "study")).to_json()
    said = profile + " ".join(fitted.notes) + fitted.describe().to_json()
    assert [where for word, where in words.items() if word in said] == []
    assert [where for number, where in numbers.items() if number in set(numbers_of(json.loads(profile)))] == []

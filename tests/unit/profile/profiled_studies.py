"""Small studies written out, and planted ones, for the tests of the profile."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from replicator.tables.dataset import Dataset, Study


def table(name: str, columns: str, *rows: Sequence[object]) -> Dataset:
    """Build a dataset from rows written out; ``""`` and ``None`` are missing."""
    frame = pd.DataFrame([[None if cell == "" else cell for cell in row] for row in rows], columns=columns.split())
    return Dataset.from_frame(name, frame)


def study(*datasets: Dataset) -> Study:
    """Build a study."""
    return Study({dataset.name: dataset for dataset in datasets})


def planted_study(n: int = 60, seed: int = 7, shift: float = 0.0, rash: float = 0.4) -> Study:
    """Build a study of known make: two arms, three visits, two tests, events.

    Weight has mean 70, spread 10 between and 2 within subjects, and goes with height at 0.8; `shift` is added to weight. RASH
    befalls a share `rash` of arm B and nobody in arm A; headache a third of all.
    """
    rng = np.random.default_rng(seed)
    ids = [f"S-{i:03d}" for i in range(n)]
    arm = np.array(["A", "B"])[np.arange(n) % 2]
    start = np.datetime64("2020-01-06") + rng.integers(0, 200, n)
    dm = pd.DataFrame(
        {
            "STUDYID": "PLANT",
            "DOMAIN": "DM",
            "USUBJID": ids,
            "RFSTDTC": start.astype(str),
            "AGE": rng.integers(30, 70, n),
            "SEX": rng.permuted(np.where(np.arange(n) % 2, "M", "F")),
            "ARMCD": arm,
            "ARM": np.where(arm == "A", "Placebo", "Drug"),
        }
    )
    height = rng.normal(170, 8, n)
    level = 70 + 10 * (0.8 * (height - 170) / 8 + 0.6 * rng.normal(0, 1, n))
    frames = []
    for number, name, day in ((1.0, "BASELINE", 0), (2.0, "WEEK 4", 28), (3.0, "WEEK 8", 56)):
        moved = start + day + (rng.integers(-2, 3, n) if day else 0)
        weight = np.round(level + shift + rng.normal(0, 2, n), 1)
        frames.append(_vital_signs(ids, "WEIGHT", "Weight", weight, "kg", number, name, day + 1, moved))
        if day == 0:
            frames.append(_vital_signs(ids, "HEIGHT", "Height", np.round(height), "cm", number, name, day + 1, moved))
    vs = pd.concat(frames, ignore_index=True)
    sv = vs[["STUDYID", "USUBJID", "VISITNUM", "VISIT", "VISITDY", "VSDTC"]].drop_duplicates().rename(columns={"VSDTC": "SVSTDTC"})
    sv.insert(1, "DOMAIN", "SV")
    sick = np.concatenate([np.flatnonzero((arm == "B") & (rng.random(n) < rash)), np.flatnonzero(np.arange(n) % 3 == 0)])
    term = np.array(["RASH"] * int((len(sick)) - (n + 2) // 3) + ["HEADACHE"] * ((n + 2) // 3))
    onset = start[sick] + rng.integers(1, 50, len(sick))
    ae = pd.DataFrame(
        {
            "STUDYID": "PLANT",
            "DOMAIN": "AE",
            "USUBJID": np.array(ids)[sick],
            "AESEQ": np.arange(1, len(sick) + 1),
            "AETERM": np.char.lower(term),
            "AEDECOD": term,
            "AEBODSYS": np.where(term == "RASH", "SKIN", "NERVES"),
            "AESTDTC": onset.astype(str),
            "AEENDTC": (onset + 3).astype(str),
        }
    )
    return study(*(Dataset.from_frame(name, frame) for name, frame in (("DM", dm), ("SV", sv), ("VS", vs), ("AE", ae))))


def _vital_signs(
    ids: list[str], code: str, name: str, value: np.ndarray, unit: str, number: float, visit: str, planned: int, date: np.ndarray
) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "STUDYID": "PLANT",
            "DOMAIN": "VS",
            "USUBJID": ids,
            "VSTESTCD": code,
            "VSTEST": name,
            "VSORRES": [f"{v:g}" for v in value],
            "VSSTRESN": value,
            "VSSTRESU": unit,
            "VISITNUM": number,
            "VISIT": visit,
            "VISITDY": planned,
            "VSDTC": date.astype(str),
        }
    )

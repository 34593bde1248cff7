"""Small studies as files, written row by row, for runs of the whole program."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

Tables = dict[str, list[dict[str, str]]]


def small_study(n: int) -> Tables:
    """Return DM, SV, VS and AE of `n` subjects in two arms, three visits each."""
    rng = np.random.default_rng(20)
    tables: Tables = {"dm": [], "sv": [], "vs": [], "ae": []}
    for i in range(n):
        subject, arm = f"TOY-{i // 10:02d}-{i:04d}", "AB"[i % 2]
        shared = {"STUDYID": "TOY", "USUBJID": subject}
        start = np.datetime64("2020-01-06") + 3 * i
        tables["dm"].append(
            {
                **shared,
                "DOMAIN": "DM",
                "SUBJID": subject[-4:],
                "RFSTDTC": str(start),
                "SEX": "MF"[i // 2 % 2],
                "AGE": str(30 + i * 7 % 40),
                "ARM": f"Dose {arm}",
                "ARMCD": arm,
            }
        )
        level = rng.normal(130, 10)
        for number in range(1, 4):
            day = str(start + 14 * (number - 1))
            visit = {"VISITNUM": str(number), "VISIT": f"VISIT {number}"}
            tables["sv"].append({**shared, "DOMAIN": "SV", **visit, "SVSTDTC": day, "SVENDTC": day})
            value = f"{level + rng.normal(0, 4):.0f}"
            tables["vs"].append(
                {
                    **shared,
                    "DOMAIN": "VS",
                    "VSSEQ": str(number),
                    "VSTESTCD": "SYSBP",
                    "VSTEST": "Systolic Blood Pressure",
                    "VSORRES": value,
                    "VSORRESU": "mmHg",
                    "VSSTRESC": value,
                    "VSSTRESN": value,
                    "VSSTRESU": "mmHg",
                    **visit,
                    "VSDTC": day,
                    "VSDY": str(14 * (number - 1) + 1),
                }
            )
        if i % 3:
            term = "HEADACHE" if i % 2 else "NAUSEA"
            tables["ae"].append(
                {
                    **shared,
                    "DOMAIN": "AE",
                    "AESEQ": "1",
                    "AETERM": term,
                    "AEDECOD": term,
                    "AESEV": ("MILD", "MODERATE")[i // 3 % 2],
                    "AESTDTC": str(start + 5),
                    "AESTDY": "6",
                }
            )
    return tables


def write_tables(folder: Path, tables: Tables) -> Path:
    """Write tables as plain CSV, without our own writers."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in tables.items():
        lines = [",".join(rows[0]), *(",".join(row.values()) for row in rows)]
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


@pytest.fixture
def write_study(tmp_path: Path) -> Callable[[Tables], Path]:
    """Write tables into a fresh folder and return it."""
    return lambda tables: write_tables(tmp_path / "study", tables)


@pytest.fixture
def certificates(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The benchmark of certificates, with its groups of packaged datasets."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
    import certificates

    return certificates

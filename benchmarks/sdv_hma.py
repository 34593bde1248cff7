"""Fits SDV's HMA synthesizer on a folder of Parquet files and samples it; runs in an environment of its own, which has SDV.

    PYTHON benchmarks/sdv_hma.py FOLDER SUBJECTS

DM is the table of subjects; every other dataset hangs on it by USUBJID.
Prints seconds and CPU seconds of fitting and of sampling as JSON.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import pandas as pd
from sdv.metadata import Metadata
from sdv.multi_table import HMASynthesizer


def main() -> int:
    folder, subjects = Path(sys.argv[1]), int(sys.argv[2])
    tables = {file.stem: pd.read_parquet(file) for file in sorted(folder.glob("*.parquet"))}
    warnings.simplefilter("ignore")
    metadata: Any = Metadata.detect_from_dataframes(tables, infer_keys=None)
    for name in tables:
        metadata.update_column("USUBJID", table_name=name, sdtype="id")
    metadata.set_primary_key("USUBJID", table_name="dm")
    for name in tables:
        if name != "dm":
            metadata.add_relationship("dm", name, "USUBJID", "USUBJID")
    started = time.perf_counter(), time.process_time()
    model: Any = HMASynthesizer(metadata, verbose=False)
    model.fit(tables)
    fitted = time.perf_counter(), time.process_time()
    sample = model.sample(scale=subjects / len(tables["dm"]))
    sampled = time.perf_counter(), time.process_time()
    figures = {
        "fit": {"seconds": fitted[0] - started[0], "cpu_seconds": fitted[1] - started[1]},
        "sample": {"seconds": sampled[0] - fitted[0], "cpu_seconds": sampled[1] - fitted[1]},
        "rows": {name: len(table) for name, table in sample.items()},
    }
    print(json.dumps(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())

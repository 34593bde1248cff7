"""Made protocol-1.replica, once; the file is kept as it is, so that files of this protocol stay readable."""

from pathlib import Path

import numpy as np

from replicator.config import FitConfig
from replicator.study_model.artifact.model_file import PROTOCOL, ArtifactContents, save_artifact
from replicator.tables.dataset import CodelistTerm, Dataset, Numbers, Study, Text, Variable

if __name__ == "__main__":
    if PROTOCOL != 1:
        raise SystemExit("this version writes another protocol; keep the file as it is and add one for the new protocol")
    dm = Dataset(
        "DM",
        (
            Variable("USUBJID", "Unique Subject Identifier", "char", 3),
            Variable("AGE", "Age", "num"),
            Variable("SEX", codelist="SEX"),
        ),
        {
            "USUBJID": Text.of(["S-1", "S-2", "S-3"]),
            "AGE": Numbers(np.array([30.5, np.nan, 99.0])),
            "SEX": Text.of(["F", None, "M"]),
        },
        "Demographics",
    )
    lb = Dataset("LB", (Variable("LBSTRESN", type="num"),), {"LBSTRESN": Numbers(np.arange(100) / 8)})
    study = Study({"DM": dm, "LB": lb}, {"SEX": (CodelistTerm("F", "Female"), CodelistTerm("M", "Male"))}, ("a note",))
    contents = ArtifactContents(study, "0" * 64, FitConfig(), rules={"derivations": 1})
    save_artifact(Path(__file__).with_name("protocol-1.replica"), contents)

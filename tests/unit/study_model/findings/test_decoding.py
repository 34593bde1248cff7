"""Values of findings read off their latent scales."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.special import ndtri

from replicator.config import FitConfig
from replicator.profile.find import find_structure
from replicator.profile.structure import Kind
from replicator.study_model.findings.decoding import decode
from replicator.study_model.findings.part import FindingsPart
from replicator.study_model.source import read_source
from replicator.study_model.spine import Spine
from replicator.tables.dataset import Dataset, Numbers, Study, Text, Variable
from replicator.tables.readers import read_study
from replicator.tables.reading_parquet import read_parquet

N = 200
K = 5


def _scale(scores: np.ndarray) -> Study:
    """One test of an instrument a subject, asked once."""
    ids = [f"S-{i:03d}" for i in range(N)]
    text = {
        "STUDYID": ["S"] * N,
        "DOMAIN": ["QS"] * N,
        "USUBJID": ids,
        "QSTESTCD": ["ITEM"] * N,
        "QSORRES": [str(int(x)) for x in scores],
    }
    number = {"QSSTRESN": scores, "VISITNUM": np.ones(N)}
    variables = tuple(map(Variable, text)) + tuple(Variable(name, type="num") for name in number)
    cells = {name: Text.of(v) for name, v in text.items()} | {name: Numbers(v) for name, v in number.items()}
    dm = {"STUDYID": Text.of(["S"] * N), "DOMAIN": Text.of(["DM"] * N), "USUBJID": Text.of(ids)}
    return Study({"DM": Dataset("DM", tuple(map(Variable, dm)), dm), "QS": Dataset("QS", variables, cells)})


def _part(study: Study, name: str) -> tuple[FindingsPart, Spine, Dataset]:
    structure = find_structure(study)
    source = read_source(study, structure)
    fitted = FindingsPart.fit(source.datasets[name], structure.datasets[name], source.subject[name], source.spine, FitConfig(k=K))
    assert isinstance(fitted.part, FindingsPart)
    features = {f"{name}/{feature}": value for feature, value in fitted.features.items()}
    return fitted.part, Spine(**{**source.spine.__dict__, "features": features}), source.datasets[name]


def test_the_highest_level_is_reached_where_the_lowest_is_too_rare_to_keep() -> None:
    """Scores of 1 to 3, and a 0 that two subjects have: the level of 3, of nine in ten, is read off the top."""
    scores = np.repeat([0.0, 1.0, 2.0, 3.0], [2, 6, 14, 178])
    part, _, _ = _part(_scale(scores), "QS")
    column = np.zeros(3, np.intp)
    latent = ndtri(np.array([[0.001], [0.06], [0.5]]))
    level, _ = decode(part.results, latent, np.arange(3), column)
    said = part.results.tokens.original.strings()[part.results.token[0, level]]
    assert said.tolist() == ["1", "2", "3"]


@pytest.fixture
def study(request: pytest.FixtureRequest) -> Study:
    """The pilot's instruments, chemistry and vital signs; a study of liver disease; the sample study of the repository."""
    if request.param == "pilot":
        folder: Path = request.getfixturevalue("pilot_folder")
        names = ("dm", "sv", "lbch", "qsmm", "qsco", "vs")
        return Study({one.upper(): read_parquet(folder / f"{one}.parquet", one.upper())[0] for one in names})
    if request.param == "sample study":
        return read_study(Path(__file__).parents[4] / "sample_data" / "rvt117-204" / "csv")
    return read_study(request.getfixturevalue("shared_data") / request.param)


@pytest.mark.parametrize("study", ["pilot", "sample study", "pbc"], indirect=True)
def test_common_results_occur_as_often_as_in_the_source(study: Study) -> None:
    """What a tenth of a test's rows and k subjects say is said by a sample of the same subjects, nearly as often.

    The bound is four standard errors of a share in which subjects, not rows, are independent, and a quarter of the share for
    what the shape of a latent scale may miss.
    """
    structure = find_structure(study)
    tested = 0
    for dataset in [name for name, one in structure.datasets.items() if one.kind is Kind.FINDINGS and one.n_rows > 100]:
        part, spine, source = _part(study, dataset)
        rows = part.sample(spine, np.random.default_rng(2))
        prefix = source.domain
        result = f"{prefix}STRESC" if f"{prefix}STRESC" in source else f"{prefix}ORRES"
        was, now = source.text(result).strings(), np.asarray(rows.columns[result].strings())
        test_was, test_now = source.text(f"{prefix}TESTCD").strings(), np.asarray(rows.columns[f"{prefix}TESTCD"].strings())
        owner = source.text("USUBJID").strings()
        for test in np.unique(test_was).tolist():
            mine, drawn = (test_was == test) & (was != ""), (test_now == test) & (now != "")
            if len(np.unique(owner[mine])) < 30 or drawn.sum() < 50:
                continue
            for value in np.unique(was[mine]).tolist():
                here = mine & (was == value)
                share, people = here.sum() / mine.sum(), len(np.unique(owner[here]))
                if share < 0.1 or people < K:
                    continue
                error = np.sqrt(share * (1 - share) / len(np.unique(owner[mine])))
                tested += 1
                seen = float((now[drawn] == value).mean())
                assert seen == pytest.approx(share, abs=4 * np.sqrt(2) * error + share / 4), (dataset, test, value)
    assert tested >= 5

"""Small studies of laboratory tests, what is learned of them, and results drawn for their own subjects."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from replicator.config import FitConfig
from replicator.profile.find import find_structure
from replicator.study_model.findings.part import FindingsPart
from replicator.study_model.source import read_source
from replicator.study_model.spine import Fitted, Spine
from replicator.tables.dataset import Dataset, Numbers, Study, Text, Variable

N, VISITS = 120, 4


def laboratory_study(tests: Mapping[str, np.ndarray], units: Mapping[str, str] | None = None) -> Study:
    """Build a study of `N` subjects with four visits; `tests` are (N * VISITS,) results, collected in `units` if given."""
    n, size = N * VISITS, N * VISITS * len(tests)
    subjects = [f"S-{i // VISITS:03d}" for i in range(n)]
    result = np.concatenate(list(tests.values()))
    text = {
        "STUDYID": ["S"] * size,
        "DOMAIN": ["LB"] * size,
        "USUBJID": subjects * len(tests),
        "LBTESTCD": [test for test in tests for _ in range(n)],
    }
    if units is not None:
        result = np.round(result, 2)
        text["LBORRES"] = [f"{value:.2f}" for value in result.tolist()]
        text["LBORRESU"] = [units[test] for test in tests for _ in range(n)]
    number = {"VISITNUM": np.tile(np.arange(n) % VISITS + 1.0, len(tests)), "LBSTRESN": result}
    variables = tuple(map(Variable, text)) + tuple(Variable(name, type="num") for name in number)
    cells = {name: Text.of(v) for name, v in text.items()} | {name: Numbers(v) for name, v in number.items()}
    dm = {"STUDYID": Text.of(["S"] * N), "DOMAIN": Text.of(["DM"] * N), "USUBJID": Text.of(sorted(set(subjects)))}
    return Study({"DM": Dataset("DM", tuple(map(Variable, dm)), dm), "LB": Dataset("LB", variables, cells)})


def fit_laboratory(study: Study) -> tuple[Fitted, Spine]:
    """Learn the laboratory's dataset; return the spine of the source as well."""
    structure = find_structure(study)
    source = read_source(study, structure)
    fitted = FindingsPart.fit(source.datasets["LB"], structure.datasets["LB"], source.subject["LB"], source.spine, FitConfig())
    return fitted, source.spine


def draw_laboratory(study: Study) -> tuple[FindingsPart, dict[str, np.ndarray]]:
    """Learn, and draw for the source's own subjects: the part, and the results of each test by subject and visit."""
    fitted, spine = fit_laboratory(study)
    assert isinstance(fitted.part, FindingsPart)
    rows = fitted.part.sample(spine, np.random.default_rng(3))
    test, result, visit = rows.columns["LBTESTCD"], rows.columns["LBSTRESN"], rows.columns["VISITNUM"]
    assert isinstance(test, Text)
    assert isinstance(result, Numbers)
    assert isinstance(visit, Numbers)
    order = np.lexsort((visit.values, rows.subject))
    names = test.strings()[order]
    return fitted.part, {str(name): result.values[order][names == name] for name in np.unique(names)}

"""Totals of instruments keep to the range that subjects were enrolled with."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from replicator.config import FitConfig
from replicator.profile.find import find_structure
from replicator.study_model.findings.decoding import decode_answers
from replicator.study_model.findings.part import FindingsPart
from replicator.study_model.source import read_source
from replicator.study_model.spine import Spine
from replicator.tables.dataset import Dataset, Numbers, Study, Text, Variable

ITEMS, LOW, HIGH, K = 6, 10, 20, 5


def _study(*, enrolled: bool, silent: float = 0.0) -> Study:
    """Six items of 0 to 5, asked once; of subjects with any total, or of those with 10 to 20; 96 where there is no answer."""
    rng = np.random.default_rng(9)
    level = 2.5 + 0.8 * rng.standard_normal((2000, 1))
    score = np.clip(np.round(level + 0.9 * rng.standard_normal((2000, ITEMS))), 0, 5)
    total = score.sum(axis=1)
    score = score[(total >= LOW) & (total <= HIGH)] if enrolled else score
    n = 300
    score = np.where(rng.random((n, ITEMS)) < silent, 96.0, score[:n])
    ids = [f"T-{i:03d}" for i in range(n)]
    text = {
        "STUDYID": ["S"] * (n * ITEMS),
        "DOMAIN": ["QS"] * (n * ITEMS),
        "USUBJID": np.repeat(ids, ITEMS).tolist(),
        "QSTESTCD": [f"ITEM{i}" for i in range(ITEMS)] * n,
        "QSCAT": ["SCALE"] * (n * ITEMS),
        "QSORRES": [str(int(one)) for one in score.ravel()],
    }
    number = {"QSSTRESN": score.ravel(), "VISITNUM": np.ones(n * ITEMS)}
    variables = tuple(map(Variable, text)) + tuple(Variable(name, type="num") for name in number)
    cells = {name: Text.of(v) for name, v in text.items()} | {name: Numbers(v) for name, v in number.items()}
    dm = {"STUDYID": Text.of(["S"] * n), "DOMAIN": Text.of(["DM"] * n), "USUBJID": Text.of(ids)}
    return Study({"DM": Dataset("DM", tuple(map(Variable, dm)), dm), "QS": Dataset("QS", variables, cells)})


def _drawn(study: Study) -> tuple[FindingsPart, np.ndarray, np.ndarray]:
    """The part; totals of the source, and of the subjects drawn without any feature that the source's have."""
    structure = find_structure(study)
    source = read_source(study, structure)
    fitted = FindingsPart.fit(source.datasets["QS"], structure.datasets["QS"], source.subject["QS"], source.spine, FitConfig(k=K))
    assert isinstance(fitted.part, FindingsPart)
    rng = np.random.default_rng(4)
    features = {f"QS/{name}": rng.permutation(value) for name, value in fitted.features.items()}
    rows = fitted.part.sample(Spine(**{**source.spine.__dict__, "features": features}), rng)
    value = rows.columns["QSSTRESN"]
    assert isinstance(value, Numbers)
    was = np.bincount(source.subject["QS"], weights=source.datasets["QS"].numbers("QSSTRESN"))
    return fitted.part, was, np.bincount(rows.subject, weights=value.values)


def test_a_range_that_was_asked_for_is_kept() -> None:
    """No total lies outside of it, all of it is used, and the spread is about that of the source."""
    part, was, total = _drawn(_study(enrolled=True))
    assert (part.totals.low.tolist(), part.totals.high.tolist()) == ([LOW - 0.5], [HIGH + 0.5])
    assert (total.min(), total.max()) == (LOW, HIGH)
    assert abs(total.mean() - was.mean()) < 0.5
    assert 0.8 < total.std() / was.std() < 1.3


def test_totals_without_a_range_go_on() -> None:
    """Where totals thin out by themselves there is nothing to keep."""
    part, _, total = _drawn(_study(enrolled=False))
    assert not len(part.totals.label)
    assert total.min() < LOW
    assert total.max() > HIGH


def test_answers_of_totals_within_the_range_stay() -> None:
    """Only occasions whose total lies outside are moved, all answers the same way."""
    part, _, _ = _drawn(_study(enrolled=True))
    items = part.results.value[: part.totals.item.shape[1]]
    latent = np.zeros((2, len(part.results.series)))
    latent[1, items] = 3.0  # the highest answers
    seen = np.ones((2, part.totals.item.shape[1]), bool)
    label = np.full(2, part.totals.label[0], np.intp)
    out = part.totals.hold(latent, seen, label, part.results, partial(decode_answers, part.results))
    assert (out[0] == latent[0]).all()
    assert (out[1, items] < 3.0).all()
    assert np.ptp(out[1, items]) == 0


def test_codes_for_no_answer_are_not_added_up() -> None:
    """An occasion with an item that does not apply has no total: its other answers stay as they were drawn."""
    part, was, total = _drawn(_study(enrolled=True, silent=0.03))
    assert len(part.totals.label) == 1
    whole = total < 96
    assert (total[whole].min(), total[whole].max()) == (LOW, HIGH)
    assert whole.mean() == pytest.approx((was < 96).mean(), abs=0.08)
    assert (total[~whole] % 96).mean() == pytest.approx((was[was > 96] % 96).mean(), abs=2.0)

"""Counts of kinds of cells and the count of all agree in a sample as in the source."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from replicator.study_model.findings.part import FindingsPart

from ..laboratory import VISITS, N, draw_laboratory, laboratory_study

UNIT = {"SODIUM": "mmol/L", "K": "mmol/L"}


def _cells(seed: int = 1) -> dict[str, np.ndarray]:
    """White cells and four kinds of them, of which neutrophils and lymphocytes are most; and two tests beside them."""
    rng = np.random.default_rng(seed)
    who = np.repeat(np.arange(N), VISITS)

    def one(middle: float, between: float, within: float) -> np.ndarray:
        return middle * np.exp(between * rng.standard_normal(N)[who] + within * rng.standard_normal(len(who)))

    kinds = {"NEUT": one(3.8, 0.3, 0.25), "LYM": one(1.9, 0.3, 0.2), "MONO": one(0.5, 0.3, 0.25), "EOS": one(0.2, 0.5, 0.4)}
    kinds = {name: np.round(values, 2) for name, values in kinds.items()}
    total = sum(kinds.values()) * (1 + 0.03 * rng.random(len(who)))
    beside = {"SODIUM": np.round(rng.normal(140, 2, len(who))), "K": np.round(rng.normal(4.2, 0.3, len(who)), 1)}
    return {**kinds, "WBC": np.round(total, 2), "PLAT": np.round(one(250, 0.2, 0.08)), **beside}


def _drawn(tests: dict[str, np.ndarray]) -> tuple[FindingsPart, dict[str, np.ndarray]]:
    return draw_laboratory(laboratory_study(tests, {test: UNIT.get(test, "10^9/L") for test in tests}))


def _share(of: dict[str, np.ndarray]) -> np.ndarray:
    return np.log((of["NEUT"] + of["LYM"] + of["MONO"] + of["EOS"]) / of["WBC"])


def test_kinds_of_cells_make_up_all_cells() -> None:
    """The whole and its parts are found; their share in a sample is the source's, and never more than all."""
    source = _cells()
    part, drawn = _drawn(source)
    assert [part.series_labels[j] for j in part.wholes.whole.tolist()] == ["WBC"]
    assert {part.series_labels[j] for j in np.flatnonzero(part.wholes.part[0]).tolist()} == {"NEUT", "LYM", "MONO", "EOS"}
    assert part.wholes.tight.tolist() == [True]
    was, now = _share(source), _share(drawn)
    assert now.mean() == pytest.approx(was.mean(), abs=0.005)
    assert now.std() == pytest.approx(was.std(), rel=0.15)
    assert now.max() < 0.015  # a hundredth by rounding of five counts
    for test in ("NEUT", "LYM", "MONO", "EOS", "WBC"):
        assert np.median(drawn[test]) == pytest.approx(np.median(source[test]), rel=0.1), test
        assert np.log(drawn[test]).std() == pytest.approx(np.log(source[test]).std(), rel=0.25), test


def test_tests_that_are_merely_smaller_are_no_parts() -> None:
    """Potassium is always less than sodium of the same unit, and white cells than platelets; neither adds up to the other."""
    source = _cells()
    part, _ = _drawn({name: source[name] for name in ("SODIUM", "K", "PLAT", "WBC")})
    assert not len(part.wholes.whole)


def test_a_share_beyond_its_bounds_is_brought_back() -> None:
    """Parts and whole both give way; a share inside the bounds stays as it is."""
    part, _ = _drawn(_cells())
    wholes = part.wholes
    loose = replace(wholes, tight=np.zeros(1, bool))
    members = np.append(np.flatnonzero(wholes.part[0]), wholes.whole[0])
    start = np.where(members == wholes.whole[0], 6.0, 1.47)  # the parts are 0.98 of the whole
    far = np.where(members == wholes.whole[0], 6.0, 2.0)  # and here four thirds of it
    occasion, series = np.repeat([0, 1], 5), np.tile(members, 2)
    site, rng = np.zeros(2, np.intp), np.random.default_rng(0)
    out = loose.hold(np.concatenate([start, far]), occasion, series, site, part.results, rng).reshape(2, 5)
    assert out[0] == pytest.approx(start)
    assert np.log(out[1, :4].sum() / out[1, 4]) == pytest.approx(wholes.high[0], abs=0.01)
    assert (out[1, :4] < 2.0).all()
    assert out[1, 4] > 6.0

"""Rules of results."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replicator.derivations.derivation import Derivation
from replicator.derivations.derive import derive
from replicator.derivations.rule import decimals_of, round_half_up
from replicator.tables.dataset import Numbers, Study

from .small_studies import days, find_in, make_study, subjects

N = 40
IDS = subjects(N)
DM = {"USUBJID": IDS, "RFSTDTC": days("2020-03-01", range(N))}


def lab(**columns: Any) -> Study:
    base = {"USUBJID": IDS, "LBDTC": days("2020-03-01", range(N)), "LBTESTCD": ["T"] * N}
    return make_study(DM=DM, LB={**base, **columns})


def strings(column: Any) -> list[str]:
    return list(column.strings())


@pytest.mark.parametrize(
    ("test", "factor", "offset", "decimals"),
    [
        ("creatinine, mg/dL to umol/L", 88.42, 0.0, 2),
        ("albumin, g/dL to g/L", 10.0, 0.0, 0),
        ("height, in to cm", 2.54, 0.0, 2),
        ("temperature, F to C", 5 / 9, -160 / 9, 1),
    ],
)
def test_unit_factors_are_recovered(test: str, factor: float, offset: float, decimals: int) -> None:
    """Factor, offset and decimals come back from rounded results (factors: NIST SP 811; creatinine 113.1 g/mol)."""
    rng = np.random.default_rng(1)
    original = np.round(rng.uniform(3.5, 9.9, N) if factor > 1 else rng.uniform(96, 104, N), 1)
    standard = round_half_up(original * factor + offset, decimals)
    study = lab(LBORRES=[f"{v:.1f}" for v in original], LBORRESU=["a"] * N, LBSTRESU=["b"] * N, LBSTRESN=standard)
    derivation = find_in(study)["LB", "LBSTRESN"]
    ((key, found, shift, places),) = derivation.parameters["scales"]  # type: ignore[misc]
    assert key == ["T", "a", "b"]
    assert (round(found, 6), round(shift, 6), places) == (round(factor, 6), round(offset, 6), decimals)
    assert derivation.n_agree == N


def test_results_that_are_no_numbers_stay_without_a_number() -> None:
    """'<0.2' has no STRESN, and is not tested."""
    texts = ["<0.2", "NEGATIVE"] + [f"{i / 10}" for i in range(5, 43)]
    study = lab(LBORRES=texts, LBSTRESN=[np.nan, np.nan] + [i / 10 for i in range(5, 43)], LBSTRESC=texts)
    found = find_in(study)
    assert found["LB", "LBSTRESN"].n_tested == N - 2
    assert found["LB", "LBSTRESN"].parameters["elsewhere"] == "missing"
    assert strings(derive(found["LB", "LBSTRESC"], study)) == texts


def test_a_test_of_few_subjects_keeps_no_factor() -> None:
    """Parameters name only tests and units that k subjects share."""
    codes = ["T"] * (N - 3) + ["RARE"] * 3
    values = np.arange(1.0, N + 1)
    study = lab(LBTESTCD=codes, LBORRES=[str(v) for v in values], LBSTRESN=values * 2)
    scales = find_in(study)["LB", "LBSTRESN"].parameters["scales"]
    assert [scale[0] for scale in scales] == [["T"]]  # type: ignore[attr-defined]


def test_texts_at_the_decimals_of_the_test() -> None:
    """STRESC with one decimal for one test and none for the other."""
    values = np.round(np.random.default_rng(2).uniform(1, 9, N), 3)
    places = np.where(np.arange(N) % 2, 1, 0)
    texts = [f"{round_half_up(np.array([v]), int(p))[0]:.{p}f}" for v, p in zip(values, places, strict=True)]
    study = lab(LBTESTCD=np.where(places, "A", "B"), LBSTRESN=values, LBSTRESC=texts)
    derivation = find_in(study)["LB", "LBSTRESC"]
    assert derivation.parameters["decimals"] == {"A": 1, "B": 0}
    assert strings(derive(derivation, study)) == texts


def test_indicator_with_the_words_of_the_source() -> None:
    """NRIND of three words; a result on the bound is inside if the source says so."""
    values = np.tile([1.0, 2.0, 3.0, 4.0, 5.0], 8)
    for closed in (True, False):
        low, high = (values < 2, values > 4) if closed else (values <= 2, values >= 4)
        words = np.where(low, "L", np.where(high, "H", "ok"))
        study = lab(LBSTRESN=values, LBSTNRLO=[2.0] * N, LBSTNRHI=[4.0] * N, LBNRIND=words)
        derivation = find_in(study)["LB", "LBNRIND"]
        assert derivation.parameters["words"] == ["L", "ok", "H"]
        assert derivation.parameters["bounds_are_normal"] is closed
        assert derivation.n_agree == N


def test_ratio_to_the_upper_limit_as_text_with_its_zeros() -> None:
    """A SUPP-- variable such as LBTMSHI is the result divided by the upper limit, halves rounded up."""
    values = np.round(np.random.default_rng(3).uniform(0.1, 3, N), 2)
    ratio = [f"{round_half_up(np.array([v / 0.8]), 1)[0]:.1f}" for v in values]
    study = lab(LBSTRESN=values, LBSTNRLO=[0.1] * N, LBSTNRHI=[0.8] * N, LBTMSHI=ratio)
    derivation = find_in(study)["LB", "LBTMSHI"]
    assert (derivation.rule, derivation.inputs) == ("ratio", ("LB.LBSTRESN", "LB.LBSTNRHI"))
    assert strings(derive(derivation, study)) == ratio


def test_number_of_a_text() -> None:
    """Without collected results STRESN is the number that STRESC spells, '1.50' as well as '-2'."""
    study = lab(LBSTRESC=["1.50", "-2", "NEG", ""] + ["7"] * (N - 4))
    column = derive(Derivation("LB", "LBSTRESN", "number_of_text", ("LB.LBSTRESC",)), study)
    assert isinstance(column, Numbers)
    np.testing.assert_array_equal(column.values[:5], [1.5, -2, np.nan, np.nan, 7])


def test_halves_are_rounded_away_from_zero() -> None:
    """As SAS's ROUND function does: 0.25 to 0.3, -2.5 to -3, and 1.005 (which is a little less in binary) to 1.01."""
    found = round_half_up(np.array([0.25, -2.5, 1.005, 2.4]), np.array([1, 0, 2, 0]))
    np.testing.assert_allclose(found, [0.3, -3.0, 1.01, 2.0])


@given(st.lists(st.integers(-(10**6), 10**6), min_size=1, max_size=50), st.integers(0, 4))
@settings(max_examples=60)
def test_decimals_survive_the_noise_of_floating_point(values: list[int], places: int) -> None:
    """Numbers recorded with some decimals are never taken for finer ones (9.299999999999999 has one decimal)."""
    noisy = np.array(values) / 10**places * (1 + 1e-15)
    found = decimals_of(noisy)
    assert found is not None and found <= places


@pytest.mark.parametrize("converted", [True, False])
def test_results_beyond_a_limit_are_converted_where_the_source_does(converted: bool) -> None:
    """'<0.2' mg/dL is '<3.42' umol/L; a source that copies the text keeps it."""
    values = [i / 10 for i in range(5, 43)]
    texts = ["<0.2", "> 5.0", *map(str, values)]
    standard = [round_half_up(np.array([v * 17.1]), 2)[0] for v in values]
    said = ["<3.42", ">85.5"] if converted else texts[:2]
    study = lab(
        LBORRES=texts,
        LBORRESU=["mg/dL"] * N,
        LBSTRESU=["umol/L"] * N,
        LBSTRESN=[np.nan, np.nan, *standard],
        LBSTRESC=[*said, *(f"{v:g}" for v in standard)],
    )
    found = find_in(study)
    assert found["LB", "LBSTRESC"].n_agree == N
    assert strings(derive(found["LB", "LBSTRESC"], study))[:2] == said

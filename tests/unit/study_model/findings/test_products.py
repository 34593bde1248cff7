"""Products and ratios of tests hold in a sample as in the source."""

from __future__ import annotations

import numpy as np
import pytest

from replicator.study_model.findings.products import keep_laws

from ..laboratory import VISITS, N, draw_laboratory, fit_laboratory, laboratory_study


def _blood(seed: int = 1) -> dict[str, np.ndarray]:
    """Red cells, their mean volume and haematocrit with the rounding of a laboratory, and a test beside them."""
    rng = np.random.default_rng(seed)
    who = np.repeat(np.arange(N), VISITS)
    cells = np.exp(np.log(4.5) + 0.08 * rng.standard_normal(N)[who] + 0.04 * rng.standard_normal(len(who)))
    volume = np.exp(np.log(92) + 0.05 * rng.standard_normal(N)[who] + 0.02 * rng.standard_normal(len(who)))
    sodium = 140 + 2 * rng.standard_normal(N)[who] + 2 * rng.standard_normal(len(who))
    return {
        "RBC": np.round(cells, 2),
        "MCV": np.round(volume, 1),
        "HCT": np.round(cells * volume / 10, 1),
        "SODIUM": np.round(sodium),
    }


def test_haematocrit_is_red_cells_times_their_volume() -> None:
    """One law is found, of the three tests; the sample keeps it as tightly as the source, and the spread of all three."""
    source = _blood()
    part, drawn = draw_laboratory(laboratory_study(source))
    assert len(part.products.target) == 1
    law = {part.series_labels[i] for i in [int(part.products.target[0]), *part.products.inputs[0].tolist()]}
    assert law == {"RBC", "MCV", "HCT"}
    was = np.log(source["HCT"] * 10 / source["RBC"] / source["MCV"])
    now = np.log(drawn["HCT"] * 10 / drawn["RBC"] / drawn["MCV"])
    inside = np.abs(now - was.mean()) < 4 * was.std()  # but for a result at the bound of its test
    assert inside.mean() > 0.98 and now[inside].std() < 1.5 * was.std()
    assert np.median(now) == pytest.approx(np.median(was), abs=3 * was.std() / np.sqrt(N))
    for test in law:
        assert drawn[test].std() == pytest.approx(source[test].std(), rel=0.3), test
        assert drawn[test].mean() == pytest.approx(source[test].mean(), rel=0.02), test


def test_tests_that_are_merely_alike_have_no_law() -> None:
    """Neither independent tests, nor two that measure the same thing."""
    rng = np.random.default_rng(5)
    blood = _blood()
    tests = {
        "MCV": blood["MCV"],
        "SODIUM": blood["SODIUM"],
        "GLUC": np.round(np.exp(rng.normal(1.7, 0.2, N * VISITS)), 1),
        "VOLUME": np.round(blood["MCV"] * np.exp(rng.normal(0, 0.003, N * VISITS)), 2),
    }
    part, _ = draw_laboratory(laboratory_study(tests))
    assert not len(part.products.target)


def test_laws_follow_each_other() -> None:
    """Haemoglobin over haematocrit is a second law that shares a test with the first; both hold at once."""
    rng = np.random.default_rng(6)
    source = _blood()
    share = np.exp(np.log(0.34) + 0.04 * rng.standard_normal(N * VISITS))
    source |= {"HGB": np.round(source["HCT"] * share, 1), "MCHC": np.round(100 * share, 1)}
    part, drawn = draw_laboratory(laboratory_study(source))
    assert len(part.products.target) == 2
    given = [set(part.products.inputs[i].tolist()) for i in range(2)]
    assert int(part.products.target[1]) not in given[0]
    for top, left, right, factor in (("HCT", "RBC", "MCV", 0.1), ("HGB", "HCT", "MCHC", 0.01)):
        was, now = (np.log(x[top] / x[left] / x[right] / factor) for x in (source, drawn))
        assert np.quantile(np.abs(now - was.mean()), 0.95) < 1.5 * np.quantile(np.abs(was - was.mean()), 0.95)


def _within_and_between(values: np.ndarray) -> tuple[float, float]:
    """Standard deviations of logarithms (N * VISITS,) around and of the subjects' means."""
    table = np.log(values).reshape(N, VISITS)
    mean = table.mean(axis=1)
    return float(np.sqrt(((table - mean[:, None]) ** 2).sum() / (N * (VISITS - 1)))), float(mean.std(ddof=1))


def test_no_test_of_a_group_of_laws_pays_for_the_others() -> None:
    """Of red cells, volumes and haemoglobins, each varies within and between subjects as in the source; none is a remainder."""
    rng = np.random.default_rng(8)
    source = _blood()
    load = np.exp(np.log(30) + 0.05 * rng.standard_normal(N).repeat(VISITS) + 0.02 * rng.standard_normal(N * VISITS))
    red = source["RBC"]
    source |= {"MCH": np.round(load, 1), "HGB": np.round(red * load / 10, 1)}
    part, drawn = draw_laboratory(laboratory_study(source))
    assert len(part.products.target) == 2
    assert part.coordinates.loading.shape == (5, 3)
    for test in ("RBC", "MCV", "HCT", "MCH", "HGB"):
        (within, between), (now_within, now_between) = _within_and_between(source[test]), _within_and_between(drawn[test])
        assert now_within == pytest.approx(within, rel=0.15), test
        assert now_between == pytest.approx(between, rel=0.25), test


def test_levels_of_tied_tests_are_told_in_the_coordinates_that_are_free() -> None:
    """Three tests with one law have two features; tests beside them keep their own."""
    fitted, _ = fit_laboratory(laboratory_study(_blood()))
    levels = {name for name in fitted.features if name.startswith("level")}
    assert levels == {"level[SODIUM]", "level 1[HCT and 2 more]", "level 2[HCT and 2 more]"}
    one, two = (fitted.features[f"level {number}[HCT and 2 more]"] for number in (1, 2))
    assert abs(np.corrcoef(one, two)[0, 1]) < 0.1


def test_a_law_holds_among_the_tests_that_are_there() -> None:
    """Where one test of a law is missing, the law beside it holds all the same, and only its tests move."""
    rng = np.random.default_rng(9)
    matrix = np.array([[1.0, -1.0, -1.0, 0.0, 0.0], [0.0, -1.0, 0.0, 1.0, -1.0]])  # y, a, b, z, c: y = a b and z = a c
    log = rng.standard_normal((60, 5))
    log[::3, 2] = np.nan
    wanted = rng.standard_normal((60, 2))
    moved, bound = keep_laws(log, np.repeat(np.arange(20), 3), matrix, wanted, np.eye(5), np.ones(5))
    whole = np.isfinite(log).all(axis=1)
    assert moved[whole] @ matrix.T == pytest.approx(wanted[whole])
    assert np.nan_to_num(moved[~whole]) @ matrix[1] == pytest.approx(wanted[~whole, 1])
    assert (bound[~whole] == [False, True, False, True, True]).all()

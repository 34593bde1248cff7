"""Sites in findings: last digits, levels and places of measurement of their own, and small sites that take another's ways."""

from __future__ import annotations

import numpy as np
import pytest

from replicator.config import FitConfig
from replicator.profile.find import find_structure
from replicator.study_model.findings.part import FindingsPart
from replicator.study_model.findings.sites import behave_alike, find_sites, lend_ways, sites_of_subjects
from replicator.study_model.fitting import fit_study_model
from replicator.study_model.source import read_source
from replicator.study_model.spine import Spine
from replicator.tables.dataset import Dataset, Numbers, Study, Text, Variable

SITES, EACH, VISITS, K = 8, 25, 8, 5
TENS = ("S101", "S103", "S105", "S107")  # sites that read the pressure in tens


def _study() -> Study:
    """Eight sites of 25 and one of 3: every second reads in tens, takes the temperature in the ear, and has warmer subjects."""
    rng = np.random.default_rng(11)
    n = SITES * EACH + 3
    site = np.append(np.repeat([f"S10{i}" for i in range(SITES)], EACH), ["S199"] * 3)
    ids = np.array([f"P-{i:04d}" for i in range(n)])
    tens = np.isin(site, TENS)
    who = np.repeat(np.arange(n), 2 * VISITS)
    test = np.tile(np.repeat(["SYSBP", "TEMP"], VISITS), n)
    level = rng.normal(0, 10, n)[who] + rng.normal(0, 8, len(who))
    pressure = np.where(tens[who], 10 * np.round((130 + level) / 10), np.round(130 + level))
    warm = np.round(36.5 + 0.5 * tens[who] + 0.02 * level + rng.normal(0, 0.2, len(who)), 1)
    value = np.where(test == "SYSBP", pressure, warm)
    places = np.where(test == "SYSBP", "", np.where(tens[who], "EAR", "ORAL CAVITY"))
    text = {
        "STUDYID": ["S"] * len(who),
        "DOMAIN": ["VS"] * len(who),
        "USUBJID": ids[who].tolist(),
        "VSTESTCD": test.tolist(),
        "VSORRES": [f"{one:g}" for one in value],
        "VSLOC": [one or None for one in places.tolist()],
    }
    number = {"VSSTRESN": value, "VISITNUM": np.tile(np.arange(1.0, VISITS + 1), 2 * n)}
    variables = tuple(map(Variable, text)) + tuple(Variable(name, type="num") for name in number)
    cells = {name: Text.of(v) for name, v in text.items()} | {name: Numbers(v) for name, v in number.items()}
    dm = {"STUDYID": Text.of(["S"] * n), "DOMAIN": Text.of(["DM"] * n), "USUBJID": Text.of(ids.tolist())}
    dm["SITEID"] = Text.of(site.tolist())
    return Study({"DM": Dataset("DM", tuple(map(Variable, dm)), dm), "VS": Dataset("VS", variables, cells)})


@pytest.fixture(scope="module")
def learned() -> tuple[FindingsPart, Spine, Dataset]:
    """The part of the study, its spine with the features of the source, and rows drawn for the source's own subjects."""
    study = _study()
    structure = find_structure(study)
    source = read_source(study, structure)
    fitted = FindingsPart.fit(source.datasets["VS"], structure.datasets["VS"], source.subject["VS"], source.spine, FitConfig(k=K))
    assert isinstance(fitted.part, FindingsPart)
    features = {f"VS/{feature}": value for feature, value in fitted.features.items()}
    spine = Spine(**{**source.spine.__dict__, "features": features})
    rows = fitted.part.sample(spine, np.random.default_rng(2))
    drawn = Dataset("VS", tuple(Variable(name) for name in rows.columns), {**rows.columns})
    order = np.argsort(rows.subject, kind="stable")
    return (
        fitted.part,
        spine,
        drawn.take(order).with_column(Variable("WHO", type="num"), Numbers(rows.subject[order].astype(np.float64))),
    )


def _site(spine: Spine, drawn: Dataset) -> np.ndarray:
    return spine.covariates["SITEID"][drawn.numbers("WHO").astype(np.intp)]


def test_each_site_reads_in_its_own_steps(learned: tuple[FindingsPart, Spine, Dataset]) -> None:
    """Sites that read in tens still do, and all others read every digit, one value in ten ends in 0."""
    _, spine, drawn = learned
    site, pressure = _site(spine, drawn), drawn.text("VSTESTCD").strings() == "SYSBP"
    round_ = drawn.numbers("VSSTRESN") % 10 == 0
    share = np.array([round_[pressure & (site == one)].mean() for one in range(SITES)])
    assert (share[1::2] > 0.96).all()
    assert share[::2] == pytest.approx(0.1, abs=0.05)


def test_where_it_was_measured_hangs_on_the_site(learned: tuple[FindingsPart, Spine, Dataset]) -> None:
    """A place that the site gives is that of the site, and only of the test that has one."""
    _, spine, drawn = learned
    site, warmth = _site(spine, drawn), drawn.text("VSTESTCD").strings() == "TEMP"
    place = drawn.text("VSLOC").strings()
    known = warmth & (site < SITES)
    assert (place[known] == np.where(site[known] % 2 == 1, "EAR", "ORAL CAVITY")).mean() > 0.98
    assert (place[~warmth] == "").all()


def test_levels_of_sites_come_back(learned: tuple[FindingsPart, Spine, Dataset]) -> None:
    """Sites half a degree apart are so in the sample; those that read pressure alike do not drift apart."""
    part, spine, drawn = learned
    site, value = _site(spine, drawn), drawn.numbers("VSSTRESN")
    warmth = drawn.text("VSTESTCD").strings() == "TEMP"
    means = np.array([value[warmth & (site == one)].mean() for one in range(SITES)])
    assert means[1::2] - means[::2] == pytest.approx(0.5, abs=0.15)
    pressure = np.flatnonzero(part.results.series == part.series_labels.index("SYSBP"))
    assert np.abs(part.values.sites[pressure]).max() < 4  # subjects' levels have a deviation of 10, sites 25 subjects


def test_a_small_site_takes_the_ways_of_another(learned: tuple[FindingsPart, Spine, Dataset]) -> None:
    """Three subjects have no ways of their own in the model; theirs are wholly those of one site."""
    part, spine, drawn = learned
    few = spine.covariates["SITEID"] == SITES
    assert few.sum() == 3
    assert part.site_place.tolist() == [*range(SITES), -1]
    assert part.values.sites.shape[1] == SITES + 1
    assert part.results.scales.digits.shape[1] == SITES + 1
    place = drawn.text("VSLOC").strings()[few[drawn.numbers("WHO").astype(np.intp)]]
    assert set(place) - {""} in ({"EAR"}, {"ORAL CAVITY"})


def test_ways_are_lent_by_all_in_turn() -> None:
    """Sites of too few subjects are spread over the others; codes that stand for a site are those of its lender."""
    place = np.array([0, -1, 1, -1, 2, -1], np.int64)
    like = lend_ways(place)
    assert like[[0, 2, 4]].tolist() == [0, 1, 2]
    assert sorted(like[[1, 3, 5]].tolist()) == [0, 1, 2]
    codes = behave_alike(np.array([0, 1, 2, -1]), place, like)
    assert codes.tolist() == [0, int(np.flatnonzero(place == like[1])[0]), 2, -1]


def test_a_study_of_one_site_has_no_sites() -> None:
    """Sites are told apart from the second on that has k subjects, by the closest variable that does."""
    spine = read_source(_study(), find_structure(_study())).spine
    assert find_sites(spine, K)[0] == "SITEID"
    assert find_sites(spine, 26)[0] == ""
    alone = Spine(**{**spine.__dict__, "covariates": {"SITEID": np.zeros(spine.n, np.int32)}})
    name, place = find_sites(alone, K)
    assert name == ""
    assert (sites_of_subjects(alone, name, place) == 0).all()


def test_sites_of_a_sample_are_those_of_the_source() -> None:
    """Codes of drawn sites are their places in the source; a stand-in for a small site keeps that site's place."""
    study = _study()
    model = fit_study_model(study, find_structure(study), FitConfig(k=K))
    levels = model.subjects.covariates["SITEID"]
    assert levels[:SITES] == tuple(f"S10{i}" for i in range(SITES))
    assert levels[SITES] not in ("", "S199")
    spine, columns = model.subjects.sample(np.zeros(400, np.int32), np.random.default_rng(1))
    assert (np.array(levels, object)[spine.covariates["SITEID"]] == columns["SITEID"].strings()).all()
    assert (spine.covariates["SITEID"] == SITES).any()

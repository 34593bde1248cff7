"""What is planted of the source in a sample is found by the attack that looks for it; a sample that holds nothing of it passes."""

from __future__ import annotations

from dataclasses import fields
from functools import cache

import numpy as np
import pandas as pd
import pytest

from replicator.errors import ConfigError
from replicator.evaluation.evaluation import evaluate_studies
from replicator.evaluation.features import feature_table
from replicator.evaluation.measures import NORMAL_95, Offender
from replicator.evaluation.privacy import attributes, copied_series, copied_subjects, copies, membership, nearest, uniqueness
from replicator.evaluation.privacy.groups import draw_groups, error_of_target, over_draws
from replicator.evaluation.privacy.privacy import Attack, Privacy, assess_privacy
from replicator.evaluation.stack import stack_studies
from replicator.evaluation.timeline import Timeline
from replicator.tables.dataset import Dataset, Study

from .made_study import made_study

NEED_HOLDOUT = {nearest.NEARER, membership.BY_DISTANCE, attributes.BY_DEMOGRAPHY, attributes.BY_ALL}


def assess(source: Study, sample: Study, holdout: Study | None = None) -> Privacy:
    stack = stack_studies(source, sample, holdout)
    timeline = Timeline(stack)
    return assess_privacy(stack, feature_table(stack, timeline), timeline, seed=3)


def changed(study: Study, change: object) -> Study:
    """Every dataset's frame put through a function of its name and itself."""
    frames = {name: change(name, dataset.to_frame()) for name, dataset in study.datasets.items()}  # type: ignore[operator]
    return Study({name: Dataset.from_frame(name, frame) for name, frame in frames.items()})


def renamed(study: Study, prefix: str = "T") -> Study:
    """The same subjects under other identifiers."""
    return changed(study, lambda name, frame: frame.assign(USUBJID=prefix + frame.USUBJID.astype(object)))


def with_subjects_of(study: Study, other: Study, subjects: list[str]) -> Study:
    """A study in which some subjects of another one take the place of the first ones, under new identifiers."""

    def change(name: str, frame: pd.DataFrame) -> pd.DataFrame:
        theirs = other[name].to_frame()
        theirs = theirs[theirs.USUBJID.isin(subjects)]
        gone = sorted(study["DM"].to_frame().USUBJID)[: len(subjects)]
        place = {one: f"L-{i:04d}" for i, one in enumerate(subjects)}
        return pd.concat([frame[~frame.USUBJID.isin(gone)], theirs.assign(USUBJID=theirs.USUBJID.astype(object).map(place))])

    return changed(study, change)


@cache
def real(seed: int, n: int = 150) -> Study:
    """The made study with four more tests at every visit."""
    study = made_study(seed, n)
    lb, rng = study["LB"].to_frame(), np.random.default_rng(seed)
    more = [
        lb[lb.LBTESTCD == "ALT"].assign(LBTESTCD=test, LBTEST=test, LBSTRESN=lambda f: rng.normal(5.0, 1.0, len(f)).round(2))
        for test in ("K", "CA", "GLUC", "HGB")
    ]
    lab = pd.concat([lb, *(one.assign(LBSTRESC=one.LBSTRESN.astype(str)) for one in more)])
    return study.with_datasets([*(one for one in study.datasets.values() if one.name != "LB"), Dataset.from_frame("LB", lab)])


def succeeding(privacy: Privacy) -> set[str]:
    return {attack.figure.name for attack in privacy.attacks if attack.succeeds}


@pytest.mark.parametrize("seed", [2, 4, 5])
@pytest.mark.parametrize("holdout", [None, 3])
def test_subjects_of_the_same_process_give_nobody_away(seed: int, holdout: int | None) -> None:
    found = assess(real(1), renamed(real(seed)), None if holdout is None else real(holdout))
    assert succeeding(found) == set() and found.holds
    for attack in found.attacks:
        figure = attack.figure
        if holdout is None and figure.name in NEED_HOLDOUT:
            assert np.isnan(figure.value) and "holdout" in figure.note
        elif attack.told:
            assert figure.lowest <= figure.interval.low <= figure.value <= figure.interval.high <= figure.highest
    assert "None of" in found.verdict[0]
    assert found.distances is not None
    assert found.distances.sample == pytest.approx(found.distances.others, abs=0.05)


def test_a_copy_of_the_source_is_found_by_every_attack() -> None:
    found = assess(real(1), renamed(real(1)), real(3))
    missed = {attack.figure.name for attack in found.attacks if attack.told} - succeeding(found)
    assert missed == {copies.IDENTIFIERS}
    figures = {figure.name: figure for figure in found.figures}
    for name in (
        nearest.NEARER,
        nearest.TOO_NEAR_NAME,
        uniqueness.COMBINATIONS,
        uniqueness.VALUES,
        copied_series.SERIES,
        copied_subjects.SUBJECTS,
    ):
        assert figures[name].value > 0.85, figures[name]
    assert figures[membership.BY_DISTANCE].value > 0.9


def test_a_copy_is_found_without_a_holdout() -> None:
    found = succeeding(assess(real(1), renamed(real(1))))
    assert {nearest.TOO_NEAR_NAME, uniqueness.VALUES, copied_series.SERIES, copied_subjects.SUBJECTS} <= found


@pytest.mark.parametrize("holdout", [None, 3])
def test_one_leaked_subject_is_found_as_a_copied_subject_alone(holdout: int | None) -> None:
    source = real(1)
    leaked = source["LB"].to_frame().USUBJID.value_counts().index[0]
    sample = with_subjects_of(renamed(real(2)), source, [leaked])
    found = assess(source, sample, None if holdout is None else real(holdout))
    assert succeeding(found) == {copied_subjects.SUBJECTS}
    assert 0.0 < next(one for one in found.figures if one.name == copied_subjects.SUBJECTS).value < 0.02
    assert "Copied subjects" in " ".join(found.verdict)


@pytest.mark.parametrize("factor", [1.005, 1.01])
def test_a_leaked_subject_whose_results_were_changed_a_little_is_found_as_well(factor: float) -> None:
    """No series is equal any more; it is nearer to the subject than any of the real ones comes to another."""
    source = real(1)
    leaked = source["LB"].to_frame().USUBJID.value_counts().index[0]

    def blurred(name: str, frame: pd.DataFrame) -> pd.DataFrame:
        if name != "LB":
            return frame
        numbers = (factor * frame.LBSTRESN).round(2)
        return frame.assign(LBSTRESN=numbers, LBSTRESC=numbers.astype(str))

    sample = with_subjects_of(renamed(real(2)), changed(source, blurred), [leaked])
    found = assess(source, sample, real(3))
    assert succeeding(found) == {copied_subjects.SUBJECTS}
    assert next(one for one in found.figures if one.name == copied_subjects.SUBJECTS).value == pytest.approx(1 / 150)


def with_a_series_of(study: Study, other: Study, n: int) -> Study:
    """A study in which some subjects have the results of one test of the subjects of another one, at the same visits."""
    theirs, frame = (one["LB"].to_frame() for one in (other, study))
    own = theirs[theirs.LBTESTCD == "K"].groupby("USUBJID")
    long = [series for _, series in own if len(series) >= copied_series.LENGTH]
    subjects = sorted(set(frame.USUBJID))[:n]
    rest = frame[~(frame.USUBJID.isin(subjects) & (frame.LBTESTCD == "K"))]
    lab = pd.concat([rest, *(long[i % len(long)].assign(USUBJID=one) for i, one in enumerate(subjects))])
    return study.with_datasets([*(one for one in study.datasets.values() if one.name != "LB"), Dataset.from_frame("LB", lab)])


@pytest.mark.parametrize(("n", "tell"), [(20, False), (300, True)])
def test_what_few_real_subjects_show_none_of_is_no_target_of_exactly_none(n: int, tell: bool) -> None:
    """Some 200 series of forty subjects agree with none of the source; 20 of the 5,000 of a large sample are no more than that."""
    source, sample = real(1, 40), with_a_series_of(renamed(real(2, 1000)), real(1, 40), n)
    found = assess(source, sample, real(3, 40))
    figure = next(one for one in found.figures if one.name == copied_series.SERIES)
    assert figure.target == 0.0 and figure.value > 0.8 * n / 5000
    assert (copied_series.SERIES in succeeding(found)) is tell


def test_the_error_of_a_target_is_that_of_the_upper_limit_of_clopper_and_pearson() -> None:
    """None of 10: 0 to 0.3085, as in R's binom.test(0, 10); three of 10: up to 0.6525."""
    assert error_of_target(0.0, 10) == pytest.approx(0.3084971 / NORMAL_95, rel=1e-6)
    assert error_of_target(0.3, 10) == pytest.approx((0.6524529 - 0.3) / NORMAL_95, rel=1e-6)
    assert error_of_target(1.0, 10) == 0.0


def test_subjects_drawn_from_the_source_again_are_found() -> None:
    source = real(1)
    half = sorted(source["DM"].to_frame().USUBJID)[:75]
    found = succeeding(assess(source, with_subjects_of(renamed(real(2)), source, half), real(3)))
    assert {nearest.TOO_NEAR_NAME, copied_series.SERIES, copied_subjects.SUBJECTS} <= found


def with_texts(study: Study, texts: list[str]) -> Study:
    """Each of the first subjects with an event gets a term of its own."""

    def change(name: str, frame: pd.DataFrame) -> pd.DataFrame:
        if name == "AE":
            first = frame.drop_duplicates("USUBJID").index[: len(texts)]
            frame["AETERM"] = frame.AETERM.astype(object)
            frame.loc[first, "AETERM"] = texts
        return frame

    return changed(study, change)


def test_copied_texts_are_found_and_those_of_common_knowledge_are_not() -> None:
    """A sample may meet one text in five by chance, if it meets one in five of those that only others have."""
    words = [f"wording {chr(97 + i // 26)}{chr(97 + i % 26)}" for i in range(60)]
    own, theirs = words[:30], words[30:]
    source, holdout = with_texts(real(1), own), with_texts(real(3), theirs)
    known = with_texts(renamed(real(2)), own[::5] + theirs[::5])
    copied = with_texts(renamed(real(2)), own[:15])
    assert copies.TEXTS not in succeeding(assess(source, known, holdout))
    found = assess(source, copied, holdout)
    assert succeeding(found) == {copies.TEXTS}
    assert next(one for one in found.figures if one.name == copies.TEXTS).value == 0.5
    assert not [one for one in own if one in repr(found)]


def test_identifiers_of_the_source_are_found() -> None:
    found = assess(real(1), real(2), real(3))
    assert succeeding(found) == {copies.IDENTIFIERS}
    assert "150 (target 0)" in " ".join(found.verdict)


def test_an_attribute_that_the_sample_gives_away_is_found() -> None:
    """Subjects of the sample who have a source subject's demography to the year, and its laboratory values."""
    source = real(1)
    lab = {one.USUBJID: one for one in source["DM"].to_frame().itertuples()}
    sample = renamed(source, "A")
    found = {figure.name: figure for figure in assess(source, sample, real(3)).figures}
    figure = found[attributes.BY_ALL]
    assert len(lab) == 150 and figure.interval.low > 0.02
    assert all(isinstance(one, Offender) and one.sample > one.floor for one in figure.offenders)


def test_chosen_attributes_are_guessed_and_unknown_ones_are_refused() -> None:
    found = evaluate_studies(real(1), renamed(real(1), "A"), real(3), infer=("LB ALT level",)).privacy
    figure = next(one for one in found.figures if one.name == attributes.BY_DEMOGRAPHY)
    assert figure.note.endswith("of LB ALT level.") and figure.interval.low <= figure.value <= figure.interval.high
    with pytest.raises(ConfigError, match=r"no attribute 'ALT' .* LB ALT level"):
        evaluate_studies(real(1), real(2), real(3), infer=("ALT",))


ODD = {
    "demography alone": {"DM": ()},
    "demography without dates and arms": {"DM": ("ARM", "RFSTDTC", "RFENDTC")},
    "demography that tells nothing": {"DM": ("ARM", "RFSTDTC", "RFENDTC", "AGE", "SEX")},
    "findings alone": {"LB": ()},
    "findings without dates and visits": {"LB": ("LBDTC", "VISITNUM", "VISIT")},
    "findings without results": {"LB": ("LBSTRESN", "LBSTRESC")},
    "events alone": {"AE": ()},
}


@pytest.mark.parametrize("n", [8, 40])
@pytest.mark.parametrize("held_out", [False, True])
@pytest.mark.parametrize("what", ODD)
def test_any_study_is_attacked(what: str, held_out: bool, n: int) -> None:
    """What cannot be told has no number and says why; nothing fails."""
    source, sample, holdout = (
        Study({name: study[name].without(*gone) for name, gone in ODD[what].items()})
        for study in (made_study(4, n, rash=1.0), renamed(made_study(5, n, rash=1.0)), made_study(6, n, rash=1.0))
    )
    found = assess(source, sample, holdout if held_out else None)
    for attack in found.attacks:
        assert attack.told or attack.figure.note
        assert all(getattr(attack, one.name) for one in fields(Attack))
    assert found.verdict


def test_gowers_distance_against_values_by_hand() -> None:
    """Two numbers by their range, and one that a subject lacks: half a range."""
    values = np.array([[0.0, 10.0, 3.0], [1.0, 15.0, np.nan], [0.0, 30.0, 3.0], [1.0, 10.0, np.nan]])
    place = nearest.scaled(values, np.ones(4, bool))
    found = nearest.distances(place[:2], place)
    low, high = np.quantile(values[:, 1], [0.01, 0.99])
    second = (15.0 - 10.0 if low <= 10.0 else 15.0 - low) / (high - low)
    assert found[0, 0] == 0.0 and found[1, 1] == 0.0
    assert found[0, 1] == pytest.approx((1.0 + second + 0.5) / 3, abs=1e-9)
    assert found[0, 2] == pytest.approx(1.0 / 3)


def test_draws_are_of_equal_size_and_do_not_overlap() -> None:
    stack = stack_studies(real(1), renamed(real(2, 40)), real(3, 60))
    groups = draw_groups(stack, np.random.default_rng(0))
    n = len(groups.known) // 2
    assert groups.known[:n].sum(axis=1).tolist() == groups.others[:n].sum(axis=1).tolist() == [60] * n
    assert groups.known[n:].sum(axis=1).tolist() == groups.others[n:].sum(axis=1).tolist() == [30] * n
    assert not (groups.known & groups.others).any() and not groups.taught
    halves = draw_groups(stack_studies(real(1), renamed(real(2))), np.random.default_rng(0))
    assert halves.taught and halves.size == 75 and not (halves.known & halves.others).any()
    assert over_draws(np.array([1.0, 3.0, 0.0, 4.0])) == (2.0, pytest.approx(np.sqrt(8.0)))


def test_shadow_models_tell_members_of_a_model_that_copies() -> None:
    """A model that returns what it was taught is broken by ten shadows; one that was taught nothing is not."""
    source = real(1, 60)
    copying = membership.shadow_figure(source, 6, lambda study, seed: renamed(study), seed=1)
    assert copying.value > 0.99 and copying.interval.low > 0.95
    ignorant = membership.shadow_figure(source, 6, lambda study, seed: made_study(100 + seed, 60), seed=1)
    assert ignorant.interval.low < 0.5 < ignorant.interval.high
    assert abs(ignorant.value - 0.5) < 0.1


def test_shadow_models_are_taught_halves() -> None:
    taught: list[set[str]] = []

    def refit(study: Study, seed: int) -> Study:
        subjects = {name: set(dataset.text("USUBJID").strings()) for name, dataset in study.datasets.items()}
        assert all(own <= subjects["DM"] for own in subjects.values())
        taught.append(subjects["DM"])
        return made_study(seed, 30)

    membership.shadow_figure(real(1, 60), 3, refit, seed=1)
    assert [len(one) for one in taught] == [30, 30, 30]
    assert len(set.union(*taught)) > 30


def test_too_few_shadow_models_are_refused_with_a_reason() -> None:
    figure = membership.shadow_figure(real(1, 60), 2, lambda study, seed: study, seed=1)
    assert np.isnan(figure.value) and "2 shadow models" in figure.note


def test_people_who_are_alike_in_all_that_is_known_are_no_copies() -> None:
    """Age in years, sex and site alone: real people of whom no more is known are the same, so a sample may have the same too."""
    rng = np.random.default_rng(8)

    def people(n: int, name: str) -> Study:
        columns = {
            "USUBJID": [f"{name}-{i}" for i in range(n)],
            "AGE": rng.integers(40, 90, n).astype(float),
            "SEX": rng.choice(["F", "M"], n),
            "SITEID": rng.choice(["01", "02", "03", "04", "05", "06"], n),
        }
        return Study({"DM": Dataset.from_frame("DM", pd.DataFrame(columns))})

    stack = stack_studies(people(150, "A"), people(1500, "B"), people(150, "C"))
    table = feature_table(stack, Timeline(stack))
    near, known_well = copied_subjects.near_copies(stack, table, np.ones(len(stack.origin), bool))
    assert known_well.sum() > 1500
    assert not near.any()


def many_columns(seed: int, n: int, source: np.ndarray | None = None) -> Study:
    """Subjects of sixty numbers; with a source, each number is drawn on its own from those of its subjects."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n, 60)) if source is None else source[rng.integers(0, len(source), (n, 60)), np.arange(60)]
    frame = pd.DataFrame({"STUDYID": "M", "DOMAIN": "DM", "USUBJID": [f"{seed}-{i:03d}" for i in range(n)]})
    numbers = pd.DataFrame(values.round(4), columns=[f"N{i:02d}" for i in range(60)])
    return Study({"DM": Dataset.from_frame("DM", pd.concat([frame, numbers], axis=1))})


def test_distributions_of_few_subjects_give_nobody_away_and_a_copy_does() -> None:
    """Whatever has the numbers of 20 subjects column by column lies nearer to them, though it has nobody in it."""
    source, holdout = many_columns(1, 20), many_columns(2, 20)
    values = source["DM"].to_frame().filter(regex="^N").to_numpy(float)
    figures = {one.name: one for one in assess(source, many_columns(3, 200, values), holdout).figures}
    nearer = figures[nearest.NEARER]
    assert nearer.value > 0.6 and nearer.target == pytest.approx(nearer.value, abs=0.1)
    assert f"show {nearer.target:.3f} with nobody in them" in nearer.note
    assert nearest.NEARER not in succeeding(assess(source, many_columns(3, 200, values), holdout))
    assert {copied_subjects.SUBJECTS, membership.BY_DISTANCE} <= succeeding(assess(source, renamed(source), holdout))

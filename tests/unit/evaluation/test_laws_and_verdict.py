"""Laws under the same rules on all sides, and the rule by which a sample is judged."""

from __future__ import annotations

import numpy as np
import pytest

from replicator.evaluation.giveaways.giveaway import Giveaway, Scale
from replicator.evaluation.giveaways.giveaways import Giveaways
from replicator.evaluation.laws import Laws, judge_laws, laws_figure
from replicator.evaluation.measures import Direction, Family, Figure, Interval, Offender
from replicator.evaluation.privacy.privacy import Privacy
from replicator.evaluation.verdict import Conclusion, Grade, Judgement, conclude, judge_family, judge_figure, judge_giveaway
from replicator.rules.certificate import LOST, Certificate, Comparison, Verdict
from replicator.rules.rule import Severity
from replicator.tables.dataset import Dataset, Study

from .made_study import made_study

NO_PRIVACY = Privacy((), None, ())
NO_LAWS = Laws(Certificate(()), None)


def broken(study: Study, n: int) -> Study:
    """Let the end of some events lie before their beginning."""
    frame = study["AE"].to_frame()
    ended = frame.index[frame["AEENDTC"].notna()][:n]
    frame.loc[ended, "AEENDTC"] = "2001-01-01"
    return study.with_datasets([Dataset.from_frame("AE", frame) if one.name == "AE" else one for one in study.datasets.values()])


def test_a_broken_law_is_lost_and_named() -> None:
    source = made_study(1, 60)
    kept, lost = judge_laws(source, made_study(2, 60)), judge_laws(source, broken(made_study(2, 60), 5))
    new = set(lost.lost) - set(kept.lost)
    assert new
    assert all(dataset in ("AE", "") for _, dataset, _ in new)
    assert laws_figure(lost).value < laws_figure(kept).value
    judged = conclude((), (laws_figure(lost),), lost, NO_PRIVACY, Giveaways()).judgements
    assert [one.grade for one in judged] == [Grade.FINDING]  # one measure, however many laws
    assert all(rule in judged[0].reason for rule, _, _ in lost.lost[:3])
    assert all(one.message for one in lost.sample.of(*LOST))


def test_a_law_that_real_subjects_break_is_no_law() -> None:
    """What those held out break as well is excused, and the target is what they keep."""
    source, sample = made_study(1, 60), broken(made_study(2, 60), 5)
    alone, beside = judge_laws(source, sample), judge_laws(source, sample, broken(made_study(3, 60), 5))
    broken_rules = {(one.rule, one.dataset, one.variable) for one in beside.sample.of(Verdict.BROKEN)}
    assert set(alone.lost) - set(beside.lost)
    assert set(beside.lost) < broken_rules
    assert laws_figure(alone).target == 1.0
    assert laws_figure(beside).target < 1.0


def beyond(study: Study, n: int) -> Study:
    """Let the results of some subjects lie far beyond all others."""
    frame = study["LB"].to_frame()
    frame.loc[frame["USUBJID"].isin(sorted(set(frame["USUBJID"]))[:n]), "LBSTRESN"] = 1e6
    return study.with_datasets([Dataset.from_frame("LB", frame) if one.name == "LB" else one for one in study.datasets.values()])


def test_a_few_numbers_beyond_a_range_are_no_lost_law_and_many_are() -> None:
    """That nobody of the source showed them does not say that nobody has them: rates are compared."""
    source, sample = made_study(1, 60), made_study(2, 60)
    few, many = (judge_laws(source, beyond(sample, n)) for n in (2, 20))
    rule = "SRC-RANGE LB.LBSTRESN"
    assert rule in {one.rule for one in few.sample.of(Verdict.RARE)} and rule not in {lost for lost, _, _ in few.lost}
    assert rule in {lost for lost, _, _ in many.lost}


def certified(**verdicts: Verdict) -> Certificate:
    """Rules by name with a verdict each."""
    return Certificate(tuple(Comparison(name, "DM", "AGE", Severity.ERROR, one, 50, 0, 50, 1) for name, one in verdicts.items()))


@pytest.mark.parametrize(
    ("sample", "holdout", "said"),
    [
        ({"A": Verdict.PASSED, "B": Verdict.PASSED}, None, "The sample keeps all 2 rules that the source keeps"),
        ({"A": Verdict.PASSED, "B": Verdict.BROKEN}, None, "The sample keeps 1 of the 2 rules"),
        ({"A": Verdict.PASSED, "B": Verdict.BROKEN}, {"A": Verdict.BROKEN}, "held out break 1 of the source's rules."),
        ({"A": Verdict.PASSED, "B": Verdict.BROKEN}, {"B": Verdict.BROKEN}, "the one that the sample breaks among them."),
        ({"A": Verdict.BROKEN, "B": Verdict.BROKEN}, {"B": Verdict.BROKEN}, "1 of the 2 that the sample breaks among them."),
        (
            {"A": Verdict.BROKEN, "B": Verdict.BROKEN},
            {"A": Verdict.BROKEN, "B": Verdict.BROKEN},
            "all 2 that the sample breaks among them.",
        ),
        (
            {"A": Verdict.PASSED, "B": Verdict.RARE},
            None,
            "keeps 1 of the 2 rules that the source keeps and that it could be put to, and fails 1 as rarely as chance allows.",
        ),
        ({"A": Verdict.NOT_TESTED}, None, "The source keeps no rule to hold the sample to."),
    ],
)
def test_laws_are_told_in_words(sample: dict[str, Verdict], holdout: dict[str, Verdict] | None, said: str) -> None:
    laws = Laws(certified(**sample), None if holdout is None else certified(**holdout))
    assert said in laws.summary()


def test_the_interval_of_the_share_is_clopper_and_pearsons() -> None:
    """Nine of ten: 0.555 to 0.997, as in R's binom.test(9, 10)."""
    verdicts = [Verdict.PASSED] * 9 + [Verdict.BROKEN]
    rows = (Comparison(f"R{i}", "AE", "", Severity.ERROR, one, 9, 0, 9, 0) for i, one in enumerate(verdicts))
    figure = laws_figure(Laws(Certificate(tuple(rows)), None))
    assert figure.value == pytest.approx(0.9)
    assert (figure.interval.low, figure.interval.high) == pytest.approx((0.5549839, 0.9974714), abs=1e-6)


def test_without_rules_nothing_is_told() -> None:
    figure = laws_figure(NO_LAWS)
    assert np.isnan(figure.value)
    assert figure.note
    assert judge_figure(figure).grade is Grade.UNKNOWN


def family(ratio: float, low: float, high: float, offenders: tuple[Offender, ...] = ()) -> Family:
    return Family("events", "?", 9, 0.1, 0.1, ratio, Interval(low, high), 0.0, 1.0, offenders, sum(o.certain for o in offenders))


@pytest.mark.parametrize(
    ("judged", "grade"),
    [
        (family(1.05, 1.01, 1.09), Grade.FINE),
        (family(1.4, 0.9, 2.2), Grade.FINE),
        (family(1.2, 1.05, 1.4), Grade.NOTICEABLE),
        (family(1.6, 0.99, 2.5), Grade.FINE),
        (family(1.6, 1.2, 2.1), Grade.FINDING),
        (family(1.0, 0.9, 1.1, (Offender("a", 0.15, 0.1, certain=True),)), Grade.NOTICEABLE),
        (family(1.0, 0.9, 1.1, (Offender("a", 0.45, 0.1, certain=True),)), Grade.FINDING),
        (family(1.0, 0.9, 1.1, (Offender("a", 0.45, 0.1),)), Grade.FINE),
        (family(np.nan, np.nan, np.nan), Grade.UNKNOWN),
    ],
)
def test_families_are_judged_by_ratio_and_interval(judged: Family, grade: Grade) -> None:
    assert judge_family(judged).grade is grade


def figure(value: float, target: float, margin: float, direction: Direction) -> Figure:
    return Figure("x", "?", value, target, Interval(value - margin, value + margin), 0.0, 1.0, direction, 9)


@pytest.mark.parametrize(
    ("judged", "grade"),
    [
        (figure(0.55, 0.5, 0.1, Direction.LOWER), Grade.FINE),
        (figure(0.60, 0.5, 0.05, Direction.LOWER), Grade.NOTICEABLE),
        (figure(0.75, 0.5, 0.05, Direction.LOWER), Grade.FINDING),
        (figure(0.20, 0.5, 0.05, Direction.LOWER), Grade.FINE),
        (figure(0.20, 0.5, 0.05, Direction.HIGHER), Grade.FINDING),
        (figure(0.80, 0.5, 0.05, Direction.HIGHER), Grade.FINE),
        (figure(0.20, 0.5, 0.05, Direction.NEAR), Grade.FINDING),
        (figure(0.60, 0.5, 0.05, Direction.NEAR), Grade.NOTICEABLE),
        (figure(0.90, 0.5, 0.60, Direction.NEAR), Grade.FINE),
        (figure(np.nan, 0.5, 0.1, Direction.NEAR), Grade.UNKNOWN),
    ],
)
def test_figures_are_judged_by_target_and_range(judged: Figure, grade: Grade) -> None:
    assert judge_figure(judged).grade is grade


def test_the_verdict_names_what_is_wrong() -> None:
    bad, odd, fine = family(1.6, 1.2, 2.1), figure(0.6, 0.5, 0.05, Direction.LOWER), family(1.0, 0.9, 1.1)
    said = conclude((bad,), (odd,), NO_LAWS, NO_PRIVACY, Giveaways())
    assert not said.is_clean
    assert "1 of 2 measures: events" in said.summary()
    assert "noticeably off: x" in said.summary()
    assert conclude((fine,), (), NO_LAWS, NO_PRIVACY, Giveaways()).summary() == (
        "No finding, 1 measure is as it is between real subjects."
    )
    assert said.summary() == "The sample can be told from real subjects in 1 of 2 measures: events; noticeably off: x."
    two = conclude((fine,), (odd,), NO_LAWS, NO_PRIVACY, Giveaways()).summary()
    assert two == "No finding, 1 measure of 2 noticeably off (x). The other one is as it is between real subjects."
    assert "Nothing could be told" in conclude((), (), NO_LAWS, NO_PRIVACY, Giveaways()).summary()


def test_a_grade_that_single_entries_give_says_so() -> None:
    """The ratio of both families is as between real subjects; the entry of one exceeds a fifth of the range."""
    for excess, grade in ((0.1, Grade.NOTICEABLE), (0.3, Grade.FINDING)):
        off = Offender("LB ALT level", 0.2 + excess, 0.2, certain=True)
        family = Family("marginals", "?", 900, 0.2, 0.2, 1.03, Interval(0.97, 1.1), 0.0, 1.0, (off,), 1)
        judged = judge_family(family)
        assert (judged.grade, judged.single) == (grade, "by 1 single entry beyond chance")
    whole = Family("marginals", "?", 900, 0.4, 0.2, 2.0, Interval(1.8, 2.2), 0.0, 1.0, (off,), 1)
    assert (judge_family(whole).grade, judge_family(whole).single) == (Grade.FINDING, "")


def test_privacy_comes_first_where_an_attack_succeeds() -> None:
    """One attack, one finding and one measure that is fine: the attack is no matter of likeness."""
    leak = Judgement("nearer to the source", Grade.FINDING, "", of_privacy=True)
    told, fine = Judgement("detector", Grade.FINDING, ""), Judgement("pairs", Grade.FINE, "")
    begin = "Privacy: nearer to the source finds more of the source's subjects than chance explains."
    whole = Conclusion((leak, told, fine)).summary()
    assert whole.startswith(f"{begin} Likeness: the sample can be told from real subjects in 1 of 2 measures:")
    assert Conclusion((leak, fine)).summary() == f"{begin} Likeness: no finding, 1 measure is as it is between real subjects."
    assert not Conclusion((leak, fine)).is_clean
    assert Conclusion((leak,)).summary() == begin


def test_a_giveaway_that_single_entries_give_is_no_finding_and_says_so() -> None:
    """The value lies where real subjects lie; one entry does not."""
    inside, whole = (
        Giveaway("digits", figure(0.19, 0.05, 0.2, Direction.NEAR), Scale.SHARE, 0.05, 0.05, Interval(0.0, 0.21), 0.6, True, n)
        for n in (1, 0)
    )
    judged = judge_giveaway(inside)
    assert (judged.grade, judged.single) == (Grade.NOTICEABLE, "by 1 single entry beyond chance")
    assert judge_giveaway(whole).grade is Grade.FINDING

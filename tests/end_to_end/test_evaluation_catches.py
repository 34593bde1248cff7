"""What is wrong with a sample is caught by the measures that ask for it, and by no others.

================================  ===========================================  ==============================================
sample                            caught by                                    may show too
================================  ===========================================  ==============================================
another draw of the same process  nothing                                      nothing
columns shuffled                  dependence, course of tests, detector, laws, pairs, and all that is told by test, arm or term
                                  giveaways of visit days and panels
columns drawn each on its own     the same                                     the same
subjects drawn with replacement   copied subjects and series                   nearness, membership, the detector, and what is
                                                                               further off because it was drawn twice
one law broken in three rows      laws                                         nothing
one arm shifted                   differences between arms                     levels, means, marginals, the detector, results
                                                                               of the study, what is predicted by or for the
                                                                               arm
one correlation lost              dependence within domains                    the course of that test, its other ties, the
                                                                               detector
one subject leaked                copied subjects                              copied series
================================  ===========================================  ==============================================
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import replicator as rp
from replicator.evaluation.evaluation import Evaluation, evaluate_studies
from replicator.evaluation.families import compare_studies
from replicator.evaluation.measures import overall
from replicator.evaluation.verdict import Grade, judge_family

from ..unit.evaluation.made_study import made_study

SAMPLE_STUDY = Path(__file__).parents[2] / "sample_data" / "rvt117-204" / "csv"
N = 150

Frames = dict[str, pd.DataFrame]

COURSE = {"trajectories", "spread over time"}
MOMENTS, ARMS = "means and deviations", "differences between arms"
DEPENDENCE = {"dependence within domains", "dependence between domains"}
LAWS = {"laws held"}
COPIES = {"copied subjects", "copied series"}
NEARNESS = {
    "nearer to the source",
    "too near to the source",
    "membership by distance",
    "attributes from demography",
    "attributes from all other datasets",
    "unique combinations",
    "numbers of one subject",
    "copied texts",
}
DAYS_AND_PANELS = {"visits on the planned day", "gaps of whole weeks", "LB complete panels", "LB tests present"}
ON_VISIT_DAYS = {"AE begun on a visit day"}
RESULTS = {"endpoints inside", "signs of differences"}
UTILITY = {"leaving predicted", "event predicted", "change predicted, LB", "change predicted, VS", "arm predicted"}
BY_ARM_OR_TERM = (
    {"marginals", "pairs", "attendance", "events", "event days", "event qualifiers", "retention", MOMENTS, ARMS} | RESULTS | UTILITY
)


@cache
def real(seed: int) -> rp.Study:
    """Real subjects, or sampled ones: those of each seed have identifiers of their own."""
    return _named_anew(made_study(seed, N), str(seed))


def _frames(study: rp.Study) -> Frames:
    return {name: one.to_frame() for name, one in study.datasets.items()}


def _study(frames: Frames) -> rp.Study:
    return rp.Study({name: rp.Dataset.from_frame(name, frame) for name, frame in frames.items()})


def _named_anew(study: rp.Study, prefix: str) -> rp.Study:
    return _study({name: frame.assign(USUBJID=f"{prefix}-" + frame["USUBJID"]) for name, frame in _frames(study).items()})


def _columns(frames: Frames, redraw: Callable[[np.ndarray], np.ndarray]) -> rp.Study:
    """Redraw every column but the subject's within its dataset."""
    return _study(
        {
            name: frame.assign(**{v: redraw(frame[v].to_numpy(object)) for v in frame.columns if v != "USUBJID"}).astype(
                frame.dtypes
            )
            for name, frame in frames.items()
        }
    )


def shuffled() -> rp.Study:
    return _columns(_frames(real(2)), np.random.default_rng(11).permutation)


def independent() -> rp.Study:
    rng = np.random.default_rng(12)
    return _columns(_frames(real(2)), lambda values: rng.choice(values, len(values)))


def bootstrap() -> rp.Study:
    """Sequence numbers are given anew: in this study they are unique."""
    frames = _frames(with_vital_signs(real(1), 1))
    rng, subjects = np.random.default_rng(13), frames["DM"]["USUBJID"].to_numpy(object)
    drawn = pd.DataFrame({"USUBJID": rng.choice(subjects, N), "NEW": [f"9-S-{i:04d}" for i in range(N)]})
    return _study(
        {
            name: drawn.merge(frame, on="USUBJID").assign(
                USUBJID=lambda rows: rows["NEW"],
                **{v: lambda rows: np.arange(len(rows)) + 1.0 for v in frame.columns if v in ("AESEQ", "LBSEQ")},
            )[list(frame.columns)]
            for name, frame in frames.items()
        }
    )


def law_broken() -> rp.Study:
    """In the source the term as reported and the term of the dictionary are the same; here they are not in three rows."""
    frames = _frames(real(2))
    ds = frames["DS"]
    some = np.random.default_rng(14).choice(np.flatnonzero(ds["DSDECOD"] == "COMPLETED"), 3, replace=False)
    ds.loc[some, "DSDECOD"] = "ADVERSE EVENT"
    return _study(frames)


def with_vital_signs(study: rp.Study, seed: int) -> rp.Study:
    """Measure six vital signs at each visit, so that a subject has a record by which it could be known."""
    rng, frames = np.random.default_rng(seed), _frames(study)
    visits = frames["SV"].rename(columns={"SVSTDTC": "VSDTC"})
    tests = []
    for code in ("SYSBP", "DIABP", "PULSE", "TEMP", "RESP", "WEIGHT"):
        values = rng.normal(100.0, 10.0, len(visits)).round(1)
        tests.append(visits.assign(DOMAIN="VS", VSTESTCD=code, VSTEST=code, VSSTRESC=values.astype(str), VSSTRESN=values))
    return _study(frames | {"VS": pd.concat(tests, ignore_index=True)})


def leaked() -> rp.Study:
    """A subject of the source who came to all visits stands in the place of one of the sample."""
    source, frames = _frames(with_vital_signs(real(1), 1)), _frames(with_vital_signs(real(2), 2))
    who, place = source["VS"]["USUBJID"].value_counts().index[0], frames["DM"]["USUBJID"].iloc[0]
    return _study(
        {
            name: pd.concat(
                [
                    frame[frame["USUBJID"] != place],
                    source[name][source[name]["USUBJID"] == who].assign(USUBJID=place),
                ],
                ignore_index=True,
            )
            for name, frame in frames.items()
        }
    )


def caught(found: Evaluation) -> set[str]:
    """Names of all measures that are noticeable or a finding."""
    return {one.name for one in found.conclusion.judgements if one.grade in (Grade.NOTICEABLE, Grade.FINDING)}


SAMPLES: dict[str, tuple[Callable[[], rp.Study], set[str], set[str]]] = {
    "another draw of the same process": (lambda: real(2), set(), set()),
    "columns shuffled": (shuffled, DEPENDENCE | COURSE | LAWS | DAYS_AND_PANELS | {"detector"}, BY_ARM_OR_TERM),
    "columns drawn each on its own": (
        independent,
        DEPENDENCE | COURSE | LAWS | DAYS_AND_PANELS | {"detector"},
        BY_ARM_OR_TERM,
    ),
    "one law broken in three rows": (law_broken, {"laws held"}, set()),
    "one arm shifted": (
        lambda: _named_anew(made_study(2, N, arm_effect=3.0), "2"),
        {ARMS},
        {"trajectories", MOMENTS, "marginals", "detector"} | RESULTS | UTILITY,
    ),
    "one correlation lost": (
        lambda: _named_anew(made_study(2, N, between_tests=0.0), "2"),
        {"dependence within domains"},
        {"dependence between domains", "spread over time", "detector"},
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("what", SAMPLES)
def test_each_fault_is_caught_by_its_own_measures(what: str) -> None:
    make, must, may = SAMPLES[what]
    found = evaluate_studies(real(1), make(), real(3))
    names = caught(found)
    assert must <= names <= must | may, f"not caught: {sorted(must - names)}; caught as well: {sorted(names - must - may)}"


COPIED: dict[str, tuple[Callable[[], rp.Study], set[str], set[str]]] = {
    "subjects drawn with replacement": (
        bootstrap,
        COPIES,
        NEARNESS | DEPENDENCE | COURSE | ON_VISIT_DAYS | {MOMENTS, "detector"},
    ),
    "one subject leaked": (leaked, {"copied subjects"}, {"copied series"}),
}


@pytest.mark.slow
@pytest.mark.parametrize("what", COPIED)
def test_copies_of_subjects_are_caught_as_copies(what: str) -> None:
    make, must, may = COPIED[what]
    names = caught(evaluate_studies(with_vital_signs(real(1), 1), make(), with_vital_signs(real(3), 3)))
    assert must <= names <= must | may, f"not caught: {sorted(must - names)}; caught as well: {sorted(names - must - may)}"


@pytest.mark.slow
def test_the_lost_correlation_is_named_and_the_mean_does_not_show_it() -> None:
    sample = _named_anew(made_study(2, N, between_tests=0.0), "2")
    family = next(one for one in compare_studies(real(1), sample, real(3)) if one.name == "dependence within domains")
    assert family.offenders[0].name == "LB ALT level with LB AST level"
    assert family.offenders[0].certain and family.offenders[0].excess > 0.2
    assert family.ratio < 1.4 and family.n_certain <= 2


def _parted(study: rp.Study, n_parts: int) -> list[rp.Study]:
    """Part a study's subjects at random."""
    rng = np.random.default_rng(21)
    subjects = study["DM"].text("USUBJID").strings().astype(str)
    part = pd.Series(np.arange(len(subjects)) % n_parts, index=rng.permutation(subjects))
    found = []
    for i in range(n_parts):
        kept = [
            one.take(np.flatnonzero((part.reindex(one.text("USUBJID").strings()) == i).to_numpy())) if "USUBJID" in one else one
            for one in study.datasets.values()
        ]
        found.append(study.with_datasets(kept))
    return found


@pytest.mark.slow
def test_a_split_of_a_study_scores_about_one() -> None:
    """The sample are real subjects themselves."""
    families = compare_studies(*_parted(made_study(5, 2 * N), 2))
    figure = overall(families)
    assert figure.interval.low < 1.0 < figure.interval.high and 0.8 < figure.ratio < 1.25, figure
    assert {judge_family(one).grade for one in families} == {Grade.FINE}


@pytest.mark.slow
def test_a_split_of_44_subjects_scores_about_one() -> None:
    """A correlation of eleven subjects may hang on one of them: of some 2,900 entries one may look certain; no family is off."""
    families = compare_studies(*_parted(rp.read_study(SAMPLE_STUDY), 2))
    figure = overall(families)
    assert figure.interval.low < 1.0 < figure.interval.high and 0.8 < figure.ratio < 1.25, figure
    assert sum(one.n_certain for one in families) <= 1 < 2000 < sum(one.n_entries for one in families)
    assert all(one.interval.low < 1.1 for one in families if one.n_entries)  # eleven subjects a side are too few for arms


@pytest.mark.slow
def test_faults_are_caught_in_a_study_of_44_subjects() -> None:
    source = rp.read_study(SAMPLE_STUDY)
    frames = _frames(source)
    rng = np.random.default_rng(22)
    sample = _columns({name: frame for name, frame in frames.items() if "USUBJID" in frame}, rng.permutation)
    families = {one.name: one for one in compare_studies(source, sample)}
    assert overall(families.values()).interval.low > 1.2
    for name in DEPENDENCE | COURSE:
        assert judge_family(families[name]).grade is Grade.FINDING, families[name]
    for name in ("missingness", "partial dates"):
        assert judge_family(families[name]).grade is Grade.FINE, families[name]

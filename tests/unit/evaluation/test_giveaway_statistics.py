"""The statistics behind giveaways, against reference values."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.stats import chi2_contingency

from replicator.errors import StudyError
from replicator.evaluation.giveaways.draws import draw_halves, error_over_draws, mean_over_draws
from replicator.evaluation.giveaways.group_statistics import association, between_groups, between_levels
from replicator.evaluation.giveaways.statistics import (
    dispersion_of_counts,
    distance_of_rows,
    share_of_rows,
    share_of_sums,
    spread_of_sums,
    unseen_in_reference,
)
from replicator.evaluation.stack import Origin, Stack, stack_studies
from replicator.tables.dataset import Dataset, Study


def stacked(n: int = 40) -> Stack:
    """Two studies of one event a subject."""
    frame = pd.DataFrame(
        {"STUDYID": "S", "DOMAIN": "AE", "USUBJID": [f"S-{i:03d}" for i in range(n)], "AETERM": "HEADACHE", "AESEQ": 1.0}
    )
    study = Study({"AE": Dataset.from_frame("AE", frame)})
    return stack_studies(study, study)


def whole(stack: Stack, origin: Origin = Origin.SOURCE) -> np.ndarray:
    return np.asarray((stack.origin == origin)[None])


def test_halves_of_the_source_share_nobody_and_all_sides_are_as_large() -> None:
    origin = np.repeat(np.array([0, 1, 2], np.int8), [41, 100, 60])
    draws = draw_halves(origin, np.random.default_rng(0))
    assert not (draws.reference & draws.source).any()
    assert draws.holdout is not None
    for masks, side in ((draws.reference, 0), (draws.source, 0), (draws.sample, 1), (draws.holdout, 2)):
        assert (masks.sum(axis=1) == 20).all()
        assert not masks[:, origin != side].any()


def test_too_few_subjects_are_told() -> None:
    with pytest.raises(StudyError, match="6 subjects in the source"):
        draw_halves(np.repeat(np.array([0, 1], np.int8), [6, 100]), np.random.default_rng(0))


@pytest.mark.parametrize("n_sample", [60, 400])
def test_the_spread_over_draws_is_the_standard_error_of_a_mean(n_sample: int) -> None:
    """Of a mean it is s over the root of n, whatever part of the subjects is drawn."""
    rng = np.random.default_rng(3)
    origin = np.repeat(np.array([0, 1], np.int8), [60, n_sample])
    values = rng.normal(size=len(origin))
    draws = draw_halves(origin, rng, 4000)
    means = (draws.sample @ values / draws.sample.sum(axis=1))[:, None]
    of_sample = values[origin == 1]
    assert error_over_draws(means, draws.scale[Origin.SAMPLE])[0] == pytest.approx(
        of_sample.std(ddof=1) / np.sqrt(n_sample), rel=0.05
    )
    assert mean_over_draws(means)[0] == pytest.approx(of_sample.mean(), abs=0.01)


def test_shares_leave_out_entries_of_fewer_than_five_subjects() -> None:
    stack = stacked()
    subject = stack.view.subject("AE")
    entry = (subject % 40 >= 4).astype(np.int64)
    asked = np.ones(len(subject), bool)
    held = subject % 2 == 0
    one = share_of_rows(stack, subject, asked, held, entry, ("few", "many"))
    assert one is not None
    assert one.names == ("many",)
    assert one.of(whole(stack), whole(stack))[0, 0] == 0.5
    assert one.subjects.tolist() == [36]
    assert share_of_rows(stack, subject, asked & (entry == 0), held, entry, ("few", "many")) is None
    empty = sparse.csr_matrix((len(stack.origin), 1))
    assert share_of_sums(stack, empty, empty, ("none",)) is None


@given(st.lists(st.integers(0, 4), min_size=80, max_size=80))
@settings(max_examples=25)
def test_distances_lie_between_0_and_1_and_are_0_to_oneself(codes: list[int]) -> None:
    stack = stacked()
    subject = stack.view.subject("AE")
    one = distance_of_rows(stack, subject, np.array(codes, np.int64), 5, np.zeros(80, np.int64), ("x",))
    assert one is not None
    source, sample = whole(stack), whole(stack, Origin.SAMPLE)
    assert one.of(source, source)[0, 0] == 0.0
    there, back = one.of(source, sample)[0, 0], one.of(sample, source)[0, 0]
    assert 0.0 <= there <= 1.0
    assert there == pytest.approx(back)
    shares = [np.bincount(np.array(codes)[side[0][subject]], minlength=5) / 40 for side in (source, sample)]
    assert there == pytest.approx(0.5 * np.abs(shares[0] - shares[1]).sum())


def test_codes_that_the_reference_lacks_are_counted() -> None:
    stack = stacked()
    subject = stack.view.subject("AE")
    of_sample = stack.origin[subject] == Origin.SAMPLE
    codes = np.where(of_sample & (subject % 4 == 0), 1, 0).astype(np.int64)
    one = unseen_in_reference(stack, "AE", codes, 2)
    assert one is not None
    assert one.of(whole(stack, Origin.SAMPLE), whole(stack))[0, 0] == 0.25
    assert one.of(whole(stack), whole(stack))[0, 0] == 0.0


def test_the_spread_is_the_standard_deviation() -> None:
    stack = stacked()
    value = np.arange(len(stack.origin), dtype=np.float64)
    column = sparse.csr_matrix(value[:, None])
    one = spread_of_sums(stack, column, sparse.csr_matrix(np.ones((len(value), 1))), ("x",))
    assert one is not None
    assert one.of(whole(stack), whole(stack))[0, 0] == pytest.approx(value[stack.origin == Origin.SOURCE].std(ddof=1))


def test_the_index_of_dispersion() -> None:
    """Counts 0, 0, 0, 4 have the mean 1 and the variance 4."""
    counts = np.array([0.0, 0.0, 0.0, 4.0])[:, None]
    everybody = np.ones((1, 4), bool)
    assert dispersion_of_counts(counts, everybody[0], ("x",)).of(everybody, everybody)[0, 0] == pytest.approx(4.0)


def test_the_intraclass_correlation_of_shrout_and_fleiss() -> None:
    """ICC(1,1) of six targets and four judges is 0.17 (P. E. Shrout, J. L. Fleiss, Psychological Bulletin 86, 1979, table 4)."""
    ratings = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
    values = np.array(ratings, np.float64).ravel()[:, None]
    everybody = np.ones((1, 24), bool)
    one = between_groups(values, np.repeat(np.arange(6), 4), ("rating",), everybody[0])
    assert one is not None
    assert one.of(everybody, everybody)[0, 0] == pytest.approx(0.17, abs=0.005)
    assert between_groups(values, np.zeros(24, np.int64), ("rating",), everybody[0]) is None


def test_values_that_are_all_alike_have_no_intraclass_correlation() -> None:
    """Not even one of rounding, where the source's mean is another."""
    of_source = np.arange(80) < 40
    values = np.where(of_source, np.arange(80) % 7, 0.3)[:, None]
    one = between_groups(values, np.arange(80) % 5, ("x",), of_source)
    assert one is not None
    assert np.isnan(one.of(~of_source[None], of_source[None])).all()
    assert np.isfinite(one.of(of_source[None], of_source[None])).all()


def test_the_variance_of_a_yes_or_no_between_levels_is_chi_square_over_the_number_of_rows() -> None:
    stack = stacked(400)
    subject = stack.view.subject("AE")
    rng = np.random.default_rng(5)
    level, entry = rng.integers(0, 3, len(subject)), rng.integers(0, 2, len(subject))
    held = rng.random(len(subject)) < np.array([0.2, 0.5, 0.6])[level]
    one = between_levels(stack, subject, held, entry, level, 3, ("a", "b"))
    assert one is not None
    told = one.of(whole(stack), whole(stack))[0]
    for which in range(2):
        rows = (entry == which) & (stack.origin[subject] == Origin.SOURCE)
        counts = np.array([[(rows & (level == i) & (held == yes)).sum() for i in range(3)] for yes in (False, True)])
        chi_square = chi2_contingency(counts, correction=False).statistic
        assert told[which] == pytest.approx(chi_square / rows.sum())
    assert between_levels(stack, subject, held, entry, np.zeros(len(subject), np.int64), 1, ("a", "b")) is None


def test_the_association_is_1_where_one_follows_from_the_other_and_0_where_neither_tells() -> None:
    stack = stacked()
    subject = stack.view.subject("AE")
    half, quarter = (subject % 2).astype(np.int64), (subject // 2 % 2).astype(np.int64)
    for other, expected in ((half, 1.0), (quarter, 0.0)):
        one = association(stack, "AE", half, other)
        assert one is not None
        assert one.of(whole(stack), whole(stack))[0, 0] == pytest.approx(expected)
    assert association(stack, "AE", half, np.zeros(len(half), np.int64)) is None

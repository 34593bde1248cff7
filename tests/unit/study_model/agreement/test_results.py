"""Text and number, indicator and range, computed tests: what agreed in the source agrees in a sample."""

from __future__ import annotations

import numpy as np
import pytest

from replicator.profile.find import dataset_structure
from replicator.profile.structure import Kind
from replicator.study_model.agreement.results import ResultAgreement
from replicator.study_model.agreement.rows import Agreement
from replicator.tables.dataset import Column, Dataset, Numbers, Text, Variable

N = 90
SUBJECT = (np.arange(N) // 3).astype(np.int32)


def _results(value: np.ndarray, indicator: np.ndarray) -> Dataset:
    """Two items that are collected, and their total, which is computed; limits 10 and 20."""
    test = np.array(["ITEM1", "ITEM2", "TOTAL"], object)[np.arange(N) % 3]
    text = np.array([f"{one:g}" for one in value.tolist()], object)
    made: dict[str, Column] = {
        "USUBJID": Text.of(np.array([f"S{i:02d}" for i in SUBJECT.tolist()], object)),
        "LBTESTCD": Text.of(test),
        "LBORRES": Text.of(np.where(test == "TOTAL", "", text).astype(object)),
        "LBSTRESC": Text.of(text),
        "LBSTRESN": Numbers(value),
        "LBSTNRLO": Numbers(np.full(N, 10.0)),
        "LBSTNRHI": Numbers(np.full(N, 20.0)),
        "LBNRIND": Text.of(indicator.astype(object)),
    }
    variables = tuple(Variable(name, type="char" if isinstance(column, Text) else "num") for name, column in made.items())
    return Dataset("LB", variables, made)


def _source(seed: int) -> Dataset:
    value = np.random.default_rng(seed).integers(0, 30, N).astype(np.float64)
    return _results(value, np.where(value < 10, "LOW", np.where(value > 20, "HIGH", "NORMAL")))


def _fitted(source: Dataset) -> ResultAgreement:
    found = ResultAgreement.fit(source, dataset_structure(source, Kind.FINDINGS, "LB", "USUBJID", ""), SUBJECT, 5)
    assert found is not None
    return found


def test_indicators_are_set_by_the_range() -> None:
    source = _source(1)
    sample = source.with_column(source.variable("LBNRIND"), Text.constant("NORMAL", N))
    held = _fitted(source).hold(sample)
    assert (held.text("LBNRIND").strings() == source.text("LBNRIND").strings()).all()


def test_texts_spell_the_number() -> None:
    source = _source(2)
    sample = source.with_column(source.variable("LBSTRESC"), source["LBSTRESC"].take(np.roll(np.arange(N), 1)))
    assert (_fitted(source).hold(sample).numbers("LBSTRESC") == source.numbers("LBSTRESN")).all()


def test_tests_that_are_computed_have_no_collected_result() -> None:
    source = _source(3)
    model = _fitted(source)
    assert model.computed == ("TOTAL",)
    held = model.hold(source.with_column(source.variable("LBORRES"), source["LBSTRESC"]))
    assert (held["LBORRES"].missing == (source.text("LBTESTCD").strings() == "TOTAL")).all()


def test_an_indicator_that_says_something_else_is_left_alone() -> None:
    source = _source(4)
    judged = np.where(np.arange(N) % 4 == 0, "LOW", "HIGH")
    source = _results(source.numbers("LBSTRESN"), judged)
    assert _fitted(source).indicator == ""
    assert (_fitted(source).hold(source).text("LBNRIND").strings() == judged).all()


def test_a_number_a_whole_decimal_off_is_spelled_anew() -> None:
    """10.8 is 10.89 cut off, but not 10.9."""
    source = _source(5)
    model = _fitted(source)
    number = np.where(np.arange(N) % 2 == 0, 10.89, 10.9)
    sample = source.with_column(source.variable("LBSTRESN"), Numbers(number))
    sample = sample.with_column(source.variable("LBSTRESC"), Text.constant("10.8", N))
    assert model.hold(sample).text("LBSTRESC").strings().tolist() == np.where(number == 10.9, "10.9", "10.8").tolist()


def test_an_indicator_follows_from_the_range_where_nobody_was_out_of_it() -> None:
    """All of the source is normal; results of a sample beyond the limits say so, whatever else the word followed from."""
    value = np.full(N, 15.0)
    value[::7] = 20.0
    source = _results(value, np.full(N, "NORMAL"))
    agreement = Agreement.fit(source, dataset_structure(source, Kind.FINDINGS, "LB", "USUBJID", ""), SUBJECT, 5)
    drawn = np.where(np.arange(N) % 3 == 0, 9.0, np.where(np.arange(N) % 3 == 1, 15.0, 21.0))
    held = agreement.hold(_results(drawn, np.full(N, "NORMAL")), np.random.default_rng(1))
    assert held.text("LBNRIND").strings()[:3].tolist() == ["LOW", "NORMAL", "HIGH"]


def _with_totals(whole: np.ndarray, total: np.ndarray, texts: list[str]) -> Dataset:
    """Results of which the tests called TOTAL are `total` and say `texts`; the others are whole numbers."""
    source = _results(whole, np.full(N, "NORMAL"))
    totals = source.text("LBTESTCD").strings() == "TOTAL"
    said = np.where(totals, np.array(texts, object), source.text("LBSTRESC").strings())
    source = source.with_column(source.variable("LBSTRESN"), Numbers(np.where(totals, total, whole)))
    return source.with_column(source.variable("LBSTRESC"), Text.of(said))


@pytest.mark.parametrize(("cut_off", "expected"), [(True, "38.6"), (False, "38.7")])
def test_a_total_is_written_with_the_decimals_of_the_source(cut_off: bool, expected: str) -> None:
    """A prorated total of 38.6552 is drawn as 38, and written as the source writes such: cut off, or rounded."""
    whole = np.random.default_rng(6).integers(10, 40, N).astype(np.float64)
    total = np.where(np.arange(N) % 2 == 0, whole, whole + 0.275862)
    texts = [str(int(x)) if x == int(x) else f"{np.floor(x * 10) / 10 if cut_off else x:.1f}" for x in total.tolist()]
    source = _with_totals(whole, total, texts)
    model = _fitted(source)
    assert dict(model.shortened) == {"TOTAL": 1}
    assert model.cut_off is cut_off
    assert model.hold(source).text("LBSTRESC").strings().tolist() == source.text("LBSTRESC").strings().tolist()
    totals = source.text("LBTESTCD").strings() == "TOTAL"
    sample = _with_totals(np.full(N, 38.0), np.full(N, 38.655172), ["38"] * N)
    assert set(model.hold(sample).text("LBSTRESC").strings()[totals].tolist()) == {expected}


def test_a_number_is_not_cut_off_to_a_whole_one() -> None:
    """38 is no text of 38.62; where the source shortens nothing, the number is written in full."""
    model = _fitted(_source(7))
    sample = _with_totals(np.full(N, 38.0), np.full(N, 38.62), ["38"] * N)
    totals = sample.text("LBTESTCD").strings() == "TOTAL"
    assert set(model.hold(sample).text("LBSTRESC").strings()[totals].tolist()) == {"38.62"}

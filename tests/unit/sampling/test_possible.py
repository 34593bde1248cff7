"""What can be drawn, and which conditions nobody can meet."""

from __future__ import annotations

import functools
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import replicator as rp
from replicator.errors import ConfigError
from replicator.fitted import FittedStudy
from replicator.sampling.conditions import Clause, meets, parse_where
from replicator.sampling.possible import Range, check_possible, drawn_blocks, drawn_ranges
from replicator.sampling.request import Request

SIGNS = ("=", "!=", "<", ">", "<=", ">=")


@functools.cache
def demo() -> FittedStudy:
    return rp.load_model(Path(__file__).parents[3] / "models" / "demo.replica")


def test_whatever_is_drawn_can_be() -> None:
    """Texts and numbers of 500 subjects are among those that the model is said to draw, and each combination of a block too."""
    drawn = Request(demo().model, 500, 3).study()["DM"]
    ranges = drawn_ranges(demo().model)
    assert set(ranges) == {"AGE"}
    ages = drawn.numbers("AGE")
    assert ranges["AGE"].low <= ages.min() and ages.max() <= ranges["AGE"].high
    blocks = list(drawn_blocks(demo().model))
    assert {"SEX", "ARM", "ACTARM", "SITEID", "DTHFL"} <= set().union(*blocks) and not any("RFSTDTC" in block for block in blocks)
    for block in blocks:
        possible = set(zip(*(column.strings() for name, column in block.items() if name in drawn), strict=True))
        assert set(zip(*(drawn.text(name).strings() for name in block if name in drawn), strict=True)) <= possible, list(block)


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("AGE>200", " in this model, so that nobody has AGE>200"),
        ("AGE=50.5", "a whole number from"),
        ("AGE<-3", "so that nobody has AGE<-3"),
        ("AGE>60 & AGE<61", "nobody of this model has AGE>60 & AGE<61"),
        ("SEX=F & SEX=M", "nobody of this model has SEX=F & SEX=M"),
        ("SEX!=F & SEX!=M", "nobody of this model has"),
        ("SEX=f", "SEX is never 'f' in this model; choose among 'F', 'M'"),
        ("SITEID>900", "nobody of this model has SITEID>900; SITEID is one of "),
        ("ACTARM=Placbo", "ACTARM is never 'Placbo' in this model; choose among 'Placebo'"),
        ("ARM=Placebo & ACTARMCD!=PBO", "nobody of this model has ARM=Placebo & ACTARMCD!=PBO"),
        ("DTHFL=N", "DTHFL is never 'N' in this model; choose among 'Y'"),
    ],
)
def test_what_nobody_can_meet_is_refused(where: str, said: str) -> None:
    """The sentence names the variable and what can be drawn of it; no subject is searched."""
    with pytest.raises(ConfigError) as caught:
        demo().sample(1, where=where)
    assert said in str(caught.value)


def test_an_arm_that_is_not_drawn_from_meets_nothing() -> None:
    """Conditions are held against the arms that are asked for."""
    clauses = parse_where("ARMCD=PBO", ("ARMCD",))
    check_possible(clauses, demo().model)
    check_possible(clauses, demo().model, {"Placebo"})
    said = "--where and --arm contradict each other: nobody of 'RVT-117 50 mg' has ARMCD=PBO; change one of the two."
    with pytest.raises(ConfigError, match=f"^{re.escape(said)}$"):
        check_possible(clauses, demo().model, {"RVT-117 50 mg"})


def test_what_no_arm_has_is_no_contradiction_to_the_arms_asked_for() -> None:
    """The choice is among what the model draws, whichever arms are asked for."""
    with pytest.raises(ConfigError, match="SEX is never 'f' in this model; choose among 'F', 'M'"):
        check_possible(parse_where("ARMCD=PBO & SEX=f", ("ARMCD", "SEX")), demo().model, {"RVT-117 50 mg"})


@pytest.mark.parametrize("where", ["SEX=F & AGE>65", "AGE>=61 & AGE<=61", "DTHFL!=Y", "RFSTDTC>=2021", "SITEID!=101 & COUNTRY=USA"])
def test_what_somebody_meets_is_not_refused(where: str) -> None:
    """However narrow it is."""
    check_possible(parse_where(where, ("SEX", "AGE", "DTHFL", "RFSTDTC", "SITEID", "COUNTRY")), demo().model)


def test_a_text_of_many_is_shown_with_some() -> None:
    """Twenty and the number of the others."""
    [site] = [block for block in drawn_blocks(demo().model) if "SITEID" in block]
    n = len(set(site["SITEID"].strings()))
    with pytest.raises(ConfigError, match="SITEID is never '0'") as caught:
        check_possible(parse_where("SITEID=0", ("SITEID",)), demo().model)
    assert str(caught.value).count("'") == 2 * (1 + min(n, 20))


@given(
    st.lists(st.tuples(st.sampled_from(SIGNS), st.integers(-4, 14).map(lambda half: half / 2)), min_size=1, max_size=5),
    st.integers(0, 3),
    st.integers(0, 3),
    st.sampled_from([0, 1, None]),
)
def test_cells_of_a_range_tell_whether_any_number_of_it_meets_comparisons(
    comparisons: list[tuple[str, float]], low: int, width: int, decimals: int | None
) -> None:
    """Against all numbers of the range, or a grid so fine that it lies in every gap."""
    clauses = [Clause("X", sign, repr(value)) for sign, value in comparisons]
    step = 1.0 if decimals == 0 else 0.1 if decimals == 1 else 0.125
    everything = np.round(low + step * np.arange(round(width / step) + 1), 9 if decimals is None else decimals)
    cells = Range(float(low), float(low + width), decimals).cells([value for _, value in comparisons])
    assert cells.values.min() >= low and cells.values.max() <= low + width
    found = meets(clauses, {"X": cells}, len(cells)).any()
    from_all = np.ones(len(everything), bool)
    for sign, value in comparisons:
        compare = {"=": np.equal, "!=": np.not_equal, "<": np.less, ">": np.greater, "<=": np.less_equal, ">=": np.greater_equal}
        from_all &= compare[sign](everything, value)
    assert found == from_all.any()

"""What a user asks of the subjects."""

from __future__ import annotations

import numpy as np
import pytest

from replicator.errors import ConfigError
from replicator.sampling.conditions import Clause, check_levels, meets, parse_where
from replicator.tables.dataset import Numbers, Text

KNOWN = ("SEX", "AGE", "ARM")
COLUMNS = {
    "SEX": Text.of(["F", "M", "", "F"]),
    "AGE": Numbers(np.array([70.0, 60.0, 80.0, np.nan])),
    "ARM": Text.of(["10 mg", "2 mg", "x", ""]),
}


@pytest.mark.parametrize(
    ("text", "who"),
    [
        ("SEX=F", [0, 3]),
        ("sex == 'F' & AGE > 65", [0]),
        ("SEX!=F", [1, 2]),
        ("SEX <> F and AGE<=80", [1, 2]),
        ("AGE>=60 && AGE<70", [1]),
        ("AGE=70.0", [0]),
        ('ARM="10 mg"', [0]),
    ],
)
def test_who_meets_a_condition(text: str, who: list[int]) -> None:
    """Missing values meet != only; numbers compare as numbers, texts as texts; quotes and letter case are free."""
    assert np.flatnonzero(meets(parse_where(text, KNOWN), COLUMNS, 4)).tolist() == who


def test_parsed_clauses() -> None:
    """Signs come out in one spelling."""
    assert parse_where("age == 5 & SEX <> M", KNOWN) == (Clause("AGE", "=", "5"), Clause("SEX", "!=", "M"))


@pytest.mark.parametrize("text", ["", "SEX", "SEX=", "WEIGHT>3", "AGE>old", "SEX=F | AGE>3 &"])
def test_what_cannot_be_read_is_one_sentence(text: str) -> None:
    """The sentence says what was wrong and shows how to write it."""
    with pytest.raises(ConfigError, match="--where"):
        parse_where(text, KNOWN)


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        ("AGE>65 | SEX=M", r"\|"),
        ("SEX=F||AGE>3", r"\|\|"),
        ("SEX=F | WEIGHT>3", r"\|"),
        ("SEX=F;AGE>3", ";"),
        ("SEX=F, AGE>3", ","),
        ("SEX='F' or AGE>3", "or"),
    ],
)
def test_an_operator_that_there_is_not_is_named(text: str, sign: str) -> None:
    """Alternatives cannot be asked for, and the sentence says what can."""
    with pytest.raises(ConfigError, match=f"--where: '{sign}' is no operator; join comparisons by '&'"):
        parse_where(text, KNOWN)


@pytest.mark.parametrize("text", ['ARM="A | SEX=M"', "ARM=10 mg, once", "ARM=Drug or placebo", "ARM='a;AGE>3'"])
def test_texts_may_hold_what_is_no_operator(text: str) -> None:
    """In quotes, or before what is no comparison of a variable."""
    [clause] = parse_where(text, KNOWN)
    assert clause.value == text.removeprefix("ARM=").strip("\"'")


def test_a_text_that_is_never_drawn_is_refused_with_those_that_are() -> None:
    """Equality with another text can be met by nobody; inequality and other variables are left alone."""
    levels = {"SEX": ("F", "M"), "RACE": (), "SITE": tuple(f"{i:02d}" for i in range(25))}
    check_levels(parse_where("SEX=F & SEX!=U & ARM=x & AGE=3", KNOWN), levels)
    for text, words in (
        ("SEX=f", "SEX is never 'f' in this model; choose among 'F', 'M'"),
        ("RACE=A", "none of its texts is kept"),
        ("SITE=99", "'19' and 5 more"),
    ):
        with pytest.raises(ConfigError, match=words):
            check_levels(parse_where(text, (*KNOWN, "RACE", "SITE")), levels)


def test_a_condition_that_is_no_text_is_one_sentence() -> None:
    """A number is not asked for its clauses."""
    with pytest.raises(ConfigError, match="3 is no text"):
        parse_where(3, KNOWN)  # type: ignore[arg-type]

"""What a user asks of the subjects."""

from __future__ import annotations

import numpy as np
import pytest

from replicator.errors import ConfigError
from replicator.sampling.conditions import Clause, meets, parse_where
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


@pytest.mark.parametrize("text", ['SEX="F', "SEX='F", 'SEX=F & ARM="10 mg', "SEX='F\"", "AGE>'5"])
def test_a_quote_that_is_not_closed_is_named(text: str) -> None:
    """It is a slip of the pen, and no value that happens to be rare."""
    with pytest.raises(ConfigError, match="a quote too many or too few"):
        parse_where(text, KNOWN)


@pytest.mark.parametrize("value", ["salt & pepper", "drug and SEX=M", "a && b", "it's", "x=1"])
def test_what_joins_comparisons_may_stand_in_quotes(value: str) -> None:
    """A quoted text is one value whatever is in it, and the comparison after it is read."""
    assert parse_where(f'ARM="{value}" & SEX=F', KNOWN) == (Clause("ARM", "=", value), Clause("SEX", "=", "F"))


def test_an_apostrophe_is_no_quote() -> None:
    """Within a text that is not quoted it is a letter."""
    assert parse_where("ARM=St. John's wort and SEX=F", KNOWN)[0].value == "St. John's wort"


@pytest.mark.parametrize("text", ["RFSTDTC>hello", "RFSTDTC=5", "RFSTDTC<'July 2014'"])
def test_a_date_is_compared_with_a_date(text: str) -> None:
    """Dates compare as they are written, so that anything else would be met by all or none."""
    with pytest.raises(ConfigError, match=r"RFSTDTC.* needs a date or the beginning of one"):
        parse_where(text, ("RFSTDTC",))
    assert parse_where("RFSTDTC>=2014-07 & RFSTDTC<2015-01-03T11:45", ("RFSTDTC",))[0].value == "2014-07"


def test_a_condition_that_is_no_text_is_one_sentence() -> None:
    """A number is not asked for its clauses."""
    with pytest.raises(ConfigError, match="3 is no text"):
        parse_where(3, KNOWN)  # type: ignore[arg-type]

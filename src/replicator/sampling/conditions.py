"""What a user asks of the subjects: conditions on their values."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from replicator.errors import ConfigError
from replicator.tables.dataset import Column, Numbers, Text
from replicator.tables.spelling import is_number, spelled_numbers

_JOINT = r"&&?|\band\b(?=\s*[A-Za-z_]\w*\s*[<>=!])"
_CLAUSE = re.compile(
    rf"""\s*([A-Za-z_]\w*)\s*(<=|>=|!=|<>|==|=|<|>)\s*(?:"([^"]*)"|'([^']*)'|([^\s"'&](?:(?!{_JOINT}).)*?))\s*({_JOINT}|\Z)""",
    re.IGNORECASE | re.DOTALL,
)
_OPEN_QUOTE = re.compile(r"\s*[A-Za-z_]\w*\s*[<>=!]{1,2}\s*[\"']")
_ORDER = ("<", ">", "<=", ">=")
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
_DATE = re.compile(r"\d{4}[-\dT:.+Z]*\Z")
_ALTERNATIVE = re.compile(r"(\|\|?|;|,|\bor\b)\s*([A-Za-z_]\w*)\s*[<>=!]", re.IGNORECASE)


@dataclass(frozen=True)
class Clause:
    """One comparison: a variable of the subjects' dataset, a sign, a value."""

    variable: str
    sign: str
    value: str

    def __str__(self) -> str:
        return f"{self.variable}{self.sign}{self.value}"


def parse_where(text: str, known: Sequence[str]) -> tuple[Clause, ...]:
    """Parse a condition such as ``SEX=F & AGE>65``.

    Parameters
    ----------
    text : str
        Comparisons joined by ``&`` (or ``and``); values may stand in quotes.
    known : sequence of str
        Variables that may be named.

    Raises
    ------
    ConfigError
        If it is no text, or a clause cannot be read, leaves a quote open, names another variable, compares by order what has none,
        or is joined to the next by anything but ``&``.
    """
    if not isinstance(text, str):
        raise ConfigError(f"The condition {text!r} is no text; write for example 'SEX=F & AGE>65'.")
    for other, variable in _ALTERNATIVE.findall(_QUOTED.sub("", text)):
        if "|" in other or variable.upper() in known:  # else a text with a comma or a word in it
            raise ConfigError(f"--where: {other!r} is no operator; join comparisons by '&', and sample once for each alternative.")
    clauses: list[Clause] = []
    at, joint = 0, "&"
    while joint:
        match = _CLAUSE.match(text, at)
        if match is None:
            raise ConfigError(_unreadable(text[at:].strip()))
        name, sign, *values, joint = match.groups()
        at, variable = match.end(), name.upper()
        value = next(one for one in values if one is not None)
        if variable not in known:
            raise ConfigError(f"--where: {variable} is not a variable of the subjects; choose among {', '.join(known)}.")
        clauses.append(_checked(Clause(variable, {"==": "=", "<>": "!="}.get(sign, sign), value)))
    return tuple(clauses)


def _unreadable(rest: str) -> str:
    """Say why a text does not begin with a comparison."""
    if _OPEN_QUOTE.match(rest):
        return f"--where: {rest!r} has a quote too many or too few; put quotes around the whole of a text, as in 'ARM=\"10 mg\"'."
    return f"--where: {rest!r} is not a comparison; write for example 'SEX=F & AGE>65'."


def _checked(clause: Clause) -> Clause:
    """Refuse a comparison by order with what has none, and of a date with what is none."""
    if _is_date(clause.variable):
        if not _DATE.match(clause.value):
            raise ConfigError(
                f"--where: {clause} needs a date or the beginning of one; write for example '{clause.variable}>=2014-07'."
            )
    elif clause.sign in _ORDER and not is_number(clause.value):
        raise ConfigError(f"--where: {clause.variable} {clause.sign} {clause.value!r} needs a number; write for example 'AGE>65'.")
    return clause


def meets(clauses: Sequence[Clause], columns: Mapping[str, Column], n: int) -> NDArray[np.bool_]:
    """Tell which of `n` subjects meet all clauses; a missing value meets only ``!=``.

    Dates are compared as they are written, so that ``RFSTDTC>=2014-07`` means July 2014 and later.

    Raises
    ------
    ConfigError
        If a number is compared with something else.
    """
    keep = np.ones(n, bool)
    for clause in clauses:
        column = columns[clause.variable]
        if isinstance(column, Text) and clause.sign in _ORDER and _is_date(clause.variable):
            text = column.strings().astype(str)
            compare = {"<": text < clause.value, ">": text > clause.value, "<=": text <= clause.value, ">=": text >= clause.value}
            keep &= compare[clause.sign] & ~column.missing
        elif isinstance(column, Numbers) or clause.sign in _ORDER:
            numbers = column.values if isinstance(column, Numbers) else spelled_numbers(column.strings().tolist())
            if not is_number(clause.value):
                raise ConfigError(
                    f"--where: {clause.variable} is a number and {clause.value!r} is none; write for example 'AGE>65'."
                )
            value = float(clause.value)
            compare = {
                "=": numbers == value,
                "!=": numbers != value,
                "<": numbers < value,
                ">": numbers > value,
                "<=": numbers <= value,
                ">=": numbers >= value,
            }[clause.sign]
            keep &= compare
        else:
            same = column.strings() == clause.value
            keep &= same if clause.sign == "=" else ~same
    return keep


def _is_date(variable: str) -> bool:
    return variable.endswith("DTC")

"""What a user asks of the subjects: conditions on their values."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from replicator.errors import ConfigError
from replicator.tables.dataset import Column, Numbers, Text
from replicator.tables.spelling import is_number

_CLAUSE = re.compile(r"\s*([A-Za-z_]\w*)\s*(<=|>=|!=|<>|==|=|<|>)\s*(.+?)\s*$")
_ORDER = ("<", ">", "<=", ">=")
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
_ALTERNATIVE = re.compile(r"(\|\|?|;|,|\bor\b)\s*([A-Za-z_]\w*)\s*[<>=!]", re.IGNORECASE)
_SHOWN_LEVELS = 20


@dataclass(frozen=True)
class Clause:
    """One comparison: a variable of the subjects' dataset, a sign, a value."""

    variable: str
    sign: str
    value: str


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
        If it is no text, or a clause cannot be read, names another variable, or is joined to the next by anything but ``&``.
    """
    if not isinstance(text, str):
        raise ConfigError(f"The condition {text!r} is no text; write for example 'SEX=F & AGE>65'.")
    for other, variable in _ALTERNATIVE.findall(_QUOTED.sub("", text)):
        if "|" in other or variable.upper() in known:  # else a text with a comma or a word in it
            raise ConfigError(f"--where: {other!r} is no operator; join comparisons by '&', and sample once for each alternative.")
    clauses = []
    for piece in re.split(r"&&?|\band\b", text):
        match = _CLAUSE.match(piece)
        if match is None:
            raise ConfigError(f"--where: {piece.strip()!r} is not a comparison; write for example 'SEX=F & AGE>65'.")
        variable, sign, value = match.group(1).upper(), match.group(2), match.group(3).strip("\"'")
        if variable not in known:
            raise ConfigError(f"--where: {variable} is not a variable of the subjects; choose among {', '.join(known)}.")
        sign = {"==": "=", "<>": "!="}.get(sign, sign)
        if sign in _ORDER and not _is_date(variable) and not is_number(value):
            raise ConfigError(f"--where: {variable} {sign} {value!r} needs a number; write for example 'AGE>65'.")
        clauses.append(Clause(variable, sign, value))
    return tuple(clauses)


def check_levels(clauses: Sequence[Clause], levels: Mapping[str, Sequence[str]]) -> None:
    """Refuse a clause that asks for a text that is never drawn.

    Parameters
    ----------
    clauses : sequence of Clause
        From :func:`parse_where`.
    levels : mapping of str to sequence of str
        All texts that can be drawn, for the variables of which they are known.

    Raises
    ------
    ConfigError
        With the texts that can.
    """
    for clause in clauses:
        if clause.sign == "=" and clause.variable in levels and clause.value not in levels[clause.variable]:
            known = levels[clause.variable]
            more = f" and {len(known) - _SHOWN_LEVELS} more" if len(known) > _SHOWN_LEVELS else ""
            choice = f"choose among {', '.join(map(repr, known[:_SHOWN_LEVELS]))}{more}" if known else "none of its texts is kept"
            raise ConfigError(f"--where: {clause.variable} is never {clause.value!r} in this model; {choice}.")


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
            numbers = column.values if isinstance(column, Numbers) else _numbers(column.strings())
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


def _numbers(texts: NDArray[np.object_]) -> NDArray[np.float64]:
    return np.array([float(text) if is_number(text) else np.nan for text in texts.tolist()])

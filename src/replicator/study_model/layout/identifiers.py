"""Identifiers of new subjects: the pattern of the source's, and none of its values."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.tables.dataset import Dataset, Text

_NUMBER = re.compile(r"\d+$")
_LAST_PART = re.compile(r"(?:\{\w+\}|[^\W_]+|.)\Z", re.DOTALL)
_PARTS = ("STUDYID", "SITEID", "INVID", "COUNTRY")


@dataclass(frozen=True, eq=False)
class SubjectIds:
    """How identifiers are built.

    Attributes
    ----------
    variable : str
        The subject variable, for example USUBJID.
    template : str
        With ``{SITEID}`` and the like where the subject's own value stands, and ``{N}`` for the number.
    width : int
        Digits that the number is padded to.
    first : int
        Smallest number given, above all of the source's.
    short : mapping of str to str
        Templates of further identifiers (SUBJID), by variable.
    """

    kind: ClassVar[str] = "subject ids"

    variable: str
    template: str
    width: int
    first: int
    short: Mapping[str, str]

    @classmethod
    def fit(cls, variable: str, ids: NDArray[np.object_], dataset: Dataset | None, others: tuple[str, ...], k: int) -> SubjectIds:
        """Learn from the identifiers (n,) and the subjects' dataset in the same order.

        Parameters
        ----------
        variable : str
            Name of the subject variable.
        ids : (n,) object
            The source's identifiers.
        dataset : Dataset or None
            The subjects' dataset, one row an identifier.
        others : tuple of str
            Further identifiers in it, such as SUBJID.
        k : int
            Fewest subjects whose identifiers share what is kept of them.
        """
        known = {name: dataset.text(name).strings() for name in _PARTS if dataset is not None and name in dataset}
        template, widths, numbers = _template(ids, known, {}, k)
        width = max(set(widths), key=lambda w: (widths.count(w), w)) if widths else 4
        unit = 10 ** max(0, len(str(max(numbers, default=0))) - 1)
        first = (max(numbers, default=0) // unit + 1) * unit + 1
        short = {}
        for name in others:
            if dataset is not None and not dataset.text(name).missing.all():
                values = dataset.text(name).strings()
                own = np.array([match.group() if (match := _NUMBER.search(one)) else "" for one in ids], object)
                short[name] = _template(values, known, {"N": own}, k)[0]
        return cls(variable, template, width, first, short)

    def make(self, start: int, n: int, values: Mapping[str, NDArray[np.object_]]) -> dict[str, Text]:
        """Build the identifiers of `n` subjects.

        Parameters
        ----------
        start : int
            Number of subjects before the first of these.
        n : int
        values : mapping of str to (n,) object
            The variables that templates name.
        """
        numbers = np.arange(self.first + start, self.first + start + n)
        text = np.array([f"{number:0{self.width}d}" for number in numbers.tolist()], dtype=object)
        out = {}
        for name, template in {self.variable: self.template, **self.short}.items():
            pieces = re.split(r"\{(\w+)\}", template)
            made = np.full(n, "", dtype=object)
            for i, piece in enumerate(pieces):
                made = made + (piece if i % 2 == 0 else text if piece == "N" else values.get(piece, np.full(n, "", object)))
            out[name] = Text.of(made)
        return out


def _template(
    ids: NDArray[np.object_], known: Mapping[str, NDArray[np.object_]], given: Mapping[str, NDArray[np.object_]], k: int
) -> tuple[str, list[int], list[int]]:
    """Most frequent beginning of identifiers that `k` share, and widths and values of the numbers at their ends."""
    heads: list[str] = []
    widths, numbers = [], []
    for i, one in enumerate(ids):
        rest, found = str(one), ""
        for name, values in known.items():
            value = str(values[i])
            at = rest.find(value) if value else -1
            if value and at >= 0 and at + len(value) < len(rest) and rest != value:
                found += _plain(rest[:at]) + "{" + name + "}"
                rest = rest[at + len(value) :]
        number = str(given["N"][i]) if "N" in given else ""
        match = _NUMBER.search(rest)
        if number and rest.endswith(number):
            heads.append(found + _plain(rest[: -len(number)]))
        elif match is not None and len(match.group()) <= 15:
            heads.append(found + _plain(rest[: match.start()]))
            widths.append(len(match.group()))
            numbers.append(int(match.group()))
        else:
            heads.append(found)
    return _shared_head(heads, k) + "{N}", widths, numbers


def _shared_head(heads: list[str], k: int) -> str:
    """The most frequent of some texts if `k` are it; else that of the texts without their last parts, and so on."""
    while any(heads):
        head, count = max(Counter(heads).items(), key=lambda one: (one[1], one[0]))
        if count >= k:
            return head
        heads = [_LAST_PART.sub("", head) for head in heads]
    return ""


def _plain(text: str) -> str:
    return text.replace("{", "").replace("}", "")

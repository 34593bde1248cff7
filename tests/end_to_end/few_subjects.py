"""What fewer than k subjects of a study share, and where a model file holds any of it."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from replicator.profile.find import find_structure
from replicator.profile.structure import Kind, Role, StudyStructure
from replicator.standards.codelists import codelists
from replicator.tables.dataset import Study

CODED = (Role.TOPIC, Role.SYNONYM)  # variables whose texts are terms of a dictionary: the bound is k_terms
OF_VARIABLES = ("RDOMAIN", "IDVAR")  # names of datasets and variables
SHARES = ("cumulative", "edge")  # arrays of positions with a share added
COMPUTED = (  # ends of tails, from means over k subjects; a multiple of the median gap of visits; times of day, no number's
    "results.scales.low",
    "results.scales.high",
    "latent.memory",
    "minute.value",
)
STATES = ("state",)  # places that hold a term of the standard because it is one (a death in DS), not its count
TELLING = 4  # significant digits from which a number is not met by chance among the parameters of a model
WORDED = re.compile(r"[^\W\d_]{2}")
DAY = re.compile(r"\d{4}-\d\d-\d\d")


@dataclass(frozen=True)
class Leak:
    """Something that few subjects share and the place in the model file that holds it."""

    what: str
    n_subjects: int
    where: str


class FewSubjects:
    """What few subjects of a study share.

    A text is the same in upper and in lower case. Texts, numbers and pairs are counted by distinct subjects within their dataset,
    those of a SUPP-- with its parent's.
    """

    def __init__(self, study: Study, k: int, k_terms: int) -> None:
        self.study, self.k, self.k_terms = study, k, k_terms
        self.structure: StudyStructure = find_structure(study, derivations=False)
        self.names = [
            name
            for name, facts in self.structure.datasets.items()
            if facts.kind is not Kind.REFERENCE and self.structure.subject_variable in study[name]
        ]
        self.common = self._nobodys_words()

    def part_of(self, name: str) -> str:
        """The dataset whose part learns this one."""
        return self.structure.datasets[name].parent or name

    def _nobodys_words(self) -> set[str]:
        """Terms of the standard, names and labels of datasets and variables, and all that is about no subject."""
        found = {term for one in codelists() for term in one.terms}
        for name, dataset in self.study.datasets.items():
            found |= {name, dataset.label, *dataset.names, *(variable.label for variable in dataset.variables)}
            about_nobody = dataset.names if name not in self.names else [v for v in OF_VARIABLES if v in dataset]
            found |= {str(level) for variable in about_nobody for level in dataset.text(variable).compact().levels}
        return found

    def texts(self) -> dict[str, dict[str, int]]:
        """For each part the texts that few subjects have, with their number."""
        holders: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        forms: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        coded: dict[str, set[str]] = defaultdict(set)
        for name in self.names:
            dataset, part = self.study[name], self.part_of(name)
            subject = dataset.text(self.structure.subject_variable)
            for one in self.structure.datasets[name].variables:
                text = dataset.text(one.name)
                rows = pd.DataFrame({"text": text.codes, "who": subject.codes}).drop_duplicates()
                for code, who in rows[rows.text >= 0].groupby("text").who:
                    folded = str(text.levels[code]).casefold()
                    holders[part][folded] |= {str(subject.levels[at]) for at in who}
                    forms[part][folded].add(str(text.levels[code]))
                    if one.role in CODED:
                        coded[part].add(folded)
        return {
            part: {
                text: len(who)
                for folded, who in found.items()
                if len(who) < (self.k_terms if folded in coded[part] else self.k)
                for text in forms[part][folded] - self.common
            }
            for part, found in holders.items()
        }

    def held(self, part: str) -> set[str]:
        """All texts of a part's datasets."""
        own = [self.study[name] for name in self.names if self.part_of(name) == part]
        return {str(level) for dataset in own for name in dataset.names for level in dataset.text(name).compact().levels}

    def numbers(self) -> dict[str, dict[float, int]]:
        """For each part the telling numbers that few subjects have, and the smallest and largest of each variable and test."""
        found: dict[str, dict[float, int]] = defaultdict(dict)
        for name in self.names:
            dataset, part = self.study[name], self.part_of(name)
            facts = self.structure.datasets[name]
            who = dataset.text(self.structure.subject_variable).codes
            tests = dataset.text(facts.named("TESTCD")).codes if facts.named("TESTCD") else np.zeros(dataset.n_rows, np.int64)
            rows = pd.concat(
                [
                    pd.DataFrame({"x": np.round(dataset.numbers(one.name), 9), "who": who, "test": tests, "variable": one.name})
                    for one in facts.variables
                ]
            ).dropna()
            rows = rows[np.isfinite(rows.x)]
            counts = rows.groupby("x").who.nunique()
            ends = rows.groupby(["variable", "test"]).x.agg(["min", "max"]).to_numpy().ravel()
            few = counts[counts < self.k]
            at_an_end = np.isin(few.index.to_numpy(), ends)
            for x, n, end in zip(few.index.tolist(), few.tolist(), at_an_end.tolist(), strict=True):
                if significant(x) >= (TELLING - 1 if end else TELLING):
                    found[part][x] = n
        return found

    def pairs(self, name: str, one: str, two: str) -> dict[tuple[str, str], int]:
        """Pairs of values of two variables that few subjects have in a row; words that are the name of their term count with it."""
        dataset, facts = self.study[name], self.structure.datasets[name]
        roles = [facts.variable(v).role for v in (one, two)]
        synonyms = [v for v in facts.with_role(Role.SYNONYM) if roles[0] is Role.TOPIC and v in dataset]
        columns = {v: dataset.text(v).strings() for v in (one, two, *synonyms)}
        frame = pd.DataFrame({v: [str(cell).casefold() for cell in cells] for v, cells in columns.items()})
        frame["who"] = dataset.text(self.structure.subject_variable).codes
        own = set(frame[one])
        as_named = [pd.DataFrame({"one": frame[v], "two": frame[two], "who": frame.who}) for v in (one, *synonyms)]
        rows = pd.concat(as_named)
        rows = rows[rows.one.isin(own) & (rows.one != "") & (rows.two != "")].drop_duplicates()
        counts = rows.groupby(["one", "two"]).who.nunique()
        fewest = self.k_terms if set(roles) & set(CODED) else self.k
        return {(str(a), str(b)): int(n) for (a, b), n in counts[counts < fewest].items()}


def significant(x: float) -> int:
    """Significant digits of a number in its shortest form, zeros at its ends not counted."""
    return len(f"{abs(x):.9g}".split("e")[0].replace(".", "").strip("0"))


class ModelFile:
    """The members of a model file as plain values."""

    def __init__(self, path: Path) -> None:
        with zipfile.ZipFile(path) as archive:
            self.trees = {name: json.loads(archive.read(name)) for name in archive.namelist() if name.endswith(".json")}
            self.arrays = {
                name.removeprefix("arrays/").removesuffix(".npy"): np.load(io.BytesIO(archive.read(name)))
                for name in archive.namelist()
                if name.endswith(".npy")
            }

    def parts(self) -> dict[str, Any]:
        """The tree of each dataset's part."""
        return dict(self.trees["model.json"]["parts"])

    def beside(self) -> dict[str, Any]:
        """Everything that belongs to no single dataset's part."""
        model = {key: value for key, value in self.trees["model.json"].items() if key not in ("parts", "reference")}
        return {"model": model, "rules": self.trees["rules.json"], "profile": self.trees["profile.json"]}

    def floats(self, tree: object, place: str = "") -> Iterator[tuple[str, np.ndarray]]:
        """Floating-point numbers of a tree and of the arrays that it refers to, with their place."""
        if isinstance(tree, dict):
            if "$array" in tree:
                array = self.arrays[tree["$array"]]
                if array.dtype.kind == "f":
                    yield place, array.ravel()
            elif "$cells" in tree:
                if tree.get("dtype", "").startswith("<f"):
                    cells = [cell for cell in np.ravel(np.array(tree["$cells"], dtype=object)) if not isinstance(cell, str)]
                    yield place, np.array(cells, np.float64)
            else:
                for key, value in tree.items():
                    yield from self.floats(value, f"{place}.{key}")
        elif isinstance(tree, list):
            for value in tree:
                yield from self.floats(value, place)
        elif isinstance(tree, float):
            yield place, np.array([tree])

    def array(self, tree: Any) -> np.ndarray:
        """One array of a tree."""
        if "$array" in tree:
            return self.arrays[tree["$array"]].ravel()
        return np.array([np.nan if cell == "nan" else cell for cell in np.ravel(tree["$cells"]).tolist()], np.float64)


def strings(tree: object, place: str = "") -> Iterator[tuple[str, str]]:
    """All texts of a tree, keys of mappings too, with their place."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield f"{place}.{key}", key
            yield from strings(value, f"{place}.{key}")
    elif isinstance(tree, list):
        for value in tree:
            yield from strings(value, place)
    elif isinstance(tree, str):
        yield place, tree


def leaked_texts(few: FewSubjects, model: ModelFile) -> list[Leak]:
    """Texts of few subjects in the file.

    In a part those of its own dataset: among the levels of its columns whatever they look like, elsewhere those in words or with a
    day. Beside the parts those of all datasets in words or with a day, unless enough subjects have them in another dataset. A part
    has seen no other dataset: what it has in common with another one is the dictionary's, or a stand-in.
    """
    of_part = few.texts()
    found = []
    for name, tree in model.parts().items():
        rare = of_part.get(name, {})
        found += [
            Leak(text, rare[text], f"parts.{name}{place}")
            for place, text in strings(tree)
            if text in rare and (place.endswith("$text") or WORDED.search(text) or DAY.match(text))
        ]
    rare_somewhere: dict[str, int] = {}
    shared_somewhere: set[str] = set()
    for part, rare in of_part.items():
        rare_somewhere |= rare
        shared_somewhere |= few.held(part) - set(rare)
    return found + [
        Leak(text, rare_somewhere[text], place)
        for place, text in strings(model.beside())
        if text in rare_somewhere and text not in shared_somewhere and (WORDED.search(text) or DAY.match(text))
    ]


def leaked_numbers(few: FewSubjects, model: ModelFile) -> list[Leak]:
    """Telling numbers and extremes of few subjects among the floating-point numbers of their dataset's part."""
    of_part, found = few.numbers(), []
    for name, tree in model.parts().items():
        rare = of_part.get(name, {})
        for place, values in model.floats(tree):
            if place.rsplit(".", 1)[-1] in SHARES or place.endswith(COMPUTED):
                continue
            met = set(np.round(values, 9).tolist()) & set(rare)
            found += [Leak(f"{x:.9g}", rare[x], f"parts.{name}{place}") for x in sorted(met)]
    return found


def leaked_pairs(few: FewSubjects, model: ModelFile) -> list[Leak]:
    """Pairs of values of few subjects in the rows that the file holds: catalogues, blocks, tables by code, agreements."""
    found: set[Leak] = set()
    trees = [*model.parts().items(), *model.trees["model.json"]["agreements"].items()]
    for name, tree in trees:
        if name not in few.names:
            continue
        for place, columns in _tables(tree, model):
            if place.rsplit(".", 1)[-1] in STATES:
                continue
            known = [variable for variable in columns if variable in few.study[name]]
            for one, two in combinations(known, 2):
                rare = few.pairs(name, one, two)
                held = {(a.casefold(), b.casefold()) for a, b in zip(columns[one], columns[two], strict=True)}
                met = held & set(rare)
                found |= {Leak(f"{one}={a} {two}={b}", rare[a, b], f"{name}{place}") for a, b in met}
    return sorted(found, key=lambda leak: (leak.where, leak.what))


def _tables(tree: Any, model: ModelFile, place: str = "") -> Iterator[tuple[str, dict[str, list[str]]]]:
    """Columns by variable of every object in a tree that holds rows."""
    if isinstance(tree, list):
        for value in tree:
            yield from _tables(value, model, place)
    if not isinstance(tree, dict):
        return
    kind = tree.get("$kind")
    if kind == "following" and len(tree["determinants"]) >= 1:
        keys = [key.split("\x1f") for key in tree["keys"]]
        columns = {name: [key[i] for key in keys] for i, name in enumerate(tree["determinants"])}
        yield place, {**columns, tree["dependent"]: _cells(tree["values"], model)}
    named = {"block": ("names", "values"), "term catalogue": ("variables", "columns"), "visit columns": ("names", "values")}
    if kind in named:
        names, columns_of = (tree[key] for key in named[kind])
        yield place, {name: _cells(column, model) for name, column in zip(names, columns_of, strict=True)}
    if kind == "findings table":
        yield place, {name: _cells(column, model) for name, column in tree["columns"].items()}
    for key, value in tree.items():
        yield from _tables(value, model, f"{place}.{key}")


def _cells(column: Any, model: ModelFile) -> list[str]:
    """Cells of a column as texts, numbers in their shortest form."""
    if "$text" in column:
        levels = [*column["$text"], ""]
        return [levels[int(code)] for code in model.array(column["codes"]).tolist()]
    values = model.array(column["values"])
    return ["" if x != x else str(int(x)) if x == int(x) else repr(x) for x in values.tolist()]

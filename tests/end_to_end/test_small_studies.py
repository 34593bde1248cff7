"""Small and odd studies: each is learned and sampled, or refused in one sentence; what is asked for is what comes out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import reduce
from pathlib import Path

import numpy as np
import pytest

import replicator as rp
from replicator.errors import ReplicatorError
from replicator.rules.certificate import LOST
from replicator.tables.dataset import Column, Dataset, Numbers, Study, Text, Variable

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
ARMS = ("ARM", "ARMCD", "ACTARM", "ACTARMCD")
HELD = ("AE", "CM", "DM", "DS", "EX", "LB", "QSPG", "QSSY", "RELREC", "SC", "SUPPAE", "SV", "TS")

Change = Callable[[Study], Study]


@pytest.fixture(scope="module")
def study() -> Study:
    """Some datasets of the sample study."""
    [folder] = (ROOT / "sample_data").glob("*/xpt")
    whole = rp.read_study(folder)
    return whole.with_datasets(whole[name] for name in HELD)


def each(change: Callable[[Dataset], Dataset]) -> Change:
    return lambda study: study.with_datasets(change(dataset) for dataset in study.datasets.values())


def in_dm(change: Callable[[Dataset], Dataset]) -> Change:
    return each(lambda dataset: change(dataset) if dataset.name == "DM" else dataset)


def filled(dataset: Dataset, columns: dict[str, Column]) -> Dataset:
    """Replace columns, or add them; their type follows."""
    for name, column in columns.items():
        known = dataset.variable(name) if name in dataset else Variable(name)
        dataset = dataset.with_column(replace(known, type="char" if isinstance(column, Text) else "num"), column)
    return dataset


def subjects(keep: Callable[[Dataset], Iterable[int]]) -> Change:
    """Keep the subjects in the rows of DM that `keep` gives."""

    def change(study: Study) -> Study:
        kept = set(study["DM"].text("USUBJID").strings()[list(keep(study["DM"]))].tolist())

        def own(dataset: Dataset) -> Dataset:
            if "USUBJID" not in dataset:
                return dataset
            return dataset.take(np.array([text in kept for text in dataset.text("USUBJID").strings()], bool))

        return each(own)(study)

    return change


def without_variables(pattern: str) -> Change:
    return each(lambda dataset: dataset.without(*(name for name in dataset.names if re.search(pattern, name))))


def only(*names: str) -> Change:
    return lambda study: study.with_datasets(study[name] for name in names)


def without_rows(*names: str) -> Change:
    return each(lambda dataset: dataset.take(np.zeros(dataset.n_rows, bool)) if dataset.name in names else dataset)


def texts(pattern: str, change: Callable[[str], str]) -> Change:
    """Change the texts of variables."""

    def rewritten(dataset: Dataset) -> Dataset:
        chosen = [name for name in dataset.names if re.search(pattern, name) and isinstance(dataset[name], Text)]
        return filled(
            dataset, {name: Text.of(change(text) if text else "" for text in dataset.text(name).strings()) for name in chosen}
        )

    return each(rewritten)


def renamed(old: str, new: str) -> Change:
    def change(dataset: Dataset) -> Dataset:
        variables = tuple(replace(v, name=new) if v.name == old else v for v in dataset.variables)
        return Dataset(dataset.name, variables, {new if name == old else name: c for name, c in dataset.columns.items()})

    return each(change)


def is_failure(dataset: Dataset) -> Iterable[int]:
    return np.flatnonzero(dataset.text("ARMCD").missing).tolist()


CHANGES: dict[str, Change] = {
    "one subject": subjects(lambda dm: [0]),
    "five subjects": subjects(lambda dm: range(5)),
    "twenty subjects": subjects(lambda dm: range(20)),
    "screen failures only": subjects(is_failure),
    "DM alone": only("DM"),
    "AE alone": only("AE"),
    "LB alone": only("LB"),
    "EX alone": only("EX"),
    "SV alone": only("SV"),
    "SUPPAE alone": only("SUPPAE"),
    "without DM": lambda study: study.with_datasets(d for d in study.datasets.values() if d.name != "DM"),
    "datasets without rows": without_rows("AE", "LB", "SV", "RELREC"),
    "DM without rows": without_rows("DM"),
    "no arms": without_variables("^(ACT)?ARM"),
    "arms of nobody": in_dm(lambda dm: filled(dm, {name: Text.constant("", dm.n_rows) for name in ARMS})),
    "one arm": in_dm(lambda dm: filled(dm, {name: Text.constant("A", dm.n_rows) for name in ARMS})),
    "arms of one": in_dm(lambda dm: filled(dm, {name: Text.of(f"A{i}" for i in range(dm.n_rows)) for name in ARMS})),
    "no dates": without_variables("DTC$"),
    "no dates nor days": without_variables("(DTC|DY)$"),
    "empty dates": texts("DTC$", lambda text: ""),
    "impossible dates": texts("DTC$", lambda text: f"{text[:4]}-02-30"),
    "dates of the first century": texts("DTC$", lambda text: f"0021{text[4:]}"),
    "dates of the last century": texts("DTC$", lambda text: f"9998{text[4:]}"),
    "no VISITNUM": without_variables("^VISITNUM$"),
    "no visits": without_variables("^VISIT"),
    "no --SEQ": without_variables("SEQ$"),
    "no STUDYID": without_variables("^STUDYID$"),
    "rows of DM twice": in_dm(lambda dm: dm.take(np.r_[np.arange(dm.n_rows), np.arange(4)])),
    "another subject variable": renamed("USUBJID", "SUBJECT"),
    "text in every column": each(lambda d: filled(d, {name: d.text(name) for name in d.names})),
    "empty columns": each(
        lambda d: filled(d, {"XTEXT": Text.constant("", d.n_rows), "XNUMBER": Numbers(np.full(d.n_rows, np.nan))})
    ),
    "different columns": each(
        lambda d: filled(d, {"XTEXT": Text.of(f"row {i}" for i in range(d.n_rows)), "XNUMBER": Numbers(1.37 * np.arange(d.n_rows))})
    ),
    "mixed results": texts("ORRES$", lambda text: {"1": "<0.2", "2": "NEGATIVE", "3": "NA", "4": "INF"}.get(text[-1], text)),
    "constant results": each(
        lambda d: filled(d, {name: Numbers(np.ones(d.n_rows)) for name in d.names if name.endswith("STRESN")})
    ),
    "other scripts": texts("(TERM|TRT|SITEID|COUNTRY|USUBJID|TEST)$", lambda text: f"é漢 {text}"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_odd_studies_are_learned(name: str, study: Study) -> None:
    """The sample has all datasets and variables, and exactly the subjects that were asked for; it can be validated."""
    source = CHANGES[name](study)
    model = rp.fit(source, cache=False)
    sample = model.sample(30, seed=3)
    assert {name: dataset.names for name, dataset in sample.datasets.items()} == {
        name: dataset.names for name, dataset in source.datasets.items()
    }
    head, variable = model.model.subjects.dataset, model.model.ids.variable
    if head:
        assert len(set(sample[head].text(variable).strings().tolist())) == sample[head].n_rows == 30
    assert rp.validate(sample, against=model).comparisons
    assert model.sample(1, seed=3).datasets.keys() == source.datasets.keys()


CERTIFIED = (
    "five subjects",
    "screen failures only",
    "AE alone",
    "without DM",
    "no arms",
    "arms of one",
    "no dates",
    "impossible dates",
    "no visits",
)


@pytest.mark.parametrize("name", CERTIFIED)
def test_certificates_of_odd_studies_hold(name: str, study: Study) -> None:
    """No rule that the source passed is broken, but where values are withheld: then the certificate says so."""
    model = rp.fit(CHANGES[name](study), cache=False)
    judged = rp.validate(model.sample(60, seed=3), against=model)
    assert [one for one in judged.comparisons if one.verdict in LOST] == []


@pytest.mark.parametrize(
    ("names", "word"),
    [(("TS",), "subject"), (("RELREC",), "about subjects"), (("DM", "AE"), "has a row")],
    ids=["TS", "RELREC", "empty"],
)
def test_studies_of_nobody_are_refused(names: tuple[str, ...], word: str, study: Study) -> None:
    """A study without subjects, or without any row, is refused in one sentence."""
    source = only(*names)(study)
    with pytest.raises(ReplicatorError, match=word) as refused:
        rp.fit(without_rows("DM", "AE")(source), cache=False)
    assert "\n" not in str(refused.value)


def reduce_changes(*changes: Change) -> Change:
    return lambda study: reduce(lambda done, change: change(done), changes, study)


def test_subject_variable_and_duplicates_together(study: Study) -> None:
    """A subject variable of another name and repeated rows of DM: the model says what it left out."""
    source = reduce_changes(CHANGES["rows of DM twice"], CHANGES["another subject variable"])(study)
    model = rp.fit(source, cache=False)
    assert any("rows that repeat a subject are not learned, 4 of 48" in note for note in model.notes)
    assert model.sample(12)["DM"].n_rows == 12


@pytest.mark.parametrize("n", [1, 2, 4])
def test_few_subjects_tell_no_days(n: int, study: Study) -> None:
    """Of fewer than k subjects, a model keeps no day of a visit, and nothing of visits in between."""
    model = rp.fit(subjects(lambda _: range(n))(study), cache=False).model
    expected = model.subjects.course.grid.expected
    np.testing.assert_array_equal(expected, 7.0 * np.arange(len(expected)))
    assert model.schedule.unscheduled is None

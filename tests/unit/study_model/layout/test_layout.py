"""The outside of a dataset: order of variables and rows, constants, --SEQ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from replicator.profile.find import find_structure
from replicator.study_model.layout.layout import Layout
from replicator.tables.dataset import Dataset, Numbers, Text, Variable

from ..small_studies import make_study

ROWS: dict[str, Sequence[object]] = {
    "USUBJID": ["S1"] * 4 + ["S2"] * 2,
    "VSSEQ": [1.0, 2.0, 3.0, 4.0, 1.0, 2.0],
    "VSTESTCD": ["BP", "BP", "HR", "HR", "BP", "HR"],
    "VSORRES": ["120", "121", "60", "61", "118", "70"],
    "VISITNUM": [1.0, 2.0, 1.0, 2.0, 1.0, 1.0],
    "VSDTC": ["2020-01-01", "2020-02-01", "2020-01-01", "2020-02-01", "2020-01-05", "2020-01-05"],
}
DM = {"USUBJID": ["S1", "S2"], "ARM": ["A", "B"]}


def fitted() -> tuple[Layout, Dataset]:
    study = make_study(DM=DM, VS=ROWS)
    structure = find_structure(study)
    return Layout.fit(study["VS"], structure.datasets["VS"], np.array([0, 0, 0, 0, 1, 1], np.int32), (), 1, {}), study["VS"]


def test_rows_are_ordered_as_in_the_source() -> None:
    """By test and then by visit, as --SEQ tells; mixed rows come back in that order."""
    layout, dataset = fitted()
    mixed = np.array([3, 5, 0, 2, 4, 1])
    subject = np.array([0, 0, 0, 0, 1, 1], np.int32)[mixed]
    order = layout.sort(dataset.take(mixed), subject)
    assert mixed[order].tolist() == [0, 1, 2, 3, 4, 5]


def test_finished_rows_have_identifiers_numbers_and_every_variable() -> None:
    """USUBJID, STUDYID and DOMAIN are written, --SEQ counts from 1 in each subject, what nobody made is missing."""
    layout, dataset = fitted()
    made = Dataset.from_frame("VS", pd.DataFrame({"VSTESTCD": ["BP", "HR", "BP"], "VISITNUM": [1.0, 1.0, 1.0]}))
    done = layout.finish(made, np.array([0, 0, 2], np.int32), Text.of(["N1", "N2", "N3"]))
    assert done.names == dataset.names
    assert done.text("USUBJID").strings().tolist() == ["N1", "N1", "N3"]
    assert done.text("STUDYID").strings().tolist() == ["ST"] * 3 and done.text("DOMAIN").strings().tolist() == ["VS"] * 3
    assert done.numbers("VSSEQ").tolist() == [1, 2, 1]
    assert done.text("VSORRES").missing.all()
    assert all((done.variable(n).type == "num") == isinstance(done[n], Numbers) for n in done.names)


def test_rows_that_the_source_never_had_are_left_out() -> None:
    """No row repeats another of its subject, and none is without a result; rows of others may be the same."""
    layout, dataset = fitted()
    assert layout.repeated == 0 and layout.results == ("VSORRES",)
    drawn = dataset.take(np.array([0, 1, 1, 2])).without("VSSEQ")
    bare = drawn.with_column(drawn.variable("VSORRES"), Text.of(["120", "121", "121", None]))
    assert layout.admissible(bare, np.array([0, 0, 0, 0], np.int32)).tolist() == [True, True, False, False]
    assert layout.admissible(bare, np.array([0, 0, 1, 1], np.int32)).tolist() == [True, True, True, False]


def test_as_many_repeats_stay_as_the_source_had() -> None:
    """Of ten rows one repeats another in the source; of forty rows of which twenty repeat others, four such rows stay."""
    terms = [f"T{i}" for i in range(9)]
    rows = {"USUBJID": ["S1"] * 10, "MHSEQ": [float(i + 1) for i in range(10)], "MHTERM": [*terms, "T0"]}
    structure = find_structure(make_study(DM=DM, MH=rows)).datasets["MH"]
    study = make_study(DM=DM, MH=rows)
    layout = Layout.fit(study["MH"], structure, np.zeros(10, np.int32), (), 1, {})
    drawn = Dataset.from_frame("MH", pd.DataFrame({"MHTERM": [f"T{i // 2}" for i in range(40)]}))
    keep = layout.admissible(drawn, np.zeros(40, np.int32))
    assert layout.repeated == 0.1 and keep[::2].all() and keep.sum() == 24


def test_rows_that_came_to_repeat_a_key_go_and_the_others_are_counted_anew() -> None:
    """Of two rows of a subject with one key the first stays; --SEQ has no gap, and goes on from what was counted before."""
    layout = replace(fitted()[0], keys=("VSTESTCD", "VISITNUM"))
    frame = pd.DataFrame({"VSSEQ": [1.0, 2.0, 3.0], "VSTESTCD": ["BP", "BP", "HR"], "VISITNUM": [1.0, 1.0, 1.0]})
    made = Dataset.from_frame("VS", frame)
    kept = layout.keyed(made, np.zeros(3, np.int32))
    assert kept.tolist() == [True, False, True]
    left = layout.number(made.take(np.flatnonzero(kept)), np.zeros(2, np.int32), np.array([4]))
    assert left.numbers("VSSEQ").tolist() == [5.0, 6.0]


def test_rows_that_repeat_any_key_go() -> None:
    """Told apart by the visit and, beside that, by the result: the second row repeats the one key, the third the other."""
    layout = replace(fitted()[0], keys=("VSTESTCD", "VISITNUM"), other_keys=(("VSTESTCD", "VSORRES"),))
    cells = {"VSTESTCD": ["BP"] * 4, "VISITNUM": [1.0, 1.0, 2.0, 3.0], "VSORRES": ["120", "121", "120", "122"]}
    made = Dataset.from_frame("VS", pd.DataFrame(cells))
    assert layout.keyed(made, np.zeros(4, np.int32)).tolist() == [True, False, False, True]
    assert layout.keyed(made, np.arange(4, dtype=np.int32)).all()


def test_of_rows_with_one_key_the_one_of_a_death_stays() -> None:
    """Who died has a row that says so, wherever another reason with the same key was drawn; others keep their first row."""
    layout = replace(fitted()[0], keys=("DSSCAT",), other_keys=(("DSCAT", "DSTERM"),), coded="DSDECOD")
    cells = {
        "DSDECOD": ["OTHER", "DEATH", "DEATH", "OTHER", "COMPLETED"],
        "DSTERM": ["A", "B", "C", "A", "D"],
        "DSSCAT": ["STUDY", "STUDY", "STUDY", "STUDY", "STUDY"],
        "DSCAT": ["X", "X", "X", "X", "X"],
    }
    made, subject = Dataset.from_frame("DS", pd.DataFrame(cells)), np.array([0, 0, 0, 1, 1], np.int32)
    assert layout.keyed(made, subject).tolist() == [False, True, False, True, False]
    assert replace(layout, coded="").keyed(made, subject).tolist() == [True, False, False, True, False]


def test_rows_that_repeat_a_key_are_told_as_one_by_one() -> None:
    """Against a plain look at all rows before: missing cells and 0 and -0 are alike, the tenth decimal does not tell."""
    rng = np.random.default_rng(3)
    layout, _ = fitted()
    for n, span in ((0, 1), (1, 1), (400, 3), (400, 40)):
        subject = np.sort(rng.integers(0, 8, n)).astype(np.int32)
        number = rng.choice([np.nan, -np.nan, 0.0, -0.0, 1.5, 1.5 + 2e-10, *np.arange(float(span))], n)
        text = Text(rng.integers(-1, span, n).astype(np.int32), np.array([f"T{i}" for i in range(span)], object))
        variables = Variable("VSTESTCD"), Variable("VISITNUM", type="num")
        table = Dataset("VS", variables, {"VSTESTCD": text, "VISITNUM": Numbers(number)})
        keyed = replace(layout, keys=("VSTESTCD", "VISITNUM"), other_keys=()).keyed(table, subject)
        seen: set[tuple[object, ...]] = set()
        for i in range(n):
            cell = "" if np.isnan(number[i]) else str(round(float(number[i]), 9) + 0.0)
            key = (int(subject[i]), int(text.codes[i]), cell)
            assert keyed[i] == (key not in seen)
            seen.add(key)


def test_a_device_that_few_subjects_have_is_nobodys_constant() -> None:
    """In one row, in all rows of one subject; six subjects who share one keep it, and so does the study its name."""
    for with_it, kept in ((1, ""), (2, ""), (12, "DEV-7")):
        ids = [f"S{i // 2}" for i in range(12)]
        rows = {"STUDYID": ["X"] * 12, "USUBJID": ids, "VSTESTCD": ["BP", "HR"] * 6, "VSORRES": ["1"] * 12}
        device = {"SPDEVID": ["DEV-7"] * with_it + [""] * (12 - with_it)}
        study = make_study(DM={"USUBJID": sorted(set(ids))}, VS={**rows, **device})
        structure = find_structure(study).datasets["VS"]
        layout = Layout.fit(study["VS"], structure, np.arange(12, dtype=np.int32) // 2, (), 5, {})
        assert layout.constants == {"STUDYID": "X", "DOMAIN": "VS", "SPDEVID": kept}

"""Finding and ordering derivations, on small studies and on a real one."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from replicator.derivations.derivation import Derivation
from replicator.derivations.derive import derive, derive_all, order_derivations, with_exceptions
from replicator.derivations.find import equal, find_derivations
from replicator.derivations.rules import RULES
from replicator.errors import StudyError
from replicator.profile.find import find_structure
from replicator.tables.dataset import Dataset, Study, Text
from replicator.tables.readers import read_study

from .small_studies import days, find_in, make_study, subjects

IDS = subjects(20)
START = days("2020-03-01", range(20))


def test_inputs_come_before_targets() -> None:
    """Study days need dates that are derived themselves, so they come later."""
    day = Derivation("EX", "EXSTDY", "study_day", ("EX.EXSTDTC", "DM.RFSTDTC"))
    copy = Derivation("EX", "EXSTDTC", "copy_of", ("DM.RFSTDTC",))
    flag = Derivation("DM", "DTHFL", "flag_of", ("DM.DTHDTC",))
    ordered = order_derivations([day, copy, flag])
    assert ordered.index(copy) < ordered.index(day)


def test_a_circle_is_refused_in_a_sentence() -> None:
    """Two variables that follow from each other cannot be put in order."""
    one, other = Derivation("DM", "A", "copy_of", ("DM.B",)), Derivation("DM", "B", "copy_of", ("DM.A",))
    with pytest.raises(StudyError, match=r"DM\.A, DM\.B follow from each other in a circle"):
        order_derivations([one, other])


def test_no_circle_is_ever_found() -> None:
    """First dose and reference start explain each other; only one of them is derived."""
    ex = {"USUBJID": IDS, "EXTRT": ["X"] * 20, "EXSTDTC": START, "EXENDTC": START}
    study = make_study(DM={"USUBJID": IDS, "RFSTDTC": START, "RFXSTDTC": START, "RFXENDTC": START, "RFENDTC": START}, EX=ex)
    found = find_in(study)
    assert order_derivations(found.values())
    changed = make_study(DM={"USUBJID": IDS, "RFSTDTC": days("2021-01-01", range(20))}, EX={"USUBJID": IDS, "EXTRT": ["X"] * 20})
    done = derive_all(found.values(), changed)
    assert "EXSTDTC" not in done["EX"] or done["EX"].text("EXSTDTC").strings().tolist() == days("2021-01-01", range(20))


def test_an_input_that_is_not_there_gives_a_sentence() -> None:
    """The message names the target and what it lacks."""
    study = make_study(DM={"USUBJID": IDS}, AE={"USUBJID": IDS, "AETERM": ["X"] * 20})
    derivation = Derivation("AE", "AESTDY", "study_day", ("AE.AESTDTC", "DM.RFSTDTC"), {"convention": "no day 0"})
    with pytest.raises(StudyError, match=r"AE\.AESTDY: AE\.AESTDTC, DM\.RFSTDTC not in the study"):
        derive(derivation, study)
    assert derive_all([derivation], study)["AE"].names == study["AE"].names


def test_an_unknown_rule_gives_a_sentence() -> None:
    """A model of a newer version may name rules that this one does not have."""
    with pytest.raises(StudyError, match="the rule 'alchemy' is not known to this version"):
        derive(Derivation("DM", "X", "alchemy", ()), make_study(DM={"USUBJID": IDS}))


@pytest.mark.parametrize("parameters", [{}, {"by": "x", "scales": 3}, {"by": ["LBORRES"], "scales": [[["1"]]]}])
def test_parameters_that_the_rule_cannot_read_give_a_sentence(parameters: dict[str, object]) -> None:
    """An edited model with odd parameters is refused where it is used."""
    study = make_study(DM={"USUBJID": IDS}, LB={"USUBJID": IDS, "LBORRES": ["1"] * 20, "LBTESTCD": ["T"] * 20})
    with pytest.raises(StudyError, match="are not what the rule needs"):
        derive(Derivation("LB", "LBSTRESN", "converted", ("LB.LBORRES", "LB.LBTESTCD"), parameters), study)


@pytest.mark.parametrize("n", [0, 1, 2, 4])
def test_tiny_studies_do_not_fail(n: int) -> None:
    """With no subject, one or a few, finding gives what it can and never an error."""
    dm = {
        "USUBJID": IDS[:n],
        "RFSTDTC": START[:n],
        "DMDTC": START[:n],
        "DMDY": [1.0] * n,
        "SITEID": [s.split("-")[1] for s in IDS[:n]],
    }
    study = make_study(DM=dm, AE={"USUBJID": IDS[:n], "AETERM": ["X"] * n, "AESTDTC": START[:n], "AESTDY": [1.0] * n})
    facts = find_structure(make_study(DM={"USUBJID": IDS, "RFSTDTC": START}), derivations=False).datasets
    found = find_derivations(study, facts, "DM")
    assert n > 0 or found == ()
    derive_all(found, study)


def test_columns_without_a_value_are_not_derived() -> None:
    """A variable that is empty throughout follows from nothing."""
    study = make_study(DM={"USUBJID": IDS, "RFSTDTC": START, "RFXSTDTC": [""] * 20, "DTHFL": [""] * 20, "DTHDTC": [""] * 20})
    assert find_in(study) == {}


def test_row_order_and_order_of_levels_make_no_difference() -> None:
    """The same rows in another order, with other codes, give the same derivations and counts."""
    rng = np.random.default_rng(4)
    ae = {"USUBJID": IDS, "AETERM": ["X", "Y"] * 10, "AESTDTC": START, "AESTDY": [1.0] * 20, "AELLT": ["X", "Y"] * 10}
    study = make_study(DM={"USUBJID": IDS, "RFSTDTC": START}, AE=ae)
    order = rng.permutation(20)
    shuffled = {name: dataset.take(order) for name, dataset in study.datasets.items()}
    turned = [
        Dataset(
            d.name,
            d.variables,
            {
                n: Text((len(c.levels) - 1 - c.codes).astype(np.int32), c.levels[::-1])
                if isinstance(c, Text) and (c.codes >= 0).all()
                else c
                for n, c in d.columns.items()
            },
        )
        for d in shuffled.values()
    ]
    assert find_in(study) == find_in(study.with_datasets(turned))


def test_all_at_once_equals_one_after_another(pilot_folder: Path) -> None:
    """What is remembered between derivations never outlives the column that it came from."""
    study = read_study(pilot_folder)
    kept = {name: study[name] for name in ("DM", "EX", "DS", "SV", "SE", "AE", "VS", "QSNI")}
    study = study.with_datasets(kept.values())
    structure = find_structure(study, derivations=False)
    found = find_derivations(study, structure.datasets, structure.subjects)
    dm = study["DM"]
    shifted = dm.with_column(dm.variable("RFSTDTC"), dm.text("RFXENDTC"))
    moved = study.with_datasets([shifted if d.name == "DM" else d for d in kept.values()])
    wanted = moved
    for derivation in order_derivations(found):
        dataset = wanted[derivation.dataset]
        changed = dataset.with_column(dataset.variable(derivation.target), derive(derivation, wanted))
        wanted = wanted.with_datasets([changed if d.name == changed.name else d for d in wanted.datasets.values()])
    done = derive_all(found, moved)
    for derivation in found:
        pair = (s[derivation.dataset][derivation.target] for s in (done, wanted))
        assert equal(*pair).all(), derivation


def test_without_the_subjects_nothing_is_derived() -> None:
    """A study cut down to one dataset keeps its columns as they are."""
    study = make_study(DM={"USUBJID": IDS, "RFSTDTC": START}, AE={"USUBJID": IDS, "AETERM": ["X"] * 20, "AELLT": ["X"] * 20})
    derivation = Derivation("AE", "AELLT", "copy_of", ("AE.AETERM",))
    alone = study.with_datasets([study["AE"]])
    assert derive_all([derivation], alone)["AE"].names == study["AE"].names


def test_exceptions_are_put_back_at_their_rate() -> None:
    """A fifth of the cells are left missing, as in the source."""
    derivation = Derivation("AE", "AESTDY", "study_day", (), {"exceptions": {"missing": 0.2, "added": 0.0, "other": 0.0}})
    column = with_exceptions(derivation, Text.constant("x", 10_000), np.random.default_rng(0))
    assert abs(column.missing.mean() - 0.2) < 0.012


def test_rules_are_proposed_under_their_own_names() -> None:
    """Every rule's name is the key under which it is computed again."""
    study = make_study(DM={"USUBJID": IDS, "RFSTDTC": START, "RFXSTDTC": START})
    assert all(derivation.rule in RULES for derivation in find_in(study).values())


def test_the_pilot_study(pilot_folder: Path) -> None:
    """The laws of a real study (CDISC pilot, 306 subjects) are found, hold as often as they say, and cost a few seconds."""
    study = read_study(pilot_folder)
    structure = find_structure(study, derivations=False)
    started = time.process_time()
    found = find_derivations(study, structure.datasets, structure.subjects)
    assert time.process_time() - started < 12
    by_target = {(d.dataset, d.target): d for d in found if d.rule != "total"}
    for dataset, target, rule in (
        ("AE", "AESTDY", "study_day"),
        ("LBCH", "LBDY", "study_day"),
        ("DM", "RFXSTDTC", "first"),
        ("DM", "RFXENDTC", "last"),
        ("DM", "RFENDTC", "first"),
        ("DM", "RFPENDTC", "last"),
        ("DM", "SITEID", "part_of"),
        ("LBCH", "LBSTRESN", "converted"),
        ("LBCH", "LBNRIND", "indicator"),
        ("LBCH", "LBBLFL", "baseline_flag"),
        ("VS", "VSBLFL", "baseline_flag"),
        ("SE", "SEENDTC", "next_of"),
        ("AE", "AESDTH", "flag_of"),
    ):
        assert by_target[dataset, target].rule == rule, (dataset, target)
    totals = {e["test"] for d in found if d.rule == "total" for e in d.parameters["totals"]}  # type: ignore[attr-defined]
    assert {"ACTOT", "NPTOT"} <= totals
    _holds_as_often_as_counted(study, found)


def test_parameters_hold_nothing_of_few_subjects(pilot_folder: Path) -> None:
    """Every text in a parameter is a name of the standard, or a value that k subjects share."""
    study = read_study(pilot_folder)
    structure = find_structure(study, derivations=False)
    k = 20
    rare: dict[str, set[str]] = {}
    own_words = {"FATAL", "Y", "N", "NOT DONE", "ONGOING"}
    for name, dataset in study.datasets.items():
        if "USUBJID" in dataset:
            frame = dataset.to_frame()
            for variable in (v.name for v in dataset.variables if v.type == "char"):
                counts = frame.groupby(variable)["USUBJID"].nunique()
                rare.setdefault(name, set()).update(map(str, counts.index[counts < k]))
                own_words |= {*map(str, counts.index[counts >= k]), variable}
    for derivation in find_derivations(study, structure.datasets, structure.subjects, k):
        everywhere = rare[derivation.dataset] | set().union(*(rare.get(i.partition(".")[0], set()) for i in derivation.inputs))
        held = {text for text in _texts(dict(derivation.parameters)) if text and not text.isdigit()}
        assert (held & everywhere) - own_words == set(), derivation


def _texts(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for key, item in value.items() if key not in ("type", "elsewhere", "style") for text in _texts(item)]
    if isinstance(value, list | tuple):
        return [text for item in value for text in _texts(item)]
    return [value] if isinstance(value, str) else []


def _holds_as_often_as_counted(study: Study, found: tuple[Derivation, ...]) -> None:
    """Recomputing a derivation on its own source changes at most as many cells as its test counted."""
    for derivation in found:
        before = study[derivation.dataset][derivation.target]
        changed = int((~equal(before, derive(derivation, study))).sum())
        assert changed <= derivation.n_tested - derivation.n_agree, derivation


def test_a_study_with_names_of_its_own() -> None:
    """Where the subject is called otherwise, the derivation carries the names that it needs."""
    people = pd.DataFrame({"PATIENT": IDS, "RFSTDTC": START, "SEX": ["F", "M"] * 10, "GENDER": ["F", "M"] * 10})
    visits = pd.DataFrame({"PATIENT": np.repeat(IDS, 2), "N": np.tile([1.0, 2.0], 20), "SEX": np.repeat(["F", "M"] * 10, 2)})
    study = Study({name: Dataset.from_frame(name, frame) for name, frame in (("PEOPLE", people), ("VISITS", visits))})
    structure = find_structure(study, derivations=False)
    found = {(d.dataset, d.target): d for d in find_derivations(study, structure.datasets, structure.subjects)}
    assert found["PEOPLE", "GENDER"].inputs == ("PEOPLE.SEX",)
    sex = found["VISITS", "SEX"]
    assert sex.parameters["subjects"] == "PEOPLE" and sex.parameters["subject_variable"] == "PATIENT"
    assert equal(derive(sex, study), study["VISITS"]["SEX"]).all()

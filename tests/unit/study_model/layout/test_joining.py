"""SUPP-- datasets as columns of their parents, and back."""

from __future__ import annotations

import numpy as np

from replicator.standards.withheld import WITHHELD
from replicator.study_model.layout.joining import join_supplements, split_supplements
from replicator.tables.dataset import Dataset, Study, Text

from ..small_studies import make_study, structured

IDS = ["S1", "S2", "S3"]
NO_ROWS = np.empty(0, np.intp)


def _study(**supp: list[str]) -> Study:
    return make_study(
        DM={"USUBJID": IDS, "ARM": ["A", "B", "A"]},
        AE={"USUBJID": ["S1", "S1", "S2"], "AESEQ": [1.0, 2.0, 1.0], "AETERM": ["PAIN", "RASH", "PAIN"]},
        SUPPAE={"RDOMAIN": ["AE"] * len(supp["USUBJID"]), **supp, "QLABEL": ["Emergent"] * len(supp["USUBJID"])},
    )


def _supp(values: list[str]) -> dict[str, list[str]]:
    return {
        "USUBJID": ["S1", "S1", "S2"],
        "IDVAR": ["AESEQ"] * 3,
        "IDVARVAL": values,
        "QNAM": ["EMERG"] * 3,
        "QVAL": ["Y", "N", "Y"],
    }


def test_joined_and_split_is_what_was() -> None:
    """Each QVAL stands in its parent's row, and comes off with its IDVARVAL again."""
    study, structure = structured(_study(**_supp(["1", "2", "1"])))
    datasets, supplements, notes = join_supplements(study, structure)
    assert notes == () and set(datasets) == {"DM", "AE"}
    assert datasets["AE"].text("EMERG").strings().tolist() == ["Y", "N", "Y"]
    template = study["SUPPAE"].take(NO_ROWS)
    parent, back = split_supplements(datasets["AE"], supplements, template, "USUBJID")
    assert parent.names == study["AE"].names
    for name in study["SUPPAE"].names:
        assert back.text(name).strings().tolist() == study["SUPPAE"].text(name).strings().tolist()


def test_numbers_are_the_same_however_written() -> None:
    """IDVARVAL may be padded, or written with a point; padding comes back."""
    study, structure = structured(_study(**_supp(["       1", "     2.0", "       1"])))
    datasets, supplements, notes = join_supplements(study, structure)
    assert notes == () and datasets["AE"].text("EMERG").strings().tolist() == ["Y", "N", "Y"]
    _, back = split_supplements(datasets["AE"], supplements, study["SUPPAE"].take(NO_ROWS), "USUBJID")
    assert back.text("IDVARVAL").strings().tolist() == ["       1", "       2", "       1"]


def test_rows_that_name_nothing_are_counted() -> None:
    """One of three rows names a row that is not there: one sentence says so."""
    study, structure = structured(_study(**_supp(["1", "7", "1"])))
    datasets, _, notes = join_supplements(study, structure)
    assert len(notes) == 1 and "not learned, 1 of 3;" in notes[0] and notes[0].startswith("SUPPAE")
    assert datasets["AE"].text("EMERG").strings().tolist() == ["Y", "", "Y"]


def test_qualifiers_of_the_subject() -> None:
    """Without IDVAR the subject's row is meant."""
    study, structure = structured(
        make_study(
            DM={"USUBJID": IDS, "ARM": ["A", "B", "A"]},
            SUPPDM={"RDOMAIN": ["DM"], "USUBJID": ["S2"], "IDVAR": [""], "IDVARVAL": [""], "QNAM": ["ITT"], "QVAL": ["Y"]},
        )
    )
    datasets, supplements, _ = join_supplements(study, structure)
    assert datasets["DM"].text("ITT").strings().tolist() == ["", "Y", ""]
    parent, back = split_supplements(datasets["DM"], supplements, study["SUPPDM"].take(NO_ROWS), "USUBJID")
    assert back.n_rows == 1 and back.text("IDVARVAL").missing.all() and "ITT" not in parent


def test_a_name_that_the_parent_has_is_kept_apart() -> None:
    """QNAM AETERM does not overwrite AE.AETERM."""
    supp = _supp(["1", "2", "1"]) | {"QNAM": ["AETERM"] * 3}
    study, structure = structured(_study(**supp))
    datasets, supplements, _ = join_supplements(study, structure)
    assert datasets["AE"].text("AETERM").strings().tolist() == ["PAIN", "RASH", "PAIN"]
    parent, back = split_supplements(datasets["AE"], supplements, study["SUPPAE"].take(NO_ROWS), "USUBJID")
    assert back.text("QVAL").strings().tolist() == ["Y", "N", "Y"] and back.text("QNAM").strings().tolist() == ["AETERM"] * 3
    assert isinstance(parent, Dataset) and parent.names == study["AE"].names


def test_what_too_few_subjects_have_is_not_named() -> None:
    """Everybody has the first qualifier, one subject the second; a word beside the first that one subject has is not its own."""
    ids = [f"S{i}" for i in range(6)]
    study = make_study(
        DM={"USUBJID": ids, "ARM": ["A"] * 6},
        SUPPDM={
            "RDOMAIN": ["DM"] * 7,
            "USUBJID": [*ids, "S3"],
            "IDVAR": [""] * 7,
            "IDVARVAL": [""] * 7,
            "QNAM": ["ITT"] * 6 + ["OTHER"],
            "QLABEL": ["Intent to treat"] * 6 + ["What only S3 said"],
            "QVAL": ["Y"] * 6 + ["because"],
            "QORIG": ["CRF"] * 3 + ["eDT", "by hand", "phone", "CRF"],
        },
    )
    datasets, supplements, notes = join_supplements(*structured(study), k=3)
    assert "OTHER" not in datasets["DM"] and datasets["DM"].text("ITT").strings().tolist() == ["Y"] * 6
    assert [(one.name, one.constants) for one in supplements] == [
        ("ITT", {"STUDYID": "ST", "RDOMAIN": "DM", "QLABEL": "Intent to treat", "QORIG": "CRF"}),
        ("RARE1", {"STUDYID": "ST", "RDOMAIN": "DM", "QLABEL": "RARE1", "QORIG": WITHHELD}),
    ]
    [note] = notes
    assert "1 of 2 in 1 of 7 rows" in note and "OTHER" not in note and "S3" not in note
    assert [one.name for one in join_supplements(*structured(study), k=7)[1]] == ["RARE1", "RARE2"]
    taken = study.with_datasets(
        one if one.name == "DM" else one.with_column(one.variable("QNAM"), Text.of(["RARE1"] * 6 + ["OTHER"]))
        for one in study.datasets.values()
    )
    assert [one.name for one in join_supplements(*structured(taken), k=3)[1]] == ["RARE1", "RARE2"]

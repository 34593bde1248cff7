"""Flags that say that a treatment begins on the day of an event."""

from __future__ import annotations

from replicator.derivations.derivation import Derivation
from replicator.derivations.derive import derive
from replicator.tables.dataset import Study

from .small_studies import find_in, make_study, subjects

N = 20
IDS = subjects(N)


def events(wrong: int = 0, treated: int = 8) -> Study:
    """Two events a subject; the first of some is treated on its day, or, of `wrong` ones, two days later."""
    days = [f"2020-03-{day:02d}" for day in range(1, N + 1)]
    ae = {
        "USUBJID": [one for one in IDS for _ in range(2)],
        "AETERM": ["HEADACHE", "COUGH"] * N,
        "AESTDTC": [text for day in days for text in (day + "T10:00", "2020-04" + day[7:])],
        "AECONTRT": [flag for i in range(N) for flag in ("Y" if i < treated else "N", "N")],
    }
    cm = {
        "USUBJID": [*IDS[:treated], *IDS],
        "CMTRT": ["PARACETAMOL"] * treated + ["SIMVASTATIN"] * N,
        "CMSTDTC": [f"2020-03-{i + 1 + 2 * (i < wrong):02d}" for i in range(treated)] + ["2012-05"] * N,
    }
    return make_study(DM={"USUBJID": IDS, "RFSTDTC": days}, AE=ae, CM=cm)


def test_an_event_is_treated_where_a_medicine_begins_on_its_day() -> None:
    """Eight first events are flagged, and eight medicines begin on their days; where they begin on others, flags go with them."""
    study = events()
    derivation = find_in(study)["AE", "AECONTRT"]
    assert (derivation.rule, derivation.inputs) == ("flag_of_day", ("AE.AESTDTC", "CM.CMSTDTC"))
    assert derivation.n_agree == derivation.n_tested == 2 * N
    assert list(derive(derivation, study).strings()) == list(study["AE"].text("AECONTRT").strings())
    moved = list(derive(derivation, events(wrong=3)).strings())
    assert moved[::2] == ["N"] * 3 + ["Y"] * 5 + ["N"] * (N - 8)


def test_an_event_whose_day_is_not_known_keeps_its_flag() -> None:
    """The month alone says nothing of what began on the day."""
    study = make_study(
        DM={"USUBJID": ["1"], "RFSTDTC": ["2020-03-01"]},
        AE={"USUBJID": ["1", "1"], "AESTDTC": ["2020-03", "2020-03-04"], "AECONTRT": ["Y", "Y"]},
        CM={"USUBJID": ["1"], "CMSTDTC": ["2020-03"]},
    )
    rule = Derivation("AE", "AECONTRT", "flag_of_day", ("AE.AESTDTC", "CM.CMSTDTC"), {"yes": "Y", "no": "N", "elsewhere": "keep"})
    assert list(derive(rule, study).strings()) == ["Y", "N"]


def test_what_few_show_or_many_do_otherwise_is_no_law() -> None:
    """Four treated subjects are fewer than k; a quarter of the medicines elsewhere is too many."""
    assert ("AE", "AECONTRT") not in find_in(events(treated=4))
    assert ("AE", "AECONTRT") not in find_in(events(wrong=2))

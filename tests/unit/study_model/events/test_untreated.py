"""Events before the first dose: what they say of the treatment, how many there are, and when."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from replicator.sampling.request import Request
from replicator.study_model.events.untreated import AFTER, BEFORE, TREATED, before_first_dose, may_end_treatment, phase_of_treatment
from replicator.study_model.fitting import fit_study_model
from replicator.study_model.spine import Told
from replicator.tables.dataset import Study, Text, Variable
from replicator.tables.dates import Precision, format_dates, parse_dates

from ..small_studies import events_from_consent, structured
from ..spines import make_spine

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class _Seen:
    """Of each event whether it begins before the first dose, whether there is none, and what it says; and subjects without."""

    before: Bools
    never: Bools
    related: Bools
    action: NDArray[np.object_]
    without: int

    @classmethod
    def of(cls, study: Study) -> _Seen:
        subjects, events = study["DM"], study["AE"]
        place = {name: i for i, name in enumerate(subjects.text("USUBJID").strings().tolist())}
        who = np.array([place[name] for name in events.text("USUBJID").strings().tolist()])
        dose = parse_dates(subjects.text("RFXSTDTC")).day
        never = np.isnan(dose)
        before = never[who] | (parse_dates(events.text("AESTDTC")).day < dose[who])
        related = events.text("AEREL").strings() == "POSSIBLE"
        return cls(before, never[who], np.asarray(related, bool), events.text("AEACN").strings(), int(never.sum()))


def _drawn(study: Study, n: int = 1200) -> _Seen:
    source, structure = structured(study)
    return _Seen.of(Request(fit_study_model(source, structure), n, 5).study())


@pytest.mark.parametrize("few", [False, True])
def test_nothing_is_said_of_a_treatment_not_yet_given(few: bool) -> None:
    """Planted: half of the events on treatment are related, none before it; where three subjects alone have any, none are drawn."""
    study = events_from_consent(few=few)
    source, seen = _Seen.of(study), _drawn(study)
    assert seen.before.sum() == 0 if few else seen.before.sum() > 20
    assert not seen.related[seen.before].any()
    assert seen.related[~seen.before].mean() == pytest.approx(source.related[~source.before].mean(), abs=0.06)
    assert set(seen.action[seen.before]) == (set() if few else {"NOT APPLICABLE"})


def test_a_source_that_relates_events_before_the_treatment_is_followed() -> None:
    """Planted: three of ten events before the first dose are related; as many are drawn as the source has."""
    study = events_from_consent(related=0.3)
    source, seen = _Seen.of(study), _drawn(study)
    assert seen.related[seen.before].mean() == pytest.approx(source.related[source.before].mean(), abs=0.06)
    assert seen.related[~seen.before].mean() == pytest.approx(source.related[~source.before].mean(), abs=0.06)


def test_who_never_had_a_dose_is_before_it() -> None:
    """By day, not by minute; and where no dose is known of anybody, nothing lies before it."""
    dose = np.array([18000.5, np.nan])
    spine = make_spine(2, {"DM.RFXSTDTC": dose})
    owner, start = np.array([0, 0, 0, 1, 1]), np.array([17999.0, 18000.0, np.nan, 18500.0, np.nan])
    assert before_first_dose(spine, owner, start).tolist() == [True, False, False, True, True]
    assert not before_first_dose(make_spine(2), owner, start).any()


def test_what_begins_after_the_last_dose_is_of_a_phase_of_its_own() -> None:
    """By day as well; who never had a dose is before it, and without a last dose nothing is after it."""
    spine = make_spine(2, {"DM.RFXSTDTC": np.array([18000.5, np.nan]), "DM.RFXENDTC": np.array([18010.5, np.nan])})
    owner, start = np.array([0, 0, 0, 0, 0, 1]), np.array([17999.0, 18000.0, 18010.0, 18011.0, np.nan, 18500.0])
    assert phase_of_treatment(spine, owner, start).tolist() == [BEFORE, TREATED, TREATED, AFTER, TREATED, BEFORE]
    first = make_spine(2, {"DM.RFXSTDTC": np.array([18000.5, np.nan])})
    assert phase_of_treatment(first, owner, start).tolist() == [BEFORE, *[TREATED] * 4, BEFORE]


def test_actions_before_during_and_after_the_treatment_are_those_of_the_source() -> None:
    """Planted: nothing is done about a treatment that is over; what is NOT APPLICABLE on it stays as seldom as it is."""
    study = events_from_consent()
    subjects, events = study["DM"], study["AE"]
    place = {name: i for i, name in enumerate(subjects.text("USUBJID").strings().tolist())}
    who = np.array([place[name] for name in events.text("USUBJID").strings().tolist()])
    dose, start = parse_dates(subjects.text("RFXSTDTC")).day, parse_dates(events.text("AESTDTC")).day
    last = format_dates(dose + 20, np.full(len(dose), np.nan), np.where(np.isnan(dose), 0, int(Precision.DAY)).astype(np.int8))
    owner, over = who, start > dose[who] + 20
    assert over.sum() > 30
    action = np.where(over, "NOT APPLICABLE", events.text("AEACN").strings())
    study = study.with_datasets(
        [
            subjects.with_column(Variable("RFXENDTC"), last),
            events.with_column(events.variable("AEACN"), Text.of(action.tolist())),
        ]
    )
    sample = Request(fit_study_model(*structured(study)), 1200, 5).study()
    subjects, events = sample["DM"], sample["AE"]
    place = {name: i for i, name in enumerate(subjects.text("USUBJID").strings().tolist())}
    who = np.array([place[name] for name in events.text("USUBJID").strings().tolist()])
    start, end = parse_dates(events.text("AESTDTC")).day, parse_dates(subjects.text("RFXENDTC")).day
    first = parse_dates(subjects.text("RFXSTDTC")).day
    says = events.text("AEACN").strings()
    after, on = start > end[who], (start >= first[who]) & (start <= end[who])
    assert after.sum() > 100
    assert set(says[after]) == {"NOT APPLICABLE"}
    was_on = ~over & (parse_dates(study["AE"].text("AESTDTC")).day >= dose[owner])
    assert (says[on] == "NOT APPLICABLE").mean() == pytest.approx((action[was_on] == "NOT APPLICABLE").mean(), abs=0.05)


def test_the_treatment_may_end_for_the_last_event_under_it_of_who_left() -> None:
    """One completed, one left, one only gave consent; where no state is told, the last event of anybody may."""
    spine = make_spine(3, {"DM.RFXSTDTC": np.full(3, 18000.0), "DM.RFXENDTC": np.full(3, 18010.0)})
    owner, start = np.array([0, 0, 1, 1, 1, 2]), np.array([18001.0, 18005.0, 18006.0, 18002.0, 18020.0, 18003.0])
    treated = phase_of_treatment(spine, owner, start)
    assert may_end_treatment(spine, owner, start, treated).tolist() == [False, True, True, False, False, True]
    states = Text.of(["INFORMED CONSENT OBTAINED", "COMPLETED", "ADVERSE EVENT", "INFORMED CONSENT OBTAINED"])
    told = Told(np.array([0, 0, 1, 2], np.int32), {"DSDECOD": states}, np.full(4, np.nan), states=True)
    known = replace(spine, told={"DS": told})
    assert may_end_treatment(known, owner, start, treated).tolist() == [False, False, True, False, False, False]

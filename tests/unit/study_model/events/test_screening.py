"""Who was never dosed has as many events as its days at risk bring, unless many such subjects tell otherwise."""

from __future__ import annotations

import numpy as np
import pytest

from replicator.sampling.request import Request
from replicator.study_model.events.part import EventsPart
from replicator.study_model.fitting import fit_study_model
from replicator.study_model.study_model import StudyModel
from replicator.tables.dataset import Study
from replicator.tables.dates import parse_dates

from ..small_studies import events_from_consent, structured


def _fitted(study: Study) -> tuple[StudyModel, float]:
    source, structure = structured(study)
    model = fit_study_model(source, structure)
    part = model.parts["AE"]
    assert isinstance(part, EventsPart)
    return model, part.screening.rate


def _seen(study: Study) -> tuple[float, float, float]:
    """Events and days at risk of those without a dose, and events before the first dose of each of the others."""
    subjects, events = study["DM"], study["AE"]
    place = {name: i for i, name in enumerate(subjects.text("USUBJID").strings().tolist())}
    who = np.array([place[name] for name in events.text("USUBJID").strings().tolist()])
    dose, consent, last = (parse_dates(subjects.text(name)).day for name in ("RFXSTDTC", "RFICDTC", "RFPENDTC"))
    never, before = np.isnan(dose), parse_dates(events.text("AESTDTC")).day < dose[who]
    return float(never[who].sum()), float((last - consent + 1)[never].sum()), float(before.sum() / (~never).sum())


def test_events_of_who_was_never_dosed_are_those_of_the_days_at_risk() -> None:
    """Planted: an event in 25 days, all alike; 20 subjects are at risk for about eight days, 100 for 14 before the dose.

    The rate is that of some 70 events: three standard errors of it; and four of what is drawn.
    """
    study = events_from_consent()
    model, rate = _fitted(study)
    assert rate == pytest.approx(0.04, abs=0.015)
    events, days, before = _seen(Request(model, 1200, 5).study())
    assert abs(events - rate * days) < 4 * np.sqrt(rate * days)
    assert before == pytest.approx(_seen(study)[2], abs=0.12)


def test_many_without_a_dose_tell_of_themselves() -> None:
    """Planted: of 600 subjects 100 have no dose, and some 30 of these have events: their number is drawn as everybody's."""
    assert np.isnan(_fitted(events_from_consent(600))[1])

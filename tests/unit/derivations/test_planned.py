"""Times that follow from the plan."""

from __future__ import annotations

import numpy as np
import pandas as pd

from replicator.derivations.derive import derive

from .small_studies import find_in, make_study, subjects

N = 12
IDS = subjects(N)
HOURS = [-0.5, 0.0, 0.25, 1.0, 24.0]
DOSE = [str(pd.Timestamp("2020-03-01T22:45") + pd.Timedelta(days=i, minutes=i)).replace(" ", "T")[:16] for i in range(N)]


def samples(shift: list[float], periods: int = 1, jitter: float = 0.0) -> dict[str, list[object]]:
    """Samples of every subject at every time point of every period, in minutes after the dose and a shift of the period."""
    rng = np.random.default_rng(0)
    rows: dict[str, list[object]] = {"USUBJID": [], "PCTESTCD": [], "PCSTRESN": [], "PCTPTNUM": [], "PERIOD": [], "PCDTC": []}
    for subject, dose in zip(IDS, DOSE, strict=True):
        for period in range(periods):
            for hour in HOURS:
                moment = pd.Timestamp(dose) + pd.Timedelta(minutes=60 * hour + shift[period] + round(rng.normal(0, jitter)))
                values = (subject, "D", float(len(rows["PCDTC"])), hour, float(period + 1), moment.isoformat()[:16])
                for name, value in zip(rows, values, strict=True):
                    rows[name].append(value)
    return rows


def test_sampling_times_follow_the_dose() -> None:
    """Minutes after RFSTDTC by time point, across midnight and before the dose."""
    study = make_study(DM={"USUBJID": IDS, "RFSTDTC": DOSE}, PC=samples([0.0]))
    derivation = find_in(study)["PC", "PCDTC"]
    assert (derivation.rule, derivation.inputs) == ("planned_time", ("DM.RFSTDTC", "PC.PCTPTNUM"))
    found = {key: minutes for (key,), minutes in derivation.parameters["minutes"]}  # type: ignore[attr-defined]
    assert found == {"-0.5": -30.0, "0": 0.0, "0.25": 15.0, "1": 60.0, "24": 1440.0}
    assert derivation.n_agree == derivation.n_tested == N * len(HOURS)
    assert list(derive(derivation, study).strings()) == list(study["PC"].text("PCDTC").strings())


def test_the_second_period_begins_after_the_wash_out() -> None:
    """In a crossover the minutes depend on the period too."""
    study = make_study(DM={"USUBJID": IDS, "RFSTDTC": DOSE}, PC=samples([0.0, 14 * 1440.0], periods=2))
    derivation = find_in(study)["PC", "PCDTC"]
    assert derivation.parameters["by"] == ["PCTPTNUM", "PERIOD"]
    assert derivation.n_agree == 2 * N * len(HOURS)


def test_actual_times_are_no_plan() -> None:
    """Times that differ by some minutes between subjects are drawn and not derived; nor is what fewer than k share."""
    study = make_study(DM={"USUBJID": IDS, "RFSTDTC": DOSE}, PC=samples([0.0], jitter=6.0))
    assert ("PC", "PCDTC") not in find_in(study)
    exact = make_study(DM={"USUBJID": IDS, "RFSTDTC": DOSE}, PC=samples([0.0]))
    assert ("PC", "PCDTC") not in find_in(exact, k=N + 1)

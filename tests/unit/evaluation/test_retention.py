from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from replicator.evaluation.retention import Leaving, completers, survival, visits_per_subject
from replicator.evaluation.stack import stack_studies
from replicator.evaluation.timeline import Timeline
from replicator.tables.dataset import Dataset, Study

from .made_study import made_study


def test_survival_is_kaplan_and_meiers() -> None:
    """6-mercaptopurine in leukaemia: E. J. Freireich et al., Blood 21, 1963; estimates as R's survfit gives them."""
    weeks = np.array([6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35])
    relapse = np.array([1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0])
    n = len(weeks)
    exits = sparse.csr_matrix((np.ones(n), (np.arange(n), weeks)), shape=(n, 36))
    events = sparse.csr_matrix((relapse.astype(float), (np.arange(n), weeks)), shape=(n, 36))
    surviving, at_risk = survival(np.ones((1, n), bool), events, exits)
    expected = {6: 0.857, 7: 0.807, 10: 0.753, 13: 0.690, 16: 0.627, 22: 0.538, 23: 0.448}
    assert surviving[0, list(expected)] == pytest.approx(list(expected.values()), abs=5e-4)
    assert at_risk[0, [6, 7, 10, 13, 16, 22, 23]].tolist() == [21, 17, 15, 12, 11, 7, 6]


def test_completers_and_visits_are_those_of_the_study() -> None:
    source, sample = made_study(1, 40), made_study(2, 40)
    stack = stack_studies(source, sample)
    completed, visits = completers(stack), visits_per_subject(stack)
    assert completed is not None and visits is not None
    ds = source["DS"].to_frame().set_index("USUBJID").DSDECOD == "COMPLETED"
    sv = source["SV"].to_frame().groupby("USUBJID").VISITNUM.nunique()
    for i in np.flatnonzero(stack.origin == 0).tolist():
        subject = str(stack.view.subject_ids[i])[2:]
        assert completed[i] == ds[subject] and visits[i] == sv[subject]


def test_who_was_never_treated_does_not_leave() -> None:
    """Screen failures have no first day of treatment; their disposition is no discontinuation."""

    def with_failures(seed: int) -> Study:
        study = made_study(seed, 40)
        dm, ds = study["DM"].to_frame(), study["DS"].to_frame()
        failed = dm["USUBJID"][:10]
        dm["RFXSTDTC"] = dm["RFSTDTC"].where(~dm["USUBJID"].isin(failed), "")
        ds.loc[ds["USUBJID"].isin(failed), ["DSTERM", "DSDECOD"]] = "SCREEN FAILURE"
        changed = {"DM": Dataset.from_frame("DM", dm), "DS": Dataset.from_frame("DS", ds)}
        return study.with_datasets([changed.get(one.name, one) for one in study.datasets.values()])

    stack = stack_studies(with_failures(1), with_failures(2))
    leaving = Leaving.of(stack, Timeline(stack))
    assert leaving.by_disposition
    assert np.isnan(leaving.day).sum() == 20
    days = np.concatenate([study["DM"].text("RFXSTDTC").strings() != "" for study in (with_failures(1), with_failures(2))])
    assert np.isfinite(leaving.day).tolist() == days.tolist()

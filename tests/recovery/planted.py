"""A study of 450 subjects with known truths, fitted, and 1,500 subjects of its model."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import pandas as pd

from replicator.profile.find import find_structure
from replicator.sampling.request import Request
from replicator.study_model.fitting import fit_study_model
from replicator.study_model.study_model import StudyModel
from replicator.tables.dataset import Study

from ..properties.blueprint import Blueprint
from ..properties.strategies import build_study

BLUEPRINT = Blueprint(n=450, seed=11, attend=0.8)
STAYING = Blueprint(n=450, seed=12, attend=0.8, leave=(0.0, 0.0, 0.0))  # nobody leaves early
ARMS = ("Placebo", "Low Dose", "High Dose")


@dataclass(frozen=True, eq=False)
class Recovery:
    """A source, its model and a sample."""

    source: Study
    model: StudyModel
    sample: Study


@functools.cache
def recovery(blueprint: Blueprint = BLUEPRINT) -> Recovery:
    """Build, fit and sample once."""
    source = build_study(blueprint)
    model = fit_study_model(source, find_structure(source))
    return Recovery(source, model, Request(model, 1500, 7).study())


def frame(study: Study, name: str) -> pd.DataFrame:
    """Return a dataset with the subject's arm and its dates as days since 1970."""
    table = study[name].to_frame()
    if name != "DM" and "USUBJID" in table:
        dm = study["DM"].to_frame()[["USUBJID", "ARM", "RFSTDTC"]]
        table = table.merge(dm, on="USUBJID", validate="many_to_one")
    for column in [c for c in table.columns if c.endswith("DTC")]:
        whole = table[column].where(table[column].str.len() >= 10)
        days = pd.to_datetime(whole.str[:10]) - pd.Timestamp("1970-01-01")
        table[column[:-3]] = days.dt.days
    return table
